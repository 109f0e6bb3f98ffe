"""The costs that `--explain` prints, against counts made by hand for the paper's THUMOS14 models.

n = 64 tokens of 4096 features, E = 1024, 8 heads, F = 1024, no projection biases, 22 classes of the
newest token; multiply-accumulates in millions (Continual Transformers, ICLR 2023, section 4).
"""

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

TOKENS, FEATURES, WIDTH, HEADS, HIDDEN, CLASSES = 64, 4096, 1024, 8, 1024, 22
FEATURES_SIZE = WIDTH // HEADS


def weight(graph, rows, columns):
    """A weight that folding makes of a few numbers, so that the file stays small.

    Its columns differ: equal projections would be computed once.
    """
    zeros = graph.ConstantOfShape(graph.indices(rows, columns))
    return graph.Add(zeros, graph.constant(np.linspace(-0.01, 0.01, columns)))


def norm(graph, x):
    ones, zeros = graph.constant([1.0] * WIDTH), graph.constant([0.0] * WIDTH)
    return graph.LayerNormalization(x, ones, zeros, axis=-1)


def heads(graph, x):
    return graph.transpose(graph.reshape(x, 1, TOKENS, HEADS, FEATURES_SIZE), 0, 2, 1, 3)


def block(graph, x):
    packed = graph.MatMul(x, weight(graph, WIDTH, 3 * WIDTH))
    query, key, value = (heads(graph, part) for part in graph.split(packed, 3, WIDTH, -1))
    scores = graph.MatMul(query, graph.transpose(key, 0, 1, 3, 2))
    scores = graph.Mul(scores, graph.constant(FEATURES_SIZE**-0.5))
    context = graph.MatMul(graph.Softmax(scores, axis=-1), value)
    context = graph.reshape(graph.transpose(context, 0, 2, 1, 3), 1, TOKENS, WIDTH)
    x = norm(graph, graph.Add(x, graph.MatMul(context, weight(graph, WIDTH, WIDTH))))
    hidden = graph.Relu(graph.MatMul(x, weight(graph, WIDTH, HIDDEN)))
    return norm(graph, graph.Add(x, graph.MatMul(hidden, weight(graph, HIDDEN, WIDTH))))


def thumos(blocks):
    graph = Graph(17)
    x = graph.input("x", onnx.TensorProto.FLOAT, [1, TOKENS, FEATURES])
    x = graph.MatMul(x, weight(graph, FEATURES, WIDTH))
    for _ in range(blocks):
        x = block(graph, x)
    newest = graph.Gather(x, graph.constant(-1, "int64"), axis=1)
    graph.output(graph.MatMul(newest, weight(graph, WIDTH, CLASSES)), "y")
    return graph.model()


@pytest.mark.parametrize(
    "blocks, step, window, pruned",
    [
        (1, 10.6, 679.5, 407.0),
        (2, 355.6, 1090.5, 818.0),
        (3, 766.7, 1501.6, 1229.1),
        (6, 1999.8, 2734.7, 2462.2),
    ],
)
def test_thumos14(tmp_path, blocks, step, window, pruned):
    path = tmp_path / "thumos.onnx"
    onnx.save(thumos(blocks), path)
    result = subprocess.run(
        [streams.WEIR_RUN, path, "--explain=json"], capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert round(report["macs_step"] / 1e6, 1) == step
    assert round(report["macs_window"] / 1e6, 1) == window
    assert round(report["macs_window_pruned"] / 1e6, 1) == pruned
