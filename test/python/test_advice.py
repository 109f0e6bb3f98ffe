"""What --explain advises costs what it says: each advised option is tried, each advised model built."""

import json

import numpy as np
import onnx
import pytest
import streams
from onnx import TensorProto
from small_encoder import Encoder

TOKENS, WIDTH = 32, 8


def encoder(blocks=2, table=False, band=None, rows="all", opset=17):
    g = Encoder(opset)
    x = g.linear(g.input("x", TensorProto.FLOAT, [1, TOKENS, WIDTH]))
    if table:
        x = g.Add(x, g.random(1, TOKENS, WIDTH))
    for _ in range(blocks):
        y = g.norm(x)
        query, key, value = (g.linear(y) for _ in range(3))
        scores = g.MatMul(query, g.transpose(key, 0, 2, 1))
        if band:
            distance = np.arange(TOKENS)[:, None] - np.arange(TOKENS)
            scores = g.Add(scores, g.constant(np.where((0 <= distance) & (distance < band), 0, -np.inf)))
        x = g.Add(x, g.linear(g.MatMul(g.Softmax(scores, axis=-1), value)))
        x = g.Add(x, g.linear(g.Relu(g.linear(g.norm(x), WIDTH, 16)), 16))
    g.output(g.slice(x, 1, -1) if rows == "last" else x, "y")
    return g.model()


def explain(folder, model, *options):
    path = folder / "encoder.onnx"
    onnx.save(model, path)
    result = streams.weir_run(path, "--explain=json", *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def advice_of(report):
    return {advice["what"]: advice for advice in report["advice"]}


@pytest.mark.parametrize(
    "shape, given, advised",
    [
        ({}, ["--retroactive=never"], {"--rows=last", "--retroactive=auto", "--chunk=4"}),
        ({}, [], {"--rows=last", "--chunk=4"}),
        ({"table": True}, ["--positions=exact"], {"--rows=last", "--positions=recycle", "--chunk=4"}),
        ({"rows": "last"}, ["--chunk=2"], {"--chunk=8"}),
    ],
)
def test_advised_options_cost_what_is_said(tmp_path, shape, given, advised):
    report = explain(tmp_path, encoder(**shape), *given)
    advice = advice_of(report)
    assert advised <= set(advice), report
    for what in advised:
        name = what.split("=")[0]
        others = [option for option in given if not option.startswith(name)]
        other = explain(tmp_path, encoder(**shape), what, *others)
        assert other["macs_step"] == advice[what]["macs_step"]
        tokens = int(what.split("=")[1]) if name == "--chunk" else 2 if "--chunk=2" in given else 1
        assert advice[what]["tokens"] == tokens
        assert advice[what]["changes_numbers"] == (name == "--positions")


def test_advised_models_cost_what_is_said(tmp_path):
    """The band is trained into a model of its own; the other semantics is an option."""
    report = explain(tmp_path, encoder())
    advice = advice_of(report)
    [what] = [what for what in advice if what.startswith("attention to")]
    band = explain(tmp_path, encoder(band=int(what.split()[2])))
    assert band["macs_step"] == advice[what]["macs_step"] < 0.5 * report["macs_step"]
    deep = explain(tmp_path, encoder(), "--semantics=deep")
    assert deep["macs_step"] == advice["--semantics=deep"]["macs_step"] and not deep["advice"]
    assert advice[what]["changes_numbers"] and advice["--semantics=deep"]["changes_numbers"]


def test_advice_is_sorted_and_saves_a_tenth(tmp_path):
    report = explain(tmp_path, encoder())
    costs = [advice["macs_step"] / advice["tokens"] for advice in report["advice"]]
    assert costs == sorted(costs) and costs[-1] <= 0.9 * report["macs_step"]


def test_what_is_cheap_is_left_alone(tmp_path):
    report = explain(tmp_path, encoder(blocks=1, rows="last"))
    assert 4 * report["macs_step"] <= report["macs_window_pruned"] and not report["advice"]


def test_advice_changes_nothing_else(tmp_path):
    """The model that was advised on streams as ever."""
    path = tmp_path / "encoder.onnx"
    onnx.save(encoder(), path)
    inputs = [{"name": "x", "shape": [1, TOKENS, WIDTH], "dtype": "float32", "token_axis": 1}]
    entry = {"path": path, "window": TOKENS, "inputs": inputs, "options": ["--explain"]}
    tokens = streams.random_streams(entry, TOKENS + 8)
    result, outputs = streams.run_stream(entry, tokens)
    assert "a step would take less with" in result.stdout, result.stdout
    expected = streams.windows(streams.open_session(path), entry, tokens)
    assert streams.difference(outputs, expected) < streams.TOLERANCE


def test_scratch_is_that_of_the_compiled_step(tmp_path):
    """Explained alone, nothing is compiled; explained and run, the compiled step tells."""
    path, x = tmp_path / "encoder.onnx", tmp_path / "x.npy"
    onnx.save(encoder(), path)
    np.save(x, np.zeros((1, TOKENS, WIDTH), np.float32))
    alone = json.loads(streams.weir_run(path, "--explain=json").stdout)
    report = tmp_path / "report.json"
    streams.weir_run(path, "--report", report, "--stream", f"x={x}")
    assert alone == json.loads(report.read_text()) and alone["scratch_bytes"] > 0
