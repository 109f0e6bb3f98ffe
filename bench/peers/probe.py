"""Reads as many bytes as the weights and states of a step have, and does nothing else: no step can be faster."""

import ctypes

from .. import bounds, native, workloads


def load():
    pass


class Peer:
    first, expected, facts = 0, None, {}

    def __init__(self, job, form):
        library = ctypes.CDLL(str(native.library("probe", job.folder)))
        library.probe_start.argtypes = [ctypes.c_int, ctypes.c_size_t]
        self.read = library.probe_read
        self.read.restype = ctypes.c_float
        facts = job.user or workloads.shape(job.size)
        library.probe_start(job.threads, bounds.read_bytes(facts, form))

    def step(self, i):
        self.read()

    def error(self, output):
        return None
