"""Measures peers in turn: each in its own process, a slice of time for each in every round.

What disturbs a machine disturbs the peers of a round alike, so figures are compared inside of rounds and the
ratios of rounds are summed up by their median.
"""

import collections
import json
import os
import select
import subprocess
import sys
import tempfile
import time

import numpy as np

TIME_LIMIT = 400  # seconds until a peer is ready, or has answered
SETTLE = 0.005  # seconds between two peers: threads of the last one go to sleep


class Process:
    """A worker. `facts` is what it has said of itself; `slices` are its answers."""

    def __init__(self, job):
        self.job, self.slices = job, []
        number = str(job.threads)
        environment = dict(os.environ, OMP_NUM_THREADS=number, MKL_NUM_THREADS=number, PYTHONWARNINGS="ignore")
        self.messages = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", job.text()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.messages, text=True, env=environment,
        )  # fmt: skip
        self.facts = None

    @property
    def name(self):
        return self.job.peer

    def wait_until_ready(self):
        self.facts = self._answer()
        if not self.facts["ready"]:
            self.end()

    @property
    def runs(self):
        return bool(self.facts and self.facts["ready"])

    def measure(self, seconds, least):
        try:
            self.process.stdin.write(json.dumps({"seconds": seconds, "least": least}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it has ended, which the answer tells
        answer = self._answer()
        if "times" in answer:
            self.slices.append(answer)
        else:
            self.facts = answer
            self.end()

    def _answer(self):
        if not select.select([self.process.stdout], [], [], TIME_LIMIT)[0]:
            self.process.kill()
            return {"ready": False, "reason": f"no answer within {TIME_LIMIT} seconds"}
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.messages.seek(0)
        last = self.messages.read().decode(errors="replace").strip().splitlines()[-1:]
        return {"ready": False, "reason": f"ended with code {self.process.wait()}: {''.join(last)[:300]}"}

    def end(self):
        try:
            self.process.stdin.close()
            self.process.wait(5)
        except BrokenPipeError:
            self.process.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_all(jobs, at_once, tell):
    """Processes of all jobs, ready or refused; `at_once` of them are starting at any time."""
    processes, starting = [], collections.deque()

    def settle():
        process = starting.popleft()
        process.wait_until_ready()
        tell(process)

    for job in jobs:
        if len(starting) == at_once:
            settle()
        processes.append(Process(job))
        starting.append(processes[-1])
    while starting:
        settle()
    return processes


def measure(processes, rounds, seconds, least, budget):
    """Up to `rounds` rounds, fewer once `budget` seconds have passed, but three."""
    end = time.perf_counter() + budget
    for number in range(rounds):
        if number >= 3 and time.perf_counter() > end:
            break
        for process in processes:
            if process.runs:
                time.sleep(SETTLE)
                process.measure(seconds, least)


def figure_of(error):
    """JSON has no numbers that are not finite."""
    return error if error is None or np.isfinite(error) else str(error)


def record(process):
    """What is kept of a peer, for JSON; times in microseconds."""
    kept = {"peer": process.name, "threads": process.job.threads, **process.facts}
    kept["error"] = figure_of(kept.get("error"))
    if process.runs and process.slices:
        times = np.concatenate([one["times"] for one in process.slices])
        rounds = [float(np.median(one["times"])) for one in process.slices]
        kept |= {
            "median": float(np.median(rounds)),
            "least": float(times.min()),
            "quantiles": {str(q): float(np.quantile(times, q)) for q in (0.5, 0.9, 0.99, 0.999)},
            "histogram": histogram(times),
            "rounds": rounds,
            "steps": len(times),
            "cpu": float(np.median([one["cpu"] for one in process.slices])),
            "memory_mb": process.slices[-1]["peak"] - process.facts["memory_before"],
        }
    return kept


def histogram(times, bins=60):
    """Counts between the fastest and the 99.9th percentile, on a logarithmic scale."""
    low, high = times.min(), max(np.quantile(times, 0.999), times.min() * 1.01)
    counts, edges = np.histogram(np.clip(times, low, high), np.geomspace(low, high, bins + 1))
    return {"edges": [float(edge) for edge in edges], "counts": [int(count) for count in counts]}
