"""weir.nn: its attentions against the references, as parts of PyTorch's encoders, and through both ONNX exporters."""

import sys

import numpy as np
import onnx
import pytest
import streams

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

sys.path[:0] = [str(streams.ROOT / "python"), str(streams.ROOT / "test")]
from reference import cast, dct  # noqa: E402

from weir.nn import CastAttention, DctAttention, convert, export, onnx_functions, save_surrogates  # noqa: E402

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


# ---- in place of nn.MultiheadAttention ----------------------------------------------------------------------------
def attention(kind, batch_first=True, dtype=DOUBLE, count=9):
    shared = dict(batch_first=batch_first, dtype=dtype)
    torch.manual_seed(0)
    if kind in VARIANTS:
        return filled(DctAttention(WIDTH, HEADS, count, 4, kind, **shared))
    return filled(CastAttention(WIDTH, HEADS, 3, 3, kind, **shared))


KINDS = (*VARIANTS, "topk", "sa-greedy", "sa-rounds")
MASKED = tuple(kind for kind in KINDS if kind != "x")


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_or_not_or_no_batch(kind):
    module, x = attention(kind), tokens(2, 9, WIDTH)
    expected, weights = module(x, x, x, need_weights=False)
    assert weights is None
    second = attention(kind, batch_first=False)
    y = x.transpose(0, 1)
    assert off(second(y, y, y)[0].transpose(0, 1), expected) < 1e-14
    row = x[0]
    for one in (module, second):
        assert off(one(row, row, row)[0], expected[0]) < 1e-14


@pytest.mark.parametrize("kind", MASKED)
def test_padding_as_booleans_or_as_floats(kind):
    module, x, mask = attention(kind), tokens(3, 9, WIDTH), hidden(3, 9)
    expected, _ = module(x, x, x, key_padding_mask=mask)
    for low in (-torch.inf, -1e9, torch.finfo(torch.float32).min):
        added = torch.zeros(3, 9, dtype=DOUBLE).masked_fill(mask, low)
        assert torch.equal(module(x, x, x, key_padding_mask=added)[0], expected)
    row = x[1]
    assert off(module(row, row, row, key_padding_mask=mask[1])[0], expected[1]) < 1e-14


@pytest.mark.parametrize("kind", MASKED)
def test_what_stands_in_hidden_tokens_does_not_matter(kind):
    module, x, mask = attention(kind), tokens(3, 9, WIDTH), hidden(3, 9)
    other = torch.where(mask.unsqueeze(-1), 5 * tokens(3, 9, WIDTH, seed=1), x)
    found, expected = (module(y, y, y, key_padding_mask=mask)[0] for y in (other, x))
    if kind == "qkv":  # its queries are not masked: all frequencies change
        assert off(found, expected) > 1e-3
    else:
        assert off(found[~mask], expected[~mask]) < 1e-12


