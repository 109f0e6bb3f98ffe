"""What a workload computes, in float64: the outputs that peers are held against, and the states of steps."""

import math

import numpy as np

from . import encoders

_erf = np.vectorize(math.erf, otypes=[np.float64])


def activate(workload, x):
    return np.maximum(x, 0) if workload.activation == "relu" else x * (1 + _erf(x / math.sqrt(2))) / 2


def norm(x, gain, shift):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + shift


def attend(workload, q, k, v, mask):
    """One stream: [queries, width], [tokens, width], [tokens, width]; head by head, to bound the memory."""
    result = np.empty_like(q)
    for h in range(workload.heads):
        part = slice(h * workload.head, (h + 1) * workload.head)
        scores = q[:, part] @ k[:, part].T / math.sqrt(workload.head)
        if mask is not None:
            scores += mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        result[:, part] = scores @ v[:, part] / scores.sum(-1, keepdims=True)
    return result


def block(workload, w, x, mask, rows=slice(None)):
    """The wanted rows, and the queries, keys and values of all tokens."""
    q, k, v = (x if workload.part == "core" else x @ w["w" + p] + w["b" + p] for p in "qkv")
    attended = attend(workload, q[rows], k, v, None if mask is None else mask[rows])
    if workload.part != "encoder":
        return (attended if workload.part == "core" else attended @ w["wo"] + w["bo"]), (q, k, v)
    x = norm(x[rows] + attended @ w["wo"] + w["bo"], w["gain1"], w["shift1"])
    hidden = activate(workload, x @ w["w1"] + w["b1"])
    return norm(x + hidden @ w["w2"] + w["b2"], w["gain2"], w["shift2"]), (q, k, v)


def wide(blocks):
    return [{name: array.astype(np.float64) for name, array in w.items()} for w in blocks]


def newest_output(workload, blocks, x):
    """The output for the newest token of one stream, or all rows of a window."""
    mask = encoders.band_mask(len(x), len(x), workload.tokens) if workload.band else None
    x = x if workload.band else x[-workload.tokens :]
    for i, w in enumerate(blocks):
        last = workload.kind == "step" and i == len(blocks) - 1
        x, _ = block(workload, w, x, mask, slice(len(x) - 1, None) if last else slice(None))
    return x[-1] if workload.kind == "step" else x


def outputs(workload):
    """{x, y}: streams, and what they lead to."""
    x, blocks = encoders.tokens(workload), wide(encoders.weights(workload))
    y = np.stack([newest_output(workload, blocks, one.astype(np.float64)) for one in x])
    return {"x": x, "y": y.astype(np.float32)}


def states(workload):
    """The states of a written-out step after the first full window, in the order in which it takes them:
    keys and values of each block, or tokens, queries, keys and values of the first; see `steps`."""
    n = workload.tokens
    x, blocks = encoders.tokens(workload)[:, :n], wide(encoders.weights(workload))
    mask = encoders.band_mask(n, n, n) if workload.band else None
    found = []
    for stream in x.astype(np.float64):
        kept, rows = [], stream
        for w in blocks if workload.sliding else blocks[:1]:
            before = rows
            rows, (q, k, v) = block(workload, w, before, mask)
            kept += [k, v] if workload.sliding else [before, q, k, v]
        found.append(kept)
    as_heads = lambda a: a.reshape(n, workload.heads, workload.head).transpose(1, 0, 2)
    stacked = [np.stack(parts) for parts in zip(*found)]
    first = 0 if workload.sliding else 1  # the tokens themselves are no heads
    return [
        (a if i < first else np.stack([as_heads(one) for one in a])).astype(np.float32) for i, a in enumerate(stacked)
    ]
