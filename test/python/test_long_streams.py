"""Streams that have run for years: a step depends on its counter through remainders only.

A stream is saved, its counter moved on by a multiple of all periods, and both go on with the same tokens.
"""

import ctypes
import json
import math

import numpy as np
import pytest
import test_semantics
from native import weir_compile

WINDOW, PERIOD = 8, 12
LATER = [10**7, 2**31 - 3, 2**40]

CASES = {
    "rotary": (dict(rotary=True), []),
    "alibi": (dict(bias="alibi"), []),
    "relative": (dict(bias="relative"), []),
    "recycled": (dict(table=True), ["--positions=recycle"]),
    "recycled after more": (dict(table=True), [f"--positions=recycle:{PERIOD}"]),
    "recycled, newest row": (dict(table=True, head="newest"), [f"--positions=recycle:{PERIOD}"]),
    "partial": (dict(bias="alibi"), ["--warmup=partial"]),
    "stream": (dict(band=(3, 0), bias="relative"), ["--semantics=stream"]),
    "stream, recycled": (dict(band=(3, 0), table=True), ["--semantics=stream", f"--positions=recycle:{PERIOD}"]),
    "stream, rotary": (dict(band=(3, 0), rotary=True), ["--semantics=stream"]),
    "deep": (dict(bias="alibi"), ["--semantics=deep"]),
}


class Library:
    """A compiled model with one input and one output."""

    def __init__(self, folder, parts, options):
        path = test_semantics.save(folder, "model", **parts)
        words = ["--window=8", "--token-axis=x=1", *options, "-o", folder / "model.so"]
        weir_compile(path, *words, check=True)
        self.code = ctypes.CDLL(str(folder / "model.so"))
        self.facts = json.loads((folder / "model.json").read_text())
        [counter] = [state["offset"] for state in self.facts["states"] if state["name"] == "step"]
        self.counter = slice(counter, counter + 8)
        self.shape = self.facts["outputs"][0]["shape"]

    def start(self):
        """The bytes of a new stream, at an address that is a multiple of 64."""
        room = np.zeros(self.facts["state_bytes"] + 64, np.uint8)
        state = room[-room.ctypes.data % 64 :][: self.facts["state_bytes"]]
        assert self.code.model_init(state.ctypes.data_as(ctypes.c_void_p)) == 0
        return state

    def run(self, state, tokens):
        """Outputs of the steps that take `tokens` in; None where the stream warms up."""
        outputs = []
        pointer = lambda array: array.ctypes.data_as(ctypes.c_void_p)
        for t in range(tokens.shape[1]):
            x, y = np.ascontiguousarray(tokens[:, t : t + 1]), np.full(self.shape, np.nan, np.float32)
            code = self.code.model_step1(pointer(state), pointer(x), pointer(y))
            assert code >= 0
            outputs.append(y if code else None)
        return outputs

    def steps(self, state):
        return int(state[self.counter].view(np.int64)[0])

    def move(self, state, steps):
        state[self.counter].view(np.int64)[0] = steps


@pytest.mark.parametrize("case", CASES)
def test_a_late_stream_goes_on_as_an_early_one(tmp_path, case):
    library = Library(tmp_path, *CASES[case])
    cycle = math.lcm(WINDOW, PERIOD)
    for later in LATER:
        begin = WINDOW + (later - WINDOW) % cycle  # in the same phase
        tokens = test_semantics.random_tokens(begin + 4 * WINDOW)
        state = library.start()
        library.run(state, tokens[:, :begin])
        assert library.steps(state) == begin
        late = library.start()
        late[:] = state
        library.move(late, later)
        want, got = (library.run(one, tokens[:, begin:]) for one in (state, late))
        assert library.steps(late) == later + 4 * WINDOW
        assert all(np.array_equal(a, b) for a, b in zip(want, got)) and np.isfinite(got).all()
        if "recycled" not in case:  # only tables know the phase: a new stream ends up the same
            new = library.run(library.start(), tokens[:, begin:])[3 * WINDOW :]
            assert np.abs(np.array(new) - np.array(got[3 * WINDOW :])).max() <= 2e-5 * np.abs(new).max()
