"""docs/models.md says what Weir does today; survey.py writes it anew."""

import subprocess
import sys

import numpy as np
import pytest
import streams

sys.path.insert(0, str(streams.ROOT / "test" / "survey"))
import page  # noqa: E402
import row  # noqa: E402
import survey  # noqa: E402
from kept import kept_sections  # noqa: E402

KEPT = [(title, case) for title, _, cases in kept_sections() for case in cases]
STATED = page.keyed(page.sections(survey.PAGE.read_text()))


@pytest.mark.parametrize("title, case", KEPT, ids=[case.name for _, case in KEPT])
def test_page_has_the_row_of_a_kept_model(title, case):
    key = (title, case.name, case.rows)
    fresh = {key: row.row_of(case)}
    assert page.changes(fresh, {key: STATED[key]} if key in STATED else {}) == []


def test_page_has_no_rows_of_models_that_are_gone():
    titles = {title for title, _ in KEPT}
    stated = {key for key in STATED if key[0] in titles}
    assert stated == {(title, case.name, case.rows) for title, case in KEPT}


def test_page_is_large_and_reads_back():
    sections = page.sections(survey.PAGE.read_text())
    assert page.write(sections, survey.COMMAND) == survey.PAGE.read_text()
    assert len(STATED) >= 60


def test_changes_of_a_row_are_found():
    old = dict.fromkeys(row.COLUMNS, "a")
    new = dict(old, ratio="b", difference="c")
    assert page.changes({("t", "m", "all"): new}, {("t", "m", "all"): old}) == [
        "t / m / all: window / step is 'b', the page says 'a'"
    ]
    assert page.changes({}, {("t", "m", "all"): old}) == ["t / m / all: on the page only"]


def test_an_output_that_ignores_the_stream_proves_nothing():
    still = np.ones((3, 2), "float32")
    with pytest.raises(AssertionError, match="does not depend on the stream"):
        row.check_alive({"y": still})


@pytest.mark.skipif(not streams.FULL, reason="WEIR_FULL is not 1")
@pytest.mark.xdist_group("full")
def test_page_has_the_rows_of_fresh_exports():
    command = [sys.executable, streams.ROOT / "test" / "survey" / "survey.py", "--full", "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-4000:]
