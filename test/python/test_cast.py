"""weir-cast against its golden functions in float64, given the same choice of clusters.

CAST-style: the equations are a reconstruction, not checked against the paper. A choice that differs from float64's is
allowed where two affinities are nearly one; how many there are is printed.
"""

import dataclasses
import json
import re
import sys

import numpy as np
import onnx
import onnx_steps
import pytest
import streams
from compressed_reference import Encoder, cast, cast_method, full_method
from onnx import TensorProto, helper

sys.path.insert(0, str(streams.ROOT / "test" / "fuzz"))
from graph import Graph  # noqa: E402

TOLERANCE = 2e-5  # of the largest output


# --- rewriting and running


def spell(options, size):
    """Golden options as those of the pass."""
    yes = {True: "true", False: "false"}
    words = [f"size={size}", f"clustering={options.clustering}", f"f={options.function}", f"heads={options.heads}"]
    words += [f"gates={yes[options.gates]}", f"own-mask={yes[options.own_mask]}"]
    words += [f"intra-weight={yes[options.intra_weight]}", f"summaries={yes[options.summaries]}"]
    taus = {"tau": options.tau, "tau-q": options.tau_q, "tau-k": options.tau_k}
    return " ".join(words + [f"{name}={value}" for name, value in taus.items() if value])


def safetensors(arrays):
    """The length of a JSON header, the header, the elements."""
    header, data = {}, b""
    for name, array in arrays.items():
        ends = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(np.shape(array)), "data_offsets": ends}
        data += array.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def rewrite(model, folder, options, size, parameters, window=0, dims="", further="", form="npz"):
    """The model's text with its attentions in clusters, and what weir-opt said."""
    path = folder / f"parameters.{form}"
    if form == "npz":
        np.savez(path, **parameters)
    else:
        path.write_bytes(safetensors(parameters))
    prepare = f"weir-prepare-model{{window={window}{dims}}}"
    passes = f"builtin.module({prepare},func.func(weir-cast{{surrogates={path} {spell(options, size)} {further}}}))"
    return onnx_steps.weir_opt(model, f"--pass-pipeline={passes}", "--mlir-print-elementsattrs-with-hex-if-larger=8")


def with_clusters(text):
    """The function gives what it chose as further outputs, `clusters_<i>` of the i-th attention."""
    found = re.findall(r"(%\S+) = weir\.choose_clusters .* -> (tensor<\S+>)", text)
    head, tail = re.search(r"^.*func\.func @window\(.*$", text, re.M).group(0), re.search(r"^ *return .*$", text, re.M).group(0)
    assert head.endswith("}) {"), head
    extra = "".join(f', {kind} {{weir.output = "clusters_{i}"}}' for i, (_, kind) in enumerate(found))
    values, kinds = tail.split(" : ")
    both = values + "".join(f", {name}" for name, _ in found) + " : " + kinds + "".join(f", {kind}" for _, kind in found)
    return text.replace(head, head[: -len(") {")] + extra + ") {").replace(tail, both)


def run(text, folder, feeds):
    (folder / "cast.mlir").write_text(text)
    command = []
    for name, array in feeds.items():
        np.save(folder / f"{name}.npy", array)
        command += ["--static", f"{name}={folder}/{name}.npy"]
    done = streams.weir_run(folder / "cast.mlir", "--rewrite=none", "--output", folder / "out.npz", *command)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as outputs:
        return {name: outputs[name][0] for name in outputs.files if name != "step"}


def per_head(indices, heads):
    """[sequences, heads or 1, clusters, size] -> [sequences * heads, clusters, size]"""
    whole = np.broadcast_to(indices, (indices.shape[0], heads, *indices.shape[2:]))
    return whole.reshape(-1, *indices.shape[2:])


