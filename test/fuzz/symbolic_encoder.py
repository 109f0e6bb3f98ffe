"""A small encoder of symbolic length: masks, position tables and rotations follow from the length of its input.

usage: symbolic_encoder.py MODEL.onnx [--blocks L] [--band W] [--newest]

writes one of L blocks in which each token sees itself and the W before it.
"""

import argparse
import pathlib

import numpy as np
import onnx
from graph import Graph

WIDTH, HEADS, TABLE = 8, 2, 64


class Encoder:
    """A model of symbolic length whose masks, tables and rotations are computed from it."""

    def __init__(self, blocks=2, band=None, bias=None, rotary=False, front=None, table=False, head="rows"):
        self.g, self.rng = Graph(18), np.random.default_rng(7)
        self.band, self.bias, self.rotary = band, bias, rotary
        g = self.g
        x = g.input("x", onnx.TensorProto.FLOAT, [1, "n", WIDTH])
        if front:
            x = self.convolve(x, **front)
        self.length = g.Slice(g.Shape(x), *(g.indices(i) for i in (1, 2, 0)))
        positions = g.Range(
            g.constant(0, "int64"), g.squeeze(self.length, 0), g.constant(1, "int64")
        )
        self.positions = g.Cast(positions, to=onnx.TensorProto.FLOAT)
        self.distance = g.Sub(g.unsqueeze(self.positions, 1), g.unsqueeze(self.positions, 0))  # query - key
        if table:
            rows = g.Slice(g.constant(self.rng.standard_normal((TABLE, WIDTH))), g.indices(0), self.length, g.indices(0))
            x = g.Add(x, rows)
        for _ in range(blocks):
            x = self.block(x)
        g.output(self.pick(x, head), "y", 3 if head == "rows" else 2)

    def linear(self, x, inputs=WIDTH, outputs=WIDTH):
        g = self.g
        weight = g.constant(self.rng.standard_normal((inputs, outputs)) / np.sqrt(inputs))
        return g.Add(g.MatMul(x, weight), g.constant(0.2 * self.rng.standard_normal(outputs)))

    def convolve(self, x, kernel=3, stride=1, before=2, after=0, op="Conv"):
        g = self.g
        x = g.transpose(x, 0, 2, 1)
        pads = [before, after]
        if op == "Conv":
            weight = g.constant(self.rng.standard_normal((WIDTH, WIDTH, kernel)) / np.sqrt(kernel * WIDTH))
            x = g.Conv(x, weight, pads=pads, strides=[stride])
        else:
            x = g.MaxPool(x, kernel_shape=[kernel], pads=pads, strides=[stride])
        return g.transpose(x, 0, 2, 1)

    def heads(self, x):
        return self.g.transpose(self.g.reshape(self.linear(x), 1, -1, HEADS, WIDTH // HEADS), 0, 2, 1, 3)

    def rotate(self, x):
        g, half = self.g, WIDTH // HEADS // 2
        angle = g.Mul(g.unsqueeze(self.positions, 1), g.constant(3.0 ** -np.arange(half)))
        cos, sin = (g.Concat(part, part, axis=-1) for part in (g.Cos(angle), g.Sin(angle)))
        turned = g.Concat(g.Neg(g.slice(x, 3, half)), g.slice(x, 3, 0, half), axis=-1)
        return g.Add(g.Mul(x, cos), g.Mul(turned, sin))

    def biased(self, scores):
        g = self.g
        if self.bias == "alibi":
            slopes = g.constant(0.5 ** np.arange(1, HEADS + 1)[:, None, None])
            scores = g.Sub(scores, g.Mul(g.Abs(self.distance), slopes))
        if self.bias == "relative":
            near = g.Clip(self.distance, g.scalar(-4), g.scalar(4))
            index = g.Cast(g.Add(near, g.scalar(4)), to=onnx.TensorProto.INT64)
            table = g.constant(self.rng.standard_normal((HEADS, 9)))
            scores = g.Add(scores, g.Gather(table, index, axis=1))
        if self.band is None:
            return scores
        before, after = self.band
        hidden = g.Or(
            g.Greater(self.distance, g.scalar(before)), g.Less(self.distance, g.scalar(-after))
        )
        return g.Where(hidden, g.scalar(-np.inf), scores)

    def block(self, x):
        g = self.g
        q, k, v = self.heads(x), self.heads(x), self.heads(x)
        if self.rotary:
            q, k = self.rotate(q), self.rotate(k)
        scores = g.Mul(g.MatMul(q, g.transpose(k, 0, 1, 3, 2)), g.scalar((WIDTH / HEADS) ** -0.5))
        mixed = g.MatMul(g.Softmax(self.biased(scores), axis=-1), v)
        mixed = g.reshape(g.transpose(mixed, 0, 2, 1, 3), 1, -1, WIDTH)
        x = g.Add(x, self.linear(mixed))
        return g.Add(x, self.linear(g.Tanh(self.linear(x))))

    def pick(self, x, head):
        g = self.g
        if head == "newest":
            return self.linear(g.Gather(x, g.constant(-1, "int64"), axis=1), outputs=3)
        if head == "mean":
            return g.reduce("ReduceMean", x, 1, False)
        return x


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--blocks", type=int, default=2)
    parser.add_argument("--band", type=int, help="tokens before its own that a token sees; all of them if left out")
    parser.add_argument("--newest", action="store_true", help="one prediction from the newest token")
    given = parser.parse_args()
    band = None if given.band is None else (given.band, 0)
    head = "newest" if given.newest else "rows"
    onnx.save(Encoder(blocks=given.blocks, band=band, head=head).g.model(), given.model)


if __name__ == "__main__":
    main()
