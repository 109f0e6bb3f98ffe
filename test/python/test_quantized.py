"""Quantized models, as onnxruntime's tools make them.

Rounding to a grid jumps: where two exact programs sum in different orders, a value on the edge goes to the one or
the other neighbour, rarely. So nearly all outputs are compared as closely as those of float32, and the others by
what one step of the grid can move them.
"""

import functools
import pathlib
import tempfile

import numpy as np
import onnx
import onnx_steps
import onnxruntime
import pytest
import streams
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

NAMES = ["layers_ts17", "layers_dynamo18", "encoder_rotary", "encoder_class_token"]


@functools.cache
def folder():
    kept = tempfile.TemporaryDirectory()
    folder.keep = kept
    return pathlib.Path(kept.name)


class Calibration(CalibrationDataReader):
    def __init__(self, entry):
        tokens = streams.random_streams(entry, entry["window"] + 7, seed=5)
        self.windows = iter([streams.window_of(tokens, entry, start) for start in range(8)])

    def get_next(self):
        return next(self.windows, None)


def static(name, **options):
    entry = streams.manifest()[name]
    path = folder() / f"{name}_static{len(options)}.onnx"
    quantize_static(str(entry["path"]), str(path), Calibration(entry), **options)
    return dict(entry, path=path)


def plain_session(path):
    """onnxruntime on the nodes as they stand: its fusions compute on integers."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(entry, *options):
    tokens = streams.random_streams(entry, 3 * entry["window"] + 3)
    positions = ["--positions=exact"] if entry["positions"] else []
    result, outputs = streams.run_stream(entry, tokens, "--verify-slides", *positions, *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 wrong" in result.stdout
    expected = streams.windows(plain_session(entry["path"]), entry, tokens)
    return result, outputs, expected


def agree(outputs, expected, jump):
    for name, want in expected.items():
        off = np.abs(outputs[name] - want) / np.abs(want).max()
        assert np.mean(off > streams.TOLERANCE) < 0.02, f"{np.mean(off > streams.TOLERANCE):.1%} of {name} differ"
        assert off.max() < jump


@pytest.mark.parametrize("name", NAMES)
def test_static_quantization(name):
    entry = static(name, quant_format=QuantFormat.QDQ, per_channel=True, weight_type=QuantType.QInt8)
    _, outputs, expected = run(entry)
    agree(outputs, expected, jump=0.1)


@pytest.mark.parametrize("types", [(QuantType.QUInt8, QuantType.QUInt8), (QuantType.QInt16, QuantType.QInt8)])
def test_other_grids(types):
    activation, weight = types
    entry = static("layers_ts17", quant_format=QuantFormat.QDQ, activation_type=activation, weight_type=weight,
                   extra_options={"UseQDQVersion21Types": True})  # fmt: skip
    _, outputs, expected = run(entry)
    agree(outputs, expected, jump=0.1)


def test_steps_are_the_windows():
    """The same kernels in the same order: not even the edges of the grid part."""
    entry = static("layers_ts17", quant_format=QuantFormat.QDQ, per_channel=False)
    result, _, _ = run(entry, "--verify", "--entries=all", "--explain=text")
    assert "largest difference 0 " in result.stdout
    assert "slides" in result.stdout


@pytest.mark.parametrize("name", ["layers_ts17", "encoder_separate"])
def test_dynamic_quantization(name):
    """Scales are those of the whole window: exact, since they are computed again."""
    entry = streams.manifest()[name]
    path = folder() / f"{name}_dynamic.onnx"
    quantize_dynamic(str(entry["path"]), str(path), weight_type=QuantType.QInt8)
    assert {"DynamicQuantizeLinear", "MatMulInteger"} <= {node.op_type for node in onnx.load(path).graph.node}
    _, outputs, expected = run(dict(entry, path=path))
    agree(outputs, expected, jump=0.1)


def test_operators_on_integers_are_refused_with_advice():
    entry = static("layers_ts17", quant_format=QuantFormat.QOperator)
    result = streams.weir_run(entry["path"], *entry["options"])
    assert result.returncode == 1
    assert "(QLinearMatMul): computes on quantized integers" in result.stderr
    assert "help: quantize the model in the QDQ format" in result.stderr


def with_weights_in_blocks(model, element, block):
    """Weights of products as integers of 4 bits with a scale for each `block` rows of a column."""
    graph, rng = model.graph, np.random.default_rng(1)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    signed = element == TensorProto.INT4
    for node in [node for node in graph.node if node.op_type == "MatMul"]:
        tensor = weights.get(node.input[1])
        if tensor is None or len(tensor.dims) != 2:
            continue
        rows, columns = tensor.dims
        values = numpy_helper.to_array(tensor)
        scale = np.abs(values.reshape(-1, block, columns)).max(1) / 7
        zeros = np.zeros(scale.shape) if signed else rng.integers(6, 9, scale.shape)
        grid = np.rint(values / scale.repeat(block, 0)) + zeros.repeat(block, 0)
        low, high = (-8, 7) if signed else (0, 15)
        name = tensor.name
        made = [
            helper.make_tensor(f"{name}_grid", element, (rows, columns), np.clip(grid, low, high).astype(int).flatten()),
            numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"),
            helper.make_tensor(f"{name}_zero", element, scale.shape, zeros.astype(int).flatten()),
        ]
        graph.initializer.extend(made)
        inputs = [one.name for one in made]
        back = helper.make_node("DequantizeLinear", inputs, [f"{name}_real"], axis=0, block_size=block)
        graph.node.insert(0, back)
        node.input[1] = f"{name}_real"
    model.opset_import[0].version = max(21, model.opset_import[0].version)
    return model


@pytest.mark.parametrize("element", [TensorProto.INT4, TensorProto.UINT4])
def test_weights_of_four_bits_in_blocks(element):
    entry = streams.manifest()["layers_dynamo18"]
    model = with_weights_in_blocks(onnx.load(entry["path"]), element, block=4)
    assert any(node.op_type == "DequantizeLinear" for node in model.graph.node)
    path = folder() / f"blocks{element}.onnx"
    onnx.save(model, path)
    _, outputs, expected = run(dict(entry, path=path), "--verify")
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def test_step_files_keep_the_grid():
    """onnxruntime takes the step of a quantized model, nodes of the QDQ format and all."""
    entry = static("layers_ts17", quant_format=QuantFormat.QDQ, per_channel=True, weight_type=QuantType.QInt8)
    made = onnx_steps.make_step(entry, folder() / "step.onnx")
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(made).graph.node}
    tokens = streams.random_streams(entry, 2 * entry["window"] + 3)
    got = onnx_steps.stream(plain_session(made), entry, tokens)
    agree(got, streams.windows(plain_session(entry["path"]), entry, tokens), jump=0.1)
