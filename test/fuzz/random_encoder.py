"""Random Transformer Encoders as ONNX, spelled in the many ways that exporters spell them.

`sample(seed)` draws a configuration, `build(config)` writes its model: same seed, same model, on every
machine. Only numpy and onnx are needed.
"""

import dataclasses
import random

import numpy as np
from onnx import TensorProto

from graph import Graph

POSITION_TABLE = "position_table"  # the value that is added to the tokens


@dataclasses.dataclass(frozen=True)
class Config:
    seed: int
    window: int  # n, tokens of the input
    chunk: int  # c, tokens a step
    batch: int
    sequence_first: bool
    source: str  # "float", "ids" (words looked up in a table), "padding" (a second stream of key padding)
    features: int  # of an input token
    heads: int
    size: int  # of a head; the width is heads * size
    hidden: int
    blocks: int
    norm_place: str  # "pre", "post"
    norm: str  # "op", "parts", "rms", "rms_op"
    activation: str
    projection: str  # "split", "slice", "gather", "separate", "gemm"
    scores: str  # "matmul", "merged" (one transpose), "einsum", "batched" (batch and heads in one dimension)
    scale: str  # where 1/sqrt(size) goes: "query", "both", "divide", "absent"
    mask: object  # None, "causal", (tokens back, tokens ahead)
    mask_form: str  # "add", "add_finite", "where"
    bias: str | None  # "relative", "alibi", "table" (not a function of the distance)
    rotary: bool
    positions: str | None  # "add", "slice", "gather": how the table is read
    class_token: bool
    front: str | None  # "same", "causal", "valid"
    head: str  # "all", "last", "first", "middle", "mean", "max", "flat"
    classes: int  # 0: no classifier
    both: bool  # the tokens come out too
    opset: int
    constant_nodes: bool
    rows: str  # of --rows
    treatment: str | None  # of --positions

    @property
    def width(self):
        return self.heads * self.size

    @property
    def tokens(self):
        """Rows inside of the encoder."""
        return self.window - (2 if self.front == "valid" else 0) + self.class_token


def sample(seed):
    r = random.Random(seed)
    n = r.choice([2, 3, 4, 5, 6, 8, 8, 12, 12, 16, 24])
    heads, size = r.choice([(1, 4), (1, 8), (2, 2), (2, 4), (3, 2), (3, 4), (2, 8)])
    opset = r.choice([12, 13, 14, 17, 18, 20, 23])
    class_token = r.random() < 0.15
    source = r.choices(["float", "ids", "padding"], [8, 1, 1])[0]
    front = (
        r.choice(["same", "causal", "valid"])
        if n >= 5 and source != "padding" and r.random() < 0.25
        else None
    )
    mask = (
        r.choices([None, "causal", (r.randint(0, 3), r.randint(0, 3))], [5, 2, 3])[0]
        if source != "padding"
        else None
    )
    head = r.choice(["all", "last", "first", "middle", "mean", "max", "flat"])
    positions = r.choice(["add", "slice", "gather"]) if r.random() < 0.25 else None
    norms = ["parts", "rms"] + (["op", "op"] if opset >= 17 else []) + (["rms_op"] if opset >= 23 else [])
    chunks = [c for c in range(2, n) if n % c == 0]
    both = head != "all" and r.random() < 0.1
    return Config(
        seed=seed,
        window=n,
        chunk=r.choice(chunks) if chunks and r.random() < 0.35 else 1,
        batch=r.choice([1, 1, 2, 3]),
        sequence_first=r.random() < 0.25,
        source=source,
        features=r.choice([3, 5, heads * size]),
        heads=heads,
        size=size,
        hidden=r.choice([6, 12]),
        blocks=r.choice([1, 1, 2, 2, 3, 4]),
        norm_place=r.choice(["pre", "post"]),
        norm=r.choice(norms),
        activation=r.choice(["relu", "erf", "tanh", "silu"] + (["gelu", "gelu_tanh"] if opset >= 20 else [])),
        projection=r.choice(["split", "slice", "gather", "separate", "gemm"]),
        scores=r.choice(["matmul", "merged", "einsum", "batched"]),
        scale=r.choice(["query", "both", "divide", "absent"]),
        mask=mask,
        mask_form=r.choice(["add", "add_finite", "where"]),
        bias=r.choices([None, "relative", "alibi", "table"], [6, 2, 1, 1])[0],
        rotary=r.random() < 0.2,
        positions=positions,
        class_token=class_token,
        front=front,
        head=head,
        classes=r.choice([0, 4]),
        both=both,
        opset=opset,
        constant_nodes=r.random() < 0.2,
        rows=r.choice(["all", "all", "last"])
        if head == "all" and not class_token and front != "valid"
        else "all",
        # After a valid convolution the table has fewer rows than the window has tokens.
        treatment=r.choice(["exact"] if front == "valid" else ["exact", "recycle"]) if positions else None,
    )


