"""Rewrites that give other numbers: what they are refused for, what they choose, print and write."""

import json
import re

import compressed_reference
import native
import numpy as np
import pytest
import streams

MODELS = ["layers_ts_2_mean", "layers_dynamo_3_pre"]
NUMBER = r"([0-9.]+e[+-][0-9]+)"


def entry_of(name):
    return streams.manifest()[name]


def slow_stream(entry, length, seed=1):
    """Tokens that change slowly, so that low frequencies hold most of them."""
    tokens = streams.random_streams(entry, length, seed)
    for one in entry["inputs"]:
        if one["token_axis"] is not None and one["dtype"] == "float32":
            walk = np.cumsum(tokens[one["name"]], one["token_axis"])
            tokens[one["name"]] = (walk / walk.std()).astype("float32")
    return tokens


def calibration_file(entry, tokens, folder, name="calibration.npy"):
    [one] = [one for one in entry["inputs"] if one["token_axis"] is not None]
    np.save(folder / name, tokens[one["name"]])
    return f"--calibrate={one['name']}={folder / name}"


def rewrite(entry, tokens, options, *more, kind="dct"):
    return streams.run_stream(entry, tokens, f"--rewrite={kind}", f"--rewrite-options={options}", *more)


def errors_of(got, original):
    return (
        np.linalg.norm(got - original) / np.linalg.norm(original),
        np.abs(got - original).max() / np.abs(original).max(),
    )


def printed_errors(text):
    """{line's start: (of the norm, of the largest)}"""
    found = re.findall(rf"^  (.*): {NUMBER} of the norm, {NUMBER} of the largest$", text, re.M)
    return {line: (float(norm), float(largest)) for line, norm, largest in found}


def apart(values, entry):
    """Of the outputs of all windows those of windows that do not overlap."""
    return {name: value[:: entry["window"]] for name, value in values.items()}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("variant", ["resample", "pool", "qkv", "x"])
def test_every_window_of_the_stream_is_written(name, variant, tmp_path):
    entry = entry_of(name)
    tokens = slow_stream(entry, 3 * entry["window"] + 5)
    result, outputs = rewrite(entry, tokens, f"variant={variant} keep=3", "--approximate=yes")
    assert result.returncode == 0, result.stderr
    encoder = compressed_reference.Encoder(entry["path"])
    method = compressed_reference.dct_method(variant, 3)
    starts = streams.step_starts(3 * entry["window"] + 5, entry["window"], 1)
    expected = [encoder.run(streams.window_of(tokens, entry, start), method)[0] for start in starts]
    for output, got in outputs.items():
        want = np.stack([one[output] for one in expected])
        assert got.shape == want.shape
        assert np.abs(got - want).max() <= streams.TOLERANCE * np.abs(want).max()


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "kind, options",
    [("dct", "variant=resample keep=3"), ("dct", "variant=qkv keep=4"), ("cast", "clusters=2 size=5 from=kmeans")],
)
def test_printed_errors_are_those_of_numpy(name, kind, options, tmp_path):
    entry = entry_of(name)
    tokens = slow_stream(entry, 5 * entry["window"] + 2)
    file = calibration_file(entry, tokens, tmp_path)
    result, outputs = rewrite(entry, tokens, options, file, kind=kind)
    assert result.returncode == 0, result.stderr
    original = apart(streams.windows(streams.open_session(entry["path"]), entry, tokens), entry)
    printed = printed_errors(result.stdout)
    for output, got in apart(outputs, entry).items():
        norm, largest = errors_of(got, original[output])
        assert norm > 1e-3, "the rewrite changes nothing"
        assert printed[f"output '{output}'"] == pytest.approx((norm, largest), rel=2e-3)
    assert len(printed) == len(outputs) + entry["blocks"]
    assert "5 windows of the calibration data" in result.stdout


