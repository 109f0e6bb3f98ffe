"""Configurations of random encoders: what exporters and papers vary, drawn from a seed."""

import dataclasses
import random

POSITION_TABLE = "position_table"  # the value that is added to the tokens
STRIDES = {
    "strided": 2,
    "patch": 2,
    "view": 2,
    "whisper": 2,
}  # front ends that make one row of several tokens


@dataclasses.dataclass(frozen=True)
class Config:
    seed: int
    window: int  # n, tokens of the input
    chunk: int  # c, tokens a step
    opset: int
    # Inputs and how they become rows.
    layout: str  # of activations: "batch" first, "tokens" first, "none" (no batch axis)
    batch: int
    symbolic: str | None  # sizes that the file leaves open: "length", "all"
    source: str  # "float", "ids", "typed_ids" (two tables), "added" or "joined" (two streams)
    speaker: bool  # a static input is added to each token
    padding: str | None  # a second stream tells what to hide: "hide", "keep", "integer", "additive", "wide"
    features: int  # of an input token
    front: str | None  # convolutions and patches, see frontend.py
    positions: str | None  # "add", "slice", "gather", "range", "sinusoid": how the table is written
    treatment: str | None  # of --positions
    lead: int  # learned tokens in front: class token, registers
    tail: int  # and behind
    # Blocks.
    blocks: int
    heads: int
    kv_heads: int
    size: int  # of a head; the width is heads * size
    hidden: int
    block: str  # "pre", "post", "sandwich", "branch" (norm of each branch), "parallel", "conformer"
    norm: str  # "op", "parts", "rms", "rms_op", "length"
    layer_scale: bool
    biases: bool
    activation: str
    gated: str | None  # "split", "pair": two factors from one product or from two
    projection: str  # "split", "slice", "gather", "separate", "gemm", "einsum"
    # Attention.
    scores: str  # "matmul", "merged" (one transpose), "einsum", "batched" (batch and heads in one), "op"
    repeat: str  # how fewer keys serve all heads: "expand", "tile", "gather", "groups"
    scale: str  # where 1/sqrt(size) goes: "query", "both", "divide", "absent"
    qk_norm: str | None  # "rms", "length"
    softcap: float
    masks: tuple  # one a block: None, "causal", (tokens back, tokens ahead)
    mask_form: str  # "add", "add_finite", "where", "trilu", "range", "range_add"
    nan_guard: bool
    bias: str | None  # of scores, see scores.py
    rotary: str | None  # "halves", "pairs", "computed", "partial", "op"
    memory: int  # keys of a static input that a cross attention reads
    # Outputs.
    head: str  # "all", "last", "first", "middle", "mean", "max", "flat", "attention", "both"
    classes: int  # 0: no classifier
    unit: bool  # of length 1
    extra: str | None  # a second output: "tokens" of the end, "early" ones, "early_mean"
    rows: str  # of --rows
    # Spelling.
    constants: str  # "initializers", "nodes", "shared" (equal ones through Identity), "inputs"
    scalars: int  # their rank
    functions: bool  # norms and activations are functions of the model
    no_ops: bool  # Identity, Dropout, Cast to the same type
    names: str | None  # "paths", "unicode"

    @property
    def width(self):
        return self.heads * self.size

    @property
    def rows_of_tokens(self):
        """Rows that the tokens of a window become."""
        rows = self.window // STRIDES.get(self.front, 1) - (2 if self.front == "valid" else 0)
        return 2 * rows if self.front == "spread" else rows

    @property
    def tokens(self):
        """Rows inside of the encoder."""
        return self.lead + self.rows_of_tokens + self.tail

    @property
    def token_axis(self):
        return int(self.layout == "batch")


def some(r, usual, *others, chance=0.3):
    """`usual`, or with a chance one of the others."""
    return r.choice(others) if others and r.random() < chance else usual


