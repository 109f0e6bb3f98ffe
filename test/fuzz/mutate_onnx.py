"""Feed spoilt ONNX files to weir-opt and weir-run: each must be accepted or refused, never crash or hang.

usage: mutate_onnx.py [--mutants FIRST:END] [--jobs N] [--keep FOLDER]

Allowed is exit code 0, or 1 with a message; 10 seconds of processor time and 1 GiB of memory. Mutant 17 is
the same on every machine; --mutants 17:18 --keep FOLDER leaves it there.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

import numpy as np
import onnx

import mutations

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build"))
BASES = [
    "layers_ts17", "layers_dynamo_2_gelu", "fused_dynamo23_causal", "encoder_2_rotary", "encoder_band", "encoder_front_same",
    "encoder_class_token", "encoder_relative", "layers_ts_padding", "words", "multihead_ts", "layers_dynamo_dynamic",
]  # fmt: skip
SECONDS, MEMORY = 10, 1 << 30
WEIR_RUN_EVERY = 8  # it compiles, weir-opt only reads; which one takes which mutant is fixed
SANITIZED = os.environ.get("WEIR_SANITIZE") == "1"  # sanitizers reserve terabytes of addresses


@dataclasses.dataclass
class Mutant:
    number: int
    kind: str
    base: str
    hostile: bool
    path: pathlib.Path


def spoil(number, folder):
    """Write mutant `number` into `folder`."""
    rng = np.random.default_rng(number)
    base = BASES[rng.integers(len(BASES))]
    source = ROOT / "test" / "models" / f"{base}.onnx"
    path = folder / "model.onnx"
    group = [mutations.BYTES, mutations.GRAPHS, mutations.HOSTILE][rng.choice(3, p=[0.35, 0.5, 0.15])]
    mutation = group[rng.integers(len(group))]
    if group is mutations.BYTES:
        path.write_bytes(mutation(source.read_bytes(), rng))
    else:
        model = onnx.load(source)
        merged = mutation(model, rng, folder) or b""
        path.write_bytes(model.SerializeToString() + merged)
    return Mutant(number, mutation.__name__, base, group is mutations.HOSTILE, path)


def limited(command):
    """`command` without core files, and with an end to endless loops and to memory."""
    limits = ["prlimit", "--core=0", f"--cpu={SECONDS * 6}"]
    return limits + ([] if SANITIZED else [f"--as={4 * MEMORY}"]) + command


def run(command):
    """(exit code, standard error, seconds, bytes); a signal is a negative code."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(limited(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        # Waiting on a pipe costs no processor time, so the wall clock needs an end as well.
        timer = threading.Timer(SECONDS * 6, child.kill)
        timer.start()
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return child.returncode, said.read().decode(errors="replace"), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def complaint(mutant, tools):
    """What the tool did wrong, or None."""
    if mutant.number % WEIR_RUN_EVERY == 0:
        command = [tools["weir-run"], mutant.path, "--window=8", "--explain=json"]
    else:
        command = [tools["weir-opt"], mutant.path, "-o", os.devnull]
    code, said, seconds, memory = run([str(word) for word in command])
    tool = command[0].name
    slower = 20 if SANITIZED else 1
    if code not in (0, 1):
        return f"{tool}: exit code {code}: {said.strip()[-400:]}"
    if seconds > SECONDS * slower:
        return f"{tool}: {seconds:.1f} s"
    if memory > MEMORY * (4 if SANITIZED else 1):
        return f"{tool}: {memory >> 20} MiB"
    if code == 1 and "error:" not in said:
        return f"{tool}: refused without an error message: {said.strip()[-200:]!r}"
    if code == 0 and mutant.hostile:
        return f"{tool}: accepted what nobody may accept"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", default="0:2000", help="FIRST:END")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path, help="leave the mutants in this folder")
    arguments = parser.parse_args()
    numbers = range(*map(int, arguments.mutants.split(":")))
    if not numbers:
        parser.error(f"no mutants in {arguments.mutants}")
    tools = {name: BUILD / "bin" / name for name in ("weir-opt", "weir-run")}
    for tool in tools.values():
        if not os.access(tool, os.X_OK):
            parser.error(f"{tool} is not there: run ./dev build, or set WEIR_BUILD")

    with tempfile.TemporaryDirectory() as scratch:
        top = arguments.keep or pathlib.Path(scratch)

        def try_out(number):
            folder = top / str(number) / "model"
            folder.mkdir(parents=True)
            mutant = spoil(number, folder)
            return mutant, complaint(mutant, tools)

        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            results = list(pool.map(try_out, numbers))

    bad = [(mutant, reason) for mutant, reason in results if reason]
    for mutant, reason in bad:
        print(f"mutant {mutant.number} ({mutant.kind} of {mutant.base}): {reason}")
    print(f"{len(results) - len(bad)} of {len(results)} mutants accepted or refused in good order")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
