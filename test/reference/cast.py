"""CAST-style attention in NumPy: what `weir-cast` is held against.

After CAST (van Engelenhoven, Strisciuglio, Talavera, Pattern Recognit. Lett. 2024, arXiv 2402.04239). CAST-style;
equations are a reconstruction, not checked against the paper. Per head, n tokens of d features and C clusters of K:

    A_q = q S^T, A_k = k S^T                             [n, C], S [C, d] the surrogate tokens
    A_g = s f(A_q) + (1 - s) f(A_k), s = sigmoid(phi)    [n, C], phi [n, 1] = x w + b
    clusters = the K tokens of largest affinity of every column of A_g (or a single assignment)
    inside_c = f(q_c k_c^T / tau) v_c                    [K, d] on the tokens of cluster c
    summary_c = f(A_k[tokens of c, c] softplus1(-phi) / tau_k) v_c       [d]
    W = f(A_q softplus1(phi) / tau_q)                    [n, C]
    out_i = sum over c with i: W_ic inside_c[i]  +  sum over the other c: W_ic summary_c
"""

import dataclasses
import math

import numpy as np

EMPTY = -1  # a place of a cluster that no token took
NEAR = 1e-5  # of the largest affinity: two affinities that near may swap places in another precision


@dataclasses.dataclass
class Options:
    clustering: str = "topk"  # topk, sa-greedy, sa-rounds
    function: str = "softmax"  # softmax, laplace
    heads: str = "shared"  # one clustering, of the affinities summed over the heads, or one per-head
    gates: bool = True  # the mixing and summary affinities times softplus1 of +phi and -phi
    own_mask: bool = True  # a token does not see the summaries of its own clusters
    intra_weight: bool = True  # what a token finds inside a cluster is weighted by W
    summaries: bool = True  # tokens see the summaries of clusters
    tau: float | None = None  # temperatures: sqrt(d) unless given
    tau_q: float | None = None
    tau_k: float | None = None


def softmax(scores):
    """Over the last axis; a row of -inf alone gives 0."""
    largest = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(largest), largest, 0))
    return weights / np.maximum(weights.sum(-1, keepdims=True), np.finfo(scores.dtype).tiny)


_erf = np.frompyfunc(math.erf, 1, 1)


def laplace(scores):
    """0.5 (1 + erf((a - sqrt(1/2)) / (sqrt(1/(4 pi)) sqrt 2))), rows not normalised; 0 at -inf."""
    argument = (scores - math.sqrt(0.5)) / (math.sqrt(0.25 / math.pi) * math.sqrt(2))
    return (0.5 * (1 + _erf(argument).astype(scores.dtype))).astype(scores.dtype)


FUNCTIONS = {"softmax": softmax, "laplace": laplace}


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def softplus1(x):
    """1 + ln(1 + e^x)."""
    return 1 + np.logaddexp(0, x)


def descending(values, axis):
    """Order of falling values; of equal ones the lower index comes first."""
    return np.argsort(-values, axis=axis, kind="stable")


def _padded(clusters, size):
    return np.array([tokens + [EMPTY] * (size - len(tokens)) for tokens in clusters], np.int64)


def topk(affinity, size):
    """[C, size]: every cluster takes its best tokens. A token may be in several clusters or in none."""
    tokens, clusters = affinity.shape
    chosen = np.full((clusters, size), EMPTY, np.int64)
    chosen[:, : min(size, tokens)] = descending(affinity, 0)[:size].T
    return chosen


def sa_greedy(affinity, size):
    """[C, size]: tokens in falling order of their best affinity, each into its best cluster that has room."""
    clusters = [[] for _ in range(affinity.shape[1])]
    wishes = descending(affinity, 1)
    for token in descending(affinity.max(1), 0):
        for cluster in wishes[token]:
            if len(clusters[cluster]) < size:
                clusters[cluster].append(int(token))
                break
    return _padded(clusters, size)


def sa_rounds(affinity, size):
    """[C, size]: in round r every token without a cluster asks its r-th best, which takes its best askers."""
    count = affinity.shape[1]
    clusters, free = [[] for _ in range(count)], np.ones(len(affinity), bool)
    wishes = descending(affinity, 1)
    for turn in range(count):
        for cluster in range(count):
            asking = np.nonzero(free & (wishes[:, turn] == cluster))[0]
            asking = asking[descending(affinity[asking, cluster], 0)][: size - len(clusters[cluster])]
            clusters[cluster] += asking.tolist()
            free[asking] = False
    return _padded(clusters, size)


