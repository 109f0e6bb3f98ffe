"""Convolutions over time and other dimensions in front of an encoder: any geometry streams, and equals its window."""

import json
import sys

import numpy as np
import onnx
import pytest
import streams
from onnx import TensorProto

sys.path.insert(0, str(streams.ROOT / "test" / "fuzz"))
from graph import Graph  # noqa: E402

WINDOW, WIDTH = 12, 8
# Where the window stands in the input, and the permutation that puts it behind the batch of what the convolution gives.
LAYOUTS = {
    "[B, T, F]": ((1, WINDOW, 6), 1, (0, 2, 1, 3)),
    "[B, 1, T, F]": ((1, 1, WINDOW, 6), 2, (0, 2, 1, 3)),
    "[B, 1, F, T]": ((1, 1, 6, WINDOW), 3, (0, 3, 1, 2)),
    "[B, C, T, H, W]": ((2, 2, WINDOW, 4, 4), 2, (0, 2, 1, 3, 4)),
}
SAME = dict(kernel=(3, 3), pads=[1, 1, 1, 1])
CASES = [
    ("[B, T, F]", SAME, 1),
    ("[B, T, F]", dict(SAME, strides=[2, 2]), 2),
    ("[B, T, F]", dict(SAME, strides=[2, 2], twice=True), 4),
    ("[B, T, F]", dict(kernel=(3, 3), auto_pad="SAME_UPPER"), 1),
    ("[B, T, F]", dict(kernel=(3, 2), dilations=[2, 1], pads=[4, 0, 0, 0]), 1),
    ("[B, T, F]", dict(kernel=(2, 6), strides=[2, 6]), 2),
    ("[B, T, F]", dict(kernel=(1, 3), pads=[0, 1, 0, 1]), 1),
    ("[B, T, F]", dict(SAME, pool=dict(kernel_shape=[2, 2], strides=[2, 2])), 2),
    ("[B, 1, T, F]", dict(kernel=(3, 3)), 1),
    ("[B, 1, F, T]", dict(SAME, strides=[2, 1]), 1),
    ("[B, 1, F, T]", dict(kernel=(3, 3), pads=[0, 2, 0, 0]), 1),
    ("[B, C, T, H, W]", dict(kernel=(3, 2, 2), pads=[1, 0, 0, 1, 0, 0], strides=[1, 2, 2], group=2), 1),
    ("[B, C, T, H, W]", dict(kernel=(2, 4, 4), strides=[2, 4, 4]), 2),
]


class Writer:
    def __init__(self):
        self.g, self.rng = Graph(17), np.random.default_rng(0)

    def random(self, *shape):
        return self.g.constant(0.5 * self.rng.standard_normal(shape))

    def convolve(self, x, channels, kernel, **options):
        group = options.get("group", 1)
        weight = self.random(4, channels // group, *kernel)
        return self.g.Relu(self.g.Conv(x, weight, self.random(4), **options))

    def encoder(self, x, batch):
        """One block on [B, T, any width]."""
        g = self.g
        x = g.Add(g.MatMul(x, self.random(self.shape_of(x)[2], WIDTH)), self.random(WIDTH))
        heads = lambda y: g.transpose(g.reshape(y, batch, -1, 2, WIDTH // 2), 0, 2, 1, 3)
        q, k, v = [heads(g.MatMul(x, self.random(WIDTH, WIDTH))) for _ in range(3)]
        weights = g.Softmax(g.Mul(g.MatMul(q, g.transpose(k, 0, 1, 3, 2)), g.scalar(0.5)), axis=-1)
        mixed = g.reshape(g.transpose(g.MatMul(weights, v), 0, 2, 1, 3), batch, -1, WIDTH)
        return g.LayerNormalization(g.Add(x, mixed), self.random(WIDTH), self.random(WIDTH), axis=-1)

    def shape_of(self, value):
        probe = onnx.helper.make_tensor_value_info(value, TensorProto.FLOAT, None)
        graph = onnx.helper.make_graph(self.g.nodes, "probe", self.g.inputs, [probe], self.g.initializers)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
        return [dim.dim_value for dim in inferred.graph.output[0].type.tensor_type.shape.dim]


def build(layout, options):
    """(model, manifest entry) of a convolution, or two, a pool, and an encoder."""
    shape, axis, perm = LAYOUTS[layout]
    options = dict(options)
    twice, pool = options.pop("twice", False), options.pop("pool", None)
    w = Writer()
    x = w.g.input("x", TensorProto.FLOAT, shape)
    if len(shape) == 3:
        x = w.g.unsqueeze(x, 1)
    x = w.convolve(x, shape[1] if len(shape) > 3 else 1, **options)
    if twice:
        x = w.convolve(x, 4, **options)
    if pool:
        x = w.g.MaxPool(x, **pool)
    x = w.g.transpose(x, *perm)
    x = w.g.reshape(x, shape[0], w.shape_of(x)[1], -1)
    w.g.output(w.encoder(x, shape[0]), "y")
    inputs = [{"name": "x", "shape": list(shape), "token_axis": axis, "dtype": "float32"}]
    return w.g.model(), {"window": WINDOW, "inputs": inputs, "options": [f"--token-axis=x={axis}"]}


@pytest.mark.parametrize("layout, options, chunk", CASES, ids=lambda value: str(value).replace(" ", ""))
def test_streams_over_time_and_frequency(layout, options, chunk, tmp_path):
    model, entry = build(layout, options)
    entry["path"] = tmp_path / "model.onnx"
    onnx.save(model, entry["path"])
    tokens = streams.random_streams(entry, 4 * WINDOW + 3)
    result, outputs = streams.run_stream(
        entry, tokens, f"--chunk={chunk}", "--verify", "--verify-slides", "--explain=json"
    )
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(model), entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE
    report = json.loads(result.stdout[result.stdout.index("{") : result.stdout.rindex("}") + 1])
    # Only the softmax meets all tokens: the convolution is computed on new ones and at the edges.
    assert [blame["op"] for blame in report["blame"]] == ["Softmax"]
    assert report["macs_step"] < report["macs_window"]
