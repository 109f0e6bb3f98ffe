"""An ONNX file of a user, in place of a workload: streams for it, and what onnxruntime gives for their last window."""

import dataclasses
import hashlib
import json
import pathlib
import subprocess

import numpy as np
import onnx

from . import artifact

MORE = 8  # steps beyond the first full window


@dataclasses.dataclass(frozen=True)
class UserModel:
    """What the runs of a file have in common; all of it is in one .npz file."""

    name: str
    path: str
    options: tuple  # of weir-compile
    arrays: str  # the .npz file: stream_NAME, expected_NAME
    axes: dict  # token axis of each streamed input
    tokens: int
    chunk: int
    macs: int
    macs_window: int
    weights: int
    state_bytes: int
    kind: str = "step"
    streams: int = 1

    @property
    def stream_tokens(self):
        """Steps, by which peers count here."""
        return self.tokens // self.chunk + MORE

    def load(self):
        """{name: stream} and {name: output of the last window}."""
        kept = np.load(self.arrays)
        part = lambda prefix: {key.removeprefix(prefix): kept[key] for key in kept if key.startswith(prefix)}
        return part("stream_"), part("expected_")

    def window(self, streams, end):
        """Inputs of the window of `tokens` that ends before token `end`."""
        cut = lambda name, array: array.take(range(end - self.tokens, end), self.axes[name])
        return {name: cut(name, array) if name in self.axes else array for name, array in streams.items()}

    def step(self, streams, index):
        """Inputs of the step that brings the tokens behind the first index * chunk."""
        cut = lambda name, array: array.take(range(index * self.chunk, (index + 1) * self.chunk), self.axes[name])
        return {name: cut(name, array) if name in self.axes else array for name, array in streams.items()}


def fixed_inputs(options):
    """{name: number} of --fix=NAME=NUMBER."""
    pairs = [option.removeprefix("--fix=").rpartition("=") for option in options if option.startswith("--fix=")]
    return {name: float(number) for name, _, number in pairs}


def shapes_of(model, manifest):
    """Shapes of the file's inputs on one window: those that Weir has found, and others by the names of their sizes."""
    known = {one["name"]: one["shape"] for one in manifest["inputs"]}
    sizes, shapes = {}, {}
    declared = {one.name: one.type.tensor_type for one in model.graph.input}
    for name, shape in known.items():
        for dim, size in zip(declared[name].shape.dim, shape):
            sizes[dim.dim_param] = size
    for name, kind in declared.items():
        dims = [dim.dim_value or sizes.get(dim.dim_param) for dim in kind.shape.dim]
        shapes[name] = known.get(name, dims)
        if None in shapes[name]:
            raise RuntimeError(f"the size of input '{name}' is not known: give --weir=--dim=NAME=SIZE")
    return shapes


def random_values(dtype, shape, rng):
    """Numbers of unit variance; indices that small tables have; nothing hidden by masks."""
    if np.issubdtype(dtype, np.floating):
        return rng.standard_normal(shape).astype(dtype)
    return np.ones(shape, bool) if dtype == np.bool_ else rng.integers(3, 10, shape).astype(dtype)


def report_of(build, path, options):
    """What `--explain=json` says of the steps."""
    command = [pathlib.Path(build, "bin", "weir-run"), path, "--explain=json", *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def describe(path, options, build, folder, given=()):
    """The UserModel of a file. `given`: NAME=FILE.npy of inputs that are not to be random."""
    import onnxruntime

    key = hashlib.sha256(repr((pathlib.Path(path).read_bytes(), options, given)).encode()).hexdigest()[:10]
    folder = pathlib.Path(folder, "files", key)
    tool = pathlib.Path(build, "bin", "weir-compile")
    window = artifact.Artifact(tool, path, folder / "window.so", "--rewrite=none", *options).manifest
    step = artifact.Artifact(tool, path, folder / "step.so", *options).manifest
    axes = {one["name"]: one["token_axis"] for one in step["inputs"] if "token_axis" in one}
    model, rng, fixed = onnx.load(path), np.random.default_rng(0), fixed_inputs(options)
    files = dict(one.split("=", 1) for one in given)
    length, streams = step["window"] + MORE * step["chunk"], {}
    for one in model.graph.input:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(one.type.tensor_type.elem_type)
        shape = list(shapes_of(model, window)[one.name])
        if one.name in axes:
            shape[axes[one.name]] = length
        if one.name in files:
            streams[one.name] = np.load(files[one.name]).astype(dtype)
        elif one.name in fixed:
            streams[one.name] = np.full(shape, fixed[one.name], dtype)
        else:
            streams[one.name] = random_values(dtype, shape, rng)
    report = report_of(build, path, options)
    made = UserModel(
        name=pathlib.Path(path).stem, path=str(path), options=tuple(options), arrays=str(folder / "arrays.npz"),
        axes=axes, tokens=step["window"], chunk=step["chunk"], macs=report["macs_step"], macs_window=report["macs_window"],
        weights=sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer), state_bytes=step["state_bytes"],
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    values = session.run(None, made.window(streams, length))
    expected = {f"expected_{one.name}": value for one, value in zip(session.get_outputs(), values)}
    np.savez(made.arrays, **expected, **{f"stream_{name}": array for name, array in streams.items()})
    return made
