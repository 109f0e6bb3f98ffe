"""Compiled models that are found again, and weights that processes share."""

import ctypes
import multiprocessing
import pathlib
import re

import native
import numpy as np
import onnx
import streams
from onnx import helper

MODEL = streams.manifest()["layers_ts17"]["path"]


def compile_in(folder, cache, *options, model=MODEL, name="model"):
    folder.mkdir(exist_ok=True)
    result = native.weir_compile(model, "-o", folder / f"{name}.o", f"--cache={cache}", *options)
    return result, {path.name: path.read_bytes() for path in folder.iterdir()}


def kept(cache):
    return sorted(cache.glob("llvmcache-*"))


def test_a_model_is_compiled_once(tmp_path):
    cache = tmp_path / "cache"
    _, first = compile_in(tmp_path / "first", cache)
    [file] = kept(cache)
    made = file.stat().st_mtime_ns
    _, second = compile_in(tmp_path / "second", cache)
    assert set(first) == {"model.o", "model.h", "model.json"} and first == second
    assert kept(cache) == [file] and file.stat().st_mtime_ns == made


def test_what_makes_other_code_is_kept_apart(tmp_path):
    changed = onnx.load(MODEL)
    weights = max(changed.graph.initializer, key=lambda one: len(one.raw_data))
    weights.raw_data = weights.raw_data[:-1] + bytes([weights.raw_data[-1] ^ 1])
    other = tmp_path / pathlib.Path(MODEL).name
    onnx.save(changed, other)
    cache = tmp_path / "cache"
    made = [
        compile_in(tmp_path / str(i), cache, *options, **more)[1]
        for i, (options, more) in enumerate(
            [
                ((), {}), (("--chunk=2",), {}), (("--target=x86-64-v3",), {}), ((), {"name": "other"}),
                ((), {"model": other}), (("--rewrite=none",), {}),
            ]  # fmt: skip
        )
    ]
    assert len(kept(cache)) == len(made)
    assert len({tuple(sorted(files.items())) for files in made}) == len(made)


def test_damaged_files_are_made_again(tmp_path):
    cache = tmp_path / "cache"
    _, first = compile_in(tmp_path / "first", cache)
    [file] = kept(cache)
    for damaged in (b"", file.read_bytes()[:100]):
        file.write_bytes(damaged)
        result, again = compile_in(tmp_path / "again", cache)
        assert result.returncode == 0 and again == first


def test_a_cache_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("no folder")
    result, files = compile_in(tmp_path / "out", tmp_path / "file" / "cache")
    assert result.returncode == 1 and "cannot be made" in result.stderr and not files


def feed_forward(width, hidden):
    """Two products with an activation between, of 16 tokens."""
    generator = np.random.default_rng(0)
    tables = {
        "w1": generator.standard_normal((width, hidden), np.float32),
        "w2": generator.standard_normal((hidden, width), np.float32),
    }
    nodes = [("MatMul", ["x", "w1"], "a"), ("Relu", ["a"], "b"), ("MatMul", ["b", "w2"], "y")]
    x, y = (helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 16, width]) for name in "xy")
    graph = helper.make_graph(
        [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes],
        "feed_forward", [x], [y], [onnx.numpy_helper.from_array(table, name) for name, table in tables.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def step_and_wait(library, state_bytes, tokens, barrier, results):
    """One step, so that all weights have been read; then how many bytes of the library's pages are shared."""
    code = ctypes.CDLL(str(library))
    memory = ctypes.create_string_buffer(state_bytes + 64)
    state = ctypes.c_void_p(ctypes.addressof(memory) + -ctypes.addressof(memory) % 64)
    code.model_init(state)
    x = (ctypes.c_float * tokens)(*range(tokens))
    code.model_step(state, (ctypes.c_void_p * 1)(ctypes.addressof(x)), None)
    barrier.wait()
    text = pathlib.Path("/proc/self/smaps").read_text()
    parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", text, flags=re.M)
    mine = [part for part in parts if str(library) in part]
    # Dirty are pages of a file that is not on the disk yet, anonymous those that this process has to itself.
    sums = [sum(int(kb) for part in mine for kb in re.findall(rf"^{keys}: +(\d+) kB", part, re.M))
            for keys in ("Shared_(?:Clean|Dirty)", "Anonymous")]  # fmt: skip
    results.put([1024 * one for one in sums])
    barrier.wait()


def test_processes_share_weights(tmp_path):
    path, weights = tmp_path / "model.onnx", 2 * 4 * 256 * 2048
    onnx.save(feed_forward(256, 2048), path)
    made = native.Artifact({"path": path, "positions": False, "options": ["--token-axis=x=1"]}, tmp_path, ending=".so")
    [(_, _, shape)] = made.ports("inputs")
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    arguments = (made.object, made.manifest["state_bytes"], shape[-1], barrier, results)
    workers = [context.Process(target=step_and_wait, args=arguments) for _ in range(2)]
    for worker in workers:
        worker.start()
    shared = [results.get(timeout=streams.TIME_LIMIT) for _ in workers]
    for worker in workers:
        worker.join()
    for common, own in shared:
        assert common >= 0.95 * weights and own < 1 << 16
