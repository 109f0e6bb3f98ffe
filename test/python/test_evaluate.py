"""Folding of constants against ONNX's own reference evaluator, operator by operator."""

import numpy as np
import pytest
from onnx.reference import ReferenceEvaluator

import ml_dtypes
import onnx_text
from onnx_text import Case

F32, F64, F16, I64, I32 = np.float32, np.float64, np.float16, np.int64, np.int32
SHAPES = [((2, 3), (2, 3)), ((2, 1, 4), (3, 1)), ((), (3,)), ((4,), (2, 3, 4)), ((0, 3), (3,))]
FLOAT_UNARY = ["Abs", "Neg", "Exp", "Reciprocal", "Erf", "Tanh", "Sigmoid", "Relu", "Floor", "Ceil",
               "Round", "Sign", "Cos", "Sin", "Softplus", "Softsign", "Mish", "HardSwish", "Identity",
               "LeakyRelu", "Elu", "Selu", "HardSigmoid", "IsNaN", "IsInf", "Softmax", "LogSoftmax"]


def floats(rng, shape, dtype=F32):
    return np.asarray(rng.normal(size=shape) * 3).astype(dtype)


def ints(rng, shape, dtype=I64, low=-9, high=10):
    return np.asarray(rng.integers(low, high, size=shape)).astype(dtype)


def index(*values):
    return np.array(values, I64)


def unary_cases(rng):
    for op in FLOAT_UNARY:
        for shape in [(2, 3), (4, 5, 3)]:
            yield Case(op, [floats(rng, shape)])
        yield Case(op, [floats(rng, (3, 5), F64)])
    for op in ["Abs", "Neg", "Sqrt", "Exp", "Tanh", "Floor"]:
        yield Case(op, [abs(floats(rng, (3, 5), F16))])
    special = np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, 2.5, -2.5, 1e-40, 3e38]], F32)
    for op in ["Abs", "Neg", "Relu", "Sign", "Round", "IsNaN", "IsInf", "Tanh", "Sigmoid", "Reciprocal",
               "Identity", "Erf"]:
        yield Case(op, [special])
    yield Case("IsInf", [special], dict(detect_negative=0))
    yield Case("IsInf", [special], dict(detect_positive=0))
    for op in ["Sqrt", "Log"]:
        yield Case(op, [abs(floats(rng, (2, 3)))])
    for op in ["Abs", "Neg", "Sign", "Relu"]:
        for dtype in [I64, I32, np.int8]:
            yield Case(op, [ints(rng, (7,), dtype)])
    yield Case("Not", [ints(rng, (7,)) > 0])
    yield Case("LeakyRelu", [floats(rng, (7,))], dict(alpha=0.25))
    yield Case("Elu", [floats(rng, (7,))], dict(alpha=0.75))
    yield Case("HardSigmoid", [floats(rng, (7,))], dict(alpha=0.3, beta=0.25))
    yield Case("Gelu", [floats(rng, (3, 7))])
    yield Case("Gelu", [floats(rng, (3, 7))], dict(approximate="tanh"))


