"""Masks and biases of attention scores: constants, or computed from positions as exporters write it.

Where i is the position of a query and j that of a key, a mask hides what is too far back (i - j > back) or ahead
(j - i > ahead), and a bias is a function of i - j, or a table of n x n.
"""

import numpy as np
from onnx import TensorProto


def distances(n):
    """Query - key."""
    return np.arange(n)[:, None] - np.arange(n)


def hidden(mask, n):
    distance = distances(n)
    return distance < 0 if mask == "causal" else (distance > mask[0]) | (-distance > mask[1])


def computed_distances(w, dtype=None):
    """[n, n]: query - key, from Range."""
    g = w.g
    positions = g.Range(g.constant(0, np.int64), w.length(), g.constant(1, np.int64))
    if dtype:
        positions = g.Cast(positions, to=dtype)
    return g.Sub(g.unsqueeze(positions, 1), g.unsqueeze(positions, 0))


def computed_hidden(w, mask):
    """[n, n] booleans."""
    g = w.g
    distance = computed_distances(w)
    number = lambda value: g.constant(value, np.int64)
    if mask == "causal":
        return g.Less(distance, number(0))
    if w.c.opset >= 12 and w.chance(0.5):
        near = g.And(g.LessOrEqual(distance, number(mask[0])), g.GreaterOrEqual(distance, number(-mask[1])))
        return g.Not(near)
    return g.Or(g.Greater(distance, number(mask[0])), g.Less(distance, number(-mask[1])))


def upper_triangle(w, low):
    """[n, n]: `low` above the diagonal, by Trilu, in one of three ways."""
    g = w.g
    square = g.Concat(w.length(rank=1), w.length(rank=1), axis=0)
    above = g.constant(1, np.int64)
    way = w.r.randrange(3)
    fill = lambda value: w.filled(square, value)
    if way == 0:
        return g.Trilu(fill(low), above, upper=1)
    if way == 1:
        ones = g.Cast(g.Trilu(fill(1.0), above, upper=1), to=TensorProto.BOOL)
        return g.Where(ones, g.scalar(low), g.scalar(0))
    lower = g.Trilu(fill(1.0), upper=0)
    return g.Mul(g.Sub(g.scalar(1), lower), g.scalar(max(low, -1e9)))


def masked(w, scores, mask):
    g, c = w.g, w.c
    if mask is None:
        return scores
    if c.mask_form == "trilu" and mask == "causal":
        return g.Add(scores, upper_triangle(w, w.r.choice([-np.inf, -1e9])))
    if c.mask_form in ("range", "trilu"):
        return g.Where(computed_hidden(w, mask), g.scalar(w.r.choice([-np.inf, -1e9])), scores)
    if c.mask_form == "range_add":
        return g.Add(scores, g.Mul(g.Cast(computed_hidden(w, mask), to=TensorProto.FLOAT), g.scalar(-1e9)))
    where = hidden(mask, c.tokens)
    if c.mask_form == "where":
        return g.Where(g.constant(where, bool), g.scalar(-np.inf), scores)
    return g.Add(scores, g.constant(np.where(where, -1e9 if c.mask_form == "add_finite" else -np.inf, 0)))


def padded(w, scores):
    """Hides the keys that the second stream tells; `w.padding` is [batch, 1, 1, keys], or [keys]."""
    if w.padding is None:
        return scores
    g = w.g
    if w.c.padding == "hide":
        return g.Where(w.padding, g.scalar(-1e9), scores)
    if w.c.padding == "keep":
        return g.Where(g.Not(w.padding), g.scalar(-1e9), scores)
    if w.c.padding == "integer":
        keep = g.Cast(w.padding, to=TensorProto.FLOAT)
        return g.Add(scores, g.Mul(g.Sub(g.scalar(1), keep), g.scalar(-10000)))
    return g.Add(scores, w.padding)


def constant_bias(w):
    """[heads, n, n]."""
    c, n = w.c, w.c.tokens
    if c.bias == "relative":
        return w.rng.standard_normal((c.heads, 2 * n - 1))[:, distances(n) + n - 1]
    if c.bias == "alibi":
        return -np.abs(distances(n)) * 0.5 ** np.arange(1, c.heads + 1)[:, None, None]
    return w.rng.standard_normal((c.heads, n, n))


