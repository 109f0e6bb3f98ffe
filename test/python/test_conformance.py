"""ONNX's own conformance data: what weir-opt folds a model to, whole or canonicalised first."""

import os
import warnings

import numpy as np
import onnx
import onnx.backend.test.case.node as node_cases
import onnx_text
import pytest

FULL = os.environ.get("WEIR_FULL") == "1"
BATCH = 40  # models a test: a failure names the model


def default_opset(model):
    return next((one.version for one in model.opset_import if not one.domain), 0)


def usable(case):
    """Models of one graph of tensors, with data."""
    model = case.model
    if not model or default_opset(model) < 11 or not case.data_sets:
        return False
    return all(isinstance(one, np.ndarray) and one.dtype in onnx_text.NAMES
               for one in [*case.data_sets[0][0], *case.data_sets[0][1]])


def collect():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = [case for case in node_cases.collect_testcases(None) if usable(case)]
    return cases if FULL else cases[::5]


CASES = collect()


def frozen(model, arrays):
    """The model with its inputs turned into initializers."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value, array in zip(model.graph.input, arrays):
        copy.graph.initializer.append(onnx.numpy_helper.from_array(array, value.name))
    del copy.graph.input[:]
    return copy


def compare(case, results, expected):
    assert len(results) == len(expected), case.name
    for got, want in zip(results, expected):
        assert got.shape == want.shape and got.dtype == want.dtype, (case.name, got.shape, want.shape)
        rtol = max(case.rtol or 0, {"float16": 1e-3, "bfloat16": 2e-2}.get(want.dtype.name, 1e-5))
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=rtol,
                                   atol=max(case.atol or 0, 1e-6), err_msg=case.name)


@pytest.mark.parametrize("start", range(0, len(CASES), BATCH))
def test_folds_to_the_expected_values(tmp_path, start):
    for case in CASES[start:start + BATCH]:
        inputs, expected = case.data_sets[0]
        onnx.save(frozen(case.model, inputs), tmp_path / "model.onnx")
        run = onnx_text.run_opt_on(tmp_path / "model.onnx", "--weir-specialize")
        assert run.returncode in (0, 1), (case.name, run.stderr)
        results = onnx_text.folded(run.stdout).get("window")
        if results is not None:
            compare(case, results, expected)


@pytest.mark.parametrize("start", range(0, len(CASES), BATCH))
def test_canonical_form_has_the_same_values(tmp_path, start):
    for case in CASES[start:start + BATCH]:
        inputs, expected = case.data_sets[0]
        onnx.save(case.model, tmp_path / "model.onnx")
        dims = [f"{value.name}:{axis}={size}" for value, array in zip(case.model.graph.input, inputs)
                for axis, size in enumerate(array.shape)]
        run = onnx_text.run_opt_on(tmp_path / "model.onnx", "--weir-specialize=dims=" + ",".join(dims),
                                   "--weir-canonicalize")
        assert run.returncode in (0, 1), (case.name, run.stderr)
        if run.returncode:
            continue
        values = {value.name: array for value, array in zip(case.model.graph.input, inputs)}
        bound = onnx_text.run_opt(onnx_text.bind(run.stdout, values), "--canonicalize")
        assert bound.returncode == 0, (case.name, bound.stderr)
        results = onnx_text.folded(bound.stdout).get("window")
        if results is not None:
            compare(case, results, expected)
