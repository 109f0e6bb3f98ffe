"""Weights of a workload, and its encoder on whole windows as an ONNX model."""

import numpy as np

from .graph import Graph


def weights(workload):
    """One dictionary a block. Matrices are [inputs, outputs], drawn as PyTorch initialises an encoder."""
    rng = np.random.default_rng(0)
    d, m = workload.width, workload.hidden

    def matrix(inputs, outputs, fan=None):
        limit = np.sqrt(6 / (fan or inputs + outputs))
        return rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)

    def vector(size, mean=0.0):
        return (mean + 0.02 * rng.standard_normal(size)).astype(np.float32)

    return [
        dict(
            **{f"w{p}": matrix(d, d, 4 * d) for p in "qkv"}, wo=matrix(d, d),
            **{f"b{p}": vector(d) for p in "qkvo"},
            w1=matrix(d, m), b1=vector(m), w2=matrix(m, d), b2=vector(d),
            gain1=vector(d, 1.0), shift1=vector(d), gain2=vector(d, 1.0), shift2=vector(d),
        )
        for _ in range(workload.blocks)
    ]  # fmt: skip


def tokens(workload):
    """The streams on which peers run: [streams, tokens, width]."""
    shape = (workload.streams, workload.stream_tokens, workload.width)
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


def band_mask(rows, columns, reach):
    """0 where query i sees key i - reach < j <= i, counted from the last of both; -inf elsewhere."""
    distance = np.arange(rows)[:, None] + (columns - rows) - np.arange(columns)[None]
    return np.where((distance >= 0) & (distance < reach), 0, -np.inf).astype(np.float32)


class BlockWriter:
    """Writes the parts of a block; `streams` rows of the batch, all sizes fixed."""

    def __init__(self, graph, workload):
        self.graph, self.workload, self.batch = graph, workload, workload.streams

    def heads(self, x, rows, perm=(0, 2, 1, 3)):
        size = self.workload
        return self.graph.op("Transpose", self.graph.reshape(x, self.batch, rows, size.heads, size.head), perm=perm)

    def attend(self, q, keys, v, rows, mask=None):
        """`keys` is transposed already: [batch, heads, features, tokens]."""
        g = self.graph
        scores = g.op("Div", g.op("MatMul", q, keys), g.constant(np.float32(np.sqrt(self.workload.head)), "scale"))
        if mask is not None:
            scores = g.op("Add", scores, g.constant(mask, "mask"))
        mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), v)
        return g.reshape(g.op("Transpose", mixed, perm=(0, 2, 1, 3)), self.batch, rows, self.workload.width)

    def activation(self, x):
        g = self.graph
        if self.workload.activation == "relu":
            return g.op("Relu", x)
        erf = g.op("Erf", g.op("Div", x, g.constant(np.float32(np.sqrt(2)), "root")))
        gate = g.op("Add", erf, g.constant(np.float32(1), "one"))
        return g.op("Mul", g.op("Mul", x, gate), g.constant(np.float32(0.5), "half"))

    def tail(self, x, attended, w):
        """Output projection, MLP, residuals and norms."""
        g = self.graph
        x = g.norm(g.op("Add", x, g.linear(attended, w["wo"], w["bo"])), w["gain1"], w["shift1"])
        hidden = self.activation(g.linear(x, w["w1"], w["b1"]))
        return g.norm(g.op("Add", x, g.linear(hidden, w["w2"], w["b2"])), w["gain2"], w["shift2"])

    def block(self, x, w, n, mask=None):
        """A block, or as much of it as the workload has."""
        core, g = self.workload.part == "core", self.graph
        q, k, v = (x if core else g.linear(x, w["w" + p], w["b" + p]) for p in "qkv")
        keys = self.heads(k, n, perm=(0, 2, 3, 1))
        attended = self.attend(self.heads(q, n), keys, self.heads(v, n), n, mask)
        if self.workload.part == "encoder":
            return self.tail(x, attended, w)
        return attended if core else g.linear(attended, w["wo"], w["bo"])


def write_window(workload, path, tokens=None):
    """Input x [streams, n, width]; output y, the newest row [streams, width] or all rows. A band shows in windows of
    more `tokens` than it has."""
    g = Graph("window")
    n, d, batch = tokens or workload.tokens, workload.width, workload.streams
    writer = BlockWriter(g, workload)
    x = g.input("x", [batch, n, d])
    mask = band_mask(n, n, workload.tokens) if workload.band else None
    for w in weights(workload):
        x = writer.block(x, w, n, mask)
    if workload.kind == "step":
        x = g.op("Gather", x, g.constant(np.int64(n - 1), "newest"), axis=1)
    g.output(x, "y", list(workload.output_shape))
    g.save(path)
