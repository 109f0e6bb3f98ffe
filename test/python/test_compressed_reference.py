"""The references of DCT and CAST attention: identities that must hold, and encoders found and run as onnxruntime does."""

import functools

import compressed_reference as reference
import numpy as np
import pytest
import streams
from compressed_reference import cast, dct

LIMIT = 1e-12
SEPARATE = {"encoder_2_disentangled"}  # an operand of GatherElements that onnx's evaluator refuses


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def heads_of(rng, tokens, features=8, heads=3):
    return [rng.standard_normal((heads, tokens, features)) for _ in range(3)]


# --- DCT


@pytest.mark.parametrize("tokens, keep", [(1, 1), (7, 3), (64, 16), (65, 65)])
def test_rows_of_the_dct_are_orthonormal(tokens, keep):
    d = dct.dct_matrix(tokens, keep)
    assert np.abs(d @ d.T - np.eye(keep)).max() < LIMIT
    assert np.abs(d @ np.ones(tokens) - np.sqrt(tokens) * np.eye(keep)[0]).max() < LIMIT * tokens


@pytest.mark.parametrize("matrix", [dct.resample_matrix, dct.pool_matrix])
def test_pseudo_tokens_are_averages(matrix):
    assert np.abs(matrix(37, 5).sum(1) - 1).max() < LIMIT
    assert np.abs(matrix(37, 37) - np.eye(37)).max() < LIMIT


def test_pooled_blocks_differ_by_at_most_one_token():
    sizes = (dct.pool_matrix(37, 5) > 0).sum(1)
    assert sizes.sum() == 37 and np.ptp(sizes) == 1


@pytest.mark.parametrize("variant", ["resample", "pool"])
@pytest.mark.parametrize("padded", [0, 9])
def test_all_tokens_kept_is_full_attention(rng, variant, padded):
    q, k, v = heads_of(rng, 33)
    kept = np.arange(33) >= padded
    full = dct.attention(q, k, v, 0.3, np.where(kept, 0.0, -np.inf))
    assert np.abs(dct.VARIANTS[variant](q, k, v, 0.3, 33, kept) - full).max() < LIMIT


@pytest.mark.parametrize("variant", dct.VARIANTS)
def test_padding_hides_what_it_covers(rng, variant):
    q, k, v = heads_of(rng, 24)
    kept = np.arange(24) < 17
    others = [np.where(kept[:, None], x, rng.standard_normal(x.shape)) for x in (k, v)]
    same = np.array_equal(*(dct.VARIANTS[variant](q, *kv, 0.3, 6, kept=kept) for kv in ((k, v), others)))
    assert same == (variant != "x")


def test_two_forms_differ_by_their_biases_alone(rng):
    q, k, v = heads_of(rng, 24)
    assert np.abs(dct.qkv(q, k, v, 0.3, 6) - dct.x(q, k, v, 0.3, 6)).max() < LIMIT
    ones = (1.0, 1.0, 1.0)
    assert np.abs(dct.qkv(q, k, v, 0.3, 6) - dct.x(q, k, v, 0.3, 6, ones)).max() > 0.01


def test_projections_commute_with_the_transform(rng):
    """D M (X W + 1 b^T) = (D M X) W + (D mask) b^T, and D^T (O) W = D^T (O W)."""
    d, kept = dct.dct_matrix(24, 6), (np.arange(24) < 17).astype(float)
    x, w, b = rng.standard_normal((24, 5)), rng.standard_normal((5, 4)), rng.standard_normal(4)
    whole = d @ ((x @ w + b) * kept[:, None])
    folded = (d @ (x * kept[:, None])) @ w + np.outer(d @ kept, b)
    assert np.abs(whole - folded).max() < LIMIT


