"""Which peers are measured on which workload."""

from . import workloads

DEFAULT = "S1 S2 S3a S3b S4a S5a S5b S6 L2_128 L2_512 L1_512 L1_1024".split()
QUICK = ["S1", "S3a", "L2_128"]

STEPS = [
    "probe:f32", "weir:step", "onnxruntime:step", "openvino:step", "openvino:step+stateful",
]  # fmt: skip
NARROW = ["probe:bf16", "weir:step+bf16", "probe:int8", "weir:step+int8", "onnxruntime:step+w8"]
WINDOWS = ["weir:window", "onnxruntime:window", "onnxruntime:window+fused", "openvino:window"]


REWRITTEN = {"L1_4096": ["dct_qkv", "dct_x", "resample", "cast"], "A1_4096": ["dct_qkv", "dct_x"], "A2_4096": ["cast"]}


def peers_of(workload, threads):
    """In the order in which they take their turns."""
    if workload.kind == "window":
        forms = REWRITTEN.get(workload.name, [])
        rewritten = [f"{runtime}:{form}" for form in forms for runtime in ("weir", "onnxruntime", "openvino")]
        return WINDOWS + ["torch:window"] * (workload.part == "encoder") + rewritten
    if workload.streams > 1:
        return [STEPS[0], "weir:each", *STEPS[1:]]
    return [*STEPS, *NARROW, *(WINDOWS if threads == 1 else [])]


def shape(workload, threads):
    """What a run is compared and bounded by, for JSON."""
    return {
        "workload": workload.name, "threads": threads, "kind": workload.kind, "tokens": workload.tokens,
        "width": workload.width, "heads": workload.heads, "hidden": workload.hidden, "blocks": workload.blocks,
        "streams": workload.streams, "macs": workloads.macs(workload), "macs_window": workloads.window_macs(workload),
        "weights": workloads.weight_count(workload), "state_bytes": workloads.state_bytes(workload),
    }  # fmt: skip
