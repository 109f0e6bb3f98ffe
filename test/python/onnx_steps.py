"""Step models in ONNX, as an engineer with onnxruntime alone would run them.

    make_step(entry, folder, layout="shift", opset=17)   weir-opt: model.onnx -> step.onnx
    stream(session, entry, tokens)                       outputs of each step from the first full window on
"""

import json
import pathlib
import subprocess

import numpy as np
import streams


def pass_options(entry, chunk):
    """The options of weir-prepare-model that stand for an entry's options of weir-run."""
    given = dict(window=None, dims=[])
    words = list(entry["options"])
    while words:
        word = words.pop(0)
        if word.startswith("--window="):
            given["window"] = word.removeprefix("--window=")
        elif word == "--dim":
            given["dims"].append(words.pop(0))
    text = f"chunk={chunk}"
    if given["window"]:
        text += f" window={given['window']}"
    if given["dims"]:
        text += f" dims={','.join(given['dims'])}"
    return text


def weir_opt(*arguments):
    command = [str(streams.WEIR_OPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=streams.TIME_LIMIT)


def make_step(
    entry,
    output,
    *options,
    layout="shift",
    chunk=1,
    positions="exact",
    entries="step",
    warmup="wait",
    semantics="window",
):
    """Write the step model of `entry` to `output`; returns the path."""
    continual = f"chunk={chunk} state-layout={layout} positions={positions} entries={entries} retroactive=never"
    continual += f" warmup={warmup} semantics={semantics}"
    result = weir_opt(
        entry["path"],
        f"--weir-prepare-model={pass_options(entry, chunk)}",
        f"--weir-continual={continual}",
        *options,
        "-o",
        output,
    )
    assert result.returncode == 0, result.stderr
    return pathlib.Path(output)


def facts(session):
    """The metadata of a step model: numbers as numbers, JSON as objects."""
    found = session.get_modelmeta().custom_metadata_map
    plain = {"weir.version", "weir.kind", "weir.source_sha256"}
    return {key: value if key in plain else json.loads(value) for key, value in found.items()}


DTYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}


def empty_states(session, known):
    """The states of a stream without tokens."""
    inputs = {one.name: one for one in session.get_inputs()}
    return {
        name: np.full(inputs[name].shape, known["weir.state_init"][name], DTYPES[inputs[name].type])
        for name in known["weir.state_pairs"]
    }


def tokens_of(values, axis, start, count):
    """Tokens [start, start + count); those before the stream's first are zeros."""
    index = [slice(None)] * values.ndim
    index[axis] = slice(max(start, 0), start + count)
    cut = values[tuple(index)]
    before = [(0, 0)] * values.ndim
    before[axis] = (max(0, -start), 0)
    return np.pad(cut, before)


def stream(session, entry, tokens):
    """{output name: [steps, output shape...]}, from the first step whose window is full."""
    known = facts(session)
    pairs, chunk = known["weir.state_pairs"], known["weir.chunk"]
    states = empty_states(session, known)
    names = [one.name for one in session.get_outputs()]
    axes = {one["name"]: one["token_axis"] for one in entry["inputs"]}
    length = next(iter(tokens.values())).shape[entry["inputs"][0]["token_axis"]]
    kept, start, step = [], -known["weir.skipped_tokens"], 0
    while start + chunk <= length:
        fed = {name: tokens_of(values, axes[name], start, chunk) for name, values in tokens.items()}
        results = dict(zip(names, session.run(names, {**fed, **states})))
        states = {past: results.pop(present) for past, present in pairs.items()}
        start, step = start + chunk, step + 1
        if step >= known["weir.warmup_steps"]:
            kept.append(results)
    return {name: np.stack([one[name] for one in kept]) for name in kept[0]}