def check_choice(clusters, affinity, options):
    """Clusters of sequences and affinities of their heads; prints what differs from the choice of float64."""
    different = unexcused = 0
    for chosen, of_heads in zip(clusters, affinity):
        sets = [of_heads.sum(0)] if options.heads == "shared" else of_heads
        for one, values in zip(chosen, sets):
            golden = cast.CLUSTERINGS[options.clustering](values, one.shape[1])
            if options.clustering == "topk":
                differs, bad = cast.differing(golden, one, values)
                different, unexcused = different + differs, unexcused + bad
            else:
                different += np.sum(np.sort(golden, 1) != np.sort(one, 1))
    print(f"{different} places of {clusters.size} differ from those that float64 chooses")
    assert unexcused == 0
    return different


def check(outputs, expected):
    for name, one in expected.items():
        assert outputs[name].shape == one.shape
        error = np.abs(outputs[name] - one).max() / np.abs(one).max()
        assert error <= TOLERANCE, f"{name}: {error:.2e} of the largest output"


# --- one attention, of any size


@dataclasses.dataclass
class Shape:
    tokens: int
    clusters: int
    size: int
    width: int = 16
    heads: int = 2
    batch: int = 1


def attention_model(path, shape, rng, mask=None, layout="batch", projected=True):
    """x -> projections -> attention -> projection; how heads lie: "batch" [B, H, ..], "merged" [B H, ..], "heads" [H B, ..].
    The weights and biases of the projections, which are those of none where it is not `projected`."""
    graph, s = Graph(17), shape
    graph.input("x", TensorProto.FLOAT, [s.batch, s.tokens, s.width])
    features = s.width // s.heads
    weights = {name: rng.standard_normal((s.width, s.width)) * s.width**-0.5 for name in "qkvo"}
    biases = {name: rng.standard_normal(s.width) for name in "qkvo"}
    linear = lambda x, name: graph.Add(graph.MatMul(x, graph.constant(weights[name])), graph.constant(biases[name]))
    if not projected:
        weights, biases = dict.fromkeys("qkvo", np.eye(s.width)), dict.fromkeys("qkvo", np.zeros(s.width))
        linear = lambda x, name: x

    def heads(name):
        cut = graph.Reshape(linear("x", name), graph.indices(s.batch, s.tokens, s.heads, features))
        if layout == "heads":
            whole = graph.Transpose(cut, perm=[2, 0, 1, 3])
        else:
            whole = graph.Transpose(cut, perm=[0, 2, 1, 3])
        return whole if layout == "batch" else graph.Reshape(whole, graph.indices(-1, s.tokens, features))

    q, k, v = map(heads, "qkv")
    scores = graph.MatMul(graph.Mul(q, graph.scalar(features**-0.5)), graph.transpose(k, *((0, 1, 3, 2) if layout == "batch" else (0, 2, 1))))
    if mask:
        graph.input("padding", TensorProto.BOOL, [s.batch, s.tokens])
        hidden = graph.Unsqueeze("padding", graph.indices(1, 2))
        scores = graph.Add(scores, graph.Where(hidden, graph.scalar(-1e9), graph.scalar(0.0)))
    y = graph.MatMul(graph.Softmax(scores, axis=-1), v)
    if layout == "merged":
        y = graph.Reshape(y, graph.indices(s.batch, s.heads, s.tokens, features))
    if layout == "heads":
        y = graph.Reshape(y, graph.indices(s.heads, s.batch, s.tokens, features))
    y = graph.Transpose(y, perm=[1, 2, 0, 3] if layout == "heads" else [0, 2, 1, 3])
    y = linear(graph.Reshape(y, graph.indices(s.batch, s.tokens, s.width)), "o")
    graph.output(y, "y", rank=3)
    graph = helper.make_graph(graph.nodes, "attention", graph.inputs, graph.outputs, graph.initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return weights, biases


def parameters_of(rng, layers, clusters, width, inputs=None):
    made = {}
    for i in range(layers):
        made[f"surrogate_{i}"] = rng.standard_normal((clusters, width)).astype(np.float32)
        made[f"wphi_{i}"] = (rng.standard_normal(inputs or width) * 0.3).astype(np.float32)
        made[f"bphi_{i}"] = np.float32(rng.standard_normal())
    return made


def golden(shape, weights, biases, x, parameters, options, clusters, padding=None):
    """(y, affinities [batch, heads, n, C]) in float64; padded tokens fit no cluster."""
    s, outputs, affinity = shape, [], []
    split = lambda a: np.stack(np.split(a, s.heads, axis=-1))
    for b in range(s.batch):
        rows = x[b].astype(float)
        q, k, v = (split(rows @ weights[name].astype(np.float32).astype(float) + biases[name].astype(np.float32)) for name in "qkv")
        phi = rows @ parameters["wphi_0"].astype(float) + float(parameters["bphi_0"])
        surrogates = cast.split_heads(parameters["surrogate_0"].astype(float), s.heads)
        out, _, fits = cast.attention(q, k, v, phi[:, None], surrogates, s.size, options, per_head(clusters[b : b + 1], s.heads))
        if padding is not None:
            fits = np.where(padding[b][:, None], -np.inf, fits)
        affinity.append(fits)
        joined = np.concatenate(out, axis=-1)
        outputs.append(joined @ weights["o"].astype(np.float32).astype(float) + biases["o"].astype(np.float32))
    return np.stack(outputs), np.stack(affinity)


def check_attention(folder, shape, options=cast.Options(), padding=None, layout="batch", form="npz", scale=1.0, projected=True):
    rng = np.random.default_rng(0)
    weights, biases = attention_model(folder / "model.onnx", shape, rng, padding is not None, layout, projected)
    parameters = parameters_of(rng, 1, shape.clusters, shape.width)
    parameters["surrogate_0"] *= np.float32(scale)
    feeds = {"x": rng.standard_normal((shape.batch, shape.tokens, shape.width)).astype(np.float32)}
    if padding is not None:
        feeds["padding"] = padding
    rewritten = rewrite(folder / "model.onnx", folder, options, shape.size, parameters, form=form)
    assert rewritten.returncode == 0, rewritten.stderr
    outputs = run(with_clusters(rewritten.stdout), folder, feeds)
    clusters = outputs["clusters_0"]
    y, affinity = golden(shape, weights, biases, feeds["x"], parameters, options, clusters, padding)
    check(outputs, {"y": y})
    if padding is None:
        check_choice(clusters, affinity, options)
    return outputs, feeds, (weights, biases)


SHAPES = [Shape(64, 4, 16), Shape(65, 5, 13), Shape(127, 7, 20, 12, 3), Shape(256, 8, 32, batch=2), Shape(1000, 10, 100, 32, 4)]
SHAPES += [Shape(4096, 16, 256, 32, 4), Shape(64, 1, 64), Shape(97, 97, 1), Shape(7, 3, 7), Shape(2, 1, 2)]
OPTIONS = [dict(function="laplace"), dict(gates=False), dict(own_mask=False), dict(intra_weight=False), dict(summaries=False)]
OPTIONS += [dict(summaries=False, intra_weight=False), dict(tau=1.7), dict(tau_q=0.6, tau_k=3.1), dict(heads="per-head")]
OPTIONS += [dict(function="laplace", gates=False, own_mask=False, heads="per-head")]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: f"n{s.tokens}_c{s.clusters}_k{s.size}")
def test_attention_is_that_of_the_golden_functions(shape, tmp_path):
    check_attention(tmp_path, shape)


