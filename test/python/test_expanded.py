"""Operators that are spelled out as others, in many forms, against onnxruntime running the operator itself."""

import numpy as np
import onnx
import pytest
import streams
import test_lowering
from onnx import helper, numpy_helper
from onnx_text import Case

MICROSOFT = "com.microsoft"
F32, I32, I64 = np.float32, np.int32, np.int64
OPSET = 23


def floats(rng, *shape, scale=1.0):
    return (scale * rng.standard_normal(shape)).astype(F32)


def fused(op, *inputs, outputs=1, **attributes):
    return Case(op, list(inputs), attributes, outputs, MICROSOFT)


def plain(op, *inputs, outputs=1, **attributes):
    return Case(op, list(inputs), attributes, outputs)


def activation_cases(rng):
    x, bias = floats(rng, 2, 3, 8), floats(rng, 8)
    yield fused("Gelu", x)
    yield fused("BiasGelu", x, bias)
    yield fused("FastGelu", x)
    yield fused("FastGelu", x, bias)
    yield fused("QuickGelu", x)
    yield fused("QuickGelu", x, alpha=1.0)
    for op in ["Celu", "ThresholdedRelu"]:
        yield plain(op, x)
        yield plain(op, x, alpha=0.4)
    yield plain("Shrink", x)
    yield plain("Shrink", x, lambd=0.3, bias=0.1)
    for axis in [-1, 0, 1]:
        yield plain("Hardmax", x, axis=axis)
    yield plain("Hardmax", np.array([[1, 3, 3, 2]], F32))
    for op in ["Sinh", "Cosh", "Tan", "Asinh"]:
        yield plain(op, floats(rng, 3, 5, scale=0.4))
    yield plain("Acosh", 1 + abs(floats(rng, 7)))
    yield plain("Atanh", np.tanh(floats(rng, 7)))
    for op in ["Acos", "Asin"]:
        yield plain(op, np.array([-1, -0.99, -0.75, -0.4, -1e-4, 0, 0.3, 0.5, 0.71, 0.999, 1], F32))
    yield plain("Atan", np.array([-np.inf, -300, -2.5, -1, -0.6, -1e-4, 0, 0.4, 0.42, 1, 1.01, 1e9], F32))
    yield plain("Mean", x, bias, floats(rng, 3, 1))


def norm_cases(rng):
    x, gain, shift = floats(rng, 2, 3, 8), floats(rng, 8), floats(rng, 8)
    for skip in [floats(rng, 2, 3, 8), floats(rng, 1, 3, 8), floats(rng, 3, 8)]:
        yield fused("SkipLayerNormalization", x, skip, gain, shift)
        yield fused("SkipLayerNormalization", x, skip, gain, shift, floats(rng, 8), epsilon=1e-3)
    yield fused("SkipLayerNormalization", x, x, gain, None, shift)
    yield fused("SkipLayerNormalization", x, x, gain)
    yield fused("SkipSimplifiedLayerNormalization", x, floats(rng, 2, 3, 8), gain, epsilon=1e-5)
    yield fused("SkipSimplifiedLayerNormalization", x, floats(rng, 2, 3, 8), gain, shift)
    yield plain("SimplifiedLayerNormalization", x, gain, axis=-1, epsilon=1e-6, stash_type=1)
    image = floats(rng, 2, 6, 4, 5)
    for groups in [1, 2, 3, 6]:
        yield plain("GroupNormalization", image, floats(rng, 6), floats(rng, 6), num_groups=groups)
    yield plain("GroupNormalization", floats(rng, 2, 4, 3), floats(rng, 4), floats(rng, 4), num_groups=2, epsilon=0.1)
    for axis in [-1, 1]:
        for p in [1, 2]:
            yield plain("LpNormalization", x, axis=axis, p=p)
    yield plain("MeanVarianceNormalization", image)
    yield plain("MeanVarianceNormalization", x, axes=[-1])


