"""What classify.py and retrieve.py share: one trained model, its attentions replaced in many ways, one row each.

A model that was trained again with another attention is exported with full attention and the weights it has by then,
and the compiler puts that attention back: what runs is compared with what was trained. Needs PyTorch.
"""

import pathlib
import sys

import measure
import numpy as np
import report
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))
import weir.nn  # noqa: E402

INPUT = "tokens"


class Study:
    def __init__(self, name, found, model, windows, calibration, scores):
        """`windows` [count, tokens, ...] to test on; `scores(outputs)` -> {column: share}."""
        self.name, self.found, self.model, self.scores, self.rows = name, found, model.eval(), scores, []
        self.windows, self.samples = windows, torch.from_numpy(calibration)
        self.calibration = found.output / f"{name}_calibration.npy"
        report.save_array(self.calibration, calibration)
        self.path = self.export(model, "full")
        measured = measure.reference(self.path, {INPUT: windows})
        self.expected = measured.outputs
        self.add("full attention in onnxruntime", None, "yes", measured)

    def export(self, model, name):
        path = self.found.output / f"{self.name}_{name}.onnx"
        weir.nn.export(model, (torch.from_numpy(self.windows[:1]),), path, input_names=[INPUT])
        return path

    def add(self, form, size, training, measured, macs=None, scratch=None, own=None):
        """Print and keep a row; `own`: what PyTorch computes for the model that was trained."""
        to_torch = None if own is None else float(np.abs(measured.outputs - own).max() / np.abs(own).max())
        error = measure.error(measured.outputs, self.expected)
        row = dict(form=form, size=size, training=training, error=error, **self.scores(measured.outputs))
        self.rows.append(row | dict(macs=macs, us=measured.us, peak=scratch, torch=to_torch))
        print(report.table(self.rows[-1:]).splitlines()[-1], flush=True)

    def run(self, path, rewrite, options):
        given = [f"--rewrite={rewrite}", f"--rewrite-options={options}", f"--calibrate={INPUT}={self.calibration}"]
        return measure.weir(self.found.weir_run, path, {INPUT: self.windows}, *given)

    def add_rewritten(self, form, size, training, path, rewrite, options, own=None):
        measured = self.run(path, rewrite, options)
        said = measured.report["compression"]
        if not any("in weir-run" in row["form"] for row in self.rows):
            full = measure.weir(self.found.weir_run, self.path, {INPUT: self.windows}, "--rewrite=none", explain=False)
            self.add("full attention in weir-run", None, "yes", full, said["macs_before"], said["scratch_bytes_before"])
        self.add(form, size, training, measured, said["macs_after"], said["scratch_bytes_after"], own)

    def rewritten(self, form, size, rewrite, options):
        """The model as it was trained, its attentions replaced by the compiler."""
        self.add_rewritten(form, size, "not", self.path, rewrite, options)

    def trained_again(self, form, kept, rewrite, options, fit, **attention):
        """The attentions swapped in PyTorch and trained by `fit(model)`."""
        samples = self.samples if rewrite == "cast" else None
        model = weir.nn.convert(self.model, rewrite, samples=samples, **attention)
        fit(model)
        name = f"{form.split()[-1]}_{kept}"
        path = self.export(weir.nn.convert(model.eval(), "full"), name)
        if rewrite == "cast":
            surrogates = self.found.output / f"{self.name}_{name}.npz"
            weir.nn.save_surrogates(model, surrogates)
            options = options.replace("from=kmeans", f"surrogates={surrogates}")
        with torch.no_grad():
            own = torch.cat([model(part) for part in torch.from_numpy(self.windows).split(32)]).numpy()
        self.add_rewritten(form, kept, "yes", path, rewrite, options, own)

    def all_forms(self, tokens, keeps, clusters):
        """Without training: every DCT variant over M, and CAST over C."""
        for variant in ("resample", "pool", "qkv", "x"):
            for keep in keeps:
                self.rewritten(f"DCT {variant}", keep, "dct", f"variant={variant} keep={keep}")
        for count in clusters:
            self.rewritten("CAST-style", count, "cast", f"clusters={count} size={-(-tokens // count)} from=kmeans")

    def all_trained(self, tokens, keeps, clusters, fit):
        for variant in ("qkv", "x"):
            for keep in keeps:
                shape = dict(tokens=tokens, keep=keep, variant=variant)
                self.trained_again(f"DCT {variant}", keep, "dct", f"variant={variant} keep={keep}", fit, **shape)
        for count in clusters:
            size = -(-tokens // count)
            options = f"clusters={count} size={size} from=kmeans"
            self.trained_again("CAST-style", count, "cast", options, fit, clusters=count, size=size)