@pytest.mark.parametrize("clustering", cast.CLUSTERINGS)
@pytest.mark.parametrize("changed", OPTIONS, ids=lambda c: "_".join(c))
def test_every_option(changed, clustering, tmp_path):
    check_attention(tmp_path, Shape(45, 4, 9, batch=2), cast.Options(clustering=clustering, **changed))


@pytest.mark.parametrize("clustering", ["sa-greedy", "sa-rounds"])
@pytest.mark.parametrize("shape", [Shape(64, 4, 16), Shape(61, 4, 16), Shape(90, 4, 16), Shape(512, 16, 32)])
def test_single_assignment_with_and_without_room(shape, clustering, tmp_path):
    """As many places as tokens, more, and fewer."""
    outputs, *_ = check_attention(tmp_path, shape, cast.Options(clustering=clustering))
    taken = outputs["clusters_0"][outputs["clusters_0"] >= 0]
    assert len(taken) == len(set(taken)) == min(shape.tokens, shape.clusters * shape.size)


@pytest.mark.parametrize("layout", ["batch", "merged", "heads"])
@pytest.mark.parametrize("heads", ["shared", "per-head"])
def test_heads_are_found_where_a_model_puts_them(heads, layout, tmp_path):
    check_attention(tmp_path, Shape(33, 3, 11, 12, 3, batch=2), cast.Options(heads=heads), layout=layout)


