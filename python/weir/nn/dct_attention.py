"""Attention on the lowest frequencies of the tokens (DCT-Former), and on resampled or pooled keys and values."""

import warnings

import torch
from torch.nn import functional as F

from . import operators
from .attention import SelfAttention
from .shapes import sizes

VARIANTS = ("qkv", "x", "resample", "pool")

# A resampled key and value takes part when kept tokens make at least this share of it.
SMALLEST_SHARE = 0.25


class DctAttention(SelfAttention):
    """Self-attention that costs O(tokens keep) instead of O(tokens^2).

    variant:
      qkv       queries, keys, values on their `keep` lowest DCT coefficients, and back (DCT-Former). Masked keys and
                values are zeroed before the transform.
      x         the same on the coefficients of the input, so that biases enter every coefficient (DCT-Former's public
                form). Ignores key_padding_mask.
      resample  `keep` resampled pseudo-tokens of keys and values; equals full attention at keep = tokens.
      pool      as resample, with means of blocks.

    `qkv` and `x` are other functions than full attention, at keep = tokens too: train with them. `fold` (the same
    numbers to rounding) projects `keep` rows instead of all tokens.
    """

    def __init__(
        self, embed_dim, num_heads, tokens, keep, variant, dropout=0.0, bias=True, batch_first=False,
        fold=True, device=None, dtype=None,
    ):  # fmt: skip
        super().__init__(embed_dim, num_heads, dropout, bias, batch_first, device, dtype)
        if variant not in VARIANTS:
            raise ValueError(f"variant '{variant}' is none of {', '.join(VARIANTS)}")
        if not 1 <= keep <= tokens:
            raise ValueError(f"keep {keep} is outside 1 to {tokens}, the number of tokens")
        self.tokens, self.keep, self.variant, self.fold = tokens, keep, variant, fold
        self.map = "dct" if variant in ("qkv", "x") else variant
        self._make_tables()

    def _make_tables(self):
        """`table` [keep, tokens] maps the tokens, and `mapped_ones` [keep, 1] is D 1 of the DCT."""
        table = operators.matrix(self.map, self.tokens, self.keep, self.in_proj_weight)
        self.register_buffer("table", table, persistent=False)
        if self.variant == "qkv":
            ones = self.tokens**0.5 * torch.eye(self.keep, 1, dtype=torch.float64)
            self.register_buffer("mapped_ones", ones.to(table), persistent=False)

    def _apply(self, fn, recurse=True):
        """Tables are made anew for each type, so that those of float64 have its digits."""
        super()._apply(fn, recurse)
        self._make_tables()
        return self

    def attend(self, x, kept):
        tokens, _ = sizes(x)
        if tokens != self.tokens:
            raise ValueError(f"DctAttention was made for {self.tokens} tokens, got {tokens}")
        kept = None if kept is None else kept.unsqueeze(-1).to(x.dtype)
        if self.variant == "x":
            if kept is not None:
                warnings.warn("variant x ignores key_padding_mask, as published", stacklevel=4)
            return self._attend_frequencies(*self._project(self._map(x)).chunk(3, -1))
        if self.variant == "qkv":
            return self._attend_frequencies(*self._frequencies(x, kept))
        return self._attend_fewer(x, kept)

    # ---- DCT-Former ----
    def _frequencies(self, x, kept):
        """D q, D (kept k), D (kept v). Folded: D (kept (x W + 1 b)) = (D kept x) W + (D kept) b."""
        shown = x if kept is None else kept * x
        if not self.fold:
            q, k, v = self._project(x).chunk(3, -1)
            hide = lambda y: y if kept is None else kept * y
            return self._map(q), self._map(hide(k)), self._map(hide(v))
        if kept is None:
            return self._project(self._map(x), self.mapped_ones).chunk(3, -1)
        q = self._project(self._map(x), self.mapped_ones, slice(0, 1))
        k, v = self._project(self._map(shown), self._map(kept), slice(1, 3)).chunk(2, -1)
        return q, k, v

    def _attend_frequencies(self, q, k, v):
        y = self.join_heads(self._softmax(q, k) @ self.split_heads(v))
        if self.fold:
            y = operators.idct(y @ self.out_proj.weight.transpose(-1, -2), self.table)
            return y if self.out_proj.bias is None else y + self.out_proj.bias
        return self.out_proj(operators.idct(y, self.table))

    # ---- fewer keys and values ----
    def _attend_fewer(self, x, kept):
        shown = x if kept is None else kept * x
        q = self._project(x, rows=slice(0, 1))
        weights = None if kept is None else self._map(kept)
        if self.fold:  # where nothing is hidden, R 1 = 1
            k, v = self._project(self._map(shown), weights, slice(1, 3)).chunk(2, -1)
        else:
            k, v = self._project(x, rows=slice(1, 3)).chunk(2, -1)
            k, v = (self._map(y if kept is None else kept * y) for y in (k, v))
        bias = None
        if kept is not None:
            # A pseudo-token of weight w stands for w tokens whose mean is its row over w; one kept token of a pooled
            # block is enough.
            left_out = weights < (SMALLEST_SHARE if self.variant == "resample" else 0.5 / self.tokens)
            weights = weights.masked_fill(left_out, 1)
            k, v = (y.masked_fill(left_out, 0) / weights for y in (k, v))
            bias = weights.log().masked_fill(left_out, torch.finfo(x.dtype).min).transpose(-1, -2).unsqueeze(1)
        return self.out_proj(self.join_heads(self._softmax(q, k, bias) @ self.split_heads(v)))

    # ---- shared ----
    def _map(self, x):
        return operators.token_map(self.map, x, self.table)

    def _project(self, x, ones=None, rows=slice(0, 3)):
        """The projections `rows` of query, key, value, side by side; their bias comes `ones` times, 1 if None."""
        part = slice(rows.start * self.embed_dim, rows.stop * self.embed_dim)
        weight = self.in_proj_weight[part]
        bias = None if self.in_proj_bias is None else self.in_proj_bias[part]
        if ones is None or bias is None:
            return F.linear(x, weight, bias)
        return F.linear(x, weight) + ones * bias

    def _softmax(self, q, k, bias=None):
        scores = self.split_heads(q * self.head_dim**-0.5) @ self.split_heads(k).transpose(-1, -2)
        scores = scores if bias is None else scores + bias
        return F.dropout(torch.softmax(scores, -1), self.dropout, self.training)

    def extra_repr(self):
        return f"{super().extra_repr()}, tokens={self.tokens}, keep={self.keep}, variant={self.variant}"
