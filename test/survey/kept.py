"""The cases of models that are kept in the repository."""

import json

import row
import streams

FOLDER = streams.MODELS / "exported"  # of other libraries, written by `survey.py --keep`
OWN = (
    "Kept in the repository",
    "`test/models`: PyTorch's own layers and hand-written encoders, made by `test/models/export_models.py`.",
)
OTHERS = (
    "Kept in the repository, of other libraries",
    "`test/models/exported`: some of the models of the sections below, made by `test/survey/survey.py --keep`.",
)


def own_case(entry):
    return row.Case(entry["path"].stem, dict(entry, chunk=entry["chunks"][0]))


def other_cases():
    lines = json.loads((FOLDER / "manifest.json").read_text())
    return [row.Case(line["name"], dict(line, path=FOLDER / line["file"]), line["rows"]) for line in lines]


def kept_sections():
    return [(*OWN, [own_case(entry) for entry in streams.manifest().values()]), (*OTHERS, other_cases())]


def keep(cases):
    """Write the files of `cases` and their manifest."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.onnx"):
        old.unlink()
    lines = []
    for case in cases:
        path = case.entry["path"]
        (FOLDER / path.name).write_bytes(path.read_bytes())
        entry = {key: value for key, value in case.entry.items() if key != "path"}
        lines.append(json.dumps({"name": case.name, "file": path.name, "rows": case.rows, **entry}))
    (FOLDER / "manifest.json").write_text("[\n  " + ",\n  ".join(lines) + "\n]\n")