def product_cases(rng):
    for transA, transB in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        a, b = floats(rng, *((2, 4, 3) if transA else (2, 3, 4))), floats(rng, *((2, 5, 4) if transB else (2, 4, 5)))
        yield fused("FusedMatMul", a, b, transA=transA, transB=transB, alpha=0.25)
        yield fused("FusedMatMul", a, b[0], transA=transA, transB=transB)
        yield fused("TransposeMatMul", a, b, transA=transA, transB=transB, alpha=2.0)
        c = floats(rng, 5)
        for kind in [dict(activation="Relu"), dict(activation="LeakyRelu", activation_alpha=0.3)]:
            yield fused("FusedGemm", a[0], b[0], c, transA=transA, transB=transB, alpha=0.5, beta=2.0, **kind)
    for batchA, batchB in [(1, 0), (0, 1), (1, 1)]:
        for transA, transB in [(0, 0), (1, 0), (0, 1), (1, 1)]:
            rows, columns = (4, 3) if transA else (3, 4), (5, 4) if transB else (4, 5)
            a = floats(rng, rows[0], 2, rows[1]) if batchA else floats(rng, 2, *rows)
            b = floats(rng, columns[0], 2, columns[1]) if batchB else floats(rng, 2, *columns)
            yield fused("FusedMatMul", a, b, transA=transA, transB=transB, transBatchA=batchA, transBatchB=batchB)
    a = floats(rng, 3, 2, 5, 4)
    yield fused("FusedMatMul", a, floats(rng, 2, 5, 4, 6), transBatchA=1)
    x, weight = floats(rng, 1, 4, 9), floats(rng, 6, 2, 3)
    for kind in [{}, dict(activation="Relu"), dict(activation="HardSigmoid", activation_params=[0.3, 0.4])]:
        yield fused("FusedConv", x, weight, floats(rng, 6), group=2, pads=[1, 1], strides=[2], **kind)
    yield fused("FusedConv", x, weight, None, floats(rng, 1, 6, 7), group=2, activation="Tanh")


def padding_masks(rng, batch, queries, keys):
    """The forms of `mask_index`; the first key of each sequence is never padding."""
    raw = (rng.random((batch, keys)) < 0.7).astype(I32)
    raw[:, 0] = 1
    ends = rng.integers(1, keys + 1, batch).astype(I32)
    starts = np.minimum(rng.integers(0, keys, batch), ends - 1).astype(I32)
    full = (rng.random((batch, queries, keys)) < 0.7).astype(I32)
    full[:, :, 0] = 1
    return [None, raw, ends, np.concatenate([ends, starts]), full]


def attention_cases(rng):
    for batch, tokens, width, heads in [(1, 5, 8, 2), (3, 4, 6, 3)]:
        x, weight = floats(rng, batch, tokens, width), floats(rng, width, 3 * width, scale=0.4)
        bias = floats(rng, 3 * width)
        for mask in padding_masks(rng, batch, tokens, tokens):
            for unidirectional in [0, 1]:
                yield fused("Attention", x, weight, bias, mask, num_heads=heads, unidirectional=unidirectional)
        raw = padding_masks(rng, batch, tokens, tokens)[1]
        for shape in [(batch, heads), (1, heads), (batch, 1), (1, 1)]:
            added = floats(rng, *shape, tokens, tokens)
            yield fused("Attention", x, weight, bias, raw, None, added, num_heads=heads)
            yield fused("Attention", x, weight, bias, None, None, added, num_heads=heads, scale=0.3)
        yield fused("Attention", x, weight, None, raw, num_heads=heads)
        yield fused("Attention", x, weight, bias, raw, num_heads=heads, mask_filter_value=-7.0)
        sizes = [heads * 4, heads * 4, heads * 2]
        yield fused("Attention", x, floats(rng, width, sum(sizes)), floats(rng, sum(sizes)), raw, num_heads=heads,
                    qkv_hidden_sizes=sizes)


def multihead_cases(rng):
    for batch, queries, keys, heads, size in [(1, 5, 5, 2, 4), (3, 4, 6, 3, 2)]:
        width = heads * size
        q, k, v = floats(rng, batch, queries, width), floats(rng, batch, keys, width), floats(rng, batch, keys, 2 * width)
        bias = floats(rng, 4 * width)
        raw, full = [padding_masks(rng, batch, queries, keys)[i] for i in (1, 4)]
        for mask in [None, raw, full]:
            yield fused("MultiHeadAttention", q, k, v, bias, mask, num_heads=heads)
            yield fused("MultiHeadAttention", q, k, v, None, mask, num_heads=heads, scale=0.7, mask_filter_value=-5.0)
        yield fused("MultiHeadAttention", q, k, v, None, raw, floats(rng, batch, heads, queries, keys), num_heads=heads)
        yield fused("MultiHeadAttention", q, k, v, None, None, floats(rng, 1, 1, queries, keys), num_heads=heads)
        if queries == keys:
            yield fused("MultiHeadAttention", q, k, v, bias, raw, num_heads=heads, unidirectional=1)
        headed = [floats(rng, batch, heads, keys, size), floats(rng, batch, heads, keys, size)]
        yield fused("MultiHeadAttention", q, *headed, num_heads=heads)


