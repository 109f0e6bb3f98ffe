"""Models of float16, bfloat16 and float64: streamed in their own types.

What is narrow is computed in float32, so that the only rounding is that of the outputs: half a unit in the last
place beside the float32 model with the same weights on the same stream. onnxruntime rounds between operators, and
is met within that.
"""

import functools
import pathlib
import tempfile

import native
import numpy as np
import onnx
import onnx_steps
import pytest
import streams
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from retype import HALF_UNIT, NUMPY, numbers, retyped, widened

# One of each idea: positions, bands, masks, ids, relative biases, a padding mask.
NAMES = ["layers_ts14", "encoder_rotary", "encoder_band", "encoder_relative", "encoder_causal", "words",
         "layers_dynamo_padding", "encoder_table_class_token"]  # fmt: skip
PER_OPERATOR = 5e-3  # onnxruntime's float16


@functools.cache
def folder():
    kept = tempfile.TemporaryDirectory()
    folder.keep = kept
    return pathlib.Path(kept.name)


def saved(model, name):
    path = folder() / f"{name}.onnx"
    onnx.save(model, path)
    return path


def cast(tokens, dtype):
    return {name: values.astype(dtype) if values.dtype.kind in "fV" else values for name, values in tokens.items()}


def difference(got, expected):
    return streams.difference(numbers(got), numbers(expected))


def entry_of(name, format):
    entry = streams.manifest()[name]
    return dict(entry, path=saved(retyped(onnx.load(entry["path"]), format), f"{name}_{format}"))


@functools.cache
def streamed(name, format):
    """(entry, tokens of the model's type, result, outputs)"""
    entry = entry_of(name, format)
    tokens = cast(streams.random_streams(entry, 4 * entry["window"] + 3), NUMPY[format])
    positions = ["--positions=exact"] if entry["positions"] else []
    result, outputs = streams.run_stream(
        entry, tokens, "--entries=all", "--verify", "--verify-slides", *positions
    )
    assert outputs is not None, result.stderr
    return entry, tokens, result, outputs


@pytest.mark.parametrize("format", HALF_UNIT)
@pytest.mark.parametrize("name", NAMES)
def test_narrow_models_are_float32_models_rounded_once(name, format):
    entry, tokens, result, outputs = streamed(name, format)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 wrong" in result.stdout
    wide = saved(widened(onnx.load(streams.manifest()[name]["path"]), format), f"{name}_{format}_wide")
    expected = streams.windows(streams.open_session(wide), entry, cast(tokens, np.float32))
    assert {v.dtype.itemsize for v in outputs.values()} == {2}
    assert difference(outputs, expected) <= HALF_UNIT[format] + streams.TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_onnxruntime_agrees_within_the_rounding_of_its_operators(name):
    entry, tokens, _, outputs = streamed(name, "float16")
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert {v.dtype for v in outputs.values()} == {np.dtype(np.float16)}
    assert difference(outputs, expected) <= PER_OPERATOR


def with_wide_boundary(model):
    """Inputs and outputs of float32 and a cast behind and before each: `keep_io_types` of converters."""
    graph = model.graph
    for value in graph.input:
        if value.type.tensor_type.elem_type != TensorProto.FLOAT16:
            continue
        for node in graph.node:
            node.input[:] = [f"narrow_{name}" if name == value.name else name for name in node.input]
        value.type.tensor_type.elem_type = TensorProto.FLOAT
        graph.node.insert(0, helper.make_node("Cast", [value.name], [f"narrow_{value.name}"], to=TensorProto.FLOAT16))
    for value in graph.output:
        for node in graph.node:
            node.output[:] = [f"narrow_{name}" if name == value.name else name for name in node.output]
            node.input[:] = [f"narrow_{name}" if name == value.name else name for name in node.input]
        value.type.tensor_type.elem_type = TensorProto.FLOAT
        graph.node.append(helper.make_node("Cast", [f"narrow_{value.name}"], [value.name], to=TensorProto.FLOAT))
    return model


def with_wide_softmax(model):
    """Softmax in float32 between two casts, as models of mixed precision have it."""
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Softmax":
            nodes.append(node)
            continue
        scores, weights = node.input[0], node.output[0]
        nodes += [
            helper.make_node("Cast", [scores], [f"{scores}_wide"], to=TensorProto.FLOAT),
            helper.make_node("Softmax", [f"{scores}_wide"], [f"{weights}_wide"], axis=node.attribute[0].i),
            helper.make_node("Cast", [f"{weights}_wide"], [weights], to=TensorProto.FLOAT16),
        ]
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    return model