CLUSTERINGS = {"topk": topk, "sa-greedy": sa_greedy, "sa-rounds": sa_rounds}


def affinities(q, k, surrogates, phi, options):
    """(A_q, A_k, A_g), each [heads, n, C]."""
    f = FUNCTIONS[options.function]
    of_queries, of_keys = q @ np.swapaxes(surrogates, -1, -2), k @ np.swapaxes(surrogates, -1, -2)
    gate = sigmoid(phi)
    return of_queries, of_keys, gate * f(of_queries) + (1 - gate) * f(of_keys)


def choose(affinity, size, options):
    """Clusters [heads, C, size] for affinities [heads, n, C]."""
    pick = CLUSTERINGS[options.clustering]
    if options.heads == "shared":
        return np.repeat(pick(affinity.sum(0), size)[None], len(affinity), 0)
    return np.stack([pick(one, size) for one in affinity])


def head(q, k, v, of_queries, of_keys, phi, clusters, options):
    """[n, d] of one head, given its clusters [C, size]."""
    f = FUNCTIONS[options.function]
    root = math.sqrt(q.shape[-1])
    tau, tau_q, tau_k = (given or root for given in (options.tau, options.tau_q, options.tau_k))
    sharpen = softplus1 if options.gates else np.ones_like
    there = clusters != EMPTY
    at = np.where(there, clusters, 0)
    member = np.zeros((len(q), len(clusters)), bool)
    for cluster, tokens in enumerate(clusters):
        member[tokens[there[cluster]], cluster] = True

    mix = f(of_queries * sharpen(phi) / tau_q)
    scores = np.where(there[:, None], q[at] @ np.swapaxes(k[at], 1, 2) / tau, -np.inf)
    inside = f(scores) @ v[at]
    out = np.zeros_like(v)
    for cluster, tokens in enumerate(clusters):
        mine = tokens[there[cluster]]
        weight = mix[mine, cluster][:, None] if options.intra_weight else 1
        out[mine] += weight * inside[cluster, there[cluster]]
    if options.summaries:
        scores = np.take_along_axis((of_keys * sharpen(-phi)).T, at, 1) / tau_k
        summary = np.einsum("ck,ckd->cd", f(np.where(there, scores, -np.inf)), v[at])
        out += np.where(member & options.own_mask, 0, mix) @ summary
    return out


def attention(q, k, v, phi, surrogates, size, options=Options(), clusters=None):
    """(out [heads, n, d], clusters [heads, C, size], A_g [heads, n, C]) of one sequence.

    q, k, v [heads, n, d]; phi [n, 1]; surrogates [heads, C, d]; `clusters`: a selection to go by instead.
    """
    of_queries, of_keys, affinity = affinities(q, k, surrogates, phi, options)
    if clusters is None:
        clusters = choose(affinity, size, options)
    parts = zip(q, k, v, of_queries, of_keys, clusters)
    out = [head(q_, k_, v_, aq, ak, phi, chosen, options) for q_, k_, v_, aq, ak, chosen in parts]
    return np.stack(out), clusters, affinity


def split_heads(surrogates, heads):
    """[heads, C, d] of surrogates [C, heads d] as files hold them, the heads side by side."""
    return np.stack(np.split(surrogates, heads, axis=1))


def differing(clusters, others, affinity):
    """(tokens that only one of two top-K selections has, those of them that no near tie excuses).

    clusters, others [C, size] and affinity [n, C] of one clustering. A choice is excused where the token's affinity is
    within NEAR of the largest affinity from that of the last token that was taken.
    """
    near = NEAR * np.abs(affinity).max()
    different = unexcused = 0
    for cluster, (one, other) in enumerate(zip(clusters, others)):
        swapped = set(one.tolist()) ^ set(other.tolist())
        last = affinity[one[one != EMPTY], cluster].min()
        different += len(swapped)
        unexcused += sum(token == EMPTY or abs(affinity[token, cluster] - last) > near for token in swapped)
    return different, unexcused


def macs(n, clusters, size, width):
    """Multiply-accumulates of one layer: projections, similarities, inside of clusters, summaries, mixing."""
    c, k, e = clusters, size, width
    return 4 * n * e * e + 2 * n * c * e + 2 * c * k * k * e + c * k * e + n * c * e
