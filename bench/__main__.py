"""Measure Weir beside other runtimes, in turns, on the same encoders. docs/benchmarks.md says how to read it."""

import argparse
import json
import pathlib
import sys

from . import machine, plan, plots, report, session, steady, user_models, workloads

ROOT = pathlib.Path(__file__).resolve().parents[1]


def parse(words):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    add = parser.add_argument
    add("workloads", nargs="*", help=f"{' '.join(workloads.WORKLOADS)}; S1x16: 16 streams of S1")
    add("--threads", default="1", help="numbers of threads, as in 1,2")
    add("--peers", default="", help="RUNTIME:FORM,... in place of those that suit a workload; or RUNTIME")
    add("--model", action="append", default=[], metavar="FILE.onnx", help="measure a model of yours instead")
    add("--weir", action="append", default=[], metavar="OPTION", help="of weir-compile for --model, as in --weir=--window=64")
    add("--stream", action="append", default=[], metavar="NAME=FILE.npy", help="an input of --model; random when left out")
    add("--quick", action="store_true", help="few workloads and rounds, and what ./dev setup has installed")
    add("--prepare", action="store_true", help="measure nothing: write models, fill caches of compilers")
    add("--report", action="store_true", help="measure nothing: write the report of earlier results again")
    add("--pacing", action="store_true", help=f"only steps by the clock: {steady.RATE} a second; added to earlier results")
    add("--paced", type=float, default=60, help="seconds of a run of --pacing")
    add("--drift", action="store_true", help="only very many steps: are the last as fast? Added to earlier results")
    add("--steps", type=int, default=1_000_000, help="of --drift")
    add("--rounds", type=int, help="turns of each peer")
    add("--seconds", type=float, default=0.15, help="of one turn")
    add("--budget", type=float, default=20, help="seconds of a workload after which rounds end early")
    add("--build", default=ROOT / "build", type=pathlib.Path, help="where Weir is built")
    add("--docs", action="store_true", help="also put the figures into docs/benchmarks.md")
    add("--output", type=pathlib.Path, help="folder for results.json, report.md and plots; build/bench/results")
    arguments = parser.parse_args(words)
    arguments.folder = arguments.build / "bench"
    arguments.output = arguments.output or arguments.folder / "results"
    arguments.threads = [int(number) for number in arguments.threads.split(",")]
    arguments.rounds = 0 if arguments.prepare else arguments.rounds or (3 if arguments.quick else 5)
    arguments.named = set(arguments.workloads)
    default = plan.QUICK if arguments.quick else plan.DEFAULT
    if arguments.pacing or arguments.drift:
        default = steady.DEFAULT
    try:
        arguments.workloads = [workloads.find(name) for name in arguments.workloads or default]
    except KeyError as error:
        parser.error(error.args[0])
    return arguments


def add_steadiness(arguments, result):
    """What --pacing and --drift ask for."""
    where = arguments.build, arguments.folder
    for threads in arguments.threads:
        if arguments.pacing:
            print(f"{steady.RATE} steps a second, threads: {threads}", flush=True)
            result.setdefault("pacing", []).extend(steady.pacing(arguments.workloads, threads, arguments.paced, *where))
        for size in arguments.workloads if arguments.drift else []:
            print(f"{size.name}, threads: {threads}: {arguments.steps} steps", flush=True)
            result.setdefault("drift", []).append(steady.drift(size, threads, arguments.steps, *where))


def add_runs(arguments, result):
    """All peers of all workloads, or of a user's files."""
    for model in arguments.model:
        described = user_models.describe(model, arguments.weir, arguments.build, arguments.folder, arguments.stream)
        result["runs"] += [session.measure_file(arguments, described, threads) for threads in arguments.threads]
    for workload in [] if arguments.model else arguments.workloads:
        alone = workload.name in plan.ONE_THREAD and workload.name not in arguments.named
        for threads in arguments.threads[:1] if alone else arguments.threads:
            result["runs"].append(session.measure(arguments, workload, threads))
            write(arguments, result)


def write(arguments, result):
    (arguments.output / "results.json").write_text(json.dumps(result, indent=1))


def earlier(arguments):
    """Results to which steadiness is added, in place of what is measured again."""
    path = arguments.output / "results.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    again = {key for key in ("pacing", "drift") if getattr(arguments, key)}
    return {key: value for key, value in kept.items() if key not in again}


def main(words):
    arguments = parse(words)
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.report:
        result = earlier(arguments)
    else:
        limits = machine.limits(arguments.folder, max(arguments.threads))
        result = {"machine": machine.facts(), "limits": limits, "runs": []}
    if arguments.pacing or arguments.drift:
        result |= earlier(arguments)
        add_steadiness(arguments, result)
    elif not arguments.report:
        add_runs(arguments, result)
    if arguments.prepare:
        return
    write(arguments, result)
    pictures = plots.draw(result, arguments.output)
    (arguments.output / "report.md").write_text(report.text(result, pictures))
    if arguments.docs:
        pictures = plots.draw(result, ROOT / "docs" / "images", "bench-")
        page = ROOT / "docs" / "benchmarks.md"
        page.write_text(report.replace_measured(page.read_text(), result, pictures))
    print(f"\n{report.summary(result)}\n{arguments.output}/report.md has all figures")


if __name__ == "__main__":
    main(sys.argv[1:])
