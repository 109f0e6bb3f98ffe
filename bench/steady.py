"""Steps by the clock, and very many of them: do they always take as long?"""

import concurrent.futures
import ctypes

import numpy as np

from . import artifact, native, peers
from .peers import weir

RATE = 100  # steps a second
RUNS = 3  # the best counts: what else runs on a machine only adds
NEAR = 1000  # steps about a number of steps whose median is taken
DEFAULT = ["S1", "S3a"]


class Stream:
    """One stream of a compiled model, stepped by C code."""

    def __init__(self, size, threads, build, folder):
        self.warm = size.tokens + RATE
        job = peers.Job("weir:step", threads, str(build), str(folder), size.name)
        self.artifact = weir.compile_model(job, job.models.streamed(size), *weir.options_of(job, size))
        self.tokens = peers.streams.Tokens(job.models.outputs(size)["x"][:1])
        self.state, self.output = self.artifact.state(), np.zeros((1, size.width), np.float32)
        self.calls = artifact.addresses(self.tokens.tokens)
        self.timed = ctypes.CDLL(str(native.library("streams", folder))).step_timed

    def take(self, steps, period=0.0):
        """Microseconds of each of `steps` steps, one every `period` seconds."""
        self.artifact.use_pool()
        taken = np.zeros(steps, np.int32)
        self.timed(
            self.artifact.function("step"), ctypes.c_void_p(self.state.ctypes.data), self.calls,
            ctypes.c_long(len(self.calls)), artifact.addresses([self.output]), ctypes.c_long(steps),
            ctypes.c_int64(int(period * 1e9)), ctypes.c_void_p(taken.ctypes.data),
        )  # fmt: skip
        return taken / 1e3


def quantiles(taken):
    return {"median": float(np.median(taken))} | {
        f"p{100 * q:g}": float(np.quantile(taken, q)) for q in (0.99, 0.999)
    } | {"most": float(taken.max())}


def pacing(sizes, threads, seconds, build, folder):
    """RATE steps a second for some seconds, several times over; a stream of each workload, beside each other."""
    streams = [Stream(size, threads, build, folder) for size in sizes]
    for stream in streams:
        stream.take(stream.warm)
    rhythm = lambda stream: quantiles(stream.take(int(seconds * RATE), 1 / RATE))
    with concurrent.futures.ThreadPoolExecutor(len(streams)) as pool:
        rounds = [list(pool.map(rhythm, streams)) for _ in range(RUNS)]
    found = []
    for size, runs in zip(sizes, zip(*rounds)):
        best = min(runs, key=lambda run: run["p99.9"] / run["median"])
        found.append(
            {
                "workload": size.name, "threads": threads, "seconds": seconds, "rate": RATE, "runs": runs,
                "best": best, "ratio": best["p99.9"] / best["median"],
            }
        )  # fmt: skip
    return found


def drift(size, threads, steps, build, folder):
    """Medians about the thousandth step and up to the last of a million."""
    stream = Stream(size, threads, build, folder)
    taken = stream.take(steps)
    early, late = (float(np.median(part)) for part in (taken[NEAR - NEAR // 2 : NEAR + NEAR // 2], taken[-NEAR:]))
    return {
        "workload": size.name, "threads": threads, "steps": steps, "early": early, "late": late,
        "finite": bool(np.isfinite(stream.output).all()),
    }  # fmt: skip