@pytest.mark.parametrize("name", MODELS)
def test_errors_of_attentions_are_those_of_their_results(name, tmp_path):
    entry = entry_of(name)
    tokens = slow_stream(entry, 4 * entry["window"])
    file = calibration_file(entry, tokens, tmp_path)
    result, _ = rewrite(entry, tokens, "variant=pool keep=3", file, "--explain=json")
    assert result.returncode == 0, result.stderr
    encoder = compressed_reference.Encoder(entry["path"])
    starts = range(0, 4 * entry["window"], entry["window"])
    full = [encoder.run(streams.window_of(tokens, entry, s), compressed_reference.full_method)[1] for s in starts]
    method = compressed_reference.dct_method("pool", 3)
    pooled = [encoder.run(streams.window_of(tokens, entry, s), method)[1] for s in starts]
    for attention in json.loads(result.stdout)["compression"]["attentions"]:
        outs = [np.stack([taps[attention["layer"]].out for taps in runs]) for runs in (pooled, full)]
        norm, largest = errors_of(*outs)
        assert attention["error_norm"] == pytest.approx(norm, rel=1e-3)
        assert attention["error_largest"] == pytest.approx(largest, rel=1e-3)


def kept_by_numpy(entry, tokens, energy):
    """The rule of weir-calibrate: the fewest frequencies that hold `energy` of keys and of values, but for the mean."""
    encoder = compressed_reference.Encoder(entry["path"])
    spectra = {}
    length = tokens[entry["inputs"][0]["name"]].shape[entry["inputs"][0]["token_axis"]]
    for start in range(0, length - entry["window"] + 1, entry["window"]):
        _, taps = encoder.run(streams.window_of(tokens, entry, start), compressed_reference.full_method)
        for tap in taps:
            matrix = compressed_reference.dct.dct_matrix(tap.k.shape[1])
            for kind, rows in (("k", tap.k), ("v", tap.v)):
                energies = ((matrix @ rows) ** 2).sum((0, 2))
                spectra[tap.layer, kind] = spectra.get((tap.layer, kind), 0) + energies
    kept = {}
    for (layer, _), spectrum in spectra.items():
        held = np.cumsum(spectrum[1:]) / spectrum[1:].sum()
        kept[layer] = max(kept.get(layer, 1), 2 + int(np.searchsorted(held, energy)))
    return [kept[layer] for layer in sorted(kept)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("energy", [0.5, 0.8, 0.95])
def test_automatic_keep_is_that_of_numpy(name, energy, tmp_path):
    entry = entry_of(name)
    tokens = slow_stream(entry, 6 * entry["window"] + 1)
    file = calibration_file(entry, tokens, tmp_path)
    result, _ = rewrite(entry, tokens, f"variant=resample keep=auto:{energy}", file, "--explain=json")
    assert result.returncode == 0, result.stderr
    chosen = [one["kept"] for one in json.loads(result.stdout)["compression"]["attentions"]]
    assert chosen == kept_by_numpy(entry, tokens, energy)


def test_all_rows_kept_change_nothing():
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 2 * entry["window"])
    result, outputs = rewrite(entry, tokens, f"variant=resample keep={entry['window']}", "--approximate=yes")
    assert result.returncode == 0, result.stderr
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    assert streams.difference(outputs, expected) <= streams.TOLERANCE
    assert "of the stream" in result.stdout


def test_samples_of_a_data_set_are_windows_of_their_own(tmp_path):
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 4 * entry["window"])
    [values] = tokens.values()
    calibration_file(entry, tokens, tmp_path)
    windows = np.concatenate(np.split(values, 4, axis=1))  # [4, window, features]
    reports = []
    for shape in (values.shape, windows.shape, (4, *values.shape[:1], *windows.shape[1:])):
        np.save(tmp_path / "data.npy", (values if shape == values.shape else windows).reshape(shape))
        result = streams.weir_run(
            entry["path"], "--rewrite=dct", "--rewrite-options=variant=resample keep=3",
            f"--calibrate={tmp_path / 'data.npy'}", "--explain=json",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        reports.append(json.loads(result.stdout)["compression"])
    assert reports[0]["windows"] == 4
    assert reports[0] == reports[1] == reports[2]


def test_an_explanation_counts_work_and_memory(tmp_path):
    entry = entry_of("layers_dynamo_3_pre")
    tokens = slow_stream(entry, 4 * entry["window"])
    file = calibration_file(entry, tokens, tmp_path)
    report = tmp_path / "report.json"
    options = ("variant=resample keep=2 layers=0,2", file, f"--report={report}")
    result, _ = rewrite(entry, tokens, *options, "--explain")
    assert result.returncode == 0, result.stderr
    found = json.loads(report.read_text())["compression"]
    changed = [one for one in found["attentions"] if one["form"]]
    assert [one["layer"] for one in changed] == [0, 2]
    saved = sum(one["macs_before"] - one["macs_after"] for one in changed)
    assert found["macs_before"] - found["macs_after"] == saved > 0
    assert found["scratch_bytes_before"] > 0 and found["scratch_bytes_after"] > 0
    assert "rewritten window" in result.stdout and "of the norm" in result.stdout
    result, _ = rewrite(entry, tokens, *options, "--explain=md")
    assert "| original window |" in result.stdout and "| output `" in result.stdout


def test_wanted_rows_alone_are_written_and_measured(tmp_path):
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 3 * entry["window"])
    file = calibration_file(entry, tokens, tmp_path)
    _, whole = rewrite(entry, tokens, "variant=resample keep=3", file)
    result, last = rewrite(entry, tokens, "variant=resample keep=3", file, "--rows=last")
    assert result.returncode == 0, result.stderr
    original = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    axis = entry["rows_axis"] + 1
    for output, values in whole.items():
        expected = np.take(values, [-1], axis)
        assert np.abs(last[output] - expected).max() <= streams.TOLERANCE * np.abs(expected).max()
        norm, largest = errors_of(
            last[output][:: entry["window"]], np.take(original[output], [-1], axis)[:: entry["window"]]
        )
        assert printed_errors(result.stdout)[f"output '{output}'"] == pytest.approx((norm, largest), rel=2e-3)