@pytest.mark.parametrize("variant", ("qkv", "resample", "pool"))
def test_all_tokens_hidden(variant):
    module, x = attention(variant), tokens(2, 9, WIDTH)
    assert torch.isfinite(module(x, x, x, key_padding_mask=torch.ones(2, 9, dtype=torch.bool))[0]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_refusals(kind):
    module, x = attention(kind), tokens(2, 9, WIDTH)
    call = lambda **more: module(*[x] * 3, **more)
    with pytest.raises(ValueError, match="takes no attn_mask"):
        call(attn_mask=torch.zeros(9, 9))
    with pytest.raises(ValueError, match="cannot be causal"):
        call(is_causal=True)
    with pytest.raises(ValueError, match="need_weights=False"):
        call(need_weights=True)
    with pytest.raises(ValueError, match="must be the same tensor"):
        module(x, x.clone(), x)
    with pytest.raises(ValueError, match="a bias of keys is not supported"):
        call(key_padding_mask=torch.full((2, 9), -1.0))
    with pytest.raises(ValueError, match=r"key_padding_mask is \[9, 2\]"):
        call(key_padding_mask=torch.zeros(9, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"takes \[.., tokens, 12\], got \[2, 9, 5\]"):
        module(*[x[..., :5]] * 3)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: DctAttention(12, 5, 8, 4, "qkv"), "embed_dim 12 is not divisible by num_heads 5"),
        (lambda: DctAttention(12, 3, 8, 9, "qkv"), "keep 9 is outside 1 to 8"),
        (lambda: DctAttention(12, 3, 8, 0, "qkv"), "keep 0 is outside 1 to 8"),
        (lambda: DctAttention(12, 3, 8, 4, "fft"), "variant 'fft' is none of qkv, x, resample, pool"),
        (lambda: attention("qkv")(*[tokens(2, 8, 12)] * 3), "made for 9 tokens, got 8"),
        (lambda: attention("topk")(*[tokens(2, 2, 12)] * 3), "a cluster of 3 tokens is larger than the sequence of 2"),
        (lambda: CastAttention(12, 3, 0, 4), "0 clusters of 4 tokens hold nothing"),
        (lambda: CastAttention(12, 3, 2, 4, "kmeans"), "clustering 'kmeans' is none of topk"),
        (lambda: CastAttention(12, 3, 2, 4, f="relu"), "f 'relu' is none of softmax, laplace"),
        (lambda: CastAttention(12, 3, 2, 4, heads="each"), "heads 'each' is none of shared, per-head"),
    ],
)
def test_what_cannot_be_is_said(make, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        make()


def encoder(layers=2, batch_first=True, dtype=DOUBLE, norm_first=False):
    layer = torch.nn.TransformerEncoderLayer(
        WIDTH, 2, 16, batch_first=batch_first, dtype=dtype, norm_first=norm_first
    )
    return filled(torch.nn.TransformerEncoder(layer, layers, enable_nested_tensor=not norm_first))


def converted(model, kind, **more):
    if kind in VARIANTS:
        return convert(model, "dct", tokens=9, keep=4, variant=kind, **more)
    return convert(model, "cast", clusters=3, size=3, clustering=kind, **more)


@pytest.mark.parametrize("norm_first", (False, True), ids=("post", "pre"))
@pytest.mark.parametrize("kind", MASKED)
def test_an_encoder_never_goes_past_the_attention(kind, norm_first, monkeypatch):
    """Its fused path, which computes full attention from the weights, and nested tensors are for other attentions."""
    model = converted(encoder(norm_first=norm_first), kind)
    fused = lambda *operands: pytest.fail("full attention was computed instead")
    monkeypatch.setattr(torch, "_transformer_encoder_layer_fwd", fused)
    x, padding = tokens(2, 9, WIDTH), torch.arange(9) >= torch.tensor([[7], [9]])
    for mask in (None, padding):
        with torch.enable_grad():
            expected = model(x, src_key_padding_mask=mask)
        with torch.no_grad():
            assert off(model(x, src_key_padding_mask=mask), expected) < 1e-14
        with torch.inference_mode():
            assert off(model(x, src_key_padding_mask=mask), expected) < 1e-14


def test_a_nested_tensor_is_refused():
    """Where somebody puts an attention into an encoder by hand that makes nested tensors of padded ones."""
    model, x, padding = encoder(), tokens(2, 9, WIDTH), torch.arange(9) >= torch.tensor([[7], [9]])
    model.layers[0].self_attn = filled(DctAttention(WIDTH, 2, 9, 4, "qkv", batch_first=True, dtype=DOUBLE))
    with torch.no_grad(), pytest.raises(ValueError, match="set use_nested_tensor = False"):
        model(x, src_key_padding_mask=padding)


@pytest.mark.parametrize("masked", (False, True), ids=("all", "masked"))
@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind, masked):
    """Selections are constant near a point, so that finite differences tell the truth there."""
    module = attention(kind)
    mask = hidden(2, 9) if masked and kind != "x" else None
    x = tokens(2, 9, WIDTH).requires_grad_()
    check = lambda function, values: torch.autograd.gradcheck(function, values, fast_mode=True)
    assert check(lambda x: module(x, x, x, key_padding_mask=mask)[0], (x,))
    names, parameters = zip(*module.named_parameters())

    def of_parameters(*values):
        return torch.func.functional_call(
            module, dict(zip(names, values)), (x.detach(),) * 3, dict(key_padding_mask=mask)
        )[0]

    assert check(of_parameters, parameters)


