"""onnxruntime: whole windows, and the step written by hand; inputs, states and outputs are bound to buffers."""

import numpy as np

from .. import steps
from . import streams

FILES = {
    "window": "window",
    "window+fused": "fused_window",
    "step": "step",
    "step+w8": "step_of_8_bits",
}


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
        size, stored = job.size, job.models.outputs(job.size)
        self.session = open_session(getattr(job.models, FILES[form])(size), job.threads)
        self.expected = stored["y"]
        self.output = np.zeros(size.output_shape, np.float32)
        if form.startswith("window"):
            self.first = size.stream_tokens - 1
            self.inputs = streams.Windows(stored["x"], size.tokens)
            states = []
            if size.band:
                self.expected = None  # one window is another function than the stream
        else:
            self.first = size.tokens
            self.inputs = streams.Tokens(stored["x"])
            states = job.models.states(size)
        self.x = np.zeros_like(self.inputs[0])
        self.states = states, [np.zeros_like(state) for state in states]
        names = steps.state_names(size) if states else []
        # What one step writes the next one reads: two bindings in turn.
        self.bindings = [self._binding(names, *self.states), self._binding(names, *self.states[::-1])]

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
        self.session.run_with_iobinding(self.bindings[i % 2])
        return self.output
