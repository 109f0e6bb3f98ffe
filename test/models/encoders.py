"""Transformer Encoders in PyTorch that test models are exported from.

Two families: `Layers` wraps PyTorch's own layers, `Encoder` is written by hand the way model
repositories write it, with every part that changes how a window slides as an option. Both are tiny:
what a test needs is the graph, and errors show as well in 8 features as in 1024.
"""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


@dataclasses.dataclass(frozen=True)
class Config:
    """What to build; the extents are tokens and features."""

    window: int = 8  # n, tokens
    features: int = 6  # of an input token
    width: int = 8  # of a token inside the encoder
    heads: int = 2
    hidden: int = 12
    blocks: int = 1
    norm: str = "post"  # "post", "pre"
    activation: str = "relu"
    projection: str = "packed"  # "packed", "separate"
    mask: object = None  # None, "causal", (tokens back, tokens ahead)
    bias: str | None = None  # None, "relative", "alibi", "disentangled": added to the scores
    rotary: str | None = None  # None, "halves", "pairs" (of neighbours), "part" (of the features, in halves)
    positions: str | None = None  # None, "table", "sinus": absolute
    class_token: int = 0  # rows before the tokens
    separator: bool = False  # a row behind them
    patches: int = 1  # rows inside the encoder a token
    front: str | None = None  # None, "same", "causal", "valid", "patch": a convolution over tokens
    head: str = "all"  # "all", "last", "first", "middle", "mean", "max", "flat", "both"
    classes: int = 0  # 0: tokens come out as they are
    batch_first: bool = True


REACH = 3  # relative positions that differ, on either side


def perturb(model, seed):
    """Random values for what PyTorch starts at 0 or 1, so that no term can be lost unseen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def attention_mask(kind, tokens):
    """[tokens, tokens], True where query row may not see key column; None without a mask."""
    if kind is None:
        return None
    distance = torch.arange(tokens)[:, None] - torch.arange(tokens)[None]  # query - key
    if kind == "causal":
        return distance < 0
    back, ahead = kind
    return (distance > back) | (-distance > ahead)


class Attention(nn.Module):
    """Multi-head self-attention, [batch, n, width] -> the same."""

    def __init__(self, c):
        super().__init__()
        self.c, self.size = c, c.width // c.heads
        if c.projection == "packed":
            self.qkv = nn.Linear(c.width, 3 * c.width)
        else:
            self.q, self.k, self.v = (nn.Linear(c.width, c.width) for _ in range(3))
        self.out = nn.Linear(c.width, c.width)
        if c.bias == "relative":
            self.relative = nn.Parameter(torch.randn(c.heads, 2 * c.window - 1))
        if c.bias == "disentangled":
            self.key_positions, self.query_positions = (
                nn.Parameter(torch.randn(c.heads, self.size, 2 * REACH)) for _ in range(2)
            )

    def heads(self, x):
        b, n, _ = x.shape
        if self.c.projection == "packed":
            return self.qkv(x).reshape(b, n, 3, self.c.heads, self.size).permute(2, 0, 3, 1, 4).unbind(0)
        split = lambda y: y.view(b, n, self.c.heads, self.size).transpose(1, 2)
        return split(self.q(x)), split(self.k(x)), split(self.v(x))

    def rotate(self, x):
        size = self.size // 2 if self.c.rotary == "part" else self.size
        half = size // 2
        angle = torch.arange(x.shape[2])[:, None] * 100.0 ** (-torch.arange(half) / half)
        if self.c.rotary == "pairs":
            cos, sin = angle.cos(), angle.sin()
            even, odd = x[..., ::2], x[..., 1::2]
            return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)
        cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
        x, rest = x[..., :size], x[..., size:]
        x = x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin
        return torch.cat([x, rest], -1) if rest.shape[-1] else x

    def disentangled(self, q, k):
        """Content against relative position and position against content (DeBERTa)."""
        n = q.shape[2]
        distance = torch.arange(n)[:, None] - torch.arange(n)[None]
        bucket = (distance + REACH).clamp(0, 2 * REACH - 1).expand(q.shape[0], self.c.heads, n, n)
        content = torch.gather(q @ self.key_positions, -1, bucket)
        position = torch.gather(k @ self.query_positions, -1, bucket)
        return content + position.transpose(-1, -2)

    def forward(self, x):
        b, n, width = x.shape
        q, k, v = self.heads(x)
        if self.c.rotary:
            q, k = self.rotate(q), self.rotate(k)
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.size)
        distance = torch.arange(n)[:, None] - torch.arange(n)[None]
        if self.c.bias == "relative":
            scores = scores + self.relative[:, distance + self.c.window - 1]
        if self.c.bias == "disentangled":
            scores = scores + self.disentangled(q, k)
        if self.c.bias == "alibi":
            scores = (
                scores
                - distance.abs() * torch.tensor([0.5**h for h in range(1, self.c.heads + 1)])[:, None, None]
            )
        mask = attention_mask(self.c.mask, n)
        if mask is not None:
            scores = scores.masked_fill(mask, float("-inf"))
        return self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, width))


class Block(nn.Module):
    """Attention and MLP, each with a residual and a norm before or after."""

    def __init__(self, c):
        super().__init__()
        self.pre, self.activation = c.norm == "pre", ACTIVATIONS[c.activation]
        self.attention = Attention(c)
        self.norm1, self.norm2 = nn.LayerNorm(c.width), nn.LayerNorm(c.width)
        self.up, self.down = nn.Linear(c.width, c.hidden), nn.Linear(c.hidden, c.width)

    def mlp(self, x):
        return self.down(self.activation(self.up(x)))

    def forward(self, x):
        if self.pre:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


def sinus_table(tokens, width):
    """[tokens, width], the encoding of Attention Is All You Need."""
    angle = torch.arange(tokens)[:, None] * 10000.0 ** (-torch.arange(0, width, 2) / width)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)


class Encoder(nn.Module):
    """[batch, n, features] -> what `head` says."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.input = nn.Linear(c.features, c.width)
        self.blocks = nn.ModuleList(Block(c) for _ in range(c.blocks))
        tokens = c.window * c.patches + c.class_token + c.separator
        if c.class_token:
            self.token = nn.Parameter(torch.randn(1, c.class_token, c.width))
        if c.separator:
            self.last_token = nn.Parameter(torch.randn(1, 1, c.width))
        if c.positions == "table":
            self.table = nn.Parameter(torch.randn(tokens, c.width))
        elif c.positions == "sinus":
            self.register_buffer("table", sinus_table(tokens, c.width))
        if c.front:
            reach, stride = (2, 2) if c.front == "patch" else (3, 1)
            self.conv = nn.Conv1d(c.features, c.features, reach, stride, int(c.front == "same"))
        if c.classes:
            self.classifier = nn.Linear(c.width * (c.window if c.head == "flat" else 1), c.classes)

    def embed(self, x):
        if self.c.front:
            x = x.transpose(1, 2)
            if self.c.front == "causal":
                x = F.pad(x, (2, 0))
            x = self.conv(x).transpose(1, 2)
        if self.c.patches > 1:
            x = x.unflatten(2, (self.c.patches, -1)).flatten(1, 2)
        x = self.input(x)
        if self.c.class_token:
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        if self.c.separator:
            x = torch.cat([x, self.last_token.expand(x.shape[0], -1, -1)], 1)
        if self.c.positions:
            x = x + self.table
        return x

    def pick(self, x):
        head = self.c.head
        if head == "last":
            return x[:, -1]
        if head == "first":
            return x[:, 0]
        if head == "middle":
            return x[:, 3]
        if head == "mean":
            return x.mean(1)
        if head == "max":
            return x.amax(1)
        if head == "flat":
            return x.flatten(1)
        return x

    def forward(self, x):
        x = self.embed(x)
        for block in self.blocks:
            x = block(x)
        if self.c.head == "both":
            return x, self.classifier(x.mean(1)).softmax(-1)
        x = self.pick(x)
        return self.classifier(x) if self.c.classes else x


