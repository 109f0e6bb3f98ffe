"""The ops that put tokens into clusters, compiled, against their definitions in NumPy."""

import numpy as np
import pytest
import streams
from compressed_reference import cast

KINDS = {"float32": "f32", "float64": "f64", "int64": "i64"}
# (leading dimensions, tokens, clusters, size)
SHAPES = [((), 1, 1, 1), ((), 7, 1, 7), ((), 9, 3, 3), ((2,), 13, 4, 5), ((2, 3), 16, 5, 2), ((1, 2), 64, 8, 8)]
SHAPES += [((1,), 257, 16, 17), ((1,), 1000, 7, 100), ((1,), 4096, 16, 256)]


def kind(array):
    return f"tensor<{''.join(f'{n}x' for n in array.shape)}{KINDS[str(array.dtype)]}>"


class Program:
    """Ops on inputs, one model for them all."""

    def __init__(self):
        self.inputs, self.body, self.outputs = [], [], []

    def input(self, array):
        self.inputs.append(array)
        return f"%x{len(self.inputs) - 1}"

    def op(self, text, operands, result):
        """`result`: an array of the type that the op `text` makes of `operands`."""
        names = [self.input(operand) for operand in operands]
        head, attributes = text if isinstance(text, tuple) else (text, "")
        types = ", ".join(kind(operand) for operand in operands)
        name = f"%y{len(self.outputs)}"
        self.body.append(f"  {name} = weir.{head} {', '.join(names)} {attributes} : {types} -> {kind(result)}")
        self.outputs.append(result)

    def run(self, folder):
        arguments, command = [], []
        for i, array in enumerate(self.inputs):
            arguments.append(f'%x{i}: {kind(array)} {{weir.input = "x{i}"}}')
            np.save(folder / f"{i}.npy", array)
            command += ["--static", f"x{i}={folder}/{i}.npy"]
        results = ", ".join(f'{kind(one)} {{weir.output = "y{i}"}}' for i, one in enumerate(self.outputs))
        names = ", ".join(f"%y{i}" for i in range(len(self.outputs)))
        returned = f"  return {names} : {', '.join(map(kind, self.outputs))}\n}}\n"
        text = f"func.func @window({', '.join(arguments)})\n    -> ({results}) {{\n"
        (folder / "model.mlir").write_text(text + "\n".join(self.body) + "\n" + returned)
        done = streams.weir_run(folder / "model.mlir", "--rewrite=none", "--output", folder / "out.npz", *command)
        assert done.returncode == 0, done.stderr
        with np.load(folder / "out.npz") as outputs:
            return [outputs[f"y{i}"][0] for i in range(len(self.outputs))]


def flat(array, inner):
    return array.reshape(-1, *array.shape[array.ndim - inner :])


def affinities(rng, lead, tokens, clusters, dtype, form):
    values = rng.standard_normal((*lead, tokens, clusters))
    if form == "ties":  # few different ones, of both signs of zero
        values = np.round(values * 1.5) / 2 * np.where(rng.random(values.shape) < 0.5, 1, -0.0 + 1)
    if form == "falling":
        values = np.sort(values, axis=-2)[..., ::-1, :]
    if form == "padded":
        values[..., rng.random(tokens) < 0.3, :] = -np.inf
    if form == "hidden":
        values[...] = -np.inf
    return values.astype(dtype)


def chosen(affinity, clustering, size):
    """The golden choice of one sequence; tokens that are -inf everywhere are left out."""
    there = np.nonzero((affinity > -np.inf).any(1))[0]
    result = np.full((affinity.shape[1], size), cast.EMPTY)
    if len(there):
        among = cast.CLUSTERINGS[clustering](affinity[there], size)
        result = np.where(among == cast.EMPTY, cast.EMPTY, there[among])
    return result


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", ["random", "ties", "falling", "padded", "hidden"])
@pytest.mark.parametrize("clustering", cast.CLUSTERINGS)
def test_clusters_are_chosen_as_defined(clustering, form, dtype, tmp_path):
    """Bit for bit: the same tokens in the same places, ties and empty places as well."""
    rng = np.random.default_rng(0)
    program, operands = Program(), []
    for lead, tokens, clusters, size in SHAPES:
        affinity = affinities(rng, lead, tokens, clusters, dtype, form)
        result = np.zeros((*lead, clusters, size), np.int64)
        head = f"choose_clusters {clustering.replace('-', '_')}"
        program.op((head, f"{{size = {size} : i64}}"), [affinity], result)
        operands.append((affinity, size))
    for (affinity, size), output in zip(operands, program.run(tmp_path)):
        expected = [chosen(one, clustering, size) for one in flat(affinity, 2)]
        assert np.array_equal(flat(output, 2), expected), affinity.shape


