"""Compiled models in this process: what `weir-compile` writes, and memory for its calls."""

import ctypes
import functools
import json
import pathlib
import subprocess
import time

import numpy as np

ALIGNMENT = 64


@functools.cache
def help_of(tool):
    return subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout


def has_option(tool, option):
    return f"--{option}=" in help_of(tool)


def aligned(count):
    """Bytes at a multiple of 64."""
    room = np.zeros(count + ALIGNMENT, np.uint8)
    start = -room.ctypes.data % ALIGNMENT
    return room[start : start + count]


def addresses(arrays):
    return (ctypes.c_void_p * len(arrays))(*[array.ctypes.data for array in arrays])


class Artifact:
    """A shared library of one model. `functions` of it are called with addresses."""

    def __init__(self, weir_compile, model, path, *options):
        begin = time.perf_counter()
        path = pathlib.Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([weir_compile, model, "-o", path, *options], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        self.compile_seconds = time.perf_counter() - begin
        self.manifest = json.loads(path.with_suffix(".json").read_text())
        self.library = ctypes.CDLL(str(path))
        self.bytes = path.stat().st_size
        self.pool = None
        if self.manifest.get("threads", 1) > 1:
            opened = self.function("pool_open")
            opened.restype = ctypes.c_void_p
            self.pool = ctypes.c_void_p(opened(self.manifest["threads"], 0))
        self.use_pool()

    def use_pool(self):
        """Calls by this thread run on as many threads as the model was compiled for."""
        if self.pool:
            self.function("pool_use")(self.pool)

    def function(self, name):
        found = getattr(self.library, f"{self.manifest['name']}_{name}")
        found.argtypes = None
        return found

    def shapes(self, kind):
        return [one["shape"] for one in self.manifest[kind]]

    def state(self):
        """The bytes of a new stream."""
        state = aligned(self.manifest["state_bytes"])
        self.function("init")(ctypes.c_void_p(state.ctypes.data))
        return state

    def scratch(self):
        return aligned(max(self.manifest["scratch_bytes"], 1))
