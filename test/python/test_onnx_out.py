"""Step models written as ONNX: onnxruntime streams them, and each step equals the window that it stands for."""

import hashlib
import json
import re

import numpy as np
import onnx
import onnx_steps
import onnxruntime
import pytest
import streams

# One for each: depth, head, tokens that merge with the batch, bands, position tables.
NAMES = [
    "encoder_last", "encoder_mean", "encoder_class_token", "encoder_batch3", "encoder_2_rotary",
    "layers_dynamo_3_pre", "encoder_band", "encoder_rotary_band", "encoder_table_class_token",
    "layers_ts_tokens_first", "encoder_front_patch", "words",
]  # fmt: skip
OPSETS = [13, 17, 18, 20, 24]


def check(path):
    """The file is valid ONNX, by all that the onnx package can tell."""
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def cases():
    """Every model in both layouts; opsets and chunks take turns."""
    for index, name in enumerate(NAMES):
        for turn, layout in enumerate(["shift", "ring"]):
            chunks = streams.manifest()[name]["chunks"]
            yield name, layout, chunks[(index + turn) % len(chunks)], OPSETS[(index + turn) % len(OPSETS)]


@pytest.mark.parametrize("name, layout, chunk, opset", list(cases()))
def test_every_step_equals_its_window(name, layout, chunk, opset, tmp_path):
    entry = streams.manifest()[name]
    path = onnx_steps.make_step(entry, tmp_path / "step.onnx", f"--opset={opset}", layout=layout, chunk=chunk)
    assert check(path).opset_import[0].version == opset
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    got = onnx_steps.stream(streams.open_session(path), entry, tokens)
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
    assert streams.difference(got, expected) <= streams.TOLERANCE


def first_model(tmp_path, *options, name="encoder_last", **settings):
    """(entry, exported path) of a model of one block."""
    entry = streams.manifest()[name]
    return entry, onnx_steps.make_step(entry, tmp_path / "step.onnx", *options, **settings)


