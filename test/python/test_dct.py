"""weir-dct against the golden functions in float64: committed models of both exporters, and encoders of any length."""

import functools
import json

import compressed_reference as reference
import numpy as np
import onnx
import onnx_steps
import pytest
import streams
from compressed_reference import dct
from dct_encoders import Encoder, rewrite, run

VARIANTS = list(dct.VARIANTS)
MODELS = streams.manifest()
SEPARATE = {"encoder_2_disentangled"}  # an operand of GatherElements that onnx's evaluator refuses


def difference(some, others):
    assert sorted(some) == sorted(others)
    return max(np.abs(some[name] - others[name]).max() / np.abs(others[name]).max() for name in others)


@functools.cache
def golden(name):
    return reference.Encoder(MODELS[name]["path"]), streams.random_streams(MODELS[name], MODELS[name]["window"])


@functools.cache
def numbers_of_keys(name):
    encoder, feeds = golden(name)
    return [tap.k.shape[1] for tap in encoder.run(feeds, reference.full_method)[1]]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", sorted(MODELS.keys() - SEPARATE))
def test_models_of_all_exporters(name, variant, tmp_path):
    """As the reference does: the same numbers, or a refusal of the same models."""
    encoder, feeds = golden(name)
    keep = min(numbers_of_keys(name)) // 2 + 1
    chunk = min(MODELS[name]["chunks"])
    options = f"variant={variant} keep={keep} approximate=true chunk={chunk}"
    prepare = onnx_steps.pass_options(MODELS[name], chunk)
    done = rewrite(MODELS[name]["path"], tmp_path / "model.mlir", options, prepare, check=False)
    try:
        expected, _ = encoder.run(feeds, reference.dct_method(variant, keep))
    except reference.Unsupported:
        assert done.returncode == 1 and "cannot be compressed" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert difference(run(tmp_path / "model.mlir", feeds, tmp_path), expected) <= streams.TOLERANCE


def check(encoder, options, method, folder, tolerance=streams.TOLERANCE):
    model, feeds = encoder.model(), encoder.feeds()
    onnx.save(model, folder / "model.onnx")
    given = f"approximate=true {encoder.axes} {options}"
    rewrite(folder / "model.onnx", folder / "model.mlir", given, encoder.axes)
    outputs = run(folder / "model.mlir", feeds, folder)
    expected, _ = reference.Encoder(model).run(feeds, method)
    assert difference(outputs, expected) <= tolerance
    return outputs


SHAPES = {
    "post-norm": dict(tokens=64, norm="post", blocks=3),
    "pre-norm": dict(tokens=64, blocks=3),
    "odd": dict(tokens=97, batch=3, heads=3, width=12, blocks=2),
    "masked": dict(tokens=64, masked=True, blocks=2),
    "masked batch": dict(tokens=45, batch=3, masked=True, blocks=2),
    "masked batch of as many": dict(tokens=8, batch=8, width=8, masked=True),
    "one head": dict(tokens=31, heads=1, width=5),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_shapes(shape, variant, tmp_path):
    keep = SHAPES[shape]["tokens"] // 3
    check(Encoder(**SHAPES[shape]), f"variant={variant} keep={keep}", reference.dct_method(variant, keep), tmp_path)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("tokens, keep", [(256, 64), (1021, 200), (4096, 512)])
def test_long_sequences(tokens, keep, variant, tmp_path):
    method = reference.dct_method(variant, keep)
    check(Encoder(tokens, width=16), f"variant={variant} keep={keep}", method, tmp_path)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("variant", ["resample", "pool"])
def test_all_rows_kept_is_full_attention(variant, masked, tmp_path):
    encoder = Encoder(33, batch=3, blocks=2, masked=masked)
    options = f"variant={variant} keep=33"
    outputs = check(encoder, options, reference.full_method, tmp_path)
    session = streams.open_session(tmp_path / "model.onnx")
    assert difference(outputs, {"y": session.run(["y"], encoder.feeds())[0]}) <= streams.TOLERANCE


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("variant", ["qkv", "resample", "pool"])
def test_folding_changes_nothing(variant, masked, tmp_path):
    encoder = Encoder(97, batch=3, blocks=2, masked=masked)
    onnx.save(encoder.model(), tmp_path / "model.onnx")
    outputs = {}
    for fold in ("true", "false"):
        options = f"variant={variant} keep=25 fold={fold} approximate=true"
        rewrite(tmp_path / "model.onnx", tmp_path / "model.mlir", options)
        outputs[fold] = run(tmp_path / "model.mlir", encoder.feeds(), tmp_path)
    assert 0 < difference(outputs["true"], outputs["false"]) <= 1e-6


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("tokens, keep, width", [(64, 16, 8), (97, 31, 16)])
def test_work_is_that_of_the_formulas(tokens, keep, width, variant, tmp_path):
    encoder = Encoder(tokens, width=width, blocks=2)
    onnx.save(encoder.model(), tmp_path / "model.onnx")
    given = ["--rewrite=dct", f"--rewrite-options=variant={variant} keep={keep}", "--approximate=yes"]
    done = streams.weir_run(tmp_path / "model.onnx", "--token-axis=x=1", *given, "--explain=json")
    assert done.returncode == 0, done.stderr
    attentions = json.loads(done.stdout)["compression"]["attentions"]
    assert [one["macs_before"] for one in attentions] == 2 * [dct.macs("full", tokens, keep, width)]
    assert [one["macs_after"] for one in attentions] == 2 * [dct.macs(variant, tokens, keep, width)]


def test_a_number_of_rows_for_each_layer(tmp_path):
    keep = [20, 5, 64]
    check(Encoder(64, blocks=3), "variant=qkv keep=20,5,64", reference.dct_method("qkv", keep), tmp_path)


def test_chosen_layers(tmp_path):
    encoder = Encoder(64, blocks=3)
    onnx.save(encoder.model(), tmp_path / "model.onnx")
    options = "variant=resample keep=7 layers=0,2 approximate=true"
    rewrite(tmp_path / "model.onnx", tmp_path / "model.mlir", options)
    outputs = run(tmp_path / "model.mlir", encoder.feeds(), tmp_path)
    golden = reference.Encoder(encoder.model())
    expected, _ = golden.run(encoder.feeds(), reference.dct_method("resample", 7), layers={0, 2})
    assert difference(outputs, expected) <= streams.TOLERANCE
