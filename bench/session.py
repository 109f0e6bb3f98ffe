"""All peers of one workload: which ones, what they need, and their rounds."""

import dataclasses

from . import peers, plan, rounds, workloads


def chosen(asked, fitting):
    """Peers of those that fit, or those whose name or runtime was asked for."""
    asked = asked.split(",") if asked else []
    explicit = [name for name in asked if ":" in name]
    runtimes = {name for name in asked if ":" not in name}
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


def run(arguments, fields, names, least, header):
    """The records of all peers that there are. `fields` tell a job what to run."""
    print(f"{header['workload']}, threads: {header['threads']}", flush=True)
    reasons = {name: peers.missing(name) for name in names}
    where = dict(threads=header["threads"], build=str(arguments.build), folder=str(arguments.folder))
    jobs = [peers.Job(name, **where, **fields) for name in names if not reasons[name]]
    if jobs and not jobs[0].user:
        prepare(jobs[0])
    processes = rounds.start_all(jobs, 2, tell)
    rounds.measure(processes, arguments.rounds, arguments.seconds, least, arguments.budget)
    records = [rounds.record(process) for process in processes]
    records += [{"peer": name, "reason": reason} for name, reason in reasons.items() if reason]
    for process in processes:
        if process.runs:
            process.end()
    return {**header, "records": records}


def measure(arguments, workload, threads):
    header = {"workload": workload.name, "threads": threads, **workloads.shape(workload)}
    names = chosen(arguments.peers, plan.peers_of(workload, threads))
    return run(arguments, {"workload": workload.name}, names, 3 if workload.kind == "step" else 1, header)


def measure_file(arguments, model, threads):
    """The same for a UserModel."""
    facts = dataclasses.asdict(model)
    header = {"workload": model.name, "threads": threads}
    header |= {key: facts[key] for key in ("kind", "tokens", "streams", "macs", "macs_window", "weights", "state_bytes")}
    return run(arguments, {"user": facts}, chosen(arguments.peers, plan.peers_of_file(threads)), 3, header)
