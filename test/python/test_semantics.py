"""What a step equals: the original model on the whole stream so far, or that of a model with banded attention.

The models have a symbolic length, so that onnxruntime runs the original on every prefix of the stream.
"""

import pathlib
import re
import sys

import numpy as np
import onnx
import onnx_steps
import pytest
import retype
import streams

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
import fuzz_stream  # noqa: E402
from symbolic_encoder import TABLE, WIDTH, Encoder  # noqa: E402


def save(folder, name="encoder", **parts):
    path = folder / f"{name}.onnx"
    onnx.save(Encoder(**parts).g.model(), path)
    return path


def entry_of(path, window):
    one = {"name": "x", "shape": [1, window, WIDTH], "token_axis": 1, "dtype": "float32"}
    return {"path": path, "window": window, "inputs": [one], "options": [f"--window={window}", "--token-axis=x=1"]}


def random_tokens(length, seed=1):
    return np.random.default_rng(seed).standard_normal((1, length, WIDTH)).astype(np.float32)


def run(path, window, tokens, *options):
    return streams.run_stream(entry_of(path, window), {"x": tokens}, *options)


def on_prefixes(path, tokens, ends):
    """Outputs of the original on the first `end` tokens, for each end."""
    session = streams.open_session(path)
    return [session.run(None, {"x": tokens[:, :end]})[0] for end in ends]


def check_steps(got, prefixes):
    """Each step has the last rows of its prefix; those before the first token are zeros."""
    assert len(got) == len(prefixes)
    scale = max(np.abs(want).max() for want in prefixes)
    for have, want in zip(got, prefixes):
        if want.ndim == 3:
            absent = max(0, have.shape[1] - want.shape[1])
            assert not have[:, :absent].any()
            have, want = have[:, absent:], want[:, -have.shape[1] :]
        assert np.abs(have - want).max() <= streams.TOLERANCE * scale


CASES = [
    (dict(blocks=1, band=(3, 0)), []),
    (dict(blocks=3, band=(3, 0)), ["--rows=last"]),
    (dict(blocks=3, band=(3, 0)), ["--chunk=4", "--entries=all"]),
    (dict(blocks=6, band=(4, 0), head="newest"), []),
    (dict(blocks=3, band=(3, 0), head="newest"), ["--chunk=2", "--entries=all"]),
    (dict(band=(0, 0)), []),
    (dict(band=(3, 0), bias="alibi"), ["--chunk=2"]),
    (dict(band=(3, 0), bias="relative"), ["--rows=last"]),
    (dict(blocks=3, band=(3, 0), rotary=True), ["--chunk=2", "--entries=all"]),
    (dict(blocks=4, band=(3, 0), rotary=True, head="newest"), []),
    (dict(band=(3, 0), front={}), ["--chunk=4"]),
    (dict(band=(3, 0), front={}, head="newest"), []),
    (dict(band=(3, 0), front=dict(op="MaxPool")), []),
]


def chunk_of(options):
    return next((int(option.removeprefix("--chunk=")) for option in options if option.startswith("--chunk")), 1)


@pytest.mark.parametrize("parts, options", CASES, ids=str)
def test_stream_equals_the_model_on_the_whole_stream(tmp_path, parts, options):
    window, length, chunk = 8, 41, chunk_of(options)
    path, tokens = save(tmp_path, **parts), random_tokens(length)
    result, outputs = run(path, window, tokens, "--semantics=stream", "--verify", *options)
    assert result.returncode == 0, result.stderr
    check_steps(outputs["y"], on_prefixes(path, tokens, range(chunk, length + 1, chunk)))
    assert f"verify: {length // chunk} steps" in result.stdout


@pytest.mark.parametrize("front", [dict(kernel=3, stride=2, before=1), dict(kernel=2, stride=2, before=0)], ids=str)
def test_stream_of_strided_tokens(tmp_path, front):
    path, tokens = save(tmp_path, band=(2, 0), front=front), random_tokens(40)
    result, outputs = run(path, 8, tokens, "--semantics=stream", "--verify", "--chunk=2")
    assert result.returncode == 0, result.stderr
    check_steps(outputs["y"], on_prefixes(path, tokens, range(2, 41, 2)))