@pytest.mark.parametrize("layout", ["batch", "merged", "heads"])
def test_tokens_may_be_queries_keys_and_values(layout, tmp_path):
    """Attention without projections."""
    check_attention(tmp_path, Shape(33, 3, 11, 12, 3, batch=2), layout=layout, projected=False)


@pytest.mark.parametrize("clustering", cast.CLUSTERINGS)
@pytest.mark.parametrize("heads", ["shared", "per-head"])
def test_padded_tokens_are_in_no_cluster(heads, clustering, tmp_path):
    """Nothing that they hold reaches a token that is there; a sequence may be padding alone."""
    shape = Shape(40, 4, 10, batch=3)
    padding = np.arange(40) >= np.array([40, 27, 0])[:, None]
    options = cast.Options(clustering=clustering, heads=heads)
    outputs, feeds, _ = check_attention(tmp_path, shape, options, padding)
    chosen = outputs["clusters_0"]
    for b, hidden in enumerate(padding):
        assert not hidden[chosen[b][chosen[b] >= 0]].any()
    assert (chosen[2] == -1).all() and np.isfinite(outputs["y"]).all()
    feeds["x"] = np.where(padding[..., None], 7 * feeds["x"] + 1, feeds["x"])
    others = run((tmp_path / "cast.mlir").read_text(), tmp_path, feeds)
    assert np.array_equal(others["y"][~padding], outputs["y"][~padding])


# --- identities


INSIDE_ONLY = dict(summaries=False, intra_weight=False)


@pytest.mark.parametrize("clustering", cast.CLUSTERINGS)
def test_one_cluster_with_all_tokens_is_full_attention(clustering, tmp_path):
    outputs, feeds, _ = check_attention(tmp_path, Shape(50, 1, 50), cast.Options(clustering=clustering, **INSIDE_ONLY))
    full = streams.open_session(tmp_path / "model.onnx").run(["y"], feeds)[0]
    check(outputs, {"y": full})


@pytest.mark.parametrize("clustering", ["sa-greedy", "sa-rounds"])
def test_without_summaries_attention_is_masked_to_blocks(clustering, tmp_path):
    outputs, feeds, (weights, biases) = check_attention(tmp_path, Shape(48, 4, 12, heads=1), cast.Options(clustering=clustering, **INSIDE_ONLY))
    cluster = np.empty(48, int)
    for number, tokens in enumerate(outputs["clusters_0"][0, 0]):
        cluster[tokens] = number
    q, k, v = (feeds["x"][0] @ weights[name] + biases[name] for name in "qkv")
    scores = np.where(cluster[:, None] == cluster, q @ k.T / 4, -np.inf)
    y = cast.softmax(scores) @ v @ weights["o"] + biases["o"]
    check(outputs, {"y": y[None]})


