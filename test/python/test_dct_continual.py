"""Compressed attention on a stream: the frequencies of a window follow its tokens, and a step equals the window.

Every step is compared with the window function in float64, over streams of many windows.
"""

import numpy as np
import onnx_steps
import pytest
import streams
from transformed_windows import Encoder, dct

FLAT = 1_000_000 if streams.FULL else 100_000


def run(folder, text, x, *options, output="y"):
    """(outputs of all full windows [steps, ...], what weir-run printed)"""
    model, stream, out = folder / "model.mlir", folder / "x.npy", folder / "out.npz"
    model.write_text(text)
    np.save(stream, x)
    words = ["--token-axis=x=1", "--stream", f"x={stream}", "--output", out, *options]
    result = streams.weir_run(model, *words)
    assert result.returncode == 0, result.stderr
    with np.load(out) as archive:
        return archive[output], result.stdout


def tokens(length, width, batch=1, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, length, width)).astype(np.float32)


def largest_error(encoder, x, outputs, chunk=1, row=slice(None)):
    """Over all steps, in units of the largest output."""
    starts = np.array(streams.step_starts(x.shape[1], encoder.tokens, chunk))
    windows = x[:, starts[:, None] + np.arange(encoder.tokens)].swapaxes(0, 1)
    want = encoder(windows)[:, :, row]
    assert outputs.shape == want.shape
    return np.abs(outputs - want).max() / np.abs(want).max()


NEWEST, ALL = slice(-1, None), slice(None)
# 1000 steps are more than 4n of them.
CASES = {
    "resample, newest row": (Encoder("resample", 16, 5), 1, 1000, NEWEST),
    "resample, odd window": (Encoder("resample", 31, 8, heads=1), 1, 1000, NEWEST),
    "resample, all rows": (Encoder("resample", 16, 5), 1, 300, ALL),
    "resample, as many as tokens": (Encoder("resample", 12, 12), 1, 300, NEWEST),
    "resample, one": (Encoder("resample", 12, 1), 1, 300, NEWEST),
    "resample, two blocks": (Encoder("resample", 16, 5, blocks=2), 1, 1000, NEWEST),
    "resample, batch": (Encoder("resample", 15, 4, batch=3), 1, 300, NEWEST),
    "resample, chunk": (Encoder("resample", 17, 5), 3, 3000, NEWEST),
    "qkv, newest row": (Encoder("qkv", 16, 5), 1, 1000, NEWEST),
    "qkv, odd window": (Encoder("qkv", 31, 8, heads=1), 1, 1000, NEWEST),
    "qkv, all rows": (Encoder("qkv", 16, 5), 1, 300, ALL),
    "qkv, as many as tokens": (Encoder("qkv", 12, 12), 1, 300, NEWEST),
    "qkv, three blocks": (Encoder("qkv", 16, 5, blocks=3), 1, 1000, NEWEST),
    "qkv, batch and chunk": (Encoder("qkv", 16, 5, batch=2), 3, 900, NEWEST),
    "qkv, chunk that divides": (Encoder("qkv", 15, 5), 3, 900, NEWEST),
    "pool, newest row": (Encoder("pool", 16, 5), 1, 300, NEWEST),
}


@pytest.mark.parametrize("frequencies", ["always", "auto", "never"])
@pytest.mark.parametrize("name", CASES)
def test_step_equals_window(name, frequencies, tmp_path):
    encoder, chunk, length, rows = CASES[name]
    if frequencies == "never" and length > 300:
        length = 300
    x = tokens(length, encoder.width, encoder.batch)
    options = [f"--chunk={chunk}", f"--frequencies={frequencies}", "--verify", "--verify-slides"]
    options += ["--rows=last"] if rows is NEWEST else []
    outputs, _ = run(tmp_path, encoder.text(), x, *options)
    assert largest_error(encoder, x, outputs, chunk, rows) <= streams.TOLERANCE


@pytest.mark.parametrize("name", ["resample, newest row", "resample, chunk", "qkv, all rows", "qkv, batch and chunk"])
def test_entries_agree(name, tmp_path):
    """--verify steps, pushes and predicts, and goes on from a window at once."""
    encoder, chunk, _, rows = CASES[name]
    x = tokens(8 * encoder.tokens, encoder.width, encoder.batch)
    options = [f"--chunk={chunk}", "--frequencies=always", "--entries=all", "--verify"]
    options += ["--rows=last"] if rows is NEWEST else []
    outputs, said = run(tmp_path, encoder.text(), x, *options)
    assert largest_error(encoder, x, outputs, chunk, rows) <= streams.TOLERANCE


def transform_only(n, m, width, batch=1):
    before, after = f"tensor<{batch}x{n}x{width}xf32>", f"tensor<{batch}x{m}x{width}xf32>"
    return f"""
func.func @window(%x: {before} {{weir.input = "x"}}) -> ({after} {{weir.output = "y"}}) {{
  %0 = weir.dct %x {{dim = 1}} : {before} -> {after}
  return %0 : {after}
}}
"""


