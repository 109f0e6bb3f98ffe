"""Feed spoilt ONNX files to weir-opt and weir-run: each must be accepted or refused, never crash or hang.

usage: mutate_onnx.py [--mutants FIRST:END] [--jobs N] [--keep FOLDER]

The files as they were must be accepted. Of the spoilt ones exit code 0 is allowed, or 1 with a message,
within 10 seconds of processor time and 1 GiB of memory. Mutant 17 is the same on every machine;
--mutants 17:18 --keep FOLDER leaves it there.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

import numpy as np
import onnx

import hostile
import mutations

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import streams  # noqa: E402

BASES = [
    "layers_ts17", "layers_dynamo_2_gelu", "fused_dynamo23_causal", "encoder_2_rotary", "encoder_band",
    "encoder_front_same", "encoder_class_token", "encoder_relative", "layers_ts_padding", "words",
    "multihead_ts", "layers_dynamo_dynamic",
]  # fmt: skip
WEIR_RUN_EVERY = 8  # it compiles, weir-opt only reads; which one takes which mutant is fixed
SANITIZED = os.environ.get("WEIR_SANITIZE") == "1"
# Of one run. Sanitizers slow it down and hold back memory that was freed.
SECONDS, MEMORY = (200, 4 << 30) if SANITIZED else (10, 1 << 30)


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
    source = streams.MODELS / f"{base}.onnx"
    path = folder / "model.onnx"
    group = [mutations.BYTES, mutations.GRAPHS, hostile.HOSTILE][rng.choice(3, p=[0.35, 0.5, 0.15])]
    mutation = group[rng.integers(len(group))]
    if group is mutations.BYTES:
        path.write_bytes(mutation(source.read_bytes(), rng))
    else:
        model = onnx.load(source)
        merged = mutation(model, rng, folder) or b""
        path.write_bytes(model.SerializeToString() + merged)
    return Mutant(number, mutation.__name__, base, group is hostile.HOSTILE, path)


def limited(command):
    """`command` without core files, and with an end to endless loops and to memory."""
    limits = ["prlimit", "--core=0", f"--cpu={SECONDS * 6}"]
    # Sanitizers reserve terabytes of addresses.
    return limits + ([] if SANITIZED else [f"--as={4 * MEMORY}"]) + command


def run(command):
    """(exit code, standard error, seconds, bytes); a signal is a negative code."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            limited(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        # Waiting on a pipe costs no processor time, so the wall clock needs an end as well.
        timer = threading.Timer(SECONDS * 6, child.kill)
        timer.start()
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return (
            child.returncode,
            said.read().decode(errors="replace"),
            used.ru_utime + used.ru_stime,
            used.ru_maxrss * 1024,
        )


def commands(path, base):
    """What each tool is asked about a file: weir-opt reads it, weir-run compiles it too."""
    return {
        "weir-opt": [str(streams.WEIR_OPT), str(path), "-o", os.devnull],
        "weir-run": [
            str(streams.WEIR_RUN),
            str(path),
            *streams.manifest()[base]["options"],
            "--explain=json",
        ],
    }


def complaint(mutant):
    """(exit code, what the tool did wrong or None)."""
    tool = "weir-opt" if mutant.number % WEIR_RUN_EVERY else "weir-run"
    code, said, seconds, memory = run(commands(mutant.path, mutant.base)[tool])
    return code, fault(mutant, code, said, seconds, memory, tool)


def fault(mutant, code, said, seconds, memory, tool):
    if code not in (0, 1):
        return f"{tool}: exit code {code}: {said.strip()[-400:]}"
    if seconds > SECONDS:
        return f"{tool}: {seconds:.1f} s"
    if memory > MEMORY:
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
    for base in BASES:
        for tool, command in commands(streams.MODELS / f"{base}.onnx", base).items():
            code, said, _, _ = run(command)
            if code != 0:
                print(f"{base}: {tool}: exit code {code} for the file as it was: {said.strip()[-400:]}")
                return 1

    with tempfile.TemporaryDirectory() as scratch:
        top = arguments.keep or pathlib.Path(scratch)

        def try_out(number):
            folder = top / str(number) / "model"
            folder.mkdir(parents=True)
            mutant = spoil(number, folder)
            found = mutant, *complaint(mutant)
            if not arguments.keep:
                shutil.rmtree(folder.parent)
            return found

        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            results = list(pool.map(try_out, numbers))

    bad = [(mutant, reason) for mutant, _, reason in results if reason]
    for mutant, reason in bad:
        print(f"mutant {mutant.number} ({mutant.kind} of {mutant.base}): {reason}")
    accepted = sum(code == 0 for _, code, _ in results)
    refused = len(results) - accepted - len(bad)
    print(f"{len(results)} mutants: {accepted} accepted, {refused} refused in good order, {len(bad)} not")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