def holds(entry, path, chunk=1, windows=None):
    """Whether streaming `path` gives what the model gives on each window."""
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    got = onnx_steps.stream(streams.open_session(path), entry, tokens)
    expected = windows or streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
    return streams.difference(got, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("layout", ["shift", "ring"])
@pytest.mark.parametrize("name, chunk", [("encoder_table_pre", 1), ("encoder_table_class_token", 4)])
def test_recycled_positions(name, chunk, layout, tmp_path):
    entry, path = first_model(tmp_path, name=name, layout=layout, chunk=chunk, positions="recycle")
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    assert holds(entry, path, windows=streams.recycled_windows(entry, tokens, chunk))


@pytest.mark.parametrize("style, pairs", [
    ("weir", {"past_0_key": "present_0_key", "past_0_value": "present_0_value"}),
    ("hf", {"past_key_values.0.key": "present.0.key", "past_key_values.0.value": "present.0.value"}),
    ("co", {"s0": "ns0", "s1": "ns1"}),
])  # fmt: skip
def test_names_of_states(style, pairs, tmp_path):
    entry, path = first_model(tmp_path, f"--state-names={style}")
    session = streams.open_session(path)
    assert onnx_steps.facts(session)["weir.state_pairs"] == pairs
    inputs = {one.name: (one.type, one.shape) for one in session.get_inputs()}
    outputs = {one.name: (one.type, one.shape) for one in session.get_outputs()}
    assert all(inputs[past] == outputs[present] for past, present in pairs.items())
    assert holds(entry, path)


@pytest.mark.parametrize("layout, left", [("shift", 1), ("ring", 2)])
def test_packed_states(layout, left, tmp_path):
    """All floats are one tensor; a ring keeps its counter beside it."""
    entry, path = first_model(tmp_path, "--pack-states", name="encoder_2_rotary", layout=layout)
    assert len(onnx_steps.facts(streams.open_session(path))["weir.state_pairs"]) == left
    check(path)
    assert holds(entry, path)


@pytest.mark.parametrize("layout", ["shift", "ring"])
@pytest.mark.parametrize("name, chunk", [("encoder_mean", 1), ("encoder_class_token", 4), ("encoder_band", 1)])
def test_outputs_from_the_first_token(name, chunk, layout, tmp_path):
    """Tokens that have not come are masked as on the CPU."""
    entry, path = first_model(tmp_path, name=name, layout=layout, chunk=chunk, warmup="partial")
    check(path)
    tokens = streams.random_streams(entry, 3 * entry["window"])
    got = onnx_steps.stream(streams.open_session(path), entry, tokens)
    result, expected = streams.run_stream(entry, tokens, f"--chunk={chunk}", "--warmup=partial")
    assert result.returncode == 0, result.stderr
    assert streams.difference(got, expected) <= streams.TOLERANCE


def test_facts_of_the_file_and_beside_it(tmp_path):
    entry, path = first_model(tmp_path, layout="ring", chunk=4, name="encoder_2_middle")
    known = onnx_steps.facts(streams.open_session(path))
    beside = json.loads(path.with_suffix(".json").read_text())
    assert known["weir.kind"] == beside["kind"] == "step"
    assert known["weir.window"] == beside["window"] == entry["window"]
    assert known["weir.chunk"] == beside["chunk"] == 4
    assert known["weir.warmup_steps"] == beside["warmup_steps"] == -(-entry["window"] // 4)
    digest = hashlib.sha256(entry["path"].read_bytes()).hexdigest()
    assert known["weir.source_sha256"] == beside["source_sha256"] == digest
    assert {one["input"]: one["output"] for one in beside["states"]} == known["weir.state_pairs"]
    assert {one["input"]: one["init"] for one in beside["states"]} == known["weir.state_init"]
    assert set(known["weir.state_init"].values()) == {0}


@pytest.mark.parametrize("layout, in_place", [("shift", False), ("ring", False), ("ring", True)])
def test_states_that_never_leave_the_session(layout, in_place, tmp_path):
    """IOBinding: two buffers a state take turns, or a ring is written where it is read."""
    entry, path = first_model(tmp_path, layout=layout)
    session, tokens = streams.open_session(path), streams.random_streams(entry, 4 * entry["window"] + 3)
    known, values = onnx_steps.facts(session), tokens["x"]
    zeros = onnx_steps.empty_states(session, known)
    buffers = [
        {past: onnxruntime.OrtValue.ortvalue_from_numpy(value.copy()) for past, value in zeros.items()}
        for _ in range(2)
    ]
    if in_place:  # but for the counter, which others may read after it is written
        buffers[1].update({past: buffers[0][past] for past in zeros if past != "past_step"})
    [output] = [one.name for one in session.get_outputs() if one.name not in known["weir.state_pairs"].values()]
    got = []
    for step in range(values.shape[1]):
        read, written = buffers[step % 2], buffers[(step + 1) % 2]
        binding = session.io_binding()
        binding.bind_cpu_input("x", values[:, step : step + 1])
        for past, present in known["weir.state_pairs"].items():
            binding.bind_ortvalue_input(past, read[past])
            binding.bind_ortvalue_output(present, written[past])
        binding.bind_output(output)
        session.run_with_iobinding(binding)
        if step + 1 >= known["weir.warmup_steps"]:
            got.append(binding.copy_outputs_to_cpu()[-1])
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert streams.difference({output: np.stack(got)}, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("layout, style", [("shift", "weir"), ("ring", "hf"), ("shift", "co")])
@pytest.mark.parametrize("name", ["encoder_last", "encoder_band"])
def test_weir_runs_what_it_wrote(name, layout, style, tmp_path):
    entry, path = first_model(tmp_path, f"--state-names={style}", name=name, layout=layout, chunk=4)
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    result, got = streams.run_stream({**entry, "path": path, "options": []}, tokens)
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, 4)
    assert streams.difference(got, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("style", ["weir", "hf", "co"])
def test_states_are_recognised_by_their_names(style, tmp_path):
    """Without metadata, as another tool would have written it: one step takes what it is given."""
    entry, path = first_model(tmp_path, f"--state-names={style}")
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    bare = {**entry, "path": path, "options": []}
    result, got = streams.run_stream(bare, tokens, "--token-axis", "x=1")
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    settled = {name: values[entry["window"] - 1 :] for name, values in got.items()}
    assert streams.difference(settled, expected) <= streams.TOLERANCE


@pytest.mark.parametrize("layout", ["shift", "ring"])
@pytest.mark.parametrize("name, chunk", [("encoder_last", 1), ("encoder_table_pre", 4)])
def test_entries_share_their_states(name, chunk, layout, tmp_path):
    """step.prime.onnx fills the states that step.onnx takes; push and predict are a step in two."""
    entry = streams.manifest()[name]
    path = onnx_steps.make_step(entry, tmp_path / "step.onnx", layout=layout, chunk=chunk, entries="all")
    models = {kind: tmp_path / f"step.{kind}.onnx" for kind in ["prime", "push", "predict"]}
    for file in models.values():
        check(file)
    sessions = {kind: streams.open_session(file) for kind, file in models.items()}
    tokens = streams.random_streams(entry, entry["window"] + 5 * chunk)
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)
    step, pairs = streams.open_session(path), onnx_steps.facts(streams.open_session(path))["weir.state_pairs"]
    run = lambda session, fed: dict(zip([o.name for o in session.get_outputs()], session.run(None, fed)))
    takes = lambda session, states: {o.name: states[o.name] for o in session.get_inputs() if o.name in states}
    first = run(sessions["prime"], streams.window_of(tokens, entry, 0))
    states = {past: first[present] for past, present in pairs.items() if present in first}
    got, pushed = [first], []
    for index in range(1, 6):
        start = entry["window"] + (index - 1) * chunk
        fed = {"x": tokens["x"][:, start : start + chunk]}
        after = run(sessions["push"], {**fed, **takes(sessions["push"], states)})
        rest = {past: after[present] for past, present in pairs.items() if present in after}
        pushed.append(run(sessions["predict"], takes(sessions["predict"], rest)))
        got.append(run(step, {**fed, **takes(step, states)}))
        states = {past: got[-1][present] for past, present in pairs.items()}
    for output, values in expected.items():
        assert np.abs(np.stack([one[output] for one in got]) - values[:6]).max() <= 2e-5 * np.abs(values).max()
        assert np.array_equal([one[output] for one in got[1:]], [one[output] for one in pushed])


def refused(tmp_path, *arguments):
    """The message of a run that fails; it has left no file behind."""
    result = onnx_steps.weir_opt(*arguments)
    assert result.returncode == 1, result.stderr
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".mlir"] == []
    return result.stderr


def test_an_opset_that_lacks_an_operator(tmp_path):
    """Trilu of a computed matrix, which opset 13 does not have, and has no other spelling."""
    text = tmp_path / "window.mlir"
    text.write_text("""
      func.func @window(%x: tensor<4x4xf32> {weir.input = "x"}) -> (tensor<4x4xf32> {weir.output = "y"}) {
        %n = onnx.NoValue
        %y = onnx.Trilu %x, %n : (tensor<4x4xf32>, none) -> tensor<4x4xf32> loc("/mask/Trilu")
        return %y : tensor<4x4xf32>
      }""")
    message = refused(tmp_path, text, "--opset=13", "-o", tmp_path / "window.onnx")
    assert "node '/mask/Trilu' (Trilu): is an operator of ONNX from opset 14 on, but opset 13 is asked for" in message
    assert "help: give --opset=14" in message
    assert onnx_steps.weir_opt(text, "--opset=14", "-o", tmp_path / "window.onnx").returncode == 0


@pytest.mark.parametrize("opset", [12, 29])
def test_an_opset_out_of_range(opset, tmp_path):
    model = streams.MODELS / "encoder_last.onnx"
    message = refused(tmp_path, model, f"--opset={opset}", "-o", tmp_path / "window.onnx")
    assert f"opset {opset} is asked for, but Weir writes 13 to 28" in message


def test_a_place_that_cannot_be_written(tmp_path):
    model = streams.MODELS / "encoder_last.onnx"
    message = refused(tmp_path, model, "-o", tmp_path / "missing" / "window.onnx")
    assert "window.onnx' cannot be written: No such file or directory" in message
    (tmp_path / "window.mlir").mkdir()
    (tmp_path / "window.mlir" / "taken.onnx").mkdir()
    message = refused(tmp_path, model, "-o", tmp_path / "window.mlir" / "taken.onnx")
    assert "cannot be written" in message
    assert list((tmp_path / "window.mlir").iterdir()) == [tmp_path / "window.mlir" / "taken.onnx"]


def test_names_of_any_characters(tmp_path):
    """Names stay what they are; those of states, which Weir makes up, are plain."""
    entry = streams.manifest()["encoder_last"]
    model = onnx.load(entry["path"])
    odd = {"x": "eingabe é/1 \"q\"\n", model.graph.output[0].name: "out put;\\"}
    nodes = {node.name: f"{node.name}/ü#\t{index}" for index, node in enumerate(model.graph.node)}
    for node in model.graph.node:
        node.name = nodes[node.name]
        node.input[:] = [odd.get(name, name) for name in node.input]
        node.output[:] = [odd.get(name, name) for name in node.output]
    for value in [*model.graph.input, *model.graph.output]:
        value.name = odd[value.name]
    onnx.save(model, tmp_path / "odd.onnx")
    odd_entry = {**entry, "path": tmp_path / "odd.onnx"}
    odd_entry["inputs"] = [{**entry["inputs"][0], "name": odd["x"]}]
    path = onnx_steps.make_step(odd_entry, tmp_path / "step.onnx", layout="ring")
    check(path)
    session = streams.open_session(path)
    assert all(re.fullmatch(r"\w+", past) for past in onnx_steps.facts(session)["weir.state_pairs"])
    assert session.get_inputs()[0].name == odd["x"]
    assert holds(odd_entry, path)


def test_external_data(tmp_path):
    entry, path = first_model(tmp_path, "--external-data", name="layers_dynamo_3_pre")
    assert {one.name for one in tmp_path.iterdir()} == {"step.onnx", "step.json", "step.onnx.data"}
    assert (tmp_path / "step.onnx.data").stat().st_size > 256
    onnx.checker.check_model(str(path), full_check=True)
    assert holds(entry, path)


@pytest.mark.parametrize("group", range(4))
def test_windows_survive_import_and_export(group, tmp_path):
    """Every model of the repository, through Weir's dialect and back at another opset."""
    names = sorted(streams.manifest())[group::4]
    for index, name in enumerate(names):
        entry, path = streams.manifest()[name], tmp_path / f"{name}.onnx"
        lower = [f"--weir-prepare-model={onnx_steps.pass_options(entry, entry['chunks'][0])}"] if index % 2 else []
        result = onnx_steps.weir_opt(entry["path"], *lower, "-o", path)
        assert result.returncode == 0, result.stderr
        check(path)
        operands = streams.window_of(streams.random_streams(entry, entry["window"]), entry, 0)
        want = streams.open_session(entry["path"]).run(None, operands)
        have = streams.open_session(path).run(None, operands)
        for one, other in zip(want, have, strict=True):
            assert np.abs(one - other).max() <= streams.TOLERANCE * np.abs(one).max(), name


def fields_of(schema):
    """What a node may have or not have: attributes and optional inputs."""
    optional = onnx.defs.OpSchema.FormalParameterOption.Optional
    return {*schema.attributes, *(one.name for one in schema.inputs if one.option == optional)}


def test_opset_table_is_that_of_onnx():
    """What Opsets.cpp says of operators and their fields, against the schemas of the onnx package."""
    source = (streams.ROOT / "lib/Dialect/Onnx/Opsets.cpp").read_text()
    told = {name: int(opset) for names, opset in re.findall(r"\.Cases?\((.*?), (\d+)\)", source)
            for name in re.findall(r'"(\w+)"', names)}  # fmt: skip
    fields = {(op, field): int(opset) for op, field, opset in re.findall(r'\{"(\w+)", "(\w+)", (\d+)\}', source)}
    text = "".join(path.read_text() for path in (streams.ROOT / "include/weir/Dialect/Onnx").glob("*.td"))
    known = set(re.findall(r"def Onnx_(\w+)Op ", text)) - {"NoValue", "Custom"}
    history = [one for one in onnx.defs.get_all_schemas_with_history() if one.domain == "" and one.name in known]
    for op in known:
        versions = sorted({one.since_version for one in history if one.name == op})
        assert told.get(op, 13) == max(13, versions[0]), op
        oldest = fields_of(onnx.defs.get_schema(op, max(13, versions[0])))
        for field in fields_of(onnx.defs.get_schema(op)) - oldest:
            since = min(v for v in versions if field in fields_of(onnx.defs.get_schema(op, v)))
            if (op, field) in fields:
                assert fields[op, field] == since, (op, field)
            else:  # the dialect does not have it, or the writer knows by itself
                is_axes = op.startswith("Reduce") and field == "axes"
                assert is_axes or not re.search(rf"\${field}\b", definition(text, op)), (op, field)


def definition(text, op):
    """The TableGen text of an op, with that of the class that it is made from."""
    found = re.search(rf"def Onnx_{op}Op : (Onnx_\w+).*?(?=\n(?:def|class) |\Z)", text, re.S)
    base = re.search(rf"class {found[1]}<.*?(?=\n(?:def|class) |\Z)", text, re.S)
    return found[0] + (base[0] if base else "")


@pytest.mark.parametrize("past, present", [
    ("past_sum", "present_sum"), ("s0", "ns0"), ("cached_sum", "new_cached_sum"), ("state", "stateN"),
    ("past_key_values.0.key", "present.0.key"),
])  # fmt: skip
def test_models_of_others(past, present, tmp_path):
    """A sum over a stream, with its state called as stateful models call theirs."""
    add = onnx.helper.make_node("Add", ["x", past], [present], name="add")
    copy = onnx.helper.make_node("Identity", [present], ["y"], name="copy")
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2])
    graph = onnx.helper.make_graph([add, copy], "sum", [value("x"), value(past)], [value("y"), value(present)])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / "sum.onnx")
    tokens = np.arange(10, dtype=np.float32).reshape(5, 2)
    entry = {"path": tmp_path / "sum.onnx", "options": []}
    result, got = streams.run_stream(entry, {"x": tokens}, "--token-axis", "x=0")
    assert result.returncode == 0, result.stderr
    assert np.array_equal(got["y"][:, 0], np.cumsum(tokens, axis=0))