def alibi(w):
    g = w.g
    slopes = g.constant(0.5 ** np.arange(1, w.c.heads + 1)[:, None, None])
    far = g.Abs(computed_distances(w, TensorProto.FLOAT))
    return g.Mul(g.Neg(far), slopes) if w.chance(0.5) else g.Mul(far, g.Neg(slopes))


def looked_up(w, indices, rows):
    """[heads, n, n]: rows of a table, by index."""
    g = w.g
    table = w.random(rows, w.c.heads)
    return g.transpose(g.Gather(table, indices, axis=0), 2, 0, 1)


def clipped_distances(w, k):
    """[n, n]: k plus query - key, where distances beyond k are k."""
    g = w.g
    if w.c.opset >= 12:
        near = g.Clip(computed_distances(w), g.constant(-k, np.int64), g.constant(k, np.int64))
    else:
        near = g.Clip(computed_distances(w, TensorProto.FLOAT), g.constant(-k), g.constant(k))
        near = g.Cast(near, to=TensorProto.INT64)
    return g.Add(near, g.constant(k, np.int64))


def clipped(w):
    """Shaw et al. (2018), section 3.2."""
    k = w.r.randint(1, 4)
    return looked_up(w, clipped_distances(w, k), 2 * k + 1)


def disentangled(w, queries):
    """He et al. (2021), section 3.1: content against relative positions, and those against content."""
    g, c, k = w.g, w.c, w.r.randint(1, 4)
    batch = [] if c.layout == "none" else ["B"]
    flat = w.view(queries, "BH" if batch else c.heads, "N", c.size)
    sizes = [w.size("BH" if batch else c.heads), w.length(rank=1), w.length(rank=1)]
    indices = g.Expand(clipped_distances(w, k), g.Concat(*sizes, axis=0))
    terms = []
    for _ in range(2):
        near = g.GatherElements(g.MatMul(flat, w.random(c.size, 2 * k + 1, scale=0.5)), indices, axis=-1)
        terms.append(w.view(near, *batch, c.heads, "N", "N"))
    return g.Add(terms[0], g.transpose(terms[1], *range(len(batch) + 1), len(batch) + 2, len(batch) + 1))


def buckets(w):
    """Raffel et al. (2020): two exact distances, then two of a logarithmic scale up to 16, each way."""
    g = w.g
    distance = computed_distances(w, TensorProto.FLOAT)
    ahead = g.Mul(g.Cast(g.Less(distance, g.constant(0.0)), to=TensorProto.FLOAT), g.scalar(4))
    far = g.Abs(distance)
    steps = g.Mul(
        g.Div(g.Log(g.Div(g.Clip(far, g.constant(2.0)), g.scalar(2))), g.scalar(np.log(8))), g.scalar(2)
    )
    coarse = g.Min(g.Add(g.Floor(steps), g.scalar(2)), g.scalar(3))
    bucket = g.Add(ahead, g.Where(g.Less(far, g.constant(2.0)), far, coarse))
    return looked_up(w, g.Cast(bucket, to=TensorProto.INT64), 8)


def shifted(w, queries):
    """Dai et al. (2019), appendix B: scores against 2n - 1 distances, shifted into place; [batch, heads, n, n]."""
    g, c = w.g, w.c
    table = w.random(c.heads, c.size, 2 * c.tokens - 1, scale=0.5)
    scores = g.MatMul(queries, table)
    padded_scores = g.Pad(scores, g.indices(0, 0, 0, 1, 0, 0, 0, 0))
    turned = w.view(padded_scores, "B", c.heads, 2 * c.tokens, "N")
    straight = w.view(g.slice(turned, 2, 1), "B", c.heads, "N", 2 * c.tokens - 1)
    return g.slice(straight, 3, 0, c.tokens)


def bias(w, queries):
    """What is added to the scores, or None."""
    kind = w.c.bias
    if kind is None:
        return None
    if kind == "shift":
        return shifted(w, queries)
    if kind == "disentangled":
        return disentangled(w, queries)
    computed = {"alibi_range": alibi, "clipped": clipped, "buckets": buckets}.get(kind)
    return computed(w) if computed else w.g.constant(constant_bias(w))
