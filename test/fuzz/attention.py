"""Attention: projections, heads, positions that rotate, and scores in many spellings.

Queries, keys and values are [batch, heads, tokens, size], without batch where the layout has none.
"""

import numpy as np
from onnx import TensorProto

import layers
import scores as score_terms


def split_heads(w, x, heads, tokens="N"):
    g, size = w.g, w.c.size
    if w.c.layout == "none":
        return g.transpose(w.view(x, tokens, heads, size), 1, 0, 2)
    if w.c.layout == "tokens":
        return g.transpose(w.view(x, tokens, "B", heads, size), 1, 2, 0, 3)
    return g.transpose(w.view(x, "B", tokens, heads, size), 0, 2, 1, 3)


def join_heads(w, x):
    g, c = w.g, w.c
    if c.layout == "none":
        return w.view(g.transpose(x, 1, 0, 2), "N", c.width)
    perm = (2, 0, 1, 3) if c.layout == "tokens" else (0, 2, 1, 3)
    return w.view(g.transpose(x, *perm), *w.order("B", "N"), c.width)


def gathered(w, x):
    """q, k, v as entries of one axis, as nn.MultiheadAttention is exported."""
    g, c = w.g, w.c
    packed = w.view(layers.linear(w, x, c.width, 3 * c.width), *w.order("B", "N"), 3, c.heads, c.size)
    perm = {"tokens": (2, 1, 3, 0, 4), "batch": (2, 0, 3, 1, 4), "none": (1, 2, 0, 3)}[c.layout]
    packed = g.transpose(packed, *perm)
    return [g.Gather(packed, g.constant(i, np.int64), axis=0) for i in range(3)]


def projected_by_einsum(w, x, heads):
    """x with a weight [width, heads, size]."""
    g, c = w.g, w.c
    weight = w.random(c.width, heads, c.size, scale=c.width**-0.5)
    inputs = {"batch": "btw", "tokens": "tbw", "none": "tw"}[c.layout]
    outputs = "htd" if c.layout == "none" else "bhtd"
    y = g.Einsum(x, weight, equation=f"{inputs},whd->{outputs}")
    return g.Add(y, w.random(heads, 1, c.size, scale=0.3)) if c.biases else y


def projections(w, x):
    g, c = w.g, w.c
    if c.projection == "gather":
        return gathered(w, x)
    if c.projection == "einsum":
        return [projected_by_einsum(w, x, heads) for heads in (c.heads, c.kv_heads, c.kv_heads)]
    kv_width = c.kv_heads * c.size
    widths = [c.width, kv_width, kv_width]
    if c.projection == "split":
        parts = g.split(layers.linear(w, x, c.width, sum(widths)), widths, -1)
    elif c.projection == "slice":
        packed, ends = layers.linear(w, x, c.width, sum(widths)), np.cumsum(widths)
        parts = [g.slice(packed, w.rank - 1, int(end - width), int(end)) for end, width in zip(ends, widths)]
    else:
        parts = [layers.linear(w, x, c.width, width, gemm=c.projection == "gemm") for width in widths]
    return [split_heads(w, part, heads) for part, heads in zip(parts, (c.heads, c.kv_heads, c.kv_heads))]


def rotation(w, width):
    """cos and sin of position times frequency, [n, width / 2]."""
    g, half = w.g, width // 2
    frequencies = 10.0 ** -(np.arange(half) / half)
    if w.c.rotary != "computed":
        angle = np.arange(w.c.tokens)[:, None] * frequencies
        return np.cos(angle), np.sin(angle)
    positions = g.Range(g.constant(0, np.int64), w.length(), g.constant(1, np.int64))
    angle = g.Mul(g.unsqueeze(g.Cast(positions, to=TensorProto.FLOAT), 1), g.constant(frequencies))
    twice = g.Concat(angle, angle, axis=-1)
    return g.Cos(twice), g.Sin(twice)


