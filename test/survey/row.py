"""One row of docs/models.md: a model, streamed and compared, in a few words."""

import collections
import dataclasses
import json
import pathlib
import re
import sys

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))
import streams  # noqa: E402

COLUMNS = {
    "model": "model",
    "exporter": "exporter",
    "opset": "opset",
    "window": "n",
    "rows": "rows",
    "positions": "positions",
    "attentions": "attentions",
    "blame": "computed again because of",
    "difference": "difference",
    "ratio": "window / step",
}
# What may differ between machines: sums in another order.
MEASURED = {"difference"}


@dataclasses.dataclass(frozen=True)
class Case:
    """A model on disk and how it is streamed.

    `entry` is a line of a manifest: {path, exporter, window, chunk, inputs, options}. An input without a token
    axis is given by --static. `original`: what `path` was made of, where that is the reference.
    """

    name: str
    entry: dict
    rows: str = "all"


def open_model(path):
    model = onnx.load(path, load_external_data=False)
    return model, next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))


def count(words):
    """["a", "b", "b"] as "a, 2 x b", runs of equal words only."""
    runs = []
    for word in words:
        if runs and runs[-1][0] == word:
            runs[-1][1] += 1
        else:
            runs.append([word, 1])
    return ", ".join(word if times == 1 else f"{times} x {word}" for word, times in runs)


def describe_attentions(report):
    forms = [
        f"rows {found['rows']}" if found["form"] == "rows" else found["form"]
        for found in report["attentions"]
    ]
    return count(forms) or "none"


def describe_blame(report):
    """Each reason once, with the operator and how many nodes gave it."""
    reasons = collections.Counter(
        (found["op"].removeprefix("onnx."), found["reason"]) for found in report["blame"]
    )
    return "; ".join(
        f"{op}: {reason}" + (f" ({times} nodes)" if times > 1 else "")
        for (op, reason), times in reasons.items()
    )


def refusal(result):
    """The reason that Weir printed, without the path of the file."""
    errors = re.findall(r"error: (.*)", result.stderr)
    return errors[0] if errors else f"exit code {result.returncode}"


def check_alive(outputs):
    """An output that every window gives alike would prove nothing."""
    for name, values in outputs.items():
        if values.dtype.kind == "f" and len(values) > 1:
            moved = np.abs(values - values[:1]).max()
            assert moved > 1e-3 * np.abs(values).max(), f"output {name} does not depend on the stream"


def wanted_rows(expected, outputs, entry):
    """The newest rows of what Weir was asked only those of."""
    cut = dict(expected)
    for name, values in expected.items():
        if name in outputs and outputs[name].shape != values.shape:
            cut[name] = np.take(values, [-1], axis=entry["rows_axis"] + 1)  # behind the steps
    return cut


def run(case, positions):
    entry = case.entry
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    result, outputs = streams.run_stream(
        entry,
        tokens,
        *(f"--chunk={entry['chunk']}", f"--rows={case.rows}", f"--positions={positions}"),
        *("--verify", "--verify-slides", "--explain=json"),
    )
    return tokens, result, outputs


def row_of(case):
    """{column: text}; a difference beyond the tolerance, and any wrong claim, is an error."""
    entry = case.entry
    original = streams.open_session(entry.get("original", entry["path"]))  # or its exporter has failed
    _, opset = open_model(entry["path"])
    row = {
        "model": case.name,
        "exporter": entry["exporter"],
        "opset": str(opset),
        "window": str(entry["window"]) + (f", {entry['chunk']} a step" if entry["chunk"] > 1 else ""),
        "rows": case.rows,
        "positions": "-",
    }
    tokens, result, outputs = run(case, "reject")
    if "positions=exact" in result.stderr:
        tokens, result, outputs = run(case, "exact")
        row["positions"] = "exact"
    if outputs is None:
        return {**row, "attentions": "refused", "blame": refusal(result), "difference": "", "ratio": ""}
    assert result.returncode == 0, f"{case.name}: {result.stdout[-300:]}{result.stderr[-300:]}"
    text = result.stdout
    report = json.loads(text[text.index("{") : text.rindex("}") + 1])
    expected = streams.windows(original, entry, tokens, entry["chunk"])
    expected = wanted_rows(expected, outputs, entry)
    check_alive(expected)
    difference = streams.difference(outputs, expected)
    assert difference <= streams.TOLERANCE, f"{case.name}: differs by {difference:.2g} of the largest value"
    return {
        **row,
        "attentions": describe_attentions(report),
        "blame": describe_blame(report),
        "difference": f"{difference:.1e}",
        "ratio": f"{report['macs_window'] / report['macs_step']:.2f}" if report["macs_step"] else "-",
    }
