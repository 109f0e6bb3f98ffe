"""Encoders with an operator that mixes tokens over the whole window: exact, by computing what follows again.

`CASES` maps a name to Case(builder, op, reason): the operator to blame is named `odd`.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from onnx import TensorProto
from small_encoder import TOKENS, WIDTH, Encoder, tokens_input

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


@dataclasses.dataclass
class Case:
    build: Callable  # (graph, tokens [1, 8, 8]) -> tokens
    op: str
    reason: str
    opset: int = 18
    saves: bool = False  # a tenth of the window or more, for what stands before the odd operator
    options: tuple = ()  # --token-axis where the odd operator hides it from the attention behind


CASES = {}


def mixes(op, reason, *options, opset=18, saves=False):
    def register(build):
        CASES[build.__name__] = Case(build, op, reason, opset, saves, options)
        return build

    return register


# Normalisation over time.

NORMALIZES = "normalizes over the token axis"
REDUCES = "reduces over the token axis"
CONTRACTS = "contracts the token axis"
SOFTMAX = "softmax over the token axis"


@mixes("InstanceNormalization", NORMALIZES)
def instance_norm(g, x):
    x = g.transpose(x, 0, 2, 1)
    x = g.odd("InstanceNormalization", x, g.constant([1.0] * WIDTH), g.constant([0.0] * WIDTH))
    return g.transpose(x, 0, 2, 1)


@mixes("LayerNormalization", NORMALIZES)
def layer_norm_of_the_window(g, x):
    return g.odd("LayerNormalization", x, g.random(TOKENS, WIDTH), axis=1)


@mixes("BatchNormalization", "its channels are tokens")
def batch_norm_of_positions(g, x):
    """Tokens as channels: statistics for each position of the window."""
    rows = [g.random(TOKENS) for _ in range(3)] + [g.constant([1.0] * TOKENS)]
    return g.odd("BatchNormalization", x, *rows)


@mixes("ReduceMean", REDUCES)
def standardisation(g, x):
    """As PatchTST's RevIN: mean and deviation of the window."""
    mean = g.odd("ReduceMean", x, g.indices(1), keepdims=1)
    centred = g.Sub(x, mean)
    variance = g.reduce("ReduceMean", g.Mul(centred, centred), 1, True)
    return g.Div(centred, g.Sqrt(g.Add(variance, g.scalar(1e-5))))


@mixes("ReduceMax", REDUCES)
def peak_normalisation(g, x):
    peak = g.odd("ReduceMax", g.Abs(x), g.indices(1), keepdims=1)
    return g.Div(x, g.Add(peak, g.scalar(0.1)))


@mixes("ReduceL2", REDUCES)
def unit_energy(g, x):
    return g.Div(x, g.Add(g.odd("ReduceL2", x, g.indices(1), keepdims=1), g.scalar(0.1)))


# Linear maps along time.


def fourier(n=TOKENS):
    angle = 2 * np.pi * np.outer(np.arange(n), np.arange(n)) / n
    return np.cos(angle), np.sin(angle)


@mixes("MatMul", CONTRACTS, "--token-axis=x=1", saves=True)
def fourier_mixing(g, x):
    """FNet: the real part of a DFT over tokens and features."""
    (cos_t, sin_t), (cos_f, sin_f) = fourier(), fourier(WIDTH)
    even = g.odd("MatMul", g.constant(cos_t), g.MatMul(x, g.constant(cos_f)))
    return g.Sub(even, g.MatMul(g.constant(sin_t), g.MatMul(x, g.constant(sin_f))))


@mixes("MatMul", CONTRACTS)
def spectral_gating(g, x):
    """GFNet: a filter for each frequency and channel."""
    cos, sin = fourier()
    real = g.odd("MatMul", g.constant(cos), x)
    imaginary = g.MatMul(g.constant(-sin), x)
    gate_r, gate_i = g.random(TOKENS, WIDTH), g.random(TOKENS, WIDTH)
    filtered_r = g.Sub(g.Mul(real, gate_r), g.Mul(imaginary, gate_i))
    filtered_i = g.Add(g.Mul(real, gate_i), g.Mul(imaginary, gate_r))
    back = g.Sub(g.MatMul(g.constant(cos / TOKENS), filtered_r), g.MatMul(g.constant(sin / TOKENS), filtered_i))
    return g.Add(x, back)


@mixes("MatMul", CONTRACTS)
def mixer_token_mixing(g, x):
    y = g.transpose(g.norm(x), 0, 2, 1)
    y = g.MatMul(g.Relu(g.odd("MatMul", y, g.random(TOKENS, 12))), g.random(12, TOKENS))
    return g.Add(x, g.transpose(y, 0, 2, 1))