def binary_cases(rng):
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min"]:
        for a, b in SHAPES:
            yield Case(op, [floats(rng, a), floats(rng, b)])
        yield Case(op, [floats(rng, (3, 4), F16), floats(rng, (4,), F16)])
        yield Case(op, [floats(rng, (3, 4), F64), floats(rng, (4,), F64)])
        for dtype in [I64, I32, np.uint8]:
            low = 1 if dtype == np.uint8 else -9
            divisor = ints(rng, (4,), dtype, 1)
            yield Case(op, [ints(rng, (3, 4), dtype, low), divisor])
    yield Case("Div", [index(7, -7, 7, -7), index(2, 2, -2, -2)])
    yield Case("Add", [np.array([127, -128], np.int8), np.array([1, -1], np.int8)])
    yield Case("Mul", [np.array([2**31 - 1], I32), np.array([3], I32)])
    yield Case("Max", [np.array([np.nan, 1], F32), np.array([1, np.nan], F32)])
    for op in ["Max", "Min", "Sum"]:
        yield Case(op, [floats(rng, (2, 3)), floats(rng, (3,)), floats(rng, (2, 1))])
    for op in ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]:
        for a, b in SHAPES:
            yield Case(op, [ints(rng, a, I64, 0, 3), ints(rng, b, I64, 0, 3)])
        yield Case(op, [np.array([np.nan, 1, 2], F32), np.array([np.nan, 2, 2], F32)])
    yield Case("Equal", [np.array([True, False]), np.array([True, True])])
    for op in ["And", "Or", "Xor"]:
        yield Case(op, [np.array([[True], [False]]), np.array([True, False])])
    for fmod in [0, 1]:
        yield Case("Mod", [index(7, -7, 7, -7), index(3, 3, -3, -3)], dict(fmod=fmod))
    yield Case("Mod", [floats(rng, (5,)), floats(rng, (5,))], dict(fmod=1))
    yield Case("Pow", [abs(floats(rng, (2, 3))), floats(rng, (3,))])
    yield Case("Pow", [floats(rng, (2, 3)), np.array(2, I64)])
    yield Case("Pow", [ints(rng, (2, 3)), np.array(3, I64)])
    yield Case("PRelu", [floats(rng, (2, 3)), floats(rng, (3,))])
    yield Case("Where", [np.array([[True], [False]]), floats(rng, (2, 3)), floats(rng, ())])
    yield Case("Where", [np.array(True), ints(rng, (2, 3)), ints(rng, (1, 3))])
    yield Case("Clip", [floats(rng, (2, 3)), np.array(-1, F32), np.array(1, F32)])
    yield Case("Clip", [floats(rng, (2, 3)), None, np.array(1, F32)])
    yield Case("Clip", [ints(rng, (2, 3)), np.array(0, I64), None])
    for source in [F32, F64, F16, I64, I32, np.uint8, np.bool_]:
        for target in [F32, F64, F16, I64, I32, np.int8, np.bool_, ml_dtypes.bfloat16]:
            yield Case("Cast", [abs(floats(rng, (2, 5))).astype(source)], dict(to=target))


def view_cases(rng):
    x = floats(rng, (2, 3, 4))
    for shape, allow in [((6, 4), 0), ((0, -1), 0), ((-1,), 0), ((4, 0, 2), 0), ((24,), 1)]:
        if shape == (4, 0, 2):
            shape = (2, 0, 4)
        yield Case("Reshape", [x, index(*shape), ], dict(allowzero=allow))
    yield Case("Reshape", [np.zeros((0, 3), F32), index(3, 0)], dict(allowzero=1))
    yield Case("Reshape", [np.full((2, 3), 7, F32), index(6)])
    for perm in [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1), (2, 0, 1)]:
        yield Case("Transpose", [x], dict(perm=perm))
        yield Case("Transpose", [ints(rng, (2, 3, 4)) > 0], dict(perm=perm))
    yield Case("Transpose", [floats(rng, (40, 70), F16)])
    yield Case("Squeeze", [x.reshape(2, 1, 12, 1), index(1, -1)])
    yield Case("Squeeze", [x.reshape(2, 1, 12, 1), None])
    yield Case("Unsqueeze", [x, index(0, -1)])
    for axis in [0, 1, 2, 3, -1]:
        yield Case("Flatten", [x], dict(axis=axis))
    yield Case("Expand", [floats(rng, (3, 1)), index(2, 1, 5)])
    yield Case("Expand", [floats(rng, (3, 4)), index(1)])
    yield Case("Tile", [floats(rng, (2, 3)), index(2, 3)])
    for axis in [0, 1, -1]:
        yield Case("Concat", [x, x + 1, x + 2], dict(axis=axis))
    yield Case("Concat", [floats(rng, (2, 1)), floats(rng, (2, 0)), floats(rng, (2, 3))], dict(axis=1))
    yield Case("Split", [floats(rng, (2, 7)), None], dict(axis=1, num_outputs=3), outputs=3)
    yield Case("Shape", [x])
    yield Case("Shape", [x], dict(start=-2, end=9))
    yield Case("Size", [x])
    yield Case("Range", [np.array(1, I64), np.array(10, I64), np.array(3, I64)])
    yield Case("Range", [np.array(5, I32), np.array(-1, I32), np.array(-2, I32)])
    yield Case("Range", [np.array(0.5, F32), np.array(2, F32), np.array(0.3, F32)])
    yield Case("Range", [np.array(3, I64), np.array(3, I64), np.array(1, I64)])
    yield Case("ConstantOfShape", [index(2, 3)])
    yield Case("ConstantOfShape", [index(2, 3)], dict(value=index(7)))
    yield Case("ConstantOfShape", [np.zeros(0, I64)], dict(value=np.array([True])))
    yield Case("ConstantOfShape", [index(0, 3)])