def test_steps_of_a_rewritten_model_equal_its_windows(tmp_path):
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 4 * entry["window"] + 3)
    options = ("variant=resample keep=3", calibration_file(entry, tokens, tmp_path))
    result, outputs = rewrite(entry, tokens, *options, "--rows=last", "--verify", kind="dct+continual")
    assert result.returncode == 0, result.stderr
    assert "verify: " in result.stdout and "of the norm" in result.stdout
    _, expected = rewrite(entry, tokens, *options, "--rows=last")
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def test_surrogates_of_equal_data_are_equal(tmp_path):
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 4 * entry["window"])
    file = calibration_file(entry, tokens, tmp_path)
    runs = [rewrite(entry, tokens, "clusters=2 size=4 from=kmeans", file, kind="cast") for _ in range(2)]
    assert runs[0][0].returncode == 0, runs[0][0].stderr
    assert all(np.array_equal(value, runs[1][1][name]) for name, value in runs[0][1].items())


REFUSED = [
    # kind, options, further options, what the message says, what the help says
    ("dct", "variant=resample keep=3", [], "nothing tells how far", "--calibrate"),
    ("dct", "variant=resample keep=auto:0.9", ["--approximate=yes"], "keep=auto", "--calibrate"),
    ("cast", "clusters=2 from=kmeans", ["--approximate=yes"], "from=kmeans", "--calibrate"),
    ("dct", "keep=3", ["--approximate=yes"], "variant", "resample"),
    ("dct", "variant=resample", ["--approximate=yes"], "keep", "keep=auto"),
    ("dct", "variant=resample keep=3 color=red", ["--approximate=yes"], "color", ""),
    ("dct", "variant=resample keep=99", ["--approximate=yes"], "99", ""),
    ("cast", "clusters=2", ["--approximate=yes"], "surrogate", ""),
    ("dct", "variant=resample keep=3", ["--approximate=yes", "--verify"], "no steps", "--calibrate"),
]


@pytest.mark.parametrize("kind, options, more, message, advice", REFUSED)
def test_nothing_is_guessed(kind, options, more, message, advice):
    entry = entry_of("layers_ts14")
    result, outputs = rewrite(entry, slow_stream(entry, 20), options, *more, kind=kind)
    assert result.returncode == 1 and outputs is None, result.stdout
    lines = result.stderr.splitlines()
    assert any(re.search(r"layers_ts14\.onnx: error: ", line) and message in line for line in lines), result.stderr
    assert not advice or any("help:" in line and advice in line for line in lines), result.stderr


NOT_POSITIONS = [
    ("dct", "variant=resample keep=3", "depends on the queries"),
    ("dct+continual", "variant=resample keep=3", "depends on the queries"),
    ("cast", "clusters=2 from=kmeans", "bias of positions"),
]


