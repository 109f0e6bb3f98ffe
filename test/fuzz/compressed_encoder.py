"""Random encoders whose attention is compressed along the tokens, as trained ones come out of exporters.

`sample(seed)` draws a configuration, `build(config, functions)` writes the model: with `functions` the operators of
domain `weir` are nodes of that domain, without them they are spelled in standard operators, in the ways that
`config` says. Same seed, same weights, same numbers. CAST-style attention is a reconstruction, not checked against
the paper.
"""

import dataclasses
import pathlib
import random
import sys

import numpy as np
from onnx import TensorProto, helper

from graph import Graph

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import dct  # noqa: E402

MATRICES = {"Dct": dct.dct_matrix, "Resample": dct.resample_matrix, "Pool": dct.pool_matrix}
MAPS = {"qkv": "Dct", "x": "Dct", "resample": "Resample", "pool": "Pool"}
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


@dataclasses.dataclass(frozen=True)
class Config:
    seed: int
    tokens: int
    batch: int
    layout: str  # "batch" or "tokens" first
    heads: int
    size: int  # of a head
    blocks: int
    pre_norm: bool
    kinds: tuple  # one a block: "qkv", "x", "resample", "pool", "cast"
    keep: int  # rows that stand for the tokens
    # How a matrix meets the tokens.
    product: str  # "left", "right" (of transposed tokens), "einsum", "gemm" (of one sequence)
    on_heads: bool  # after the split into heads, else before
    constants: str
    # Clusters.
    clusters: int
    members: int
    per_head: bool
    summaries: bool
    own_mask: bool
    laplace: bool
    gates: bool
    clamp: str  # "clip", "max", "where": how indices of empty places become readable
    compare: str  # "less", "greater": how they are told from others

    @property
    def width(self):
        return self.heads * self.size


def sample(seed):
    r = random.Random(seed)
    tokens = r.choice([3, 5, 8, 8, 13, 16, 17, 24, 32, 70])
    blocks = r.choice([1, 1, 2])
    family = r.choice(["dct", "cast"])
    batch = r.choice([1, 1, 2])
    product = r.choice(["left", "left", "right", "einsum"] + ["gemm"] * (batch == 1))
    kinds = ["qkv", "x", "resample", "pool"] if family == "dct" else ["cast"]
    return Config(
        seed=seed,
        tokens=tokens,
        batch=batch,
        layout=r.choice(["batch", "batch", "tokens"]),
        heads=r.choice([1, 2, 3]),
        size=r.choice([2, 4, 5]),
        blocks=blocks,
        pre_norm=r.random() < 0.5,
        kinds=tuple(r.choice(kinds) for _ in range(blocks)),
        keep=r.randint(2, tokens - 1),
        product=product,
        on_heads=product in ("left", "right") and r.random() < 0.4,
        constants=r.choice(["initializers", "nodes", "shared"]),
        clusters=r.choice([1, 2, 3, 4]),
        members=r.randint(1, tokens),
        per_head=r.random() < 0.5,
        summaries=r.random() < 0.8,
        own_mask=r.random() < 0.8,
        laplace=r.random() < 0.3,
        gates=r.random() < 0.7,
        clamp=r.choice(["clip", "max", "where"]),
        compare=r.choice(["less", "greater"]),
    )


def manifest_entry(config):
    """As the test models' manifest describes them."""
    axis = int(config.layout == "batch")
    shape = [config.tokens, config.width]
    shape.insert(1 - axis, config.batch)
    ports = [{"name": "x", "shape": shape, "dtype": "float32", "token_axis": axis}]
    return {"window": config.tokens, "inputs": ports, "options": [], "rows_axis": axis, "lead": 0}


