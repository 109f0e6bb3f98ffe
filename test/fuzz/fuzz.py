"""Stream random encoders through weir-run and hold every step against onnxruntime over its window.

usage: fuzz.py --seeds FIRST:END [--jobs N] [--keep FOLDER] [--format float16|bfloat16] [--prove EVERY]

Prints each failure with its seed and configuration, and what was refused by reason; exit code 1 when a step
differs, when a refusal names no node or no way out, or when more than one seed in twenty is refused. Every fourth
seed is proved as well: --prove finds step and window to be one formula, or says what has no residue. A seed that
fails is run again alone with --seeds SEED:SEED+1 --keep FOLDER, which leaves its model there. A model of another
format is held against the float32 one with the same weights, as far as its outputs are rounded.
"""

import collections
import dataclasses
import functools
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import onnx

import driver
import random_encoder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import retype  # noqa: E402
import streams  # noqa: E402

MOST_REFUSED = 0.05
PROOF = re.compile(r"^prove: [1-9]\d* steps, [1-9]\d* numbers of a finite field, 0 differ$", re.MULTILINE)


@dataclasses.dataclass
class Result:
    seed: int
    failure: str | None = None
    refusal: str | None = None
    is_proved: bool | None = None  # None where nobody asked


def options_of(config):
    options = [f"--chunk={config.chunk}", f"--rows={config.rows}"]
    return options + ([f"--positions={config.treatment}"] if config.treatment else [])


def expected_steps(config, entry, tokens):
    if config.treatment == "recycle":
        expected = streams.recycled_windows(entry, tokens, config.chunk)
    else:
        expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, config.chunk)
    if config.rows == "last":
        expected = {name: np.take(value, [-1], entry["rows_axis"] + 1) for name, value in expected.items()}
    return expected


def reason_of(said):
    """A refusal without names and numbers, so that equal ones are counted together; None when it gives no reason.

    A reason is an error and a line that says what to do, and names a node, an input or an option.
    """
    error = re.search(r"error: (.*)", said)
    found = re.search(r"^help: (.*)", said, re.MULTILINE)
    if not error or not found or not ("'" in error[1] or "--" in found[1]):
        return None
    reason = re.sub(r"node '.*?' \((.*?)\)", r"\1", error[1])
    return re.sub(r"'[^']*'", "'..'", re.sub(r"-?\d+", "#", reason))


def as_type(tokens, dtype):
    """Finite values stay finite: a stream may hold a mask."""
    isfloat = lambda values: values.dtype.kind in "fV"
    return {name: retype.clamped(one, dtype) if isfloat(one) else one for name, one in tokens.items()}


def save(seed, folder, config, format):
    """(manifest entry of the model, that of the float32 model it is held against, its stream)"""
    entry = random_encoder.manifest_entry(config)
    entry["path"] = folder / f"{seed}.onnx"
    model = random_encoder.build(config)
    tokens = streams.random_streams(entry, 4 * config.window + 3, seed)
    if format is None:
        onnx.save(model, entry["path"])
        return entry, entry, tokens
    onnx.save(retype.retyped(model, format), entry["path"])
    wide = dict(entry, path=folder / f"{seed}_wide.onnx")
    onnx.save(retype.widened(model, format), wide["path"])
    return entry, wide, as_type(tokens, retype.NUMPY[format])


def result_of(seed, folder, format):
    """Stream the model of `seed`."""
    config = random_encoder.sample(seed)
    entry, reference, tokens = save(seed, folder, config, format)
    try:
        result, outputs = streams.run_stream(entry, tokens, "--verify-slides", *options_of(config))
    except subprocess.TimeoutExpired:
        return Result(seed, failure=f"no answer in {streams.TIME_LIMIT} s")
    if result.returncode == 1:
        reason = reason_of(result.stderr)
        return (
            Result(seed, refusal=reason)
            if reason
            else Result(seed, failure=f"refused: {result.stderr.strip()[-600:]}")
        )
    if result.returncode != 0:
        said = (result.stdout + result.stderr).strip()
        return Result(seed, failure=f"exit code {result.returncode}: {said[:600]}")
    if outputs is None:
        return Result(seed, failure="no output file")
    try:
        expected = expected_steps(config, reference, as_type(tokens, np.float32))
        if format:
            outputs, expected = retype.numbers(outputs), retype.numbers(expected)
        off = streams.difference(outputs, expected)
    except AssertionError as wrong:
        return Result(seed, failure=str(wrong))
    tolerance = streams.TOLERANCE + retype.HALF_UNIT.get(format, 0)
    return Result(seed, failure=f"differs by {off:.2g} of the largest value" if off > tolerance else None)