class Layers(nn.Module):
    """nn.TransformerEncoder, [batch, n, width] or [n, batch, width], with head and mask."""

    def __init__(self, c):
        super().__init__()
        self.c = c
        layer = nn.TransformerEncoderLayer(
            c.width,
            c.heads,
            c.hidden,
            0.1,
            ACTIVATIONS[c.activation],
            batch_first=c.batch_first,
            norm_first=c.norm == "pre",
        )
        norm = nn.LayerNorm(c.width) if c.norm == "pre" else None
        self.encoder = nn.TransformerEncoder(layer, c.blocks, norm, enable_nested_tensor=False)
        if c.classes:
            self.classifier = nn.Linear(c.width, c.classes)

    def forward(self, x, padding=None):
        mask = attention_mask(self.c.mask, x.shape[1 if self.c.batch_first else 0])
        if mask is not None:
            mask = torch.zeros(mask.shape).masked_fill(mask, float("-inf"))
        x = self.encoder(x, mask=mask, src_key_padding_mask=padding)
        tokens = 1 if self.c.batch_first else 0
        if self.c.head == "last":
            x = x.select(tokens, -1)
        elif self.c.head == "mean":
            x = x.mean(tokens)
        return self.classifier(x) if self.c.classes else x


class MultiHead(nn.Module):
    """nn.MultiheadAttention alone, [batch, n, width] -> the same."""

    def __init__(self, c):
        super().__init__()
        self.attention = nn.MultiheadAttention(c.width, c.heads, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=False)[0]


class Fused(nn.Module):
    """Separate projections around scaled_dot_product_attention, [batch, n, width] -> the same.

    From opset 23 on it is exported as one Attention node.
    """

    def __init__(self, c):
        super().__init__()
        self.c = c
        self.q, self.k, self.v, self.out = (nn.Linear(c.width, c.width) for _ in range(4))

    def forward(self, x):
        b, n, width = x.shape
        split = lambda y: y.view(b, n, self.c.heads, width // self.c.heads).transpose(1, 2)
        y = F.scaled_dot_product_attention(
            split(self.q(x)), split(self.k(x)), split(self.v(x)), is_causal=self.c.mask == "causal"
        )
        return x + self.out(y.transpose(1, 2).reshape(b, n, width))


class Words(nn.Module):
    """Word indices [batch, n] int64 -> class scores of the newest word."""

    def __init__(self, c):
        super().__init__()
        self.table = nn.Embedding(20, c.features)
        self.encoder = Encoder(c)

    def forward(self, ids):
        return self.encoder(self.table(ids))
