"""Weights in 16 and 8 bits: errors within what their rounding allows, and the same numbers for any number of rows.

The bounds are those of the roundings, for y = x W with K weights a column, beside f64:

    bf16, f16   |w' - w| <= 2^-8 |w|, or 2^-11 |w| + 2^-25
    int8        the scale of a column is chosen by its squared error, which is at most that of max |w| / 127:
                ||w' - w|| <= sqrt(K) max |w| / 254
                (rounded by the means of rows, a few weights go the other way: here, where means are nearly none, hardly any)
    digits      a row is whole numbers of 16 bits times max |x| / 32639, where bytes are multiplied
    sums        f32, in any order: K 2^-24 times the sum of the magnitudes, and a few more roundings
"""

import ctypes
import json
import re

import native
import numpy as np
import onnx
import pytest
import streams
from onnx import TensorProto, helper
from test_native_windows import Windows

KINDS = ["bf16", "f16", "int8"]
BYTES = {"bf16": 2, "f16": 2, "int8": 1}
# Whole panels and groups of four in depth, and all that is not; more rows than a block of them.
SHAPES = [(1, 64, 64), (5, 64, 64), (7, 50, 96), (3, 66, 80), (2, 7, 300), (4, 256, 16), (3, 40, 33), (70, 1024, 48), (6, 72, 32)]
CASES = [(shape, kind, "native") for shape in SHAPES for kind in KINDS]
CASES += [(shape, kind, "x86-64-v3") for shape in SHAPES[1:4] for kind in KINDS]
CASES += [(shape, kind, "x86-64-v2") for shape in SHAPES[1:4] for kind in ("bf16", "int8")]  # f16 takes a library


def linear(folder, weights, rows):
    """x [rows, K] times `weights` as an ONNX file, and its entry."""
    depth, columns = weights.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, depth])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, columns])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    path = folder / f"linear{rows}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    one = {"name": "x", "dtype": "float32", "shape": [rows, depth], "token_axis": 0}
    return {"path": path, "window": rows, "inputs": [one], "positions": None, "options": ["--token-axis=x=0"]}


def bound(kind, x, w):
    """How far a product with narrow weights may be from x W."""
    x, w = np.abs(x).astype(float), np.abs(w).astype(float)
    depth, largest, sums = w.shape[0], w.max(axis=0), x @ w
    exact = depth * 2.0**-24 * sums + 4 * 2.0**-24 * sums
    if kind == "bf16":
        return 2.0**-8 * sums * 1.01 + exact
    if kind == "f16":
        return 2.0**-11 * sums * 1.01 + 2.0**-25 * x.sum(axis=1, keepdims=True) + exact
    rounded = np.linalg.norm(x, axis=1)[:, None] * (np.sqrt(depth) * largest / 254)
    widest = w.sum(axis=0) + depth * largest / 254
    digits = x.max(axis=1, keepdims=True) / 32639 / 2 * widest
    return (rounded + digits) * 1.01 + 2 * exact


def data(shape, seed=0):
    rows, depth, columns = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, depth)).astype(np.float32)
    w = (rng.standard_normal((depth, columns)) * rng.uniform(0.01, 3, columns)).astype(np.float32)
    x[0, 3] *= 100  # an outlier takes digits from its row
    w[2, 1] *= 30
    w[:, 0] = 0
    return x, w


