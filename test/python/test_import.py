"""The importer against the package onnx: bytes of every tensor encoding, types of every value."""

import os
import re
import subprocess
import warnings

import ml_dtypes
import numpy as np
import onnx
import onnx.backend.test.case.node as node_cases
import onnx_text
import pytest
from onnx import TensorProto, helper, numpy_helper

ONE_TWO_MINUS_ONE = "dense<[1.000000e+00, 2.000000e+00, -1.000000e+00]> : tensor<3x"
FULL = os.environ.get("WEIR_FULL") == "1"
WHOLE = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.int64, np.int32, np.int16,
         np.int8, np.uint64, np.uint32, np.uint16, np.uint8, np.bool_]
ELEMENT_NAMES = {helper.np_dtype_to_tensor_dtype(np.dtype(dtype)): name
                 for name, dtype in onnx_text.ELEMENTS.items()}


def run_opt(path, *options):
    return subprocess.run([onnx_text.WEIR_OPT, path, *options], capture_output=True, text=True,
                          timeout=120)


def random_array(dtype, shape, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype) == np.bool_:
        return rng.random(shape) < 0.5
    if dtype in (np.float64, np.float32, np.float16, ml_dtypes.bfloat16):
        return (rng.normal(size=shape) * 9).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, size=shape, dtype=dtype, endpoint=True)


def as_raw(tensor, array, folder):
    tensor.raw_data = array.tobytes()


def as_typed(tensor, array, folder):
    """In the field of the tensor's type; 16 and 8 bits as whole numbers in int32_data."""
    field = {"float32": "float_data", "float64": "double_data", "int64": "int64_data",
             "uint64": "uint64_data", "uint32": "uint64_data"}.get(array.dtype.name, "int32_data")
    if array.dtype in (np.float16, ml_dtypes.bfloat16):
        array = array.view(np.uint16)
    getattr(tensor, field).extend(+one for one in array.flatten().tolist())


def external_at(offset):
    def write(tensor, array, folder):
        (folder / "weights.bin").write_bytes(b"\xff" * offset + array.tobytes() + b"\xff" * 7)
        tensor.data_location = TensorProto.EXTERNAL
        entries = {"location": "weights.bin", "offset": offset, "length": array.nbytes}
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=str(value))

    write.__name__ = f"external_at_{offset}"
    return write


def constant_model(tensor):
    output = helper.make_tensor_value_info("w", tensor.data_type, list(tensor.dims))
    graph = helper.make_graph([], "graph", [], [output], [tensor])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


