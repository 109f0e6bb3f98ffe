"""Stream random encoders through weir-run and hold every step against onnxruntime over its window.

usage: fuzz.py --seeds FIRST:END [--jobs N] [--keep FOLDER]

Prints each failure with its seed and configuration; exit code 1 when there is one. A seed that fails is
run again alone with --seeds SEED:SEED+1 --keep FOLDER, which leaves its model there.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx

import random_encoder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import streams  # noqa: E402


def options_of(config):
    options = ["--verify-slides", f"--chunk={config.chunk}", f"--rows={config.rows}"]
    return options + ([f"--positions={config.treatment}"] if config.treatment else [])


def expected_steps(config, entry, tokens):
    if config.treatment == "recycle":
        expected = streams.recycled_windows(entry, tokens, config.chunk)
    else:
        expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, config.chunk)
    if config.rows == "last":
        expected = {name: np.take(value, [-1], entry["rows_axis"] + 1) for name, value in expected.items()}
    return expected


def failure(seed, folder):
    """What is wrong with the model of `seed`, or None."""
    config = random_encoder.sample(seed)
    entry = random_encoder.manifest_entry(config)
    entry["path"] = folder / f"{seed}.onnx"
    onnx.save(random_encoder.build(config), entry["path"])
    tokens = streams.random_streams(entry, 4 * config.window + 3, seed)
    try:
        result, outputs = streams.run_stream(entry, tokens, *options_of(config))
    except subprocess.TimeoutExpired:
        return f"no answer in {streams.TIME_LIMIT} s"
    if result.returncode != 0:
        return f"exit code {result.returncode}: {result.stderr.strip()[-600:]}"
    if outputs is None:
        return "no output file"
    try:
        off = streams.difference(outputs, expected_steps(config, entry, tokens))
    except AssertionError as wrong:
        return str(wrong)
    return f"differs by {off:.2g} of the largest value" if off > streams.TOLERANCE else None


def described(seed):
    config = random_encoder.sample(seed)
    return " ".join(
        f"{key}={value}" for key, value in dataclasses.asdict(config).items() if value not in (None, False)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0:300", help="FIRST:END")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", type=pathlib.Path, help="leave the models in this folder")
    arguments = parser.parse_args()
    seeds = range(*map(int, arguments.seeds.split(":")))
    if not seeds:
        parser.error(f"no seeds in {arguments.seeds}")

    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or pathlib.Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        # Threads are enough: the work is in weir-run and in onnxruntime, both outside of the interpreter.
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            found = dict(zip(seeds, pool.map(lambda seed: failure(seed, folder), seeds)))

    failures = {seed: reason for seed, reason in found.items() if reason}
    for seed, reason in failures.items():
        print(f"seed {seed}: {reason}\n  {described(seed)}")
    kinds = collections.Counter(reason.split(":")[0] for reason in failures.values())
    print(f"{len(seeds) - len(failures)} of {len(seeds)} random encoders equal their windows at every step")
    for kind, count in kinds.most_common(5):
        print(f"  {count} x {kind}")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