def test_stream_may_be_shorter_than_a_window(tmp_path):
    path, tokens = save(tmp_path, band=(3, 0)), random_tokens(5)
    result, outputs = run(path, 8, tokens, "--semantics=stream", "--verify", "--entries=all")
    assert result.returncode == 0, result.stderr
    check_steps(outputs["y"], on_prefixes(path, tokens, range(1, 6)))


@pytest.mark.parametrize(
    "parts, options",
    [
        (dict(blocks=3), ["--entries=all"]),
        (dict(blocks=3, head="newest"), ["--warmup=partial"]),
        (dict(blocks=2, bias="relative"), ["--rows=last"]),
        (dict(blocks=2, rotary=True), []),
        (dict(blocks=2), ["--chunk=2", "--entries=all"]),
    ],
    ids=str,
)
def test_stream_of_a_band_as_long_as_the_rings(tmp_path, parts, options):
    """But for one row, or two, all of a ring is read: where it lies, in any order, and old rows count for nothing."""
    length, chunk = 60, chunk_of(options)
    window = 16 + chunk
    path, tokens = save(tmp_path, band=(15, 0), **parts), random_tokens(length)
    result, outputs = run(path, window, tokens, "--semantics=stream", "--verify", *options)
    assert result.returncode == 0, result.stderr
    check_steps(outputs["y"], on_prefixes(path, tokens, range(chunk, length + 1, chunk)))


def test_nothing_is_left_of_old_rows(tmp_path):
    tokens = random_tokens(60)
    path = save(tmp_path, blocks=1, band=(15, 0), head="newest")
    [want] = run(path, 17, tokens, "--semantics=stream")[1].values()
    tokens[:, 20] = np.nan
    [got] = run(path, 17, tokens, "--semantics=stream")[1].values()
    is_lost = np.isnan(got).reshape(len(got), -1).any(axis=1)
    assert list(np.flatnonzero(is_lost)) == list(range(20, 36))
    np.testing.assert_array_equal(got[~is_lost], want[~is_lost])


def test_window_semantics_forget_what_stream_semantics_keep(tmp_path):
    path, tokens = save(tmp_path, blocks=3, band=(3, 0), head="newest"), random_tokens(40)
    result, _ = run(path, 8, tokens, "--semantics=window", "--verify")
    assert result.returncode == 0, result.stderr
    # The receptive field, 10 tokens, is more than the window holds.
    result, _ = run(path, 8, tokens, "--semantics=window", "--verify", "--against=stream")
    assert result.returncode == 3 and "step and whole stream differ" in result.stderr
    result, _ = run(path, 8, tokens, "--semantics=stream", "--verify", "--against=window")
    assert result.returncode == 3 and "step and window differ" in result.stderr
    # Where the window holds it both are the same.
    result, _ = run(path, 12, tokens, "--semantics=stream", "--verify", "--against=window")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "parts, options",
    [
        (dict(), []),
        (dict(), ["--chunk=4", "--entries=all"]),
        (dict(blocks=4, head="newest"), ["--entries=all"]),
        (dict(bias="alibi"), ["--chunk=2"]),
        (dict(bias="relative", blocks=3), ["--rows=last"]),
        (dict(rotary=True, blocks=3), ["--chunk=2"]),
        (dict(front={}), []),
        (dict(front=dict(kernel=3, stride=2, before=1)), ["--chunk=2"]),
        (dict(band=(3, 0)), ["--chunk=2"]),
    ],
    ids=str,
)
def test_deep_equals_a_model_of_banded_attention(tmp_path, parts, options):
    window, length, chunk = 8, 41, chunk_of(options)
    keys = (window - chunk) // parts.get("front", {}).get("stride", 1)
    before = min(keys, parts.get("band", (window, 0))[0])
    path, banded = save(tmp_path, **parts), save(tmp_path, "banded", **{**parts, "band": (before, 0)})
    tokens = random_tokens(length)
    result, outputs = run(path, window, tokens, "--semantics=deep", "--verify", *options)
    assert result.returncode == 0, result.stderr
    assert "warning: semantics=deep" in result.stderr
    check_steps(outputs["y"], on_prefixes(banded, tokens, range(chunk, length + 1, chunk)))


