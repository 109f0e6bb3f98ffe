"""Pictures of a run: latencies of a step, throughput against streams, time and memory against the length of windows."""

import pathlib

import matplotlib

from .rewrites import REWRITES
from .tables import Run, is_wrong

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {
    "weir": "#c1272d", "onnxruntime": "#0071bc", "openvino": "#6a3d9a", "torch": "#e08214", "continual": "#8c8c3f",
    "iree": "#4d9a4d", "probe": "#777777",
}  # fmt: skip
MARKS = {"": "o", "dct_qkv": "s", "dct_x": "D", "resample": "^", "cast": "v"}


def colour(peer):
    return COLOURS[peer.partition(":")[0]]


def grid(count, width, height):
    columns = min(count, 3)
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, height * rows), squeeze=False, layout="constrained")
    for spare in axes.flat[count:]:
        spare.axis("off")
    return figure, axes.flat


def latencies(runs, path):
    """Of each peer that computes a step: median, 99th and 99.9th percentile of single calls; and the bound."""
    shown = [run for run in runs if run.kind == "step"]
    if not shown:
        return None
    figure, axes = grid(len(shown), 5, 3.2)
    for run, axis in zip(shown, axes):
        names = [name for name, one in run.measured.items() if ":window" not in name and not is_wrong(one)]
        names.sort(key=run.median, reverse=True)
        for height, name in enumerate(names):
            values = [run.measured[name]["quantiles"][q] for q in ("0.5", "0.99", "0.999")]
            axis.plot(values, [height] * 3, "-", color=colour(name), linewidth=1)
            for value, mark in zip(values, ("o", "|", "x")):
                axis.plot(value, height, mark, color=colour(name), markersize=5)
        axis.axvline(run.bound("weir:step"), color="#777777", linewidth=0.8, linestyle="--")
        axis.set_yticks(range(len(names)), names, fontsize=7)
        axis.set(xscale="log", title=f"{run.workload}, threads: {run.threads}")
        axis.set_xlabel("us: median (o), p99 (|), p99.9 (x), f32 bound (dashed)", fontsize=7)
    return saved(figure, path)


def throughput(runs, path):
    """Steps a second of all streams together, against the number of streams."""
    encoders = {}
    for run in runs:
        if run.kind == "step" and run.run.get("encoder"):
            encoders.setdefault((run.encoder, run.threads), []).append(run)
    shown = {key: sorted(group, key=lambda run: run.streams) for key, group in encoders.items() if len(group) > 1}
    if not shown:
        return None
    figure, axes = grid(len(shown), 5, 3.5)
    for ((_, threads), group), axis in zip(shown.items(), axes):
        for name in ("weir:step", "weir:each", "onnxruntime:step", "openvino:step", "torch:ring"):
            points = [(run.streams, 1e6 * run.streams / run.median(name)) for run in group if run.median(name)]
            if points:
                axis.plot(*zip(*points), "o:" if "each" in name else "o-", color=colour(name), label=name)
        bounds = [(run.streams, 1e6 * run.streams / run.bound("weir:step")) for run in group]
        axis.plot(*zip(*bounds), "--", color="#777777", label="bound")
        axis.set(xscale="log", yscale="log", xlabel="streams in one call", ylabel="steps a second")
        axis.set_title(f"{group[0].workload}, threads: {threads}")
        axis.legend(fontsize=7)
    return saved(figure, path)


def lengths(runs, path):
    """Time and memory of whole windows, against their tokens."""
    shown = [run for run in runs if run.kind == "window" and run.workload.startswith("L1_") and run.threads == 1]
    if len(shown) < 2:
        return None
    shown.sort(key=lambda run: run.tokens)
    figure, (times, memory) = grid(2, 5.5, 4)
    names = sorted({name for run in shown for name in run.measured if ":window+" not in name})
    for name in names:
        form = name.partition(":")[2]
        style = dict(color=colour(name), marker=MARKS[form if form in REWRITES else ""], linewidth=1, markersize=4)
        points = [run for run in shown if run.median(name)]
        tokens = [run.tokens for run in points]
        times.plot(tokens, [run.median(name) / 1e3 for run in points], label=name, **style)
        memory.plot(tokens, [max(run.measured[name]["memory_mb"], 1) for run in points], **style)
    times.plot([run.tokens for run in shown], [run.bound("weir:window") / 1e3 for run in shown], "--", color="#777777", label="bound, full attention")
    times.set(xscale="log", yscale="log", xlabel="tokens", ylabel="ms a window")
    memory.set(xscale="log", yscale="log", xlabel="tokens", ylabel="MB that the process grew by")
    times.legend(fontsize=6)
    return saved(figure, path)


def saved(figure, path):
    figure.savefig(path, dpi=90)
    plt.close(figure)
    return pathlib.Path(path)


PICTURES = {"latencies": latencies, "throughput": throughput, "lengths": lengths}


def draw(result, folder, prefix=""):
    """The files that were drawn."""
    runs = [Run(run, result["limits"]) for run in result["runs"]]
    made = [(draw, draw(runs, pathlib.Path(folder, f"{prefix}{name}.png"))) for name, draw in PICTURES.items()]
    return [(picture.__doc__.strip(), path) for picture, path in made if path]
