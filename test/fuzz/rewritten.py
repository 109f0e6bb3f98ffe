"""Random encoders with full attention, compressed by --rewrite=dct or cast with random options.

`outcome(seed, folder)` runs one. DCT attention is held against the golden functions in float64; where Weir leaves an
attention alone and says why, so do they, and what they have no meaning for is run all the same. CAST-style attention
with every token in every cluster is the attention that the model had, whatever its surrogates, gates and clusterings
are: it is held against onnxruntime on the model.
"""

import dataclasses
import json
import pathlib
import random
import re
import subprocess
import sys

import numpy as np
import onnx

import random_encoder
from fuzz import reason_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import compressed_reference  # noqa: E402
import streams  # noqa: E402

WINDOWS = 3
VARIANTS = ("qkv", "x", "resample", "pool")
ALONE = re.compile(r"error: attention \d+ \('.*'\) cannot be compressed: (.*)")


@dataclasses.dataclass
class Outcome:
    described: str
    failure: str | None = None
    refusal: str | None = None
    is_undefined: bool = False  # the reference has no meaning for it


def check_evaluator(encoder, path, window):
    """ONNX's own evaluator, which the reference runs on, computes some operators of old opsets in another way."""
    expected = streams.open_session(path).run(None, window)
    for want, got in zip(expected, encoder.run(window)[0].values()):
        if not np.abs(got - want).max() <= streams.TOLERANCE * np.abs(want).max():
            raise compressed_reference.Unsupported("operators that ONNX's evaluator computes otherwise")


@dataclasses.dataclass
class Dct:
    variant: str
    keep: int
    fold: bool

    kind = "dct"

    def options(self, folder, config):
        return f"variant={self.variant} keep={self.keep} fold={str(self.fold).lower()}"

    def golden(self, path, entry, tokens, attentions):
        """{output: [windows, ...]} of the golden functions in float64; `attentions` is what Weir reports of each."""
        encoder = compressed_reference.Encoder(str(path))
        method = compressed_reference.dct_method(self.variant, self.keep)
        length, chunk = entry["length"], entry["chunk"]
        starts = streams.step_starts(length, entry["window"], chunk)
        windows = [streams.window_of(tokens, entry, start) for start in starts]
        if len(encoder.sites) != len(attentions):
            raise compressed_reference.Unsupported("attentions of another spelling")
        check_evaluator(encoder, path, windows[0])
        layers = [one["layer"] for one in attentions if one["form"]]
        runs = [encoder.run(window, method, layers)[0] for window in windows]
        return {name: np.stack([run[name] for run in runs]).astype(np.float32) for name in runs[0]}


@dataclasses.dataclass
class Cast:
    seed: int
    clusters: int
    per_head: bool
    gates: bool

    kind = "cast"

    def options(self, folder, config):
        rng, arrays = np.random.default_rng(self.seed), {}
        for layer in range(3 * config.blocks):
            arrays[f"surrogate_{layer}"] = rng.standard_normal((self.clusters, config.width)).astype(np.float32)
            arrays[f"bphi_{layer}"] = np.float32(rng.standard_normal())
        path = folder / f"{self.seed}_surrogates.npz"
        np.savez(path, **arrays)
        heads, gates = "per-head" if self.per_head else "shared", str(self.gates).lower()
        return f"surrogates={path} size={config.tokens} heads={heads} gates={gates}"

    def golden(self, path, entry, tokens, attentions):
        if entry["padding"]:  # hidden tokens are in no cluster, and get nothing
            raise compressed_reference.Unsupported("padded tokens")
        return streams.windows(streams.open_session(path), entry, tokens, entry["chunk"])


def sample(seed):
    """(configuration of the encoder, what is made of its attention): most without what no rewrite takes."""
    config, r = random_encoder.sample(seed), random.Random(seed)
    if r.random() < 0.8:
        config = dataclasses.replace(config, masks=(None,) * config.blocks, bias=None, softcap=0.0)
    if r.random() < 0.3:
        return config, Cast(seed, r.randint(1, 4), r.random() < 0.5, r.random() < 0.5)
    return config, Dct(r.choice(VARIANTS), r.randint(1, config.tokens), r.random() < 0.7)


def outcome(seed, folder):
    config, choice = sample(seed)
    described = f"{choice} of {random_encoder.described(config)}"
    entry = random_encoder.manifest_entry(config)
    length = config.window + (WINDOWS - 1) * config.chunk
    entry.update(path=folder / f"{seed}_full.onnx", padding=config.padding, length=length, chunk=config.chunk)
    onnx.save(random_encoder.build(config), entry["path"])
    tokens = streams.random_streams(entry, length, seed)
    report = folder / f"{seed}_report.json"
    words = choice.options(folder, config)
    options = [f"--rewrite={choice.kind}", f"--rewrite-options={words}", "--approximate=yes", "--rows=all", f"--chunk={config.chunk}"]
    try:
        result, outputs = streams.run_stream(entry, tokens, *options, "--report", report)
    except subprocess.TimeoutExpired:
        return Outcome(described, failure=f"no answer in {streams.TIME_LIMIT} s")
    reason = ALONE.search(result.stderr)
    reason = reason[1] if reason else reason_of(result.stderr)
    if result.returncode == 1 and reason:
        return Outcome(described, refusal=reason)
    if result.returncode != 0 or outputs is None:
        return Outcome(described, failure=f"exit code {result.returncode}: {result.stderr.strip()[-600:]}")
    attentions = json.loads(report.read_text())["compression"]["attentions"]
    try:
        expected = choice.golden(entry["path"], entry, tokens, attentions)
        off = streams.difference(outputs, expected)
    except compressed_reference.Unsupported:
        return Outcome(described, is_undefined=True)
    except AssertionError as wrong:
        return Outcome(described, failure=str(wrong))
    return Outcome(described, failure=f"differs by {off:.2g} of the largest value" if not off < streams.TOLERANCE else None)
