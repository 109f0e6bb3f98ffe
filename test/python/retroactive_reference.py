"""The guarded retroactive attention in NumPy: what the compiled step is held against, rebuild by rebuild.

Continual Transformers (ICLR 2023), eq. 5-7, against a reference maximum r: a row keeps D = sum e^(s - r), A =
sum e^(s - r) v and a bound b of D's rounding error, and is built again from all keys when D >= 1/2 or b <= tol
D does not hold. With `shadow`, what came after a row's reference key is kept beside it and takes over when that
key leaves.
"""

import numpy as np


def attention(q, k, v):
    """softmax(q k^T / sqrt d) v, in the precision of its operands."""
    scores = q @ k.T / np.sqrt(q.shape[-1])
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights @ v / weights.sum(-1, keepdims=True)


class Guarded:
    """One head of n tokens, oldest row first."""

    def __init__(self, n, d, shadow, tolerance=5e-6, dtype=np.float32):
        self.n, self.scale, self.seen = n, dtype(np.sqrt(d)), 0
        self.tolerance, self.shadow = tolerance, shadow
        self.unit = dtype(np.finfo(dtype).eps / 2)
        zeros = lambda *shape: np.zeros(shape, dtype)
        self.q, self.k, self.v = zeros(n - 1, d), zeros(n, d), zeros(n, d)
        # r, D, b, A, keys until r leaves; of the shadow r, D, A and whether there is one
        self.rows = [zeros(n - 1), zeros(n - 1), zeros(n - 1), zeros(n - 1, d), np.full(n - 1, n)]
        self.rows += [np.full(n - 1, -np.inf, dtype), zeros(n - 1), zeros(n - 1, d), np.zeros(n - 1, bool)]
        self.rebuilt = self.worst = 0

    def build(self, q):
        scores = q @ self.k.T
        j, r = scores.argmax(-1), scores.max(-1)
        a = np.exp(scores - r[:, None])
        later = np.arange(self.n) > j[:, None]
        r2 = np.where(later, scores, -np.inf).max(-1)
        a2 = np.where(later, np.exp(scores - np.where(np.isfinite(r2), r2, 0)[:, None]), 0).astype(a.dtype)
        d = a.sum(-1)
        has_shadow = np.full(len(q), self.shadow)
        return [r, d, 4 * self.unit * d, a @ self.v, j + 1, r2, a2.sum(-1), a2 @ self.v, has_shadow]

    def step(self, q, k, v):
        q, unit = q / self.scale, self.unit
        r0, d, b, a, left, r2, d2, a2, has = self.rows
        so, sn = self.q @ self.k[0], self.q @ k
        lost, r = np.exp(so - r0), np.maximum(r0, sn)
        f, won = np.exp(r0 - r), np.exp(sn - r)
        d = (d - lost) * f + won
        a = (a - np.outer(lost, self.v[0])) * f[:, None] + np.outer(won, v)
        b = b * f + unit * (d + (4 + np.abs(so)) * lost * f + (4 + np.abs(sn)) * won)
        new = sn >= r0
        left = np.where(new, self.n, left - 1)
        m = np.maximum(r2, sn)
        f2, won2 = np.exp(r2 - m), np.exp(sn - m)
        r2, d2 = np.where(new, -np.inf, m), np.where(new, 0, d2 * f2 + won2)
        a2 = np.where(new[:, None], 0, a2 * f2[:, None] + np.outer(won2, v))
        has = (has | new) & self.shadow
        taken = (left == 0) & has
        r, d, a = np.where(taken, r2, r), np.where(taken, d2, d), np.where(taken[:, None], a2, a)
        b, has, left = np.where(taken, 4 * unit * d, b), has & ~taken, np.where(taken, self.n, left)
        queries = np.concatenate([self.q, q[None]])
        self.k, self.v = np.concatenate([self.k[1:], k[None]]), np.concatenate([self.v[1:], v[None]])
        old = [r, d, b, a, left, r2, d2, a2, has]
        rows = [np.concatenate([x, y]).astype(x.dtype) for x, y in zip(old, self.build(q[None]))]
        bad = np.nonzero(~(rows[1] >= 0.5) | ~(rows[2] <= self.tolerance * rows[1]))[0]
        if len(bad):
            for x, y in zip(rows, self.build(queries[bad])):
                x[bad] = y
        if self.seen >= self.n:
            self.rebuilt, self.worst = self.rebuilt + len(bad), max(self.worst, len(bad))
        self.rows, self.q = [x[1:] for x in rows], queries[1:]
        self.seen += 1
        return rows[3] / rows[1][:, None]
