"""Outlines of leaves of six trees: the distance of each of 427 points of the outline from the centre.

OSULeaf (A. Grandhi, Oregon State University; UCR archive): 200 leaves to learn from, 242 to test with. The files ship
inside of the Python package aeon, whose code is not imported.
"""

import importlib.util
import pathlib

import numpy as np

CLASSES = 6
POINTS = 427
STRIDE = 2  # a token for every second point,
FEATURES = 16  # which is that point and its neighbours along the closed outline
TOKENS = -(-POINTS // STRIDE)


def load(part):
    """(outlines [leaves, 427] float32, species [leaves] 0..5) of `part`, "TRAIN" or "TEST"."""
    package = importlib.util.find_spec("aeon")
    if package is None:
        raise SystemExit("error: the outlines are missing: pip install --no-deps -r dependencies/python-demo.txt")
    folder = pathlib.Path(package.submodule_search_locations[0], "datasets", "data", "OSULeaf")
    rows = (folder / f"OSULeaf_{part}.ts").read_text().split("@data", 1)[1].split()
    outlines = [row.rsplit(":", 1)[0].split(",") for row in rows]
    species = [int(row.rsplit(":", 1)[1]) - 1 for row in rows]
    return np.array(outlines, np.float32), np.array(species)


def tokens_of(outlines):
    """[leaves, tokens, 16] of outlines [leaves, 427]."""
    places = np.arange(0, POINTS, STRIDE)[:, None] + np.arange(FEATURES) - FEATURES // 2
    return np.ascontiguousarray(outlines[:, places % POINTS])


def turned(outlines, rng):
    """The same leaves, traced from other points and some of them in the other direction."""
    rows, starts = np.arange(len(outlines))[:, None], rng.integers(POINTS, size=(len(outlines), 1))
    found = outlines[rows, (np.arange(POINTS) + starts) % POINTS]
    return found if rng.random() < 0.5 else np.ascontiguousarray(found[:, ::-1])
