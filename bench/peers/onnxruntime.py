"""onnxruntime: whole windows, and the step written by hand; inputs, states and outputs are bound to buffers."""

import numpy as np

from .. import steps
from . import is_window, streams


def load():
    import onnxruntime  # noqa: F401


def open_session(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def bind(binding, direction, name, array):
    getattr(binding, f"bind_{direction}")(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)


class Peer:
    facts = {}

    def __init__(self, job, form):
        size, stored, states = job.size, job.stored(form), []
        self.expected = stored["y"]
        self.output = np.zeros(size.output_shape, np.float32)
        if is_window(form):
            path = job.window_file(form)
            self.first, self.inputs = size.stream_tokens - 1, streams.Windows(stored["x"], size.tokens)
        else:
            files = {"step": job.models.step, "step+w8": job.models.step_of_8_bits, "step+rings": job.models.step_of_rings}
            path = files[form](size)
            self.first, self.inputs = size.tokens, streams.Tokens(stored["x"])
            states = job.models.states(size)
        self.session = open_session(path, job.threads)
        self.x = np.zeros_like(self.inputs[0])
        self.tokens, self.slot = size.tokens, np.zeros(1, np.int64)
        names, rings = steps.state_names(size) if states else [], form == "step+rings"
        # What one step writes the next one reads: two bindings in turn; but rings are written where they are read.
        self.states = states, (states if rings else [np.zeros_like(state) for state in states])
        self.bindings = [self._binding(names, *self.states), self._binding(names, *self.states[::-1])]
        for binding in self.bindings if rings else []:
            bind(binding, "input", "slot", self.slot)

    def _binding(self, names, before, after):
        binding = self.session.io_binding()
        bind(binding, "input", "x", self.x)
        bind(binding, "output", "y", self.output)
        for (past, present), old, new in zip(names, before, after):
            bind(binding, "input", past, old)
            bind(binding, "output", present, new)
        return binding

    def step(self, i):
        np.copyto(self.x, self.inputs[i])
        self.slot[0] = i % self.tokens
        self.session.run_with_iobinding(self.bindings[i % 2])
        return self.output
