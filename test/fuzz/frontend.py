"""From inputs to rows: embeddings, convolutions and patches, position tables, learned tokens."""

import numpy as np
from onnx import TensorProto

import layers
from config import POSITION_TABLE, manifest_entry

KINDS = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}


def declare(w):
    """{name: value} of the model's inputs; sizes that the file leaves open have names."""
    c, declared = w.c, {}
    for one in manifest_entry(c)["inputs"]:
        dims = list(one["shape"])
        if c.symbolic and one["token_axis"] is not None:
            dims[one["token_axis"]] = "length"
        if c.symbolic == "all" and c.layout != "none":
            at = dims.index(c.batch) if one["token_axis"] != 0 else 1
            dims[at] = "batch"
        declared[one["name"]] = w.g.input(one["name"], KINDS[one["dtype"]], dims)
    return declared


def looked_up(w, ids, rows):
    return w.g.Gather(w.random(rows, w.c.features), ids, axis=0)


def embed(w, inputs):
    """[batch, tokens, features], features."""
    g, c = w.g, w.c
    x, features = inputs["x"], c.features
    if c.source in ("ids", "typed_ids"):
        x = looked_up(w, x, 20)
    if c.source == "typed_ids":
        x = g.Add(x, looked_up(w, inputs["types"], 2))
    if c.source == "added":
        x = g.Add(x, layers.linear(w, inputs["other"], features, features))
    if c.speaker:
        speaker = inputs["speaker"]
        if c.layout != "tokens":  # [batch, features] broadcasts along the tokens that come first
            speaker = g.unsqueeze(speaker, w.token_axis)
        x = g.Add(x, speaker)
    if c.source == "joined":
        x, features = g.Concat(x, inputs["other"], axis=-1), features + 2
    return x, features


