"""Tables and plots of what the commands of this folder measured; with --docs they go into docs/long-sequences.md."""

import argparse
import json
import pathlib
import re
import resource
import time

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE, IMAGES = ROOT / "docs" / "long-sequences.md", ROOT / "docs" / "images"
INK, PALE, GRID = "#22303c", "#7c8a97", "#e4e9ee"
COLORS = ["#22303c", "#0b7a75", "#e0a458", "#b3446c", "#5b7db1", "#7a9e3f", "#a08060"]
matplotlib.rcParams.update({"svg.hashsalt": "weir", "svg.fonttype": "none", "font.size": 9, "axes.edgecolor": GRID})

STARTED = time.time()


def arguments(description, **further):
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--weir-run", type=pathlib.Path, default=ROOT / "build/bin/weir-run")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/long_sequences")
    parser.add_argument("--docs", action="store_true", help="write the table and the plot into docs/")
    for name, default in further.items():
        if isinstance(default, list):
            parser.add_argument(name, choices=default)
        else:
            parser.add_argument(f"--{name}", default=default, type=type(default))
    found = parser.parse_args()
    found.output.mkdir(parents=True, exist_ok=True)
    return found


def save_array(path, values):
    """A stream for weir-run: windows [count, tokens, ...] one after the other."""
    np.save(path, values.reshape(1, -1, *values.shape[2:]))


# --- tables

COLUMNS = {
    "form": ("form", str),
    "tokens": ("n", str),
    "size": ("M or C", lambda size: "-" if size is None else str(size)),
    "training": ("attention trained", str),
    "error": ("error", lambda error: "-" if error is None else f"{error:.2g}"),
    "accuracy": ("accuracy", lambda share: f"{100 * share:.1f} %"),
    "agreement": ("same answer", lambda share: f"{100 * share:.1f} %"),
    "formula": ("M mult-adds, formula", lambda macs: f"{macs / 1e6:.2f}"),
    "layer": ("weir-run", lambda macs: "-" if macs is None else f"{macs / 1e6:.2f}"),
    "macs": ("M mult-adds", lambda macs: "-" if macs is None else f"{macs / 1e6:.2f}"),
    "us": ("ms", lambda us: f"{us / 1000:.2f}"),
    "torch": ("to PyTorch", lambda off: "-" if off is None else f"{off:.1e}"),
    "peak": ("peak MB", lambda peak: "-" if peak is None else f"{peak / 1e6:.2f}"),
}


def table(rows):
    columns = [name for name in COLUMNS if name in rows[0]]
    lines = [[COLUMNS[name][0] for name in columns], ["---"] * len(columns)]
    lines += [[COLUMNS[name][1](row[name]) for name in columns] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


# --- plots


def style(axes, x, y, title):
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, color=PALE)
    axes.set_ylabel(y, color=PALE)
    axes.set_title(title, loc="left", color=INK, fontsize=10, weight="bold")


def powers_of_two(axes, ticks):
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def curves(rows, key):
    """{name: rows}, in the order of their first."""
    found = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def draw_growth(rows):
    """Peak memory and time over the number of tokens."""
    shown = [("peak", 1e6, "peak, MB", "Memory"), ("us", 1e3, "a window, ms", "Time, one thread")]
    shown = [one for one in shown if one[0] in rows[0]]
    figure, places = plt.subplots(1, len(shown), figsize=(5 * len(shown), 3.6), constrained_layout=True, squeeze=False)
    tokens = sorted({row["tokens"] for row in rows})
    for axes, (name, unit, label, title) in zip(places[0], shown):
        for color, (form, mine) in zip(COLORS, curves(rows, lambda row: row["form"]).items()):
            axes.plot(
                [row["tokens"] for row in mine], [row[name] / unit for row in mine], "o-", color=color, label=form
            )
        powers_of_two(axes, tokens)
        axes.set_yscale("log")
        style(axes, "tokens", label, title)
    places[0, 0].legend(frameon=False, fontsize=8)
    return figure


def draw_quality(rows):
    """Accuracy and error over what is kept: M of the DCT forms, C of clusters."""
    kept = [row for row in rows if row["size"] is not None]
    full = next(row for row in rows if row["size"] is None)
    figure, places = plt.subplots(1, 2, figsize=(10, 3.6), constrained_layout=True)
    for axes, name, label in ((places[0], "accuracy", "accuracy"), (places[1], "error", "error of the output")):
        if name == "accuracy":
            axes.axhline(full["accuracy"], color=PALE, linestyle=":", label="full attention")
        named = curves(kept, lambda row: f"{row['form']}, {row['training']}")
        for color, (form, mine) in zip(COLORS * 2, named.items()):
            mine = [row for row in mine if row[name] is not None]
            line = "o--" if form.endswith("not") else "o-"
            axes.plot([row["size"] for row in mine], [row[name] for row in mine], line, color=color, label=form)
        powers_of_two(axes, sorted({row["size"] for row in kept}))
        style(axes, "M of DCT, C of clusters", label, {"accuracy": "Accuracy", "error": "Error, not trained"}[name])
    places[1].set_yscale("log")
    places[0].legend(frameon=False, fontsize=7)
    return figure


# --- pages


def put(page, name, text):
    """`text` between the marks of `name` in the Markdown `page`."""
    begin, end = f"<!-- {name}: written by a command -->", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    if not pattern.search(page):
        raise SystemExit(f"error: {PAGE.name} has no place for '{name}'")
    return pattern.sub(lambda _: f"{begin}\n{text}\n{end}", page)


def spent():
    """Of the processor by this command and those it ran, and of the clock."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    processor = sum(one.ru_utime + one.ru_stime for one in used) / 60
    clock = (time.time() - STARTED) / 60
    return f"Written by one command: {processor:.1f} minutes of a processor, {clock:.1f} of the clock."


def finish(name, rows, found, draw=None):
    """Print and keep the table of `rows`, draw them, and with --docs put both into the page."""
    text = table(rows)
    print(f"{text}\n\n{spent()}")
    (found.output / f"{name}.json").write_text(json.dumps(rows, indent=1, default=float))
    figure = (draw or (draw_growth if "tokens" in rows[0] else draw_quality))(rows)
    figure.savefig(found.output / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
    if found.docs:
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"{name}.svg").write_bytes((found.output / f"{name}.svg").read_bytes())
        picture = f"![{name}: the same as curves](images/{name}.svg)"
        PAGE.write_text(put(PAGE.read_text(), name, f"{text}\n\n{picture}\n\n{spent()}"))
