"""A step neither allocates nor calls the kernel: compiled models run where either is noticed."""

import signal
import sys

import native
import pytest
import streams

sys.path.insert(0, str(streams.ROOT))
from bench import encoders, workloads  # noqa: E402

# One block, retroactive blocks, class token, deep, a band, integers, recycled positions, several tokens a step.
MODELS = [
    ("layers_ts14", 1), ("layers_dynamo_2_gelu", 1), ("encoder_2_class_token", 1), ("layers_dynamo_6", 1),
    ("encoder_rotary_band", 1), ("words", 1), ("encoder_table_pre", 1), ("layers_ts17", 4),
]  # fmt: skip


def steady(made, *options):
    program = made.program("steady.c", *options)
    tokens = made.folder / "tokens.bin"
    tokens.write_bytes(made.pack(native.tokens_of(made)))
    return native.run([program, tokens], check=False)


@pytest.mark.parametrize("name, chunk", MODELS)
def test_a_step_needs_neither_kernel_nor_allocator(name, chunk):
    done = steady(native.artifact(name, f"--chunk={chunk}"))
    assert (done.returncode, done.stdout) == (0, "steady\n"), done.stderr


def test_threads_wait_by_futex_alone(tmp_path):
    size = workloads.Workload("encoder", "step", 24, 192, 4, 384)  # large enough to share out
    encoders.write_window(size, tmp_path / "encoder.onnx")
    stream = {"name": "x", "shape": [1, 24, 192], "token_axis": 1, "dtype": "float32"}
    entry = {"path": tmp_path / "encoder.onnx", "options": [], "positions": None, "inputs": [stream], "window": 24}
    made = native.Artifact(entry, tmp_path, "--threads=2")
    assert made.manifest["threads"] == 2
    done = steady(made, "-DTHREADS=2")
    assert (done.returncode, done.stdout) == (0, "steady\n"), done.stderr


def test_what_is_forbidden_is_noticed():
    made = native.artifact("layers_ts14", "--chunk=1")
    assert steady(made, "-DCALL_ALLOCATOR").stdout == "a step allocates\n"
    assert steady(made, "-DCALL_KERNEL").returncode == -signal.SIGSYS
