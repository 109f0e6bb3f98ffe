"""Bad input: exit code 1 (2 for usage), a message that names the culprit, and no output file."""

import json
import shutil

import numpy as np
import onnx
import pytest
import streams

ENTRY = streams.manifest()["layers_ts17"]
TOKENS = streams.random_streams(ENTRY, 3 * ENTRY["window"])


def save(path, values):
    np.save(path, values)
    return path


def refused(result, *words, code=1):
    assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
    assert "error: " in result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


def test_missing_model(tmp_path):
    refused(streams.weir_run(tmp_path / "absent.onnx", "--explain"), "absent.onnx")


def test_a_folder_is_no_model(tmp_path):
    refused(streams.weir_run(tmp_path, "--explain"), str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"not a model\n", bytes(range(256)) * 16])
def test_garbage_model(tmp_path, content):
    path = tmp_path / "garbage.onnx"
    path.write_bytes(content)
    refused(streams.weir_run(path, "--explain"), "garbage.onnx")


def test_truncated_model(tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(ENTRY["path"].read_bytes()[:-100])
    refused(streams.weir_run(path, "--explain"), "cut.onnx")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array", b"\x93NUMPY\x01\x00\xff\xff{"])
def test_garbage_stream(tmp_path, content):
    path = tmp_path / "x.npy"
    path.write_bytes(content)
    output = tmp_path / "out.npz"
    refused(streams.weir_run(ENTRY["path"], "--stream", f"x={path}", "--output", output), "x.npy")
    assert not output.exists()


def test_missing_stream_file(tmp_path):
    refused(
        streams.weir_run(
            ENTRY["path"], "--stream", f"x={tmp_path}/absent.npy", "--output", tmp_path / "o.npz"
        ),
        "absent.npy",
    )


def test_a_refused_run_writes_no_report(tmp_path):
    report = tmp_path / "report.json"
    absent = f"x={tmp_path}/absent.npy"
    refused(streams.weir_run(ENTRY["path"], "--stream", absent, "--report", report), "absent.npy")
    assert not report.exists()
    assert streams.weir_run(ENTRY["path"], "--report", report).returncode == 0
    assert json.loads(report.read_text())["macs_step"] > 0


def test_stream_of_an_unknown_input(tmp_path):
    path = save(tmp_path / "x.npy", TOKENS["x"])
    refused(streams.weir_run(ENTRY["path"], "--stream", f"y={path}", "--output", tmp_path / "o.npz"), "'y'")


def test_missing_stream_is_named(tmp_path):
    entry = streams.manifest()["layers_ts_padding"]
    path = save(tmp_path / "x.npy", TOKENS["x"])
    refused(
        streams.weir_run(entry["path"], "--stream", f"x={path}", "--output", tmp_path / "o.npz"), "'padding'"
    )


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool", "complex64"])
def test_another_dtype_is_refused(dtype):
    result, outputs = streams.run_stream(ENTRY, {"x": TOKENS["x"].astype(dtype)})
    refused(result, "'x'", "float32")
    assert outputs is None


def test_float64_is_converted_with_a_warning():
    result, outputs = streams.run_stream(ENTRY, {"x": TOKENS["x"].astype("float64")})
    assert result.returncode == 0, result.stderr
    assert "warning: " in result.stderr and "float64" in result.stderr
    _, expected = streams.run_stream(ENTRY, TOKENS)
    assert all(np.array_equal(outputs[key], expected[key]) for key in expected)


@pytest.mark.parametrize("stored", [np.asfortranarray, lambda x: x.astype(">f4")])
def test_streams_stored_otherwise_are_read_alike(stored):
    """Column-major, and the other order of bytes."""
    _, expected = streams.run_stream(ENTRY, TOKENS)
    result, outputs = streams.run_stream(ENTRY, {"x": stored(TOKENS["x"])})
    if result.returncode == 1:  # refusing is fine, misreading is not
        return refused(result, "x")
    assert all(np.array_equal(outputs[key], expected[key]) for key in expected)


def test_short_stream():
    result, outputs = streams.run_stream(ENTRY, {"x": TOKENS["x"][:, : ENTRY["window"] - 1]})
    refused(result, "'x'", str(ENTRY["window"]), str(ENTRY["window"] - 1))
    assert outputs is None


@pytest.mark.parametrize("shape", [(1, 24, 7), (2, 24, 8), (24, 8), (1, 1, 24, 8)])
def test_another_shape(shape):
    result, outputs = streams.run_stream(ENTRY, {"x": np.zeros(shape, "float32")})
    refused(result, "'x'")
    assert outputs is None


def test_streams_of_different_length():
    entry = streams.manifest()["layers_ts_padding"]
    tokens = streams.random_streams(entry, 3 * entry["window"])
    tokens["padding"] = tokens["padding"][:, :-1]
    result, outputs = streams.run_stream(entry, tokens)
    refused(result)
    assert outputs is None


def test_output_that_cannot_be_written(tmp_path):
    path = save(tmp_path / "x.npy", TOKENS["x"])
    refused(
        streams.weir_run(ENTRY["path"], "--stream", f"x={path}", "--output", tmp_path / "no" / "out.npz"),
        "out.npz",
    )


def test_an_old_output_survives_a_refused_run(tmp_path):
    output = tmp_path / "out.npz"
    output.write_bytes(b"mine")
    path = save(tmp_path / "x.npy", TOKENS["x"][:, :2])
    refused(streams.weir_run(ENTRY["path"], "--stream", f"x={path}", "--output", output))
    assert output.read_bytes() == b"mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.npz", "x.npy"]


@pytest.mark.parametrize(
    "option",
    ["--window=0", "--window=-3", "--chunk=0", "--chunk=9", "--rows=8", "--dim=batch=0", "--token-axis=x=3"],
)
def test_values_that_do_not_fit_the_model(option):
    """n = 8 tokens, [1, 8, 8]: refused as input or as usage, never ignored."""
    entry = streams.manifest()["layers_ts17"]
    result = streams.weir_run(entry["path"], option, "--explain")
    assert result.returncode in (1, 2), (result.stdout, result.stderr)
    assert result.stderr


@pytest.mark.parametrize(
    "options",
    [
        ["--no-such-option"],
        ["--positions=sometimes"],
        ["--rewrite=all"],
        ["--rows=some"],
        ["--window=eight"],
        ["--stream", "x"],
    ],
)
def test_usage(options):
    result = streams.weir_run(ENTRY["path"], *options)
    assert result.returncode == 2, (result.returncode, result.stderr)
    assert result.stderr


def test_no_model_is_a_usage_error():
    result = streams.weir_run("--explain")
    assert result.returncode == 2, (result.returncode, result.stderr)


def model_with(node_change):
    model = onnx.load(ENTRY["path"])
    node_change(next(node for node in model.graph.node if node.op_type == "Softmax"))
    return model


def unknown_operator(node):
    node.op_type = "Softmin"


def foreign_domain(node):
    node.domain, node.op_type = "com.example", "FancySoftmax"


@pytest.mark.parametrize("change, word", [(unknown_operator, "Softmin"), (foreign_domain, "FancySoftmax")])
def test_an_operator_that_nobody_knows_is_named(tmp_path, change, word):
    model = model_with(change)
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    path = tmp_path / "odd.onnx"
    onnx.save(model, path)
    refused(streams.weir_run(path, "--explain"), "odd.onnx", word, "node '")


def test_more_inputs_than_any_encoder_has(tmp_path):
    model = onnx.load(ENTRY["path"])
    for index in range(1024):
        more = onnx.helper.make_tensor_value_info(f"more_{index}", onnx.TensorProto.FLOAT, [8])
        model.graph.input.append(more)
    onnx.save(model, tmp_path / "wide.onnx")
    refused(streams.weir_run(tmp_path / "wide.onnx", "--explain"), "has 1025 inputs, but Weir takes 1024 at most")


def test_external_data_outside_of_the_folder_is_not_read(tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(4096))
    folder = tmp_path / "model"
    folder.mkdir()
    model = onnx.load(ENTRY["path"])
    tensor = next(t for t in model.graph.initializer if t.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    path = folder / "escape.onnx"
    path.write_bytes(model.SerializeToString())
    refused(streams.weir_run(path, "--explain"), "escape.onnx")


def test_a_model_in_a_folder_with_odd_characters(tmp_path):
    folder = tmp_path / "an odd, folder=x"
    folder.mkdir()
    entry = dict(ENTRY, path=shutil.copy(ENTRY["path"], folder / "m o d e l.onnx"))
    result, outputs = streams.run_stream(entry, TOKENS)
    assert result.returncode == 0, result.stderr
    assert outputs


def test_verification_failure_has_its_own_exit_code():
    """No float32 program equals another order of summation to within nothing."""
    entry = streams.manifest()["layers_dynamo_6"]
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    result, _ = streams.run_stream(entry, tokens, "--verify", "--tolerance=0")
    if result.returncode == 0:
        pytest.skip("step and window agree bit for bit on this machine")
    assert result.returncode == 3, (result.returncode, result.stderr)
    assert "error: " in result.stderr
