"""The matrices that map n tokens to m rows, in float64.

D [m, n]: the first m rows of the orthonormal DCT-II. D D^T = I, D 1 = sqrt(n) e_0.
R [m, n] = sqrt(m / n) D_m^T D: n tokens resampled to m; each row sums to 1, and R = I where m = n.
P [m, n]: means of m blocks of neighbouring tokens whose sizes differ by at most 1.
"""

import numpy as np


def dct_matrix(tokens, keep):
    """D of Scribano et al. (DCT-Former, J. Sci. Comput. 94, 2023)."""
    # The angle is reduced by its period in integers, so that large sizes lose no digits.
    step = np.outer(np.arange(keep), 2 * np.arange(tokens) + 1) % (4 * tokens)
    table = np.cos(np.pi / (2 * tokens) * step) * np.sqrt(2 / tokens)
    table[0] = np.sqrt(1 / tokens)
    return table


def resample_matrix(tokens, keep):
    return np.sqrt(keep / tokens) * dct_matrix(keep, keep).T @ dct_matrix(tokens, keep)


def pool_matrix(tokens, keep):
    """The first n mod m blocks hold one token more than the others."""
    blocks = np.array_split(np.arange(tokens), keep)
    return np.stack([np.isin(np.arange(tokens), block) / len(block) for block in blocks])