@pytest.mark.parametrize("dtype, limit", [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_sliding_coefficients_are_those_of_the_window(rng, dtype, limit):
    n, m, length = 12, 5, 4 * 12 + 3
    tokens = rng.standard_normal((length, 3)).astype(dtype)
    sliding = dct.SlidingDct(n, m, 3, dtype)
    rows = [sliding.step(token) for token in tokens]
    for t in range(n - 1, length):
        assert np.abs(rows[t] - dct.dct_matrix(n, m) @ tokens[t - n + 1 : t + 1]).max() < limit


# --- CAST-style


def cast_operands(rng, tokens, clusters, features=8, heads=2):
    q, k, v = heads_of(rng, tokens, features, heads)
    return q, k, v, rng.standard_normal((tokens, 1)), rng.standard_normal((heads, clusters, features))


INSIDE_ONLY = dict(summaries=False, intra_weight=False)
every_clustering = pytest.mark.parametrize("clustering", cast.CLUSTERINGS)


@every_clustering
def test_one_cluster_with_all_tokens_is_full_attention(rng, clustering):
    operands = cast_operands(rng, 20, 1)
    options = cast.Options(clustering=clustering, **INSIDE_ONLY)
    out, clusters, _ = cast.attention(*operands, 20, options)
    assert sorted(clusters[0, 0]) == list(range(20))
    assert np.abs(out - dct.attention(*operands[:3], 8**-0.5)).max() < LIMIT


@every_clustering
def test_without_summaries_attention_is_masked_to_blocks(rng, clustering):
    operands = cast_operands(rng, 20, 4)
    options = cast.Options(clustering=clustering, heads="per-head", **INSIDE_ONLY)
    out, clusters, _ = cast.attention(*operands, 6, options)
    together = np.zeros_like(out)
    for h, of_head in enumerate(clusters):
        for tokens in of_head:
            tokens = tokens[tokens != cast.EMPTY]
            blocked = np.full((20, 20), -np.inf)
            blocked[np.ix_(tokens, tokens)] = 0
            inside = dct.attention(*(x[h] for x in operands[:3]), 8**-0.5, blocked)
            together[h, tokens] += inside[tokens]
            out[h, tokens] -= inside[tokens]
    assert np.abs(together).max() > 0.1 and np.abs(out).max() < LIMIT


@every_clustering
def test_ones_in_ones_out(rng, clustering):
    q, k, v, phi, surrogates = cast_operands(rng, 24, 4)
    out, _, _ = cast.attention(q, k, np.ones_like(v), phi, surrogates, 6, cast.Options(clustering=clustering))
    assert np.abs(out - 1).max() < LIMIT


@pytest.mark.parametrize("clustering", ["sa-greedy", "sa-rounds"])
def test_single_assignment_is_a_partition(rng, clustering):
    _, clusters, _ = cast.attention(*cast_operands(rng, 24, 4), 6, cast.Options(clustering=clustering))
    assert sorted(clusters[0].ravel()) == list(range(24))
    assert np.array_equal(clusters[0], clusters[1])  # the heads share one clustering


@every_clustering
def test_equal_affinities_go_to_the_lower_index(clustering):
    chosen = cast.CLUSTERINGS[clustering](np.ones((6, 2)), 3)
    assert chosen.tolist() == [[0, 1, 2], [0, 1, 2] if clustering == "topk" else [3, 4, 5]]


@every_clustering
def test_places_without_a_token_are_empty(rng, clustering):
    chosen = cast.CLUSTERINGS[clustering](rng.random((5, 2)), 4)
    assert chosen.shape == (2, 4) and chosen.dtype == np.int64
    assert (chosen == cast.EMPTY).sum() == (0 if clustering == "topk" else 3)


def test_laplace_is_between_0_and_1():
    found = cast.laplace(np.array([-np.inf, -3.0, np.sqrt(0.5), 4.0]))
    assert found[0] == 0 and np.abs(found[1:] - [0, 0.5, 1]).max() < LIMIT


def test_near_ties_excuse_another_choice():
    affinity = np.array([[1.0], [0.5], [0.5 + 1e-7], [0.2]])
    assert cast.differing(np.array([[0, 1]]), np.array([[0, 2]]), affinity) == (2, 0)
    assert cast.differing(np.array([[0, 1]]), np.array([[0, 3]]), affinity) == (2, 1)


# --- encoders of ONNX files

MODELS = {**streams.manifest(), **{e["path"].stem: e for e in streams.load_manifest(streams.MODELS / "exported")}}
every_model = pytest.mark.parametrize("name", sorted(MODELS.keys() - SEPARATE))


@functools.cache
def encoder(name):
    return reference.Encoder(MODELS[name]["path"])


@functools.cache
def feeds_of(name):
    return streams.random_streams(MODELS[name], MODELS[name]["window"])


def outputs_of(name, method=None):
    return encoder(name).run(feeds_of(name), method)


def difference(some, others):
    return max(np.abs(some[name] - others[name]).max() / np.abs(others[name]).max() for name in others)


@every_model
def test_encoders_run_as_in_onnxruntime(name):
    session = streams.open_session(MODELS[name]["path"])
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, session.run(names, feeds_of(name))))
    outputs, _ = outputs_of(name)
    assert difference(outputs, expected) < 2e-6


