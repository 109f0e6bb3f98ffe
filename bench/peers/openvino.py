"""OpenVINO: whole windows, the step written by hand, and that step with its states inside (`MakeStateful`)."""

import numpy as np

from .. import steps
from . import is_window, streams


def load():
    import openvino  # noqa: F401


def compile_model(model, threads):
    import openvino

    return openvino.Core().compile_model(
        model,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        },
    )


class Peer:
    facts = {}

    def __init__(self, job, form):
        import openvino

        size, stored, windows = job.size, job.stored(form), is_window(form)
        self.expected = stored["y"]
        self.first = size.stream_tokens - 1 if windows else size.tokens
        self.inputs = streams.Windows(stored["x"], size.tokens) if windows else streams.Tokens(stored["x"])
        names = [] if windows else steps.state_names(size)
        model = openvino.Core().read_model(str(job.window_file(form) if windows else job.models.step(size)))
        self.inside = form == "step+stateful"
        if self.inside:
            from openvino._offline_transformations import apply_make_stateful_transformation

            apply_make_stateful_transformation(model, dict(names))
        self.compiled = compile_model(model, job.threads)
        self.request = self.compiled.create_infer_request()
        self.x = np.zeros_like(self.inputs[0])
        self.request.set_tensor("x", openvino.Tensor(self.x, shared_memory=True))
        self.states = [] if windows else job.models.states(size)
        self._place_states(names)

    def _place_states(self, names):
        import openvino

        self.pairs = []
        if self.inside:
            values = {past + present: state for (past, present), state in zip(names, self.states)}
            for variable in self.request.query_state():
                variable.state = openvino.Tensor(values[variable.name])
            return
        self.others = [np.zeros_like(state) for state in self.states]
        share = lambda array: openvino.Tensor(array, shared_memory=True)
        self.pairs = [[*both, share(a), share(b)] for both, a, b in zip(names, self.states, self.others)]

    def step(self, i):
        np.copyto(self.x, self.inputs[i])
        for pair in self.pairs:
            past, present, old, new = pair
            self.request.set_tensor(past, old)
            self.request.set_tensor(present, new)
            pair[2:] = new, old
        self.request.infer()
        return self.request.get_tensor("y").data