def test_precision_follows_the_module():
    """Tables of a module that became float64 later have its digits."""
    module = attention("resample", dtype=FLOAT).double()
    x = tokens(1, 9, WIDTH)
    assert off(module(x, x, x)[0][0], expected_dct(module, x[0].numpy())) < 1e-9
    assert module.half().table.dtype == torch.half


# ---- convert ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("batch_first", (True, False), ids=("batch_first", "tokens_first"))
def test_convert_keeps_weights_and_leaves_the_original(batch_first):
    model = encoder(3, batch_first)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    result = convert(model, "dct", layers=[0, 2], tokens=9, keep=9, variant="resample")
    kinds = [type(layer.self_attn).__name__ for layer in result.layers]
    assert kinds == ["DctAttention", "MultiheadAttention", "DctAttention"]
    x = tokens(2, 9, WIDTH) if batch_first else tokens(9, 2, WIDTH)
    assert off(result(x), model(x)) < 1e-12  # resample with all rows kept is full attention
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(isinstance(layer.self_attn, DctAttention) for layer in model.layers)


@pytest.mark.parametrize("kind", KINDS)
def test_convert_to_full_attention_and_back(kind):
    model, x = encoder(), tokens(2, 9, WIDTH)
    there = converted(model, kind)
    back = convert(there, "full")
    assert off(back(x), model(x)) < 1e-12
    assert off(there(x), model(x)) > 1e-3
    again = converted(back, kind)
    again.load_state_dict(there.state_dict())
    assert torch.equal(again(x), there(x))


