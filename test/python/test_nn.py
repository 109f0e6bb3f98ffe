"""weir.nn: its attentions against the references, as parts of PyTorch's encoders, and through both ONNX exporters."""

import sys

import numpy as np
import pytest
import streams

torch = pytest.importorskip("torch")

sys.path[:0] = [str(streams.ROOT / "python"), str(streams.ROOT / "test")]
from reference import cast, dct  # noqa: E402

from weir.nn import CastAttention, DctAttention  # noqa: E402

DOUBLE, FLOAT = torch.float64, torch.float32
TOLERANCES = {DOUBLE: 1e-9, FLOAT: streams.TOLERANCE}
WIDTH, HEADS = 12, 3
VARIANTS = ("qkv", "x", "resample", "pool")


def filled(module, seed=0):
    """`module` with random values for what starts at 0."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() < 2:
                parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))
    return module.eval()


def tokens(*shape, dtype=DOUBLE, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE).to(dtype)


def hidden(batch, count):
    """Booleans [batch, count] that hide some tokens, another part of each sequence."""
    mask = torch.zeros(batch, count, dtype=torch.bool)
    for row in range(batch):
        mask[row, : row % 3] = True
        mask[row, count - 2 * (row % 2) - 1 :] = True
    return mask


def off(found, expected):
    """The largest difference over the largest expected value."""
    found, expected = (np.asarray(a.detach().double() if torch.is_tensor(a) else a) for a in (found, expected))
    return np.abs(found - expected).max() / np.abs(expected).max()


def projected(module, x):
    """(q, k, v [heads, n, d], their biases alike, what puts heads through the output projection), in float64."""
    weight, bias = (p.detach().double().numpy() for p in (module.in_proj_weight, module.in_proj_bias))
    out = [p.detach().double().numpy() for p in (module.out_proj.weight, module.out_proj.bias)]
    split = lambda y: y.reshape(*y.shape[:-1], module.num_heads, -1).swapaxes(-2, -3)
    parts = np.split(x @ weight.T + bias, 3, -1)
    biases = [split(part[None]) for part in np.split(bias, 3)]
    join = lambda y: y.swapaxes(0, 1).reshape(len(x), -1) @ out[0].T + out[1]
    return [split(part) for part in parts], biases, join


def expected_dct(module, x, kept=None):
    (q, k, v), biases, join = projected(module, x)
    scale = module.head_dim**-0.5
    more = dict(biases=biases) if module.variant == "x" else {}
    return join(dct.VARIANTS[module.variant](q, k, v, scale, module.keep, kept=kept, **more))


def expected_cast(module, x, clusters=None):
    """(output, clusters, affinities)"""
    (q, k, v), _, join = projected(module, x)
    parameters = (module.surrogates, module.wphi, module.bphi)
    surrogates, wphi, bphi = (p.detach().double().numpy() for p in parameters)
    options = cast.Options(
        module.clustering, module.f, module.heads, module.gates, module.own_mask, module.intra_weight,
        module.summaries, module.tau, module.tau_q, module.tau_k,
    )  # fmt: skip
    phi = (x @ wphi + bphi)[:, None]
    surrogates = cast.split_heads(surrogates, module.num_heads)
    out, clusters, affinity = cast.attention(q, k, v, phi, surrogates, module.size, options, clusters)
    return join(out), clusters, affinity


# ---- against the references ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("masked", (False, True), ids=("all", "masked"))
@pytest.mark.parametrize("fold", (True, False), ids=("folded", "unfolded"))
@pytest.mark.parametrize("variant", VARIANTS)
def test_dct_attention_equals_the_reference(variant, fold, masked, dtype):
    for count, keep in ((9, 9), (9, 4), (14, 5), (67, 16)):
        module = DctAttention(WIDTH, HEADS, count, keep, variant, fold=fold, batch_first=True, dtype=dtype)
        x, mask = tokens(4, count, WIDTH, dtype=dtype), hidden(4, count) if masked else None
        if variant == "x" and masked:
            with pytest.warns(UserWarning, match="ignores key_padding_mask"):
                found, _ = filled(module)(x, x, x, key_padding_mask=mask)
        else:
            found, _ = filled(module)(x, x, x, key_padding_mask=mask)
        for row in range(4):
            kept = None if mask is None else (~mask[row]).numpy()
            assert off(found[row], expected_dct(module, x[row].double().numpy(), kept)) < TOLERANCES[dtype]


CAST_OPTIONS = [
    dict(),
    dict(f="laplace"),
    dict(gates=False),
    dict(own_mask=False),
    dict(intra_weight=False),
    dict(summaries=False),
    dict(summaries=False, intra_weight=False),
    dict(heads="per-head"),
    dict(tau=0.7, tau_q=1.5, tau_k=3.0),
    dict(f="laplace", gates=False, own_mask=False, intra_weight=False, heads="per-head"),
]


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("clustering", ("topk", "sa-greedy", "sa-rounds"))
@pytest.mark.parametrize("options", CAST_OPTIONS, ids=str)
def test_cast_attention_equals_the_reference(options, clustering, dtype):
    for count, clusters, size in ((12, 3, 4), (13, 4, 2), (7, 3, 5), (65, 5, 13)):
        module = CastAttention(
            WIDTH, HEADS, clusters, size, clustering, batch_first=True, dtype=dtype, **options
        )
        x = tokens(2, count, WIDTH, dtype=dtype)
        found, _ = filled(module)(x, x, x)
        for row in range(2):
            expected, _, _ = expected_cast(module, x[row].double().numpy())
            assert off(found[row], expected) < TOLERANCES[dtype]


def test_cast_attention_on_equal_affinities_chooses_the_lower_token():
    module = filled(CastAttention(WIDTH, HEADS, 3, 4, batch_first=True, dtype=DOUBLE))
    x = tokens(1, 4, WIDTH).repeat(1, 3, 1)
    for clustering in ("topk", "sa-greedy", "sa-rounds"):
        module.clustering = clustering
        assert off(module(x, x, x)[0][0], expected_cast(module, x[0].numpy())[0]) < 1e-9


@pytest.mark.parametrize("clustering", ("topk", "sa-greedy", "sa-rounds"))
def test_hidden_tokens_are_in_no_cluster(clustering):
    """What stands in hidden tokens does not change the others, and those are as if the hidden ones were not there."""
    module = filled(CastAttention(WIDTH, HEADS, 2, 4, clustering, batch_first=True, dtype=DOUBLE))
    x, mask = tokens(1, 11, WIDTH), torch.arange(11)[None] >= 8
    found = module(x, x, x, key_padding_mask=mask)[0][:, :8]
    x[:, 8:] = 100 * tokens(1, 3, WIDTH, seed=1)
    assert off(module(x, x, x, key_padding_mask=mask)[0][:, :8], found) < 1e-12
    assert off(found, module(*[x[:, :8]] * 3)[0]) < 1e-12


# ---- identities ---------------------------------------------------------------------------------------------------
def full_attention(module):
    full = torch.nn.MultiheadAttention(WIDTH, HEADS, batch_first=True, dtype=DOUBLE)
    full.load_state_dict(module.state_dict(), strict=False)
    return full.eval()


@pytest.mark.parametrize("masked", (False, True), ids=("all", "masked"))
@pytest.mark.parametrize("variant", ("resample", "pool"))
def test_fewer_keys_and_values_at_keep_equal_tokens_is_full_attention(variant, masked):
    module = filled(DctAttention(WIDTH, HEADS, 9, 9, variant, batch_first=True, dtype=DOUBLE))
    x, mask = tokens(3, 9, WIDTH), hidden(3, 9) if masked else None
    found, _ = module(x, x, x, key_padding_mask=mask)
    assert off(found, full_attention(module)(x, x, x, key_padding_mask=mask)[0]) < 1e-12


def test_one_cluster_of_all_tokens_is_full_attention():
    module = CastAttention(
        WIDTH, HEADS, 1, 9, intra_weight=False, summaries=False, batch_first=True, dtype=DOUBLE
    )
    x = tokens(3, 9, WIDTH)
    assert off(filled(module)(x, x, x)[0], full_attention(module)(x, x, x)[0]) < 1e-12


@pytest.mark.parametrize("clustering", ("sa-greedy", "sa-rounds"))
def test_clusters_without_summaries_are_attention_under_a_block_mask(clustering):
    module = CastAttention(
        WIDTH, HEADS, 3, 4, clustering, intra_weight=False, summaries=False, batch_first=True, dtype=DOUBLE
    )
    x = tokens(1, 12, WIDTH)
    _, clusters, _ = expected_cast(filled(module), x[0].numpy())
    cluster_of = np.empty(12, int)
    for number, members in enumerate(clusters[0]):
        cluster_of[members] = number
    apart = torch.as_tensor(cluster_of[:, None] != cluster_of)
    expected, _ = full_attention(module)(x, x, x, attn_mask=apart)
    assert off(module(x, x, x)[0], expected) < 1e-12


@pytest.mark.parametrize("clustering", ("sa-greedy", "sa-rounds"))
def test_values_of_one_give_one(clustering):
    """A token in one cluster mixes its own result and the other summaries with weights that sum to 1."""
    module = filled(CastAttention(WIDTH, HEADS, 3, 4, clustering, batch_first=True, dtype=DOUBLE))
    with torch.no_grad():
        module.in_proj_weight[2 * WIDTH :] = 0
        module.in_proj_bias[2 * WIDTH :] = 1
        module.out_proj.weight.copy_(torch.eye(WIDTH))
        module.out_proj.bias.zero_()
    x = tokens(2, 12, WIDTH)
    assert off(module(x, x, x)[0], np.ones((2, 12, WIDTH))) < 1e-12
