"""linalg on tensors as other front ends print it: streamed, and held against NumPy in float64."""

import json
import pathlib
import re

import numpy as np
import onnx_steps
import pytest
import streams
from linalg_encoders import SPELLINGS, Encoder

TOKENS = 3  # windows beyond the first, in windows


def written(encoder, folder):
    path = pathlib.Path(folder, "model.mlir")
    path.write_text(encoder.text())
    return path


def run(path, encoder, *options, chunk=1):
    """(result, outputs, windows that NumPy computes)"""
    rng = np.random.default_rng(7)
    shape = (encoder.batch, (TOKENS + 1) * encoder.tokens + 3, encoder.width)
    tokens = rng.standard_normal(shape).astype(np.float32)
    inputs = [dict(name="input0", dtype="float32", shape=[encoder.batch, encoder.tokens, encoder.width], token_axis=1)]
    entry = dict(path=path, options=[], inputs=inputs)
    checks = ["--verify", "--verify-slides", "--entries=all", f"--chunk={chunk}"]
    result, outputs = streams.run_stream(entry, {"input0": tokens}, *checks, *options)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"slides: [1-9]\d* claims, 0 wrong", result.stdout)
    starts = streams.step_starts(shape[1], encoder.tokens, chunk)
    expected = [encoder.reference(tokens[:, start : start + encoder.tokens]) for start in starts]
    return result, outputs, {"output0": np.stack(expected).astype(np.float32)}


@pytest.mark.parametrize("rows", ["last", "all"])
@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_encoders_stream(spelling, blocks, rows, tmp_path):
    encoder = Encoder(blocks=blocks, spelling=spelling, rows=rows)
    _, outputs, expected = run(written(encoder, tmp_path), encoder, "--token-axis", "input0=1")
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("options, chunk", [(dict(batch=3), 1), (dict(tokens=9, heads=1, width=6), 1), (dict(), 4)])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_other_shapes(spelling, options, chunk, tmp_path):
    encoder = Encoder(blocks=2, spelling=spelling, seed=3, **options)
    _, outputs, expected = run(written(encoder, tmp_path), encoder, "--token-axis", "input0=1", chunk=chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_step_saves_what_it_saves_in_onnx(spelling, tmp_path):
    """One block, the last row: projections of one token, a row of scores."""
    encoder = Encoder(blocks=1, spelling=spelling, tokens=32)
    path = written(encoder, tmp_path)
    result = streams.weir_run(path, "--token-axis", "input0=1", "--explain=json")
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    n, e = encoder.tokens, encoder.width
    assert report["macs_step"] == 4 * e * e + 2 * e * 2 * e + 2 * n * e
    assert report["macs_window"] == n * (4 * e * e + 2 * e * 2 * e + 2 * n * e)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_softmax_names_the_token_axis(spelling, tmp_path):
    encoder = Encoder(blocks=1, spelling=spelling)
    _, outputs, expected = run(written(encoder, tmp_path), encoder)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("name", ["layers_ts14", "encoder_class_token", "encoder_mean"])
def test_our_own_lowering_comes_back_in(name, tmp_path):
    """A window lowered to linalg before it is streamed steps as the one of ONNX operators does."""
    entry = streams.manifest()[name]
    module = tmp_path / "lowered.mlir"
    passes = f"builtin.module(weir-prepare-model{{{onnx_steps.pass_options(entry, 1)}}},convert-onnx-to-linalg)"
    made = onnx_steps.weir_opt(entry["path"], f"--pass-pipeline={passes}", "-o", module)
    assert made.returncode == 0, made.stderr
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    axes = [f"--token-axis={one['name']}={one['token_axis']}" for one in entry["inputs"]]
    lowered = dict(entry, path=module, options=[])
    result, outputs = streams.run_stream(lowered, tokens, "--verify", "--verify-slides", *axes)
    assert result.returncode == 0, result.stdout + result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE
