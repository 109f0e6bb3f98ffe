"""docs/training.md from its first block to its last: what it trains, Weir runs, as accurately."""

import json
import os
import re
import subprocess
import sys

import pytest
import streams

pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not streams.FULL, reason="WEIR_FULL is not 1")

BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```", re.M | re.S)
PAGE = streams.ROOT / "docs" / "training.md"

# Python blocks share their names, as in a notebook.
DRIVER = """
import json, subprocess, sys
names = {"__name__": "page"}
for number, (kind, block) in enumerate(json.load(sys.stdin)):
    if kind == "python":
        exec(compile(block, f"block {number}", "exec"), names)
    else:
        subprocess.run(["bash", "-euo", "pipefail", "-c", block], check=True)
json.dump(names["accuracies"], open("accuracies.json", "w"))
"""


@pytest.fixture(scope="module")
def accuracies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = os.pathsep.join([str(streams.BUILD / "bin"), os.environ["PATH"]])
    environment = dict(os.environ, PATH=path, PYTHONPATH=str(streams.ROOT / "python"), OMP_NUM_THREADS="1")
    blocks = json.dumps(BLOCK.findall(PAGE.read_text()))
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DRIVER], input=blocks, cwd=folder, env=environment, text=True,
        capture_output=True, timeout=1800,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-4000:]
    return json.loads((folder / "accuracies.json").read_text())


def test_accuracies_are_those_of_the_page(accuracies):
    """Within what another processor's rounding does to a training."""
    shown = re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) \| ([\d.]+) \|$", PAGE.read_text(), re.M)
    assert {name for name, _, _ in shown} == accuracies.keys() - {"full"}
    assert accuracies["full"] > 0.9
    for name, before, after in shown:
        assert abs(accuracies[name][1] - float(after)) < 0.06, name
        assert accuracies[name][1] >= accuracies[name][0] - 0.02, name
    for name in ("resample", "pool"):  # before any training
        assert accuracies[name][0] > accuracies["full"] - 0.05
