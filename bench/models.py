"""Files of a workload, written once into a folder and found again as long as what writes them is the same."""

import dataclasses
import functools
import hashlib
import os
import pathlib

import numpy as np
import onnx

from . import encoders, graph, narrow, reference, rewrites, steps

WRITERS = [encoders, graph, narrow, reference, rewrites, steps]


@functools.cache
def sources_digest():
    return hashlib.sha256(b"".join(pathlib.Path(module.__file__).read_bytes() for module in WRITERS)).hexdigest()


class Models:
    def __init__(self, folder, build=None):
        """`build`: where bin/weir-opt is, for rewritten models."""
        self.folder, self.build = pathlib.Path(folder), build
        self.folder.mkdir(parents=True, exist_ok=True)

    def file(self, workload, ending, write):
        """Calls write(path) unless the file is there; never leaves half a file."""
        digest = hashlib.sha256((repr(workload) + sources_digest()).encode()).hexdigest()[:10]
        path = self.folder / f"{workload.name}.{digest}.{ending}"
        if not path.exists():
            begun = path.with_name(f"{os.getpid()}.{path.name}")
            write(begun)
            os.replace(begun, path)
            self._drop_older(workload, ending, path)
        return path

    def _drop_older(self, workload, ending, path):
        """Files of the same kind that other sources have written."""
        kind, suffix = ending.partition(".")[0], pathlib.Path(ending).suffix
        for other in self.folder.glob(f"{workload.name}.??????????.{kind}.*"):
            if other != path and other.suffix == suffix:
                other.unlink(missing_ok=True)

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

    def step_of_rings(self, workload):
        return self.file(workload, "rings.onnx", lambda path: steps.write_step(workload, path, steps.RingWriter))

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

    def windows_file(self, workload):
        """The streams of a workload as a .npy file."""
        return self.file(workload, "x.npy", lambda path: np.save(path, encoders.tokens(workload)))

    def rewritten(self, workload, name):
        """The window as Weir rewrites it, written by this very weir-opt."""
        tool = pathlib.Path(self.build, "bin", "weir-opt")
        window, data = self.window(workload), self.windows_file(workload)
        write = lambda path: rewrites.write_model(tool, name, workload, window, data, path)
        return self.file(workload, f"{name}.{tool.stat().st_mtime_ns:x}.onnx", write)

    def rewritten_outputs(self, workload, name):
        """{x, y}: what onnxruntime computes with the rewritten model."""
        import onnxruntime

        path = self.rewritten(workload, name)

        def compute():
            x = encoders.tokens(workload)
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            return {"x": x, "y": session.run(["y"], {"x": x})[0]}

        return self._arrays(workload, f"{path.stem.partition('.')[2]}.npz", compute)

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
