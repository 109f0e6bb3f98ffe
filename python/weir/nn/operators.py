"""The operators of domain `weir`: computed with standard ones, or left as nodes of that domain in an export.

Inside `as_functions()` every call goes through an operator of `torch.library`, which an exporter sees as one node.
"""

import contextlib

import torch

from . import clusters, tables

MATRICES = {"dct": tables.dct_matrix, "resample": tables.resample_matrix, "pool": tables.pool_matrix}

_as_functions = False


@contextlib.contextmanager
def as_functions():
    global _as_functions
    before, _as_functions = _as_functions, True
    try:
        yield
    finally:
        _as_functions = before


def matrix(kind, tokens, keep, like):
    return torch.as_tensor(MATRICES[kind](tokens, keep), dtype=like.dtype, device=like.device)


# ---- operators that an exporter sees ----------------------------------------------------------------------------
def _with_rows(x, count):
    return x.new_empty(*x.shape[:-2], count, x.shape[-1])


def _define_map(kind):
    @torch.library.custom_op(f"weir::{kind}", mutates_args=())
    def token_map(x: torch.Tensor, axis: int, keep: int) -> torch.Tensor:
        return matrix(kind, x.shape[-2], keep, x) @ x

    token_map.register_fake(lambda x, axis, keep: _with_rows(x, keep))


for _kind in MATRICES:
    _define_map(_kind)


@torch.library.custom_op("weir::idct", mutates_args=())
def _idct(x: torch.Tensor, axis: int, tokens: int) -> torch.Tensor:
    return matrix("dct", tokens, x.shape[-2], x).transpose(-1, -2) @ x


@_idct.register_fake
def _(x, axis, tokens):
    return _with_rows(x, tokens)


@torch.library.custom_op("weir::cluster_affinity", mutates_args=())
def _cluster_affinity(
    queries: torch.Tensor, keys: torch.Tensor, phi: torch.Tensor, function: str
) -> torch.Tensor:
    return clusters.cluster_affinity(queries, keys, phi, function)


@_cluster_affinity.register_fake
def _(queries, keys, phi, function):
    return torch.empty_like(queries)


@torch.library.custom_op("weir::choose_clusters", mutates_args=())
def _choose_clusters(affinity: torch.Tensor, size: int, clustering: str) -> torch.Tensor:
    return clusters.choose_clusters(affinity, size, clustering).contiguous()


@_choose_clusters.register_fake
def _(affinity, size, clustering):
    return affinity.new_empty(*affinity.shape[:-2], affinity.shape[-1], size, dtype=torch.long)


@torch.library.custom_op("weir::gather_tokens", mutates_args=())
def _gather_tokens(tokens: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    return clusters.gather_tokens(tokens, indices)


@_gather_tokens.register_fake
def _(tokens, indices):
    return tokens.new_empty(*tokens.shape[:-2], *indices.shape[-2:], tokens.shape[-1])


@torch.library.custom_op("weir::scatter_add_tokens", mutates_args=())
def _scatter_add_tokens(rows: torch.Tensor, indices: torch.Tensor, tokens: int) -> torch.Tensor:
    return clusters.scatter_add_tokens(rows, indices, tokens).contiguous()


@_scatter_add_tokens.register_fake
def _(rows, indices, tokens):
    return rows.new_empty(*rows.shape[:-3], tokens, rows.shape[-1])


@torch.library.custom_op("weir::cluster_members", mutates_args=())
def _cluster_members(indices: torch.Tensor, tokens: int) -> torch.Tensor:
    return clusters.cluster_members(indices, tokens).contiguous()


@_cluster_members.register_fake
def _(indices, tokens):
    return indices.new_empty(*indices.shape[:-2], tokens, indices.shape[-2], dtype=torch.float)


# ---- what the modules call --------------------------------------------------------------------------------------
def token_map(kind, x, table):
    """`table` [m, n], which is the matrix of `kind`, times x [.., n, d]."""
    if not _as_functions:
        return table @ x
    return getattr(torch.ops.weir, kind)(x, x.dim() - 2, table.shape[0])


def idct(x, table):
    """The transpose of `table` [m, n], which is that of the DCT, times x [.., m, d]."""
    if not _as_functions:
        return table.transpose(-1, -2) @ x
    return torch.ops.weir.idct(x, x.dim() - 2, table.shape[1])


def _switched(name):
    def operator(*operands):
        home = torch.ops.weir if _as_functions else clusters
        return getattr(home, name)(*operands)

    return operator


cluster_affinity = _switched("cluster_affinity")
choose_clusters = _switched("choose_clusters")
gather_tokens = _switched("gather_tokens")
scatter_add_tokens = _switched("scatter_add_tokens")
cluster_members = _switched("cluster_members")