@pytest.mark.parametrize("encode", [as_raw, as_typed, external_at(0), external_at(4096), external_at(3)])
@pytest.mark.parametrize("dtype", WHOLE, ids=lambda dtype: np.dtype(dtype).name)
def test_encodings(tmp_path, dtype, encode):
    """Small tensors become `dense`, large ones resources; both hold the file's numbers."""
    for shape in [(), (3,), (0, 4), (2, 3, 5), (31, 17)]:
        array = np.asarray(random_array(dtype, shape)).astype(dtype)
        tensor = TensorProto(name="w", dims=shape,
                             data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        encode(tensor, array, tmp_path)
        onnx.save(constant_model(tensor), tmp_path / "model.onnx")
        result = run_opt(tmp_path / "model.onnx", "--mlir-print-elementsattrs-with-hex-if-larger=1")
        assert result.returncode == 0, result.stderr
        [[imported]] = onnx_text.folded(result.stdout).values()
        assert imported.dtype == array.dtype
        np.testing.assert_array_equal(imported, array)


@pytest.mark.parametrize("data_type, raw, expected", [
    (TensorProto.INT4, b"\x81\x07", "dense<[1, -8, 7]> : tensor<3xi4>"),
    (TensorProto.UINT4, b"\x81\x07", "dense<[1, 8, 7]> : tensor<3xui4>"),
    (TensorProto.INT2, b"\x2d", "dense<[1, -1, -2]> : tensor<3xi2>"),
    (TensorProto.UINT2, b"\x2d", "dense<[1, 3, 2]> : tensor<3xui2>"),
    (TensorProto.FLOAT4E2M1, b"\x21\x0f",
     "dense<[5.000000e-01, 1.000000e+00, -6.000000e+00]> : tensor<3xf4E2M1FN>"),
    (TensorProto.FLOAT8E4M3FN, b"\x38\x40\xb8", ONE_TWO_MINUS_ONE + "f8E4M3FN>"),
    (TensorProto.FLOAT8E4M3FNUZ, b"\x40\x48\xc0", ONE_TWO_MINUS_ONE + "f8E4M3FNUZ>"),
    (TensorProto.FLOAT8E5M2, b"\x3c\x40\xbc", ONE_TWO_MINUS_ONE + "f8E5M2>"),
    (TensorProto.FLOAT8E5M2FNUZ, b"\x40\x44\xc0", ONE_TWO_MINUS_ONE + "f8E5M2FNUZ>"),
    (TensorProto.FLOAT8E8M0, b"\x7f\x80\x7e",
     "dense<[1.000000e+00, 2.000000e+00, 5.000000e-01]> : tensor<3xf8E8M0FNU>"),
    (TensorProto.COMPLEX64, np.array([1 + 2j, 3, -4j], np.complex64).tobytes(), "tensor<3xcomplex<f32>>"),
])
def test_narrow_encodings(tmp_path, data_type, raw, expected):
    for field in ["raw_data", "int32_data"]:
        tensor = TensorProto(name="w", dims=[3], data_type=data_type)
        if field == "raw_data":
            tensor.raw_data = raw
        elif data_type == TensorProto.COMPLEX64:
            tensor.float_data.extend(np.frombuffer(raw, np.float32).tolist())
        else:
            tensor.int32_data.extend(raw)
        onnx.save(constant_model(tensor), tmp_path / "model.onnx")
        result = run_opt(tmp_path / "model.onnx")
        assert result.returncode == 0, result.stderr
        assert expected in result.stdout


def type_text(value):
    """How weir-opt prints the type of a value of static shape; None for others."""
    kind = value.type.tensor_type
    if not kind.HasField("shape") or kind.elem_type not in ELEMENT_NAMES:
        return None
    if any(not dim.HasField("dim_value") for dim in kind.shape.dim):
        return None
    sizes = [str(dim.dim_value) for dim in kind.shape.dim]
    return "tensor<" + "x".join(sizes + [ELEMENT_NAMES[kind.elem_type]]) + ">"


def result_types(text):
    """The result types of @window, or of the @step that a model with states becomes."""
    [signature] = re.findall(r"func\.func @(?:window|step)\(.*", text)
    return re.findall(r"tensor<[^>]*>", signature.rsplit(" -> ", 1)[1])


def default_opset(model):
    return next((one.version for one in model.opset_import if not one.domain), 0)


@pytest.fixture(scope="module")
def conformance_models():
    """ONNX's conformance models of opsets that Weir reads; every tenth unless WEIR_FULL=1."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [case for case in node_cases.collect_testcases(None)
                 if case.model and default_opset(case.model) >= 11]
    return cases if FULL else cases[::10]


REFUSED = ["Weir does not read", "Weir reads tensors only", "that depends on data",
           "computed at run time", "which Weir reads only as a mask", "in training mode",
           "which Weir does not compute"]


def test_conformance_models(tmp_path, conformance_models):
    """Every model imports, or is refused for a reason that is meant; types are the declared ones."""
    compared = 0
    for case in conformance_models:
        path = tmp_path / f"{case.name}.onnx"
        onnx.save(case.model, path)
        result = run_opt(path, "--mlir-elide-resource-strings-if-larger=16",
                         "--mlir-elide-elementsattrs-if-larger=16")
        if result.returncode:
            assert result.returncode == 1, (case.name, result.stderr)
            assert any(reason in result.stderr for reason in REFUSED), (case.name, result.stderr)
            continue
        for output, imported in zip(case.model.graph.output, result_types(result.stdout)):
            declared = type_text(output)
            if declared and not imported.startswith("tensor<*x"):
                assert imported == declared, (case.name, output.name)
                compared += 1
    assert compared > 50


def random_model(rng):
    """A chain of operators on [batch, tokens, 12] that change shapes and spellings."""
    opset = int(rng.choice([11, 12, 13, 14, 18, 21, 23]))
    nodes, constants, last = [], [], "x"

    def add(op, *inputs, outputs=1, **attributes):
        nonlocal last
        names = [f"v{len(nodes)}_{i}" for i in range(outputs)]
        nodes.append(helper.make_node(op, [last, *inputs], names, name=f"n{len(nodes)}", **attributes))
        last = names[0]

    def constant(values, dtype=np.int64):
        constants.append(numpy_helper.from_array(np.asarray(values, dtype), f"c{len(constants)}"))
        return constants[-1].name

    def with_axes(op, axes, since, **attributes):
        if opset < since:
            add(op, axes=axes, **attributes)
        else:
            add(op, constant(axes), **attributes)

    steps = {
        "matmul": lambda: add("MatMul", constant(rng.normal(size=(12, 12)), np.float32)),
        "softmax": lambda: add("Softmax"),
        "softmax at an axis": lambda: add("Softmax", axis=int(rng.integers(0, 3))),
        "mean": lambda: (with_axes("ReduceMean", [-1], 18, keepdims=1), add("Add", "x")),
        "sum": lambda: (with_axes("ReduceSum", [1], 13, keepdims=1), add("Mul", "x")),
        "squeeze": lambda: (with_axes("Unsqueeze", [1], 13), with_axes("Squeeze", [1], 13)),
        "transpose": lambda: (add("Transpose", perm=[1, 0, 2]), add("Transpose", perm=[1, 0, 2])),
        "heads": lambda: (add("Reshape", constant([0, 0, 3, 4])), add("Transpose", perm=[0, 2, 1, 3]),
                          add("Transpose", perm=[0, 2, 1, 3]), add("Reshape", constant([0, 0, 12]))),
        "split": lambda: (add("Split", outputs=2, axis=2, **({"num_outputs": 2} if opset >= 18 else {})),
                          add("Concat", last, axis=2)),
        "clip": lambda: add("Clip", constant(-1, np.float32)),
        "slice": lambda: (add("Slice", constant([1]), constant([2**63 - 1]), constant([1])),
                          add("Pad", constant([0, 1, 0, 0, 0, 0]))),
        "cast": lambda: (add("Cast", to=TensorProto.DOUBLE), add("Cast", to=TensorProto.FLOAT)),
        "dropout": lambda: add("Dropout", **({"ratio": 0.5} if opset < 12 else {})),
    }
    for step in rng.choice(list(steps), size=6):
        steps[step]()
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "graph", [value("x", ["batch", "tokens", 12])],
                              [value(last, [f"o{i}" for i in range(3)])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)


def named_results(text):
    """{location: result type} of the ops of one result; constants may be operands of a node."""
    return dict(reversed(found) for found in re.findall(
        r"^ +%\w+ = onnx\.(?!Constant).* -> (tensor<[^>]*>) loc\(\"([^\"]*)\"\(", text, re.M))


@pytest.mark.parametrize("seed", range(40))
def test_types_after_specialization(tmp_path, seed):
    """With sizes fixed, every value has the type that onnx infers for it."""
    model = random_model(np.random.default_rng(seed))
    onnx.checker.check_model(model)
    onnx.save(model, tmp_path / "model.onnx")
    result = run_opt(tmp_path / "model.onnx", "--weir-specialize=dims=batch=2,tokens=5",
                     "--mlir-print-debuginfo", "--mlir-print-local-scope",
                     "--mlir-elide-resource-strings-if-larger=16")
    assert result.returncode == 0, result.stderr
    assert "tensor<*x" not in result.stdout
    for dim, size in zip(model.graph.input[0].type.tensor_type.shape.dim, [2, 5]):
        dim.dim_value = size
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    types = {value.name: type_text(value)
             for value in [*inferred.graph.value_info, *inferred.graph.output]}
    imported = named_results(result.stdout)
    compared = 0
    for node in model.graph.node:
        declared = types.get(node.output[0])
        # A Softmax of the old form is several ops of one name; the last one is the node's value.
        if declared and node.name in imported:
            assert imported[node.name] == declared, (seed, node.name, node.op_type)
            compared += 1
    assert compared > 0
