"""A small encoder with room for one odd operator, which is named `odd`.

    x [1, 8, 8]  ->  projection  ->  odd  ->  attention and MLP  ->  tokens [1, 8, 8]

The operator stands where models have it: in front of the first block, where `odd(graph, value)` puts it, or
elsewhere, where the builder calls `block` itself.
"""

import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
from graph import Graph  # noqa: E402

TOKENS, WIDTH = 8, 8
ODD = "odd"  # the name of the node under test


class Encoder(Graph):
    def __init__(self, opset=17, seed=0):
        super().__init__(opset)
        self.rng = np.random.default_rng(seed)

    def random(self, *shape):
        return self.constant(self.rng.standard_normal(shape) * shape[-1] ** -0.5)

    def odd(self, op_type, *operands, outputs=1, **attributes):
        """Append the node under test."""
        names = getattr(self, op_type)(*operands, outputs=outputs, **attributes)
        self.nodes[-1].name = ODD
        return names

    def linear(self, x, inputs=WIDTH, outputs=WIDTH):
        return self.MatMul(x, self.random(inputs, outputs))

    def norm(self, x, width=WIDTH):
        return self.LayerNormalization(x, self.constant([1.0] * width), self.random(width), axis=-1)

    def attention(self, query, key, value, width=WIDTH):
        scores = self.MatMul(query, self.transpose(key, 0, 2, 1))
        return self.MatMul(self.Softmax(self.Mul(scores, self.scalar(width**-0.5)), axis=-1), value)

    def block(self, x):
        """Pre-norm attention with residual, and an MLP."""
        y = self.norm(x)
        x = self.Add(x, self.linear(self.attention(self.linear(y), self.linear(y), self.linear(y))))
        return self.Add(x, self.linear(self.Relu(self.linear(self.norm(x), WIDTH, 16)), 16))

    def unchecked_model(self, ir_version=8):
        """Without the checks and the inference that models of nonstandard operators cannot pass."""
        graph = helper.make_graph(self.nodes, "encoder", self.inputs, self.outputs, self.initializers)
        opsets = [helper.make_opsetid("", self.opset)]
        opsets += [
            helper.make_opsetid(domain, 1)
            for domain in sorted({node.domain for node in self.nodes} - {"", "ai.onnx"})
        ]
        return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def tokens_input(graph, tokens=TOKENS, name="x"):
    return graph.input(name, TensorProto.FLOAT, [1, tokens, WIDTH])


def encoder_around(odd, opset=17):
    """projection -> odd -> block -> tokens"""
    graph = Encoder(opset)
    graph.output(graph.block(odd(graph, graph.linear(tokens_input(graph)))), "y")
    return graph
