"""Options that change what comes out: wanted rows, treatment of absolute positions, requirements."""

import json

import numpy as np
import pytest
import streams

TABLES = [name for name, entry in streams.manifest().items() if entry["positions"]]
ALL_ROWS = [name for name, entry in streams.manifest().items() if entry["rows_axis"] is not None]


def run(entry, *options, seed=2):
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3, seed)
    return tokens, *streams.run_stream(entry, tokens, *options)


def window_reference(entry, tokens, chunk=1):
    return streams.windows(streams.open_session(entry["path"]), entry, tokens, chunk)


@pytest.mark.parametrize("name", ALL_ROWS)
@pytest.mark.parametrize("rows", ["last", "first", "3"])
def test_rows_selects_one_token_of_the_output(name, rows):
    entry = streams.manifest()[name]
    positions = ["--positions=exact"] if entry["positions"] else []
    tokens, result, outputs = run(entry, f"--rows={rows}", "--verify", *positions)
    assert result.returncode == 0, result.stderr
    row = {"last": entry["window"] - 1, "first": 0}.get(rows, int(rows) if rows.isdigit() else None)
    axis = entry["rows_axis"] + 1  # steps come first
    expected = {key: np.take(value, [row], axis) for key, value in window_reference(entry, tokens).items()}
    assert streams.difference(outputs, expected) <= streams.TOLERANCE


def test_all_rows_is_the_default():
    entry = streams.manifest()["layers_ts17"]
    _, _, plain = run(entry)
    _, _, explicit = run(entry, "--rows=all")
    assert plain.keys() == explicit.keys()
    assert all(np.array_equal(plain[key], explicit[key]) for key in plain)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("chunk", [1, 4])
def test_recycled_positions_stay_with_their_token(name, chunk):
    entry = streams.manifest()[name]
    tokens, result, outputs = run(
        entry, "--positions=recycle", f"--chunk={chunk}", "--verify", "--verify-slides"
    )
    assert result.returncode == 0, result.stderr
    assert streams.difference(outputs, streams.recycled_windows(entry, tokens, chunk)) <= streams.TOLERANCE


@pytest.mark.parametrize("name", TABLES)
def test_first_window_is_the_same_under_both_treatments(name):
    entry = streams.manifest()[name]
    _, _, exact = run(entry, "--positions=exact")
    _, _, recycled = run(entry, "--positions=recycle")
    for key in exact:
        assert np.allclose(exact[key][0], recycled[key][0], atol=streams.TOLERANCE * np.abs(exact[key]).max())
        # The table matters: later windows see another row for the same token.
        assert not np.allclose(exact[key][1], recycled[key][1], atol=1e-3)


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("options", [[], ["--positions=reject"]])
def test_an_absolute_table_is_rejected_without_a_choice(name, options):
    entry = streams.manifest()[name]
    _, result, outputs = run(entry, *options)
    assert result.returncode == 1
    assert outputs is None
    assert "error: node '" in result.stderr and "(Add)" in result.stderr
    assert "positions=exact" in result.stderr and "positions=recycle" in result.stderr


def test_window_of_a_fixed_length_may_be_repeated_but_not_changed():
    entry = streams.manifest()["layers_ts17"]
    _, result, _ = run(entry, f"--window={entry['window']}")
    assert result.returncode == 0, result.stderr
    _, result, outputs = run(entry, f"--window={entry['window'] + 1}")
    assert result.returncode == 1 and outputs is None
    # The rule with both values: the help line alone would name --window as well.
    assert str(entry["window"]) in result.stderr and str(entry["window"] + 1) in result.stderr


def test_a_symbolic_length_needs_a_window():
    entry = dict(streams.manifest()["layers_ts_dynamic"], options=["--dim", "batch=2"])
    _, result, outputs = run(entry)
    assert result.returncode == 1 and outputs is None
    assert "--window" in result.stderr


@pytest.mark.parametrize("window", [5, 16])
def test_a_symbolic_length_takes_any_window(window):
    entry = dict(
        streams.manifest()["layers_dynamo_dynamic"],
        window=window,
        options=[f"--window={window}", "--dim", "batch=2"],
    )
    tokens, result, outputs = run(entry)
    assert result.returncode == 0, result.stderr
    assert streams.difference(outputs, window_reference(entry, tokens)) <= streams.TOLERANCE


def test_token_axis_may_be_named():
    entry = streams.manifest()["layers_ts17"]
    tokens, result, outputs = run(entry, "--token-axis", "x=1")
    assert result.returncode == 0, result.stderr
    assert streams.difference(outputs, window_reference(entry, tokens)) <= streams.TOLERANCE


def test_require_incremental():
    """A step of one token saves work, a step of a whole window of tokens saves none."""
    entry = streams.manifest()["layers_ts17"]
    _, result, _ = run(entry, "--require=incremental")
    assert result.returncode == 0, result.stderr
    _, result, outputs = run(entry, f"--chunk={entry['window']}", "--require=incremental")
    assert result.returncode == 1 and outputs is None
    assert "error: " in result.stderr and "window" in result.stderr


def explain(entry, *options):
    result = streams.weir_run(entry["path"], *entry["options"], "--explain=json", *options)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_one_block_with_the_newest_row_costs_one_row_of_each_product():
    """Window n = 8: the projections and the MLP are computed for one token in eight."""
    report = explain(streams.manifest()["encoder_last"])
    assert [attention["rows"] for attention in report["attentions"]] == [str(7)]
    assert report["macs_step"] * 4 < report["macs_window"]


def test_causal_band_costs_one_row_at_any_depth():
    report = explain(streams.manifest()["encoder_band"])
    assert all(attention["slides"] for attention in report["attentions"])
    assert report["macs_step"] * 6 < report["macs_window"]


@pytest.mark.parametrize("form", ["text", "md"])
def test_explanations_for_people_name_what_broke_sliding(form):
    entry = streams.manifest()["encoder_table_pre"]
    result = streams.weir_run(entry["path"], "--positions=exact", f"--explain={form}")
    assert result.returncode == 0, result.stderr
    node = explain(entry, "--positions=exact")["blame"][0]["node"]
    assert node in result.stdout


def test_bench_times_the_step_and_the_window():
    entry = streams.manifest()["layers_ts17"]
    result = streams.weir_run(entry["path"], "--bench")
    assert result.returncode == 0, result.stderr
    timed = {
        line.split()[0]: line.split()
        for line in result.stdout.splitlines()
        if line.startswith(("step ", "window "))
    }
    for words in timed.values():  # step   <min> us min, <median> us median
        assert words[2:4] == ["us", "min,"] and words[5:] == ["us", "median"]
        assert 0 < float(words[1]) <= float(words[4])
    assert timed.keys() == {"step", "window"}