def sample_inputs(r, f):
    n = f["window"] = r.choice([2, 3, 4, 5, 6, 6, 8, 8, 8, 10, 12, 12, 16])
    f["opset"] = r.choice([11, 12, 13, 14, 15, 16, 17, 17, 18, 19, 20, 21, 22, 23, 23, 24])
    f["layout"] = some(r, "batch", "tokens", "none", chance=0.4)
    f["batch"] = 1 if f["layout"] == "none" else r.choice([1, 1, 2, 3])
    f["symbolic"] = some(r, None, "length", "all", chance=0.25)
    f["source"] = some(r, "float", "ids", "typed_ids", "added", "joined", chance=0.35)
    f["speaker"] = r.random() < 0.08
    f["padding"] = some(r, None, "hide", "keep", "integer", "additive", "wide", chance=0.15)
    fronts = ["same", "causal", "dilated", "depthwise", "neighbours"]
    if not f["padding"]:  # which would have to be strided, too
        fronts += (
            ["spread"]
            + ["valid"] * (n >= 5)
            + ["strided", "patch", "view", "whisper"] * (n % 2 == 0 and n >= 6)
        )
    f["front"] = some(r, None, *fronts, chance=0.3) if f["source"] in ("float", "added") else None
    f["features"] = r.choice([3, 5, f["heads"] * f["size"]])
    stride = STRIDES.get(f["front"], 1)
    chunks = range(2 * stride, n + 1, stride) if r.random() < 0.35 else []
    f["chunk"] = r.choice(chunks) if chunks else stride
    f["lead"] = some(r, 0, 1, 1, 3, chance=0.15)
    f["tail"] = some(r, 0, 1, chance=0.05)
    f["positions"] = some(r, None, "add", "slice", "gather", "range", "sinusoid", chance=0.25)
    tied = f["tail"] or f["front"] not in (None, "same", "causal")  # rows are no longer tokens
    f["treatment"] = r.choice(["exact"] if tied else ["exact", "recycle"]) if f["positions"] else None


def sample_blocks(r, f):
    opset = f["opset"]
    f["hidden"] = r.choice([4, 6, 12])
    f["blocks"] = r.choice([1, 1, 1, 2, 2, 3])
    f["block"] = r.choice(["pre", "pre", "post", "post", "sandwich", "branch", "parallel", "conformer"])
    norms = ["parts", "rms", "length"] + ["op"] * 3 * (opset >= 17) + ["rms_op"] * (opset >= 23)
    f["norm"] = r.choice(norms)
    f["layer_scale"] = r.random() < 0.1
    f["biases"] = r.random() < 0.8
    kinds = ["relu", "erf", "tanh", "silu", "quick_gelu", "tanh_gelu", "square", "elu", "leaky", "softplus"]
    f["activation"] = r.choice(kinds + ["gelu", "gelu_tanh"] * (opset >= 20) + ["hard_swish"] * (opset >= 14))
    f["gated"] = some(r, None, "split", "pair", chance=0.3)
    equal = f["kv_heads"] == f["heads"]
    forms = ["split", "slice", "separate", "gemm"] + ["gather"] * equal + ["einsum"] * (opset >= 12)
    f["projection"] = r.choice(forms)


def sample_mask(r):
    return r.choices([None, "causal", (r.randint(0, 3), r.randint(0, 3))], [5, 2, 3])[0]


def sample_attention(r, f):
    opset, batched = f["opset"], f["layout"] != "none"
    forms = ["matmul", "matmul", "merged", "batched"] if batched else ["matmul"]
    f["scores"] = r.choice(forms + ["einsum"] * (opset >= 12) + ["op"] * 2 * (opset >= 23 and batched))
    f["repeat"] = r.choice(["expand", "tile", "gather", "groups"])
    f["scale"] = r.choice(["query", "both", "divide", "absent"])
    f["qk_norm"] = some(r, None, "rms", "length", chance=0.15)
    f["softcap"] = some(r, 0.0, 5.0, chance=0.08)
    mask = sample_mask(r)
    f["masks"] = tuple(sample_mask(r) if r.random() < 0.3 else mask for _ in range(f["blocks"]))
    forms = ["add", "add_finite", "where", "range", "range_add"] + ["trilu"] * 2 * (opset >= 14)
    f["mask_form"] = r.choice(forms)
    f["nan_guard"] = r.random() < 0.1
    kinds = ["relative", "alibi", "table", "alibi_range", "buckets", "clipped", "disentangled"]
    kinds += ["shift"] * batched
    f["bias"] = some(r, None, *kinds, chance=0.35)
    turns = ["halves", "halves", "pairs", "computed", "partial"] + ["op"] * 2 * (opset >= 23 and batched)
    f["rotary"] = some(r, None, *turns, chance=0.25)
    f["memory"] = some(r, 0, 3, 7, chance=0.08) if batched else 0


