"""Write the test models and `manifest.json`, the list that the tests run over.

usage: export_models.py [--all] [--only NAME] FOLDER

Without --all exactly the models that are kept in the repository; with it the cross product of exporters,
opsets, depths, norms and projections too. Needs dependencies/python-export.txt.
"""

import argparse
import dataclasses
import itertools
import json
import logging
import os
import pathlib
import warnings

import onnx
import torch

from encoders import Config, Encoder, Fused, Layers, MultiHead, Words, perturb
from export import DYNAMO, TORCHSCRIPT, to_onnx


@dataclasses.dataclass(frozen=True)
class Case:
    """One file. `dynamic` leaves batch and tokens symbolic; `extra` adds a stream of key padding."""

    name: str
    build: type
    config: Config
    exporter: str
    opset: int
    batch: int = 1
    dynamic: bool = False
    extra: str | None = None
    verbatim: bool = (
        False  # keep the exporter's long value names and its remarks, a third to a half of a file
    )

    @property
    def tokens(self):
        """Tokens of the input in one window; a patch is two of them."""
        return self.config.window * (2 if self.config.front == "patch" else 1)

    @property
    def token_axis(self):
        return 1 if self.config.batch_first else 0

    def inputs(self):
        """[(name, tensor)], shapes of one window."""
        c = self.config
        generator = torch.Generator().manual_seed(1)
        if self.build is Words:
            return [("ids", torch.randint(0, 20, (self.batch, self.tokens), generator=generator))]
        features = c.patches * c.features if self.build is Encoder else c.width
        shape = (self.batch, self.tokens, features) if c.batch_first else (self.tokens, self.batch, features)
        found = [("x", torch.randn(shape, generator=generator))]
        if self.extra:
            found.append(("padding", torch.zeros(self.batch, self.tokens, dtype=torch.bool)))
        return found


def layers_cases():
    """PyTorch's own layers, by both exporters."""
    for opset in (14, 17):
        yield Case(f"layers_ts{opset}", Layers, Config(), TORCHSCRIPT, opset, verbatim=opset == 17)
    for opset in (18, 21, 23, 24):
        yield Case(f"layers_dynamo{opset}", Layers, Config(), DYNAMO, opset)
    for exporter, opset in ((TORCHSCRIPT, 17), (DYNAMO, 18)):
        short = {TORCHSCRIPT: "ts", DYNAMO: "dynamo"}[exporter]
        last = dict(head="last", classes=4)
        yield Case(f"multihead_{short}", MultiHead, Config(), exporter, opset)
        yield Case(f"layers_{short}_batch3", Layers, Config(norm="pre"), exporter, opset, batch=3)
        yield Case(
            f"layers_{short}_tokens_first",
            Layers,
            Config(batch_first=False, **last),
            exporter,
            opset,
            batch=3,
        )
        yield Case(f"layers_{short}_dynamic", Layers, Config(**last), exporter, opset, batch=2, dynamic=True)
        yield Case(f"layers_{short}_padding", Layers, Config(), exporter, opset, extra="padding")
    yield Case("layers_ts_2_mean", Layers, Config(blocks=2, head="mean", classes=4), TORCHSCRIPT, 17)
    yield Case("layers_ts_causal", Layers, Config(mask="causal"), TORCHSCRIPT, 17)
    yield Case("layers_dynamo_2_gelu", Layers, Config(blocks=2, activation="gelu"), DYNAMO, 18)
    yield Case("layers_dynamo_3_pre", Layers, Config(blocks=3, norm="pre", activation="gelu"), DYNAMO, 20)
    yield Case("layers_dynamo_6", Layers, Config(window=6, blocks=6, head="last"), DYNAMO, 18)


def fused_cases():
    """scaled_dot_product_attention, also as ONNX's own Attention node."""
    yield Case("fused_ts14", Fused, Config(), TORCHSCRIPT, 14)
    for opset in (18, 23):
        yield Case(f"fused_dynamo{opset}", Fused, Config(), DYNAMO, opset, verbatim=opset == 18)
        yield Case(f"fused_dynamo{opset}_causal", Fused, Config(mask="causal"), DYNAMO, opset)


