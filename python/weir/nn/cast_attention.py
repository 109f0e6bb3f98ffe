"""Attention inside clusters of tokens, and summaries of the other clusters, in the manner of CAST.

The equations are a reconstruction of the published idea and were not checked against the paper.
"""

import torch
from torch import nn
from torch.nn import functional as F

from . import operators
from .attention import SelfAttention
from .clusters import CLUSTERINGS, FUNCTIONS, NEVER, of_members
from .shapes import sizes


class CastAttention(SelfAttention):
    """CAST-style self-attention; the equations are a reconstruction, not checked against the paper.

        A_q = Q S^T, A_k = K S^T             phi = x w_phi + b_phi
        A_g = sigmoid(phi) f(A_q) + (1 - sigmoid(phi)) f(A_k)
        clusters: `size` tokens each, chosen by A_g
        intra[c] = f(Q_c K_c^T / tau) V_c    summary[c] = f((A_k softplus1(-phi))[members of c, c] / tau_k)^T V_c
        W = f(A_q softplus1(phi) / tau_q)    softplus1(x) = 1 + ln(1 + e^x)
        y_i = sum over clusters c with i: W[i, c] intra[c][i], and over the others: W[i, c] summary[c]

    clustering     topk: each cluster takes its best tokens; sa-greedy: tokens in falling order of their best affinity,
                   each to its best cluster with room; sa-rounds: all ask their r-th best cluster in round r
    f              softmax, or the element-wise laplace
    gates          the factors softplus1
    own_mask       whether a token's own clusters are left out of its summaries
    intra_weight   whether intra results are weighted by W, else by 1
    summaries      whether there are any
    tau ..         temperatures, sqrt(head_dim) if None
    heads          shared: one clustering by the affinities summed over heads; per-head: one each

    A token that key_padding_mask hides is in no cluster. Parameters beside those of nn.MultiheadAttention: `surrogates`
    [clusters, embed_dim], heads side by side, `wphi` [embed_dim], `bphi`.
    """

    def __init__(
        self, embed_dim, num_heads, clusters, size, clustering="topk", f="softmax", gates=True, own_mask=True,
        intra_weight=True, summaries=True, tau=None, tau_q=None, tau_k=None, heads="shared",
        dropout=0.0, bias=True, batch_first=False, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(embed_dim, num_heads, dropout, bias, batch_first, device, dtype)
        for what, given, known in (
            ("clustering", clustering, CLUSTERINGS),
            ("f", f, FUNCTIONS),
            ("heads", heads, ("shared", "per-head")),
        ):
            if given not in known:
                raise ValueError(f"{what} '{given}' is none of {', '.join(known)}")
        if clusters < 1 or size < 1:
            raise ValueError(f"{clusters} clusters of {size} tokens hold nothing")
        self.clusters, self.size, self.clustering, self.f = clusters, size, clustering, f
        self.gates, self.own_mask, self.intra_weight, self.summaries = gates, own_mask, intra_weight, summaries
        self.tau, self.tau_q, self.tau_k, self.heads = tau, tau_q, tau_k, heads
        made = dict(device=device, dtype=dtype)
        self.surrogates = nn.Parameter(torch.empty(clusters, embed_dim, **made))
        self.wphi = nn.Parameter(torch.empty(embed_dim, **made))
        self.bphi = nn.Parameter(torch.zeros((), **made))
        nn.init.normal_(self.surrogates, std=self.head_dim**-0.5)
        nn.init.normal_(self.wphi, std=embed_dim**-0.5)

    def attend(self, x, kept):
        tokens, _ = sizes(x)
        if self.size > tokens:
            raise ValueError(f"a cluster of {self.size} tokens is larger than the sequence of {tokens}")
        q, k, v = (self.split_heads(y) for y in F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1))
        phi = (x @ self.wphi.unsqueeze(-1) + self.bphi).unsqueeze(1)
        surrogates = self.surrogates.reshape(self.clusters, self.num_heads, self.head_dim).permute(1, 2, 0)
        a_q, a_k = q @ surrogates, k @ surrogates
        indices = self._choose(a_q, a_k, phi, kept)

        mix = self._f(a_q * self._gate(phi) / self._temperature(self.tau_q))
        rows = [operators.gather_tokens(y, indices) for y in (q, k, v)]
        y = self._inside_clusters(rows, indices, mix, tokens)
        if self.summaries:
            y = y + self._of_other_clusters(rows[2], indices, mix, a_k * self._gate(-phi), tokens)
        return self.out_proj(self.join_heads(y))

    def _choose(self, a_q, a_k, phi, kept):
        """indices [batch, heads or 1, clusters, size] of the tokens of each cluster."""
        affinity = operators.cluster_affinity(a_q, a_k, phi, self.f)
        if self.heads == "shared":
            affinity = affinity.sum(1, keepdim=True)
        if kept is not None:
            affinity = affinity.masked_fill(~kept[:, None, :, None], NEVER)
        return operators.choose_clusters(affinity, self.size, self.clustering)

    def _inside_clusters(self, rows, indices, mix, tokens):
        q, k, v = rows
        scores = q @ k.transpose(-1, -2) / self._temperature(self.tau)
        weights = self._f(self._hide_empty(scores, indices.unsqueeze(-2)))
        y = F.dropout(weights, self.dropout, self.training) @ v
        if self.intra_weight:
            y = y * of_members(mix, indices).unsqueeze(-1)
        return operators.scatter_add_tokens(y, indices, tokens)

    def _of_other_clusters(self, v, indices, mix, similarity, tokens):
        scores = of_members(similarity, indices) / self._temperature(self.tau_k)
        weights = self._f(self._hide_empty(scores, indices))
        summaries = (weights.unsqueeze(-2) @ v).squeeze(-2)
        if self.own_mask:
            mix = mix * (1 - operators.cluster_members(indices, tokens).to(mix.dtype))
        return mix @ summaries

    def _f(self, scores):
        return FUNCTIONS[self.f](scores)

    def _gate(self, phi):
        return 1 + F.softplus(phi) if self.gates else torch.ones_like(phi)

    def _temperature(self, given):
        return self.head_dim**0.5 if given is None else given

    def _hide_empty(self, scores, indices):
        """Empty places get no weight; where a cluster is all empty any weight does, since its rows are zeros."""
        return scores.masked_fill(indices < 0, torch.finfo(scores.dtype).min)

    def extra_repr(self):
        return f"{super().extra_repr()}, clusters={self.clusters}, size={self.size}, clustering={self.clustering}"