@pytest.mark.parametrize("heads", ["shared", "per-head"])
@pytest.mark.parametrize("clustering", cast.CLUSTERINGS)
def test_values_of_one_give_one(clustering, heads, tmp_path):
    """Weights of a token sum to one, if it sees each cluster once."""
    shape, rng = Shape(60, 5, 12), np.random.default_rng(0)
    attention_model(tmp_path / "model.onnx", shape, rng)
    model = onnx.load(tmp_path / "model.onnx")
    projections = [node for node in model.graph.node if node.op_type == "MatMul" and node.input[0] == "x"]
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    [bias] = [node for node in model.graph.node if node.op_type == "Add" and node.input[0] == projections[2].output[0]]
    out = next(node for node in reversed(model.graph.node) if node.op_type == "MatMul")
    last = next(node for node in model.graph.node if node.op_type == "Add" and node.input[0] == out.output[0])
    given = {projections[2].input[1]: np.zeros((16, 16)), bias.input[1]: np.ones(16), out.input[1]: np.eye(16), last.input[1]: np.zeros(16)}
    for name, value in given.items():
        tensors[name].CopyFrom(onnx.numpy_helper.from_array(value.astype(np.float32), name))
    onnx.save(model, tmp_path / "model.onnx")
    options = cast.Options(clustering=clustering, heads=heads)
    rewritten = rewrite(tmp_path / "model.onnx", tmp_path, options, shape.size, parameters_of(rng, 1, 5, 16))
    y = run(rewritten.stdout, tmp_path, {"x": rng.standard_normal((1, 60, 16)).astype(np.float32)})["y"]
    assert np.abs(y - 1).max() < 1e-5


# --- whole encoders of both exporters


ENCODERS = [("layers_ts_dynamic", 8, 2), ("layers_dynamo_dynamic", 33, 3), ("encoder_dynamic", 50, 2)]  # post-, post-, pre-norm
ENCODERS += [("layers_ts_2_mean", 0, 0), ("layers_dynamo_3_pre", 0, 0), ("layers_dynamo_6", 0, 0), ("layers_ts14", 0, 0)]
ENCODERS += [("layers_ts_batch3", 0, 0), ("layers_dynamo_batch3", 0, 0), ("layers_ts_tokens_first", 0, 0)]
ENCODERS += [("layers_dynamo_tokens_first", 0, 0), ("layers_dynamo23", 0, 0), ("multihead_ts", 0, 0), ("multihead_dynamo", 0, 0)]
ENCODERS += [("encoder_class_token", 0, 0), ("encoder_table_pre", 0, 0)]


