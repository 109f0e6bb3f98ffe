"""`--threads=N`: the bits of one thread, whatever the team."""

import re
import subprocess

import native
import numpy as np
import pytest
import streams

# One block and several; class token, pooling, band, padding, batches, chunks, tokens first, tables, retroactive updates.
MODELS = [
    ("layers_ts17", 1), ("layers_ts17", 3), ("layers_dynamo_2_gelu", 1), ("layers_dynamo_3_pre", 4), ("layers_dynamo_6", 1),
    ("encoder_2_class_token", 1), ("layers_ts_2_mean", 4), ("encoder_both", 1), ("layers_ts_batch3", 1),
    ("layers_ts_tokens_first", 4), ("words", 1), ("layers_ts_padding", 1), ("encoder_2_causal", 4), ("encoder_rotary_band", 1),
    ("encoder_table_pre", 1), ("encoder_front_patch", 2),
]  # fmt: skip


def run(entry, tmp_path, *options):
    output = tmp_path / "outputs.npz"
    paths = []
    for name, array in streams.random_streams(entry, 3 * entry["window"] + 2, 0).items():
        np.save(tmp_path / f"{name}.npy", array)
        paths += ["--stream", f"{name}={tmp_path / name}.npy"]
    positions = ["--positions=exact"] if entry["positions"] else []
    tool = streams.BUILD / "bin" / "weir-run"
    native.run([tool, entry["path"], *entry["options"], *positions, *paths, "--output", output, *options])
    with np.load(output) as arrays:
        return {name: arrays[name] for name in arrays}


TINY = "--least-shared=1"  # these models are too small to gain


@pytest.mark.parametrize("name, chunk", MODELS)
def test_any_team_gives_the_same_bits(name, chunk, tmp_path):
    entry = streams.manifest()[name]
    for options in ([f"--chunk={chunk}"], [f"--chunk={chunk}", "--rewrite=none"]):
        alone = run(entry, tmp_path, *options)
        for threads in (2, 3, 5):
            shared = run(entry, tmp_path, *options, TINY, f"--threads={threads}")
            for key, values in alone.items():
                np.testing.assert_array_equal(shared[key].view(np.uint8), values.view(np.uint8))


@pytest.mark.parametrize("clustering", ["topk", "sa-greedy", "sa-rounds"])
def test_any_team_finds_the_same_clusters(clustering, tmp_path):
    entry = streams.manifest()["layers_ts14"]
    options = ["--rewrite=cast", f"--calibrate=x={tmp_path}/x.npy", f"--rewrite-options=clusters=2 size=4 from=kmeans clustering={clustering}"]
    alone = run(entry, tmp_path, *options)
    for threads in (2, 3, 5):
        shared = run(entry, tmp_path, *options, TINY, f"--threads={threads}")
        for key, values in alone.items():
            np.testing.assert_array_equal(shared[key].view(np.uint8), values.view(np.uint8))


@pytest.mark.parametrize("name, chunk", [("layers_ts17", 1), ("layers_dynamo_2_gelu", 1), ("encoder_both", 4)])
def test_pools(name, chunk, tmp_path):
    """Any size, any order of arrival, several callers and pools; no system call but futex."""
    made = native.artifact(name, f"--chunk={chunk}", TINY, "--threads=5")
    assert made.manifest["threads"] == 5
    tokens = tmp_path / "tokens"
    tokens.write_bytes(made.pack(native.tokens_of(made)))
    native.run([made.program("pooled.c", "-Wl,--wrap=syscall"), tokens, 100])


@pytest.mark.parametrize(
    "name, sizes, threads", [("layers_ts17", "1", 3), ("layers_ts17", "5,2", 2), ("layers_ts17", "64", 5), ("encoder_both", "6", 3)]
)
def test_threads_share_streams(name, sizes, threads, tmp_path):
    """In any order and number, some given wrongly or twice: each has the bits that it has alone."""
    made = native.artifact(name, TINY, f"--streams={sizes}", f"--threads={threads}")
    assert made.manifest["threads"] == threads
    tokens = tmp_path / "tokens"
    tokens.write_bytes(made.pack(native.tokens_of(made, 1000)))
    program = made.program("interleave.c", "-O2", "-DPOOLED")
    for pool in (2, 3, 8):
        native.run([program, tokens, 300, pool])


def test_models_of_little_work_share_streams(tmp_path):
    """Each step stays on one thread."""
    made = native.artifact("layers_ts17", "--streams=8", "--threads=2")
    alone = native.artifact("layers_ts17", "--streams=8")
    assert made.manifest["threads"] == 2
    assert made.manifest["scratch_bytes"] == 2 * alone.manifest["scratch_bytes"]
    assert made.manifest["hash"] == alone.manifest["hash"], "states are the same"


def test_code_for_one_thread_has_no_pool():
    made = native.artifact("layers_ts17")
    assert made.manifest["threads"] == 1
    assert "pool" not in (made.folder / "model.h").read_text()
    names = subprocess.run(["nm", "-u", made.object], capture_output=True, text=True, check=True).stdout
    assert not re.search("pthread|syscall|mmap", names)


@pytest.mark.parametrize("number", ["0", "65", "many"])
def test_numbers_of_threads_are_checked(number):
    model = streams.manifest()["layers_ts17"]["path"]
    refused = native.weir_compile(model, f"--threads={number}", "-o", "unwritten.o")
    assert refused.returncode == 2 and "threads" in refused.stderr


@pytest.mark.parametrize("target", ["x86-64-v2", "aarch64", "riscv64"])
def test_pools_are_compiled_for_any_processor(target):
    made = native.artifact("layers_ts17", TINY, "--threads=2", f"--target={target}")
    assert made.manifest["threads"] == 2
    assert b"pthread_create" in made.object.read_bytes()
