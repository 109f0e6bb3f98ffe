"""What every attention of this package shares: the interface and the parameters of nn.MultiheadAttention."""

import torch
from torch import nn

from .shapes import sizes

# A float mask is added to scores: whatever is below this hides a key.
PADDING_BELOW = -5000.0


def kept_tokens(mask, check_values):
    """Booleans, True where a token is kept, of a key padding mask of booleans (True hides) or floats (added)."""
    if mask.dtype == torch.bool:
        return ~mask
    kept = mask >= PADDING_BELOW
    if check_values and bool((kept & (mask != 0)).any()):
        raise ValueError(
            f"key_padding_mask holds values between {PADDING_BELOW:g} and 0: a bias of keys is not supported, "
            "only hidden keys (-inf) and others (0)"
        )
    return kept


class SelfAttention(nn.Module):
    """Self-attention with the constructor, call and parameters of nn.MultiheadAttention, so that it can stand in
    nn.TransformerEncoderLayer and take the weights of a trained one. A subclass says what `attend` is.

    Inputs are [batch, tokens, embed_dim] with batch_first=True, else [tokens, batch, embed_dim], or
    [tokens, embed_dim]. There are no weights between all tokens: the second result is None.
    """

    # The encoder layer's fused path computes full attention from the weights, past this module: this declines it.
    _qkv_same_embed_dim = False

    def __init__(
        self, embed_dim, num_heads, dropout=0.0, bias=True, batch_first=False, device=None, dtype=None
    ):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"embed_dim {embed_dim} is not divisible by num_heads {num_heads}")
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.dropout, self.batch_first = dropout, batch_first
        made = dict(device=device, dtype=dtype)
        self.in_proj_weight = nn.Parameter(torch.empty(3 * embed_dim, embed_dim, **made))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * embed_dim, **made)) if bias else None
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=bias, **made)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def attend(self, x, kept):
        """[batch, tokens, embed_dim] from x of the same shape and `kept`, None or booleans [batch, tokens]."""
        raise NotImplementedError

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=False,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        self._refuse(query, key, value, need_weights, attn_mask, is_causal)
        batched = query.dim() == 3
        x = query if batched else query.unsqueeze(0)
        if batched and not self.batch_first:
            x = x.transpose(0, 1)
        kept = None
        if key_padding_mask is not None:
            exporting = torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling()
            kept = kept_tokens(key_padding_mask, not exporting)
            kept = kept if batched else kept.unsqueeze(0)
            if not exporting and kept.shape != x.shape[:2]:
                raise ValueError(f"key_padding_mask is {[*kept.shape]}, but the tokens are {[*x.shape[:2]]}")
        y = self.attend(x, kept)
        if not batched:
            return y.squeeze(0), None
        return (y if self.batch_first else y.transpose(0, 1)), None

    def _refuse(self, query, key, value, need_weights, attn_mask, is_causal):
        name = type(self).__name__
        if query.is_nested:
            raise ValueError(
                f"{name} takes no nested tensors: set use_nested_tensor = False on the nn.TransformerEncoder"
            )
        if query is not key or query is not value:
            raise ValueError(f"{name} is self-attention: query, key and value must be the same tensor")
        if query.dim() not in (2, 3) or sizes(query)[-1] != self.embed_dim:
            raise ValueError(f"{name} takes [.., tokens, {self.embed_dim}], got {[*query.shape]}")
        if attn_mask is not None:
            raise ValueError(f"{name} takes no attn_mask: it has no scores between all tokens to mask")
        if is_causal:
            raise ValueError(f"{name} cannot be causal: every output depends on all tokens")
        if need_weights:
            raise ValueError(f"{name} has no weights between all tokens: call it with need_weights=False")

    def split_heads(self, x):
        """[batch, heads, rows, head_dim] of [batch, rows, embed_dim]."""
        return x.reshape(-1, sizes(x)[0], self.num_heads, self.head_dim).transpose(1, 2)

    def join_heads(self, x):
        x = x.transpose(1, 2)
        return x.reshape(-1, sizes(x)[0], self.embed_dim)

    def extra_repr(self):
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}"
