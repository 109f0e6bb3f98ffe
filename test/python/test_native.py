"""Objects that weir-compile writes, linked to C programs and streamed."""

import ctypes
import json
import pathlib
import platform
import re

import native
import numpy as np
import onnx
import onnx.reference
import pytest
import streams

# One, two, three and six blocks; class token, pooling, several outputs, batches, integers, booleans, positions.
MODELS = [
    ("layers_ts17", 1), ("layers_ts17", 4), ("layers_dynamo_2_gelu", 1), ("layers_dynamo_3_pre", 4),
    ("layers_dynamo_6", 1), ("encoder_2_class_token", 1), ("layers_ts_2_mean", 4), ("encoder_mean", 1),
    ("encoder_both", 1), ("layers_ts_batch3", 1), ("layers_ts_tokens_first", 4), ("words", 1),
    ("layers_ts_padding", 1), ("encoder_2_causal", 4), ("encoder_rotary_band", 1), ("encoder_table_pre", 1),
    ("encoder_front_patch", 2), ("layers_ts17", 3),
]  # fmt: skip
ASAN = ("-fsanitize=address", "-fno-omit-frame-pointer")


def save(path, data):
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name, chunk", MODELS)
def test_steps_equal_windows(name, chunk):
    made = native.artifact(name, f"--chunk={chunk}")
    tokens = native.tokens_of(made)
    program = made.program("stream_model.c")
    codes, outputs = made.unpack(made.stream(program, made.pack(tokens)))
    warmup = made.manifest["warmup"]
    assert codes == [0] * (warmup - 1) + [1] * (len(codes) - warmup + 1)
    expected = streams.windows(streams.open_session(made.entry["path"]), made.entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def as_float64(model):
    """`model` with all float32 values as float64."""
    FLOAT, DOUBLE = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE

    def widen(tensor):
        if tensor.data_type == FLOAT:
            array = onnx.numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))

    for tensor in model.graph.initializer:
        widen(tensor)
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR:
                widen(attribute.t)
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == FLOAT:
                attribute.i = DOUBLE
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        if value.type.tensor_type.elem_type == FLOAT:
            value.type.tensor_type.elem_type = DOUBLE
    return model


@pytest.mark.parametrize("name", ["layers_ts17", "layers_dynamo_3_pre"])
def test_steps_equal_float64(name):
    """Against NumPy in double precision: no error hides behind another float32 program's."""
    made = native.artifact(name)
    tokens = native.tokens_of(made, seed=3)
    _, outputs = made.unpack(made.stream(made.program("stream_model.c"), made.pack(tokens)))
    reference = onnx.reference.ReferenceEvaluator(as_float64(onnx.load(made.entry["path"])))
    doubles = {key: value.astype(np.float64) for key, value in tokens.items()}
    expected = []
    for start in streams.step_starts(tokens["x"].shape[1], made.entry["window"], 1):
        [y] = reference.run(None, streams.window_of(doubles, made.entry, start))
        assert y.dtype == np.float64
        expected.append(y)
    [y] = outputs.values()
    assert np.abs(y - np.stack(expected)).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name, chunk", MODELS)