@mixes("MatMul", CONTRACTS)
def spatial_gating_unit(g, x):
    """gMLP: half of the channels gate the other half through a map over tokens."""
    gate, kept = g.slice(x, 2, 0, WIDTH // 2), g.slice(x, 2, WIDTH // 2)
    gate = g.odd("MatMul", g.random(TOKENS, TOKENS), gate)
    return g.linear(g.Mul(kept, g.Add(gate, g.scalar(1))), WIDTH // 2)


@mixes("MatMul", CONTRACTS, "--token-axis=x=1")  # what a Gemm becomes
def flatten_and_project(g, x):
    flat = g.odd("Gemm", g.Flatten(x, axis=1), g.random(TOKENS * WIDTH, TOKENS * WIDTH))
    return g.reshape(flat, 1, TOKENS, WIDTH)


@mixes("MatMul", CONTRACTS, saves=True)
def linear_attention(g, x):
    """phi(Q) (phi(K)^T V) with phi = elu + 1."""
    phi = lambda v: g.Add(g.Elu(v), g.scalar(1))
    query, key, value = phi(g.linear(x)), phi(g.linear(x)), g.linear(x)
    summary = g.odd("MatMul", g.transpose(key, 0, 2, 1), value)
    weight = g.MatMul(query, g.transpose(g.reduce("ReduceSum", key, 1, True), 0, 2, 1))
    return g.Add(x, g.Div(g.MatMul(query, summary), weight))


# Order: cumulative, reversed, rolled, gathered.


@mixes("CumSum", "")
def cumulative_sum(g, x):
    return g.norm(g.odd("CumSum", x, g.constant(1, np.int64)))


@mixes("Slice", "")
def reversal(g, x):
    end, axis, step = g.indices(-TOKENS - 1), g.indices(1), g.indices(-1)
    return g.Add(x, g.linear(g.odd("Slice", x, g.indices(-1), end, axis, step)))


@mixes("Gather", "gathers scattered tokens")
def reversal_by_gather(g, x):
    return g.Add(x, g.linear(g.odd("Gather", x, g.indices(*reversed(range(TOKENS))), axis=1)))


@mixes("Gather", "gathers scattered tokens")
def scattered_tokens(g, x):
    return g.Add(x, g.odd("Gather", x, g.indices(3, 1, 4, 1, 5, 2, 6, 5), axis=1))


@mixes("Concat", "")
def rolled(g, x):
    """Swin's cyclic shift: tokens that leave on one side come in on the other."""
    return g.Add(x, g.linear(g.odd("Concat", g.slice(x, 1, 3), g.slice(x, 1, 0, 3), axis=1)))


@mixes("Slice", "", "--token-axis=x=1")
def time_strided(g, x):
    half = g.odd("Slice", x, g.indices(0), g.indices(TOKENS), g.indices(1), g.indices(2))
    return g.reshape(g.Concat(half, g.linear(half), axis=2), 1, TOKENS, WIDTH)


@mixes("ArgMax", "searches along the token axis")
def strongest_token(g, x):
    """The token with the largest first feature is added to all."""
    best = g.odd("ArgMax", g.slice(x, 2, 0, 1), axis=1, keepdims=0)
    return g.Add(x, g.Gather(x, g.reshape(best, 1), axis=1))


def strongest(g, x, count, op_type="TopK"):
    """Scores of the `count` strongest tokens and where they are, [1, count, 1] each."""
    return g.odd(op_type, g.Sigmoid(g.linear(x, WIDTH, 1)), g.indices(count), axis=1, outputs=2)


@mixes("TopK", "searches along the token axis", saves=True)
def pruned_tokens(g, x):
    """The five strongest tokens go on, by the strength of each."""
    score, place = strongest(g, x, 5)
    kept = g.GatherElements(x, g.Expand(place, g.indices(1, 5, WIDTH)), axis=1)
    return g.Mul(kept, score)


@mixes("TopK", "searches along the token axis")
def updated_tokens(g, x):
    """Mixture of depths: the three strongest tokens pass through a block, the others around it."""
    score, place = strongest(g, x, 3)
    place = g.Expand(place, g.indices(1, 3, WIDTH))
    block = g.Mul(g.block(g.GatherElements(x, place, axis=1)), score)
    return g.ScatterElements(x, place, block, axis=1, reduction="add")


@mixes("ScatterElements", "scatters over the token axis", "--token-axis=x=1", saves=True)
def merged_tokens(g, x):
    """Each even token is added to the odd one behind it."""
    even = g.slice(x, 1, 0, TOKENS - 1)
    place = np.repeat(np.minimum(np.arange(TOKENS - 1) | 1, TOKENS - 1)[None, :, None], WIDTH, 2)
    return g.odd("ScatterElements", x, g.constant(place, np.int64), even, axis=1, reduction="add")


@mixes("ReduceSum", REDUCES)
def soft_ranking(g, x):
    """Each token's rank without sorting: how many tokens it beats."""
    score = g.slice(x, 2, 0, 1)
    beats = g.Sigmoid(g.Sub(score, g.transpose(score, 0, 2, 1)))
    return g.Mul(x, g.odd("ReduceSum", beats, g.indices(2), keepdims=1))


# Attention and pooling in other forms.


@mixes("GlobalAveragePool", REDUCES)
def squeeze_and_excite(g, x):
    pooled = g.odd("GlobalAveragePool", g.transpose(x, 0, 2, 1))
    gate = g.Sigmoid(g.linear(g.Relu(g.linear(g.transpose(pooled, 0, 2, 1)))))
    return g.Mul(x, gate)


@mixes("ReduceMean", REDUCES)
def global_context(g, x):
    mean = g.odd("ReduceMean", x, g.indices(1), keepdims=1)
    everywhere = g.Expand(mean, g.indices(1, TOKENS, WIDTH))
    return g.linear(g.Concat(x, everywhere, axis=2), 2 * WIDTH)


@mixes("Softmax", SOFTMAX)
def attention_pooling(g, x):
    weights = g.odd("Softmax", g.linear(g.Tanh(x), WIDTH, 1), axis=1)
    return g.Add(x, g.reduce("ReduceSum", g.Mul(weights, x), 1, True))


@mixes("ReduceMean", REDUCES, saves=True)
def external_attention(g, x):
    """Keys and values are learned; the weights are normalised over tokens too."""
    weights = g.Exp(g.Tanh(g.linear(x, WIDTH, 6)))
    weights = g.Div(weights, g.odd("ReduceMean", weights, g.indices(1), keepdims=1))
    return g.Add(x, g.linear(weights, 6))


@mixes("Softmax", SOFTMAX, saves=True)
def learned_queries(g, x):
    """Perceiver: latents read the tokens, the tokens read the latents."""
    scores = g.MatMul(g.random(1, 4, WIDTH), g.transpose(g.linear(x), 0, 2, 1))
    latents = g.MatMul(g.odd("Softmax", scores, axis=-1), g.linear(x))
    return g.Add(x, g.attention(x, latents, latents))


@mixes("Softmax", SOFTMAX, saves=True)
def first_attention(g, x):
    scores = g.MatMul(g.linear(x), g.transpose(g.linear(x), 0, 2, 1))
    return g.Add(x, g.MatMul(g.odd("Softmax", scores, axis=-1), g.linear(x)))


@mixes("Reshape", "cuts the token axis")
def attention_in_blocks(g, x):
    """Tokens attend to their own block of four: the blocks do not slide."""
    blocks = g.odd("Reshape", x, g.indices(2, 4, WIDTH))
    return g.Add(x, g.reshape(g.attention(blocks, blocks, blocks), 1, TOKENS, WIDTH))


@mixes("ReduceMax", REDUCES)
def pairwise_distances(g, x):
    """Each token's distance to its farthest one, as a feature."""
    square = g.reduce("ReduceSum", g.Mul(x, x), 2, True)
    cross = g.Mul(g.MatMul(x, g.transpose(x, 0, 2, 1)), g.scalar(-2))
    distance = g.Add(g.Add(square, g.transpose(square, 0, 2, 1)), cross)
    return g.Mul(x, g.Tanh(g.odd("ReduceMax", distance, g.indices(2), keepdims=1)))


@mixes("Concat", "", "--token-axis=x=1")
def autocorrelation(g, x):
    """Autoformer: correlation of the window with itself rolled by each lag."""
    lags = []
    for lag in range(2, 5):
        append = g.odd if lag == 2 else lambda op_type, *operands, **attributes: getattr(g, op_type)(
            *operands, **attributes
        )
        value = append("Concat", g.slice(x, 1, lag), g.slice(x, 1, 0, lag), axis=1)
        lags.append((value, g.ReduceMean(g.Mul(x, value), g.indices(1, 2), keepdims=1)))
    weights = g.Softmax(g.Concat(*(weight for _, weight in lags), axis=2), axis=2)
    for index, (value, _) in enumerate(lags):
        x = g.Add(x, g.Mul(g.slice(weights, 2, index, index + 1), value))
    return x


# Fine, and not to be blamed: tokens stay apart.

FINE = {}


def fine(build):
    FINE[build.__name__] = build
    return build


@fine
def batch_norm_of_tokens(g, x):
    """BatchNormalization with fixed statistics, features as channels."""
    ones, zeros = g.constant([1.0] * WIDTH), g.constant([0.0] * WIDTH)
    x = g.BatchNormalization(g.transpose(x, 0, 2, 1), ones, zeros, zeros, ones)
    return g.transpose(x, 0, 2, 1)


@fine
def channel_gate(g, x):
    """Squeeze and excite over features, of each token alone."""
    return g.Mul(x, g.Sigmoid(g.reduce("ReduceMean", x, 2, True)))


@fine
def strongest_features(g, x):
    """Each token keeps its three largest features."""
    value, place = g.TopK(x, g.indices(3), axis=-1, outputs=2)
    return g.ScatterElements(g.Mul(x, g.scalar(0.0)), place, value, axis=-1)


def build(case, last=False):
    """projection -> odd -> block -> tokens; `last`: the newest token only."""
    build, opset = (case.build, case.opset) if isinstance(case, Case) else (case, 18)
    g = Encoder(opset)
    x = g.block(build(g, g.linear(tokens_input(g))))
    g.output(g.slice(x, 1, -1) if last else x, "y")
    return g.model()
