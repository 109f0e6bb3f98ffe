"""Feed spoilt files to weir-opt, weir-run and weir-compile: each must be accepted or refused, never crash or hang.

usage: mutate_onnx.py [--mutants FIRST:END] [--jobs N] [--keep FOLDER]

The files as they were must be accepted. Of the spoilt ones exit code 0 is allowed, or 1 with a message and
nothing written, within 10 seconds of processor time and 1 GiB of memory. Machine code may take 10 ms more for each
operand in the file: a graph of 10 000 nodes is no small one. Mutant 17 is the same on every
machine. A mutant that fails is printed with its recipe and the command that shows it again, and its file is left
in the folder that the last line names; --mutants 17:18 --keep FOLDER leaves any mutant in a folder.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import onnx

import mutations
from mutations import some

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import streams  # noqa: E402

BASES = [
    "layers_ts17", "layers_dynamo_2_gelu", "fused_dynamo23_causal", "encoder_2_rotary", "encoder_band",
    "encoder_front_same", "encoder_class_token", "encoder_relative", "layers_ts_padding", "words",
    "multihead_ts", "layers_dynamo_dynamic", "encoder_front_causal", "encoder_table_pre", "fused_ts14",
]  # fmt: skip
STREAMED = ["encoder_band", "encoder_last"]  # models of one float32 stream x, for spoilt stream files
WEIGHTS = {
    "bytes": 20, "nodes": 18, "attributes": 14, "tensors": 14, "shapes": 10, "names": 4, "functions": 6,
    "external": 4, "giants": 8, "deep": 3, "streams": 2,
}  # fmt: skip
WEIR_COMPILE = streams.BUILD / "bin" / "weir-compile"
SANITIZED = os.environ.get("WEIR_SANITIZE") == "1"
# Of one run. Sanitizers slow it down and hold back memory that was freed.
SECONDS, MEMORY = (200, 4 << 30) if SANITIZED else (10, 1 << 30)


@dataclasses.dataclass
class Mutant:
    number: int
    base: str
    mutation: mutations.Mutation
    command: list
    written: pathlib.Path  # where the tool may write
    seconds: float  # that it may take

    def __str__(self):
        return f"mutant {self.number} ({self.mutation.name} of {self.base})"


def spoil_stream(number, mutation, rng, folder, written):
    """Write a stream file, for a model as it is."""
    base = some(rng, STREAMED)
    entry = streams.manifest()[base]
    array = streams.random_streams(entry, 2 * entry["window"], number)["x"]
    path = folder / "x.npy"
    path.write_bytes(mutation.apply(array, rng))
    model, output = streams.MODELS / f"{base}.onnx", written / "out.npz"
    command = [streams.WEIR_RUN, model, "--stream", f"x={path}", "--output", output]
    return Mutant(number, base, mutation, [str(word) for word in command], written, SECONDS)


def spoil_model(number, mutation, rng, folder, written):
    base = some(rng, BASES)
    source = streams.MODELS / f"{base}.onnx"
    path, operands = folder / "model.onnx", 0
    if mutation.group == "bytes":
        path.write_bytes(mutation.apply(source.read_bytes(), rng))
    else:
        model = onnx.load(source)
        appended = mutation.apply(model, rng, folder) or b""
        path.write_bytes(model.SerializeToString() + appended)
        operands = sum(len(node.input) for node in model.graph.node)
    # weir-run and weir-compile make machine code, which takes ten times as long.
    tool = rng.choice(4, p=[0.45, 0.45, 0.05, 0.05])
    command = list(commands_of(path, base, written, rng))[tool]
    seconds = SECONDS + (operands * SECONDS / 1000 if tool > 1 else 0)
    return Mutant(number, base, mutation, command, written, seconds)


def spoil(number, folder):
    """Write mutant `number` into `folder`."""
    rng = np.random.default_rng(number)
    weights = np.array(list(WEIGHTS.values()), float)
    mutation = some(rng, mutations.GROUPS[list(WEIGHTS)[rng.choice(len(WEIGHTS), p=weights / weights.sum())]])
    written = folder.parent / "written"
    for made in (folder, written):
        made.mkdir(parents=True)
    spoil_file = spoil_stream if mutation.group == "streams" else spoil_model
    return spoil_file(number, mutation, rng, folder, written)


def commands_of(path, base, written, rng=None):
    """What each tool is asked about a file; with `rng`, sometimes with odd sizes."""
    options = list(streams.manifest()[base]["options"])
    passes = "weir-prepare-model,weir-continual{positions=recycle}"
    if rng is not None and rng.random() < 0.1:
        window = some(rng, [1, 8, 64, 4096, 10**9, 2**62])
        passes = f"weir-prepare-model{{window={window}}},weir-continual{{positions=recycle}}"
        odd = [f"--window={window}", f"--chunk={window}", f"--rows={window}", f"--dim=batch={window}"]
        options = [*options, some(rng, odd)] if rng.random() < 0.5 else [odd[0]]
    elif "--window=8" in options:
        passes = passes.replace("weir-prepare-model", "weir-prepare-model{window=8}")
    # A step leaves as a model of ONNX, too.
    output = str(written / ("model.onnx" if rng is not None and rng.random() < 0.3 else "model.mlir"))
    yield [str(streams.WEIR_OPT), str(path), "-o", output]
    yield [
        str(streams.WEIR_OPT), str(path), f"--pass-pipeline=builtin.module({passes})", "-o", output
    ]  # fmt: skip
    positions = "--positions=recycle"
    yield [
        str(streams.WEIR_RUN),
        str(path),
        *options,
        positions,
        "--explain=json",
        "--report",
        str(written / "why.json"),
    ]
    yield [str(WEIR_COMPILE), str(path), *options, positions, "-o", str(written / "model.o")]


def limited(command, seconds):
    """`command` without core files, and with an end to endless loops and to memory."""
    limits = ["prlimit", "--core=0", f"--cpu={int(seconds) + 2}"]
    # Sanitizers reserve terabytes of addresses.
    return limits + ([] if SANITIZED else [f"--as={4 * MEMORY}"]) + command


def run(command, seconds=SECONDS):
    """(exit code, standard error, seconds, bytes); a signal is a negative code."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            limited(command, seconds), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said
        )
        # Waiting on a pipe costs no processor time, so the wall clock needs an end as well: on a busy machine, a late one.
        timer = threading.Timer(seconds * 60, child.kill)
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


