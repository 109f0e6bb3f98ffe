"""Under WEIR_FULL=1: step models in OpenVINO and IREE, which `./dev test --full` installs."""

import subprocess
import sys

import numpy as np
import onnx
import onnx_steps
import pytest
import streams

pytestmark = pytest.mark.skipif(not streams.FULL, reason="WEIR_FULL is not 1")

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}  # OpenVINO computes in bfloat16 where the processor can
NAMES = ["encoder_last", "encoder_2_rotary", "encoder_band", "layers_dynamo_3_pre"]
each_model = pytest.mark.parametrize("name", NAMES)
each_layout = pytest.mark.parametrize("layout", ["shift", "ring"])


class Runtime:
    """What `onnx_steps.stream` asks of a session, of which `run` is another's."""

    def __init__(self, path, run):
        self.reference, self.call = streams.open_session(path), run
        self.get_modelmeta, self.get_inputs = self.reference.get_modelmeta, self.reference.get_inputs
        self.get_outputs = self.reference.get_outputs

    def run(self, names, fed):
        return self.call(names, fed)


def holds(entry, path, run):
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    got = onnx_steps.stream(Runtime(path, run), entry, tokens)
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    return streams.difference(got, expected) <= streams.TOLERANCE


def by_name(compiled, results):
    """The results of OpenVINO by the names of the file's outputs, copied out of its buffers."""
    return {name: np.array(results[port]) for port in compiled.outputs for name in port.names}


@each_layout
@each_model
def test_openvino(name, layout, tmp_path):
    import openvino

    entry = streams.manifest()[name]
    path = onnx_steps.make_step(entry, tmp_path / "step.onnx", layout=layout)
    compiled = openvino.Core().compile_model(str(path), "CPU", EXACT)

    def run(names, fed):
        results = by_name(compiled, compiled(fed))
        return [results[one] for one in names]

    assert holds(entry, path, run)


@each_layout
@each_model
def test_openvino_keeps_the_states(name, layout, tmp_path, request):
    """MakeStateful takes the pairs as the file tells them; the states then never leave."""
    import openvino
    from openvino.passes import MakeStateful, Manager

    if (name, layout) == ("layers_dynamo_3_pre", "shift"):
        why = "OpenVINO computes this file right, and otherwise once it keeps past_x, a window that several nodes read"
        request.applymarker(pytest.mark.xfail(reason=why, strict=True))
    entry = streams.manifest()[name]
    path = onnx_steps.make_step(entry, tmp_path / "step.onnx", layout=layout)
    pairs = onnx_steps.facts(streams.open_session(path))["weir.state_pairs"]
    core = openvino.Core()
    model, manager = core.read_model(str(path)), Manager()
    manager.register_pass(MakeStateful(pairs))
    manager.run_passes(model)
    compiled = core.compile_model(model, "CPU", EXACT)
    session = compiled.create_infer_request()
    tokens = streams.random_streams(entry, 4 * entry["window"] + 3)
    expected = streams.windows(streams.open_session(entry["path"]), entry, tokens)
    for _ in range(2):  # a second stream, after the first one is forgotten
        session.reset_state()
        kept = []
        for start in range(tokens["x"].shape[1]):
            results = by_name(compiled, session.infer({"x": tokens["x"][:, start : start + 1]}))
            kept.append({output: results[output] for output in expected})
        got = {output: np.stack([one[output] for one in kept[entry["window"] - 1 :]]) for output in expected}
        assert streams.difference(got, expected) <= streams.TOLERANCE


@each_layout
@each_model
def test_iree(name, layout, tmp_path):
    import iree.runtime

    entry = streams.manifest()[name]
    path = onnx_steps.make_step(entry, tmp_path / "step.onnx", layout=layout)
    tools = streams.pathlib.Path(sys.executable).parent
    subprocess.run([tools / "iree-import-onnx", path, "-o", tmp_path / "step.mlir"], check=True)
    target = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu"]
    subprocess.run(
        [tools / "iree-compile", tmp_path / "step.mlir", *target, "--iree-llvmcpu-target-cpu=host",
         "-o", tmp_path / "step.vmfb"], check=True, capture_output=True,
    )  # fmt: skip
    module = iree.runtime.load_vm_flatbuffer_file(str(tmp_path / "step.vmfb"), driver="local-sync")
    graph = onnx.load(path).graph
    inputs, outputs = [one.name for one in graph.input], [one.name for one in graph.output]

    def run(names, fed):
        results = dict(zip(outputs, module[graph.name](*(fed[one] for one in inputs))))
        return [np.array(results[one]) for one in names]

    assert holds(entry, path, run)
