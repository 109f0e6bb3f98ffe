"""Recorded speech: nine men say a Japanese vowel; a token is 12 coefficients of its spectrum.

Japanese Vowels, M. Kudo, J. Toyama, M. Shimbo, UCI Machine Learning Repository, CC BY 4.0: 270 utterances to
learn from, 370 to test with, 7 to 29 tokens each. The files ship inside of the Python package aeon, whose
code is not imported.
"""

import importlib.util
import pathlib

import numpy as np

SPEAKERS = 9
COEFFICIENTS = 12


def load(part):
    """[(tokens [length, 12] float32, speaker 0..8)] of `part`, "TRAIN" or "TEST"."""
    package = importlib.util.find_spec("aeon")
    if package is None:
        raise SystemExit(
            "error: the recordings are missing: pip install --no-deps -r dependencies/python-demo.txt"
        )
    folder = pathlib.Path(package.submodule_search_locations[0], "datasets", "data", "JapaneseVowels")
    utterances = []
    for line in (folder / f"JapaneseVowels_{part}.ts").read_text().split("@data", 1)[1].split("\n"):
        if line.strip():
            *rows, speaker = line.split(":")
            tokens = np.array([[float(v) for v in row.split(",")] for row in rows], np.float32)
            utterances.append((tokens.T, int(speaker) - 1))
    return utterances


def live(utterances, rng):
    """One endless-looking stream: the utterances in random order, with nothing between them.

    Returns tokens [T, 12], the speaker [T] of each, and the utterance [T] that each belongs to.
    """
    order = rng.permutation(len(utterances))
    tokens = np.concatenate([utterances[u][0] for u in order])
    lengths = [len(utterances[u][0]) for u in order]
    speakers = np.repeat([utterances[u][1] for u in order], lengths)
    return tokens, speakers, np.repeat(np.arange(len(order)), lengths)
