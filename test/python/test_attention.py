"""Attentions in one op: raised models compute what they did, and nothing holds the scores of all tokens."""

import dataclasses
import pathlib
import re
import sys

import numpy as np
import pytest
import streams
from attention_cases import BIASES, FEW, MASKS, SHAPES, Case, module
from onnx_steps import pass_options, weir_opt

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
import fuzz_attention  # noqa: E402


EXPORTED = streams.load_manifest(streams.MODELS / "exported")
MODELS = {**streams.manifest(), **{entry["path"].stem: entry for entry in EXPORTED}}
del MODELS["segment_memory_ts17_eager"]  # keys of tokens and of the segments before: no token axis


def first_chunk(entry):
    return entry.get("chunk") or entry["chunks"][0]


def raising(entry):
    """Passes that prepare an entry's model and raise its attentions."""
    chunk = first_chunk(entry)
    axes = [f"{one['name']}={one['token_axis']}" for one in entry["inputs"] if one["token_axis"] is not None]
    tokens = f"token-axis={','.join(axes)}"
    assumed = " assume=no-padding" if "--assume=no-padding" in entry["options"] else ""
    return (
        f"weir-prepare-model{{{pass_options(entry, chunk)} {tokens}{assumed}}}",
        f"func.func(weir-raise-attention{{chunk={chunk} {tokens}}})",
    )


def lowered(source, *passes):
    """IR after these passes; and what they say of attentions that stay as they are."""
    remarks = ("--remarks-filter=weir", "--remark-format=emitRemark")
    result = weir_opt(source, f"--pass-pipeline=builtin.module({','.join(passes)})", *remarks)
    assert result.returncode == 0, result.stderr
    return result.stdout, re.findall(r'onnx.Softmax \| Category:weir \| Reason="(.*?)"', result.stderr)


@pytest.mark.parametrize("name", MODELS)
def test_raised_models_compute_what_they_did(name, tmp_path):
    entry = MODELS[name]
    text, reasons = lowered(entry["path"], *raising(entry))
    assert not reasons
    assert text.count("weir.attention") == entry.get("blocks", text.count("weir.attention")) > 0
    axes = [f"--token-axis={one['name']}={one['token_axis']}" for one in entry["inputs"] if one["token_axis"] is not None]
    raised = dict(entry, path=tmp_path / "raised.mlir", options=axes)
    raised["path"].write_text(text)
    chunk = first_chunk(entry)
    tokens = streams.random_streams(entry, entry["window"] + 3 * chunk, seed=2)
    result, outputs = streams.run_stream(raised, tokens, "--rewrite=none", f"--chunk={chunk}")
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def run(folder, text, arrays):
    """{output: array} of a module that takes arrays without tokens."""
    (folder / "module.mlir").write_text(text)
    options = ["--rewrite=none", "--output", folder / "out.npz"]
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
        options += ["--static", f"{name}={folder}/{name}.npy"]
    result = streams.weir_run(folder / "module.mlir", *options)
    assert result.returncode == 0, result.stderr
    with np.load(folder / "out.npz") as outputs:
        return {name: outputs[name][0] for name in outputs}


def faults_of(cases, folder):
    """Where strips give something else than what they are expanded to, or than NumPy in float64."""
    rng = np.random.default_rng(0)
    arrays = [case.arrays(rng) for case in cases]
    expected = [case.expected(given) for case, given in zip(cases, arrays)]
    stored = [case.stored(given) for case, given in zip(cases, arrays)]
    fed = {f"c{i}_{name}": value for i, given in enumerate(stored) for name, value in given.items()}
    text = module(cases, arrays, expected)
    whole = run(folder, text, fed)
    spelled, _ = lowered(folder / "module.mlir", "func.func(weir-expand-attention)")
    assert "weir.attention" not in spelled
    expanded = run(folder, spelled, fed)
    for i, (case, want) in enumerate(zip(cases, expected)):
        got, other = whole[f"c{i}"], expanded[f"c{i}"]
        scale = max(1, np.nanmax(np.abs(want)))  # values are about 1, and most results means of them
        close = lambda a, b, bound: np.allclose(a, b, rtol=0, atol=bound * scale, equal_nan=True)
        bound = {np.float32: 1e-6, np.float64: 1e-12}[case.dtype]
        if got.dtype != case.dtype or not close(got, other, bound):
            yield f"{case}: differs from its expansion by {np.nanmax(np.abs(got - other))}"
        if not close(got, want, bound + case.rounding):
            yield f"{case}: differs from NumPy by {np.nanmax(np.abs(got - want))}"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("cases", [SHAPES, FEW, BIASES, MASKS], ids=["shapes", "few", "biases", "masks"])
def test_strips_compute_what_whole_scores_do(cases, dtype, tmp_path):
    faults = list(faults_of([dataclasses.replace(case, dtype=dtype) for case in cases], tmp_path))
    assert not faults, "\n".join(faults)


def test_results_do_not_depend_on_the_batch(tmp_path):
    """Where the keys of all sequences are many, and those of each are few."""
    case = Case((2, 3, 1, 30), (2, 3, 100, 30), (2, 3, 100, 30), scale=0.2)

    def results(given):
        text = module([case], [given], [case.expected(given)])
        return run(tmp_path, text, {f"c0_{name}": value for name, value in given.items()})["c0"]

    arrays = case.arrays(np.random.default_rng(0))
    together = results(arrays)
    for i in range(2):
        alone = results({name: value[i : i + 1] for name, value in arrays.items()})
        np.testing.assert_array_equal(alone[0], together[i])


def scratch_bytes(entry, window, *between):
    """Bytes of all temporaries of the model on a window of so many tokens."""
    dynamic = dict(entry, options=[*entry["options"], f"--window={window}"])
    text, _ = lowered(entry["path"], raising(dynamic)[0], *between, "weir-bufferize")
    [scratch] = re.findall(r"memref<(\d+)xi8> \{weir.scratch\}", text)
    return int(scratch)


@pytest.mark.parametrize("name", ["layers_dynamo_dynamic", "encoder_dynamic"])
def test_memory_grows_linearly_in_the_tokens(name):
    entry = streams.manifest()[name]
    held = {n: scratch_bytes(entry, n) for n in (1024, 2048, 4096, 8192)}
    assert held[8192] <= 2.05 * held[4096] <= 2.05**2 * held[2048]
    # What a token takes is a few rows of features, of which the widest has that many numbers.
    assert held[8192] <= 8192 * 1024
    # Attentions that were raised early lie in memory like those that code generation finds.
    assert scratch_bytes(entry, 1024, raising(entry)[1]) == held[1024]


@pytest.mark.parametrize("seed", range(16))
def test_random_encoders(seed, tmp_path):
    result = fuzz_attention.result_of(seed, tmp_path)
    assert result.failure is None and not result.refused
    assert result.raised or result.left


def test_raised_models_are_written_with_the_operators_of_onnx(tmp_path):
    entry = streams.manifest()["layers_dynamo_padding"]
    passes = ",".join(raising(entry))
    result = weir_opt(entry["path"], f"--pass-pipeline=builtin.module({passes})", "-o", tmp_path / "raised.onnx")
    assert result.returncode == 0, result.stderr
    tokens = streams.random_streams(entry, entry["window"], seed=3)
    outputs = [
        streams.windows(streams.open_session(path), entry, tokens) for path in (tmp_path / "raised.onnx", entry["path"])
    ]
    assert streams.difference(*outputs) <= streams.TOLERANCE
