"""The cases of models that are kept in the repository."""

import row
import streams

TITLE = "Kept in the repository"
TEXT = "`test/models`: PyTorch's own layers and hand-written encoders, made by `test/models/export_models.py`."


def case_of(entry):
    return row.Case(entry["path"].stem, dict(entry, chunk=entry["chunks"][0]))


def kept_sections():
    return [(TITLE, TEXT, [case_of(entry) for entry in streams.manifest().values()])]