class Writer:
    """Activations are [batch, tokens, width] inside of an attention."""

    def __init__(self, config, functions):
        self.c, self.functions = config, functions
        self.g = Graph(18, config.constants)
        self.rng = np.random.default_rng(config.seed)

    def random(self, *shape, scale=1.0):
        return self.g.constant(scale * self.rng.standard_normal(shape))

    def linear(self, x, inputs, outputs):
        y = self.g.MatMul(x, self.random(inputs, outputs, scale=inputs**-0.5))
        return self.g.Add(y, self.random(outputs, scale=0.3))

    def norm(self, x):
        width = self.c.width
        return self.g.LayerNormalization(x, self.random(width), self.random(width), axis=-1)

    def split_heads(self, x, rows):
        g, c = self.g, self.c
        return g.transpose(g.reshape(x, c.batch, rows, c.heads, c.size), 0, 2, 1, 3)

    def join_heads(self, x, rows):
        return self.g.reshape(self.g.transpose(x, 0, 2, 1, 3), self.c.batch, rows, self.c.width)

    # Maps along the tokens.

    def multiply(self, matrix, x, rank):
        """matrix [m, n] times x [.., n, d]."""
        g, c = self.g, self.c
        swap = [*range(rank - 2), rank - 1, rank - 2]
        if c.product == "right":
            return g.transpose(g.MatMul(g.transpose(x, *swap), g.constant(matrix.T)), *swap)
        if c.product == "einsum":
            return g.Einsum(g.constant(matrix), x, equation="mn,bnd->bmd")
        if c.product == "gemm":
            rows = g.Gemm(g.constant(matrix.T), g.squeeze(x, 0), transA=1)
            return g.unsqueeze(rows, 0)
        return g.MatMul(g.constant(matrix), x)

    def token_map(self, kind, x, rank=3):
        c = self.c
        if self.functions:
            return getattr(self.g, kind)(x, domain="weir", axis=-2, keep=c.keep)
        return self.multiply(MATRICES[kind](c.tokens, c.keep), x, rank)

    def idct(self, x, rank=3):
        c = self.c
        if self.functions:
            return self.g.Idct(x, domain="weir", axis=rank - 2, tokens=c.tokens)
        return self.multiply(dct.dct_matrix(c.tokens, c.keep).T, x, rank)

    def softmax_product(self, q, k, v):
        g = self.g
        scores = g.Mul(g.MatMul(q, g.transpose(k, 0, 1, 3, 2)), g.scalar(self.c.size**-0.5))
        return g.MatMul(g.Softmax(scores, axis=-1), v)

    def compressed(self, x, kind):
        """Attention on rows that a map along the tokens makes of them."""
        c, name = self.c, MAPS[kind]
        if kind == "x":
            x = self.token_map(name, x)
            q, k, v = (self.split_heads(self.linear(x, c.width, c.width), c.keep) for _ in range(3))
        else:
            parts = [self.linear(x, c.width, c.width) for _ in range(3)]
            fewer = [kind == "qkv", True, True]
            if c.on_heads:
                parts = [self.split_heads(part, c.tokens) for part in parts]
                q, k, v = (self.token_map(name, y, 4) if few else y for y, few in zip(parts, fewer))
            else:
                parts = [self.token_map(name, y) if few else y for y, few in zip(parts, fewer)]
                q, k, v = (self.split_heads(y, c.keep if few else c.tokens) for y, few in zip(parts, fewer))
        y = self.softmax_product(q, k, v)
        if name != "Dct":
            return self.join_heads(y, c.tokens)
        if c.on_heads:
            return self.join_heads(self.idct(y, 4), c.tokens)
        return self.idct(self.join_heads(y, c.keep))

    # Clusters.

    def f(self, a):
        g = self.g
        if not self.c.laplace:
            return g.Softmax(a, axis=-1)
        scaled = g.Div(g.Sub(a, g.scalar(np.sqrt(0.5))), g.scalar(np.sqrt(0.5 / np.pi)))
        return g.Mul(g.scalar(0.5), g.Add(g.scalar(1), g.Erf(scaled)))

    def is_empty(self, indices):
        g = self.g
        zero = g.constant(0, np.int64)
        return g.Less(indices, zero) if self.c.compare == "less" else g.Greater(zero, indices)

    def clamped(self, indices):
        g = self.g
        zero = g.constant(0, np.int64)
        if self.c.clamp == "clip":
            return g.Clip(indices, zero)
        return g.Max(indices, zero) if self.c.clamp == "max" else g.Where(self.is_empty(indices), zero, indices)

    def affinity(self, queries, keys, phi):
        g = self.g
        if self.functions:
            function = "laplace" if self.c.laplace else "softmax"
            return g.ClusterAffinity(queries, keys, phi, domain="weir", function=function)
        gate = g.Sigmoid(phi)
        return g.Add(g.Mul(gate, self.f(queries)), g.Mul(g.Sub(g.scalar(1), gate), self.f(keys)))

    def choose(self, affinity):
        g, c = self.g, self.c
        if self.functions:
            return g.ChooseClusters(affinity, domain="weir", clustering="topk", size=c.members)
        values, order = g.TopK(affinity, g.indices(c.members), axis=-2, outputs=2)
        order = g.Where(g.Greater(values, g.scalar(-np.inf)), order, g.constant(-1, np.int64))
        return g.transpose(order, 0, 1, 3, 2)

    def rows_at(self, places, features):
        """Indices [b, h, C K, features] of whole rows."""
        g, c = self.g, self.c
        places = g.reshape(places, c.batch, c.heads if c.per_head else 1, c.clusters * c.members, 1)
        return g.Expand(places, g.indices(c.batch, c.heads, c.clusters * c.members, features))

    def gather(self, x, indices):
        g, c = self.g, self.c
        if self.functions:
            return g.GatherTokens(x, indices, domain="weir")
        rows = g.GatherElements(x, self.rows_at(self.clamped(indices), c.size), axis=2)
        rows = g.reshape(rows, c.batch, c.heads, c.clusters, c.members, c.size)
        return g.Where(g.unsqueeze(self.is_empty(indices), 4), g.scalar(0), rows)

    def scatter(self, rows, indices):
        g, c = self.g, self.c
        if self.functions:
            return g.ScatterAddTokens(rows, indices, domain="weir", tokens=c.tokens)
        places = g.Where(self.is_empty(indices), g.constant(c.tokens, np.int64), indices)
        rows = g.reshape(rows, c.batch, c.heads, c.clusters * c.members, c.size)
        nothing = g.constant(np.zeros((c.batch, c.heads, c.tokens + 1, c.size)))
        sums = g.ScatterElements(nothing, self.rows_at(places, c.size), rows, axis=2, reduction="add")
        return g.slice(sums, 2, 0, c.tokens)

    def members_of(self, indices):
        g, c = self.g, self.c
        if self.functions:
            return g.ClusterMembers(indices, domain="weir", tokens=c.tokens)
        places = g.Where(self.is_empty(indices), g.constant(c.tokens, np.int64), indices)
        shape = (c.batch, c.heads if c.per_head else 1, c.clusters)
        marked = g.ScatterElements(
            g.constant(np.zeros((*shape, c.tokens + 1))), places, g.constant(np.ones((*shape, c.members))), axis=-1
        )
        return g.transpose(g.slice(marked, 3, 0, c.tokens), 0, 1, 3, 2)

    def of_members(self, values, indices):
        """[b, h, C, K] of values [b, h, n, C]: those of each cluster's members with that cluster."""
        g, c = self.g, self.c
        places = g.Expand(self.clamped(indices), g.indices(c.batch, c.heads, c.clusters, c.members))
        return g.GatherElements(g.transpose(values, 0, 1, 3, 2), places, axis=-1)

    def hide_empty(self, scores, empty):
        return self.g.Where(empty, self.g.scalar(np.finfo(np.float32).min), scores)

    def gate(self, phi):
        return self.g.Add(self.g.scalar(1), self.g.Softplus(phi)) if self.c.gates else self.g.scalar(1)

    def clustered(self, x):
        """CAST-style attention; the equations are a reconstruction."""
        g, c = self.g, self.c
        q, k, v = (self.split_heads(self.linear(x, c.width, c.width), c.tokens) for _ in range(3))
        phi = g.unsqueeze(self.linear(x, c.width, 1), 1)
        surrogates = self.random(c.heads, c.size, c.clusters, scale=c.size**-0.5)
        a_q, a_k = g.MatMul(q, surrogates), g.MatMul(k, surrogates)
        affinity = self.affinity(a_q, a_k, phi)
        if not c.per_head:
            affinity = g.ReduceSum(affinity, g.indices(1), keepdims=1)
        indices = self.choose(affinity)
        root = g.scalar(c.size**-0.5)
        mix = self.f(g.Mul(g.Mul(a_q, self.gate(phi)), root))
        q_c, k_c, v_c = (self.gather(y, indices) for y in (q, k, v))
        scores = g.Mul(g.MatMul(q_c, g.transpose(k_c, 0, 1, 2, 4, 3)), root)
        empty = self.is_empty(indices)
        intra = g.MatMul(self.f(self.hide_empty(scores, g.unsqueeze(empty, 3))), v_c)
        intra = g.Mul(intra, g.unsqueeze(self.of_members(mix, indices), 4))
        y = self.scatter(intra, indices)
        if c.summaries:
            inner = g.Mul(g.Mul(a_k, self.gate(g.Neg(phi))), root)
            weights = self.f(self.hide_empty(self.of_members(inner, indices), empty))
            summaries = g.squeeze(g.MatMul(g.unsqueeze(weights, 3), v_c), 3)
            if c.own_mask:
                mix = g.Mul(mix, g.Sub(g.scalar(1), self.members_of(indices)))
            y = g.Add(y, g.MatMul(mix, summaries))
        return self.join_heads(y, c.tokens)

    # The encoder.

    def attend(self, x, kind):
        c = self.c
        y = self.clustered(x) if kind == "cast" else self.compressed(x, kind)
        return self.linear(y, c.width, c.width)

    def branch(self, x, function):
        if self.c.pre_norm:
            return self.g.Add(x, function(self.norm(x)))
        return self.norm(self.g.Add(x, function(x)))

    def mlp(self, x):
        hidden = 2 * self.c.width
        return self.linear(self.g.Relu(self.linear(x, self.c.width, hidden)), hidden, self.c.width)

    def model(self):
        g, c = self.g, self.c
        [port] = manifest_entry(c)["inputs"]
        x = g.input("x", FLOAT, port["shape"])
        if c.layout == "tokens":
            x = g.transpose(x, 1, 0, 2)
        for kind in c.kinds:
            x = self.branch(x, lambda x: self.attend(x, kind))  # noqa: B023
            x = self.branch(x, self.mlp)
        g.output(g.transpose(x, 1, 0, 2) if c.layout == "tokens" else x, "y", rank=3)
        if not self.functions:
            return g.model()
        graph = helper.make_graph(g.nodes, "encoder", g.inputs, g.outputs, g.initializers)
        opsets = [helper.make_opsetid("", g.opset), helper.make_opsetid("weir", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def build(config, functions=False):
    return Writer(config, functions).model()