def slice_cases(rng):
    x = floats(rng, (5, 6, 7))
    for _ in range(30):
        axes = rng.permutation(3)[: rng.integers(1, 4)]
        steps = rng.choice([-3, -2, -1, 1, 2, 5], len(axes))
        # Starts before the beginning differ: ONNX moves them to 0, numpy lets them be.
        starts, ends = ints(rng, len(axes), I64, -5), ints(rng, len(axes))
        yield Case("Slice", [x, starts, ends, axes.astype(I64) - 3 * (axes > 1), steps.astype(I64)])
    top = np.iinfo(I64).max
    yield Case("Slice", [x, index(1), index(top), None, None])
    yield Case("Slice", [x, index(-1), index(-top), index(0), index(-1)])
    yield Case("Slice", [x.astype(I32), np.array([1], I32), np.array([3], I32), np.array([1], I32), None])
    for mode in ["constant", "reflect", "edge", "wrap"]:
        yield Case("Pad", [x, index(1, 0, 2, 0, 3, 1), None, None], dict(mode=mode))
        yield Case("Pad", [x, index(2, 1), None, index(-1)], dict(mode=mode))
    yield Case("Pad", [x, index(1, 0, 2, 0, 2, 0), np.array(9, F32), None])
    for upper in [0, 1]:
        for k in [None, np.array(1, I64), np.array(-2, I64)]:
            yield Case("Trilu", [floats(rng, (2, 4, 5)), k], dict(upper=upper))


def gather_cases(rng):
    x = floats(rng, (4, 5, 6))
    for axis in [0, 1, -1]:
        yield Case("Gather", [x, ints(rng, (2, 3), I64, -4, 4)], dict(axis=axis))
        yield Case("Gather", [x, np.array(-1, I32)], dict(axis=axis))
        indices = ints(rng, [3 if axis == d or axis == d - 3 else x.shape[d] for d in range(3)], I64, -4, 4)
        yield Case("GatherElements", [x, indices], dict(axis=axis % 3))
    yield Case("GatherND", [x, ints(rng, (3, 2), I64, 0, 4)])
    yield Case("GatherND", [x, ints(rng, (3, 3), I64, -4, 4)])
    yield Case("GatherND", [x, ints(rng, (4, 2, 1), I64, 0, 4)], dict(batch_dims=1))
    yield Case("ScatterND", [x, index(1, 3).reshape(2, 1), floats(rng, (2, 5, 6))])
    yield Case("ScatterND", [x, index(1, 2, 3, -1).reshape(2, 2), floats(rng, (2, 6))])
    for reduction in ["add", "mul", "max", "min"]:
        twice = index(1, 2, 3, -1, 1, 2).reshape(3, 2)
        yield Case("ScatterND", [x, twice, floats(rng, (3, 6))], dict(reduction=reduction))
        for dtype in [F32, F64, I64, I32]:
            data, updates = ((10 * floats(rng, shape)).astype(dtype) for shape in [(4, 5), (6, 5)])
            where = ints(rng, (6, 5), I64, -4, 4)
            yield Case("ScatterElements", [data, where, updates], dict(reduction=reduction))
    for axis in [0, 1, -1]:
        where = np.argsort(floats(rng, (4, 5, 6)), axis=axis)  # each place once
        where = where[:3] if axis == 0 else where[:2, :4] if axis == 1 else where[:3, :2]
        yield Case("ScatterElements", [x, where.astype(I32 if axis == 1 else I64), floats(rng, where.shape)], dict(axis=axis))
    yield Case("ScatterElements", [ints(rng, (7,)) > 0, index(3, -7), np.array([True, False])])


