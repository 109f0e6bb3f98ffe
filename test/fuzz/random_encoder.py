"""Random Transformer Encoders as ONNX, spelled in the many ways that exporters spell them.

`sample(seed)` draws a configuration (config.py), `build(config)` writes its model: same seed, same model, on
every machine. Only numpy and onnx are needed.
"""

import random

import numpy as np
from onnx import helper

import attention
import frontend
import layers
from config import POSITION_TABLE, Config, described, manifest_entry, sample
from graph import Graph

__all__ = ["Config", "build", "described", "manifest_entry", "sample"]


class Writer:
    """Writes one model; activations are [batch, tokens, width], [tokens, batch, width] or [tokens, width].

    Where the file leaves sizes open, "B" and "N" in a shape are read from the activations at run time.
    """

    def __init__(self, config):
        self.c = config
        self.g = Graph(config.opset, config.constants, config.scalars)
        self.rng = np.random.default_rng(config.seed)
        self.r = random.Random(config.seed)
        self.even_seed = config.seed % 2 == 0
        self.rank = 2 if config.layout == "none" else 3
        self.token_axis = config.token_axis
        self.live = None  # the activations whose sizes are read
        self.padding = self.memory = None

    def chance(self, probability):
        return self.r.random() < probability

    def random(self, *shape, scale=1.0):
        return self.g.constant(scale * self.rng.standard_normal(shape))

    def order(self, batch, tokens):
        """The two sizes in the layout of this model."""
        return {"batch": (batch, tokens), "tokens": (tokens, batch), "none": (tokens,)}[self.c.layout]

    def read_size(self, axis, rank):
        """One dimension of the activations, as a scalar or as [1]."""
        g = self.g
        return g.Gather(g.Shape(self.live), g.constant(axis if rank == 0 else [axis], np.int64), axis=0)

    def length(self, rank=0):
        """Rows of the activations."""
        if self.c.symbolic:
            return self.read_size(self.token_axis, rank)
        return self.g.constant(self.c.tokens if rank == 0 else [self.c.tokens], np.int64)

    def batch_size(self):
        if self.c.symbolic == "all":
            return self.read_size(1 - self.token_axis, 1)
        return self.g.indices(self.c.batch)

    def size(self, key):
        """ "B", "N", "BH" (batch times heads) or a number, as [1]."""
        if key == "N":
            return self.length(rank=1)
        if key == "B":
            return self.batch_size()
        if key == "BH":
            return self.g.Mul(self.batch_size(), self.g.indices(self.c.heads))
        return self.g.indices(key)

    def view(self, x, *sizes):
        g, c = self.g, self.c
        if c.symbolic and any(isinstance(size, str) for size in sizes):
            return g.Reshape(x, g.Concat(*map(self.size, sizes), axis=0))
        fixed = {"B": c.batch, "N": c.tokens, "BH": c.batch * c.heads}
        return g.reshape(x, *(fixed.get(size, size) for size in sizes))

    def filled(self, shape, value):
        tensor = helper.make_tensor("value", 1, [1], [value])
        return self.g.ConstantOfShape(shape, value=tensor)

    def no_op(self, x):
        if not self.c.no_ops or self.chance(0.6):
            return x
        return self.r.choice([self.g.Identity, self.g.dropout, lambda x: self.g.Cast(x, to=1)])(x)

    def channels_first(self, x):
        """[batch, width, tokens], whatever the layout."""
        g = self.g
        if self.c.layout == "none":
            return g.unsqueeze(g.transpose(x, 1, 0), 0)
        return g.transpose(x, *((1, 2, 0) if self.c.layout == "tokens" else (0, 2, 1)))

    def channels_last(self, x):
        g = self.g
        if self.c.layout == "none":
            return g.transpose(g.squeeze(x, 0), 1, 0)
        return g.transpose(x, *((2, 0, 1) if self.c.layout == "tokens" else (0, 2, 1)))

    # Blocks.

    def branch(self, x, function):
        """x + function(x), with norms where the configuration puts them."""
        g, kind = self.g, self.c.block
        y = function(layers.norm(self, x) if kind in ("pre", "sandwich", "conformer") else x)
        if self.c.layer_scale:
            y = g.Mul(y, self.random(self.c.width, scale=0.5))
        if kind in ("sandwich", "branch"):
            y = layers.norm(self, y)
        total = g.Add(x, y) if self.chance(0.7) else g.Add(y, x)
        return layers.norm(self, total) if kind == "post" else total

    def block(self, x, mask):
        g, kind = self.g, self.c.block
        self.live = x
        attend = lambda x: attention.attention(self, x, mask)
        mlp = lambda x: layers.mlp(self, x)
        if kind == "parallel":
            inner = layers.norm(self, x)
            return g.Add(x, g.Add(attend(inner), mlp(inner)))
        if kind == "conformer":
            x = g.Add(x, g.Mul(mlp(layers.norm(self, x)), g.scalar(0.5)))
        x = self.branch(x, attend)
        if self.memory:
            x = self.branch(x, lambda x: attention.cross_attention(self, x))
        if kind == "conformer":
            x = self.branch(x, lambda x: layers.convolution_module(self, x))
        x = self.branch(x, mlp)
        return layers.norm(self, x) if kind == "conformer" else x

    # Outputs.

    def pick(self, x, head):
        g, c, axis = self.g, self.c, self.token_axis
        row = {"last": -1, "first": 0, "middle": c.tokens // 2}.get(head)
        if row is not None and self.chance(0.5):
            return g.Gather(x, g.constant(row, np.int64), axis=axis)
        if row is not None:
            return g.squeeze(g.slice(x, axis, row, row + 1 if row != -1 else 2**63 - 1), axis)
        if head in ("mean", "max"):
            return g.reduce(f"Reduce{head.title()}", x, axis, False)
        if head == "both":
            return g.Concat(*(g.reduce(op, x, axis, False) for op in ("ReduceMean", "ReduceMax")), axis=-1)
        if head == "attention":  # a weight for each token
            scores = layers.linear(self, g.Tanh(x), c.width, 1)
            perm = {"batch": (0, 2, 1), "tokens": (1, 2, 0), "none": (1, 0)}[c.layout]
            turned = g.transpose(scores, *perm)
            rows = g.transpose(x, 1, 0, 2) if c.layout == "tokens" else x
            return g.squeeze(g.MatMul(g.softmax(turned, self.rank), rows), self.rank - 2)
        if head == "flat":
            x = g.transpose(x, 1, 0, 2) if c.layout == "tokens" else x
            return self.view(x, *(["B"] if self.rank == 3 else []), c.tokens * c.width)
        return x

    def finish(self, x):
        g, c = self.g, self.c
        if c.extra == "tokens":
            g.output(x, "tokens", self.rank)
        x = self.pick(x, c.head)
        width = c.width * {"flat": c.tokens, "both": 2}.get(c.head, 1)
        if c.classes:
            weight = self.random(width, c.classes, scale=width**-0.5)
            x = g.Add(g.MatMul(x, weight), self.random(c.classes, scale=0.3))
        if c.unit:
            x = layers.length(g, x)
        g.output(x, "y", self.rank - (c.head != "all"))

    def model(self):
        c = self.c
        x = frontend.rows(self)
        for index, mask in enumerate(c.masks):
            x = self.block(x, mask)
            if index == 0 and c.extra in ("early", "early_mean"):
                mean = c.extra == "early_mean"
                self.g.output(self.pick(x, "mean") if mean else x, "early", self.rank - mean)
        self.live = x
        if c.block in ("pre", "parallel"):
            x = layers.norm(self, x)
        self.finish(x)
        model = self.g.model()
        rename_values(model, c.names)
        return model


def rename_values(model, spelling):
    """Inner values and nodes get names as some exporter, or nobody, would give them."""
    if not spelling:
        return
    graph = model.graph
    kept = {POSITION_TABLE, ""} | {value.name for value in [*graph.input, *graph.output]}
    odd = {"paths": "/encoder/layers.{0}/out:0", "unicode": '値 {0}"\\ é'}[spelling]
    names = {}

    def spelled(name):
        return name if name in kept else names.setdefault(name, odd.format(len(names)))

    for tensor in graph.initializer:
        tensor.name = spelled(tensor.name)
    for node in graph.node:
        node.input[:] = map(spelled, node.input)
        node.output[:] = map(spelled, node.output)
        node.name = odd.format(node.name)


def build(config):
    return Writer(config).model()
