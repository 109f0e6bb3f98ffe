"""One small encoder, written in ways that files differ in and models do not; each streams, and equals its window."""

import sys

import numpy as np
import onnx
import pytest
import streams
from onnx import TensorProto, helper

sys.path.insert(0, str(streams.ROOT / "test" / "fuzz"))
from graph import Graph  # noqa: E402

WINDOW, WIDTH, HEADS = 6, 8, 2
NAMES = ["a b", "a/b:0", '"q"', "it's", "ünï ☃", "\\back", "%d %s", "a\nb", "<>&|;$(ls)", "@loc", "{{}}", ",", "=", "a=b", "x" * 10_000]
LAYOUTS = {"batch": ((1, WINDOW, WIDTH), 1), "tokens_first": ((WINDOW, 1, WIDTH), 0), "no_batch": ((WINDOW, WIDTH), 0)}


class Encoder:
    def __init__(self, opset=17, layout="batch", side=False, spell_softmax=False):
        self.g, self.rng = Graph(opset), np.random.default_rng(0)
        self.shape, self.axis = LAYOUTS[layout]
        self.layout, self.side, self.spell_softmax = layout, side, spell_softmax

    def linear(self, x):
        weight, bias = (self.g.constant(0.4 * self.rng.standard_normal(shape)) for shape in [(WIDTH, WIDTH), WIDTH])
        return self.g.Add(self.g.MatMul(x, weight), bias)

    def heads(self, x):
        size = WIDTH // HEADS
        if self.layout == "no_batch":
            return self.g.transpose(self.g.reshape(x, WINDOW, HEADS, size), 1, 0, 2)
        if self.layout == "tokens_first":
            return self.g.transpose(self.g.reshape(x, WINDOW, 1, HEADS, size), 1, 2, 0, 3)
        return self.g.transpose(self.g.reshape(x, 1, WINDOW, HEADS, size), 0, 2, 1, 3)

    def softmax(self, scores, axis):
        g = self.g
        if not self.spell_softmax:
            return g.Softmax(scores, axis=-1 if g.opset >= 13 else axis)
        axes = g.constant([axis], np.int64)
        powers = g.Exp(g.Sub(scores, g.ReduceMax(scores, axes)))
        return g.Div(powers, g.ReduceSum(powers, axes))

    def join(self, x):
        perm = {"no_batch": (1, 0, 2), "tokens_first": (2, 0, 1, 3), "batch": (0, 2, 1, 3)}[self.layout]
        return self.g.reshape(self.g.transpose(x, *perm), *self.shape)

    def model(self):
        g, rank = self.g, 3 if self.layout == "no_batch" else 4
        x = g.input("x", TensorProto.FLOAT, self.shape)
        if self.side:
            x = g.Add(x, g.input("side", TensorProto.FLOAT, (WIDTH,)))
        q, k, v = [self.heads(self.linear(x)) for _ in range(3)]
        swap = [*range(rank - 2), rank - 1, rank - 2]
        scores = g.Mul(g.MatMul(q, g.transpose(k, *swap)), g.scalar(0.5))
        weights = self.softmax(scores, rank - 1)
        g.output(self.linear(g.Add(x, self.join(g.MatMul(weights, v)))), "y")
        graph = helper.make_graph(g.nodes, "encoder", g.inputs, g.outputs, g.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", g.opset)], ir_version=8)

    def entry(self):
        inputs = [{"name": "x", "shape": list(self.shape), "token_axis": self.axis, "dtype": "float32"}]
        return {"window": WINDOW, "inputs": inputs, "options": []}


def check(model, entry, folder, *options, extra=lambda start: {}):
    entry["path"] = folder / "model.onnx"
    if model:
        onnx.save(model, entry["path"])
    tokens = streams.random_streams(entry, 4 * WINDOW + 3)
    result, outputs = streams.run_stream(entry, tokens, "--verify", "--verify-slides", *options)
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, extra=extra)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def as_inputs(model):
    """Declares the initializers as inputs too, in front of the others: older files must."""
    inputs = list(model.graph.input)
    del model.graph.input[:]
    for one in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, one.dims))
    model.graph.input.extend(inputs)
    return model


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout, tmp_path):
    encoder = Encoder(layout=layout)
    check(encoder.model(), encoder.entry(), tmp_path)


@pytest.mark.parametrize("opset, ir_version", [(7, 3), (8, 3), (9, 4), (10, 5), (11, 6), (12, 7), (15, 8), (19, 9), (22, 10), (24, 11)])
def test_opsets_and_versions(opset, ir_version, tmp_path):
    encoder = Encoder(opset)
    model = encoder.model()
    model.ir_version = ir_version
    check(as_inputs(model) if ir_version == 3 else model, encoder.entry(), tmp_path)


def test_a_softmax_spelled_out(tmp_path):
    encoder = Encoder(opset=18, spell_softmax=True)
    check(encoder.model(), encoder.entry(), tmp_path)


def test_initializers_that_are_inputs(tmp_path):
    encoder = Encoder()
    check(as_inputs(encoder.model()), encoder.entry(), tmp_path)


def test_external_data(tmp_path):
    encoder = Encoder()
    onnx.save(encoder.model(), tmp_path / "model.onnx", save_as_external_data=True, location="the weights.bin", size_threshold=128)
    check(None, encoder.entry(), tmp_path)


def test_an_input_that_does_not_stream(tmp_path):
    encoder, side = Encoder(side=True), np.linspace(-1, 1, WIDTH, dtype=np.float32)
    np.save(tmp_path / "side.npy", side)
    options = [f"--static=side={tmp_path}/side.npy"]
    check(encoder.model(), encoder.entry(), tmp_path, *options, extra=lambda start: {"side": side})


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name[:8]))
def test_names_of_any_characters(name, tmp_path):
    """Of inputs, values and nodes."""
    encoder = Encoder()
    model, entry = encoder.model(), encoder.entry()
    old = model.graph.node[0].output[0]
    renamed = {"x": name, old: f"{name}_value"}
    for index, node in enumerate(model.graph.node):
        node.name = f"{name}{index}"
        node.input[:] = [renamed.get(one, one) for one in node.input]
        node.output[:] = [renamed.get(one, one) for one in node.output]
    model.graph.name = model.graph.input[0].name = entry["inputs"][0]["name"] = name
    check(model, entry, tmp_path)