def convolved(w, x, features):
    """Convolutions over tokens, [batch, features, tokens] inside."""
    g, kind = w.g, w.c.front
    group = features if kind == "depthwise" else 1
    layer = lambda x, kernel, **keys: g.Conv(
        x,
        w.random(features, features // group, kernel, scale=(kernel * features / group) ** -0.5),
        *([w.random(features, scale=0.3)] if w.c.biases else []),
        kernel_shape=[kernel],
        group=group,
        **keys,
    )
    x = w.channels_first(x)
    if kind == "causal" and w.chance(0.5):
        x = layer(g.Pad(x, g.indices(0, 0, 2, 0, 0, 0)), 3)
    elif kind == "causal":
        x = layer(x, 3, pads=[2, 0])
    elif kind == "whisper":
        x = layer(layers.activation(w, layer(x, 3, pads=[1, 1])), 3, pads=[1, 1], strides=[2])
        x = layers.activation(w, x)
    else:
        keys = {
            "same": {"pads": [1, 1]},
            "depthwise": {"pads": [1, 1]},
            "valid": {},
            "dilated": {"pads": [2, 2], "dilations": [2]},
            "strided": {"pads": [1, 1], "strides": [2]},
            "patch": {"strides": [2]},
        }[kind]
        x = layer(x, 2 if kind == "patch" else 3, **keys)
    return w.channels_last(x)


def grouped(w, x, features):
    """Two tokens become one row, by a view."""
    g, half = w.g, w.c.rows_of_tokens
    if w.c.layout == "tokens":
        pairs = g.transpose(w.view(x, half, 2, "B", features), 0, 2, 1, 3)
        return w.view(pairs, half, "B", 2 * features), 2 * features
    return w.view(x, *(["B"] if w.rank == 3 else []), half, 2 * features), 2 * features


def spread(w, x, features):
    """One token becomes two rows, by a view."""
    g, twice = w.g, w.c.rows_of_tokens
    if w.c.layout == "tokens":
        pairs = g.transpose(w.view(x, twice // 2, "B", 2, features), 0, 2, 1, 3)
        return w.view(pairs, twice, "B", features)
    return w.view(x, *(["B"] if w.rank == 3 else []), twice, features)


def with_neighbours(w, x, features):
    """Each token beside the one before it and the one behind; beyond the ends there is nothing."""
    g, axis = w.g, w.token_axis
    pads = lambda *ends: g.indices(*(end if dim == axis else 0 for end in ends for dim in range(w.rank)))
    before = g.Pad(g.slice(x, axis, 0, w.c.window - 1), pads(1, 0))
    behind = g.Pad(g.slice(x, axis, 1), pads(0, 1))
    return g.Concat(before, x, behind, axis=-1), 3 * features


def with_learned_tokens(w, x):
    g, c = w.g, w.c
    parts = [x]
    for count, place in ((c.lead, 0), (c.tail, len(parts))):
        if count == 0:
            continue
        rows = w.rng.standard_normal((count, c.width))
        if c.layout == "none":
            learned = g.constant(rows)
        elif c.symbolic == "all" or w.chance(0.5):  # one for all sequences of the batch
            learned = g.constant(rows[None] if c.layout == "batch" else rows[:, None])
            sizes = [w.batch_size(), g.indices(count), g.indices(c.width)]
            if c.layout == "tokens":
                sizes[:2] = sizes[1::-1]
            learned = g.Expand(learned, g.Concat(*sizes, axis=0))
        else:
            full = rows[None] if c.layout == "batch" else rows[:, None]
            learned = g.constant(np.broadcast_to(full, (*w.order(c.batch, count), c.width)))
        parts.insert(0 if place == 0 else len(parts), learned)
    return g.Concat(*parts, axis=w.token_axis) if len(parts) > 1 else x


def sinusoids(w):
    """Vaswani et al. (2017), section 3.5, computed; [tokens, width]."""
    g, half = w.g, w.c.width // 2
    positions = g.Cast(
        g.Range(g.constant(0, np.int64), w.length(), g.constant(1, np.int64)), to=TensorProto.FLOAT
    )
    angles = g.Mul(g.unsqueeze(positions, 1), g.constant(100.0 ** -(np.arange(half) / half)))
    return g.Concat(g.Sin(angles), g.Cos(angles), axis=-1)


def table(w):
    """[1, tokens, width], [tokens, 1, width] or [tokens, width], which the tokens add."""
    g, c, n = w.g, w.c, w.c.tokens
    rows = lambda count: w.random(count, c.width, scale=0.5)
    if c.positions == "add":
        shape = [n, c.width] if c.layout == "none" else [*w.order(1, n), c.width]
        return g.rename(w.random(*shape, scale=0.5), POSITION_TABLE)
    if c.positions == "slice":
        found = g.slice(rows(n + 5), 0, 0, n)
    elif c.positions == "gather":
        found = g.Gather(rows(n + 5), g.indices(*range(n)), axis=0)
    elif c.positions == "range" or c.width % 2:
        ids = g.Range(g.constant(0, np.int64), w.length(), g.constant(1, np.int64))
        found = g.Gather(rows(n + 5), ids, axis=0)
    else:
        found = sinusoids(w)
    if c.layout != "none":
        found = g.unsqueeze(found, 1 if c.layout == "tokens" else 0)
    return g.rename(found, POSITION_TABLE)


def padding(w, mask):
    """[batch, 1, 1, keys], or [keys]; learned tokens are never hidden."""
    g, c = w.g, w.c
    rank = {"wide": 4}.get(c.padding, 2) if c.layout != "none" else 1
    if c.padding == "wide":
        rank = 4
    if c.layout == "none" and c.padding == "wide":
        mask, rank = g.squeeze(g.squeeze(mask, 0), 0), 1
    if c.lead or c.tail:
        kind = {"hide": (False, bool), "keep": (True, bool), "integer": (1, np.int64)}.get(
            c.padding, (0.0, np.float32)
        )
        sizes = {1: [], 2: [c.batch], 4: [c.batch, 1, 1]}[rank]
        learned = lambda count: [g.constant(np.full([*sizes, count], kind[0]), kind[1])] if count else []
        mask = g.Concat(*learned(c.lead), mask, *learned(c.tail), axis=rank - 1)
    return g.unsqueeze(mask, 1, 2) if rank == 2 else mask


def rows(w):
    """The rows that enter the first block."""
    g, c = w.g, w.c
    inputs = declare(w)
    w.live = inputs["x"]
    w.memory = inputs.get("memory")
    x, features = embed(w, inputs)
    w.live = x
    if c.front == "view":
        x, features = grouped(w, x, features)
    elif c.front == "spread":
        x = spread(w, layers.linear(w, x, features, 2 * features), features)
    elif c.front == "neighbours":
        x, features = with_neighbours(w, x, features)
    elif c.front:
        x = convolved(w, x, features)
    w.live = x
    x = layers.linear(w, x, features, c.width)
    x = w.live = with_learned_tokens(w, x)
    if c.padding:
        w.padding = padding(w, inputs["padding"])
    if c.positions:
        x = g.Add(x, table(w))
    return x
