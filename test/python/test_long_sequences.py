"""The commands of examples/long_sequences: what needs no PyTorch at small sizes, the rest under WEIR_FULL=1."""

import json
import re
import subprocess
import sys

import numpy as np
import onnx
import pytest
import streams

FOLDER = streams.ROOT / "examples" / "long_sequences"
sys.path.insert(0, str(FOLDER))
import encoder  # noqa: E402
import listops  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402

needs_torch = pytest.mark.skipif(not streams.FULL, reason="WEIR_FULL is not 1")


def run(command, folder, *options):
    """The rows that a command of the examples measures."""
    words = [sys.executable, FOLDER / f"{command[0]}.py", *command[1:], "--weir-run", streams.WEIR_RUN]
    result = subprocess.run([*words, "--output", folder, *options], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    rows = json.loads((folder / f"{command[-1]}.json").read_text())
    assert all(f"| {row['form']} |" in result.stdout for row in rows)
    assert (folder / f"{command[-1]}.svg").stat().st_size > 1000
    return rows


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    return run(["memory"], tmp_path_factory.mktemp("memory"), "--tokens", "256,512,1024")


def test_memory_of_compressed_attention_grows_linearly(grown):
    forms = report.curves(grown, lambda row: row["form"])
    assert len(forms) == 5 and all(len(rows) == 3 for rows in forms.values())
    for form, rows in forms.items():
        if "DCT" in form or "CAST" in form:
            for one, twice in zip(rows, rows[1:]):
                assert twice["peak"] <= 2.1 * one["peak"], form


def test_memory_shows_accuracy_with_its_numbers(grown):
    for row in grown:
        exact = "full" in row["form"]
        assert row["error"] < 1e-5 if exact else 1e-4 < row["error"]


def value_of(ids):
    """The value of an expression, read from its ids as a stack."""
    stack = []
    for one in ids:
        if one != listops.CLOSE:
            stack.append(int(one))
            continue
        digits = []
        while stack[-1] >= listops.DIGIT:
            digits.append(stack.pop() - listops.DIGIT)
        name = stack.pop()
        found = {1: np.min, 2: np.max, 3: lambda d: np.sort(d)[len(d) // 2], 4: lambda d: np.sum(d) % 10}[name](digits)
        stack.append(listops.DIGIT + int(found))
    [value] = stack
    return value - listops.DIGIT


def test_listops_are_expressions_of_their_values():
    ids, values = listops.sample(50, 64, seed=3)
    assert [value_of(row[row != listops.PADDING]) for row in ids] == values.tolist()
    assert ids.max() < listops.VOCABULARY and len(set(values.tolist())) > 5


def test_encoder_is_one_that_runtimes_take(tmp_path):
    path = tmp_path / "encoder.onnx"
    onnx.save(encoder.encoder(24, blocks=2), path)
    windows = {"x": np.concatenate([encoder.smooth(24, seed=seed) for seed in range(3)])}
    mine = measure.weir(streams.WEIR_RUN, path, windows, "--rewrite=none", explain=False)
    assert measure.error(mine.outputs, measure.reference(path, windows).outputs) < 2e-5


def test_page_has_a_place_for_every_table():
    page = report.PAGE.read_text()
    for name in ("leaves", "listops", "minilm", "memory"):
        written = report.put(page, name, "a table")
        assert "a table" in written and report.put(written, name, "a table") == written


def test_pictures_of_the_page_are_there():
    named = re.findall(r"\]\((images/.*?)\)", report.PAGE.read_text())
    assert named and all((report.PAGE.parent / name).is_file() for name in named)


@needs_torch
@pytest.mark.parametrize("task", ["listops", "leaves"])
def test_classify(task, tmp_path):
    rows = run(["classify", task], tmp_path, "--steps", "2", "--tests", "8")
    assert len({(row["form"], row["size"], row["training"]) for row in rows}) == len(rows) > 20


@needs_torch
def test_retrieve(tmp_path):
    folder = tmp_path
    words = [sys.executable, FOLDER / "retrieve.py", "--weir-run", streams.WEIR_RUN, "--output", folder]
    result = subprocess.run([*words, "--topics", "2", "--steps", "1"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    exact = [row for row in json.loads((folder / "minilm.json").read_text()) if row["size"] is None]
    assert [row["error"] < 1e-5 for row in exact] == [True, True]