def frequency_errors(x, n, m, outputs, chunk=1):
    """Of each step, in units of the largest frequency of all."""
    matrix = dct.dct_matrix(n, m)
    starts = np.array(streams.step_starts(x.shape[1], n, chunk))
    errors, largest = [], 0.0
    for some in np.array_split(np.arange(len(starts)), max(1, len(starts) // 1000)):
        windows = x[0, starts[some, None] + np.arange(n)].astype(np.float64)
        want = matrix @ windows
        errors.append(np.abs(outputs[some, 0] - want).max((1, 2)))
        largest = max(largest, np.nanmax(np.abs(want)))
    return np.concatenate(errors) / largest


def test_error_stays_flat(tmp_path):
    """Sums that only add take over every n steps, so that no rounding error outlives two windows."""
    n, m, width = 61, 7, 2
    x = tokens(FLAT, width)
    outputs, _ = run(tmp_path, transform_only(n, m, width), x, "--frequencies=always")
    errors = frequency_errors(x, n, m, outputs)
    first, last = errors[: 20 * n].max(), errors[-20 * n :].max()
    assert errors.max() <= 2e-6
    assert last <= 1.5 * first


@pytest.mark.parametrize("n, m, chunk", [(64, 64, 1), (33, 9, 5), (512, 100, 1), (40, 3, 40 - 1)])
def test_frequencies(n, m, chunk, tmp_path):
    x = tokens(max(4 * n, 300) + 3 * chunk, 3)
    outputs, _ = run(
        tmp_path, transform_only(n, m, 3), x, f"--chunk={chunk}", "--frequencies=always", "--verify"
    )
    assert frequency_errors(x, n, m, outputs, chunk).max() <= 2e-6


def test_numpy_reference_agrees(tmp_path):
    n, m = 24, 6
    x = tokens(500, 3)
    outputs, _ = run(tmp_path, transform_only(n, m, 3), x, "--frequencies=always")
    sliding = dct.SlidingDct(n, m, 3)
    for t, token in enumerate(x[0]):
        frequencies = sliding.step(token)
        if t >= n - 1:
            assert np.abs(outputs[t - n + 1, 0] - frequencies).max() <= 1e-5


def test_what_is_not_finite_leaves(tmp_path):
    """A token that is no number spoils sums until sums that never met it take over: two windows."""
    n, m = 16, 4
    x = tokens(200, 2)
    x[0, 50, 0] = np.nan
    outputs, _ = run(tmp_path, transform_only(n, m, 2), x, "--frequencies=always")
    errors = frequency_errors(x, n, m, outputs)
    assert np.isfinite(outputs[50 + 2 * n :]).all()
    assert np.nanmax(errors[50 + 2 * n - n + 1 :]) <= 2e-6


def test_spikes_leave(tmp_path):
    n, m = 16, 4
    x = tokens(400, 2)
    x[0, 100:300:37] *= 1e4
    outputs, _ = run(tmp_path, transform_only(n, m, 2), x, "--frequencies=always")
    assert frequency_errors(x, n, m, outputs).max() <= 2e-6


def rewritten(folder, encoder, x):
    """weir-run on the encoder with full attention, whose weights are the same: (outputs, warnings)"""
    full = Encoder("full", encoder.tokens, encoder.keep, encoder.width, encoder.heads, blocks=encoder.blocks)
    (folder / "full.mlir").write_text(full.text())
    np.save(folder / "x.npy", x)
    words = ["--rewrite=dct+continual", "--approximate=yes", "--rows=last", "--verify", "--token-axis=x=1"]
    words += [f"--rewrite-options=variant={encoder.variant} keep={encoder.keep}"]
    words += ["--stream", f"x={folder}/x.npy", "--output", folder / "out.npz"]
    result = streams.weir_run(folder / "full.mlir", *words)
    assert result.returncode == 0, result.stderr
    with np.load(folder / "out.npz") as archive:
        return archive["y"], result.stderr


@pytest.mark.parametrize("variant", ["qkv", "resample", "pool"])
@pytest.mark.parametrize("blocks", [1, 2])
def test_rewrite_and_steps(variant, blocks, tmp_path):
    encoder = Encoder(variant, 24, 5, blocks=blocks)
    x = tokens(5 * encoder.tokens, encoder.width)
    outputs, _ = rewritten(tmp_path, encoder, x)
    assert largest_error(encoder, x, outputs, row=NEWEST) <= streams.TOLERANCE


@pytest.mark.parametrize("keep, is_dearer", [(4, False), (60, True)])
def test_dearer_step_is_told(keep, is_dearer, tmp_path):
    """Few frequencies save work over a window of keys and values; many cost more than they save."""
    encoder = Encoder("resample", 96, keep)
    _, said = rewritten(tmp_path, encoder, tokens(100, encoder.width))
    assert ("multiply-accumulates, one of the model as it is" in said) == is_dearer


@pytest.mark.parametrize("variant, tokens_, chunk", [("resample", 16, 1), ("qkv", 17, 3)])
def test_step_in_onnx(variant, tokens_, chunk, tmp_path):
    """onnxruntime alone runs a step with its sums, written by standard operators."""
    encoder = Encoder(variant, tokens_, 5)
    (tmp_path / "window.mlir").write_text(encoder.text())
    options = f"token-axis=x=1 chunk={chunk} rows=last frequencies=always"
    step = tmp_path / "step.onnx"
    result = onnx_steps.weir_opt(tmp_path / "window.mlir", f"--weir-continual={options}", "-o", step)
    assert result.returncode == 0, result.stderr
    x = tokens(8 * tokens_ + 1, encoder.width)
    entry = {"inputs": [{"name": "x", "token_axis": 1}]}
    outputs = onnx_steps.stream(streams.open_session(step), entry, {"x": x})["y"]
    assert largest_error(encoder, x, outputs, chunk, NEWEST) <= streams.TOLERANCE


@pytest.mark.parametrize("option", ["--semantics=stream", "--semantics=deep", "--warmup=partial", "--prove"])
def test_refused(option, tmp_path):
    model = tmp_path / "model.mlir"
    model.write_text(Encoder("qkv", 16, 5).text())
    result = streams.weir_run(model, "--token-axis=x=1", option)
    assert result.returncode == 1
    assert "error: " in result.stderr and "help: " in result.stderr
