"""All peers of one workload: which ones, what they need, and their rounds."""

from . import peers, plan, rounds


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
