"""Compiled operators against ONNX's own reference evaluator, one model for a whole group of cases."""

import subprocess

import numpy as np
import onnx
import pytest

import test_evaluate
from onnx_text import ROOT, WEIR_OPT, feeds, onnx_model
from test_evaluate import Case, reference

WEIR_RUN = WEIR_OPT.parent / "weir-run"
# Operands that give a shape or an axis must be constants of the model.
CONSTANT = {"Reshape": [1], "Squeeze": [1], "Unsqueeze": [1], "Expand": [1], "Tile": [1], "Split": [1],
            "Slice": [1, 2, 3, 4], "Pad": [1, 3], "Trilu": [1], "CumSum": [1], "ConstantOfShape": [0],
            "Range": [0, 1, 2], "TopK": [1]}


def is_constant(case, operand):
    return operand in CONSTANT.get(case.op, [1] if case.op.startswith("Reduce") else [])


def compiles(case):
    """Without elements there is nothing to run."""
    return all(one is None or one.size for one in case.inputs)


def merged_model(cases, expected):
    """All cases in one graph, and the arrays of its inputs; output j of case i is `c{i}_o{j}`."""
    nodes, inputs, outputs, constants, arrays = [], [], [], [], {}
    for i, (case, results) in enumerate(zip(cases, expected)):
        graph = onnx_model(case).graph
        rename = lambda name: name and f"c{i}_{name}"
        node = graph.node[0]
        node.input[:] = [rename(name) for name in node.input]
        node.output[:] = [rename(name) for name in node.output]
        node.name = f"node{i}"
        nodes.append(node)
        for name, array in feeds(case).items():
            if is_constant(case, int(name[1:])):
                constants.append(onnx.numpy_helper.from_array(array, rename(name)))
            else:
                kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
                inputs.append(onnx.helper.make_tensor_value_info(rename(name), kind, array.shape))
                arrays[rename(name)] = array
        for name, result in zip(node.output, results):
            kind = onnx.helper.np_dtype_to_tensor_dtype(result.dtype)
            outputs.append(onnx.helper.make_tensor_value_info(name, kind, result.shape))
    graph = onnx.helper.make_graph(nodes, "cases", inputs, outputs, constants)
    opsets = [onnx.helper.make_opsetid("", 23)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=10), arrays


def run(folder, model, arrays):
    """{output: array} of one evaluation by weir-run."""
    onnx.save(model, folder / "model.onnx")
    command = [WEIR_RUN, folder / "model.onnx", "--rewrite=none", "--output", folder / "out.npz"]
    for i, (name, array) in enumerate(arrays.items()):
        np.save(folder / f"{i}.npy", array)
        command += ["--static", f"{name}={folder}/{i}.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as outputs:
        return {name: outputs[name][0] for name in outputs}


def tolerance(dtype):
    return {"float32": 2e-6, "float16": 2e-3, "float64": 1e-6}.get(np.dtype(dtype).name, 0)


def as_floats(array):
    if array.dtype.kind == "V":  # bfloat16: the upper half of a float
        return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return np.asarray(array, np.float64)


@pytest.mark.parametrize("group", test_evaluate.GROUPS, ids=lambda group: group.__name__)
def test_computes_what_the_reference_computes(group, tmp_path):
    with np.errstate(all="ignore"):
        cases = [case for case in group(np.random.default_rng(2)) if compiles(case)]
        expected = [reference(case) for case in cases]
    kept = [(c, e) for c, e in zip(cases, expected) if all(one.size for one in e)]
    cases, expected = [list(part) for part in zip(*kept)]
    results = run(tmp_path, *merged_model(cases, expected))
    for i, (case, wanted) in enumerate(zip(cases, expected)):
        for j, want in enumerate(wanted):
            got = results[f"c{i}_o{j}"]
            assert got.shape == want.shape, (case, got.shape)
            scale = max(1.0, np.max(np.abs(as_floats(want)), initial=0, where=np.isfinite(as_floats(want))))
            np.testing.assert_allclose(as_floats(got), as_floats(want), rtol=tolerance(want.dtype),
                                       atol=tolerance(want.dtype) * scale, err_msg=str(case))


@pytest.mark.parametrize("op", ["Exp", "Erf", "Tanh", "Sigmoid", "Log", "Sin", "Cos", "Gelu", "Softplus", "Sqrt"])
def test_functions_are_accurate(op, tmp_path):
    x = np.concatenate([np.linspace(-30, 30, 20001), np.geomspace(1e-6, 80, 1000)]).astype(np.float32)
    x = abs(x) + 1e-3 if op in ("Log", "Sqrt") else x
    wide = Case(op, [x.astype(np.float64)])
    want = reference(wide)[0] if op not in ("Erf", "Gelu") else exact(op, x.astype(np.float64))
    case = Case(op, [x])
    got = run(tmp_path, *merged_model([case], [[want.astype(np.float32)]]))["c0_o0"]
    # Gelu and Softplus cancel, as the formulas of ONNX do; sine and cosine pass through zero.
    least = {"Gelu": np.abs(x), "Softplus": 1, "Sin": 1, "Cos": 1}.get(op, 0)
    error = np.abs(got - want) / np.maximum(np.maximum(np.abs(want), least), 1e-30)
    assert np.max(error) < 3e-7, x[np.argmax(error)]


def exact(op, x):
    from math import erf
    table = np.vectorize(erf)
    return table(x) if op == "Erf" else 0.5 * x * (1 + table(x / np.sqrt(2)))


@pytest.mark.parametrize("shape", [(1, 64, 64), (5, 70, 33), (16, 300, 128), (64, 257, 48), (7, 16, 1), (3, 9, 22), (9, 1100, 40)])
def test_products_do_not_depend_on_the_number_of_rows(shape, tmp_path):
    rows, depth, columns = shape
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, depth)).astype(np.float32)
    w = rng.normal(size=(depth, columns)).astype(np.float32)
    wanted = x.astype(np.float64) @ w
    together = run(tmp_path, *product_model(x, w))["c0_o0"]
    np.testing.assert_allclose(together, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    for row in range(0, rows, 5):
        alone = run(tmp_path, *product_model(x[row:row + 1], w))["c0_o0"]
        np.testing.assert_array_equal(alone[0], together[row])


@pytest.mark.parametrize("rows", [1, 7])
def test_long_sums_are_those_of_blocks(rows, tmp_path):
    """Positive terms: a sum grows with each of them, and with it what rounding takes. The root of the mean square is
    9e-7 where 4096 terms are one sum."""
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 1, (rows, 4096)).astype(np.float32)
    w = rng.uniform(0, 1, (4096, 64)).astype(np.float32)
    wanted = x.astype(np.float64) @ w
    off = run(tmp_path, *product_model(x, w))["c0_o0"] / wanted - 1
    assert np.sqrt((off**2).mean()) < 2e-7


def product_model(x, w):
    return merged_model([Case("MatMul", [x, w])], [[(x @ w)]])
