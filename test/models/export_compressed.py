"""Write the encoders with DCT and CAST attention of test/models/compressed and their `manifest.json`.

usage: export_compressed.py FOLDER

They come from weir.nn by both exporters, as standard operators and as functions of domain `weir`. Needs
dependencies/python-export.txt.
"""

import argparse
import dataclasses
import json
import logging
import pathlib
import sys
import tempfile
import warnings

import onnx
import torch
from torch import nn

from encoders import perturb
from export import DYNAMO, TORCHSCRIPT, tidy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
from weir.nn import CastAttention, DctAttention, export  # noqa: E402

WIDTH, HEADS, HIDDEN, TOKENS = 8, 2, 12, 10


@dataclasses.dataclass(frozen=True)
class Case:
    """One file. `options` are those of the attention; `padding` adds an input that hides tokens."""

    name: str
    attention: type
    options: dict
    exporter: str
    functions: bool
    blocks: int = 1
    norm_first: bool = False
    batch: int = 1
    padding: bool = False
    dynamic: bool = False


class Encoder(nn.Module):
    def __init__(self, case):
        super().__init__()
        layer = lambda: nn.TransformerEncoderLayer(
            WIDTH, HEADS, HIDDEN, dropout=0.0, batch_first=True, norm_first=case.norm_first
        )
        self.layers = nn.ModuleList(layer() for _ in range(case.blocks))
        for layer in self.layers:
            layer.self_attn = case.attention(WIDTH, HEADS, **case.options, batch_first=True)

    def forward(self, x, padding=None):
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=padding)
        return x


def cases():
    forms = [(TORCHSCRIPT, False), (DYNAMO, False), (TORCHSCRIPT, True), (DYNAMO, True)]
    dct = lambda variant, keep=4: (DctAttention, dict(tokens=TOKENS, keep=keep, variant=variant))
    cast = lambda clustering, clusters=2, size=4, **more: (
        CastAttention,
        dict(clusters=clusters, size=size, clustering=clustering, **more),
    )
    short = {TORCHSCRIPT: "ts", DYNAMO: "dynamo"}
    kinds = {
        "dct_qkv": (*dct("qkv"), forms[:3]),
        "dct_x": (*dct("x", 5), [forms[0], forms[3]]),
        "dct_resample": (*dct("resample"), [forms[1], forms[2]]),
        "dct_pool": (*dct("pool", 3), [forms[0], forms[3]]),
        "cast_topk": (*cast("topk"), forms[:3]),
        "cast_sa_greedy": (*cast("sa-greedy", 3, 4, f="laplace"), [forms[1], forms[2]]),
        "cast_sa_rounds": (*cast("sa-rounds", 3, 3, heads="per-head"), [forms[0], forms[3]]),
    }
    for name, (attention, options, routes) in kinds.items():
        for exporter, functions in routes:
            form = "functions" if functions else "standard"
            yield Case(f"{name}_{short[exporter]}_{form}", attention, options, exporter, functions)
    padded = dict(padding=True, batch=2, dynamic=True)
    yield Case("dct_qkv_padding", *dct("qkv"), DYNAMO, False, **padded)
    yield Case("dct_resample_padding", *dct("resample", 5), TORCHSCRIPT, False, **padded)
    yield Case("cast_topk_padding", *cast("topk", 3, 3), DYNAMO, False, **padded)
    yield Case("dct_qkv_2_pre", *dct("qkv", 3), DYNAMO, False, blocks=2, norm_first=True, batch=3)


def inputs(case):
    """[(name, tensor)] of one window."""
    generator = torch.Generator().manual_seed(1)
    found = [("x", torch.randn(case.batch, TOKENS, WIDTH, generator=generator))]
    if case.padding:
        found.append(("padding", torch.zeros(case.batch, TOKENS, dtype=torch.bool)))
    return found


def write(case, path):
    torch.manual_seed(len(case.name))
    model = perturb(Encoder(case), seed=len(case.name) + 1)
    names, tensors = zip(*inputs(case))
    dynamic = [{0: "batch"}] * len(names) if case.dynamic else None
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        found = export(
            model, tensors, file.name, case.exporter, case.functions, input_names=names, dynamic=dynamic
        )
    found = tidy(found)
    onnx.checker.check_model(found)
    onnx.save(found, path)
    return found


def entry(case, model):
    """The manifest's line on `case`."""
    symbol = model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    return {
        "file": f"{case.name}.onnx",
        "exporter": case.exporter,
        "opset": next(opset.version for opset in model.opset_import if not opset.domain),
        "functions": case.functions,
        "blocks": case.blocks,
        "heads": HEADS,
        "system": "dct" if case.attention is DctAttention else "cast",
        "attention": {key: value for key, value in case.options.items() if key != "tokens"},
        "window": TOKENS,
        "inputs": [
            {
                "name": name,
                "shape": [*tensor.shape],
                "token_axis": 1,
                "dtype": str(tensor.dtype).removeprefix("torch."),
            }
            for name, tensor in inputs(case)
        ],
        "options": ["--dim", f"{symbol}={case.batch}"] if symbol else [],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = []
    for case in cases():
        manifest.append(entry(case, write(case, folder / f"{case.name}.onnx")))
    lines = ",\n".join("  " + json.dumps(line) for line in manifest)
    (folder / "manifest.json").write_text(f"[\n{lines}\n]\n")
    size = sum((folder / line["file"]).stat().st_size for line in manifest)
    print(f"{len(manifest)} models, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