def test_a_step_has_nothing_to_be_verified_against(tmp_path):
    _, path = first_model(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((1, 20, 6), np.float32))
    result = streams.weir_run(path, "--stream", f"x={tmp_path / 'x.npy'}", "--verify")
    assert result.returncode == 1
    assert "a step without its window has nothing to be verified against" in result.stderr


def test_updated_attentions_stay_in_weir(tmp_path):
    """What rebuilds rows only when that is needed has no form in ONNX; the message says what to do."""
    model = streams.MODELS / "encoder_mean.onnx"
    message = refused(
        tmp_path, model, "--weir-prepare-model", "--weir-continual=retroactive=always", "-o", tmp_path / "step.onnx"
    )
    assert "(weir.retroactive_attention): updates an attention by its keys" in message
    assert "help: give weir-continual the option retroactive=never, or state-layout=shift" in message


@pytest.mark.parametrize("name, chunk, positions", [
    ("encoder_band", 1, "exact"), ("encoder_table_class_token", 4, "recycle"), ("layers_ts_batch3", 4, "exact"),
])  # fmt: skip
def test_weir_verifies_states_in_window_order(name, chunk, positions, tmp_path):
    """On the CPU, with all entries: steps equal windows, pushes and predictions equal steps."""
    entry = streams.manifest()[name]
    made = onnx_steps.make_step(
        entry, tmp_path / "step.mlir", layout="shift", chunk=chunk,
        positions=positions, entries="all",
    )  # fmt: skip
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    result, _ = streams.run_stream({**entry, "path": made, "options": []}, tokens, "--verify")
    assert result.returncode == 0, result.stderr
    assert "push and predict: largest difference 0 " in result.stdout
