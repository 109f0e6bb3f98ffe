"""Runtimes on a user's file: Weir's step and window, onnxruntime's and OpenVINO's window."""

import ctypes

import numpy as np

from .. import artifact, user_models
from . import is_window, onnxruntime, openvino, probe, weir


def latest(array, shape):
    """The last rows of `array`, as many as `shape` has: a step may give fewer than the window."""
    shape = list(shape)
    if len(shape) != array.ndim:
        raise ValueError(f"outputs of shapes {list(array.shape)} and {shape} cannot be compared")
    return array[tuple(slice(size - wanted, None) for size, wanted in zip(array.shape, shape))]


class Base:
    """Steps by an index: step i brings chunk i, window i ends behind it."""

    facts = {}

    def __init__(self, job, form):
        self.model = user_models.UserModel(**job.user)
        self.arrays, expected = self.model.load()
        self.expected = expected
        self.first = self.model.stream_tokens - 1

    def error(self, outputs):
        """Largest difference to onnxruntime's last window, of the largest output."""
        largest = max(float(np.abs(value).max()) for value in self.expected.values())
        differences = [
            np.abs(latest(self.expected[name], value.shape).astype(np.float64) - value).max() for name, value in outputs.items()
        ]
        return float(max(differences)) / largest

    def windows(self):
        """The windows that end behind the steps of the stream."""
        steps = range(self.model.tokens // self.model.chunk, self.model.stream_tokens + 1)
        ends = [self.model.tokens + (step - steps[0]) * self.model.chunk for step in steps]
        return [self.model.window(self.arrays, end) for end in ends]


class Onnxruntime(Base):
    def __init__(self, job, form):
        super().__init__(job, form)
        session, windows = onnxruntime.open_session(self.model.path, job.threads), self.windows()
        first = self.model.stream_tokens - len(windows)
        names = [one.name for one in session.get_outputs()]
        self.step = lambda i: dict(zip(names, session.run(None, windows[(i - first) % len(windows)])))


class Openvino(Base):
    def __init__(self, job, form):
        super().__init__(job, form)
        import openvino as runtime

        windows, names = self.windows(), list(self.expected)
        first = self.model.stream_tokens - len(windows)
        model = runtime.Core().read_model(self.model.path)
        model.reshape({name: array.shape for name, array in windows[0].items()})
        request = openvino.compile_model(model, job.threads).create_infer_request()

        def step(i):
            request.infer(windows[(i - first) % len(windows)])
            return {name: request.get_tensor(name).data for name in names}

        self.step = step


class Weir(Base):
    def __init__(self, job, form):
        super().__init__(job, form)
        kind, _, weights = form.partition("+")
        window = is_window(kind)
        options = [*self.model.options, *weir.options_of(job, self.model, weights), *(["--rewrite=none"] if window else [])]
        self.artifact = made = weir.compile_model(job, self.model.path, *options)
        self.results = {one["name"]: np.zeros(one["shape"], one["dtype"]) for one in made.manifest["outputs"]}
        steps = self.windows() if window else [self.model.step(self.arrays, i) for i in range(self.model.stream_tokens)]
        names = [one["name"] for one in made.manifest["inputs"]]
        self.kept = [[np.ascontiguousarray(step[name]) for name in names] for step in steps]
        calls = [artifact.addresses(arrays) for arrays in self.kept]
        outputs = artifact.addresses(list(self.results.values()))
        self.room = made.scratch() if window else made.state()
        function, room = made.function("window" if window else "step"), ctypes.c_void_p(self.room.ctypes.data)
        first = self.model.stream_tokens - len(calls)
        self.first = self.model.stream_tokens - 1 if window else 0

        def step(i):
            function(room, calls[(i - first) % len(calls)], outputs)
            return self.results

        self.step = step
        self.facts = {"artifact_bytes": made.bytes, "state_bytes": made.manifest["state_bytes"]}


PEERS = {"weir": Weir, "onnxruntime": Onnxruntime, "openvino": Openvino}


def peer_of(job, form):
    runtime = job.peer.partition(":")[0]
    if runtime == "probe":
        return probe.Peer(job, form)
    if runtime not in PEERS:
        raise ValueError("runs our own encoders only")
    return PEERS[runtime](job, form)
