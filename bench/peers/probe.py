"""Reads as many bytes as the weights and states of a step have, and does nothing else: no step can be faster."""

import ctypes

from .. import native, workloads

BYTES = {"f32": 4, "bf16": 2, "int8": 1}


def load():
    pass


class Peer:
    first, expected, facts = 0, None, {}

    def __init__(self, job, form):
        library = ctypes.CDLL(str(native.library("probe", job.folder)))
        library.probe_start.argtypes = [ctypes.c_int, ctypes.c_size_t]
        self.read = library.probe_read
        self.read.restype = ctypes.c_float
        library.probe_start(job.threads, workloads.read_bytes(job.size, BYTES[form]))

    def step(self, i):
        self.read()
