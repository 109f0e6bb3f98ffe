"""`weir-run --prove`: step and window are one formula; a fault that no tolerance shows is found."""

import re
import subprocess

import numpy as np
import onnx
import pytest
import streams
from onnx import TensorProto, helper

PROVED = re.compile(r"^prove: (\d+) steps, (\d+) numbers of a finite field, 0 differ$", re.MULTILINE)


def prove(path, *options):
    return streams.weir_run(path, "--prove", *options)


def options_of(entry):
    recycle = ["--positions=recycle"] if entry["positions"] else []
    # Rotary scores are kept up to rounding, which a field does not have.
    rotary = ["--rotary=recompute"] if "rotary" in entry["file"] else []
    return [*entry["options"], f"--chunk={entry['chunks'][-1]}", "--retroactive=always", *recycle, *rotary]


@pytest.mark.parametrize("name", sorted(streams.manifest()))
def test_every_model_is_proved(name):
    entry = streams.manifest()[name]
    result = prove(entry["path"], *options_of(entry))
    assert result.returncode == 0, result.stderr
    steps, numbers = map(int, PROVED.search(result.stdout).groups())
    assert steps > 2 * entry["window"] // entry["chunks"][-1] and numbers >= steps


def test_kept_rotary_scores_are_no_formula():
    result = prove(streams.manifest()["encoder_rotary"]["path"], "--retroactive=always")
    assert result.returncode == 3
    assert "prove the step that --rotary=recompute gives" in result.stderr


def test_tables_tied_to_the_window_are_proved():
    entry = streams.manifest()["encoder_table_pre"]
    assert PROVED.search(prove(entry["path"], "--positions=exact").stdout)


@pytest.fixture
def head(tmp_path):
    """The step of one attention head, as text: a function of it with some text replaced."""
    source = streams.ROOT / "examples" / "head" / "head.mlir"
    pipeline = "builtin.module(weir-continual{token-axis=x=1 rows=last})"
    text = subprocess.run(
        [streams.WEIR_OPT, source, f"--pass-pipeline={pipeline}"], capture_output=True, text=True, check=True
    ).stdout

    def with_step(old, new):
        window, step = text.split("func.func @step", 1)
        assert old in step
        path = tmp_path / "head.mlir"
        path.write_text(window + "func.func @step" + step.replace(old, new, 1))
        return path

    return with_step


def test_a_weight_off_by_its_last_bit_is_found(head, tmp_path):
    path = head("3.000000e+00", "3.00000024")
    tokens = tmp_path / "x.npy"
    np.save(tokens, np.random.default_rng(0).normal(size=(1, 40, 2)).astype("f4"))
    verified = streams.weir_run(path, "--stream", f"x={tokens}", "--verify")
    assert verified.returncode == 0, "this fault is below the tolerance"
    result = prove(path)
    assert result.returncode == 3
    assert "step and window are not the same formula: element 0 of 'y' at step 0" in result.stderr


def test_a_stale_row_is_found(head):
    # Keys are written one slot further than values.
    result = prove(head("positions = array<i64: 3>", "positions = array<i64: 2>"))
    assert result.returncode == 3 and "not the same formula" in result.stderr


def test_what_a_field_does_not_have_is_refused(tmp_path):
    """A float that becomes an index."""
    path = tmp_path / "model.onnx"
    node = helper.make_node
    table = onnx.numpy_helper.from_array(np.ones((4, 2), "f4"), "table")
    graph = helper.make_graph(
        [
            node("Cast", ["x"], ["ids"], "ids", to=TensorProto.INT64),
            node("Gather", ["table", "ids"], ["e"], "gather"),
            node("Transpose", ["e"], ["k"], perm=[0, 2, 1]),
            node("MatMul", ["e", "k"], ["s"]),
            node("Softmax", ["s"], ["w"], axis=-1),
            node("MatMul", ["w", "e"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, 2])],
        [table],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    result = prove(path)
    assert result.returncode == 1
    assert "node 'ids' (" in result.stderr and "has no counterpart in a finite field" in result.stderr
