"""Raise the attentions of random encoders to one op each, and hold every window against onnxruntime.

usage: fuzz_attention.py --seeds FIRST:END [--jobs N] [--keep FOLDER]

Prints each failure with its seed and configuration, and by reason how many attentions stay as they are; exit code
1 when a window differs, or when more than three attentions in twenty are not raised.
"""

import collections
import dataclasses
import functools
import pathlib
import re
import subprocess
import sys

import driver
import random_encoder
from fuzz import print_failure, save

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import onnx_steps  # noqa: E402
import streams  # noqa: E402

MOST_LEFT = 0.15
LEFT = re.compile(r'onnx.Softmax \| Category:weir \| Reason="(.*?)"')


@dataclasses.dataclass
class Result:
    seed: int
    raised: int = 0
    left: tuple = ()
    failure: str | None = None
    refused: bool = False


def token_axes(entry, prefix=""):
    return [f"{prefix}{one['name']}={one['token_axis']}" for one in entry["inputs"] if one["token_axis"] is not None]


def passes_of(entry, chunk):
    axes = token_axes(entry)
    fixed = [f"{one['name']}={one['fixed']}" for one in entry["inputs"] if "fixed" in one]
    tokens = f"chunk={chunk} token-axis={','.join(axes)}"
    prepare = f"{onnx_steps.pass_options(entry, chunk)} token-axis={','.join(axes)}"
    prepare += f" fix={','.join(fixed)}" if fixed else ""
    return f"builtin.module(weir-prepare-model{{{prepare}}},func.func(weir-raise-attention{{{tokens}}}))"


def result_of(seed, folder):
    config = random_encoder.sample(seed)
    entry, _, tokens = save(seed, folder, config, None)
    raised = dict(entry, path=folder / f"{seed}.mlir", options=token_axes(entry, "--token-axis="))
    remarks = ("--remarks-filter=weir", "--remark-format=emitRemark")
    try:
        made = onnx_steps.weir_opt(entry["path"], "--pass-pipeline=" + passes_of(entry, config.chunk), *remarks, "-o", raised["path"])
        if made.returncode == 1 and "error:" in made.stderr:
            return Result(seed, refused=True)
        if made.returncode != 0:
            return Result(seed, failure=f"exit code {made.returncode}: {made.stderr[-600:]}")
        count = raised["path"].read_text().count("weir.attention ")
        left = tuple(re.sub(r"node '.*?' \((.*?)\)", r"\1", reason) for reason in LEFT.findall(made.stderr))
        result, outputs = streams.run_stream(raised, tokens, "--rewrite=none", f"--chunk={config.chunk}")
    except subprocess.TimeoutExpired:
        return Result(seed, failure=f"no answer in {streams.TIME_LIMIT} s")
    if outputs is None:
        return Result(seed, failure=f"exit code {result.returncode}: {result.stderr[-600:]}")
    try:
        off = streams.difference(outputs, streams.windows(streams.open_session(entry["path"]), entry, tokens, config.chunk))
    except AssertionError as wrong:
        return Result(seed, failure=str(wrong))
    wrong = f"differs by {off:.2g} of the largest value" if off > streams.TOLERANCE else None
    return Result(seed, count, left, wrong)


def results_of(seeds, folder):
    return [result_of(seed, folder) for seed in seeds]


def print_summary(results):
    """Counts, and what was left by reason; returns whether that is a failure."""
    reasons = collections.defaultdict(list)
    for one in results:
        for reason in one.left:
            reasons[reason].append(one.seed)
    driver.print_reasons("left", reasons)
    failed = sum(one.failure is not None for one in results)
    refused = sum(one.refused for one in results)
    raised, left = sum(one.raised for one in results), sum(map(len, reasons.values()))
    print(f"{len(results)} random encoders: {raised} attentions raised, {left} left, {refused} models refused, {failed} fail")
    return failed > 0 or left > MOST_LEFT * (raised + left)


def main():
    arguments = driver.parse(driver.make_parser(__doc__, "0:200"))
    with driver.model_folder(arguments.keep) as folder:
        run = functools.partial(results_of, folder=folder)
        results = driver.run_batches(run, arguments.seeds, arguments.jobs, 4, print_failure)
    return print_summary(results)


if __name__ == "__main__":
    sys.exit(main())
