"""The costs that `--explain` prints, against counts made by hand.

The paper's THUMOS14 models: n = 64 tokens of 4096 features, E = 1024, 8 heads, F = 1024, no projection
biases, 22 classes of the newest token; multiply-accumulates in millions (Continual Transformers, ICLR
2023, section 4). The one query of a last block behind others meets tokens, not keys and values, which
are 2 (n E E + n E) less for 2 (E E + 8 n E) more: 131.2 million. Where n is large against E, a step that
updates its first attention gains most.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import pytest
import streams

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
from graph import Graph  # noqa: E402


@dataclasses.dataclass
class Sizes:
    tokens: int
    features: int
    width: int
    heads: int
    hidden: int
    classes: int = 22


THUMOS = Sizes(tokens=64, features=4096, width=1024, heads=8, hidden=1024)
LONG = Sizes(tokens=512, features=64, width=64, heads=4, hidden=128)


def weight(graph, rows, columns):
    """A weight that folding makes of a few numbers, so that the file stays small.

    Its columns differ: equal projections would be computed once.
    """
    zeros = graph.ConstantOfShape(graph.indices(rows, columns))
    return graph.Add(zeros, graph.constant(np.linspace(-0.01, 0.01, columns)))


def norm(graph, x, width):
    ones, zeros = graph.constant([1.0] * width), graph.constant([0.0] * width)
    return graph.LayerNormalization(x, ones, zeros, axis=-1)


def block(graph, x, sizes):
    tokens, width, size = sizes.tokens, sizes.width, sizes.width // sizes.heads

    def heads(x):
        return graph.transpose(graph.reshape(x, 1, tokens, sizes.heads, size), 0, 2, 1, 3)

    packed = graph.MatMul(x, weight(graph, width, 3 * width))
    query, key, value = (heads(part) for part in graph.split(packed, [width] * 3, -1))
    scores = graph.MatMul(query, graph.transpose(key, 0, 1, 3, 2))
    scores = graph.Mul(scores, graph.constant(size**-0.5))
    context = graph.MatMul(graph.Softmax(scores, axis=-1), value)
    context = graph.reshape(graph.transpose(context, 0, 2, 1, 3), 1, tokens, width)
    x = norm(graph, graph.Add(x, graph.MatMul(context, weight(graph, width, width))), width)
    hidden = graph.Relu(graph.MatMul(x, weight(graph, width, sizes.hidden)))
    return norm(graph, graph.Add(x, graph.MatMul(hidden, weight(graph, sizes.hidden, width))), width)


def encoder(blocks, sizes):
    graph = Graph(17)
    x = graph.input("x", onnx.TensorProto.FLOAT, [1, sizes.tokens, sizes.features])
    x = graph.MatMul(x, weight(graph, sizes.features, sizes.width))
    for _ in range(blocks):
        x = block(graph, x, sizes)
    newest = graph.Gather(x, graph.constant(-1, "int64"), axis=1)
    graph.output(graph.MatMul(newest, weight(graph, sizes.width, sizes.classes)), "y")
    return graph.model()


def explain(folder, model, *options):
    path = folder / "encoder.onnx"
    onnx.save(model, path)
    result = subprocess.run(
        [streams.WEIR_RUN, path, "--explain=json", *options], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def millions(report, key):
    return round(report[key] / 1e6, 1)


@pytest.mark.parametrize(
    "blocks, updated, recomputed, window, pruned",
    [
        (1, 10.6, 10.6, 679.5, 407.0),
        (2, 216.5, 224.4, 1090.5, 818.0),
        (3, 627.5, 635.5, 1501.6, 1229.1),
        (6, 1860.7, 1868.6, 2734.7, 2462.2),
    ],
)
def test_thumos14(tmp_path, blocks, updated, recomputed, window, pruned):
    model = encoder(blocks, THUMOS)
    report = explain(tmp_path, model)
    assert millions(report, "macs_step") == updated
    assert millions(report, "macs_window") == window
    assert millions(report, "macs_window_pruned") == pruned
    assert millions(explain(tmp_path, model, "--retroactive=never"), "macs_step") == recomputed


def test_long_windows_are_updated(tmp_path):
    model = encoder(2, LONG)
    report, never = explain(tmp_path, model), explain(tmp_path, model, "--retroactive=never")
    assert [a["form"] for a in report["attentions"]] == ["retroactive", "rows"]
    assert [a["form"] for a in never["attentions"]] == ["regular", "rows"]
    assert never["macs_step"] > 2.5 * report["macs_step"]
    # At worst every row of the first attention is built again.
    assert report["macs_step"] < report["macs_step_worst"] < 1.1 * never["macs_step"]
    assert never["macs_step_worst"] == never["macs_step"]