@pytest.mark.parametrize("clustering", ["topk", "sa-greedy"])
@pytest.mark.parametrize("name, window, batch", ENCODERS)
def test_encoders(name, window, batch, clustering, tmp_path):
    entry = streams.manifest()[name]
    rng = np.random.default_rng(0)
    described = {one["name"]: one for one in entry["inputs"]}
    feeds = {}
    for one in described.values():
        shape = list(one["shape"])
        if window:
            shape[0], shape[one["token_axis"]] = batch, window
        feeds[one["name"]] = rng.standard_normal(shape).astype(np.float32)
    encoder = Encoder(entry["path"])
    _, taps = encoder.run(feeds, full_method)
    inputs, row = taps[0].inputs()
    sequences = len(np.unique(row, axis=0))
    width = taps[0].q.shape[0] // sequences * taps[0].q.shape[2]
    parameters = parameters_of(rng, len(taps), 3, width, inputs.shape[1])
    size, options = -(-taps[0].q.shape[1] // 3), cast.Options(clustering=clustering)
    dims = f" dims=batch={batch}" if window else ""
    rewritten = rewrite(entry["path"], tmp_path, options, size, parameters, window or entry["window"], dims)
    assert rewritten.returncode == 0, rewritten.stderr
    outputs = run(with_clusters(rewritten.stdout), tmp_path, feeds)
    assert sum(one.startswith("clusters_") for one in outputs) == len(taps)
    chosen = {i: per_head(outputs[f"clusters_{i}"], taps[0].q.shape[0] // sequences) for i in range(len(taps))}
    expected, taps = encoder.run(feeds, cast_method(parameters, size, options, chosen))
    check(outputs, expected)
    for i, tap in enumerate(taps):
        of_sequences = tap.affinity.reshape(sequences, -1, *tap.affinity.shape[1:])
        check_choice(outputs[f"clusters_{i}"], of_sequences, options)


@pytest.mark.parametrize("name", ["layers_ts_padding", "layers_dynamo_padding"])
def test_padding_of_exported_models(name, tmp_path):
    rng, padding = np.random.default_rng(0), np.arange(8)[None] % 3 == 2
    feeds = {"x": rng.standard_normal((1, 8, 8)).astype(np.float32), "padding": padding}
    rewritten = rewrite(streams.MODELS / f"{name}.onnx", tmp_path, cast.Options(), 3, parameters_of(rng, 1, 2, 8))
    assert rewritten.returncode == 0, rewritten.stderr
    outputs = run(with_clusters(rewritten.stdout), tmp_path, feeds)
    assert not set(outputs.pop("clusters_0").ravel()) & set(np.nonzero(padding[0])[0])
    feeds["x"] = np.where(padding[..., None], 5 - feeds["x"], feeds["x"])
    [(output, before)] = outputs.items()
    after = run((tmp_path / "cast.mlir").read_text(), tmp_path, feeds)[output]
    assert np.array_equal(after[~padding], before[~padding]) and not np.array_equal(after, before)


# --- parameters from files


def test_parameters_in_safetensors(tmp_path):
    check_attention(tmp_path, Shape(30, 3, 10), form="safetensors")


@pytest.mark.parametrize("left", [(), ("bphi_0",)])
def test_phi_may_be_one_number(left, tmp_path):
    rng, shape = np.random.default_rng(0), Shape(30, 3, 10)
    weights, biases = attention_model(tmp_path / "model.onnx", shape, rng)
    parameters = parameters_of(rng, 1, 3, 16)
    given = {name: parameters[name] for name in ("surrogate_0", *left)}
    rewritten = rewrite(tmp_path / "model.onnx", tmp_path, cast.Options(), 10, given)
    x = rng.standard_normal((1, 30, 16)).astype(np.float32)
    outputs = run(with_clusters(rewritten.stdout), tmp_path, {"x": x})
    parameters.update(wphi_0=np.zeros(16), bphi_0=parameters["bphi_0"] if left else np.float32(0))
    check(outputs, {"y": golden(shape, weights, biases, x, parameters, cast.Options(), outputs["clusters_0"])[0]})


FAULTS = {
    "no array": (lambda p: {"wphi_0": p["wphi_0"]}, "holds no array 'surrogate_0', the surrogate tokens of layer 0"),
    "width": (lambda p: {**p, "surrogate_0": p["surrogate_0"][:, :15]}, "array 'surrogate_0' is float32 [3, 15], but layer 0 takes floats [clusters, 16]"),
    "rank": (lambda p: {**p, "wphi_0": p["wphi_0"][None]}, "array 'wphi_0' is float32 [1, 16], but layer 0 takes floats [16]"),
    "number": (lambda p: {**p, "bphi_0": np.zeros(2)}, "array 'bphi_0' is float64 [2], but layer 0 takes floats []"),
    "integers": (lambda p: {**p, "surrogate_0": np.ones((3, 16), int)}, "array 'surrogate_0' is int64 [3, 16], but layer 0 takes floats"),
    "no bias": (lambda p: {k: v for k, v in p.items() if k != "bphi_0"}, "holds an array 'wphi_0', but no 'bphi_0'"),
    "clusters": (lambda p: p, "array 'surrogate_0' is float32 [3, 16], but layer 0 takes floats [4, 16]"),
    "size": (lambda p: p, "clusters of 31 tokens are larger than a window of 30"),
    "layer": (lambda p: p, "there is no attention 1; the model has 1, counted from 0"),
    "tau": (lambda p: p, "a temperature is positive, not -1"),
}
FURTHER = {"clusters": "clusters=4", "size": "size=31", "layer": "layers=1", "tau": "tau=-1"}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_missing_or_does_not_fit(fault, tmp_path):
    rng = np.random.default_rng(0)
    attention_model(tmp_path / "model.onnx", Shape(30, 3, 10), rng)
    spoil, message = FAULTS[fault]
    spoilt = spoil(parameters_of(rng, 1, 3, 16))
    rewritten = rewrite(tmp_path / "model.onnx", tmp_path, cast.Options(), 10, spoilt, further=FURTHER.get(fault, ""))
    assert rewritten.returncode == 1 and message in rewritten.stderr, rewritten.stderr
    assert rewritten.stdout == "" and "PLEASE" not in rewritten.stderr
    if "array" in message:
        assert "parameters.npz" in rewritten.stderr and "node 'Softmax" in rewritten.stderr, rewritten.stderr


@pytest.mark.parametrize("options", ["", "surrogates=nowhere.npz", "surrogates=x.npz from=kmeans", "from=kmeans"])
def test_surrogate_tokens_are_not_made_up(options, tmp_path):
    attention_model(tmp_path / "model.onnx", Shape(30, 3, 10), np.random.default_rng(0))
    passes = f"builtin.module(weir-prepare-model,func.func(weir-cast{{{options}}}))"
    done = onnx_steps.weir_opt(tmp_path / "model.onnx", f"--pass-pipeline={passes}")
    assert done.returncode == 1 and "error:" in done.stderr and done.stdout == "", done.stderr


# --- as standard operators, and what it takes


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("heads", ["shared", "per-head"])
@pytest.mark.parametrize("function", cast.FUNCTIONS)
def test_standard_operators_compute_the_same(function, heads, padded, tmp_path):
    shape = Shape(40, 4, 10, batch=2)
    padding = (np.arange(40) >= np.array([40, 27])[:, None]) if padded else None
    options = cast.Options(function=function, heads=heads)
    # So that no step function is 1 to rounding: which of such tokens come first differs between runtimes.
    outputs, feeds, _ = check_attention(tmp_path, shape, options, padding, scale=0.1)
    prepare = f"weir-prepare-model,func.func(weir-cast{{surrogates={tmp_path}/parameters.npz {spell(options, 10)}}})"
    written = onnx_steps.weir_opt(
        tmp_path / "model.onnx", f"--pass-pipeline=builtin.module({prepare})", "-o", tmp_path / "cast.onnx", "--opset=18"
    )
    assert written.returncode == 0, written.stderr
    assert {node.domain for node in onnx.load(tmp_path / "cast.onnx").graph.node} <= {"", "ai.onnx"}
    check({"y": streams.open_session(tmp_path / "cast.onnx").run(["y"], feeds)[0]}, {"y": outputs["y"]})


def test_single_assignment_is_no_standard_operator(tmp_path):
    attention_model(tmp_path / "model.onnx", Shape(30, 3, 10), np.random.default_rng(0))
    np.savez(tmp_path / "p.npz", surrogate_0=np.ones((3, 16), np.float32))
    passes = f"builtin.module(weir-prepare-model,func.func(weir-cast{{surrogates={tmp_path}/p.npz clustering=sa-greedy}}))"
    done = onnx_steps.weir_opt(tmp_path / "model.onnx", f"--pass-pipeline={passes}", "-o", tmp_path / "cast.onnx")
    assert done.returncode == 1 and "for which ONNX has no operator" in done.stderr, done.stderr
    assert not (tmp_path / "cast.onnx").exists()


@pytest.mark.parametrize("clustering", cast.CLUSTERINGS)
def test_temporary_memory_is_linear_in_the_tokens(clustering, tmp_path):
    """For a fixed number of clusters; full attention on all scores would take four times as much for twice the tokens."""
    taken = []
    for tokens in (1024, 2048, 4096, 8192):
        shape = Shape(tokens, 16, tokens // 16, 32, 4)
        attention_model(tmp_path / "model.onnx", shape, np.random.default_rng(0))
        np.savez(tmp_path / "p.npz", surrogate_0=np.ones((16, 32), np.float32))
        options = f"surrogates={tmp_path}/p.npz size={shape.size} clustering={clustering}"
        passes = f"builtin.module(weir-prepare-model,func.func(weir-cast{{{options}}}),weir-bufferize)"
        done = onnx_steps.weir_opt(tmp_path / "model.onnx", f"--pass-pipeline={passes}")
        assert done.returncode == 0, done.stderr
        taken.append(int(re.search(r"memref<(\d+)xi8> {weir.scratch}", done.stdout).group(1)))
    print(taken)
    assert all(after <= 2.05 * before for before, after in zip(taken, taken[1:])), taken