def manifest_entry(config):
    """What test/python/streams.py needs to know of the model."""
    c = config
    axis = int(not c.sequence_first)
    shape = lambda *last: [c.window, c.batch, *last] if c.sequence_first else [c.batch, c.window, *last]
    tokens = {"name": "x", "shape": shape(c.features), "token_axis": axis, "dtype": "float32"}
    if c.source == "ids":
        tokens = {"name": "x", "shape": shape(), "token_axis": axis, "dtype": "int64"}
    inputs = [tokens]
    if c.source == "padding":
        inputs.append({"name": "padding", "shape": [c.batch, c.window], "token_axis": 1, "dtype": "bool"})
    return {
        "window": c.window,
        "inputs": inputs,
        "options": [],
        "lead": int(c.class_token),
        "rows_axis": axis,
        "positions": POSITION_TABLE if c.positions else None,
    }


class Writer:
    """Writes one model; values inside are [batch, tokens, width], or [tokens, batch, width]."""

    def __init__(self, config):
        self.c = config
        self.g = Graph(config.opset, config.constant_nodes)
        self.rng = np.random.default_rng(config.seed)

    def random(self, *shape, scale=1.0):
        return self.g.constant(scale * self.rng.standard_normal(shape))

    def order(self, batch, tokens, *rest):
        """Shape or permutation in the layout of this model."""
        return (tokens, batch, *rest) if self.c.sequence_first else (batch, tokens, *rest)

    @property
    def token_axis(self):
        return 0 if self.c.sequence_first else 1

    def linear(self, x, inputs, outputs, gemm=False):
        g = self.g
        weight = self.rng.standard_normal((inputs, outputs)) * inputs**-0.5
        bias = self.random(outputs, scale=0.3)
        if not gemm:
            return g.Add(g.MatMul(x, g.constant(weight)), bias)
        flat = g.Gemm(g.reshape(x, -1, inputs), g.constant(weight.T), bias, transB=1)
        return g.reshape(flat, *self.order(self.c.batch, -1), outputs)

    def norm(self, x):
        g, width = self.g, self.c.width
        gain = g.constant(1 + 0.2 * self.rng.standard_normal(width))
        bias = self.random(width, scale=0.2)
        if self.c.norm == "op":
            return g.LayerNormalization(x, gain, bias, axis=-1, epsilon=1e-5)
        if self.c.norm == "rms_op":
            return g.RMSNormalization(x, gain, axis=-1, epsilon=1e-5)
        if self.c.norm == "parts":
            x = g.Sub(x, g.reduce("ReduceMean", x, -1, True))
        square = g.reduce("ReduceMean", g.Pow(x, g.scalar(2)), -1, True)
        x = g.Mul(g.Div(x, g.Sqrt(g.Add(square, g.scalar(1e-5)))), gain)
        return g.Add(x, bias) if self.c.norm == "parts" else x

    def activation(self, x):
        g, kind = self.g, self.c.activation
        if kind == "relu":
            return g.Relu(x)
        if kind == "tanh":
            return g.Tanh(x)
        if kind == "silu":
            return g.Mul(x, g.Sigmoid(x))
        if kind in ("gelu", "gelu_tanh"):
            return g.Gelu(x, approximate="tanh" if kind == "gelu_tanh" else "none")
        error = g.Add(g.Erf(g.Div(x, g.scalar(2**0.5))), g.scalar(1))
        return g.Mul(g.Mul(x, error), g.scalar(0.5))

    def projections(self, x):
        """q, k, v, each [batch, heads, tokens, size]."""
        g, c, n = self.g, self.c, self.c.tokens
        if c.projection == "gather":
            packed = g.reshape(
                self.linear(x, c.width, 3 * c.width), *self.order(c.batch, n), 3, c.heads, c.size
            )
            packed = g.transpose(packed, *((2, 1, 3, 0, 4) if c.sequence_first else (2, 0, 3, 1, 4)))
            return [g.Gather(packed, g.constant(i, np.int64), axis=0) for i in range(3)]
        if c.projection == "split":
            parts = g.split(self.linear(x, c.width, 3 * c.width), 3, c.width, -1)
        elif c.projection == "slice":
            packed = self.linear(x, c.width, 3 * c.width)
            parts = [g.slice(packed, 2, i * c.width, (i + 1) * c.width) for i in range(3)]
        else:
            parts = [self.linear(x, c.width, c.width, gemm=c.projection == "gemm") for _ in range(3)]
        heads = [g.reshape(part, *self.order(c.batch, n), c.heads, c.size) for part in parts]
        return [g.transpose(part, *((1, 2, 0, 3) if c.sequence_first else (0, 2, 1, 3))) for part in heads]

    def rotate(self, x):
        g, c, half = self.g, self.c, self.c.size // 2
        angle = np.arange(c.tokens)[:, None] * 10.0 ** -(np.arange(half) / half)
        turned = g.Concat(g.Neg(g.slice(x, 3, half)), g.slice(x, 3, 0, half), axis=-1)
        cos, sin = (g.constant(np.tile(f(angle), 2)) for f in (np.cos, np.sin))
        return g.Add(g.Mul(x, cos), g.Mul(turned, sin))

    def score_bias(self):
        """[heads, tokens, tokens], or None."""
        c, n = self.c, self.c.tokens
        distance = np.arange(n)[:, None] - np.arange(n)  # query - key
        if c.bias == "relative":
            return self.rng.standard_normal((c.heads, 2 * n - 1))[:, distance + n - 1]
        if c.bias == "alibi":
            return -np.abs(distance) * 0.5 ** np.arange(1, c.heads + 1)[:, None, None]
        if c.bias == "table":
            return self.rng.standard_normal((c.heads, n, n))
        return None

    def masked(self, scores, padding):
        g, c, n = self.g, self.c, self.c.tokens
        if padding:
            scores = g.Where(g.unsqueeze(padding, 1, 2), g.scalar(-1e9), scores)
        if c.mask is None:
            return scores
        distance = np.arange(n)[:, None] - np.arange(n)
        hidden = distance < 0 if c.mask == "causal" else (distance > c.mask[0]) | (-distance > c.mask[1])
        if c.mask_form == "where":
            return g.Where(g.constant(hidden, bool), g.scalar(-np.inf), scores)
        return g.Add(
            scores, g.constant(np.where(hidden, -1e9 if c.mask_form == "add_finite" else -np.inf, 0))
        )

    def attention(self, x, padding):
        g, c, n = self.g, self.c, self.c.tokens
        q, k, v = self.projections(x)
        if c.rotary:
            q, k = self.rotate(q), self.rotate(k)
        if c.scale == "query":
            q = g.Mul(q, g.scalar(c.size**-0.5))
        elif c.scale == "both":
            q, k = (g.Mul(part, g.scalar(c.size**-0.25)) for part in (q, k))
        if c.scores == "einsum":
            scores = g.Einsum(q, k, equation="bhqd,bhkd->bhqk")
        elif c.scores == "batched":
            q, k, v = (g.reshape(part, c.batch * c.heads, n, c.size) for part in (q, k, v))
            scores = g.reshape(g.MatMul(q, g.transpose(k, 0, 2, 1)), c.batch, c.heads, n, n)
        elif c.scores == "merged":
            flat = g.reshape(k, c.batch * c.heads, n, c.size)
            scores = g.MatMul(q, g.reshape(g.transpose(flat, 0, 2, 1), c.batch, c.heads, c.size, n))
        else:
            scores = g.MatMul(q, g.transpose(k, 0, 1, 3, 2))
        if c.scale == "divide":
            scores = g.Div(scores, g.scalar(c.size**0.5))
        bias = self.score_bias()
        if bias is not None:
            scores = g.Add(scores, g.constant(bias))
        weights = g.Softmax(self.masked(scores, padding), axis=-1 if c.opset >= 13 else 3)
        if c.scores == "einsum":
            mixed = g.Einsum(weights, v, equation="bhqk,bhkd->bhqd")
        elif c.scores == "batched":
            mixed = g.MatMul(g.reshape(weights, c.batch * c.heads, n, n), v)
            mixed = g.reshape(mixed, c.batch, c.heads, n, c.size)
        else:
            mixed = g.MatMul(weights, v)
        joined = g.transpose(mixed, *((2, 0, 1, 3) if c.sequence_first else (0, 2, 1, 3)))
        return self.linear(g.reshape(joined, *self.order(c.batch, n), c.width), c.width, c.width)

    def mlp(self, x):
        gemm = self.c.projection == "gemm"
        hidden = self.activation(self.linear(x, self.c.width, self.c.hidden, gemm))
        return self.linear(hidden, self.c.hidden, self.c.width, gemm)

    def block(self, x, padding):
        g = self.g
        if self.c.norm_place == "pre":
            x = g.Add(x, self.attention(self.norm(x), padding))
            return g.Add(x, self.mlp(self.norm(x)))
        x = self.norm(g.Add(x, self.attention(x, padding)))
        return self.norm(g.Add(x, self.mlp(x)))

    def convolution(self, x):
        """Reach 3 over tokens; [batch, features, tokens] inside."""
        g, c = self.g, self.c
        x = g.transpose(x, *((1, 2, 0) if c.sequence_first else (0, 2, 1)))
        pads = {"same": [1, 1], "causal": [2, 0], "valid": [0, 0]}[c.front]
        if c.front == "causal" and self.rng.random() < 0.5:
            x, pads = g.Pad(x, g.indices(0, 0, 2, 0, 0, 0)), [0, 0]
        weight = self.random(c.features, c.features, 3, scale=(3 * c.features) ** -0.5)
        x = g.Conv(x, weight, self.random(c.features, scale=0.3), kernel_shape=[3], pads=pads)
        return g.transpose(x, *((2, 0, 1) if c.sequence_first else (0, 2, 1)))

    def table(self):
        """[1, tokens, width], read as the configuration says; every spelling folds to the same constant."""
        g, c, n = self.g, self.c, self.c.tokens
        if c.positions == "add":
            return g.rename(self.random(*self.order(1, n), c.width), POSITION_TABLE)
        if c.positions == "slice":
            rows = g.slice(self.random(n + 5, c.width), 0, 0, n)
        else:
            rows = g.Gather(self.random(n + 5, c.width), g.indices(*range(n)), axis=0)
        rows = g.unsqueeze(rows, 1) if c.sequence_first else g.unsqueeze(rows, 0)
        return g.rename(rows, POSITION_TABLE)

    def embed(self):
        g, c = self.g, self.c
        shape = self.order(c.batch, c.window)
        if c.source == "ids":
            ids = g.input("x", TensorProto.INT64, shape)
            x = g.Gather(self.random(20, c.features), ids, axis=0)
        else:
            x = g.input("x", TensorProto.FLOAT, (*shape, c.features))
        padding = None
        if c.source == "padding":
            padding = g.input("padding", TensorProto.BOOL, (c.batch, c.window))
            if c.class_token:
                padding = g.Concat(g.constant(np.zeros((c.batch, 1)), bool), padding, axis=1)
        if c.front:
            x = self.convolution(x)
        x = self.linear(x, c.features, c.width)
        if c.class_token:
            token = np.broadcast_to(self.rng.standard_normal(c.width), (*self.order(c.batch, 1), c.width))
            x = g.Concat(g.constant(token), x, axis=self.token_axis)
        if c.positions:
            x = g.Add(x, self.table())
        return x, padding

    def pick(self, x):
        g, c, axis = self.g, self.c, self.token_axis
        row = {"last": -1, "first": 0, "middle": c.tokens // 2}.get(c.head)
        if row is not None and self.rng.random() < 0.5:
            return g.Gather(x, g.constant(row, np.int64), axis=axis)
        if row is not None:
            return g.squeeze(g.slice(x, axis, row, row + 1 if row != -1 else 2**63 - 1), axis)
        if c.head in ("mean", "max"):
            return g.reduce(f"Reduce{c.head.title()}", x, axis, False)
        if c.head == "flat":
            if c.sequence_first:
                x = g.transpose(x, 1, 0, 2)
            return g.reshape(x, c.batch, c.tokens * c.width)
        return x

    def model(self):
        x, padding = self.embed()
        for _ in range(self.c.blocks):
            x = self.block(x, padding)
        if self.c.norm_place == "pre":
            x = self.norm(x)
        if self.c.both:
            self.g.output(x, "tokens")
        x = self.pick(x)
        if self.c.classes:
            x = self.linear(x, self.c.width * (self.c.tokens if self.c.head == "flat" else 1), self.c.classes)
        self.g.output(x, "y")
        return self.g.model()


def build(config):
    return Writer(config).model()
