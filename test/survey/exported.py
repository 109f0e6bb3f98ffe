"""Cases that are exported from PyTorch as the survey runs."""

import contextlib
import functools
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
from row import Case  # noqa: E402

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
    model = spread(architecture.build(route.attention), seed + 1)
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


def exported_sections(folder, only=""):
    import audio
    import series
    import text
    import vision
    import modules

    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    titles = {
        "Text": (text, "Text encoders of Hugging Face's transformers, by both of PyTorch's exporters."),
        "Vision": (vision, "Vision encoders of Hugging Face's transformers and timm. Tokens are patches."),
        "Audio": (audio, "Audio encoders of Hugging Face's transformers."),
        "Time series": (series, "Encoders of time series of Hugging Face's transformers."),
        "Modules": (modules, "PyTorch's layers, and parts of newer encoders written by hand."),
    }
    for title, (module, words) in titles.items():
        cases = [
            case
            for architecture in architectures(module)
            if only.lower() in architecture.name.lower()
            for case in cases_of(architecture, folder)
        ]
        yield title, words, cases
