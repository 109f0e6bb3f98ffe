"""What every Python test shares: random streams, weir-run, and the reference that it is held against.

The reference is onnxruntime on the *original* model over each full window, one window after the other:

    stream  x0 x1 x2 x3 x4      n = 3, c = 1
    step 0  [x0 x1 x2]
    step 1     [x1 x2 x3]
    step 2        [x2 x3 x4]
"""

import functools
import json
import os
import pathlib
import subprocess
import tempfile

import numpy as np
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build"))
WEIR_RUN, WEIR_OPT = BUILD / "bin" / "weir-run", BUILD / "bin" / "weir-opt"
MODELS = ROOT / "test" / "models"
FULL = os.environ.get("WEIR_FULL") == "1"
TOLERANCE = 2e-5  # of the largest value of an output
TIME_LIMIT = 120  # seconds, of one run


def load_manifest(folder):
    entries = json.loads((folder / "manifest.json").read_text())
    return [dict(entry, path=folder / entry["file"]) for entry in entries]


@functools.cache
def manifest():
    """{model name: entry} of the models kept in the repository."""
    return {entry["path"].stem: entry for entry in load_manifest(MODELS)}


def open_session(model):
    """onnxruntime on one thread; `model` is a path or an onnx.ModelProto."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    source = str(model) if isinstance(model, (str, os.PathLike)) else model.SerializeToString()
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def random_values(rng, one, shape):
    """Values of the kind that an input takes; `fill` tells what 0 and 1 of padding mean."""
    if "fixed" in one:
        return np.full(one["shape"], one["fixed"], one["dtype"])
    fill = one.get("fill", "hide" if one["dtype"] == "bool" else None)
    if fill:  # padding: rare, so that no window is all padding
        hidden = rng.random(shape) < 0.2
        return {"hide": hidden, "keep": ~hidden, "additive": hidden * -1e9}[fill].astype(one["dtype"])
    if one["dtype"] == "int64":
        return rng.integers(*one.get("range", (0, 20)), shape)
    return rng.standard_normal(shape).astype(one["dtype"])


def random_streams(entry, length, seed=0):
    """{input name: array with `length` tokens along its token axis}, of one window where it has none."""
    rng = np.random.default_rng(seed)
    streams = {}
    for one in entry["inputs"]:
        shape = list(one["shape"])
        if one["token_axis"] is not None:
            shape[one["token_axis"]] = length
        streams[one["name"]] = random_values(rng, one, shape)
    return streams


def step_starts(length, window, chunk):
    """First token of each full window: floor((T - n) / c) + 1 of them."""
    return range(0, length - window + 1, chunk)


def window_of(streams, entry, start):
    """The operands of the window that begins at token `start`."""
    tokens = range(start, start + entry["window"])
    cut = lambda values, axis: values if axis is None else np.take(values, tokens, axis=axis)
    return {one["name"]: cut(streams[one["name"]], one["token_axis"]) for one in entry["inputs"]}


def windows(session, entry, streams, chunk=1, extra=lambda start: {}):
    """{output name: [steps, output shape...]}; `extra(start)` adds operands to a window's."""
    names = [output.name for output in session.get_outputs()]
    first = entry["inputs"][0]
    length = streams[first["name"]].shape[first["token_axis"]]
    steps = [
        session.run(names, {**window_of(streams, entry, start), **extra(start)})
        for start in step_starts(length, entry["window"], chunk)
    ]
    return {name: np.stack(values) for name, values in zip(names, zip(*steps))}


def position_table(model, entry):
    """(node, operand index, table) of the addition of absolute positions to the tokens.

    The manifest of the fuzzer names the value; PyTorch's exports hold it as a constant of one row a token.
    """
    graph, rows = model.graph, entry["lead"] + entry["window"]
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    sums = [
        (node, index, name)
        for node in graph.node
        if node.op_type == "Add"
        for index, name in enumerate(node.input)
    ]
    if isinstance(entry["positions"], str):
        sums = [found for found in sums if found[2] == entry["positions"]]
    else:
        sums = [found for found in sums if found[2] in constants]
    probe.graph.output.extend(onnx.ValueInfoProto(name=name) for name in {name for _, _, name in sums})
    session = open_session(probe)
    values = dict(
        zip(
            [o.name for o in session.get_outputs()],
            session.run(None, window_of(random_streams(entry, entry["window"]), entry, 0)),
        )
    )
    is_table = lambda value: (
        value.ndim in (2, 3) and rows in value.shape[:-1] and value.size == rows * value.shape[-1]
    )
    [(node, index, table)] = [
        (node, index, values[name]) for node, index, name in sums if is_table(values[name])
    ]
    return node, index, table


def recycled_windows(entry, streams, chunk=1):
    """Like `windows`, where the token of stream time t keeps row t mod n of the position table.

    The model's table becomes an input, so that each window is given its rotated one.
    """
    model = onnx.load(entry["path"])
    n, lead = entry["window"], entry["lead"]
    node, index, table = position_table(model, entry)
    node.input[index] = "rotated_positions"
    model.graph.input.append(
        onnx.helper.make_tensor_value_info("rotated_positions", onnx.TensorProto.FLOAT, table.shape)
    )

    def rotated(start):
        rows = [*range(lead), *(lead + (start + p) % n for p in range(n))]
        return {"rotated_positions": np.take(table, rows, axis=table.shape.index(lead + n))}

    return windows(open_session(model), entry, streams, chunk, rotated)


def weir_run(model, *options, time_limit=TIME_LIMIT):
    """Run weir-run; the result has returncode, stdout, stderr."""
    command = [str(WEIR_RUN), str(model), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=time_limit)


def run_stream(entry, streams, *options):
    """Run weir-run on `streams`: (result, {output name: array} or None where nothing was written)."""
    with tempfile.TemporaryDirectory() as folder:
        described = {one["name"]: one for one in entry.get("inputs", [])}
        fixed = {name: one["fixed"] for name, one in described.items() if "fixed" in one}
        still = {name for name, one in described.items() if one["token_axis"] is None}
        files = [word for name, value in fixed.items() for word in ("--fix", f"{name}={value}")]
        for name, values in streams.items():
            if name in fixed:
                continue
            path = pathlib.Path(folder, f"{len(files)}.npy")
            np.save(path, values)
            files += ["--static" if name in still else "--stream", f"{name}={path}"]
        output = pathlib.Path(folder, "out.npz")
        result = weir_run(entry["path"], *entry["options"], *files, "--output", output, *options)
        if not output.exists():
            return result, None
        with np.load(output) as archive:
            return result, dict(archive)


def difference(got, expected):
    """Largest difference of two output dictionaries, each output in units of its largest value."""
    assert sorted(got) == sorted(expected), f"outputs {sorted(got)}, expected {sorted(expected)}"
    worst = 0.0
    for name, want in expected.items():
        have = got[name]
        assert have.shape == want.shape, f"output {name} has shape {have.shape}, expected {want.shape}"
        assert have.dtype == want.dtype, f"output {name} holds {have.dtype}, expected {want.dtype}"
        assert np.isfinite(have).all(), f"output {name} holds values that are not finite"
        worst = max(worst, float(np.abs(have - want).max() / np.abs(want).max()))
    return worst