def rotate(w, x, heads):
    """Su et al. (2021)."""
    g, c, size = w.g, w.c, w.c.size
    last = w.rank  # of [batch, heads, tokens, size]
    if c.rotary == "op":
        tables = [g.constant(table) for table in rotation(w, size)]
        ids = g.constant(np.tile(np.arange(c.tokens), (c.batch, 1)), np.int64)
        return g.RotaryEmbedding(x, *tables, ids, interleaved=int(w.even_seed))
    if c.rotary == "pairs":
        cos, sin = (g.constant(table) for table in rotation(w, size))
        even, odd = g.slice(x, last, 0, step=2), g.slice(x, last, 1, step=2)
        turned = [g.Sub(g.Mul(even, cos), g.Mul(odd, sin)), g.Add(g.Mul(odd, cos), g.Mul(even, sin))]
        pairs = g.Concat(*(g.unsqueeze(part, last + 1) for part in turned), axis=-1)
        return w.view(pairs, *(["B"] if w.rank == 3 else []), heads, "N", size)
    width = size // 2 if c.rotary == "partial" and size >= 4 else size
    x, rest = (x, None) if width == size else (g.slice(x, last, 0, width), g.slice(x, last, width))
    turned = g.Concat(g.Neg(g.slice(x, last, width // 2)), g.slice(x, last, 0, width // 2), axis=-1)
    cos, sin = rotation(w, width)
    if c.rotary != "computed":
        cos, sin = (g.constant(np.tile(table, 2)) for table in (cos, sin))
    x = g.Add(g.Mul(x, cos), g.Mul(turned, sin))
    return x if rest is None else g.Concat(x, rest, axis=-1)


def repeated(w, x, keys):
    """Keys or values once for each head that shares them."""
    g, c = w.g, w.c
    times = c.heads // c.kv_heads
    if times == 1:
        return x
    axis = w.rank - 2  # of the heads
    if c.repeat == "gather":
        return g.Gather(x, g.constant(np.repeat(np.arange(c.kv_heads), times), np.int64), axis=axis)
    ones = [1] * (w.rank + 2)
    ones[axis + 1] = times
    spread = g.Tile if c.repeat == "tile" else g.Expand
    wide = spread(g.unsqueeze(x, axis + 1), g.indices(*ones))
    return w.view(wide, *(["B"] if w.rank == 3 else []), c.heads, keys, c.size)


def products(w, q, k, keys):
    """Scores [batch, heads, queries, keys]."""
    g, c = w.g, w.c
    perm = (0, 2, 1) if w.rank == 2 else (0, 1, 3, 2)
    if c.scores == "einsum":
        letters = "" if w.rank == 2 else "b"
        return g.Einsum(q, k, equation=f"{letters}hqd,{letters}hkd->{letters}hqk")
    if c.scores == "batched":
        q, k = w.view(q, "BH", "N", c.size), w.view(k, "BH", keys, c.size)
        return w.view(g.MatMul(q, g.transpose(k, 0, 2, 1)), "B", c.heads, "N", keys)
    if c.scores == "merged":
        flat = g.transpose(w.view(k, "BH", keys, c.size), 0, 2, 1)
        return g.MatMul(q, w.view(flat, "B", c.heads, c.size, keys))
    return g.MatMul(q, g.transpose(k, *perm))


def grouped_attention(w, q, k, v, keys, weigh):
    """Heads that share keys as one more axis, along which the keys broadcast."""
    g, c = w.g, w.c
    batch, times = ["B"] if w.rank == 3 else [], c.heads // c.kv_heads
    perm = [*range(w.rank), w.rank + 1, w.rank]
    shared = lambda x: g.unsqueeze(x, w.rank - 1)
    q = w.view(q, *batch, c.kv_heads, times, "N", c.size)
    scores = g.MatMul(q, g.transpose(shared(k), *perm))
    weights = weigh(w.view(scores, *batch, c.heads, "N", keys))
    mixed = g.MatMul(w.view(weights, *batch, c.kv_heads, times, "N", keys), shared(v))
    return w.view(mixed, *batch, c.heads, "N", c.size)


def mixtures(w, weights, v, keys):
    g, c = w.g, w.c
    if c.scores == "einsum":
        letters = "" if w.rank == 2 else "b"
        return g.Einsum(weights, v, equation=f"{letters}hqk,{letters}hkd->{letters}hqd")
    if c.scores == "batched":
        mixed = g.MatMul(w.view(weights, "BH", "N", keys), w.view(v, "BH", keys, c.size))
        return w.view(mixed, "B", c.heads, "N", c.size)
    return g.MatMul(weights, v)


def scaled(w, q, k):
    g, c = w.g, w.c
    if c.scale == "query":
        return g.Mul(q, g.scalar(c.size**-0.5)), k
    if c.scale == "both":
        return tuple(g.Mul(part, g.scalar(c.size**-0.25)) for part in (q, k))
    return q, k


def terms(w, q, mask):
    """All that is added to the scores, as one value, for the Attention operator."""
    zero = w.g.constant(np.zeros((w.c.tokens, w.c.tokens)))
    total = score_terms.padded(w, score_terms.masked(w, zero, mask))
    bias = score_terms.bias(w, q)
    total = total if bias is None else w.g.Add(total, bias)
    return w.g.Max(total, w.g.scalar(-1e9))


def by_operator(w, q, k, v, mask):
    """The Attention operator of opset 23, with 4-D operands."""
    g, c = w.g, w.c
    keys = {} if c.scale == "divide" else {"scale": 1.0 if c.scale != "absent" else c.size**-0.25}
    if c.softcap:
        keys["softcap"] = c.softcap
    if mask == "causal" and w.padding is None and c.bias is None:
        return g.Attention(q, k, v, is_causal=1, **keys)
    if mask is None and w.padding is None and c.bias is None:
        return g.Attention(q, k, v, **keys)
    return g.Attention(q, k, v, terms(w, q, mask), **keys)


def weights_of(w, q, scores, mask):
    """Softmax of the scores, with all that is done to them before."""
    g, c = w.g, w.c
    if c.scale == "divide":
        scores = g.Div(scores, g.scalar(c.size**0.5))
    if c.softcap:
        scores = g.Mul(g.Tanh(g.Div(scores, g.scalar(c.softcap))), g.scalar(c.softcap))
    if (bias := score_terms.bias(w, q)) is not None:
        scores = g.Add(scores, bias)
    weights = g.softmax(score_terms.padded(w, score_terms.masked(w, scores, mask)), w.rank + 1)
    if c.nan_guard:
        weights = g.Where(g.IsNaN(weights), g.scalar(0), weights)
    return w.no_op(weights)


def attend(w, q, k, v, mask):
    """[batch, heads, tokens, size]."""
    c = w.c
    weigh = lambda scores: weights_of(w, q, scores, mask)
    if c.kv_heads < c.heads and c.repeat == "groups" and c.scores == "matmul":
        return grouped_attention(w, q, k, v, "N", weigh)
    k, v = (repeated(w, part, "N") for part in (k, v))
    return mixtures(w, weigh(products(w, q, k, "N")), v, "N")


def attention(w, x, mask):
    c = w.c
    q, k, v = projections(w, x)
    if c.qk_norm:
        q, k = (layers.head_norm(w, part) for part in (q, k))
    if c.rotary:
        q, k = rotate(w, q, c.heads), rotate(w, k, c.kv_heads)
    q, k = scaled(w, q, k)
    mixed = by_operator(w, q, k, v, mask) if c.scores == "op" else attend(w, q, k, v, mask)
    return layers.linear(w, join_heads(w, mixed), c.width, c.width)


def cross_attention(w, x):
    """Keys and values of a static input [batch, keys, width]."""
    g, c = w.g, w.c
    q = split_heads(w, layers.linear(w, x, c.width, c.width), c.heads)
    heads = []
    for _ in range(2):
        part = w.view(
            g.MatMul(w.memory, w.random(c.width, c.width, scale=c.width**-0.5)),
            "B",
            c.memory,
            c.heads,
            c.size,
        )
        heads.append(g.transpose(part, 0, 2, 1, 3))
    q, k = scaled(w, q, heads[0])
    scores = g.MatMul(q, g.transpose(k, 0, 1, 3, 2))
    mixed = g.MatMul(g.softmax(scores, 4), heads[1])
    return layers.linear(w, join_heads(w, mixed), c.width, c.width)
