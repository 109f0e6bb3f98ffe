"""DCT-compressed attention in NumPy: what `weir-dct` is held against.

DCT-Former (Scribano, Franchini, Prato, Bertogna, J. Sci. Comput. 94, 2023) and two forms that need no training.
Every function takes q, k, v [..., tokens, features] of equal leading dimensions, computes in their precision, and
leaves scaling to `scale`. `kept` [..., tokens] of 1 and 0 says which keys are no padding; None keeps all.

    D (m x n)   first m rows of the orthonormal DCT-II: D D^T = 1, and D of all ones is sqrt(n) in row 0
    R (m x n)   n tokens resampled to m: sqrt(m/n) D_m^T D, whose rows sum to 1; the identity where m = n
"""

import numpy as np

# Pseudo-tokens that stand for less than this share of a token are left out: R rings where padding begins, and what a
# small share is divided by blows up.
SMALLEST_SHARE = 0.25


def dct_matrix(tokens, keep=None):
    """D [keep, tokens] in float64."""
    row, token = np.arange(tokens if keep is None else keep)[:, None], np.arange(tokens)
    matrix = np.cos(np.pi * (2 * token + 1) * row / (2 * tokens)) * np.sqrt(2 / tokens)
    matrix[0] = np.sqrt(1 / tokens)
    return matrix


def resample_matrix(tokens, keep):
    """R [keep, tokens] in float64."""
    return np.sqrt(keep / tokens) * dct_matrix(keep).T @ dct_matrix(tokens, keep)


def pool_matrix(tokens, keep):
    """Means of `keep` blocks of neighbours, of which the first tokens mod keep hold one token more."""
    blocks = np.array_split(np.arange(tokens), keep)
    return np.stack([np.isin(np.arange(tokens), block) / len(block) for block in blocks])


def swap(x):
    return np.swapaxes(x, -1, -2)


def softmax(scores):
    """Over the last axis; a row of -inf alone gives 0."""
    largest = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(largest), largest, 0))
    return weights / np.maximum(weights.sum(-1, keepdims=True), np.finfo(scores.dtype).tiny)


def attention(q, k, v, scale, bias=0.0):
    """softmax(scale q k^T + bias) v."""
    return softmax(scale * (q @ swap(k)) + bias) @ v


def as_column(kept, like):
    """`kept` as a factor of rows; all ones where it is None."""
    ones = np.ones(like.shape[-2], like.dtype) if kept is None else np.asarray(kept, like.dtype)
    return ones[..., None]


def qkv(q, k, v, scale, keep, kept=None):
    """D^T softmax(scale (D q) (D M k)^T) (D M v): the softmax runs over frequencies, so padding is multiplied away."""
    d = dct_matrix(q.shape[-2], keep).astype(q.dtype)
    column = as_column(kept, k)
    return d.T @ attention(d @ q, d @ (k * column), d @ (v * column), scale)


def x(q, k, v, scale, keep, biases=(0.0, 0.0, 0.0), kept=None):
    """The authors' second form: D applied to the input of the projections, whose biases then enter every one of the
    m rows: D (y - 1 b^T) + 1 b^T instead of D y, for y = q, k, v. It takes no account of padding.
    """
    d = dct_matrix(q.shape[-2], keep).astype(q.dtype)
    rows = [d @ (y - bias) + bias for y, bias in zip((q, k, v), biases)]
    return d.T @ attention(*rows, scale)


def _on_pseudo_tokens(matrix, smallest, q, k, v, scale, kept):
    """softmax(scale q (S k)^T) (S v) for S = `matrix`, whose rows sum to 1.

    With padding, pseudo-token j stands for the share w_j = (S M 1)_j of a token, with the key (S M k)_j / w_j and the
    value (S M v)_j / w_j: it weighs w_j exp(score). One with w_j < `smallest`, or 0, takes no part.
    """
    matrix = matrix.astype(q.dtype)
    if kept is None:
        return attention(q, matrix @ k, matrix @ v, scale)
    column = as_column(kept, k)
    share = matrix @ column
    used = (share >= smallest) & (share > 0)
    safe = np.where(used, share, 1)
    weight = np.where(used, np.log(safe), -np.inf)
    return attention(q, matrix @ (k * column) / safe, matrix @ (v * column) / safe * used, scale, swap(weight))


def resample(q, k, v, scale, keep, kept=None):
    """Attention to `keep` pseudo-tokens, the keys and values resampled by R; full attention where keep = tokens."""
    return _on_pseudo_tokens(resample_matrix(k.shape[-2], keep), SMALLEST_SHARE, q, k, v, scale, kept)


def pool(q, k, v, scale, keep, kept=None):
    """Attention to the means of `keep` blocks: what `resample` must beat; full attention where keep = tokens."""
    return _on_pseudo_tokens(pool_matrix(k.shape[-2], keep), 0.0, q, k, v, scale, kept)


VARIANTS = {"qkv": qkv, "x": x, "resample": resample, "pool": pool}


def macs(variant, n, m, width):
    """Multiply-accumulates of one layer, projections and transforms as matrix products included; qkv is folded."""
    e = width
    return {
        "full": 4 * n * e * e + 2 * n * n * e,
        "qkv": 4 * m * e * e + 2 * n * m * e + 2 * m * m * e,
        "x": 3 * m * e * e + m * e * e + 2 * n * m * e + 2 * m * m * e,
        "resample": 2 * n * e * e + 2 * m * e * e + n * m * e + 2 * n * m * e,
        "pool": 2 * n * e * e + 2 * m * e * e + 2 * n * m * e,
    }[variant]


class SlidingDct:
    """Coefficients [keep, features] of the newest `tokens` tokens of a stream, zeros before the first.

    With theta_k = pi k / n and Z_k = sum_j x_(t-n+1+j) exp(i theta_k (j + 1/2)), coefficient k is c_k Re Z_k, and a
    new token makes Z' = exp(-i theta) Z + exp(-i theta / 2) ((-1)^k x_new - x_old). That drifts in float32; with
    `shadow` a second accumulator, which only adds, replaces Z every n tokens.
    """

    def __init__(self, tokens, keep, features, dtype=np.float32, shadow=True):
        kind = np.result_type(dtype, np.complex64)
        k = np.arange(keep)[:, None]
        self.turn = np.exp(-1j * np.pi * k / tokens).astype(kind)
        self.half = np.exp(-0.5j * np.pi * k / tokens).astype(kind)
        self.sign = ((-1.0) ** k).astype(dtype)
        self.norm = np.sqrt(np.where(k == 0, 1, 2) / tokens).astype(dtype)
        self.sums, self.fresh = np.zeros((keep, features), kind), np.zeros((keep, features), kind)
        self.ring = np.zeros((tokens, features), dtype)
        self.shadow, self.seen = shadow, 0

    def step(self, token):
        slot = self.seen % len(self.ring)
        old, self.ring[slot] = self.ring[slot].copy(), token
        self.seen += 1
        self.sums = self.turn * self.sums + self.half * (self.sign * token - old)
        if self.shadow:
            self.fresh = self.turn * self.fresh + self.half * (self.sign * token)
            if slot == len(self.ring) - 1:
                self.sums, self.fresh = self.fresh, np.zeros_like(self.fresh)
        return self.norm * self.sums.real