def sample_outputs(r, f):
    heads = ["all", "all", "last", "first", "middle", "mean", "max", "flat", "attention", "both"]
    f["head"] = r.choice(heads)
    f["classes"] = r.choice([0, 4])
    f["unit"] = r.random() < 0.1
    f["extra"] = some(r, None, "tokens", "early", "early_mean", chance=0.15)
    whole = f["head"] == "all" and f["extra"] != "early_mean" and not f["lead"] and not f["tail"]
    f["rows"] = r.choice(["all", "all", "last"]) if whole and f["front"] not in ("valid", "spread") else "all"


def sample_spelling(r, f):
    f["constants"] = some(r, "initializers", "nodes", "shared", "inputs", chance=0.4)
    f["scalars"] = some(r, 0, 1, chance=0.2)
    f["functions"] = r.random() < 0.12
    f["no_ops"] = r.random() < 0.15
    f["names"] = some(r, None, "paths", "unicode", chance=0.2)


def sample(seed):
    r = random.Random(seed)
    fields = {"seed": seed}
    heads, size = r.choice([(1, 4), (1, 8), (2, 2), (2, 4), (3, 2), (3, 4), (4, 2), (2, 8)])
    fields.update(heads=heads, size=size)
    fields["kv_heads"] = (
        r.choice([k for k in range(1, heads + 1) if heads % k == 0]) if r.random() < 0.3 else heads
    )
    for draw in (sample_inputs, sample_blocks, sample_attention, sample_outputs, sample_spelling):
        draw(r, fields)
    return Config(**fields)


def shape(config, *last, length=None, batch=None):
    """Of an input of the model in its layout."""
    n = config.window if length is None else length
    b = config.batch if batch is None else batch
    return {"batch": [b, n], "tokens": [n, b], "none": [n]}[config.layout] + list(last)


def stream_inputs(config):
    c, axis = config, config.token_axis
    floats = {"name": "x", "shape": shape(c, c.features), "token_axis": axis, "dtype": "float32"}
    integers = {"name": "x", "shape": shape(c), "token_axis": axis, "dtype": "int64"}
    inputs = {
        "float": [floats],
        "added": [floats, {**floats, "name": "other"}],
        "joined": [floats, {**floats, "name": "other", "shape": shape(c, 2)}],
        "ids": [integers],
        "typed_ids": [integers, {**integers, "name": "types", "range": (0, 2)}],
    }[c.source]
    if c.padding:
        kind, fill = {
            "hide": ("bool", "hide"),
            "keep": ("bool", "keep"),
            "integer": ("int64", "keep"),
            "additive": ("float32", "additive"),
            "wide": ("float32", "additive"),
        }[c.padding]
        dims = [c.window] if c.layout == "none" else [c.batch, c.window]
        if c.padding == "wide":
            dims[-1:] = [1, 1, c.window]
        inputs.append(
            {"name": "padding", "shape": dims, "token_axis": len(dims) - 1, "dtype": kind, "fill": fill}
        )
    return inputs


def static_inputs(config):
    c = config
    inputs = []
    if c.speaker:
        dims = [c.features] if c.layout == "none" else [c.batch, c.features]
        inputs.append({"name": "speaker", "shape": dims, "token_axis": None, "dtype": "float32"})
    if c.memory:
        dims = [c.batch, c.memory, c.width]
        inputs.append({"name": "memory", "shape": dims, "token_axis": None, "dtype": "float32"})
    return inputs


def manifest_entry(config):
    """What test/python/streams.py needs to know of the model."""
    c = config
    streamed, still = stream_inputs(c), static_inputs(c)
    options = [f"--window={c.window}"] if c.symbolic else []
    if c.symbolic == "all" and c.layout != "none":
        options += ["--dim", f"batch={c.batch}"]
    # A size that is no number of tokens, and equals it by chance.
    if any(c.window in one["shape"] for one in still):
        for one in streamed:
            options += ["--token-axis", f"{one['name']}={one['token_axis']}"]
    return {
        "window": c.window,
        "inputs": streamed + still,
        "options": options,
        "lead": c.lead,
        "rows_axis": c.token_axis,
        "positions": POSITION_TABLE if c.positions else None,
    }


def described(config):
    return " ".join(
        f"{key}={value}"
        for key, value in dataclasses.asdict(config).items()
        if value not in (None, False, 0, 0.0)
    )
