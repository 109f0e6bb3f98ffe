"""The reducers of the fuzzer, on planted bugs whose smallest models are known."""

import dataclasses
import subprocess
import sys

import onnx
import streams
from refused_encoders import CASES
from small_encoder import Encoder, tokens_input

sys.path.insert(0, str(streams.ROOT / "test" / "fuzz"))
import random_encoder  # noqa: E402
import reduce_onnx  # noqa: E402

REDUCE = [sys.executable, str(streams.ROOT / "test" / "fuzz" / "reduce_onnx.py")]


def operators(model):
    return [node.op_type for node in model.graph.node]


def test_a_graph_shrinks_to_the_operators_that_are_asked_for():
    g = Encoder()
    x = g.block(g.linear(tokens_input(g)))
    g.output(x, "tokens")
    g.output(g.block(g.Tanh(x)), "y")
    small = reduce_onnx.reduce_model(g.model(), lambda one: {"Tanh", "Softmax"} <= set(operators(one)))
    assert sorted(operators(small)) == ["Softmax", "Tanh"]
    onnx.checker.check_model(small)


def test_a_refused_model_shrinks_to_what_is_refused(tmp_path):
    """Still refused for its recurrent layer, and still with attention: what leads from one to the other stays."""
    model = CASES["gru"].build().unchecked_model()
    path = tmp_path / "candidate.onnx"

    def is_refused(one):
        if "Softmax" not in operators(one):
            return False
        onnx.save(one, path)
        result = streams.weir_run(path, "--explain", "--token-axis=x=1")
        return result.returncode == 1 and "(GRU): keeps a state" in result.stderr

    small = reduce_onnx.reduce_model(model, is_refused)
    assert sorted(operators(small)) == ["GRU", "Softmax", "Squeeze", "Transpose", "Transpose"]


def test_bodies_keep_what_they_read():
    model = CASES["branch_on_data"].build().unchecked_model()
    small = reduce_onnx.reduce_model(model, lambda one: "If" in operators(one))
    assert "If" in operators(small)
    produced = {name for node in small.graph.node for name in node.output}
    produced |= {tensor.name for tensor in small.graph.initializer} | {one.name for one in small.graph.input}
    [branch] = [node for node in small.graph.node if node.op_type == "If"]
    for attribute in branch.attribute:
        assert all(name in produced for node in attribute.g.node for name in node.input)


def test_configurations_lose_what_does_not_matter():
    """All that is left is the simplest value, the planted ones, and what these need."""
    for seed in range(8):
        config = random_encoder.sample(seed)
        small = reduce_onnx.reduce_config(config, lambda one: one.window >= min(5, config.window))
        assert (small.batch, small.blocks, small.padding, small.masks[0]) == (1, 1, None, None)
        assert small.window == (config.window if config.window < 5 else 5)


def test_the_command_line(tmp_path):
    g = Encoder()
    g.output(g.block(g.Tanh(tokens_input(g))), "y")
    path, output = tmp_path / "model.onnx", tmp_path / "small.onnx"
    onnx.save(g.model(), path)
    has_softmax = "import onnx, sys; sys.exit('Softmax' not in [n.op_type for n in onnx.load(sys.argv[1]).graph.node])"
    command = [sys.executable, "-c", has_softmax, "{}"]
    done = subprocess.run([*REDUCE, path, "--output", output, "--", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert operators(onnx.load(output)) == ["Softmax"]
    refused = subprocess.run([*REDUCE, path, "--output", output, "--", "false"], capture_output=True, text=True)
    assert refused.returncode == 2 and "does not accept" in refused.stderr