@pytest.mark.parametrize("shape, kind, target", CASES)
def test_error_is_that_of_the_rounding(shape, kind, target, tmp_path):
    x, w = data(shape)
    entry = linear(tmp_path, w, shape[0])
    made = Windows(entry, tmp_path, "--rewrite=none", f"--weights={kind}", "--weights-error=inf", f"--target={target}")
    assert made.manifest["weights"] == kind
    error = np.abs(made.run({"x": x})["y"] - x.astype(float) @ w.astype(float))
    assert (error <= bound(kind, x, w)).all()
    assert error.max() > 1e-5 * np.abs(x @ w).max()  # they are narrow, indeed
    assert (error[:, 0] == 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth, columns", [(1024, 48), (50, 96), (40, 33)])
def test_rows_do_not_depend_on_how_many_there_are(kind, depth, columns, tmp_path):
    x, w = data((70, depth, columns))
    outputs = []
    for rows in (1, 2, 5, 70):
        folder = tmp_path / str(rows)
        folder.mkdir()
        np.save(folder / "x.npy", np.zeros((rows, depth), np.float32))  # other data, of other rows, would round otherwise
        data_of_rows = f"--calibrate={folder / 'x.npy'}"
        made = Windows(linear(folder, w, rows), folder, "--rewrite=none", f"--weights={kind}", data_of_rows)
        outputs.append(made.run({"x": x[:rows]})["y"].copy())
    for fewer in outputs:
        assert np.array_equal(fewer, outputs[-1][: len(fewer)])


def test_rows_that_are_zero_tiny_or_no_numbers(tmp_path):
    x, w = data((6, 64, 32))
    x[0], x[1], x[2, 5], x[3, 7] = 0, x[1] * 1e-36, np.nan, np.inf
    made = Windows(linear(tmp_path, w, 6), tmp_path, "--rewrite=none", "--weights=int8", "--weights-error=inf")
    y = made.run({"x": x})["y"]
    assert (y[0] == 0).all() and (np.abs(y[1]) < 1e-30).all()
    assert not np.isfinite(y[2:4, 1:]).any()
    assert (np.abs(y[4:] - x[4:] @ w) <= bound("int8", x[4:], w)).all()


def test_weights_that_a_type_cannot_hold_stay(tmp_path):
    x, w = data((3, 64, 32))
    w[5, 5] = 1e6
    made = Windows(linear(tmp_path, w, 3), tmp_path, "--rewrite=none", "--weights=f16", "--weights-error=inf")
    exact = x.astype(float) @ w.astype(float)
    assert (np.abs(made.run({"x": x})["y"] - exact) <= 68 * 2.0**-24 * (np.abs(x) @ np.abs(w))).all()


def speaker(number):
    """A trained encoder, wide enough for its weights to count."""
    path = streams.ROOT / "examples" / "vowels" / f"speaker_{number}.onnx"
    [x] = onnx.load(path).graph.input
    shape = [size.dim_value or 1 for size in x.type.tensor_type.shape.dim]
    one = {"name": x.name, "dtype": "float32", "shape": shape, "token_axis": 1}
    return {"path": path, "window": shape[1], "inputs": [one], "positions": None, "options": []}


def run(*options):
    entry = speaker(1)
    tokens = streams.random_streams(entry, 2 * entry["window"] + 3)
    return entry, tokens, *streams.run_stream(entry, tokens, *options)


@pytest.mark.parametrize("kind", KINDS)
def test_printed_error_is_that_of_the_stream(kind):
    entry, tokens, result, outputs = run(f"--weights={kind}", "--verify", "--tolerance=0.05")
    assert result.returncode == 0, result.stderr
    narrow, wide = map(int, re.search(rf"weights: {kind}, (\d+) bytes instead of (\d+)", result.stdout).groups())
    assert BYTES[kind] / 4 * wide < narrow < 0.7 * wide
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    [(output, rms, most)] = re.findall(r"output '(.*)': (\S+) rms, (\S+) at most", result.stdout)
    error = np.abs(outputs[output] - expected[output]) / expected[output].std()
    # Of other data than the printed error: near it, yet not equal.
    assert float(rms) / 4 < np.sqrt((error**2).mean()) < 4 * float(rms) < 0.04
    assert error.max() < 4 * float(most)


@pytest.mark.parametrize("kind", KINDS)
def test_streams_have_the_bits_of_single_steps(kind, tmp_path):
    entry, count = speaker(1), 5
    made = native.Artifact(entry, tmp_path, f"--weights={kind}", "--streams=4", ending=".so")
    library = ctypes.CDLL(str(made.object))
    size, length = made.manifest["state_bytes"], entry["window"] + 3
    buffer = np.zeros(2 * count * size + 64, np.uint8)
    states = [buffer.ctypes.data + -buffer.ctypes.data % 64 + i * size for i in range(2 * count)]
    for state in states:
        library.model_init(ctypes.c_void_p(state))
    x = np.random.default_rng(0).standard_normal((length, count, 12)).astype(np.float32)
    alone, together = np.zeros((2, count, 9), np.float32)
    pointers = lambda values: (ctypes.c_void_p * len(values))(*values)
    for tokens in x:
        rows, single = [row.ctypes.data for row in tokens], [row.ctypes.data for row in alone]
        for stream in range(count):
            library.model_step(ctypes.c_void_p(states[stream]), pointers(rows[stream:]), pointers(single[stream:]))
        outputs = pointers([row.ctypes.data for row in together])
        library.model_step_many(pointers(states[count:]), pointers(rows), outputs, ctypes.c_size_t(count), None)
        assert np.array_equal(alone, together)
    assert alone.any()


def test_too_small_a_tolerance_is_told():
    _, _, result, _ = run("--weights=int8", "--verify", "--tolerance=1e-5")
    assert result.returncode == 3 and "differ by more than" in result.stderr


def test_error_is_measured_on_the_data_that_is_given(tmp_path):
    entry = speaker(1)
    file = tmp_path / "tokens.npy"
    np.save(file, streams.random_streams(entry, 5 * entry["window"])[entry["inputs"][0]["name"]])
    result = native.weir_compile(entry["path"], "--weights=int8", f"--calibrate={file}", "-o", tmp_path / "m.o")
    assert result.returncode == 0, result.stderr
    assert "on 3 windows of the calibration data" in result.stdout


def test_report_tells_the_errors(tmp_path):
    _, _, result, _ = run("--weights=bf16", f"--report={tmp_path / 'report.json'}")
    assert result.returncode == 0, result.stderr
    weights = json.loads((tmp_path / "report.json").read_text())["weights"]
    assert weights["kind"] == "bf16" and weights["bytes"] < weights["bytes_f32"]
    assert weights["measured_on"] == "random data" and 0 < weights["outputs"][0]["error_rms"] < 0.01


def test_verifying_needs_a_tolerance():
    _, _, result, _ = run("--weights=int8", "--verify")
    assert result.returncode == 2
    assert "say by how much they may, --tolerance=0.05" in result.stderr


def test_proof_is_one_of_the_formula():
    _, _, result, _ = run("--weights=int8", "--prove")
    assert result.returncode == 0 and "0 differ" in result.stdout


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("target, dot", [("znver4", "vpdpbusd"), ("neoverse-v1", "sdot"), ("x86-64-v4", ""), ("riscv64", "")])
def test_other_targets_compile(kind, target, dot, tmp_path):
    """Bytes are multiplied by the dot products that a processor of this name has."""
    _, w = data((1, 64, 32))
    entry = linear(tmp_path, w, 2)
    made = native.weir_compile(
        entry["path"], *entry["options"], "--rewrite=none", f"--weights={kind}", "--weights-error=inf", f"--target={target}", "-o", tmp_path / "m.o"
    )
    assert made.returncode == 0, made.stderr
    if kind == "int8":
        text = native.run(["llvm-objdump-22", "-d", "--no-show-raw-insn", tmp_path / "m.o"]).stdout
        assert set(re.findall(r"\b(vpdpbusd|sdot)\b", text)) == {dot} - {""}


EMULATED = {
    "aarch64+dotprod": ("aarch64-linux-gnu-gcc", ["qemu-aarch64"]),
    "aarch64": ("aarch64-linux-gnu-gcc", ["qemu-aarch64"]),
    "riscv64+v": ("riscv64-linux-gnu-gcc", ["qemu-riscv64", "-cpu", "rv64,v=true"]),
}


@pytest.mark.skipif(not streams.FULL, reason="needs cross compilers and qemu: ./dev test --full")
@pytest.mark.parametrize("target", EMULATED)
def test_bytes_on_other_processors(target, tmp_path):
    """Digits of rows, or rows as they are, times the bytes of this machine's artifact."""
    compiler, emulator = EMULATED[target]
    _, w = data((1, 256, 512))
    entry = linear(tmp_path, w, 2)

    def stream(target, link, wrapper):
        folder = tmp_path / target
        folder.mkdir()
        made = native.Artifact(entry, folder, "--weights=int8", f"--target={target}")
        program = made.program("stream_model.c", *link, compiler=compiler if link else native.CC)
        return made.unpack(made.stream(program, made.pack(native.tokens_of(made)), wrapper=wrapper))[1]

    here, there = stream("native", [], []), stream(target, ["-static"], emulator)
    assert streams.difference(there, here) <= 2**-14


def test_artifacts_shrink_and_states_are_not_mixed(tmp_path):
    _, w = data((1, 256, 512))
    entry, made = linear(tmp_path, w, 2), {}
    for kind in ["f32", *KINDS]:
        folder = tmp_path / kind
        folder.mkdir()
        made[kind] = native.Artifact(entry, folder, f"--weights={kind}", "--weights-error=inf")
    sizes = {kind: one.object.stat().st_size for kind, one in made.items()}
    assert sizes["f32"] - sizes["int8"] > 0.7 * w.nbytes and sizes["f32"] - sizes["bf16"] > 0.45 * w.nbytes
    assert len({one.manifest["hash"] for one in made.values()}) == 4


def compile_speaker(folder, *options):
    result = native.weir_compile(speaker(1)["path"], "--weights=int8", *options, "-o", folder / "model.o")
    assert result.returncode == 0, result.stderr
    [(rms, most)] = re.findall(r"output '.*': (\S+) rms, (\S+) at most", result.stdout)
    return result.stdout, json.loads((folder / "model.json").read_text()), float(rms), float(most)


def test_errors_stay_within_what_is_asked_for(tmp_path):
    text, _, _, without = compile_speaker(tmp_path, "--weights-error=inf")
    assert "stay in" not in text
    sizes = []
    for part in (0.6, 0.3):
        text, manifest, _, most = compile_speaker(tmp_path, f"--weights-error={part * without}")
        [(kept, matrices, found)] = re.findall(r"(\d+) of (\d+) matrices stay in bf16, since .* and (\S+) found: '", text)
        assert 0 < int(kept) < int(matrices) == 6 and float(found) == without
        assert most <= part * without and manifest["weights"] == "int8"
        sizes.append(int(re.search(r"int8, (\d+) bytes", text)[1]))
    assert sizes[0] < sizes[1]


def test_the_stream_keeps_the_error_that_was_asked_for():
    entry, tokens, result, outputs = run("--weights=int8", "--weights-error=0.01", "--verify", "--tolerance=0.05")
    assert result.returncode == 0 and "stay in bf16" in result.stdout, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    [(name, values)] = outputs.items()
    assert np.abs(values - expected[name]).max() / expected[name].std() < 2 * 0.01


def test_no_error_leaves_no_narrow_weights(tmp_path):
    text, manifest, _, most = compile_speaker(tmp_path, "--weights-error=0")
    assert "6 of 6 matrices stay in f32, since errors of 0.00e+00 at most were asked for" in text
    assert most == 0 and manifest["weights"] == "f32"


def test_what_no_simulation_tells_is_bounded_too(tmp_path):
    """These weights are whole numbers times one scale already; rows are rounded, or summed in another order, all the same."""
    w = np.random.default_rng(3).integers(-126, 127, (64, 64)).astype(np.float32)
    w[0] = 127
    entry = linear(tmp_path, w, 8)
    found = {}
    for bound in ("inf", "0"):
        options = *entry["options"], "--rewrite=none", "--weights=int8", f"--weights-error={bound}"
        made = native.weir_compile(entry["path"], *options, "-o", tmp_path / "m.o")
        assert made.returncode == 0, made.stderr
        [most] = re.findall(r"rms, (\S+) at most", made.stdout)
        found[bound] = float(most), json.loads((tmp_path / "m.json").read_text())["weights"]
    assert found["inf"][0] > 0 and found["inf"][1] == "int8"
    assert found["0"] == (0, "f32")


def test_error_is_no_negative_number(tmp_path):
    result = native.weir_compile(speaker(1)["path"], "--weights=int8", "--weights-error=-1", "-o", tmp_path / "m.o")
    assert result.returncode == 2 and "--weights-error must not be negative" in result.stderr


def test_weights_are_rounded_by_the_means_of_rows(tmp_path):
    """Rows about 1, as behind an activation: what nearest weights are off by adds up, and is what rounding avoids."""
    shape = (40, 256, 64)
    x = (1 + 0.1 * np.random.default_rng(1).standard_normal(shape[:2])).astype(np.float32)
    w = np.random.default_rng(2).standard_normal(shape[1:]).astype(np.float32)
    errors = []
    for name, seen in (("nothing", np.zeros_like(x)), ("rows", x[::-1])):
        folder = tmp_path / name
        folder.mkdir()
        np.save(folder / "x.npy", seen)
        options = "--rewrite=none", "--weights=int8", f"--calibrate={folder / 'x.npy'}", "--weights-error=inf"
        made = Windows(linear(folder, w, shape[0]), folder, *options)
        errors.append(np.abs(made.run({"x": x})["y"] - x.astype(float) @ w).mean())
    assert errors[1] < errors[0] / 5


def test_a_model_without_products_has_nothing_narrow(tmp_path):
    node = helper.make_node("Relu", ["x"], ["y"])
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [8, 4]) for name in "xy"]
    graph = helper.make_graph([node], "relu", ports[:1], ports[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "relu.onnx")
    options = "--token-axis=x=0", "--rewrite=none", "--weights=int8", "-o", tmp_path / "m.o"
    result = native.weir_compile(tmp_path / "relu.onnx", *options)
    assert result.returncode == 0, result.stderr
    assert "weights: int8, 0 bytes instead of 0" in result.stdout and "0.00e+00 at most" in result.stdout


def test_errors_are_kept_with_the_files(tmp_path):
    cache = tmp_path / "cache"
    first, *_ = compile_speaker(tmp_path, f"--cache={cache}")
    [kept] = cache.glob("llvmcache-*")
    bytes_of_text = first.encode()
    assert bytes_of_text in kept.read_bytes()
    kept.write_bytes(kept.read_bytes().replace(b"windows of random", b"WINDOWS of random"))
    assert compile_speaker(tmp_path, f"--cache={cache}")[0] == first.replace("windows of random", "WINDOWS of random")
    compile_speaker(tmp_path, f"--cache={cache}", "--weights-error=0.01")
    file = tmp_path / "tokens.npy"
    for seed in (0, 1):  # the same file of other data
        np.save(file, streams.random_streams(speaker(1), 90, seed)[speaker(1)["inputs"][0]["name"]])
        compile_speaker(tmp_path, f"--cache={cache}", f"--calibrate={file}")
    assert len(list(cache.glob("llvmcache-*"))) == 4