def test_deep_is_another_model(tmp_path):
    path, tokens = save(tmp_path, blocks=2), random_tokens(30)
    for against in ["window", "stream"]:
        result, _ = run(path, 8, tokens, "--semantics=deep", "--verify", f"--against={against}")
        assert result.returncode == 3 and "differ by more than" in result.stderr
    # One block with its newest row alone caches what it would compute.
    path = save(tmp_path, "one", blocks=1, head="newest")
    result, _ = run(path, 8, tokens, "--semantics=deep", "--verify", "--against=window")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "parts, options, reason, advice",
    [
        (dict(), ["--semantics=stream"], "softmax over the token axis: all tokens of the stream", "semantics=deep"),
        (dict(band=(TABLE, 0)), ["--semantics=stream"], "lets a token see all 7 of the window before it", "--window"),
        (dict(band=(3, 1)), ["--semantics=stream"], "reads up to 1 tokens ahead", "semantics=window"),
        (dict(band=(3, 0), front=dict(before=1, after=1)), ["--semantics=stream"], "reads up to 1 tokens ahead", "looks back"),
        (dict(band=(3, 0), head="mean"), ["--semantics=stream"], "reduces over the token axis", "semantics=window"),
        (dict(head="mean"), ["--semantics=deep"], "reduces over the token axis", "semantics=window"),
        (dict(band=(3, 0), table=True), ["--semantics=stream"], "absolute positions", "positions=recycle"),
        (dict(band=(3, 0), table=True), ["--semantics=stream", "--positions=exact"], "varies along the token axis", "positions=recycle"),
        (dict(band=(3, 0)), ["--semantics=stream", "--rows=first"], "takes a token that has not come", "semantics=window"),
        (dict(band=(6, 0)), ["--semantics=stream", "--chunk=4"], "the oldest of 4 new tokens sees 6 before it", "--window of at least 10"),
        (dict(band=(3, 0)), ["--semantics=stream", "--chunk=3"], "no multiple of the 3 tokens of a step", "--window=9"),
    ],
    ids=str,
)  # fmt: skip
def test_refuses_what_depends_on_other_tokens(tmp_path, parts, options, reason, advice):
    result, outputs = run(save(tmp_path, **parts), 8, random_tokens(20), *options)
    assert result.returncode == 1 and outputs is None
    assert reason in result.stderr and advice in result.stderr.split("help:")[1]


def test_verify_on_the_whole_stream_needs_a_symbolic_length(tmp_path):
    path = streams.MODELS / "encoder_band.onnx"
    entry = streams.manifest()["encoder_band"]
    tokens = streams.random_streams(entry, 3 * entry["window"])
    result, outputs = streams.run_stream(dict(entry, path=path), tokens, "--verify", "--against=stream")
    assert result.returncode == 1 and outputs is None
    assert "fixes the length of its input" in result.stderr and "--against=window" in result.stderr


@pytest.mark.parametrize("options", [["--against=stream"], ["--semantics=past"], ["--positions=recycle:0"], ["--positions=exact:3"]])
def test_usage(tmp_path, options):
    result = streams.weir_run(save(tmp_path), "--window=8", *options)
    assert result.returncode == 2, result.stderr


@pytest.mark.parametrize("layout", ["shift", "ring"])
@pytest.mark.parametrize("semantics", ["stream", "deep"])
def test_step_models_in_onnx(tmp_path, semantics, layout):
    path, window, chunk = save(tmp_path, blocks=3, band=(3, 0), head="newest"), 8, 2
    tokens = random_tokens(31)
    step = onnx_steps.make_step(
        entry_of(path, window), tmp_path / "step.onnx", layout=layout, chunk=chunk, semantics=semantics
    )
    want = on_prefixes(path, tokens, range(chunk, 31, chunk))
    got = onnx_steps.stream(streams.open_session(step), entry_of(step, window), {"x": tokens})["y"]
    check_steps(got, want)
    result, outputs = streams.run_stream(dict(entry_of(step, window), options=[]), {"x": tokens})
    assert result.returncode == 0, result.stderr
    check_steps(outputs["y"], want)


def recycled(path, folder, period):
    """The original with the table read by time mod period: a table of all times."""
    model = onnx.load(path)
    [table] = [one for one in model.graph.initializer if list(one.dims) == [TABLE, WIDTH]]
    rows = onnx.numpy_helper.to_array(table)[np.arange(4 * TABLE) % period]
    table.CopyFrom(onnx.numpy_helper.from_array(rows, table.name))
    other = folder / f"recycled_{period}.onnx"
    onnx.save(model, other)
    return other


