"""Whole windows as native functions: --rewrite=none and --entries=window."""

import ctypes

import native
import numpy as np
import pytest
import streams

MODELS = [
    "layers_ts17", "layers_dynamo_3_pre", "encoder_both", "layers_ts_batch3", "layers_ts_tokens_first", "words",
    "layers_ts_padding", "encoder_rotary_band",
]  # fmt: skip


class Windows(native.Artifact):
    def __init__(self, entry, folder, *options):
        super().__init__(entry, folder, *options, ending=".so")
        self.library = ctypes.CDLL(str(self.object))
        self.scratch = np.empty(self.manifest["scratch_bytes"] + 64, np.uint8)

    def address(self, shift=0):
        return ctypes.c_void_p(self.scratch.ctypes.data + -self.scratch.ctypes.data % 64 + shift)

    @staticmethod
    def pointers(arrays):
        return (ctypes.c_void_p * len(arrays))(*[None if a is None else a.ctypes.data for a in arrays])

    def run(self, tokens, wanted=None):
        inputs = [np.ascontiguousarray(tokens[name]) for name, _, _ in self.ports("inputs")]
        for array, (_, dtype, shape) in zip(inputs, self.ports("inputs"), strict=True):
            assert array.dtype == dtype and list(array.shape) == shape
        outputs = {name: np.full(shape, 77, dtype) for name, dtype, shape in self.ports("outputs")}
        given = [array if wanted in (None, name) else None for name, array in outputs.items()]
        self.scratch[:] = np.random.default_rng(0).integers(0, 256, self.scratch.size)
        assert self.library.model_window(self.address(), self.pointers(inputs), self.pointers(given)) == 1
        return outputs


def window_of(entry, seed):
    return streams.random_streams(entry, entry["window"], seed)


@pytest.mark.parametrize("name", MODELS)
def test_windows_equal_onnxruntime(name, tmp_path):
    entry = streams.manifest()[name]
    made = Windows(entry, tmp_path, "--rewrite=none")
    assert made.manifest["entries"] == ["window"] and made.manifest["window"] == entry["window"]
    session = streams.open_session(entry["path"])
    for seed in range(3):
        tokens = window_of(entry, seed)
        expected = dict(zip([one.name for one in session.get_outputs()], session.run(None, tokens), strict=True))
        got = made.run(tokens)
        assert streams.difference(got, expected) <= streams.TOLERANCE
        for wanted, array in made.run(tokens, wanted=next(iter(got))).items():
            assert np.array_equal(array, got[wanted]) == (wanted == next(iter(got)))


def test_compressed_windows_equal_those_of_weir_run(tmp_path):
    entry = streams.manifest()["layers_ts_2_mean"]
    options = ("--rewrite=dct", "--rewrite-options=variant=resample keep=4", "--approximate=yes")
    made = Windows(entry, tmp_path, *options, "--entries=window")
    tokens = window_of(entry, 0)
    _, expected = streams.run_stream(entry, tokens, *options)
    got = {name: array[None] for name, array in made.run(tokens).items()}
    assert streams.difference(got, expected) == 0


def test_wrong_calls_are_refused(tmp_path):
    made = Windows(streams.manifest()["layers_ts17"], tmp_path, "--rewrite=none")
    tokens = next(iter(window_of(made.entry, 0).values()))
    window = made.library.model_window
    assert window(None, made.pointers([tokens]), None) == -1
    assert window(made.address(), None, None) == -1
    assert window(made.address(), made.pointers([None]), None) == -1
    assert window(made.address(8), made.pointers([tokens]), None) == -2
    assert window(made.address(), made.pointers([tokens]), None) == 1
    made.library.model_error.restype = ctypes.c_char_p
    assert b"scratch" in made.library.model_error(-2)
    [(_, dtype, shape)] = made.ports("outputs")
    one = np.empty(shape, dtype)
    x, y = (ctypes.c_void_p(array.ctypes.data) for array in (tokens, one))
    assert made.library.model_window1(made.address(), x, y) == 1
    assert np.array_equal(one, *made.run({made.ports("inputs")[0][0]: tokens}).values())


def test_steps_are_refused_where_windows_are_asked_for():
    path = streams.manifest()["layers_ts17"]["path"]
    result = streams.weir_run(path, "--entries=window")
    assert result.returncode == 2 and "--rewrite=none" in result.stderr
