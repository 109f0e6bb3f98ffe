"""An encoder of random weights for any number of tokens, written without PyTorch: for what depends on sizes alone."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Writer:
    def __init__(self, seed):
        self.rng, self.nodes, self.constants = np.random.default_rng(seed), [], []

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def node(self, kind, *operands, **attributes):
        self.nodes.append(helper.make_node(kind, operands, [f"v{len(self.nodes)}"], f"{kind}_{len(self.nodes)}", **attributes))
        return self.nodes[-1].output[0]

    def linear(self, x, inputs, outputs):
        weights = self.rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
        bias = 0.1 * self.rng.standard_normal(outputs)
        product = self.node("MatMul", x, self.constant(weights.astype(np.float32)))
        return self.node("Add", product, self.constant(bias.astype(np.float32)))

    def norm(self, x, width):
        ones = np.ones(width, np.float32)
        return self.node("LayerNormalization", x, self.constant(ones), self.constant(0 * ones))

    def heads(self, x, tokens, width, heads, order):
        shape = self.constant(np.array([1, tokens, heads, width // heads]))
        return self.node("Transpose", self.node("Reshape", x, shape), perm=order)

    def attention(self, x, tokens, width, heads):
        orders = (0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)
        q, k, v = (self.heads(self.linear(x, width, width), tokens, width, heads, order) for order in orders)
        scale = self.constant(np.float32((width // heads) ** -0.5))
        weights = self.node("Softmax", self.node("Mul", self.node("MatMul", q, k), scale), axis=-1)
        mixed = self.node("Transpose", self.node("MatMul", weights, v), perm=(0, 2, 1, 3))
        mixed = self.node("Reshape", mixed, self.constant(np.array([1, tokens, width])))
        return self.linear(mixed, width, width)

    def block(self, x, tokens, width, heads):
        x = self.node("Add", x, self.attention(self.norm(x, width), tokens, width, heads))
        hidden = self.node("Relu", self.linear(self.norm(x, width), width, 2 * width))
        return self.node("Add", x, self.linear(hidden, 2 * width, width))


def encoder(tokens, width=64, heads=4, blocks=1, seed=0):
    """x [1, tokens, width] -> y of the same shape: pre-norm blocks."""
    writer, value = Writer(seed), "x"
    for _ in range(blocks):
        value = writer.block(value, tokens, width, heads)
    writer.node("Identity", value)
    writer.nodes[-1].output[0] = "y"
    kind = [TensorProto.FLOAT, [1, tokens, width]]
    graph = helper.make_graph(
        writer.nodes, "encoder", [helper.make_tensor_value_info("x", *kind)],
        [helper.make_tensor_value_info("y", *kind)], writer.constants,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def smooth(tokens, width=64, cut=8, seed=0):
    """x [1, tokens, width] whose frequencies above `cut` periods a sequence fall off."""
    noise = np.random.default_rng(seed).standard_normal((1, tokens, width))
    frequency = np.minimum(np.arange(tokens), tokens - np.arange(tokens))
    x = np.fft.ifft(np.fft.fft(noise, axis=1) / (1 + frequency / cut)[:, None], axis=1).real
    return (x / x.std()).astype(np.float32)
