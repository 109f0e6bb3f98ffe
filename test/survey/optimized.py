"""Kept models as optimisers of other projects leave them; the reference stays the model before."""

import dataclasses

import onnxruntime

LEVELS = {
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
}
TITLE = "Optimised"
TEXT = "Kept models as onnxruntime's optimiser writes them at its levels, compared with the files before."
CHOSEN = (
    "layers_ts14",
    "layers_dynamo_2_gelu",
    "layers_ts_causal",
    "fused_dynamo23",
    "encoder_relative",
    "encoder_rotary",
    "encoder_class_token",
    "encoder_front_same",
    "ALBERT, dynamo23 sdpa",
    "T5 encoder, dynamo18 eager batch2",
    "Whisper encoder, ts17 eager",
    "one head of keys, ts17 eager",
)


def optimize(path, level, to):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath = str(to)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def optimized_section(kept, folder):
    """`kept`: the cases of kept models."""
    cases = []
    for case in kept:
        for name, level in LEVELS.items() if case.name in CHOSEN else ():
            path = folder / f"{case.entry['path'].stem}_ort_{name}.onnx"
            if not path.exists():
                optimize(case.entry["path"], level, path)
            entry = dict(case.entry, path=path, original=case.entry["path"], exporter=f"onnxruntime {name}")
            cases.append(dataclasses.replace(case, name=f"{case.name}, {name}", entry=entry))
    return TITLE, TEXT, cases