def proved(one, folder):
    """`one` with what --prove says of its model; formulas that a field does not have are no failure."""
    config = random_encoder.sample(one.seed)
    entry = random_encoder.manifest_entry(config)
    fixed = [f"--fix={port['name']}={port['fixed']}" for port in entry["inputs"] if "fixed" in port]
    # Rotary scores are kept up to rounding, which a field does not have.
    options = [*entry["options"], *fixed, *options_of(config), "--rotary=recompute"]
    try:
        result = streams.weir_run(folder / f"{one.seed}.onnx", "--prove", *options)
    except subprocess.TimeoutExpired:
        return dataclasses.replace(one, failure=f"no proof in {streams.TIME_LIMIT} s")
    if result.returncode == 1 and "has no counterpart in a finite field" in result.stderr:
        return dataclasses.replace(one, is_proved=False)
    if result.returncode == 0 and PROOF.search(result.stdout):
        return dataclasses.replace(one, is_proved=True)
    said = (result.stdout + result.stderr).strip()
    return dataclasses.replace(one, failure=f"no proof, exit code {result.returncode}: {said[:600]}")


def results_of(seeds, folder, format, every):
    """A batch for one process: modules are loaded, and onnxruntime started, once."""
    results = [result_of(seed, folder, format) for seed in seeds]
    wanted = lambda one: every and one.seed % every == 0 and not one.failure and not one.refusal
    return [proved(one, folder) if wanted(one) else one for one in results]


def print_failure(one):
    if one.failure:
        config = random_encoder.described(random_encoder.sample(one.seed))
        print(f"seed {one.seed}: {one.failure}\n  {config}", flush=True)


def run_all(seeds, folder, jobs, **options):
    """The results, in order; failures are printed as they come."""
    return driver.run_batches(functools.partial(results_of, folder=folder, **options), seeds, jobs, 10, print_failure)


def print_summary(results):
    """Counts, and refusals by reason; returns whether that is a failure."""
    refusals = collections.defaultdict(list)
    for one in results:
        if one.refusal:
            refusals[one.refusal].append(one.seed)
    driver.print_reasons("refused", refusals)
    failed = sum(one.failure is not None for one in results)
    refused = sum(map(len, refusals.values()))
    print(
        f"{len(results) - failed - refused} of {len(results)} random encoders equal their windows at every step",
        end="",
    )
    print(f", {refused} are refused with a reason, {failed} fail")
    asked = [one.is_proved for one in results if one.is_proved is not None]
    print(f"{sum(asked)} of {len(asked)} are proved, the others have no counterpart in a finite field")
    if refused > max(1, MOST_REFUSED * len(results)):
        print(f"more than {MOST_REFUSED:.0%} are refused: these are standard encoders")
        return True
    return failed > 0


def main():
    parser = driver.make_parser(__doc__, "0:500")
    parser.add_argument("--format", choices=retype.HALF_UNIT, help="of the models' floats, in place of float32")
    parser.add_argument("--prove", type=int, default=4, help="every so many seeds, 0 for none", metavar="EVERY")
    arguments = driver.parse(parser)

    began = time.monotonic()
    with driver.model_folder(arguments.keep) as folder:
        results = run_all(arguments.seeds, folder, arguments.jobs, format=arguments.format, every=arguments.prove)
    wrong = print_summary(results)
    print(f"{time.monotonic() - began:.0f} s")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