def test_what_is_no_number_is_never_chosen(tmp_path):
    affinity = np.array([[np.nan, 1], [2, np.nan], [3, -np.inf], [np.inf, 0]], np.float32)
    program = Program()
    for clustering in ("topk", "sa_greedy", "sa_rounds"):
        program.op((f"choose_clusters {clustering}", "{size = 3 : i64}"), [affinity], np.zeros((2, 3), np.int64))
    best, greedy, rounds = program.run(tmp_path)
    assert best.tolist() == [[3, 2, 1], [0, 3, -1]]
    assert greedy.tolist() == rounds.tolist() == [[3, 2, 1], [0, -1, -1]]


def places(rng, lead, tokens, clusters, size):
    """Indices with empty places and tokens in several clusters, each once in a cluster."""
    indices = np.argsort(rng.random((*lead, clusters, tokens)), axis=-1)[..., :size]
    return np.where(rng.random(indices.shape) < 0.2, cast.EMPTY, indices).astype(np.int64)


def moves(rng, dtype):
    for lead, tokens, clusters, size in SHAPES:
        features = int(rng.integers(1, 20))
        for of_indices in {lead, lead[:-1] + (1,) * len(lead[-1:]), ()}:
            indices = places(rng, of_indices, tokens, clusters, size)
            yield lead, tokens, features, indices, np.broadcast_to(indices, (*lead, clusters, size))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tokens_move_into_clusters_and_back(dtype, tmp_path):
    rng = np.random.default_rng(0)
    program, expected = Program(), []
    for lead, tokens, features, indices, whole in moves(rng, dtype):
        clusters, size = indices.shape[-2:]
        x = rng.standard_normal((*lead, tokens, features)).astype(dtype)
        padded = np.concatenate([x, np.zeros((*lead, 1, features), dtype)], -2)  # -1 is the last row
        rows = np.take_along_axis(padded, whole.reshape(*lead, -1, 1), -2).reshape(*whole.shape, features)
        program.op("gather_tokens", [x, indices], rows)
        given = rng.standard_normal(rows.shape).astype(dtype)
        sums = np.zeros((*lead, tokens + 1, features), dtype)
        for one, of_place, target in zip(flat(given, 3), flat(whole, 2), flat(sums, 2)):
            np.add.at(target, of_place.ravel(), one.reshape(-1, features))
        attributes = f"{{tokens = {tokens} : i64}}"
        program.op(("scatter_add_tokens", attributes), [given, indices], sums[..., :-1, :])
        members = np.zeros((*indices.shape[:-2], tokens + 1, clusters), dtype)
        for of_place, target in zip(flat(indices, 2), flat(members, 2)):
            for cluster, of_cluster in enumerate(of_place):
                target[of_cluster, cluster] = 1
        program.op(("cluster_members", attributes), [indices], members[..., :-1, :])
        expected += [rows, sums[..., :-1, :], members[..., :-1, :]]
    for output, one in zip(program.run(tmp_path), expected):
        assert np.array_equal(output, one), one.shape


def test_an_index_outside_is_an_empty_place(tmp_path):
    x, indices = np.ones((3, 2), np.float32), np.array([[1, 3, -7, 2**40]], np.int64)
    program = Program()
    program.op("gather_tokens", [x, indices], np.zeros((1, 4, 2), np.float32))
    rows = np.ones((1, 4, 2), np.float32)
    program.op(("scatter_add_tokens", "{tokens = 3 : i64}"), [rows, indices], np.zeros((3, 2), np.float32))
    program.op(("cluster_members", "{tokens = 3 : i64}"), [indices], np.zeros((3, 1), np.float32))
    gathered, sums, members = program.run(tmp_path)
    assert gathered[0, :, 0].tolist() == [1, 0, 0, 0]
    assert sums[:, 0].tolist() == members[:, 0].tolist() == [0, 1, 0]


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-12)])
@pytest.mark.parametrize("function", cast.FUNCTIONS)
def test_affinities_are_their_formula(function, dtype, tolerance, tmp_path):
    rng = np.random.default_rng(0)
    program, expected = Program(), []
    for lead, tokens, clusters, _ in SHAPES:
        for of_phi in ((*lead, tokens, 1), (tokens, 1), (1, 1)):
            queries, keys = 4 * rng.standard_normal((2, *lead, tokens, clusters)).astype(dtype)
            phi = 3 * rng.standard_normal(of_phi).astype(dtype)
            f, gate = cast.FUNCTIONS[function], cast.sigmoid(phi.astype(float))
            result = gate * f(queries.astype(float)) + (1 - gate) * f(keys.astype(float))
            program.op(f"cluster_affinity {function}", [queries, keys, phi], result.astype(dtype))
            expected.append(result)
    for output, one in zip(program.run(tmp_path), expected):
        assert np.abs(output - one).max() <= tolerance, one.shape