def test_push_predict_and_prime(name, chunk, tmp_path):
    made = native.artifact(name, f"--chunk={chunk}")
    tokens = native.tokens_of(made, seed=2)
    packed = save(tmp_path / "tokens", made.pack(tokens))
    first = streams.window_of(tokens, made.entry, 0)
    window = save(tmp_path / "window", b"".join(first[name].tobytes() for name, _, _ in made.ports("inputs")))
    native.run([made.program("entries.c", *ASAN), packed, window, tmp_path / "outputs"])
    _, outputs = made.unpack((tmp_path / "outputs").read_bytes())
    expected = streams.windows(streams.open_session(made.entry["path"]), made.entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("name", ["layers_dynamo_2_gelu", "words", "layers_ts_padding"])
def test_a_saved_state_resumes_in_another_process(name, tmp_path):
    """Saved in the warm-up and after the rings have wrapped: every bit of what follows is the same."""
    made = native.artifact(name)
    n = made.entry["window"]
    program = made.program("stream_model.c")
    packed = made.pack(native.tokens_of(made, seed=1))
    size = len(packed) // (4 * n + 3)
    cuts = [0, size * (n // 2), size * (2 * n + 1), len(packed)]
    whole = made.stream(program, packed, "--save", tmp_path / "end")
    parts, options = [], []
    for first, last in zip(cuts, cuts[1:]):
        state = tmp_path / f"state{last}"
        parts.append(made.stream(program, packed[first:last], *options, "--save", state))
        options = ["--load", state]
    assert b"".join(parts) == whole
    assert state.read_bytes() == (tmp_path / "end").read_bytes()
    assert len(state.read_bytes()) == made.manifest["state_bytes"]


UPDATED = ["--retroactive=always", "--retroactive-form=shadow"]  # the states with most kinds of values


def test_updated_attentions_step_and_resume(tmp_path):
    made = native.artifact("layers_dynamo_2_gelu", *UPDATED)
    assert any("int64" == state["dtype"] and state["name"] != "step" for state in made.manifest["states"])
    tokens = native.tokens_of(made)
    packed, program = made.pack(tokens), made.program("stream_model.c")
    whole = made.stream(program, packed)
    expected = streams.windows(streams.open_session(made.entry["path"]), made.entry, tokens)
    assert streams.difference(made.unpack(whole)[1], expected) <= streams.TOLERANCE
    half = len(packed) // 35 * 17
    first = made.stream(program, packed[:half], "--save", tmp_path / "state")
    assert first + made.stream(program, packed[half:], "--load", tmp_path / "state") == whole


@pytest.mark.parametrize(
    "name, options",
    [("layers_ts17", []), ("layers_ts17", UPDATED), ("words", []), ("encoder_both", []), ("layers_ts_padding", [])],
)
def test_damaged_states_are_refused_or_harmless(name, options, tmp_path):
    made, other = native.artifact(name, *options), native.artifact("encoder_last")
    foreign = tmp_path / "foreign"
    other.stream(other.program("stream_model.c"), other.pack(native.tokens_of(other)), "--save", foreign)
    program = made.program("mutants.c", *ASAN, extra=[native.SOURCES / "after.c"])
    tokens = save(tmp_path / "tokens", made.pack(native.tokens_of(made)))
    print(native.run([program, tokens, foreign, 10000]).stdout)


@pytest.mark.parametrize("streams", ["1", "8", "5,2", "64"])
def test_streams_stepped_together_equal_streams_alone(streams, tmp_path):
    """In any order and number, at any phase, some given wrongly or twice."""
    made = native.artifact("layers_ts17", f"--streams={streams}")
    assert made.manifest["groups"] == [int(size) for size in streams.split(",") if size != "1"]
    tokens = save(tmp_path / "tokens", made.pack(native.tokens_of(made, 1000)))
    native.run([made.program("interleave.c", "-O2"), tokens, 3000])


@pytest.mark.parametrize("name, chunk", MODELS)
def test_groups_of_any_model(name, chunk, tmp_path):
    made = native.artifact(name, f"--chunk={chunk}", "--streams=6")
    tokens = save(tmp_path / "tokens", made.pack(native.tokens_of(made)))
    assert made.manifest["groups"] == [6]
    native.run([made.program("interleave.c", *ASAN), tokens, 60])


@pytest.mark.parametrize("name", ["layers_dynamo_2_gelu", "layers_ts17", "encoder_2_causal"])
def test_groups_of_updated_attentions(name, tmp_path):
    made = native.artifact(name, *UPDATED, "--streams=7")
    assert made.manifest["groups"] == [7]
    tokens = save(tmp_path / "tokens", made.pack(native.tokens_of(made)))
    native.run([made.program("interleave.c", *ASAN), tokens, 100])


def test_weights_decide_how_many_streams_go_together(tmp_path):
    """Those of layers_ts17 fit into the nearest cache: by itself it steps stream by stream."""
    made = native.artifact("layers_ts17")
    alone = native.artifact("layers_ts17", "--streams=1")
    assert made.manifest["groups"] == alone.manifest["groups"] == []
    assert made.object.read_bytes() == alone.object.read_bytes()
    grouped = native.artifact("layers_ts17", "--streams=8")
    assert grouped.manifest["hash"] == made.manifest["hash"], "states are the same"
    assert grouped.manifest["scratch_bytes"] > made.manifest["scratch_bytes"]


@pytest.mark.parametrize("name", ["layers_dynamo_2_gelu", "encoder_both"])
def test_two_threads_step_different_streams(name, tmp_path):
    made = native.artifact(name)
    tokens = save(tmp_path / "tokens", made.pack(native.tokens_of(made, 1000)))
    native.run([made.program("threads.c"), tokens, 20000])


@pytest.mark.parametrize("name", ["layers_ts17", "encoder_both", "words", "layers_ts_padding"])
def test_codes_and_null_outputs(name, tmp_path):
    made = native.artifact(name)
    tokens = save(tmp_path / "tokens", made.pack(native.tokens_of(made)))
    native.run([made.program("contract.c", *ASAN), tokens])


def test_a_batch_changes_no_bit(tmp_path):
    """The same weights bound to a batch of 1 and of 3."""
    entry = dict(streams.manifest()["encoder_dynamic"], options=["--window=8"])
    one = native.Artifact(entry, tmp_path, "--dim", "batch=1", name="one")
    three = native.Artifact(entry, tmp_path, "--dim", "batch=3", name="three")
    x = np.random.default_rng(0).standard_normal((3, 4 * 8 + 3, 6)).astype(np.float32)
    run = lambda made, x: made.unpack(made.stream(made.program("stream_model.c"), made.pack({"x": x})))[1]
    [together] = run(three, x).values()
    for stream in range(3):
        [alone] = run(one, x[stream : stream + 1]).values()
        assert np.array_equal(alone[:, 0], together[:, stream])


# Of libm and of the C library's memory functions; TLS is how scratch belongs to a thread.
ALLOWED = {"memcpy", "memset", "memmove", "__tls_get_addr", "_GLOBAL_OFFSET_TABLE_", "expf", "erff", "tanhf", "cosf", "sinf"}


@pytest.mark.parametrize("name, chunk", MODELS)
def test_an_object_needs_little_and_gives_its_functions(name, chunk):
    made = native.artifact(name, f"--chunk={chunk}")
    listed = native.run(["nm", "--extern-only", made.object]).stdout.split("\n")
    needed = {line.split()[-1] for line in listed if " U " in line}
    given = {line.split()[-1] for line in listed if line and " U " not in line}
    assert needed <= ALLOWED, needed - ALLOWED
    assert {"model_init", "model_step", "model_step_many", "model_load", "model_error"} <= given
    assert all(symbol.startswith("model_") for symbol in given)


@pytest.mark.parametrize("name, chunk", MODELS)
def test_no_step_copies_a_whole_state(name, chunk, tmp_path):
    entry = streams.manifest()[name]
    positions = ["--positions=exact"] if entry["positions"] else []
    output = tmp_path / "layout.mlir"
    options = [*entry["options"], *positions, f"--chunk={chunk}", "--until=layout", "-o", output]
    native.weir_compile(entry["path"], *options, check=True)
    text = output.read_text()
    assert "memref.alloc" not in text
    functions = {part[: part.index("(")]: part for part in text.split("func.func @")[1:]}
    for entry_name in ["step", "push", "predict"]:
        lines = functions[entry_name].splitlines()
        views = [line for line in lines if "memref.view %arg0[" in line]
        arena = [line.split()[0] for line in views if "to memref<i64>" not in line]  # the counter is 8 bytes
        assert len(arena) == len(views) - 1 > 0
        for source, target in re.findall(r"memref\.copy (%\w+), (%\w+) ", functions[entry_name]):
            assert source not in arena, (entry_name, source, target)
            # New tokens may be a whole state: those that predict wants to see again.
            assert target not in arena or source.startswith("%arg"), (entry_name, source, target)


def test_two_models_in_one_program(tmp_path):
    for name, model in [("first", "layers_dynamo_2_gelu"), ("second", "encoder_last")]:
        native.Artifact(streams.manifest()[model], tmp_path, name=name)
    command = [native.CXX, "-std=c++17", *native.WARNINGS, "-I", tmp_path, native.SOURCES / "two_models.cpp"]
    native.run([*command, tmp_path / "first.o", tmp_path / "second.o", "-lm", "-o", tmp_path / "both"])
    native.run([tmp_path / "both"])


@pytest.mark.parametrize("ending", [".a", ".so"])
def test_archives_and_shared_libraries(ending, tmp_path):
    entry = streams.manifest()["layers_dynamo_2_gelu"]
    made = native.Artifact(entry, tmp_path, ending=ending)
    tokens = made.pack(native.tokens_of(made))
    program = made.program("stream_model.c", f"-Wl,-rpath,{tmp_path}")
    object = native.artifact("layers_dynamo_2_gelu")
    assert made.stream(program, tokens) == object.stream(object.program("stream_model.c"), tokens)


def test_a_shared_library_loads_into_another_language(tmp_path):
    made = native.Artifact(streams.manifest()["layers_ts17"], tmp_path, ending=".so")
    library = ctypes.CDLL(str(made.object))
    memory = np.zeros(made.manifest["state_bytes"] + 64, np.uint8)
    state = memory[-memory.ctypes.data % 64 :]
    address = lambda array: array.ctypes.data_as(ctypes.c_void_p)
    assert library.model_init(address(state)) == 0
    tokens = native.tokens_of(made)
    outputs = []
    for step in range(tokens["x"].shape[1]):
        y = np.empty((1, 8, 8), np.float32)
        if library.model_step1(address(state), address(tokens["x"][:, step].copy()), address(y)) == 1:
            outputs.append(y)
    [expected] = streams.windows(streams.open_session(made.entry["path"]), made.entry, tokens).values()
    assert np.abs(np.stack(outputs) - expected).max() <= streams.TOLERANCE * np.abs(expected).max()
    library.model_error.restype = ctypes.c_char_p
    assert library.model_error(-5)


def test_the_same_model_gives_the_same_bytes(tmp_path):
    entry = streams.manifest()["layers_dynamo_2_gelu"]
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        native.Artifact(entry, folder)
    for file in ["model.o", "model.h", "model.json"]:
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()


def hashes(path, *options):
    entry = dict(streams.manifest()["layers_ts17"], path=path)
    return native.Artifact(entry, path.parent, *options).manifest["hash"]


def test_the_hash_covers_weights_and_rewrite(tmp_path):
    path = tmp_path / "a.onnx"
    model = onnx.load(streams.manifest()["layers_ts17"]["path"])
    onnx.save(model, path)
    plain = hashes(path)
    assert plain == native.artifact("layers_ts17").manifest["hash"], "it depends on the file's name"
    assert len({plain, hashes(path, "--chunk=2"), hashes(path, "--rows=last")}) == 3
    weight = next(t for t in model.graph.initializer if t.data_type == 1 and len(t.raw_data) > 64)
    changed = bytearray(weight.raw_data)
    changed[1] ^= 1  # the smallest change of one weight
    weight.raw_data = bytes(changed)
    onnx.save(model, path)
    assert hashes(path) != plain


def refused(result, folder, *words, code):
    assert result.returncode == code, (result.returncode, result.stderr)
    assert result.stdout == ""
    for word in words:
        assert word in result.stderr, result.stderr
    assert not folder.exists() or not list(folder.iterdir()), list(folder.iterdir())


LAYERS = streams.manifest()["layers_ts17"]["path"]


@pytest.mark.parametrize("name", ["7up", "a-b", "a b", "ä", "a.b"])
def test_a_name_that_is_no_identifier(name, tmp_path):
    refused(native.weir_compile(LAYERS, f"--name={name}", "-o", tmp_path / "a.o"), tmp_path, f"'{name}'", code=2)
    refused(native.weir_compile(LAYERS, "-o", tmp_path / f"{name}.o"), tmp_path, "--name", code=2)


@pytest.mark.parametrize(
    "options, word",
    [
        (["--target=z80"], "x86-64-v3"),
        (["--until=import"], ".mlir"),
        (["--until=nothing"], "nothing"),
        (["--chunk=0"], "--chunk"),
        (["--rows=some"], "--rows"),
    ],
)
def test_misuse(options, word, tmp_path):
    refused(native.weir_compile(LAYERS, *options, "-o", tmp_path / "a.o"), tmp_path, word, code=2)


def test_an_ending_that_nobody_knows(tmp_path):
    refused(native.weir_compile(LAYERS, "-o", tmp_path / "a.exe"), tmp_path, "a.exe", code=2)
    refused(native.weir_compile(LAYERS), tmp_path, "-o", code=2)


def test_a_folder_that_is_not_there(tmp_path):
    folder = tmp_path / "absent"
    for ending in [".o", ".a", ".so", ".mlir"]:
        output = folder / f"a{ending}"
        refused(native.weir_compile(LAYERS, "-o", output), tmp_path, "a" + ending, "cannot be written", code=1)


@pytest.mark.parametrize("blocked", ["a.h", "a.json"])
def test_a_file_that_cannot_be_replaced(blocked, tmp_path):
    """Then none of the files appears."""
    (tmp_path / blocked).mkdir()
    result = native.weir_compile(LAYERS, "-o", tmp_path / "a.o")
    assert result.returncode == 1 and blocked in result.stderr, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == [blocked]


def test_a_model_that_is_refused(tmp_path):
    entry = streams.manifest()["encoder_table_pre"]
    refused(native.weir_compile(entry["path"], "-o", tmp_path / "a.o"), tmp_path, "recycle", code=1)
    refused(native.weir_compile(tmp_path.parent / "absent.onnx", "-o", tmp_path / "a.o"), tmp_path, code=1)


@pytest.mark.parametrize("stage", ["import", "prepare", "continual", "bufferize", "layout", "cpu"])
def test_stages_can_be_read_again(stage, tmp_path):
    output = tmp_path / "a.mlir"
    native.weir_compile(LAYERS, f"--until={stage}", "-o", output, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mlir"]
    native.run([streams.WEIR_OPT, output, "-o", "/dev/null"])
    if stage in ["import", "prepare", "continual"]:
        native.weir_compile(output, "-o", tmp_path / "b.o", check=True)
        manifest = json.loads((tmp_path / "b.json").read_text())
        assert manifest["hash"] == native.artifact("layers_ts17").manifest["hash"]


ELF_MACHINES = {"x86-64-v2": 62, "x86-64-v3": 62, "x86-64-v4+avx512vnni": 62, "aarch64": 183, "neoverse-v1": 183, "riscv64": 243}


@pytest.mark.parametrize("ending", [".o", ".so"])
@pytest.mark.parametrize("target", ELF_MACHINES)
def test_every_target_makes_its_files(target, ending, tmp_path):
    output = tmp_path / ("model" + ending)
    native.weir_compile(LAYERS, f"--target={target}", "-o", output, check=True)
    data = output.read_bytes()
    assert data[:5] == b"\x7fELF\x02" and int.from_bytes(data[18:20], "little") == ELF_MACHINES[target]
    manifest = json.loads((tmp_path / "model.json").read_text())
    assert manifest["target"] == target
    assert manifest["hash"] == native.artifact("layers_ts17").manifest["hash"]


@pytest.mark.parametrize("target", ["x86-64-v2", "x86-64-v3"])
def test_older_processors(target):
    if platform.machine() != "x86_64" or (target == "x86-64-v3" and "avx2" not in flags()):
        pytest.skip("this machine does not run it")
    made = native.artifact("layers_dynamo_2_gelu", f"--target={target}")
    assert "fma" not in native.run(["nm", "--undefined-only", made.object]).stdout  # one call an element
    tokens = native.tokens_of(made)
    _, outputs = made.unpack(made.stream(made.program("stream_model.c"), made.pack(tokens)))
    expected = streams.windows(streams.open_session(made.entry["path"]), made.entry, tokens)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def flags():
    """What the processor can do, as Linux calls it."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.split() for line in lines if line.startswith("flags"))


@pytest.mark.skipif(not streams.FULL, reason="needs cross compilers and qemu: ./dev test --full")
@pytest.mark.parametrize("name, chunk", [("layers_dynamo_2_gelu", 1), ("layers_ts_padding", 4), ("words", 1)])
@pytest.mark.parametrize("target", ["aarch64", "riscv64"])
def test_other_processors(target, name, chunk, tmp_path):
    """The numbers are right there, and a state of this machine is resumed on that one."""
    made = native.artifact(name, f"--chunk={chunk}", f"--target={target}")
    compiler, emulator = f"{target}-linux-gnu-gcc", f"qemu-{target}"
    program = made.program("stream_model.c", "-static", compiler=compiler)
    tokens = native.tokens_of(made)
    packed = made.pack(tokens)
    _, outputs = made.unpack(made.stream(program, packed, wrapper=[emulator]))
    expected = streams.windows(streams.open_session(made.entry["path"]), made.entry, tokens, chunk)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE

    here = native.artifact(name, f"--chunk={chunk}")
    assert here.manifest["hash"] == made.manifest["hash"]
    size = len(packed) // (len(next(iter(outputs.values()))) + made.manifest["warmup"] - 1)
    first, rest = packed[: 5 * size], packed[5 * size :]
    here.stream(here.program("stream_model.c"), first, "--save", tmp_path / "state")
    _, moved = made.unpack(made.stream(program, rest, "--load", tmp_path / "state", wrapper=[emulator]))
    for key, values in moved.items():
        expected[key] = expected[key][-len(values) :]
    assert streams.difference(moved, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("source, compiler", [("stream.c", native.CC), ("stream.cpp", native.CXX)])
def test_examples(source, compiler, tmp_path):
    """They print what the model says about each full window."""
    model = streams.ROOT / "examples" / "vowels" / "speaker_1.onnx"
    native.weir_compile(model, "-o", tmp_path / "speaker.o", check=True)
    standard = "-std=c11" if source.endswith(".c") else "-std=c++17"
    command = [compiler, standard, *native.WARNINGS, "-I", tmp_path, streams.ROOT / "examples" / "native" / source]
    native.run([*command, tmp_path / "speaker.o", "-lm", "-o", tmp_path / "stream"])
    x = np.random.default_rng(0).standard_normal((1, 60, 12)).astype(np.float32)
    text = " ".join(f"{value:.9g}" for value in x.ravel())
    lines = native.run([tmp_path / "stream"], input=text).stdout.splitlines()
    session = streams.open_session(model)
    expected = [session.run(None, {"tokens": x[:, start : start + 24]})[0][0] for start in range(60 - 24 + 1)]
    got = np.array([line.split() for line in lines], float)
    assert got.shape == (37, 9)
    assert np.abs(got - expected).max() <= 1e-4  # four digits are printed