def fault(mutant, code, said, seconds, memory):
    """What the tool did wrong, or None."""
    if seconds > mutant.seconds:
        return f"{seconds:.1f} s"
    if memory > MEMORY:
        return f"{memory >> 20} MiB"
    if code not in (0, 1):
        return f"exit code {code}: {said.strip()[-400:]}"
    if code == 1 and "error:" not in said:
        return f"refused without an error message: {said.strip()[-200:]!r}"
    if code == 1 and any(mutant.written.iterdir()):
        return f"refused, but wrote {[path.name for path in mutant.written.iterdir()]}"
    if code == 0 and mutant.mutation.refused:
        return "accepted what nobody may accept"
    return None


def try_out(number, top, keep):
    """(mutant, exit code, fault, seconds, bytes) of mutant `number`, which stays in `top` when it fails."""
    folder = top / str(number)
    mutant = spoil(number, folder / "model")
    code, said, seconds, memory = run(mutant.command, mutant.seconds)
    wrong = fault(mutant, code, said, seconds, memory)
    if not wrong and not keep:
        shutil.rmtree(folder)
    elif keep:
        (folder / "said.txt").write_text(said)
    return mutant, code, wrong, seconds, memory


def refused_base():
    """What a tool says against a file that nobody spoilt, or None."""
    with tempfile.TemporaryDirectory() as scratch:
        for base in BASES:
            commands = list(commands_of(streams.MODELS / f"{base}.onnx", base, pathlib.Path(scratch)))
            for command in commands if base == BASES[0] else commands[:2]:
                code, said, _, _ = run(command)
                if code != 0:
                    return f"{shlex.join(command)}: exit code {code} for the file as it was: {said.strip()[-400:]}"
    return None


def run_all(numbers, top, keep, jobs):
    """The results, in order; those that are not in order are printed as they come."""
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for result in pool.map(lambda number: try_out(number, top, keep), numbers):
            mutant, _, wrong, *_ = result
            if wrong:
                print(f"{mutant}: {wrong}\n  {shlex.join(mutant.command)}", flush=True)
            results.append(result)
    return results


def print_summary(results, began):
    bad = [mutant for mutant, _, wrong, *_ in results if wrong]
    for label, index, unit in [("slowest", 3, "s"), ("largest", 4, "MiB")]:
        worst = max(results, key=lambda result: result[index])
        value = worst[index] if unit == "s" else worst[index] >> 20
        print(f"{label}: {worst[0]}: {value:.3g} {unit}")
    counts = collections.Counter(mutant.mutation.group for mutant, *_ in results)
    print("by kind:", ", ".join(f"{count} {group}" for group, count in sorted(counts.items())))
    accepted = sum(code == 0 for _, code, *_ in results)
    refused = (
        len(results) - accepted - len([wrong for mutant, code, wrong, *_ in results if wrong and code != 0])
    )
    print(
        f"{len(results)} mutants: {accepted} accepted, {refused} refused in good order, {len(bad)} not in order"
        f" ({time.monotonic() - began:.0f} s)"
    )
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", default="0:2000", help="FIRST:END")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path, help="leave all mutants in this folder")
    arguments = parser.parse_args()
    numbers = range(*map(int, arguments.mutants.split(":")))
    if not numbers:
        parser.error(f"no mutants in {arguments.mutants}")
    began = time.monotonic()
    if reason := refused_base():
        print(reason)
        return 1

    top = arguments.keep or pathlib.Path(tempfile.mkdtemp(prefix="weir-mutants-"))
    results = run_all(numbers, top, arguments.keep, arguments.jobs)
    bad = print_summary(results, began)
    if bad:
        print(f"the mutants are in {top}")
    elif not arguments.keep:
        shutil.rmtree(top)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
