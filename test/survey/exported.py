"""Cases that are exported from PyTorch as the survey runs."""

import contextlib
import dataclasses
import logging
import os
import pathlib
import signal
import sys
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "models"))

import onnx  # noqa: E402
import torch  # noqa: E402
from architecture import BATCH, Called, spread  # noqa: E402
from export import to_onnx  # noqa: E402
from routes import DYNAMO18, DYNAMO23, EAGER17  # noqa: E402
from row import Case  # noqa: E402

# Kept in the repository: as different as they are small.
KEPT = {
    "ALBERT": DYNAMO23,
    "RoBERTa, 1 layer": DYNAMO23,
    "CLIP text": DYNAMO23,
    "T5 encoder": DYNAMO18,
    "ModernBERT, 2 layers": DYNAMO23,
    "Whisper encoder": EAGER17,
    "one head of keys": EAGER17,
    "segment memory": EAGER17,
}
TIME_LIMIT = 300  # seconds, of one export


@contextlib.contextmanager
def time_limit(seconds):
    def stop(*_):
        raise TimeoutError(f"not exported within {seconds} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def example(one, batch, window, generator):
    sizes = one.sizes(batch, window)
    if one.low is None:
        return torch.randn(sizes, generator=generator)
    return torch.randint(one.low, one.high, sizes, generator=generator)


def symbols(one, route):
    """{dimension: symbol} of what stays open."""
    axis = one.shape.index("tokens")
    found = {axis: "time"}
    if BATCH in one.shape and route.exporter == "torchscript":
        found[one.shape.index(BATCH)] = "batch"
    return found


def export(architecture, route):
    """The ONNX model."""
    seed = len(architecture.name)
    torch.manual_seed(seed)
    names = [one.name for one in architecture.inputs]
    model = architecture.build(route.attention)
    if not architecture.trained:
        spread(model, seed + 1)
    model = Called(model, names, architecture.pick, architecture.fixed).eval()
    generator = torch.Generator().manual_seed(1)
    tensors = [example(one, route.batch, architecture.window, generator) for one in architecture.inputs]
    dynamic = [symbols(one, route) for one in architecture.inputs] if route.dynamic else None
    with time_limit(TIME_LIMIT):  # gradients stay on: without them layers take a path that has no export
        return to_onnx(model, list(zip(names, tensors)), route.exporter, route.opset, dynamic)


def entry(architecture, route, path):
    options = list(architecture.options)
    if route.dynamic:
        options.append(f"--window={architecture.window}")
        if route.exporter == "torchscript":
            options += ["--dim", f"batch={route.batch}"]
    return {
        "path": path,
        "exporter": route.exporter,
        "window": architecture.window,
        "chunk": architecture.chunk,
        "rows_axis": architecture.rows_axis,
        "inputs": [one.entry(route.batch, architecture.window) for one in architecture.inputs],
        "options": options,
    }


def cases_of(architecture, folder):
    """Its cases, exported unless the file is there; what PyTorch's exporter does not take is told and left out."""
    for route in architecture.routes:
        name = f"{architecture.name}, {route}"
        path = folder / (name.replace(", ", "_").replace(" ", "_").replace("/", "_") + ".onnx")
        try:
            if not path.exists():
                onnx.save(export(architecture, route), path)
        except Exception as wrong:
            lines = str(wrong).strip().splitlines() or [type(wrong).__name__]
            print(f"not exported: {name}: {lines[0][:160]}", file=sys.stderr)
            continue
        yield Case(name, entry(architecture, route, path), route.rows)


def architectures(module):
    """What the families of `module` build; one that this version of a library lacks ends its family."""
    for family in module.FAMILIES:
        yield from family()


def sections():
    """{title: (module of architectures, what the section holds)}."""
    import audio
    import modules
    import series
    import text
    import vision

    return {
        "Text": (text, "Text encoders of Hugging Face's transformers, by both of PyTorch's exporters."),
        "Vision": (
            vision,
            "Vision and video encoders of Hugging Face's transformers. Tokens are columns or frames.",
        ),
        "Audio": (audio, "Audio encoders of Hugging Face's transformers."),
        "Time series": (series, "Encoders of time series of Hugging Face's transformers."),
        "Modules": (modules, "PyTorch's layers, and parts of newer encoders written by hand."),
    }


def be_quiet():
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)


def exported_sections(folder, only=""):
    """[(title, text, cases)] of architectures whose name holds the first words of `only`."""
    be_quiet()
    named = only.split(", ")[0].lower()
    for title, (module, words) in sections().items():
        chosen = [one for one in architectures(module) if named in one.name.lower()]
        yield title, words, [case for one in chosen for case in cases_of(one, folder)]


def cases_to_keep(folder):
    """One route of each architecture of KEPT."""
    be_quiet()
    every = [one for module, _ in sections().values() for one in architectures(module)]
    for name, route in KEPT.items():
        [architecture] = [one for one in every if one.name == name]
        yield from cases_of(dataclasses.replace(architecture, routes=(route,)), folder)
