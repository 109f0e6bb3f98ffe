"""What is measured. A peer is called RUNTIME:FORM; each module here is a runtime.

A module has `load()`, which imports it, and `Peer(job, form)`:
    first      index of the first token it takes; its states are those of the tokens before
    step(i)    takes token i, or the window that ends with it; the output
    expected   the output after the last token, or None where there is nothing to compare
    facts      what else is to be reported
"""

import dataclasses
import importlib
import importlib.util
import json
import pathlib

from .. import models, rewrites, user_models, workloads

# What a runtime's module is called and what it imports.
RUNTIMES = {
    "weir": ("weir", None),
    "onnxruntime": ("onnxruntime", "onnxruntime"),
    "openvino": ("openvino", "openvino"),
    "torch": ("torch", "torch"),
    "continual": ("continual", "continual"),
    "iree": ("iree", "iree.compiler"),
    "probe": ("probe", None),
}


@dataclasses.dataclass(frozen=True)
class Job:
    """What a worker is told. `user`: a UserModel as a dictionary, in place of a workload of ours."""

    peer: str
    threads: int
    build: str  # where bin/weir-compile is
    folder: str  # for models and what is compiled of them
    workload: str = ""
    user: dict | None = None

    @staticmethod
    def parse(text):
        return Job(**json.loads(text))

    def text(self):
        return json.dumps(dataclasses.asdict(self))

    @property
    def size(self):
        return user_models.UserModel(**self.user) if self.user else workloads.find(self.workload)

    @property
    def stream_tokens(self):
        return self.size.stream_tokens

    @property
    def models(self):
        return models.Models(pathlib.Path(self.folder, "models"), self.build)

    def window_file(self, form):
        """The ONNX file of a whole window, rewritten where the form says so."""
        if form in rewrites.REWRITES:
            return self.models.rewritten(self.size, form)
        return self.models.fused_window(self.size) if form == "window+fused" else self.models.window(self.size)

    def stored(self, form):
        """{x, y}: streams, and what the form is held against. A bare window is another function than a stream of
        bands, so there is nothing to hold it against."""
        if form in rewrites.REWRITES:
            return self.models.rewritten_outputs(self.size, form)
        stored = self.models.outputs(self.size)
        return {**stored, "y": None} if self.size.band and is_window(form) else stored


def is_window(form):
    """Does a form compute whole windows?"""
    return form.startswith("window") or form in rewrites.REWRITES


def module_of(peer):
    """The module of a runtime, and the form that it is to run."""
    runtime, _, form = peer.partition(":")
    return importlib.import_module(f".{RUNTIMES[runtime][0]}", __name__), form


def open_peer(module, job, form):
    if not job.user:
        return module.Peer(job, form)
    return importlib.import_module(".user", __name__).peer_of(job, form)


def missing(peer):
    """Why a peer cannot run here, or None."""
    runtime = peer.partition(":")[0]
    if runtime not in RUNTIMES:
        return f"no runtime is called {runtime}"
    needed = RUNTIMES[runtime][1]
    try:
        found = needed is None or importlib.util.find_spec(needed)
    except ModuleNotFoundError:
        found = False
    return None if found else f"{needed} is not installed"
