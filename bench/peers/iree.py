"""IREE: whole windows, and the step written by hand."""

import pathlib
import subprocess
import sys

import numpy as np

from . import is_window, streams

OPTIONS = [
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-opt-level=O3",
]


def load():
    import iree.runtime  # noqa: F401


def compile_model(model, path):
    """Writes `path`, an IREE module, of an ONNX file."""
    tools, text = pathlib.Path(sys.executable).parent, path.with_suffix(".mlir")
    for command in (
        [tools / "iree-import-onnx", model, "-o", text, "--opset-version", "17"],
        [tools / "iree-compile", text, "-o", path, *OPTIONS],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip()[:400])
    text.unlink()


class Peer:
    facts = {}

    def __init__(self, job, form):
        import iree.runtime as runtime

        size, stored, files, windows = job.size, job.stored(form), job.models, is_window(form)
        model = job.window_file(form) if windows else files.step(size)
        path = files.file(size, f"{form}.vmfb", lambda path: compile_model(model, path))
        if job.threads > 1:
            runtime.flags.parse_flags(f"--task_topology_group_count={job.threads}")
        self.config = runtime.Config("local-sync" if job.threads == 1 else "local-task")
        context = runtime.SystemContext(config=self.config)
        context.add_vm_module(runtime.VmModule.mmap(context.instance, str(path)))
        self.call = context.modules.module["window" if windows else "step"]
        self.context, self.to_device = context, lambda array: runtime.asdevicearray(self.config.device, array)
        self.expected = stored["y"]
        self.first = size.stream_tokens - 1 if windows else size.tokens
        self.inputs = streams.Windows(stored["x"], size.tokens) if windows else streams.Tokens(stored["x"])
        self.states = [] if windows else [self.to_device(state) for state in files.states(size)]

    def step(self, i):
        results = self.call(self.to_device(np.ascontiguousarray(self.inputs[i])), *self.states)
        if not self.states:
            return results.to_host()
        output, *self.states = results
        return output.to_host()