def operator_cases(rng):
    """ONNX's own Attention, which canonicalisation spells out."""
    for batch, heads, groups, n, m, size in [(1, 2, 1, 4, 4, 4), (2, 2, 3, 3, 5, 2)]:
        q, k = floats(rng, batch, heads * groups, n, size), floats(rng, batch, heads, m, size)
        v = floats(rng, batch, heads, m, size + 1)
        flat = lambda x: np.ascontiguousarray(x.transpose(0, 2, 1, 3).reshape(batch, x.shape[2], -1))
        counts = dict(q_num_heads=heads * groups, kv_num_heads=heads)
        mask = rng.random((n, m)) < 0.7
        mask[:, 0] = True
        full = floats(rng, batch, heads * groups, n, m)
        yield plain("Attention", q, k, v)
        yield plain("Attention", flat(q), flat(k), flat(v), **counts)
        yield plain("Attention", q, k, v, is_causal=1, softcap=1.5, scale=0.6)
        yield plain("Attention", q, k, v, mask)
        yield plain("Attention", q, k, v, mask[None], is_causal=1)
        for added in [full, full[:, :1], full[:1, 0], full[0, 0]]:
            yield plain("Attention", q, k, v, added)
        for mode in range(4):
            yield plain("Attention", flat(q), flat(k), flat(v), full, outputs=4, qk_matmul_output_mode=mode, softcap=2.0, **counts)
        yield plain("Attention", q, k, v, outputs=3)


def embedding_cases(rng):
    batch, tokens = 2, 5
    ids = lambda top: rng.integers(0, top, (batch, tokens)).astype(I32)
    words, places, kinds = floats(rng, 20, 8), floats(rng, 9, 8), floats(rng, 2, 8)
    gain, shift = floats(rng, 8), floats(rng, 8)
    mask = (rng.random((batch, tokens)) < 0.6).astype(I32)
    full = [ids(20), ids(2), words, places, kinds, gain, shift]
    yield fused("EmbedLayerNormalization", *full, mask, outputs=2)
    yield fused("EmbedLayerNormalization", *full, outputs=2, epsilon=1e-3)
    yield fused("EmbedLayerNormalization", *full, mask, ids(9), outputs=3)
    yield fused("EmbedLayerNormalization", ids(20), None, words, places, None, gain, shift, mask, outputs=2)
    angle = rng.random((7, 2))
    cos, sin = np.cos(angle).astype(F32), np.sin(angle).astype(F32)
    for interleaved in [0, 1]:
        for positions in [np.array([2], I64), rng.integers(0, 7, (batch, tokens)).astype(I64)]:
            yield fused("RotaryEmbedding", floats(rng, batch, tokens, 12), positions, cos, sin, interleaved=interleaved)
            yield fused("RotaryEmbedding", floats(rng, batch, 3, tokens, 4), positions, cos, sin, interleaved=interleaved)
    yield fused("RotaryEmbedding", floats(rng, batch, tokens, 18), np.array([0], I64), cos, sin, num_heads=3,
                rotary_embedding_dim=4)


