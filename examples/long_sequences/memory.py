"""Peak memory and time of one encoder block from 1024 to 8192 tokens: full attention, DCT, CAST.

usage: memory.py [--weir-run build/bin/weir-run] [--output FOLDER] [--tokens 1024,2048,4096,8192] [--docs]
                 [--times no]

CAST-style; the equations are a reconstruction, not checked against the paper. Weights are random: what is measured
depends on sizes alone, but for the error, which is that of smooth tokens.
"""

import pathlib
import tempfile

import encoder
import measure
import onnx
import report

KEEP, CLUSTERS, WIDTH = 64, 16, 64


def forms(tokens):
    """[(name, rewrite, its options, multiply-accumulates of the attention and its projections)]"""
    n, m, c, k, e = tokens, KEEP, CLUSTERS, tokens // CLUSTERS, WIDTH
    resample = 2 * (n + m) * e * e + 3 * n * m * e
    qkv = 4 * m * e * e + 2 * n * m * e + 2 * m * m * e
    cast = 4 * n * e * e + 3 * n * c * e + 2 * c * k * k * e + c * k * e
    return [
        (f"DCT resample, M = {m}", "dct", f"variant=resample keep={m}", resample),
        (f"DCT qkv, M = {m}", "dct", f"variant=qkv keep={m}", qkv),
        (f"CAST-style, C = {c}, K = n / C", "cast", f"clusters={c} size={k} from=kmeans", cast),
    ]


def measured(weir_run, tokens, timed):
    """[row] of one length."""
    windows, rows = {"x": encoder.smooth(tokens, WIDTH)}, []

    def add(form, found, outputs, formula, layer=None, peak=None):
        error = measure.error(outputs, original)
        times = dict(us=found.us) if timed else {}
        rows.append(dict(form=form, tokens=tokens, error=error, formula=formula, layer=layer, peak=peak, **times))
        print(report.table(rows[-1:]).splitlines()[-1], flush=True)

    with tempfile.TemporaryDirectory() as folder:
        model, calibration = pathlib.Path(folder, "model.onnx"), pathlib.Path(folder, "calibration.npy")
        onnx.save(encoder.encoder(tokens, WIDTH), model)
        report.save_array(calibration, encoder.smooth(tokens, WIDTH, seed=1))
        original = measure.reference(model, windows).outputs
        apart = measure.reference_apart(model, windows)
        whole = 4 * tokens * WIDTH**2 + 2 * tokens**2 * WIDTH
        add("full attention in onnxruntime", apart, original, whole, peak=apart.peak)
        full = measure.weir(weir_run, model, windows, "--rewrite=none", explain=False, timed=timed)
        for form, rewrite, options, formula in forms(tokens):
            given = [f"--rewrite={rewrite}", f"--rewrite-options={options}", f"--calibrate=x={calibration}"]
            found = measure.weir(weir_run, model, windows, *given, timed=timed)
            said = found.report["compression"]
            [layer] = said["attentions"]
            if len(rows) == 1:
                before = layer["macs_before"], said["scratch_bytes_before"]
                add("full attention in weir-run", full, full.outputs, whole, *before)
            add(form, found, found.outputs, formula, layer["macs_after"], said["scratch_bytes_after"])
    return rows


def main():
    arguments = report.arguments(__doc__, tokens="1024,2048,4096,8192", times="yes")
    rows = [row for n in arguments.tokens.split(",") for row in measured(arguments.weir_run, int(n), arguments.times == "yes")]
    report.finish("memory", rows, arguments)


if __name__ == "__main__":
    main()
