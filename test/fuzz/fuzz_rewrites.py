"""Run random encoders with compressed attention, and compress the attention of random encoders.

usage: fuzz_rewrites.py --seeds FIRST:END [--jobs N] [--keep FOLDER]

Two claims a seed. An encoder whose attention is compressed already (compressed_encoder.py), spelled in standard operators
and as functions of domain `weir`: every window of its stream equals onnxruntime, and both spellings become the same ops
of Weir. And a random encoder with full attention (random_encoder.py), compressed by --rewrite=dct or cast with random
options: every window equals the golden functions in float64, or where every token is in every cluster the model itself.
Exit code 1 when one differs, or when a refusal gives no reason. A seed that fails is run again alone with --seeds SEED:SEED+1 --keep FOLDER, which leaves its models there.
"""

import collections
import functools
import pathlib
import re
import subprocess
import sys
import time

import onnx

import compressed_encoder
import driver
import rewritten

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import streams  # noqa: E402

WEIR_OP = re.compile(r"= (weir\.\w+)")


def prepared_ops(path, axis):
    """{op of Weir: how often} in the prepared window."""
    pipeline = f"builtin.module(weir-prepare-model{{token-axis=x={axis}}})"
    run = subprocess.run(
        [streams.WEIR_OPT, path, f"--pass-pipeline={pipeline}"], capture_output=True, text=True, timeout=streams.TIME_LIMIT
    )
    if run.returncode != 0:
        raise AssertionError(f"is not prepared: {run.stderr.strip()[-600:]}")
    return dict(collections.Counter(WEIR_OP.findall(run.stdout)))


def run_spelled(seed, folder):
    """What is wrong with the model that is compressed already, or None."""
    config = compressed_encoder.sample(seed)
    entry = compressed_encoder.manifest_entry(config)
    tokens = streams.random_streams(entry, config.tokens + 4, seed)
    expected, ops = None, {}
    for functions in (False, True):
        entry["path"] = folder / f"{seed}_{'functions' if functions else 'standard'}.onnx"
        onnx.save(compressed_encoder.build(config, functions), entry["path"])
        expected = expected or streams.windows(streams.open_session(entry["path"]), entry, tokens)
        try:
            result, outputs = streams.run_stream(entry, tokens, "--rewrite=none")
        except subprocess.TimeoutExpired:
            return f"no answer in {streams.TIME_LIMIT} s"
        if result.returncode != 0 or outputs is None:
            said = (result.stdout + result.stderr).strip()
            return f"functions={functions}: exit code {result.returncode}: {said[-600:]}"
        off = streams.difference(outputs, expected)
        if not off < streams.TOLERANCE:
            return f"functions={functions}: differs by {off:.2g} of the largest value"
        ops[functions] = prepared_ops(entry["path"], entry["rows_axis"])
    if ops[False] != ops[True]:
        return f"is {ops[False]} in standard operators, but {ops[True]} as functions"
    return None


def guarded(function, seed, folder):
    try:
        return function(seed, folder)
    except AssertionError as wrong:
        return str(wrong)


def results_of(seeds, folder):
    """[(seed, what is wrong with a spelled model or None, Outcome of a rewritten one)]"""
    return [(seed, guarded(run_spelled, seed, folder), rewritten.outcome(seed, folder)) for seed in seeds]


def print_failures(seed, spelled, outcome):
    if spelled:
        print(f"seed {seed}: {spelled}\n  {compressed_encoder.sample(seed)}", flush=True)
    if outcome.failure:
        print(f"seed {seed}: {outcome.failure}\n  {outcome.described}", flush=True)


def print_summary(results):
    """Counts, and refusals by reason; returns whether that is a failure."""
    refusals = collections.defaultdict(list)
    for seed, _, outcome in results:
        if outcome.refusal:
            refusals[outcome.refusal].append(seed)
    driver.print_reasons("refused", refusals)
    wrong = sum(spelled is not None for _, spelled, _ in results)
    failed = sum(outcome.failure is not None for *_, outcome in results)
    refused = sum(map(len, refusals.values()))
    undefined = sum(outcome.is_undefined for *_, outcome in results)
    compared = len(results) - failed - refused - undefined
    print(f"{len(results) - wrong} of {len(results)} compressed encoders equal onnxruntime in either spelling")
    print(f"{compared} rewritten encoders equal the golden functions, {refused} are refused with a reason,", end=" ")
    print(f"{undefined} have no golden function, {failed} fail")
    return bool(wrong or failed)


def main():
    arguments = driver.parse(driver.make_parser(__doc__, "0:60"))
    began = time.monotonic()
    with driver.model_folder(arguments.keep) as folder:
        run = functools.partial(results_of, folder=folder)
        results = driver.run_batches(run, arguments.seeds, arguments.jobs, 5, lambda one: print_failures(*one))
    wrong = print_summary(results)
    print(f"{time.monotonic() - began:.0f} s")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
