"""Tokens in clusters: who is in which, and moving rows there and back.

CAST-style; the equations are a reconstruction, not checked against the paper. Everything is made of standard
tensor operators, so that gradients flow and exporters see nothing but those. Shapes: affinities [b, h, n, C], indices
[b, h, C, K] with -1 for a place that stays empty, tokens [b, h, n, d], rows [b, h, C, K, d]; h of indices may be 1.
Only b may be unknown to an exporter, so every other size is a number (`sizes`), and b is -1.
"""

import math

import torch

from .shapes import sizes

NOWHERE = -1
NEVER = -math.inf  # an affinity: this token is in no cluster


def laplace(a):
    """0.5 (1 + erf((a - sqrt(1/2)) / (sigma sqrt 2))), sigma = sqrt(1 / (4 pi)): per element, not normalised."""
    mean, deviation = math.sqrt(0.5), math.sqrt(0.25 / math.pi)
    return 0.5 * (1 + torch.erf((a - mean) / (deviation * math.sqrt(2))))


def softmax(a):
    return torch.softmax(a, -1)


FUNCTIONS = {"softmax": softmax, "laplace": laplace}


def cluster_affinity(queries, keys, phi, function):
    """sigmoid(phi) f(queries) + (1 - sigmoid(phi)) f(keys), [b, h, n, C]; phi [b, h or 1, n, 1]."""
    f, gate = FUNCTIONS[function], torch.sigmoid(phi)
    return gate * f(queries) + (1 - gate) * f(keys)


def best_first(affinity, dim, count=None):
    """(affinities, indices) of the `count` best along `dim`, of equal ones the lower index first."""
    count = sizes(affinity)[dim] if count is None else count
    if torch.onnx.is_in_onnx_export():  # ONNX's TopK promises that order of equal ones, PyTorch's does not
        return torch.topk(affinity, count, dim)
    values, order = torch.sort(affinity, dim=dim, descending=True, stable=True)
    return values.narrow(dim, 0, count), order.narrow(dim, 0, count)


def choose_topk(affinity, size):
    """Each cluster takes its `size` best tokens; a token may be in no cluster or in several."""
    values, order = best_first(affinity, -2, size)
    return torch.where(values > NEVER, order, NOWHERE).transpose(-1, -2)


def members_from_slots(slots, order, clusters, size):
    """indices [b, h, C, K]: token order[i] stands in place slots[i] of C K, or nowhere where that is C K."""
    empty = torch.full_like(slots[..., :1], NOWHERE).expand(-1, -1, clusters * size + 1)
    filled = empty.scatter(-1, slots, order)[..., :-1]
    return filled.reshape(-1, sizes(slots)[0], clusters, size)


def one_hot(choice, clusters):
    return choice.unsqueeze(-1) == torch.arange(clusters, device=choice.device)


def places(queue, taken):
    """Place of each of the queue (booleans [b, h, n, C]) in its cluster, behind the `taken` ones [b, h, 1, C]."""
    return torch.cumsum(queue.long(), -2) - 1 + taken


def choose_greedy(affinity, size):
    """Tokens in falling order of their best affinity, each into its best cluster with room.

    In C phases instead of n turns: all that wait go to their best open cluster, up to the first token that fills one;
    that cluster closes, and those behind choose anew.
    """
    clusters = sizes(affinity)[-1]
    best, order = best_first(affinity.amax(-1), -1)
    ranked = affinity.gather(-2, order.unsqueeze(-1).expand(-1, -1, -1, clusters))
    waiting = best > NEVER
    taken = torch.zeros_like(ranked[..., :1, :], dtype=torch.long)
    slots = torch.full_like(order, clusters * size)
    for _ in range(clusters):
        choice = ranked.masked_fill(taken >= size, NEVER).argmax(-1)
        queue = one_hot(choice, clusters) & waiting.unsqueeze(-1)
        place = (places(queue, taken) * queue).sum(-1)
        fills = (waiting & (place >= size - 1)).long()
        placed = waiting & (torch.cumsum(fills, -1) - fills == 0)
        slots = torch.where(placed, choice * size + place, slots)
        taken = taken + (queue & placed.unsqueeze(-1)).long().sum(-2, keepdim=True)
        waiting = waiting & ~placed
    return members_from_slots(slots, order, clusters, size)


def choose_rounds(affinity, size):
    """In round r each token without a cluster asks its r-th best; that takes the best that ask while it has room."""
    _, tokens, clusters = sizes(affinity)
    _, order = best_first(affinity, -2)  # each cluster's own view of the tokens
    numbers = torch.arange(tokens, device=affinity.device)
    back = torch.zeros_like(order).scatter(-2, order, numbers.unsqueeze(-1).expand_as(order))
    waiting = affinity.amax(-1) > NEVER
    taken = torch.zeros_like(order[..., :1, :])
    slots = torch.full_like(order[..., 0], clusters * size)
    left = affinity
    for _ in range(clusters):
        choice = left.argmax(-1)
        asked = one_hot(choice, clusters)
        left = left.masked_fill(asked, NEVER)
        asked = asked & waiting.unsqueeze(-1)
        place = places(asked.gather(-2, order), taken).gather(-2, back)
        accepted = asked & (place < size)
        placed = accepted.any(-1)
        slots = torch.where(placed, choice * size + (place * accepted).sum(-1), slots)
        taken = taken + accepted.long().sum(-2, keepdim=True)
        waiting = waiting & ~placed
    return members_from_slots(slots, numbers.expand_as(slots), clusters, size)


CLUSTERINGS = {"topk": choose_topk, "sa-greedy": choose_greedy, "sa-rounds": choose_rounds}


def choose_clusters(affinity, size, clustering):
    """indices [b, h, C, K] of the tokens of each cluster; one whose affinity is -inf is in none."""
    return CLUSTERINGS[clustering](affinity.detach(), size)


def gather_tokens(tokens, indices):
    """rows [b, h, C, K, d]: the tokens at `indices`, zeros in empty places."""
    (heads, _, features), (_, clusters, size) = sizes(tokens), sizes(indices)
    places = indices.clamp(min=0).reshape(-1, sizes(indices)[0], clusters * size, 1)
    rows = tokens.gather(-2, places.expand(-1, heads, -1, features))
    rows = rows.reshape(-1, heads, clusters, size, features)
    return rows.masked_fill((indices < 0).unsqueeze(-1), 0)


def scatter_add_tokens(rows, indices, tokens):
    """[b, h, n, d]: each token the sum of its rows, zeros where it has none."""
    heads, clusters, size, features = sizes(rows)
    places = torch.where(indices < 0, tokens, indices).reshape(-1, sizes(indices)[0], clusters * size, 1)
    rows = rows.reshape(-1, heads, clusters * size, features)
    sums = torch.zeros_like(rows[..., :1, :]).expand(-1, -1, tokens + 1, -1)
    return sums.scatter_add(-2, places.expand(-1, heads, -1, features), rows)[..., :tokens, :]


def cluster_members(indices, tokens):
    """[b, h, n, C] of float: 1 where token t is in cluster c."""
    places = torch.where(indices < 0, tokens, indices)
    none = torch.zeros_like(places[..., :1], dtype=torch.float).expand(-1, -1, -1, tokens + 1)
    marked = none.scatter(-1, places, torch.ones_like(places, dtype=torch.float))
    return marked[..., :tokens].transpose(-1, -2)


def of_members(values, indices):
    """[b, h, C, K]: of values [b, h, n, C] those of each cluster's members with that cluster."""
    places = indices.clamp(min=0).expand(-1, sizes(values)[0], -1, -1)
    return values.transpose(-1, -2).gather(-1, places)