@pytest.mark.parametrize("name", ["layers_ts14", "encoder_causal"])
def test_casts_at_the_boundary(name):
    """The stream is rounded, as the model says, and the outputs are not."""
    entry = streams.manifest()[name]
    model = onnx.load(entry["path"])
    path = saved(with_wide_boundary(retyped(model, "float16")), f"{name}_boundary")
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    result, outputs = streams.run_stream(dict(entry, path=path), tokens, "--verify", "--verify-slides")
    assert result.returncode == 0, result.stdout + result.stderr
    wide = saved(widened(model, "float16"), f"{name}_boundary_wide")
    rounded = cast(cast(tokens, np.float16), np.float32)
    expected = streams.windows(streams.open_session(wide), entry, rounded)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("name", ["layers_ts14", "encoder_causal"])
def test_casts_around_a_softmax(name):
    entry = streams.manifest()[name]
    path = saved(with_wide_softmax(retyped(onnx.load(entry["path"]), "float16")), f"{name}_mixed")
    tokens = cast(streams.random_streams(entry, 4 * entry["window"] + 3), np.float16)
    result, outputs = streams.run_stream(dict(entry, path=path), tokens, "--verify", "--verify-slides")
    assert result.returncode == 0, result.stdout + result.stderr
    expected = streams.windows(streams.open_session(path), entry, tokens)
    assert difference(outputs, expected) <= PER_OPERATOR


@pytest.mark.parametrize("name", ["layers_ts14", "layers_ts_2_mean", "encoder_gelu_tanh"])
def test_float64_models_are_computed_in_float64(name):
    entry, tokens, result, outputs = streamed(name, "float64")
    assert result.returncode == 0, result.stdout + result.stderr
    reference = ReferenceEvaluator(onnx.load(entry["path"]))
    names = [value.name for value in onnx.load(entry["path"]).graph.output]
    starts = [0, 1, 3 * entry["window"] + 3]
    for start in starts:
        expected = reference.run(names, streams.window_of(tokens, entry, start))
        step = {key: outputs[key][start] for key in names}
        assert streams.difference(step, dict(zip(names, expected))) <= 1e-12


@pytest.mark.parametrize("format, given", [("bfloat16", np.float32), ("float16", np.float64), ("float64", np.float32)])
def test_other_floats_are_converted_with_a_warning(format, given):
    entry, tokens, _, outputs = streamed("layers_ts14", format)
    result, converted = streams.run_stream(entry, cast(tokens, given))
    assert result.returncode == 0, result.stderr
    assert f"values are converted to {format}" in result.stderr
    assert all((converted[name] == outputs[name]).all() for name in outputs)


@pytest.mark.parametrize("format", HALF_UNIT)
def test_compiled_models_take_and_give_narrow_numbers(format):
    entry = entry_of("layers_ts14", format)
    made = native.Artifact(entry, pathlib.Path(tempfile.mkdtemp(dir=folder())))
    header = (made.folder / "model.h").read_text()
    assert f'DTYPE_INPUT_X "{format}"' in header and "typedef uint16_t model_input_x_t;" in header
    _, tokens, _, outputs = streamed("layers_ts14", format)
    _, steps = made.unpack(made.stream(made.program("stream_model.c"), made.pack(tokens)))
    assert all((numbers(steps)[name] == numbers(outputs)[name]).all() for name in outputs)


@pytest.mark.parametrize("name", ["layers_ts14", "encoder_band"])
def test_step_files_keep_the_type_of_the_model(name):
    entry = entry_of(name, "float16")
    made = onnx_steps.make_step(entry, folder() / f"{name}_step.onnx")
    model = onnx.load(made)
    kinds = {value.type.tensor_type.elem_type for value in [*model.graph.input, *model.graph.output]}
    assert kinds <= {TensorProto.FLOAT16, TensorProto.INT64}
    assert TensorProto.FLOAT not in {tensor.data_type for tensor in model.graph.initializer}
    tokens = cast(streams.random_streams(entry, 2 * entry["window"] + 3), np.float16)
    got = onnx_steps.stream(streams.open_session(made), entry, tokens)
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert difference(got, expected) <= PER_OPERATOR
