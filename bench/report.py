"""The report of a run in Markdown: what was asked of it, one section each, and all figures."""

import inspect

from . import tables
from .rewrites import REWRITES
from .tables import Run, factor, figure, markdown


def machine_lines(result):
    machine, limits = result["machine"], result["limits"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    peaks = ", ".join(f"{rate:.0f} on {threads}" for threads, rate in limits["fma_gflops"].items())
    reads = ", ".join(
        f"{int(size) / 2**20:.3g} MiB {rates['1']:.0f}" for size, rates in limits["read_gbs"].items() if int(size) >= 2**19
    )
    return "\n".join(
        [
            f"- {result['machine']['date']}, Weir {machine['weir']}",
            f"- {machine['processor']}, {machine['cores']} cores, {' '.join(machine['features'])}; {caches}; {machine['system']}",
            f"- {versions}",
            f"- multiply-adds, GFLOP/s by threads: {peaks}",
            f"- reading, GB/s of one thread by size: {reads}",
        ]
    )


def new_token(runs):
    """One new token of one stream: Weir against the best alternative and the bound."""
    head = ["workload", "threads", "Weir us", "best other", "us", "faster", "bound us", "over bound"]
    rows = []
    for run in runs:
        if run.kind != "step" or run.streams > 1 or run.median("weir:step") is None:
            continue
        other = run.best_other()
        rows.append(
            [
                run.workload, str(run.threads), figure(run.median("weir:step")), other or "none", figure(run.median(other)),
                factor(run.ratio(other, "weir:step")), figure(run.bound("weir:step")), factor(run.over_bound("weir:step")),
            ]
        )  # fmt: skip
    return head, rows


def narrow_weights(runs):
    """Narrow weights against the best alternative in f32, and against 8-bit weights elsewhere."""
    head = ["workload", "threads", "weights", "Weir us", "error", "against best f32", "against onnxruntime w8", "over bound"]
    rows = []
    for run in runs:
        for weights in ("bf16", "int8"):
            peer = f"weir:step+{weights}"
            if peer not in run.measured:
                continue
            w8 = run.ratio("onnxruntime:step+w8", peer) if weights == "int8" else None
            rows.append(
                [
                    run.workload, str(run.threads), weights, figure(run.median(peer)), tables.difference(run.records[peer]["error"]),
                    factor(run.ratio(run.best_other(), peer)), factor(w8), factor(run.over_bound(peer)),
                ]
            )  # fmt: skip
    return head, rows


def against_windows(runs):
    """A step against whole windows computed again, by onnxruntime."""
    head = ["workload", "threads", "onnxruntime's window us", "Weir f32", "int8", "Weir's window us"]
    rows = []
    for run in runs:
        window = run.best(lambda name: name.startswith("onnxruntime:window"))
        if run.kind != "step" or window is None:
            continue
        ratios = [factor(run.ratio(window, peer)) for peer in ("weir:step", "weir:step+int8")]
        rows.append([run.workload, str(run.threads), figure(run.median(window)), *ratios, figure(run.median("weir:window"))])
    return head, rows


def many_streams(runs):
    """Many streams in one call, against single steps and against batches elsewhere."""
    head = ["workload", "streams", "threads", "Weir us", "against single steps", "best other", "us", "faster", "over bound"]
    rows = []
    for run in runs:
        if run.streams == 1 or run.median("weir:step") is None:
            continue
        other = run.best_other()
        rows.append(
            [
                run.workload, str(run.streams), str(run.threads), figure(run.median("weir:step")),
                factor(run.ratio("weir:each", "weir:step")), other or "none", figure(run.median(other)),
                factor(run.ratio(other, "weir:step")), factor(run.over_bound("weir:step")),
            ]
        )  # fmt: skip
    return head, rows


def whole_windows(runs):
    """Encoders as they stand, no rewrite."""
    head = ["workload", "tokens", "threads", "Weir us", "against onnxruntime", "best other", "us", "faster", "over bound"]
    rows = []
    for run in runs:
        if run.kind != "window" or run.median("weir:window") is None:
            continue
        other = run.best_other()
        best = run.best(lambda name: name.startswith("onnxruntime:window"))
        rows.append(
            [
                run.workload, str(run.tokens), str(run.threads), figure(run.median("weir:window")),
                factor(run.ratio(best, "weir:window")), other or "none", figure(run.median(other)),
                factor(run.ratio(other, "weir:window")), factor(run.over_bound("weir:window")),
            ]
        )  # fmt: skip
    return head, rows


def rewritten_windows(runs):
    """Compressed attention, end to end: against the best alternative that computes full attention, and against other
    runtimes on the very same rewritten model, as Weir writes it to ONNX."""
    head = ["workload", "threads", "form", "Weir us", "best full", "us", "faster", "against onnxruntime", "against OpenVINO"]
    rows = []
    for run in runs:
        for form in REWRITES:
            peer = f"weir:{form}"
            if peer not in run.measured:
                continue
            other = run.best_other()
            same = [run.ratio(f"{runtime}:{form}", peer) for runtime in ("onnxruntime", "openvino")]
            rows.append(
                [
                    run.workload, str(run.threads), form, figure(run.median(peer)), other or "none",
                    figure(run.median(other)), factor(run.ratio(other, peer)), *map(factor, same),
                ]
            )  # fmt: skip
    return head, rows


def steadiness(result):
    parts = []
    if result.get("pacing"):
        head = ["workload", "threads", "median us", "p99", "p99.9", "most", "p99.9 over median"]
        rows = [
            [one["workload"], str(one["threads"]), *(figure(one["best"][k]) for k in ("median", "p99", "p99.9", "most")), factor(one["ratio"])]
            for one in result["pacing"]
        ]
        one = result["pacing"][0]
        parts.append(
            f"## By the clock\n\n{one['rate']} steps a second for {one['seconds']:g} seconds; the best of {len(one['runs'])} runs.\n\n"
            f"{markdown(head, rows)}\n"
        )
    if result.get("drift"):
        head = ["workload", "threads", "steps", "median about step 1000, us", "median of the last 1000", "late over early"]
        rows = [
            [one["workload"], str(one["threads"]), f"{one['steps']:,}", figure(one["early"]), figure(one["late"]), f"{one['late'] / one['early']:.3f}"]
            for one in result["drift"]
        ]
        parts.append(f"## Long streams\n\n{markdown(head, rows)}\n")
    return parts


SECTIONS = [
    ("A new token", new_token),
    ("Narrow weights", narrow_weights),
    ("A step against its window", against_windows),
    ("Many streams", many_streams),
    ("Whole windows", whole_windows),
    ("Compressed attention", rewritten_windows),
]


def summary(result):
    runs = [Run(run, result["limits"]) for run in result["runs"]]
    parts = []
    for title, section in SECTIONS:
        head, rows = section(runs)
        if rows:
            parts.append(f"## {title}\n\n{inspect.cleandoc(section.__doc__)}\n\n{markdown(head, rows)}\n")
    return "\n".join(parts + steadiness(result))


def details(result):
    runs = [Run(run, result["limits"]) for run in result["runs"]]
    parts = [f"### {run.workload}, threads: {run.threads}\n\n{tables.all_peers(run)}" for run in runs]
    return "## All figures\n\n" + "\n".join(parts)


def measured(result, pictures):
    """All of it. `pictures`: (what it shows, path as the page names it)."""
    shown = "\n\n".join(f"![{title}]({path})\n\n*{title}*" for title, path in pictures)
    parts = [machine_lines(result), summary(result), shown, details(result)]
    return "\n\n".join(part for part in parts if part)


def text(result, pictures):
    return f"# Benchmarks\n\n{measured(result, [(title, path.name) for title, path in pictures])}"


BEGIN = "<!-- What follows is written by ./dev bench --docs. -->"


def replace_measured(page, result, pictures):
    """The page with the figures of this run in place of earlier ones."""
    head = page.partition(BEGIN)[0].rstrip()
    return f"{head}\n\n{BEGIN}\n\n{measured(result, [(title, f'images/{path.name}') for title, path in pictures])}\n"
