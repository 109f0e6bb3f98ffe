"""Measure Weir beside other runtimes, in turns, on the same encoders. docs/benchmarks.md says how to read it."""

import argparse
import json
import pathlib
import sys

from . import machine, peers, plan, report, rounds, workloads

ROOT = pathlib.Path(__file__).resolve().parents[1]


def parse(words):
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    add = parser.add_argument
    add("workloads", nargs="*", help=f"{' '.join(workloads.WORKLOADS)}; S1x16: 16 streams of S1")
    add("--threads", default="1", help="numbers of threads, as in 1,2")
    add("--peers", default="", help="RUNTIME:FORM,... in place of those that suit a workload; or RUNTIME")
    add("--quick", action="store_true", help="few workloads and rounds, and what ./dev setup has installed")
    add("--rounds", type=int, help="turns of each peer")
    add("--seconds", type=float, default=0.15, help="of one turn")
    add("--budget", type=float, default=20, help="seconds of a workload after which rounds end early")
    add("--build", default=ROOT / "build", type=pathlib.Path, help="where Weir is built")
    add("--output", type=pathlib.Path, help="folder for results.json, report.md and plots; build/bench/results")
    arguments = parser.parse_args(words)
    arguments.folder = arguments.build / "bench"
    arguments.output = arguments.output or arguments.folder / "results"
    arguments.threads = [int(number) for number in arguments.threads.split(",")]
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.workloads = arguments.workloads or (plan.QUICK if arguments.quick else plan.DEFAULT)
    try:
        arguments.workloads = [workloads.find(name) for name in arguments.workloads]
    except KeyError as error:
        parser.error(error.args[0])
    return arguments


def names_for(arguments, workload, threads):
    """Peers of a workload: all, or those whose name or runtime was asked for."""
    asked = arguments.peers.split(",") if arguments.peers else []
    explicit = [name for name in asked if ":" in name]
    runtimes = {name for name in asked if ":" not in name}
    fitting = plan.peers_of(workload, threads)
    if not asked:
        return fitting
    return explicit + [name for name in fitting if name.partition(":")[0] in runtimes and name not in explicit]


def tell(process):
    if process.runs:
        error = process.facts["error"]
        print(f"  {process.name:26} ready" + ("" if error is None else f", error {error:.1e}"), flush=True)
    else:
        print(f"  {process.name:26} left out: {process.facts['reason'].splitlines()[0][:120]}", flush=True)


def prepare(job):
    """Writes the files of a workload, so that workers which start together find them."""
    stored = job.models
    for write in (stored.outputs, stored.window) + ((stored.step, stored.states) if job.size.kind == "step" else ()):
        write(job.size)


def measure(arguments, workload, threads):
    print(f"{workload.name}, threads: {threads}", flush=True)
    names = names_for(arguments, workload, threads)
    reasons = {name: peers.missing(name) for name in names}
    jobs = [
        peers.Job(name, threads, str(arguments.build), str(arguments.folder), workload.name)
        for name in names
        if not reasons[name]
    ]
    if jobs:
        prepare(jobs[0])
    processes = rounds.start_all(jobs, 2, tell)
    rounds.measure(processes, arguments.rounds, arguments.seconds, 3 if workload.kind == "step" else 1, arguments.budget)
    records = [rounds.record(process) for process in processes]
    records += [{"peer": name, "reason": reason} for name, reason in reasons.items() if reason]
    for process in processes:
        if process.runs:
            process.end()
    return {**plan.shape(workload, threads), "records": records}


def main(words):
    arguments = parse(words)
    arguments.output.mkdir(parents=True, exist_ok=True)
    result = {"machine": machine.facts(), "limits": machine.limits(arguments.folder, max(arguments.threads)), "runs": []}
    for workload in arguments.workloads:
        for threads in arguments.threads:
            result["runs"].append(measure(arguments, workload, threads))
            (arguments.output / "results.json").write_text(json.dumps(result, indent=1))
    text = report.text(result)
    (arguments.output / "report.md").write_text(text)
    print(f"\n{report.summary(result)}\n{arguments.output}/report.md has all figures")


if __name__ == "__main__":
    main(sys.argv[1:])
