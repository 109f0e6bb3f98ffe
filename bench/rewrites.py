"""Compressed forms of an encoder: what Weir is asked for, and the ONNX model that it writes for other runtimes."""

import dataclasses
import math
import subprocess


@dataclasses.dataclass(frozen=True)
class Rewrite:
    kind: str  # dct or cast
    options: str  # of the pass; with the sizes that `sizes` knows

    def filled(self, workload):
        return self.options.format(**sizes(workload))


def sizes(workload):
    """Rows kept of n: an eighth. Tokens of a cluster: twice the root of n."""
    n = workload.tokens
    cluster = 2 * math.isqrt(n)
    return {"kept": n // 8, "cluster": cluster, "clusters": -(-n // cluster)}


REWRITES = {
    "dct_qkv": Rewrite("dct", "variant=qkv keep={kept}"),
    "dct_x": Rewrite("dct", "variant=x keep={kept}"),
    "resample": Rewrite("dct", "variant=resample keep={kept}"),
    "cast": Rewrite("cast", "clusters={clusters} size={cluster} from=kmeans"),
}


def compile_options(name, workload, data):
    """Options of weir-compile. `data`: a file of windows, by which cast chooses."""
    rewrite = REWRITES[name]
    options = [f"--rewrite={rewrite.kind}", f"--rewrite-options={rewrite.filled(workload)}", "--entries=window"]
    return options + (["--approximate=yes"] if rewrite.kind == "dct" else [f"--calibrate=x={data}"])


def write_model(weir_opt, name, workload, window, data, path):
    """The rewritten window as an ONNX file of standard operators."""
    rewrite, filled = REWRITES[name], REWRITES[name].filled(workload)
    steps = ["weir-prepare-model"]
    if rewrite.kind == "cast":
        steps.append(f"weir-calibrate{{data={data} clusters={sizes(workload)['clusters']}}}")
        steps.append(f"func.func(weir-cast{{{filled}}})")
    else:
        steps.append(f"func.func(weir-dct{{{filled} approximate=true}})")
    command = [weir_opt, window, f"--pass-pipeline=builtin.module({','.join(steps)})", "-o", path]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
