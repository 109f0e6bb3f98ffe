"""A step written by hand as an ONNX model, as somebody would who knows the encoder: states come in and go out.

Either in window order, moved by Slice and Concat; or as rings, in which ScatterND writes over the oldest token at
`slot`, in place where a runtime is given one buffer to read and to write. One block, and bands: keys and values of each block.
More blocks: tokens, queries, keys and values of the first, whose attention is computed on all rows; the last
computes one row.
"""

import numpy as np

from . import encoders
from .graph import Graph


def state_shapes(workload):
    ring = [workload.streams, workload.heads, workload.tokens, workload.head]
    if workload.sliding:
        return [ring] * (2 * workload.blocks)
    return [[workload.streams, workload.tokens, workload.width], ring, ring, ring]


def state_names(workload):
    """Pairs of input and output."""
    return [(f"past_{i}", f"present_{i}") for i in range(len(state_shapes(workload)))]


class StepWriter(encoders.BlockWriter):
    """States in window order; `axis` is that of their tokens."""

    def push(self, state, new, axis):
        g = self.graph
        bounds = [g.constant(np.array([value], np.int64), "bound") for value in (1, self.workload.tokens, axis)]
        return g.op("Concat", g.op("Slice", state, *bounds), new, axis=axis)

    def newest(self, x):
        g, n = self.graph, self.workload.tokens
        return g.op("Slice", x, *(g.constant(np.array([v], np.int64), "bound") for v in (n - 1, n, 1)))

    def project(self, x, w, names, rows):
        """One product for several projections, cut into them."""
        g, d = self.graph, self.workload.width
        matrix = np.concatenate([w["w" + p] for p in names], 1)
        joined = g.linear(x, matrix, np.concatenate([w["b" + p] for p in names]))
        parts = g.op("Split", joined, g.constant(np.full(len(names), d, np.int64), "parts"), results=len(names), axis=-1)
        return [self.heads(part, rows) for part in parts]

    def attend_to(self, q, k, v, rows):
        return self.attend(q, self.graph.op("Transpose", k, perm=(0, 1, 3, 2)), v, rows)

    def sliding_block(self, x, w, past):
        q, k, v = self.project(x, w, "qkv", 1)
        present = [self.push(state, new, 2) for state, new in zip(past, (k, v))]
        return self.tail(x, self.attend_to(q, *present, 1), w), present

    def first_block(self, x, w, past):
        present = [self.push(past[0], x, 1)]
        present += [self.push(state, new, 2) for state, new in zip(past[1:], self.project(x, w, "qkv", 1))]
        rows = self.workload.tokens
        return self.tail(present[0], self.attend_to(*present[1:], rows), w), present

    def last_block(self, x, w):
        g, n, newest = self.graph, self.workload.tokens, self.newest(x)
        q = self.heads(g.linear(newest, w["wq"], w["bq"]), 1)
        k, v = self.project(x, w, "kv", n)
        return self.tail(newest, self.attend_to(q, k, v, 1), w)


class RingWriter(StepWriter):
    """States in the order of slots."""

    def __init__(self, graph, workload):
        super().__init__(graph, workload)
        self.slot = graph.input("slot", [1], "int64")

    def push(self, state, new, axis):
        """At [.., slot] for all indices of the dimensions before the tokens."""
        g = self.graph
        lead = [self.batch, self.workload.heads][:axis]
        before = np.stack(np.meshgrid(*map(np.arange, lead), indexing="ij"), -1).reshape(*lead, 1, axis)
        slots = g.op("Expand", self.slot, g.constant(np.array([*lead, 1, 1]), "shape"))
        return g.op("ScatterND", state, g.op("Concat", g.constant(before, "places"), slots, axis=-1), new)

    def newest(self, x):
        return self.graph.op("Gather", x, self.slot, axis=1)


def write_step(workload, path, writer=StepWriter):
    g = Graph("step")
    writer, blocks = writer(g, workload), encoders.weights(workload)
    batch, d = workload.streams, workload.width
    x = g.reshape(g.input("x", [batch, d]), batch, 1, d)
    names, shapes = state_names(workload), state_shapes(workload)
    past = [g.input(name, shape) for (name, _), shape in zip(names, shapes)]
    present = []
    if workload.sliding:
        for i, w in enumerate(blocks):
            x, states = writer.sliding_block(x, w, past[2 * i : 2 * i + 2])
            present += states
    else:
        x, present = writer.first_block(x, blocks[0], past)
        for w in blocks[1:-1]:
            x = writer.block(x, w, workload.tokens)
        x = writer.last_block(x, blocks[-1])
    g.output(g.reshape(x, batch, d), "y", [batch, d])
    for state, (_, name), shape in zip(present, names, shapes):
        g.output(state, name, shape)
    g.save(path)
