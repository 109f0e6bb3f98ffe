"""Under WEIR_FULL=1 (`./dev test --full`): fresh exports of the whole cross product, and other seeds."""

import concurrent.futures
import subprocess
import sys

import pytest
import streams

# One worker: the export is made once, and each test spreads over both cores by itself.
pytestmark = [
    pytest.mark.skipif(not streams.FULL, reason="WEIR_FULL is not 1"),
    pytest.mark.xdist_group("full"),
]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The manifest of models that PyTorch wrote just now."""
    folder = tmp_path_factory.mktemp("models")
    script = streams.MODELS / "export_models.py"
    subprocess.run([sys.executable, script, "--all", folder], check=True, stdout=subprocess.DEVNULL)
    return streams.load_manifest(folder)


def fault_of(entry):
    """What is wrong with `entry` when streamed, or None."""
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    positions = ["--positions=exact"] if entry["positions"] else []
    chunk = entry["chunks"][-1]
    result, outputs = streams.run_stream(
        entry, tokens, f"--chunk={chunk}", "--verify", "--verify-slides", *positions
    )
    if result.returncode != 0 or outputs is None:
        return f"exit code {result.returncode}: {result.stderr.strip()[-300:]}"
    try:
        off = streams.difference(
            outputs, streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
        )
    except AssertionError as wrong:
        return str(wrong)
    return f"differs by {off:.2g} of the largest value" if off > streams.TOLERANCE else None


def test_every_combination_of_exporter_opset_depth_and_norm(exported):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        faults = dict(zip([entry["file"] for entry in exported], pool.map(fault_of, exported)))
    assert {file: fault for file, fault in faults.items() if fault} == {}


def test_kept_models_are_what_the_script_writes(exported):
    """The same entries, so that a model of the repository is never one that nobody can write again."""
    kept = {entry["file"]: {**entry, "path": None} for entry in streams.manifest().values()}
    fresh = {entry["file"]: {**entry, "path": None} for entry in exported}
    assert all(fresh.get(file) == entry for file, entry in kept.items())


def test_kept_compressed_models_are_what_the_script_writes(tmp_path):
    script = streams.MODELS / "export_compressed.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, stdout=subprocess.DEVNULL)
    listed = lambda folder: [{**entry, "path": None} for entry in streams.load_manifest(folder)]
    assert listed(tmp_path) == listed(streams.MODELS / "compressed")


@pytest.mark.parametrize(
    "script, option, values",
    [
        ("fuzz.py", "--seeds", "1000:3000"),
        ("fuzz_stream.py", "--seeds", "1000:2000"),
        ("fuzz_rewrites.py", "--seeds", "1000:1600"),
        ("fuzz_attention.py", "--seeds", "1000:2000"),
        ("mutate_onnx.py", "--mutants", "10000:30000"),
    ],
)
def test_more_seeds(script, option, values):
    command = [sys.executable, streams.ROOT / "test" / "fuzz" / script, option, values]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-1000:]