def move_cases(rng):
    image = floats(rng, 2, 8, 4, 6)
    for mode in ["DCR", "CRD"]:
        yield plain("DepthToSpace", image, blocksize=2, mode=mode)
    yield plain("SpaceToDepth", image, blocksize=2)
    for axis in [-1, 0, 1]:
        yield plain("OneHot", np.array([[0, 2, -1], [3, 1, 9]], I64), np.array(4, I64), np.array([-1, 5], F32), axis=axis)
    yield plain("EyeLike", floats(rng, 3, 5), k=1)
    yield plain("EyeLike", floats(rng, 4, 4), dtype=onnx.TensorProto.INT64)
    yield plain("NonZero", np.array([[1, 0, 2], [0, 0, 3]], F32))
    yield plain("Compress", image, np.array([True, False, True]), axis=1)
    yield plain("Compress", image, np.array([False, True, True]))
    x = floats(rng, 3, 7, 2)
    for axis in [0, 1, -1]:
        for largest in [0, 1]:
            yield plain("TopK", x, np.array([2], I64), outputs=2, axis=axis, largest=largest)
    yield plain("TopK", np.array([[2, 1, 2, 1, 3]], F32), np.array([4], I64), outputs=2)
    for axes in [[1], [0, -1], None]:
        yield plain("ReduceLogSum", abs(x) + 0.5, axes and np.array(axes, I64), keepdims=int(axes is None))
    data, where = floats(rng, 4, 5), rng.permuted(np.tile(np.arange(4), (5, 1)), axis=1).T[:3].astype(I64)
    yield plain("ScatterElements", data, where, floats(rng, 3, 5))
    yield plain("ScatterElements", data, np.ones((3, 5), I64), floats(rng, 3, 5), reduction="add")
    # Ties, on either side of where entries are ranked without a search; -0 equals 0.
    for tokens in [50, 200]:
        scores = rng.integers(-3, 4, (2, 3, tokens)).astype(F32) * np.where(rng.random(tokens) < 0.5, -1, 1).astype(F32)
        for largest in [0, 1]:
            yield plain("TopK", scores, np.array([tokens // 3], I64), outputs=2, largest=largest)


def einsum_cases(rng):
    """Canonicalisation spells out every equation."""
    for equation, *shapes in [
        ("bqd,bkd->bqk", (2, 3, 4), (2, 5, 4)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("iji->j", (2, 3, 2)), ("ij->", (2, 3)),
        ("ij->j", (2, 3)), ("i,j->ij", (2,), (3,)), ("bnd,bnd->bn", (2, 3, 4), (2, 3, 4)), ("bnd,d->bnd", (2, 3, 4), (4,)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("ii,ij->i", (3, 3), (3, 2)), ("ij,kl->", (2, 3), (4, 5)),
        ("...d,de->...e", (2, 3, 4), (4, 5)), ("...ij,...jk", (1, 2, 3, 4), (5, 1, 4, 6)), ("bij,bjk", (1, 3, 4), (2, 4, 5)),
        ("bhqk,bkhd->bqhd", (2, 3, 4, 5), (2, 5, 3, 6)), ("abc,cd,bde->ae", (2, 3, 4), (4, 5), (3, 5, 6)),
        ("b...,b...->...", (2, 3, 4), (2, 3, 4)), ("iij,jkk->ik", (2, 2, 3), (3, 4, 4)), ("ab,ab,ab->b", (2, 3), (2, 3), (2, 3)),
    ]:
        yield plain("Einsum", *(floats(rng, *shape) for shape in shapes), equation=equation)


def resize_cases(rng):
    x = floats(rng, 1, 2, 4, 6)
    target = lambda *sizes: np.array(sizes, I64)
    scales = lambda *values: np.array(values, F32)
    for mode in ["nearest", "linear", "cubic"]:
        for where in ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel_symmetric"]:
            yield plain("Resize", x, None, scales(1, 1, 2, 1.5), mode=mode, coordinate_transformation_mode=where)
            yield plain("Resize", x, None, None, target(1, 2, 3, 9), mode=mode, coordinate_transformation_mode=where)
    for mode in ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]:
        yield plain("Resize", x, None, scales(1, 1, 0.6, 2.5), nearest_mode=mode, coordinate_transformation_mode="asymmetric")
    yield plain("Resize", x, None, scales(1, 1, 2, 2), mode="cubic", cubic_coeff_a=-0.5, exclude_outside=1)
    yield plain("Resize", x, None, scales(2, 3), mode="linear", axes=[2, 3])
    yield plain("Resize", x, None, None, target(1, 2, 4, 6), mode="linear")


def signal_cases(rng):
    for periodic in [0, 1]:
        for op in ["HannWindow", "HammingWindow", "BlackmanWindow"]:
            yield plain(op, np.array(10, I64), periodic=periodic)
    yield plain("MelWeightMatrix", *(np.array(value, I64) for value in (8, 64, 8000)), np.array(0, F32), np.array(4000, F32))
    signal = floats(rng, 2, 40, 1)
    for onesided in [0, 1]:
        yield plain("STFT", signal, np.array(4, I64), np.hanning(16).astype(F32), onesided=onesided)
        yield plain("STFT", signal, np.array(3, I64), None, np.array(10, I64), onesided=onesided)
        yield plain("DFT", floats(rng, 2, 9, 3, 1), None, np.array(1, I64), onesided=onesided)
        yield plain("DFT", signal, np.array(32, I64), onesided=onesided)
    yield plain("DFT", floats(rng, 2, 9, 2), None, np.array(-2, I64), inverse=1)
    yield plain("DFT", floats(rng, 2, 9, 2), np.array(12, I64))


GROUPS = [activation_cases, norm_cases, product_cases, attention_cases, multihead_cases, operator_cases, embedding_cases, move_cases,
          einsum_cases, resize_cases, signal_cases]
# Operands that are constants of the model, where an operator wants them so.
CONSTANT = {"OneHot": [1], "NonZero": [0], "Compress": [1], "TopK": [1], "ReduceLogSum": [1],
            "Resize": [2, 3], "HannWindow": [0], "HammingWindow": [0], "BlackmanWindow": [0],
            "MelWeightMatrix": [0, 1, 2, 3, 4], "STFT": [1, 2, 3], "DFT": [1, 2]}


def merged_model(cases, opset=OPSET):
    """All cases in one graph without declared shapes, and the arrays of its inputs."""
    nodes, inputs, outputs, constants, arrays = [], [], [], [], {}
    for i, case in enumerate(cases):
        names = ["" if value is None else f"c{i}_i{j}" for j, value in enumerate(case.inputs)]
        for j, (name, value) in enumerate(zip(names, case.inputs)):
            if not name:
                continue
            if j in CONSTANT.get(case.op, []):
                constants.append(numpy_helper.from_array(value, name))
                continue
            kind = helper.np_dtype_to_tensor_dtype(value.dtype)
            inputs.append(helper.make_tensor_value_info(name, kind, value.shape))
            arrays[name] = value
        while names and not names[-1]:
            names.pop()
        results = [f"c{i}_o{j}" for j in range(case.outputs)]
        nodes.append(helper.make_node(case.op, names, results, name=f"node{i}", domain=case.domain, **case.attributes))
        outputs += [onnx.ValueInfoProto(name=name) for name in results]
    graph = helper.make_graph(nodes, "cases", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10), arrays


@pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.__name__)
def test_computes_what_onnxruntime_computes(group, tmp_path):
    cases = list(group(np.random.default_rng(5)))
    model, arrays = merged_model(cases)
    session = streams.open_session(model)
    names = [output.name for output in session.get_outputs()]
    expected = dict(zip(names, session.run(names, arrays)))
    results = test_lowering.run(tmp_path, model, arrays)
    assert sorted(results) == sorted(names)
    for name, want in expected.items():
        got, case = results[name], cases[int(name[1 : name.index("_")])]
        assert got.shape == want.shape and got.dtype == want.dtype, (case, got.shape, got.dtype)
        scale = np.max(np.abs(want), initial=1e-3)
        np.testing.assert_allclose(got, want, rtol=0, atol=5e-6 * scale, err_msg=str(case))


def test_a_mask_of_rank_4_is_one_of_rank_3(tmp_path):
    """onnxruntime's own kernel does not run this form on processors."""
    rng = np.random.default_rng(6)
    x, weight, bias = floats(rng, 2, 4, 6), floats(rng, 6, 18), floats(rng, 18)
    mask = padding_masks(rng, 2, 4, 4)[4]
    cases = [fused("Attention", x, weight, bias, one, num_heads=2) for one in (mask, mask[:, None])]
    results = test_lowering.run(tmp_path, *merged_model(cases))
    np.testing.assert_array_equal(results["c0_o0"], results["c1_o0"])


def test_a_few_bytes_make_no_giant_constant(tmp_path):
    """Folds would compute with all 2^23 places of the one element."""
    depth = np.array(2**23, I64)
    model, arrays = merged_model([plain("OneHot", np.array([1], I64), depth, np.array([0, 1], F32))])
    with pytest.raises(AssertionError, match=r"\(OneHot\): its depth is no constant from 1 to 4194304"):
        test_lowering.run(tmp_path, model, arrays)