@every_model
def test_attentions_are_found_and_understood(name):
    outputs, taps = outputs_of(name, reference.full_method)
    assert len(taps) == MODELS[name].get("blocks", len(taps)) > 0
    assert difference(outputs, outputs_of(name)[0]) < 1e-7  # scales are constants of single precision


REFUSING = "causal|band|relative|alibi|T5|ModernBERT|CLIP"


@every_model
def test_all_tokens_resampled_change_nothing(name):
    try:
        _, taps = outputs_of(name, reference.dct_method("pool", 1))
        outputs, _ = outputs_of(name, reference.dct_method("resample", taps[0].k.shape[1]))
        assert difference(outputs, outputs_of(name)[0]) < 1e-7
    except reference.Unsupported:
        assert any(word in name for word in REFUSING.split("|"))


BATCHES = ["layers_ts_batch3", "layers_dynamo_tokens_first", "fused_dynamo23", "encoder_batch3"]


@pytest.mark.parametrize("name", BATCHES)
def test_common_input_gives_what_is_projected(name):
    """q = X W + b for the rows that are found, with W from a fit over the tokens of all heads."""
    _, taps = outputs_of(name, reference.full_method)
    for tap in taps:
        x, row = tap.inputs()
        batch = MODELS[name]["inputs"][0]["shape"]
        assert len(x) == batch[0] * batch[1] and sorted(set(row.ravel())) == list(range(len(x)))
        for y, bias in zip((tap.q, tap.k, tap.v), tap.biases()):
            heads = len(row) // len(np.unique(row, axis=0))
            for h in range(heads):
                mine = [i for i in range(len(row)) if np.sum(np.all(row[:i] == row[i], axis=1)) == h]
                rows, values = np.concatenate(row[mine]), np.concatenate(y[mine] - bias[mine])
                weights = np.linalg.lstsq(x[rows], values, rcond=None)[0]
                assert np.abs(x[rows] @ weights - values).max() < 1e-9


def test_one_cluster_of_an_encoder_is_its_attention(rng):
    for name in ("layers_ts_batch3", "fused_dynamo23", "encoder_class_token"):
        _, taps = outputs_of(name, reference.full_method)
        width = taps[0].inputs()[0].shape[1]
        parameters = {"surrogate_0": np.ones((1, 8)), "wphi_0": rng.standard_normal(width), "bphi_0": 0.5}
        method = reference.cast_method(parameters, taps[0].k.shape[1], cast.Options(**INSIDE_ONLY))
        outputs, _ = outputs_of(name, method)
        assert difference(outputs, outputs_of(name)[0]) < 1e-7
