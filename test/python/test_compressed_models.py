"""The kept encoders with DCT and CAST attention: what their functions mean to onnxruntime and to an inliner."""

import numpy as np
import onnx
import onnx.inliner
import pytest
import streams

ENTRIES = {entry["path"].stem: entry for entry in streams.load_manifest(streams.MODELS / "compressed")}


def run(model, entry):
    [values] = streams.open_session(model).run(None, streams.random_streams(entry, entry["window"]))
    return values


def test_every_kind_is_kept_in_both_forms():
    kinds = lambda functions: {
        (entry["system"], *(entry["attention"].get(key) for key in ("variant", "clustering")))
        for entry in ENTRIES.values()
        if entry["functions"] == functions
    }
    assert kinds(True) == kinds(False)
    assert len(kinds(True)) == 7


@pytest.mark.parametrize("name", ENTRIES)
def test_kept_models_run(name):
    model = onnx.load(ENTRIES[name]["path"])
    onnx.checker.check_model(model)
    domains = {node.domain for node in model.graph.node}
    assert domains == ({"", "weir"} if ENTRIES[name]["functions"] else {""})
    values = run(model, ENTRIES[name])
    assert np.isfinite(values).all() and np.ptp(values) > 0.1


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if entry["functions"]])
def test_functions_equal_their_bodies_in_the_graph(name):
    model = onnx.load(ENTRIES[name]["path"])
    plain = onnx.inliner.inline_local_functions(model)
    assert {node.domain for node in plain.graph.node} == {""}
    assert np.array_equal(run(model, ENTRIES[name]), run(plain, ENTRIES[name]))


@pytest.mark.parametrize("rewrite", ("none", "continual"))
@pytest.mark.parametrize("name", ENTRIES)
def test_weir_runs_them(name, rewrite, tmp_path):
    """Every window, as onnxruntime computes it; and in steps, all rows of which are wanted."""
    entry = dict(ENTRIES[name], chunks=[1], positions=False)
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    checks = ["--verify", "--verify-slides"] if rewrite == "continual" else []
    axes = [f"--token-axis={one['name']}={one['token_axis']}" for one in entry["inputs"]]
    result, outputs = streams.run_stream(entry, tokens, f"--rewrite={rewrite}", *axes, *checks)
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert streams.difference(outputs, expected) < streams.TOLERANCE