@pytest.mark.parametrize("kind, options, reason", NOT_POSITIONS)
def test_a_bias_of_positions_is_refused(kind, options, reason, tmp_path):
    """Where no attention can be compressed nothing is run or written: each is named, with its reason."""
    entry = entry_of("encoder_2_causal")
    tokens = slow_stream(entry, 20)
    given = calibration_file(entry, tokens, tmp_path)
    result, outputs = rewrite(entry, tokens, options, given, kind=kind)
    assert result.returncode == 1 and outputs is None
    words = [f"--rewrite={kind}", f"--rewrite-options={options}", given, "-o", tmp_path / "causal.o"]
    built = native.weir_compile(entry["path"], *words)
    assert built.returncode == 1 and not list(tmp_path.glob("causal.*"))
    for text in (result.stderr, built.stderr):
        assert re.search(rf"_causal\.onnx: error: attention 0 \('/blocks\.0/.*'\) cannot be compressed: .*{reason}", text), text
        assert re.search(rf"^note: nor can attention 1 \('/blocks\.1/.*'\): .*{reason}", text, re.M), text
        assert "help: run the model as it is" in text


def test_calibration_data_must_fit(tmp_path):
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 20)
    for array, message in [
        (np.zeros((1, 20, 5), "float32"), "has shape"),
        (np.zeros((1, 3, 8), "float32"), "holds 3 tokens"),
        (np.zeros((0, 1, 8, 8), "float32"), "no samples"),
        (np.zeros((1, 8, 8), "int64"), "is float32"),
    ]:
        np.save(tmp_path / "data.npy", array)
        result, _ = rewrite(entry, tokens, "variant=resample keep=3", f"--calibrate={tmp_path / 'data.npy'}")
        assert result.returncode == 1 and message in result.stderr, result.stderr


@pytest.mark.parametrize("option", ["--calibrate=x.npy", "--approximate=yes", "--rewrite-options=keep=3"])
def test_options_without_a_rewrite_are_a_misuse(option):
    result = streams.weir_run(entry_of("layers_ts14")["path"], option)
    assert result.returncode == 2 and "--rewrite=dct" in result.stderr


COMPILED = [("dct", "variant=resample keep=3"), ("dct+continual", "variant=qkv keep=3"), ("cast", "clusters=2 size=5 from=kmeans")]


@pytest.mark.parametrize("kind, options", COMPILED)
def test_native_steps_equal_rewritten_windows(kind, options, tmp_path):
    entry = entry_of("layers_ts14")
    tokens = slow_stream(entry, 3 * entry["window"])
    file = calibration_file(entry, tokens, tmp_path)
    made = native.Artifact(entry, tmp_path, f"--rewrite={kind}", f"--rewrite-options={options}", file)
    _, outputs = made.unpack(made.stream(made.program("stream_model.c"), made.pack(tokens)))
    _, expected = rewrite(entry, tokens, options, file, kind=kind.split("+")[0])
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def test_native_code_is_not_made_of_a_guess(tmp_path):
    path = entry_of("layers_ts14")["path"]
    options = ("--rewrite=dct", "--rewrite-options=variant=pool keep=2", "-o", tmp_path / "model.o")
    result = native.weir_compile(path, *options)
    assert result.returncode == 1 and "nothing tells how far" in result.stderr
    assert not list(tmp_path.iterdir())


def test_an_explanation_names_what_compression_would_take(tmp_path):
    path = entry_of("encoder_dynamic")["path"]

    def explain(*options):
        result = streams.weir_run(path, "--window=64", "--explain=json", *options)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    plain = explain()
    advice = {one["what"]: one for one in plain["advice"]}
    for what in ("--rewrite=dct+continual", "--rewrite=cast"):
        assert advice[what]["changes_numbers"] and advice[what]["macs_step"] <= 0.9 * plain["macs_step"]
    resampled = explain(
        "--rewrite=dct+continual", "--approximate=yes", "--rewrite-options=variant=resample keep=16"
    )
    assert resampled["macs_step"] == advice["--rewrite=dct+continual"]["macs_step"]
    assert resampled["compression"]["outputs"] == [] and resampled["compression"]["measured_on"] == ""
    tokens = streams.random_streams(entry_of("encoder_dynamic"), 128)
    [(name, values)] = tokens.items()
    np.save(tmp_path / "data.npy", values[:1])
    clustered = explain(
        "--rewrite=cast", "--rewrite-options=clusters=8 from=kmeans", f"--calibrate={name}={tmp_path / 'data.npy'}"
    )
    assert clustered["compression"]["macs_after"] == advice["--rewrite=cast"]["macs_step"]
