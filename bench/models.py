"""Files of a workload, written once into a folder and found again as long as what writes them is the same."""

import dataclasses
import functools
import hashlib
import os
import pathlib

import numpy as np
import onnx

from . import encoders, graph, narrow, reference, steps, workloads

WRITERS = [encoders, graph, narrow, reference, steps, workloads]


@functools.cache
def sources_digest():
    return hashlib.sha256(b"".join(pathlib.Path(module.__file__).read_bytes() for module in WRITERS)).hexdigest()


class Models:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def file(self, workload, ending, write):
        """Calls write(path) unless the file is there; never leaves half a file."""
        digest = hashlib.sha256((repr(workload) + sources_digest()).encode()).hexdigest()[:10]
        path = self.folder / f"{workload.name}.{digest}.{ending}"
        if not path.exists():
            begun = path.with_name(f"{os.getpid()}.{path.name}")
            write(begun)
            os.replace(begun, path)
        return path

    def window(self, workload):
        return self.file(workload, "window.onnx", lambda path: encoders.write_window(workload, path))

    def streamed(self, workload):
        """What Weir makes steps of: one stream's window, long enough to show where a band ends."""
        one = dataclasses.replace(workload, streams=1)
        if not one.band:
            return self.window(one)
        return self.file(one, "band.onnx", lambda path: encoders.write_window(one, path, one.tokens + 1))

    def step(self, workload):
        return self.file(workload, "step.onnx", lambda path: steps.write_step(workload, path))

    def step_of_8_bits(self, workload):
        narrowed = lambda path: onnx.save(narrow.to_8_bits(onnx.load(self.step(workload))), path)
        return self.file(workload, "step8.onnx", narrowed)

    def fused_window(self, workload):
        """As onnxruntime's own optimizer for Transformers rewrites it: attention and norms as one operator each."""

        def write(path):
            from onnxruntime.transformers import optimizer

            model = optimizer.optimize_model(
                str(self.window(workload)), model_type="bert", num_heads=workload.heads, hidden_size=workload.width,
                opt_level=0, use_gpu=False,
            )  # fmt: skip
            model.save_model_to_file(str(path))

        return self.file(workload, "fused.onnx", write)

    def outputs(self, workload):
        """{x, y} of `reference`."""
        return self._arrays(workload, "outputs.npz", lambda: reference.outputs(workload))

    def states(self, workload):
        arrays = self._arrays(workload, "states.npz", lambda: dict(enumerate_states(workload)))
        return [arrays[f"state_{i}"] for i in range(len(arrays))]

    def _arrays(self, workload, ending, compute):
        return dict(np.load(self.file(workload, ending, lambda path: np.savez(path, **compute()))))


def enumerate_states(workload):
    return ((f"state_{i}", state) for i, state in enumerate(reference.states(workload)))
