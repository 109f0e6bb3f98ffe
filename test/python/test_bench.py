"""The benchmark measures what it says: its models compute the same, its ratios and bounds are right."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
import streams

sys.path.insert(0, str(streams.ROOT))
from bench import bounds, encoders, models, narrow, peers, reference, rounds, steps, tables, workloads  # noqa: E402

SMALL = [
    workloads.Workload("one", "step", 7, 24, 3, 20),
    workloads.Workload("two", "step", 7, 24, 3, 20, blocks=2),
    workloads.Workload("three", "step", 7, 24, 3, 20, blocks=3, activation="gelu"),
    workloads.Workload("streams", "step", 7, 24, 3, 20, streams=3),
    workloads.Workload("band", "step", 7, 24, 3, 20, blocks=3, band=True, streams=2),
    workloads.Workload("window", "window", 9, 24, 3, 20, blocks=2, activation="gelu"),
]
small = pytest.mark.parametrize("size", SMALL, ids=lambda size: size.name)


@small
def test_models_compute_the_reference(size, tmp_path):
    stored = reference.outputs(size)
    x, y = stored["x"], stored["y"]
    if not size.band:
        encoders.write_window(size, tmp_path / "window.onnx")
        [window] = streams.open_session(tmp_path / "window.onnx").run(None, {"x": x[:, -size.tokens :]})
        assert np.abs(window - y).max() < 1e-5
    if size.kind == "step":
        steps.write_step(size, tmp_path / "step.onnx")
        session = streams.open_session(tmp_path / "step.onnx")
        names, past = steps.state_names(size), reference.states(size)
        for i in range(size.tokens, size.stream_tokens):
            feeds = {name: state for (name, _), state in zip(names, past)}
            newest, *past = session.run(None, {"x": x[:, i], **feeds})
        assert np.abs(newest - y).max() < 1e-5
        steps.write_step(size, tmp_path / "rings.onnx", steps.RingWriter)
        session, past = streams.open_session(tmp_path / "rings.onnx"), reference.states(size)
        for i in range(size.tokens, size.stream_tokens):
            feeds = {name: state for (name, _), state in zip(names, past)}
            newest, *past = session.run(None, {"x": x[:, i], "slot": np.array([i % size.tokens]), **feeds})
        assert np.abs(newest - y).max() < 1e-5


def test_a_band_is_shown_to_weir(tmp_path):
    size = dataclasses.replace(SMALL[4], streams=1)
    path = models.Models(tmp_path).streamed(size)
    np.save(tmp_path / "x.npy", encoders.tokens(size))
    command = [streams.WEIR_RUN, path, "--semantics=stream", "--stream", f"x={tmp_path}/x.npy", "--output", tmp_path / "o.npz"]
    subprocess.run(command, check=True, timeout=streams.TIME_LIMIT)
    newest = np.load(tmp_path / "o.npz")["y"][-1]
    assert np.abs(newest - reference.outputs(size)["y"]).max() < 1e-5


def test_weights_of_8_bits_are_close(tmp_path):
    size = workloads.Workload("wide", "step", 7, 64, 4, 96)
    steps.write_step(size, tmp_path / "step.onnx")
    narrowed = narrow.to_8_bits(onnx.load(tmp_path / "step.onnx"))
    assert sum(node.op_type == "MatMulNBits" for node in narrowed.graph.node) == 4
    past, x = reference.states(size), encoders.tokens(size)
    feeds = {name: state for (name, _), state in zip(steps.state_names(size), past)}
    feeds["x"] = x[:, size.tokens]
    exact, close = (streams.open_session(m).run(["y"], feeds)[0] for m in (tmp_path / "step.onnx", narrowed))
    assert 0 < np.abs(exact - close).max() < 0.05


def test_costs_are_those_that_weir_counts(tmp_path):
    for size in SMALL[:2]:
        encoders.write_window(size, tmp_path / "window.onnx")
        command = [streams.WEIR_RUN, tmp_path / "window.onnx", "--explain=json", "--retroactive=always"]
        report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert report["macs_window"] == workloads.window_macs(size)
        assert report["macs_step"] <= 1.05 * workloads.step_macs(size)


def test_ratios_are_taken_inside_rounds_and_wrong_peers_lose():
    def one(peer, error, *medians):
        return {"peer": peer, "error": error, "median": float(np.median(medians)), "rounds": list(medians)}

    records = [one("weir:step", 1e-6, 1, 10, 2), one("torch:ring", 1e-6, 2, 20, 8), one("openvino:step", 0.5, 1, 1, 1)]
    records += [one("onnxruntime:step+w8", 0.01, 1, 1, 1), one("probe:f32", None, 1, 8, 1)]
    limits = {"fma_gflops": {"1": 100}, "read_gbs": {"1000000": {"1": 50}}}
    facts = {"workload": "S", "threads": 1, "kind": "step", "macs": 200e3, "weights": 1000, "state_bytes": 0}
    run = tables.Run({**facts, "records": records}, limits)
    assert run.best_other() == "torch:ring"
    assert run.ratio("torch:ring", "weir:step") == 2
    assert run.bound("weir:step") == 4  # compute: 400 k operations; the probe took 1
    assert run.bound("weir:step+int8") == 4
    assert bounds.memory_us(limits, 1, 500e3) == 10


def test_a_run_reports_what_it_measured(tmp_path):
    command = [
        sys.executable, "-m", "bench", "S3a", "--peers", "weir:step,weir:window,onnxruntime:step,nothing:step,probe:f32",
        "--build", streams.BUILD, "--output", tmp_path, "--rounds", "2", "--seconds", "0.02",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=streams.ROOT, capture_output=True, text=True, timeout=streams.TIME_LIMIT)
    assert done.returncode == 0, done.stderr
    [run] = json.loads((tmp_path / "results.json").read_text())["runs"]
    found = {record["peer"]: record for record in run["records"]}
    assert found["nothing:step"]["reason"] == "no runtime is called nothing"
    for peer in ("weir:step", "weir:window", "onnxruntime:step"):
        assert found[peer]["error"] < tables.EXACT
        assert len(found[peer]["rounds"]) == 2
    told = (tmp_path / "report.md").read_text()
    assert "| S3a | 1 |" in told
    (tmp_path / "report.md").unlink()
    again = [sys.executable, "-m", "bench", "--report", "--output", tmp_path]
    subprocess.run(again, cwd=streams.ROOT, capture_output=True, check=True, timeout=streams.TIME_LIMIT)
    assert (tmp_path / "report.md").read_text() == told


def test_a_file_of_a_user_is_measured(tmp_path):
    command = [
        sys.executable, "-m", "bench", "--model", streams.MODELS / "encoder_2_class_token.onnx", "--build", streams.BUILD,
        "--output", tmp_path, "--rounds", "1", "--seconds", "0.01", "--peers", "weir:step,weir:window,onnxruntime:window",
    ]  # fmt: skip
    subprocess.run(command, cwd=streams.ROOT, capture_output=True, check=True, timeout=streams.TIME_LIMIT)
    [run] = json.loads((tmp_path / "results.json").read_text())["runs"]
    assert run["macs"] < run["macs_window"]
    errors = {record["peer"]: record["error"] for record in run["records"]}
    assert errors.pop("onnxruntime:window") == 0
    assert errors.keys() == {"weir:step", "weir:window"} and max(errors.values()) < 2e-5


def test_a_peer_that_fails_is_left_out(tmp_path):
    job = peers.Job("weir:step", 1, str(tmp_path), str(tmp_path), "S3a")  # no weir-compile is there
    told = []
    [process] = rounds.start_all([job], 1, told.append)
    assert not process.runs and told == [process] and "weir-compile" in process.facts["reason"]
    rounds.measure([process], 1, 0.01, 1, 1)
    assert "median" not in rounds.record(process)
