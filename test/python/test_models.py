"""Every model of test/models, streamed: each step equals onnxruntime on the window that it stands for."""

import functools
import json

import pytest
import streams

CASES = [(name, chunk) for name, entry in streams.manifest().items() for chunk in entry["chunks"]]


def grouped(cases):
    """Parameters of which those of one model and chunk run on one worker, which then runs weir-run once."""
    return [pytest.param(*case, marks=pytest.mark.xdist_group(str(case))) for case in cases]


each_model_and_chunk = pytest.mark.parametrize("name, chunk", grouped(CASES))


@functools.cache
def streamed(name, chunk):
    """(entry, streams, result, outputs) of one run that streams, verifies and explains."""
    entry = streams.manifest()[name]
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    positions = ["--positions=exact"] if entry["positions"] else []
    result, outputs = streams.run_stream(
        entry,
        tokens,
        *(f"--chunk={chunk}", "--entries=all", "--verify", "--verify-slides", "--explain=json"),
        *positions,
    )
    return entry, tokens, result, outputs


@each_model_and_chunk
def test_every_step_equals_its_window(name, chunk):
    entry, tokens, result, outputs = streamed(name, chunk)
    assert outputs is not None, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@each_model_and_chunk
def test_weir_verifies_itself(name, chunk):
    _, _, result, _ = streamed(name, chunk)
    assert result.returncode == 0, result.stderr
    # Pushes and predictions, and steps from a primed state, were compared with plain steps.
    assert "push and predict: largest difference 0 " in result.stdout
    assert "prime: largest difference" in result.stdout


@each_model_and_chunk
def test_explanation_counts_attentions_and_work(name, chunk):
    entry, _, result, _ = streamed(name, chunk)
    text = result.stdout
    report = json.loads(text[text.index("{") : text.rindex("}") + 1])
    # An attention asked for several sets of rows is listed with each of them.
    assert len({attention["node"] for attention in report["attentions"]}) == entry["blocks"]
    for attention in report["attentions"]:
        assert {"node", "rows", "slides", "form", "reason"} <= attention.keys()
    for blame in report["blame"]:
        assert {"node", "op", "reason"} <= blame.keys()
    assert 0 < report["macs_step"] <= report["macs_window"]
    assert 0 < report["macs_window_pruned"] <= report["macs_window"]
    # Whatever is not computed again was stored.
    assert report["state_bytes"] > 0


@pytest.mark.parametrize("name", streams.manifest())
def test_without_rewrite_every_window_is_computed(name):
    entry = streams.manifest()[name]
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3, seed=1)
    chunk = entry["chunks"][0]
    result, outputs = streams.run_stream(entry, tokens, f"--chunk={chunk}", "--rewrite=none")
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE
