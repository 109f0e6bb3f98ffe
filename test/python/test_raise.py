"""Models whose attention is compressed already come back as ops of Weir, however exporters spell them.

Every window of a stream equals onnxruntime on the file, from both of PyTorch's exporters, as standard operators and as
functions of domain `weir` (test/models/compressed, written by weir.nn).
"""

import re
import subprocess

import onnx
import onnx_steps
import pytest
import streams
from onnx import helper

FOLDER = streams.MODELS / "compressed"
ENTRIES = {entry["path"].stem: entry for entry in streams.load_manifest(FOLDER)}
MAPS = {
    "qkv": {"weir.dct", "weir.idct"},
    "x": {"weir.dct", "weir.idct"},
    "resample": {"weir.resample"},
    "pool": {"weir.pool"},
}
CLUSTERS = {"weir.gather_tokens", "weir.scatter_add_tokens", "weir.cluster_members"}


def prepared(path, *options):
    pipeline = "builtin.module(weir-prepare-model{" + " ".join(options) + "})"
    return subprocess.run(
        [streams.WEIR_OPT, path, f"--pass-pipeline={pipeline}"], capture_output=True, text=True, timeout=streams.TIME_LIMIT
    )


def ops_of(text):
    return set(re.findall(r"= (weir\.\w+)", text))


@pytest.mark.parametrize("name", ENTRIES)
def test_every_window_equals_onnxruntime(name):
    entry = ENTRIES[name]
    tokens = streams.random_streams(entry, entry["window"] + 4)
    result, outputs = streams.run_stream(entry, tokens, "--rewrite=none")
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert streams.difference(outputs, expected) < streams.TOLERANCE


@pytest.mark.parametrize("name", ENTRIES)
def test_is_raised(name):
    entry = ENTRIES[name]
    result = prepared(entry["path"])
    assert result.returncode == 0, result.stderr
    ops = ops_of(result.stdout)
    kind, detail = name.split("_")[:2]
    if kind == "dct":
        assert MAPS[detail] <= ops, ops
        return
    assert CLUSTERS <= ops, ops
    # A single assignment in standard operators is a program, which stays one.
    if detail == "topk" or name.endswith("functions"):
        assert {"weir.choose_clusters", "weir.cluster_affinity"} <= ops, ops


@pytest.mark.parametrize("name", ENTRIES)
def test_windows_go_back_to_onnx(name, tmp_path):
    """What was raised is written as standard operators, which onnxruntime runs; a single assignment is refused."""
    entry, path = ENTRIES[name], tmp_path / "window.onnx"
    options = onnx_steps.pass_options(entry, 1)
    result = onnx_steps.weir_opt(entry["path"], f"--weir-prepare-model={options}", "-o", path)
    if re.search(r"weir\.choose_clusters +sa_", prepared(entry["path"]).stdout):
        assert result.returncode == 1 and "clustering=topk" in result.stderr and not path.exists(), result.stderr
        return
    assert result.returncode == 0, result.stderr
    model = onnx.load(path)
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    tokens = streams.random_streams(entry, entry["window"] + 4)
    # Inputs and outputs keep their names.
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    outputs = streams.windows(streams.open_session(path), entry, tokens)
    assert streams.difference(outputs, expected) < streams.TOLERANCE


# Attributes of domain `weir` that no op can have.


def call(op_type, operands, output, **attributes):
    """A model of one node, `odd`, on inputs x [1, 8, 4] and i [1, 3, 2]."""
    inputs = [
        helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 8, 4]),
        helper.make_tensor_value_info("i", onnx.TensorProto.INT64, [1, 3, 2]),
    ]
    node = helper.make_node(op_type, operands, ["y"], name="odd", domain="weir", **attributes)
    graph = helper.make_graph([node], "model", inputs, [helper.make_tensor_value_info("y", output, None)])
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("weir", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


FLOAT, INT64 = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
REFUSED = [
    ("Dct", ["x"], dict(axis=1), "lacks attribute 'keep', a number from 1 to 8"),
    ("Dct", ["x"], dict(axis=1, keep=9), "attribute 'keep' is 9, outside 1 to 8"),
    ("Resample", ["x"], dict(axis=3, keep=2), "axis 3 is outside a tensor of rank 3"),
    ("Pool", ["x"], dict(keep=2), "lacks attribute 'axis'"),
    ("Pool", ["x", "x"], dict(axis=1, keep=2), "has 2 inputs, but takes 1"),
    ("Idct", ["x"], dict(axis=1, tokens=7), "attribute 'tokens' is 7, fewer than the 8 frequencies"),
    ("Idct", ["x"], dict(axis=1, keep=9), "has an attribute 'keep', which it does not take"),
    ("ClusterAffinity", ["x", "x", "x"], dict(function="relu"), "attribute 'function' is 'relu', which is none that Weir knows"),
    ("ChooseClusters", ["x"], dict(clustering="topk", size=9), "attribute 'size' is 9, outside 1 to 8"),
    ("ChooseClusters", ["x"], dict(clustering="best", size=2), "attribute 'clustering' is 'best', which is none that Weir knows"),
    ("GatherTokens", ["x"], {}, "has 1 inputs, but takes 2"),
    ("ScatterAddTokens", ["x", "i"], {}, "lacks attribute 'tokens'"),
    ("ClusterMembers", ["i"], dict(tokens=0), "attribute 'tokens' is 0, outside 1 to"),
]


@pytest.mark.parametrize("op, operands, attributes, reason", REFUSED, ids=[f"{one[0]}-{i}" for i, one in enumerate(REFUSED)])
def test_wrong_attributes_name_the_node(tmp_path, op, operands, attributes, reason):
    path = tmp_path / "model.onnx"
    onnx.save(call(op, operands, FLOAT, **attributes), path)
    result = prepared(path, "token-axis=x=1")
    assert result.returncode == 1
    assert f"error: node 'odd' (weir.{op}): {reason}" in result.stderr, result.stderr


def test_other_functions_are_inlined(tmp_path):
    """Only the operators that are ops: `weir.Twice`, which the model brings, is a body."""
    double = helper.make_node("Add", ["a", "a"], ["b"], name="sum")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("weir", 1)]
    function = helper.make_function("weir", "Twice", ["a"], ["b"], [double], opsets[:1])
    model = call("Twice", ["x"], FLOAT)
    model.functions.append(function)
    path = tmp_path / "model.onnx"
    onnx.save(model, path)
    result = prepared(path, "token-axis=x=1")
    assert result.returncode == 0, result.stderr
    assert "onnx.Add" in result.stdout and "Twice" not in result.stdout
