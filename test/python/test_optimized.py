"""Models as onnxruntime's optimisers write them, streamed: each step equals the original model on its window.

The session's own optimiser (levels BASIC and EXTENDED) and the one of onnxruntime.transformers fuse nodes into
operators of the domain com.microsoft.
"""

import collections
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import streams
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(streams.MODELS))
import bert  # noqa: E402

LEVELS = onnxruntime.GraphOptimizationLevel
MODELS = ["encoder_2_causal", "encoder_rotary_band", "encoder_silu", "encoder_sinus", "encoder_front_patch",
          "encoder_class_token", "encoder_gelu_tanh", "layers_ts_padding", "layers_dynamo_3_pre", "words",
          "layers_ts_dynamic", "layers_dynamo24"]


def optimize(path, target, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return onnx.load(target)


def operators(model):
    return collections.Counter(f"{node.domain}.{node.op_type}" for node in model.graph.node)


def check_streams(entry, optimized, original):
    """Streams the model at `optimized` and compares it with `original`."""
    chunk = entry["chunks"][0]
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    options = [f"--chunk={chunk}", "--verify", "--verify-slides"]
    if entry["positions"]:
        options.append("--positions=exact")
    result, outputs = streams.run_stream(dict(entry, path=optimized), tokens, *options)
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(original), entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("name", MODELS)
def test_session_optimizer(name, tmp_path):
    entry = streams.manifest()[name]
    target = tmp_path / "optimized.onnx"
    optimize(entry["path"], target, LEVELS.ORT_ENABLE_EXTENDED)
    check_streams(entry, target, entry["path"])


def test_layout_of_a_processor_is_refused(tmp_path):
    """ORT_ENABLE_ALL rewrites convolutions for the processor that it runs on, where that has such a layout."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, 9])
    weight = numpy_helper.from_array(np.ones((16, 16, 3), np.float32), "w")
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", domain="com.microsoft.nchwc")
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 7])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft.nchwc", 1)]
    graph = helper.make_graph([node], "graph", [x], [y], [weight])
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "model.onnx")
    result = streams.weir_run(tmp_path / "model.onnx", "--explain")
    assert result.returncode == 1
    assert "node 'conv'" in result.stderr and "ORT_ENABLE_EXTENDED" in result.stderr


def test_a_cache_is_refused(tmp_path):
    """The reason comes through the search for a token axis."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 6]) for name in "xy")
    constants = [numpy_helper.from_array(np.ones(shape, np.float32), name)
                 for name, shape in [("w", (6, 18)), ("b", (18,)), ("past", (2, 1, 2, 3, 3))]]
    node = helper.make_node("Attention", ["x", "w", "b", "", "past"], ["y"], name="attend", domain="com.microsoft",
                            num_heads=2)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph([node], "graph", [x], [y], constants)
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "model.onnx")
    result = streams.weir_run(tmp_path / "model.onnx", "--explain")
    assert result.returncode == 1
    assert "node 'attend' (com.microsoft.Attention): keeps a cache of its own" in result.stderr
    assert "help: export the encoder without caches" in result.stderr


def bert_streams(entry, length):
    rng = np.random.default_rng(1)
    high = {"input_ids": 30, "token_type_ids": 2}
    return {one["name"]: rng.integers(0, high[one["name"]], (1, length)) if one["name"] in high
            else (np.arange(length) % 5 > 0).astype(np.int64)[None] for one in entry["inputs"]}


@pytest.mark.parametrize("form", bert.FUSED)
@pytest.mark.parametrize("fresh", [False, True], ids=["committed", "fresh"])
def test_optimizer_of_transformers(fresh, form, tmp_path, monkeypatch):
    """The committed files are what the optimiser wrote once; it needs sympy to do so again."""
    model, fused = bert.Bert(), bert.FUSED[form]
    onnx.save(model.model(), tmp_path / "bert.onnx")
    if fresh:
        pytest.importorskip("sympy")
        fused = tmp_path / "fused.onnx"
        bert.fuse(tmp_path / "bert.onnx", fused, form)
    count = operators(onnx.load(fused))
    for op in ["Attention", "SkipLayerNormalization", "BiasGelu"]:
        assert count[f"com.microsoft.{op}"] >= 2, count
    monkeypatch.setattr(streams, "random_streams", bert_streams)
    # Padding inside of a window makes lengths mean something else than the masks did.
    check_streams(model.entry(), fused, tmp_path / "bert.onnx" if form == "masks" else fused)