def encoder_cases():
    """Hand-written encoders: one part varied at a time, through alternating exporters.

    The deeper ones go mostly through dynamo, whose files are a third as large.
    """
    base = dict(norm="pre", activation="gelu")
    varied = {
        "separate": dict(projection="separate"),
        "2_separate": dict(projection="separate", blocks=2, head="last", classes=4),
        "last": dict(head="last", classes=4),
        "first": dict(head="first"),
        "middle": dict(head="middle"),
        "2_middle": dict(head="middle", blocks=2),
        "mean": dict(head="mean", classes=4),
        "max": dict(head="max"),
        "flat": dict(head="flat", classes=4),
        "both": dict(head="both", classes=4),
        "class_token": dict(class_token=1, head="first", classes=4),
        "2_class_token": dict(class_token=1, blocks=2, head="first", classes=4),
        "causal": dict(mask="causal"),
        "2_causal": dict(mask="causal", blocks=2, window=12, head="last"),
        "band": dict(mask=(2, 0), blocks=3, window=12, head="last"),
        "band_ahead": dict(mask=(1, 2), blocks=2, window=12),
        "relative": dict(bias="relative"),
        "2_relative": dict(bias="relative", blocks=2, head="last"),
        "alibi": dict(bias="alibi", blocks=2, head="mean", classes=4),
        "rotary": dict(rotary="halves"),
        "2_rotary": dict(rotary="halves", blocks=2, head="last"),
        "rotary_band": dict(rotary="halves", mask=(3, 0), blocks=2, window=12),
        "table_post": dict(norm="post", positions="table", head="last", classes=4),
        "table_pre": dict(positions="table", blocks=2),
        "sinus": dict(norm="post", positions="sinus", blocks=2, head="mean", classes=4),
        "table_class_token": dict(positions="table", class_token=1, head="first", classes=4),
        "front_same": dict(front="same", head="last"),
        "front_causal": dict(front="causal"),
        "front_valid": dict(front="valid", head="last"),
        "front_patch": dict(front="patch", head="last"),
        "silu": dict(activation="silu", norm="post"),
        "gelu_tanh": dict(activation="gelu_tanh", norm="post"),
    }
    shallow = itertools.cycle(
        [(TORCHSCRIPT, 17), (DYNAMO, 18), (TORCHSCRIPT, 13), (DYNAMO, 20), (TORCHSCRIPT, 11)]
    )
    deep = itertools.cycle([(DYNAMO, 18), (DYNAMO, 22), (DYNAMO, 20), (TORCHSCRIPT, 13)])
    for name, change in varied.items():
        exporter, opset = next(deep if change.get("blocks", 1) > 1 else shallow)
        yield Case(f"encoder_{name}", Encoder, Config(**{**base, **change}), exporter, opset)
    yield Case("encoder_batch3", Encoder, Config(**base, head="last"), TORCHSCRIPT, 13, batch=3)
    yield Case(
        "encoder_dynamic", Encoder, Config(**base, blocks=2, head="mean"), DYNAMO, 18, batch=2, dynamic=True
    )
    yield Case("words", Words, Config(**base, head="last", classes=4), TORCHSCRIPT, 17)
    # How positions and fixed rows are spelled, each where a step updates or reads rows of attention.
    rotated = dict(**base, blocks=2, head="last")
    yield Case("encoder_2_rotary_pairs", Encoder, Config(**rotated, rotary="pairs"), TORCHSCRIPT, 17)
    yield Case("encoder_2_rotary_part", Encoder, Config(**rotated, rotary="part"), DYNAMO, 18)
    yield Case("encoder_2_disentangled", Encoder, Config(**rotated, bias="disentangled"), DYNAMO, 18)
    video = dict(window=6, patches=2, features=3, blocks=2)
    yield Case("encoder_2_patches", Encoder, Config(**base, **video, head="last"), DYNAMO, 20)
    yield Case(
        "encoder_2_patches_class_token",
        Encoder,
        Config(**base, **video, class_token=1, head="first", classes=4),
        DYNAMO,
        20,
    )
    yield Case(
        "encoder_2_registers",
        Encoder,
        Config(**base, blocks=2, class_token=3, separator=True, head="mean"),
        DYNAMO,
        22,
    )
    yield Case("encoder_2_front_same", Encoder, Config(**base, blocks=2, front="same", head="last"), DYNAMO, 18)


