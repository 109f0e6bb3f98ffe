"""Steps before the window is full: with warmup=partial each equals the original model on the tokens that have come."""

import numpy as np
import onnx
import pathlib
import pytest
import streams
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "fuzz"))
from graph import Graph  # noqa: E402
from symbolic_encoder import WIDTH, Encoder  # noqa: E402


def attention(graph, x, width, bias=None):
    rng = np.random.default_rng(graph.count)
    project = lambda: graph.MatMul(x, graph.constant(rng.standard_normal((width, width)) / np.sqrt(width)))
    scores = graph.MatMul(project(), graph.transpose(project(), 0, 2, 1))
    scores = graph.Add(scores, bias) if bias else scores
    return graph.Add(x, graph.MatMul(graph.Softmax(scores, axis=-1), project()))


def convolution(graph, x, width, before, after):
    weights = np.random.default_rng(3).standard_normal((width, width, before + after + 1)) / width
    y = graph.Conv(graph.transpose(x, 0, 2, 1), graph.constant(weights), pads=[before, after])
    return graph.transpose(y, 0, 2, 1)


def head(graph, x, kind):
    if kind == "rows":
        return x
    if kind == "newest":
        return graph.Gather(x, graph.constant(-1, "int64"), axis=1)
    return graph.reduce({"mean": "ReduceMean", "max": "ReduceMax", "sum": "ReduceSum"}[kind], x, 1, False)


def encoder(n, width, blocks=1, front=None, kind="newest", causal=False, class_token=False):
    """The same weights for any number of tokens."""
    graph = Graph(18)
    x = graph.input("x", onnx.TensorProto.FLOAT, [1, n, width])
    if front:
        x = convolution(graph, x, width, *front)
    bias, rows = None, n
    if class_token:
        token = graph.constant(np.random.default_rng(5).standard_normal((1, 1, width)))
        x, rows = graph.Concat(token, x, axis=1), n + 1
    if causal:
        bias = graph.constant(np.triu(np.full((rows, rows), -np.inf), 1))
    for _ in range(blocks):
        graph.count = 100 * (1 + graph.count // 100)  # seeds do not depend on n
        x = attention(graph, x, width, bias)
    graph.output(head(graph, x, kind), "y")
    return graph.model()


CASES = {
    "one block": {},
    "two blocks": {"blocks": 2},
    "causal": {"blocks": 2, "causal": True},
    "convolution": {"front": (2, 0)},
    "convolution ahead": {"front": (1, 1), "blocks": 2},
    "mean": {"blocks": 2, "kind": "mean"},
    "max": {"kind": "max"},
    "sum": {"kind": "sum"},
    "class token": {"class_token": True, "blocks": 2, "kind": "mean"},
    "all rows": {"blocks": 2, "kind": "rows"},
}


def run(folder, model, tokens, n, chunk, *options):
    path = folder / "encoder.onnx"
    onnx.save(model, path)
    entry = {
        "path": path,
        "options": ["--token-axis=x=1"],
        "window": n,
        "inputs": [{"name": "x", "shape": [1, n, tokens.shape[2]], "token_axis": 1, "dtype": "float32"}],
    }
    return streams.run_stream(entry, {"x": tokens}, f"--chunk={chunk}", "--warmup=partial", "--verify", *options)


@pytest.mark.parametrize("retroactive", ["always", "never"])
@pytest.mark.parametrize("chunk", [1, 3])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_model_on_fewer_tokens(tmp_path, case, chunk, retroactive):
    n, width, steps = 7, 6, 12
    tokens = np.random.default_rng(1).standard_normal((1, steps * chunk, width)).astype(np.float32)
    model = encoder(n, width, **CASES[case])
    result, outputs = run(tmp_path, model, tokens, n, chunk, f"--retroactive={retroactive}", "--entries=all")
    assert result.returncode == 0, result.stderr
    got = outputs["y"]
    full = -(-n // chunk)  # steps until the window is full; the stream starts inside the first chunk
    skipped = full * chunk - n
    assert len(got) == full + (steps * chunk - n) // chunk
    for step in range(len(got)):
        end = (step + 1) * chunk - skipped
        part = tokens[:, max(0, end - n) : end]
        session = streams.open_session(encoder(part.shape[1], width, **CASES[case]))
        want = session.run(None, {"x": part})[0]
        have = got[step]
        if CASES[case].get("kind") == "rows":  # those of absent tokens are zeros
            assert not have[:, : n - part.shape[1]].any()
            have = have[:, n - part.shape[1] :]
        assert np.abs(have - want).max() <= streams.TOLERANCE * np.abs(want).max()


@pytest.mark.parametrize(
    "parts, chunk",
    [
        (dict(front=dict(kernel=3, stride=2, before=1)), 2),
        (dict(front=dict(kernel=3, stride=2, before=1), head="newest"), 4),
        (dict(front=dict(kernel=2, stride=2, before=0), head="mean"), 2),
        (dict(rotary=True, blocks=1), 1),
        (dict(rotary=True, blocks=1, head="mean"), 3),
    ],
    ids=str,
)
def test_strided_and_rotary_tokens(tmp_path, parts, chunk):
    n, path = 8, tmp_path / "encoder.onnx"
    onnx.save(Encoder(**parts).g.model(), path)
    tokens = np.random.default_rng(1).standard_normal((1, 21, WIDTH)).astype(np.float32)
    inputs = [{"name": "x", "shape": [1, n, WIDTH], "token_axis": 1, "dtype": "float32"}]
    entry = {"path": path, "options": ["--token-axis=x=1", f"--window={n}"], "window": n, "inputs": inputs}
    result, outputs = streams.run_stream(entry, {"x": tokens}, f"--chunk={chunk}", "--warmup=partial", "--verify")
    assert result.returncode == 0, result.stderr
    skipped = -n % chunk  # the stream begins inside of the first step
    session, ends = streams.open_session(path), range(chunk - skipped, 22, chunk)
    assert len(outputs["y"]) == len(ends)
    for end, have in zip(ends, outputs["y"]):
        want = session.run(None, {"x": tokens[:, max(0, end - n) : end]})[0]
        have = have[:, -want.shape[1] :]
        assert np.abs(have - want).max() <= streams.TOLERANCE * np.abs(want).max()


@pytest.mark.parametrize(
    "change, reason",
    [
        (lambda g, x, n, d: g.MatMul(g.reshape(x, 1, n * d), g.constant(np.ones((n * d, 3)))), "groups tokens"),
        (lambda g, x, n, d: g.Add(x, g.constant(np.arange(n * d).reshape(n, d))), "varies along the token axis"),
        (lambda g, x, n, d: g.Gather(x, g.constant(0, "int64"), axis=1), "takes a token that has not come"),
        (lambda g, x, n, d: g.CumSum(x, g.constant(1, "int64")), "adds up along the token axis"),
    ],
)
def test_refuses_what_needs_a_full_window(tmp_path, change, reason):
    n, d = 6, 4
    graph = Graph(18)
    x = graph.input("x", onnx.TensorProto.FLOAT, [1, n, d])
    graph.output(change(graph, attention(graph, x, d), n, d), "y")
    tokens = np.zeros((1, 2 * n, d), np.float32)
    result, outputs = run(tmp_path, graph.model(), tokens, n, 1, "--positions=exact")
    assert result.returncode == 1 and outputs is None
    assert "stands in the way of warmup=partial" in result.stderr
    assert "help: use warmup=wait" in result.stderr
    print(result.stderr)
