"""One peer on one workload, in a process of its own: `python -m bench.worker JOB`, JOB as JSON.

Its first line says whether it is ready and how far its output is off. Then each line of standard input,
{"seconds": s, "least": k}, is answered by a line with the times of that many steps.
"""

import gc
import json
import os
import sys
import time

import numpy as np

from . import peers


def memory_mb(what="VmRSS"):
    """Of this process; VmHWM: at most so far. Not that of getrusage, which begins with the parent's."""
    status = open("/proc/self/status").read()
    return int(status.partition(what + ":")[2].split()[0]) / 1024


def largest_difference(output, expected):
    """Of outputs of unit variance. None where nothing is computed, as by a probe."""
    if output is None or expected is None:
        return None
    return float(np.abs(np.asarray(output, np.float64).reshape(expected.shape) - expected).max())


def start(job):
    """The peer, and what is told of it."""
    module, form = peers.module_of(job.peer)
    module.load()  # the runtime's own libraries count for no model
    before, begin = memory_mb(), time.perf_counter()
    peer = peers.open_peer(module, job, form)
    loaded = time.perf_counter() - begin
    output = None
    for i in range(peer.first, job.stream_tokens):
        output = peer.step(i)
    error = largest_difference(output, peer.expected) if not job.user else peer.error(output)
    facts = {"ready": True, "error": error, "load_seconds": loaded, "memory_before": before, **peer.facts}
    return peer, facts


def slice_of_steps(peer, index, seconds, least):
    """Times in microseconds, and the next index."""
    times, clock = [], time.perf_counter_ns
    gc.collect()
    gc.disable()
    cpu, end = time.process_time(), clock() + int(seconds * 1e9)
    while True:
        begin = clock()
        peer.step(index)
        now = clock()
        times.append((now - begin) / 1e3)
        index += 1
        if now > end and len(times) >= least:
            break
    cpu = (time.process_time() - cpu) / len(times) * 1e6
    gc.enable()
    return {"times": times, "cpu": cpu, "peak": memory_mb("VmHWM")}, index


def serve(job, answer):
    try:
        peer, facts = start(job)
    except Exception as error:  # whatever a runtime refuses, the others are measured
        answer({"ready": False, "reason": f"{type(error).__name__}: {str(error)[:400]}"})
        return
    answer(facts)
    index, slow = job.stream_tokens, False
    for line in sys.stdin:
        ask = json.loads(line)
        if not slow:
            peer.step(index)  # the peers before it have emptied the caches
        times, index = slice_of_steps(peer, index, **ask)
        slow = times["times"][-1] > 3e5
        answer(times)


def main():
    # Runtimes print what they like; the answers have a descriptor of their own.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    serve(peers.Job.parse(sys.argv[1]), lambda facts: out.write(json.dumps(facts) + "\n"))
    out.flush()
    os._exit(0)  # threads of runtimes do not always end


if __name__ == "__main__":
    main()
