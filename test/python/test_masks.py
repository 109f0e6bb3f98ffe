"""Bands beside padding: a finite mask hides keys only while something lower does not hide those that it keeps."""

import json

import numpy as np
import onnx
import pytest
import streams
from onnx import TensorProto, helper, numpy_helper

N, WIDTH, BEFORE = 8, 4, 1
LOWEST = float(np.finfo(np.float32).min)


def model(path, spelling, low):
    """One attention; each query sees its own token and the one before, less those that are padding."""
    i, j = np.ogrid[:N, :N]
    band = np.where((i - j <= BEFORE) & (j <= i), 0, low).astype("f4")
    rng = np.random.default_rng(0)
    constants = {
        "band": band,
        "weight": rng.standard_normal((WIDTH, WIDTH)).astype("f4"),
        "low": np.float32(low),
        "zero": np.float32(0),
        "one": np.float32(1),
        "dim": np.int64([1]),
    }
    node = helper.make_node
    spellings = {
        # the padding behind the band, in front of it, by arithmetic, and as the caller's own numbers
        "where": [node("Add", ["scores", "band"], ["s"]), node("Where", ["pads", "low", "s"], ["masked"])],
        "add": [
            node("Where", ["pads", "low", "zero"], ["p"]),
            node("Add", ["band", "p"], ["both"]),
            node("Add", ["scores", "both"], ["masked"]),
        ],
        "arithmetic": [
            node("Cast", ["pads"], ["f"], to=TensorProto.FLOAT),
            node("Mul", ["f", "low"], ["p"]),
            node("Add", ["scores", "band"], ["s"]),
            node("Add", ["p", "s"], ["masked"]),
        ],
        "none": [node("Add", ["scores", "band"], ["masked"])],
    }
    nodes = [
        node("MatMul", ["x", "weight"], ["queries"]),
        node("Transpose", ["x"], ["keys"], perm=[0, 2, 1]),
        node("MatMul", ["queries", "keys"], ["scores"]),
        node("Unsqueeze", ["pad", "dim"], ["pads"]),
        *spellings[spelling],
        node("Softmax", ["masked"], ["weights"], axis=-1),
        node("MatMul", ["weights", "x"], ["y"]),
    ]
    info = helper.make_tensor_value_info
    inputs = [info("x", TensorProto.FLOAT, [1, N, WIDTH]), info("pad", TensorProto.BOOL, [1, N])]
    outputs = [info("y", TensorProto.FLOAT, [1, N, WIDTH])]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "masks", inputs, outputs, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


@pytest.mark.parametrize("low", [LOWEST, -np.inf])
@pytest.mark.parametrize("spelling", ["where", "add", "arithmetic", "none"])
def test_padding_that_hides_all_of_a_band(tmp_path, spelling, low):
    if spelling == "arithmetic" and low == -np.inf:
        pytest.skip("0 times infinity is no number")
    path = tmp_path / "model.onnx"
    model(path, spelling, low)
    rng = np.random.default_rng(1)
    tokens = {
        "x": rng.standard_normal((1, 4 * N + 3, WIDTH)).astype("f4"),
        "pad": rng.random((1, 4 * N + 3)) < 0.4,
    }
    inputs = [{"name": name, "token_axis": 1} for name in tokens]
    entry = {"path": path, "window": N, "options": [], "inputs": inputs}
    result, got = streams.run_stream(entry, tokens, "--explain=json", "--verify-slides")
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(path), entry, tokens)["y"]
    np.testing.assert_allclose(got["y"], expected, atol=2e-5, equal_nan=True)

    report = json.JSONDecoder().raw_decode(result.stdout)[0]
    [attention] = report["attentions"]
    has_band = spelling == "none" or low == -np.inf
    assert (attention["form"] == "rows") == has_band, attention