def test_surrogates_start_at_centres_of_queries_and_keys():
    """Tokens of three kinds: three clusters find them, with one clustering for all heads and with one per head."""
    model, kinds = encoder(), tokens(3, WIDTH)
    x = (kinds.repeat(3, 1) + 1e-3 * tokens(9, WIDTH, seed=1))[None]
    for heads in ("shared", "per-head"):
        first = converted(model, "sa-greedy", samples=x, heads=heads).layers[0].self_attn
        q, k = torch.nn.functional.linear(x[0], first.in_proj_weight, first.in_proj_bias).chunk(3, -1)[:2]
        parts = [torch.cat([q, k])] if heads == "shared" else torch.cat([q, k]).chunk(2, -1)
        centres = [first.surrogates] if heads == "shared" else first.surrogates.chunk(2, -1)
        for points, found in zip(parts, centres):
            spread = torch.cdist(points, points).max()
            assert torch.cdist(found, points).amin(1).max() < spread  # among the points
            assert torch.cdist(points, found).amin(1).mean() < 0.3 * spread
        assert converted(model, "sa-greedy", samples=x, heads=heads).layers[0].self_attn.surrogates.equal(
            first.surrogates
        )
    assert model.layers[0].self_attn._forward_pre_hooks == {}


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: convert(torch.nn.Linear(2, 2), "dct"), r"layers \[\] are not all among the 0 attentions"),
        (lambda: convert(encoder(), "dct", layers=[2]), r"layers \[2\] are not all among the 2 attentions"),
        (lambda: convert(encoder(), "fft"), "attention 'fft' is none of dct, cast, full"),
        (
            lambda: convert(torch.nn.ModuleList([torch.nn.MultiheadAttention(4, 2, kdim=3)]), "cast"),
            "attention 0 cannot become cast attention: its keys or values have another width",
        ),
        (
            lambda: convert(torch.nn.ModuleList([torch.nn.MultiheadAttention(4, 2, add_bias_kv=True)]), "cast"),
            "attention 0 cannot become cast attention: it adds keys",
        ),
    ],
)
def test_what_cannot_be_converted(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("suffix", ("npz", "safetensors"))
def test_surrogates_in_a_file(suffix, tmp_path):
    model = converted(encoder(3), "topk", layers=[0, 2]).float()
    path = tmp_path / f"s.{suffix}"
    save_surrogates(model, path)
    if suffix == "npz":
        found = dict(np.load(path))
    else:
        found = pytest.importorskip("safetensors.numpy").load_file(path)
    assert set(found) == {f"{name}_{number}" for name in ("surrogate", "wphi", "bphi") for number in (0, 2)}
    last = model.layers[2].self_attn
    for name, value in (("surrogate", last.surrogates), ("wphi", last.wphi), ("bphi", last.bphi)):
        assert found[f"{name}_2"].dtype == np.float32
        assert np.array_equal(found[f"{name}_2"], value.detach().numpy())
    with pytest.raises(ValueError, match="not '.bin'"):
        save_surrogates(model, tmp_path / "s.bin")
    with pytest.raises(ValueError, match="no CastAttention"):
        save_surrogates(encoder(), path)


# ---- ONNX ---------------------------------------------------------------------------------------------------------
class Masked(torch.nn.Module):
    """An encoder that takes padding, as whole models do."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, padding):
        return self.model(x, src_key_padding_mask=padding)


def exported(model, args, exporter, functions, tmp_path, **more):
    names = ["x", "padding"][: len(args)]
    path = tmp_path / "model.onnx"
    export(
        model, args, path, exporter, functions, input_names=names, dynamic=[{0: "batch"}] * len(args), **more
    )
    return path


FORMS = pytest.mark.parametrize("functions", (False, True), ids=("standard", "functions"))
EXPORTERS = pytest.mark.parametrize("exporter", ("torchscript", "dynamo"))


@FORMS
@EXPORTERS
@pytest.mark.parametrize("kind", KINDS)
def test_exports_compute_the_same(kind, exporter, functions, tmp_path):
    """Exported for one batch, run with another."""
    model = converted(encoder(1, dtype=FLOAT), kind)
    masked = kind != "x"
    args = lambda batch, seed: (tokens(batch, 9, WIDTH, dtype=FLOAT, seed=seed), hidden(batch, 9))[: 1 + masked]
    path = exported(Masked(model) if masked else model, args(2, 0), exporter, functions, tmp_path)
    given = args(3, 1)
    expected = Masked(model)(*given) if masked else model(*given)
    feed = dict(zip(("x", "padding"), (value.numpy() for value in given)))
    assert off(streams.open_session(path).run(None, feed)[0], expected) < streams.TOLERANCE
    operators = {node.op_type for node in onnx.load(path).graph.node if node.domain == "weir"}
    assert operators == (OPERATORS[kind] if functions else set())


CLUSTER_OPERATORS = {"ClusterAffinity", "ChooseClusters", "GatherTokens", "ScatterAddTokens", "ClusterMembers"}
OPERATORS = {kind: CLUSTER_OPERATORS for kind in KINDS} | {
    "qkv": {"Dct", "Idct"},
    "x": {"Dct", "Idct"},
    "resample": {"Resample"},
    "pool": {"Pool"},
}


def test_a_file_with_several_clusterings_has_a_body_for_each(tmp_path):
    model = convert(encoder(3, dtype=FLOAT), "cast", layers=[0], clusters=3, size=3, f="laplace")
    model = convert(model, "cast", layers=[1, 2], clusters=2, size=4, clustering="sa-rounds")
    x = tokens(2, 9, WIDTH, dtype=FLOAT)
    path = exported(model, (x,), "torchscript", True, tmp_path)
    assert off(streams.open_session(path).run(None, {"x": x.numpy()})[0], model(x)) < streams.TOLERANCE
    bodies = {(body.name, body.overload) for body in onnx.load(path).functions}
    assert {("ChooseClusters", ""), ("ChooseClusters", "sa-rounds")} <= bodies
    assert {("ClusterAffinity", ""), ("ClusterAffinity", "softmax")} <= bodies


def test_an_export_leaves_modes_and_symbols_as_they_were(tmp_path):
    model = converted(encoder(2, dtype=FLOAT), "topk").train()
    model.layers[0].eval()
    x = tokens(2, 9, WIDTH, dtype=FLOAT)
    exported(model, (x,), "torchscript", True, tmp_path)
    assert model.training and not model.layers[0].training and model.layers[1].training
    path = exported(model, (x,), "torchscript", False, tmp_path)
    assert {node.domain for node in onnx.load(path).graph.node} == {""}


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(exporter="tracing"), "exporter 'tracing' is none of torchscript, dynamo"),
        (dict(opset=16), "opset 16 is too old"),
    ],
)
def test_what_cannot_be_exported(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export(encoder(1), tokens(1, 9, WIDTH), tmp_path / "m.onnx", **options)


# ---- bodies of functions, operator by operator --------------------------------------------------------------------
def call(kind, operands, result, **attributes):
    """What onnxruntime computes with the body of one operator; `result` is (element type, rank)."""
    names = [f"x{number}" for number in range(len(operands))]
    typed = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in zip(names, operands)
    ]
    node = onnx.helper.make_node(kind, names, ["y"], domain=onnx_functions.DOMAIN, **attributes)
    output = onnx.helper.make_tensor_value_info("y", result[0], [f"d{axis}" for axis in range(result[1])])
    opsets = [onnx.helper.make_opsetid("", onnx_functions.OPSET)]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "one", typed, [output]), opset_imports=opsets, ir_version=8
    )
    onnx.checker.check_model(onnx_functions.attach(model))
    return streams.open_session(model).run(None, dict(zip(names, operands)))[0]


@pytest.mark.parametrize("count, keep", ((9, 4), (13, 13), (5, 1), (500, 77)))
@pytest.mark.parametrize("axis", (0, 1, 2))
def test_bodies_of_maps(axis, count, keep):
    shape = [2, 2, 3]
    shape[axis] = count
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    along = lambda matrix, x: np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)
    for kind, make in (("Dct", dct.dct_matrix), ("Resample", dct.resample_matrix), ("Pool", dct.pool_matrix)):
        found = call(kind, [x], (onnx.TensorProto.FLOAT, 3), axis=axis, keep=keep)
        assert off(found, along(make(count, keep), x)) < 2e-6
    few = along(dct.dct_matrix(count, keep), x).astype(np.float32)
    found = call("Idct", [few], (onnx.TensorProto.FLOAT, 3), axis=axis, tokens=count)
    assert off(found, along(dct.dct_matrix(count, keep).T, few)) < 2e-6


@pytest.mark.parametrize("seed", range(6))
def test_bodies_of_clusters(seed):
    """Ties, clusters that stay empty, tokens that are in none."""
    rng = np.random.default_rng(seed)
    count, clusters = int(rng.integers(2, 20)), int(rng.integers(1, 6))
    size = int(rng.integers(1, count + 1))
    affinity = rng.random((2, 1, count, clusters)).astype(np.float32)
    if seed % 2:
        affinity = np.round(4 * affinity) / 4
    integers, floats = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    for clustering in ("topk", "sa-greedy", "sa-rounds"):
        found = call("ChooseClusters", [affinity], (integers, 4), clustering=clustering, size=size)
        expected = [[cast.CLUSTERINGS[clustering](one, size) for one in some] for some in affinity]
        assert np.array_equal(found, expected)
    low = affinity.copy()
    low[:, :, 1] = -np.inf
    for clustering in ("topk", "sa-greedy", "sa-rounds"):
        found = call("ChooseClusters", [low], (integers, 4), clustering=clustering, size=size)
        assert 1 not in found

    x = rng.standard_normal((2, 3, count, 5)).astype(np.float32)
    rows = call("GatherTokens", [x, found], (floats, 5))
    wide = np.broadcast_to(found, (2, 3, *found.shape[2:]))
    taken = np.take_along_axis(x[:, :, None], np.maximum(wide, 0)[..., None], 3)
    assert np.array_equal(rows, np.where(wide[..., None] >= 0, taken, 0))
    sums = call("ScatterAddTokens", [rows, found], (floats, 4), tokens=count)
    members = call("ClusterMembers", [found], (floats, 4), tokens=count)
    is_in = [[(np.arange(count)[:, None, None] == one).any(-1) for one in some] for some in found]
    assert np.array_equal(members, is_in)
    assert np.abs(sums - x * members.sum(-1, keepdims=True)).max() < 1e-5
