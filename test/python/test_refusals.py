"""What cannot be streamed is refused with the reason; what can only be computed again is, and says why.

Refused: exit code 1, FILE, node, operator, reason, and a help that says what to do. Computed again: equal to
onnxruntime over 4n + 3 steps, and the node that ended sliding is blamed, with what would help. Where a step
then saves less than a tenth of the window (without rows that nobody reads), that is a warning, or with
--require=incremental an error.
"""

import json
import subprocess

import mixing_encoders
import onnx
import pytest
import refused_encoders
import streams
from small_encoder import ODD, TOKENS

LENGTH = 5 * TOKENS + 2  # 4n + 3 steps


@pytest.mark.parametrize("name", refused_encoders.CASES)
def test_refused(tmp_path, name):
    case = refused_encoders.CASES[name]
    path, output = tmp_path / f"{name}.onnx", tmp_path / "out.npz"
    onnx.save(refused_encoders.build(name), path)
    result = streams.weir_run(path, "--explain", *case.options)
    assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
    lines = result.stderr.splitlines()
    error = next(line for line in lines if "error: " in line)
    assert error.startswith(f"{path}: error: ")
    if case.op:
        assert f"node '{ODD}' ({case.op}): " in error
    assert case.reason in error
    help = next(line for line in lines if line.startswith("help: "))
    assert case.help in help
    assert not result.stdout and not output.exists()


def entry_of(path, case):
    inputs = [{"name": "x", "shape": [1, TOKENS, 8], "dtype": "float32", "token_axis": 1}]
    return {"path": path, "window": TOKENS, "inputs": inputs, "options": list(case.options)}


def explained(path, *options):
    result = streams.weir_run(path, "--explain=json", *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout), result.stderr


@pytest.mark.parametrize("name", mixing_encoders.CASES)
def test_computed_again(tmp_path, name):
    case = mixing_encoders.CASES[name]
    path = tmp_path / f"{name}.onnx"
    onnx.save(mixing_encoders.build(case), path)
    entry = entry_of(path, case)
    report_file = tmp_path / "report.json"

    tokens = streams.random_streams(entry, LENGTH)
    result, outputs = streams.run_stream(entry, tokens, "--verify-slides", "--report", report_file)
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(path), entry, tokens)
    assert streams.difference(outputs, expected) < streams.TOLERANCE

    report = json.loads(report_file.read_text())
    blame = report["blame"][0]
    assert (blame["node"], blame["op"]) == (ODD, case.op)
    assert case.reason in blame["reason"] and blame["help"]
    saves_little = 10 * report["macs_step"] > 9 * report["macs_window_pruned"]
    assert saves_little != case.saves, report
    named = f"{path}: warning: node '{ODD}' ({case.op}): {blame['reason']}: a step saves little"
    assert (named in result.stderr) == saves_little, result.stderr
    assert (f"help: {blame['help']}" in result.stderr) == saves_little

    required = streams.weir_run(path, *case.options, "--explain", "--require=incremental")
    assert required.returncode == (1 if saves_little else 0), required.stderr
    if saves_little:
        assert named.replace("warning", "error") in required.stderr
        assert f"help: {blame['help']}" in required.stderr


@pytest.mark.parametrize("name", mixing_encoders.FINE)
def test_tokens_apart_are_not_blamed(tmp_path, name):
    path = tmp_path / f"{name}.onnx"
    onnx.save(mixing_encoders.build(mixing_encoders.FINE[name], last=True), path)
    report, messages = explained(path, "--require=incremental")
    assert not report["blame"] and not messages


def test_a_step_that_saves_nothing_says_so_everywhere(tmp_path):
    """The odd operator first of all: text, JSON, Markdown, and remarks of weir-opt."""
    g = mixing_encoders.Encoder(18)
    x = mixing_encoders.CASES["instance_norm"].build(g, mixing_encoders.tokens_input(g))
    g.output(g.block(x), "y")
    path = tmp_path / "first.onnx"
    onnx.save(g.model(), path)
    report, messages = explained(path)
    assert report["macs_step"] == report["macs_window_pruned"] == report["blame"][0]["macs"]
    assert f"node '{ODD}' (InstanceNormalization): normalizes over the token axis: a step saves nothing" in messages
    for explain in ["text", "md"]:
        said = streams.weir_run(path, f"--explain={explain}").stdout
        assert "computed again because of" in said and ODD in said and report["blame"][0]["help"] in said
    pipeline = "builtin.module(weir-prepare-model,weir-continual)"
    result = subprocess.run(
        [streams.WEIR_OPT, path, f"--pass-pipeline={pipeline}", "--remarks-filter=weir"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "a step saves nothing over the window" in result.stderr
    assert ODD in result.stderr


def test_a_constant_beside_streamed_outputs_is_no_reason_to_refuse(tmp_path):
    g = mixing_encoders.Encoder()
    g.output(g.block(mixing_encoders.tokens_input(g)), "y")
    g.output(g.Relu(g.random(1, 3)), "constant")
    path = tmp_path / "constant.onnx"
    onnx.save(g.model(), path)
    entry = entry_of(path, mixing_encoders.Case(None, "", ""))
    tokens = streams.random_streams(entry, LENGTH)
    result, outputs = streams.run_stream(entry, tokens)
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(path), entry, tokens)
    assert streams.difference(outputs, expected) < streams.TOLERANCE
