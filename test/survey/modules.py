"""PyTorch's own layers, and encoders written by hand of the parts that newer ones have."""

import math

import torch
import torch.nn.functional as F
from architecture import BATCH, TOKENS, Architecture, features
from routes import DYNAMO18, DYNAMO20_DYNAMIC, DYNAMO23, DYNAMO24, EAGER14, EAGER17, SDPA17_DYNAMIC
from torch import nn

WIDTH, HEADS, HIDDEN, WINDOW = 16, 4, 24, 12
SIZE = WIDTH // HEADS
X = (features("x", BATCH, TOKENS, WIDTH),)
ROUTES = (EAGER14, SDPA17_DYNAMIC, DYNAMO18, DYNAMO23)
AXIS = ("--token-axis", "x=1")  # where no queries of tokens meet keys of tokens
NEW = (EAGER17, DYNAMO24)


def split(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join(x):
    return x.transpose(1, 2).flatten(2)


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class SwiGlu(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(WIDTH, 2 * HIDDEN, bias=False), nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x):
        gate, value = self.up(x).chunk(2, -1)
        return self.down(F.silu(gate) * value)


class GroupedAttention(nn.Module):
    """Fewer heads of keys than of queries; `rotary`: "half", "pairs"; `norm`: of queries and keys."""

    def __init__(self, groups=2, rotary=None, norm=False, window=None, causal=False):
        super().__init__()
        self.groups, self.rotary, self.window, self.causal = groups, rotary, window, causal
        self.q = nn.Linear(WIDTH, WIDTH, bias=False)
        self.k, self.v = (nn.Linear(WIDTH, groups * SIZE, bias=False) for _ in range(2))
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.q_norm, self.k_norm = (RmsNorm(SIZE) if norm else nn.Identity() for _ in range(2))

    def rotate(self, x):
        if not self.rotary:
            return x
        frequency = 50.0 ** (-torch.arange(SIZE // 2) / (SIZE // 2))
        angle = torch.arange(x.shape[2])[:, None] * frequency
        cos, sin = angle.cos(), angle.sin()
        if self.rotary == "half":
            a, b = x.chunk(2, -1)
            return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
        a, b = x[..., 0::2], x[..., 1::2]
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)

    def forward(self, x):
        q, k, v = split(self.q(x), HEADS), split(self.k(x), self.groups), split(self.v(x), self.groups)
        q, k = self.rotate(self.q_norm(q)), self.rotate(self.k_norm(k))
        k, v = (t.repeat_interleave(HEADS // self.groups, 1) for t in (k, v))
        mask = None
        if self.window:
            distance = torch.arange(x.shape[1])[:, None] - torch.arange(x.shape[1])
            mask = distance.abs() <= self.window
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=self.causal)
        return self.out(join(y))


class Block(nn.Module):
    """Pre-norm; `parallel`: attention and MLP of the same norm; `sandwich`: norms behind both too."""

    def __init__(self, attention, mlp=SwiGlu, norm=RmsNorm, parallel=False, sandwich=False, scale=False):
        super().__init__()
        self.attention, self.mlp, self.parallel = attention(), mlp(), parallel
        self.norm1, self.norm2 = norm(WIDTH), norm(WIDTH)
        self.behind1, self.behind2 = (norm(WIDTH) if sandwich else nn.Identity() for _ in range(2))
        self.scale = nn.Parameter(torch.ones(2, WIDTH)) if scale else None

    def forward(self, x):
        if self.parallel:
            y = self.norm1(x)
            return x + self.attention(y) + self.mlp(y)
        a = self.behind1(self.attention(self.norm1(x)))
        x = x + (a if self.scale is None else a * self.scale[0])
        b = self.behind2(self.mlp(self.norm2(x)))
        return x + (b if self.scale is None else b * self.scale[1])


class ConformerBlock(nn.Module):
    """Half a feed-forward, attention, a gated depthwise convolution over time, half a feed-forward."""

    def __init__(self, causal=False):
        super().__init__()
        self.first, self.second = SwiGlu(), SwiGlu()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.gate = nn.Conv1d(WIDTH, 2 * WIDTH, 1)
        self.depthwise = nn.Conv1d(WIDTH, WIDTH, 3, padding=0 if causal else 1, groups=WIDTH)
        self.batch_norm, self.point = nn.BatchNorm1d(WIDTH), nn.Conv1d(WIDTH, WIDTH, 1)
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH) for _ in range(5))
        self.causal = causal

    def convolve(self, x):
        x = F.glu(self.gate(x.transpose(1, 2)), 1)
        x = self.depthwise(F.pad(x, (2, 0)) if self.causal else x)
        return self.point(F.silu(self.batch_norm(x))).transpose(1, 2)

    def forward(self, x):
        x = x + 0.5 * self.first(self.norms[0](x))
        y = self.norms[1](x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        x = x + self.convolve(self.norms[2](x))
        return self.norms[4](x + 0.5 * self.second(self.norms[3](x)))


class LinearAttention(nn.Module):
    """phi(Q) (phi(K)^T V), with its normaliser."""

    def __init__(self):
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        q, k, v = (split(t, HEADS) for t in self.qkv(x).chunk(3, -1))
        q, k = F.elu(q) + 1, F.elu(k) + 1
        total = k.sum(2, keepdim=True).transpose(-1, -2)
        return self.out(join(q @ (k.transpose(-1, -2) @ v) / (q @ total)))


class Pooling(nn.Module):
    """A learned query that attends to all tokens."""

    def __init__(self, queries=1):
        super().__init__()
        self.query = nn.Parameter(torch.zeros(1, queries, WIDTH))
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x):
        return self.attention(self.query.expand(len(x), -1, -1), x, x, need_weights=False)[0]


class Memory(nn.Module):
    """Emformer's way: keys of the mean of each segment of four tokens, beside those of the tokens."""

    def __init__(self):
        super().__init__()
        self.q, self.kv, self.out = (
            nn.Linear(WIDTH, WIDTH),
            nn.Linear(WIDTH, 2 * WIDTH),
            nn.Linear(WIDTH, WIDTH),
        )

    def forward(self, x):
        means = x.unflatten(1, (-1, 4)).mean(2)
        k, v = (split(t, HEADS) for t in self.kv(torch.cat([means, x], 1)).chunk(2, -1))
        return self.out(join(F.scaled_dot_product_attention(split(self.q(x), HEADS), k, v)))


class Patches(nn.Module):
    """A video: each step a frame of 2 x 2 patches behind a class token; one block; the class token's scores."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, WIDTH, 2, 2)
        self.token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.block = Block(lambda: GroupedAttention(HEADS), norm=nn.LayerNorm)
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x):
        b, t = x.shape[:2]
        x = self.embed(x.flatten(0, 1)).flatten(2).transpose(1, 2).reshape(b, t * 4, WIDTH)
        x = torch.cat([self.token.expand(b, -1, -1), x], 1)
        return self.head(self.block(x)[:, 0])


class Stack(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


def stack(*blocks):
    return lambda attention: Stack(block() for block in blocks)


def layers(depth=1, **more):
    def build(attention):
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, HIDDEN, 0.1, batch_first=True, **more)
        return Stack([nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)])

    return build


class Weighted(nn.Module):
    """nn.MultiheadAttention that gives its weights too."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)

    def forward(self, x):
        return self.attention(x, x, x, need_weights=True)


class Einsum(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, x):
        q, k, v = self.qkv(x).unflatten(-1, (3, HEADS, SIZE)).unbind(2)
        p = (torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(SIZE)).softmax(-1)
        return torch.einsum("bhqk,bkhd->bqhd", p, v).flatten(2)


def of_module(name, build, routes=NEW, **more):
    return Architecture(name, build, **{"inputs": X, "pick": None, "routes": routes, **more})


def torch_layers():
    yield of_module("nn.TransformerEncoder", layers(), ROUTES)
    yield of_module("nn.TransformerEncoder, 3 layers", layers(3, norm_first=True, activation="gelu"), ROUTES)
    yield of_module("nn.TransformerEncoder, no bias", layers(2, bias=False), (EAGER17, DYNAMO18))
    yield of_module(
        "nn.MultiheadAttention, weights out", lambda _: Weighted(), (EAGER17, DYNAMO18), rows_axis=None
    )


def parts():
    grouped = lambda **more: lambda: Block(lambda: GroupedAttention(**more))
    yield of_module(
        "grouped queries, SwiGLU, RMS", stack(grouped(), grouped()), (*NEW, DYNAMO20_DYNAMIC, SDPA17_DYNAMIC)
    )
    yield of_module("one head of keys", stack(grouped(groups=1)))
    yield of_module(
        "rotary halves, QK norm", stack(grouped(rotary="half", norm=True), grouped(rotary="half", norm=True))
    )
    yield of_module("rotary pairs", stack(grouped(rotary="pairs"), grouped(rotary="pairs")))
    banded = grouped(rotary="half", window=2)
    yield of_module("rotary, banded", stack(banded, banded))
    yield of_module("banded, 2 deep", stack(grouped(window=1), grouped(window=1)))
    yield of_module("causal", stack(grouped(causal=True), grouped(causal=True)))
    parallel = lambda: Block(lambda: GroupedAttention(), parallel=True)
    yield of_module("parallel blocks", stack(parallel, parallel))
    yield of_module(
        "sandwich norms, layer scale", stack(lambda: Block(GroupedAttention, sandwich=True, scale=True))
    )
    yield of_module("einsum", lambda _: Einsum(), (EAGER14, EAGER17, DYNAMO18))


def mixed():
    yield of_module("Conformer", stack(ConformerBlock))
    yield of_module("Conformer, causal convolution", stack(lambda: ConformerBlock(causal=True)))
    yield of_module("linear attention", stack(LinearAttention), options=AXIS)
    yield of_module("attention pooling", stack(Pooling), rows_axis=None, options=AXIS)
    yield of_module(
        "block, attention pooling of 3", stack(GroupedAttention, lambda: Pooling(3)), rows_axis=None
    )
    yield of_module("segment memory", stack(Memory), (EAGER17, DYNAMO18), chunk=4, options=AXIS)
    yield of_module(
        "video, class token",
        lambda _: Patches(),
        (EAGER17, DYNAMO18),
        inputs=(features("x", BATCH, TOKENS, 3, 4, 4),),
        window=5,
        rows_axis=None,
        options=AXIS,
    )


FAMILIES = (torch_layers, parts, mixed)