def selection_cases(rng):
    x = floats(rng, (3, 7, 2))
    for axis in [0, 1, -1]:
        for largest in [0, 1]:
            yield Case("TopK", [x, index(2)], dict(axis=axis, largest=largest), outputs=2)
    for dtype in [F64, F16, I64, I32]:
        yield Case("TopK", [(10 * floats(rng, (4, 9))).astype(dtype), index(9)], outputs=2)
    long = floats(rng, (2, 300))
    for count in [1, 7, 299, 300]:
        yield Case("TopK", [long, index(count)], outputs=2)
    yield Case("TopK", [long.astype(F64), index(150)], dict(largest=0), outputs=2)
    yield Case("TopK", [ints(rng, (150, 2), I64, -(2**62), 2**62), index(80)], dict(axis=0), outputs=2)
    yield Case("TopK", [ints(rng, (2, 130), np.uint8, 0, 256), index(50)], outputs=2)


def reduction_cases(rng):
    x = floats(rng, (2, 3, 4))
    ops = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
           "ReduceSumSquare", "ReduceLogSumExp"]
    for op in ops:
        for axes in [index(0), index(-1, 1), None, index(0, 1, 2)]:
            for keep in [0, 1]:
                yield Case(op, [x, axes], dict(keepdims=keep))
        yield Case(op, [x, np.zeros(0, I64)], dict(noop_with_empty_axes=1))
    for op in ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceSumSquare"]:
        yield Case(op, [ints(rng, (3, 4)), index(1)])
    yield Case("ReduceProd", [index(1, 12), index(0)], dict(keepdims=0))  # the shape of flattened tokens
    for op in ["ArgMax", "ArgMin"]:
        for axis in [0, -1]:
            for last in [0, 1]:
                yield Case(op, [ints(rng, (3, 4), I64, 0, 3)],
                           dict(axis=axis, keepdims=last, select_last_index=last))
    for axis in [0, 1, -1]:
        yield Case("Softmax", [x], dict(axis=axis))
        yield Case("LogSoftmax", [x], dict(axis=axis))
        for exclusive in [0, 1]:
            for reverse in [0, 1]:
                yield Case("CumSum", [x, np.array(axis, I64)], dict(exclusive=exclusive, reverse=reverse))
    yield Case("CumSum", [ints(rng, (3, 4)), np.array(1, I32)])
    yield Case("LayerNormalization", [x, floats(rng, 4), floats(rng, 4)])
    yield Case("LayerNormalization", [x, floats(rng, (3, 4)), None], dict(axis=1, epsilon=1e-3))
    yield Case("RMSNormalization", [x, floats(rng, 4)], dict(axis=-1))
    yield Case("BatchNormalization", [x] + [abs(floats(rng, 3)) for _ in range(4)])
    yield Case("InstanceNormalization", [x, floats(rng, 3), floats(rng, 3)])
    yield Case("GlobalAveragePool", [floats(rng, (2, 3, 4, 5))])
    yield Case("GlobalMaxPool", [floats(rng, (2, 3, 4, 5))])