@pytest.mark.parametrize(
    "period, options",
    [(8, ["--chunk=3"]), (11, []), (11, ["--chunk=3"]), (11, ["--rows=last", "--entries=all"]), (TABLE, [])],
    ids=str,
)
def test_tables_recycle_after_a_period(tmp_path, period, options):
    """Window semantics: the token of stream time t has row t mod period in every window."""
    path, window, tokens = save(tmp_path, table=True, blocks=2), 8, random_tokens(41)
    chunk = chunk_of(options)
    word = "recycle" if period == window else f"recycle:{period}"
    result, outputs = run(path, window, tokens, f"--positions={word}", "--verify", *options)
    assert result.returncode == 0, result.stderr
    model = onnx.load(path)
    [table] = [one for one in model.graph.initializer if list(one.dims) == [TABLE, WIDTH]]
    rows, name = onnx.numpy_helper.to_array(table), table.name
    starts = streams.step_starts(41, window, chunk)
    assert len(outputs["y"]) == len(starts)
    model.graph.initializer.remove(table)
    model.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, rows.shape))
    session = streams.open_session(model)
    for start, have in zip(starts, outputs["y"]):
        turned = rows.copy()
        turned[:window] = rows[np.arange(start, start + window) % period]
        want = session.run(None, {"x": tokens[:, start : start + window], name: turned})[0]
        assert np.abs(have - want[:, -have.shape[1] :]).max() <= streams.TOLERANCE * np.abs(want).max()


@pytest.mark.parametrize("semantics, period", [("stream", 8), ("stream", 11), ("deep", 11)])
def test_tables_recycle_on_the_whole_stream(tmp_path, semantics, period):
    path, window, tokens = save(tmp_path, table=True, band=(3, 0)), 8, random_tokens(41)
    result, outputs = run(path, window, tokens, f"--semantics={semantics}", f"--positions=recycle:{period}", "--verify")
    assert result.returncode == 0, result.stderr
    check_steps(outputs["y"], on_prefixes(recycled(path, tmp_path, period), tokens, range(1, 42)))


def test_a_table_has_its_own_rows_only(tmp_path):
    path = save(tmp_path, table=True)
    result, outputs = run(path, 8, random_tokens(20), f"--positions=recycle:{TABLE + 1}")
    assert result.returncode == 1 and outputs is None
    assert f"no position table of {TABLE + 1} rows is found" in result.stderr and "help:" in result.stderr
    result, outputs = run(path, 8, random_tokens(20), "--positions=recycle:7")
    assert result.returncode == 1 and "would repeat inside of a window of 8" in result.stderr
    # A file of a fixed length has been cut to the window.
    path = streams.MODELS / "encoder_table_pre.onnx"
    window = streams.manifest()["encoder_table_pre"]["window"]
    result = streams.weir_run(path, f"--positions=recycle:{window + 1}", "--explain")
    assert result.returncode == 1 and f"no position table of {window + 1} rows is found" in result.stderr


@pytest.mark.parametrize("seed", range(16))
def test_random_encoders(tmp_path, seed):
    assert fuzz_stream.failure(seed, tmp_path) is None, fuzz_stream.sample(seed)


def test_proofs_are_of_windows(tmp_path):
    result = streams.weir_run(save(tmp_path, band=(3, 0)), "--window=8", "--semantics=stream", "--prove")
    assert result.returncode == 1
    assert "--prove holds steps against windows" in result.stderr and "help: use --verify" in result.stderr


@pytest.mark.parametrize("name, bits", [("float16", 10), ("bfloat16", 7)])
def test_narrow_models_are_compared_in_float32(tmp_path, name, bits):
    """What step and whole stream compute is rounded once, at the outputs: they differ by one last place at most."""
    path = tmp_path / "narrow.onnx"
    onnx.save(retype.retyped(Encoder(blocks=2, band=(3, 0)).g.model(), name), path)
    tokens = {"x": retype.clamped(random_tokens(40), name)}
    result, _ = streams.run_stream(entry_of(path, 8), tokens, "--semantics=stream", "--verify")
    assert result.returncode == 0, result.stderr
    largest, scale = re.search(r"largest difference (\S+) \(.* of the largest output (\S+)\)", result.stdout).groups()
    assert float(largest) <= 2.0 ** (np.floor(np.log2(float(scale))) - bits), result.stdout
