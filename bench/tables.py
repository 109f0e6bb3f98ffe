"""Markdown tables, and what is compared in them."""

import numpy as np

from . import bounds
from .rewrites import REWRITES

EXACT = 1e-4  # largest difference to float64 of an output of unit variance, in f32
NARROW = 0.1  # the same with narrow weights


def markdown(head, rows):
    """Columns of figures are set to the right; rows are lists of text."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def figure(value):
    """Three digits; nothing for nothing."""
    if value is None:
        return ""
    if value >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 99.95 else f"{value:.0f}"


def factor(value):
    return "" if value is None else f"{value:.2f}x" if value < 9.995 else f"{value:.1f}x"


def difference(error):
    return "" if error is None else error if isinstance(error, str) else f"{error:.1e}"


def is_narrow(record):
    return bounds.weights_of(record["peer"]) != "f32"


def is_wrong(record):
    error = record.get("error")
    return isinstance(error, str) or (error is not None and error > (NARROW if is_narrow(record) else EXACT))


class Run:
    """The records of one workload on one number of threads."""

    def __init__(self, run, limits):
        self.run, self.limits = run, limits
        self.records = {record["peer"]: record for record in run["records"]}
        self.measured = {name: record for name, record in self.records.items() if "median" in record}

    def __getattr__(self, name):
        return self.run[name]

    def median(self, peer):
        return self.measured[peer]["median"] if peer in self.measured else None

    def ratio(self, slower, faster):
        """How many times as long `slower` takes: the median over rounds of the ratios inside of a round."""
        if slower not in self.measured or faster not in self.measured:
            return None
        pairs = zip(self.measured[slower]["rounds"], self.measured[faster]["rounds"])
        return float(np.median([a / b for a, b in pairs]))

    def best(self, accept):
        """The fastest right peer that `accept`s its name."""
        names = [name for name, one in self.measured.items() if accept(name) and not is_wrong(one)]
        return min(names, key=self.median, default=None)

    def best_other(self):
        """The fastest alternative that computes the same function in f32, step or window."""
        return self.best(
            lambda name: not name.startswith(("weir:", "probe:"))
            and not is_narrow(self.records[name])
            and self.same_function(name)
        )

    def same_function(self, name):
        """A rewritten encoder gives other numbers, and a banded one on one window not those of its stream."""
        if name.partition(":")[2] in REWRITES:
            return False
        return not (self.run["kind"] == "step" and ":window" in name and self.records[name].get("error") is None)

    def bound(self, peer):
        return bounds.bound_us(self.limits, self.run, peer)

    def over_bound(self, peer):
        return self.median(peer) / self.bound(peer) if peer in self.measured else None


def all_peers(run):
    """Every figure of a run, fastest first; what could not be measured, last."""
    head = ["peer", "median us", "min us", "p99", "p99.9", "CPU us", "over bound", "error", "memory MB", "ready s"]
    rows = []
    for name, record in sorted(run.measured.items(), key=lambda item: item[1]["median"]):
        error = record.get("error")
        rows.append(
            [
                name, figure(record["median"]), figure(record["least"]), figure(record["quantiles"]["0.99"]),
                figure(record["quantiles"]["0.999"]), figure(record["cpu"]),
                "" if name.startswith("probe:") else factor(run.over_bound(name)),
                difference(error) + (" WRONG" if is_wrong(record) else ""),
                f"{max(record['memory_mb'], 0):.0f}", figure(record["load_seconds"]),
            ]
        )  # fmt: skip
    table = markdown(head, rows)
    left_out = [(name, one.get("reason", "no round was measured")) for name, one in run.records.items() if name not in run.measured]
    notes = "".join(f"\nNot measured: `{name}`: {' '.join(reason.split())[:200]}\n" for name, reason in left_out)
    bound = f"Bound: {figure(run.bound('weir:step'))} us in f32"
    return f"{table}\n\n{bound}.\n{notes}"