def product_cases():
    """Exporter x opset x depth x norm x projection, two blocks in batches of three: too many to keep."""
    routes = [(TORCHSCRIPT, o) for o in (11, 13, 14, 16, 17, 18, 20)] + [
        (DYNAMO, o) for o in (18, 19, 20, 21, 22, 23, 24)
    ]
    for (exporter, opset), blocks, norm in itertools.product(routes, (1, 2, 6), ("post", "pre")):
        batch = 3 if blocks == 2 else 1
        stem = f"{exporter}{opset}_{blocks}_{norm}"
        config = Config(blocks=blocks, norm=norm, activation="gelu", head="last" if blocks > 1 else "all")
        if opset >= 14:
            yield Case(f"full_layers_{stem}", Layers, config, exporter, opset, batch=batch)
        separate = dataclasses.replace(config, projection="separate", head="mean", classes=3)
        yield Case(f"full_encoder_{stem}", Encoder, separate, exporter, opset, batch=batch)


def all_cases(everything):
    families = [layers_cases(), fused_cases(), encoder_cases()] + ([product_cases()] if everything else [])
    return list(itertools.chain(*families))


def export(case):
    """The ONNX model of `case`."""
    torch.manual_seed(len(case.name))
    model = perturb(case.build(case.config), seed=len(case.name) + 1)
    inputs = case.inputs()
    dynamic = [{0: "batch", 1: "time"}] * len(inputs) if case.dynamic else None
    return to_onnx(model, inputs, case.exporter, case.opset, dynamic, case.verbatim)


def entry(case, model):
    """The manifest's line on `case`."""
    c = case.config
    options = []
    if case.dynamic:
        options = [f"--window={case.tokens}"] + [
            "--dim",
            f"{model.graph.input[0].type.tensor_type.shape.dim[0].dim_param}={case.batch}",
        ]
    return {
        "file": f"{case.name}.onnx",
        "exporter": case.exporter,
        "opset": next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
        "blocks": c.blocks,
        "norm": c.norm,
        "window": case.tokens,
        "positions": bool(c.positions),
        "lead": c.class_token,  # fixed rows before the tokens
        "rows_axis": case.token_axis
        if c.head == "all" and not (c.class_token or c.separator or c.front) and c.patches == 1
        else None,  # of the output
        "chunks": [2] if c.front == "patch" else [k for k in (1, 4) if case.tokens % k == 0],
        "inputs": [
            {
                "name": name,
                "shape": list(t.shape),
                "token_axis": case.token_axis,
                "dtype": str(t.dtype).removeprefix("torch."),
            }
            for name, t in case.inputs()
        ],
        "options": options,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--all", action="store_true", help="the cross product too")
    parser.add_argument("--only", help="write just this model, and no manifest")
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    torch.set_num_threads(1)

    arguments.folder.mkdir(parents=True, exist_ok=True)
    manifest = []
    for case in all_cases(arguments.all):
        if arguments.only in (None, case.name):
            model = export(case)
            manifest.append(entry(case, model))
            onnx.save(model, arguments.folder / manifest[-1]["file"])
    if not arguments.only:
        lines = ",\n".join("  " + json.dumps(line) for line in manifest)
        (arguments.folder / "manifest.json").write_text(f"[\n{lines}\n]\n")
    size = sum(os.path.getsize(arguments.folder / line["file"]) for line in manifest)
    print(f"{len(manifest)} models, {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