def contraction_cases(rng):
    for a, b in [((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)),
                 ((5, 1, 2, 3), (4, 3, 6)), ((4, 2, 3), (3, 2)), ((2, 0), (0, 3))]:
        yield Case("MatMul", [floats(rng, a), floats(rng, b)])
        yield Case("MatMul", [ints(rng, a), ints(rng, b)])
    for ta in [0, 1]:
        for tb in [0, 1]:
            a, b = floats(rng, (3, 2) if ta else (2, 3)), floats(rng, (4, 3) if tb else (3, 4))
            yield Case("Gemm", [a, b, floats(rng, (4,))], dict(transA=ta, transB=tb, alpha=0.5, beta=2.0))
            yield Case("Gemm", [a, b, None], dict(transA=ta, transB=tb))
    for equation, shapes in [("bqd,bkd->bqk", [(2, 3, 4), (2, 5, 4)]), ("ij->ji", [(2, 3)]),
                             ("ii->i", [(3, 3)]), ("i,j->ij", [(2,), (3,)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
                             ("...d,de->...e", [(2, 3, 4), (4, 5)]), ("bij,bjk", [(2, 3, 4), (2, 4, 5)])]:
        yield Case("Einsum", [floats(rng, shape) for shape in shapes], dict(equation=equation))


def quantization_cases(rng):
    zero = lambda value, dtype: np.array(value, dtype)
    for dtype in [np.uint8, np.int8, np.int16, np.uint16]:
        x, low = floats(rng, (3, 4)) * 40, np.iinfo(dtype).min
        yield Case("QuantizeLinear", [x, np.array(0.5, F32), zero(3, dtype)])
        yield Case("QuantizeLinear", [x, abs(floats(rng, (4,))) + 0.1, np.full(4, 1, dtype)])
        yield Case("DequantizeLinear", [ints(rng, (3, 4), dtype, max(low, -100)), np.array(0.5, F32), zero(3, dtype)])
        yield Case("DequantizeLinear", [ints(rng, (3, 4), dtype, max(low, -100)), floats(rng, (3,)), np.full(3, 1, dtype)], dict(axis=0))
    yield Case("QuantizeLinear", [np.array([0.5, 1.5, 2.5, -0.5, 300], F32), np.array(1, F32)])
    yield Case("DequantizeLinear", [ints(rng, (2, 6), np.int8, -100), floats(rng, (2, 3))], dict(axis=1, block_size=2))
    yield Case("DequantizeLinear", [ints(rng, (4,), I32, -70000), np.array(0.25, F32)])


GROUPS = [unary_cases, binary_cases, view_cases, slice_cases, gather_cases, selection_cases, reduction_cases,
          contraction_cases, quantization_cases]


def reference(case):
    opset = 23 if case.op != "Swish" else 24
    return [np.asarray(one) for one in ReferenceEvaluator(onnx_text.onnx_model(case, opset)).run(None, onnx_text.feeds(case))]


def tolerance(dtype):  # the reference computes some functions of doubles in floats
    return {"float32": 3e-6, "float16": 2e-3, "float64": 2e-7}.get(np.dtype(dtype).name, 0)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("seed", [0, 1])
def test_folds_to_what_the_reference_computes(group, seed):
    with np.errstate(all="ignore"):
        cases = list(group(np.random.default_rng(seed)))
        expected = [reference(case) for case in cases]
    operands = {"LayerNormalization": 3, "Slice": 5, "Pad": 4, "QuantizeLinear": 3, "DequantizeLinear": 3}
    text = ""
    for i, (case, results) in enumerate(zip(cases, expected)):
        padded = case.inputs + [None] * (operands.get(case.op, 0) - len(case.inputs))
        extra = {"LayerNormalization": 2}.get(case.op, 0)
        text += onnx_text.function(f"f{i}", Case(case.op, padded, case.attributes), results, extra)
    run = onnx_text.run_opt(text, "--weir-specialize")
    assert run.returncode == 0, run.stderr
    results = onnx_text.folded(run.stdout)
    for i, case in enumerate(cases):
        assert f"f{i}" in results, f"not folded: {case}"
        for got, want in zip(results[f"f{i}"], expected[i]):
            assert got.dtype == want.dtype and got.shape == want.shape, (case, want.shape)
            np.testing.assert_allclose(np.asarray(got, F64), np.asarray(want, F64),
                                       rtol=tolerance(want.dtype), atol=tolerance(want.dtype), err_msg=str(case))
