"""Weir: steps of streams, one by one or all in one call, and whole windows, also of rewritten models."""

import ctypes
import pathlib
import tempfile

import numpy as np

from .. import artifact, native, rewrites
from . import is_window, streams

WEIGHTS = {"": (), "bf16": ("--weights=bf16",), "int8": ("--weights=int8",)}


def load():
    pass


def compile_model(job, model, *options):
    tool = pathlib.Path(job.build, "bin", "weir-compile")
    for option in options:
        name = option.removeprefix("--").partition("=")[0]
        if not artifact.has_option(tool, name):
            raise RuntimeError(f"this weir-compile has no option --{name}")
    # A path of its own: a library that has the name of one which is loaded is not loaded again.
    with tempfile.TemporaryDirectory(dir=job.folder) as folder:
        return artifact.Artifact(tool, model, pathlib.Path(folder, "model.so"), *options)


def options_of(job, size, weights=""):
    """Of weir-compile, for steps and windows alike."""
    semantics = ("--semantics=stream",) if getattr(size, "band", False) and size.kind == "step" else ()
    threads = () if job.threads == 1 else (f"--threads={job.threads}",)
    return *WEIGHTS[weights], *threads, *semantics


class Peer:
    def __init__(self, job, form):
        kind, _, weights = form.partition("+")
        options = options_of(job, job.size, weights)
        stored = job.stored(kind)
        self.expected = stored["y"]
        if is_window(kind):
            self._open_window(job, kind, stored["x"], options)
        else:
            self._open_steps(job, stored["x"], options, each=kind == "each")
        made = self.artifact
        self.facts = {"compile_seconds": made.compile_seconds, "artifact_bytes": made.bytes}
        for fact in ("state_bytes", "scratch_bytes"):
            self.facts[fact] = made.manifest[fact]

    def _open_window(self, job, kind, x, options):
        size = job.size
        model, rewrite = job.models.window(size), ["--rewrite=none"]
        if kind in rewrites.REWRITES:
            rewrite = rewrites.compile_options(kind, size, job.models.windows_file(size))
        fitting = [option for option in options if not option.startswith("--semantics")]
        self.artifact = compile_model(job, model, *rewrite, *fitting)
        self.first = size.stream_tokens - 1
        self.output, scratch = np.zeros(size.output_shape, np.float32), self.artifact.scratch()
        windows = streams.Windows(x, size.tokens)
        calls = [artifact.addresses([window]) for window in windows.windows]
        function, outputs = self.artifact.function("window"), artifact.addresses([self.output])
        self.kept = windows, scratch
        room = ctypes.c_void_p(scratch.ctypes.data)
        self.call = lambda i: function(room, calls[(i + 1 - size.tokens) % len(calls)], outputs)

    def _open_steps(self, job, x, options, each):
        size, count = job.size, job.size.streams
        self.artifact = made = compile_model(job, job.models.streamed(size), *options)
        self.first = 0
        self.output = np.zeros((count, size.width), np.float32)
        states, tokens = [made.state() for _ in range(count)], streams.Tokens(x)
        calls = [artifact.addresses(list(token)) for token in tokens.tokens]
        all_states, outputs = artifact.addresses(states), artifact.addresses(list(self.output))
        self.kept = states, tokens
        step, many, number = made.function("step"), made.function("step_many"), ctypes.c_size_t(count)
        if each:
            one_by_one = native.library("streams", job.folder)
            one_by_one = ctypes.CDLL(str(one_by_one)).step_each
            self.call = lambda i: one_by_one(step, all_states, calls[i % len(calls)], outputs, number)
        elif count > 1:
            self.call = lambda i: many(all_states, calls[i % len(calls)], outputs, number, None)
        else:
            state = ctypes.c_void_p(states[0].ctypes.data)
            self.call = lambda i: step(state, calls[i % len(calls)], outputs)

    def step(self, i):
        self.call(i)
        return self.output
