"""Which peers are measured on which workload."""

DEFAULT = (
    "S1 S2 S3a S3b S4a S4b S6 S5a S5b S1x4 S1x16 S3ax4 S3ax16 L2_128 L2_512".split()
    + "L1_512 L1_1024 L1_4096 A1_4096 A2_4096".split()
)
ONE_THREAD = {"S1x4", "S1x16", "S3ax4", "S3ax16", "L1_4096", "A1_4096", "A2_4096"}  # unless they are named
QUICK = ["S1", "S3a", "L2_128"]

STEPS = ["probe:f32", "weir:step", "onnxruntime:step", "onnxruntime:step+rings", "openvino:step", "openvino:step+stateful"]
NARROW = ["probe:bf16", "weir:step+bf16", "probe:int8", "weir:step+int8", "onnxruntime:step+w8"]
WINDOWS = ["weir:window", "onnxruntime:window", "onnxruntime:window+fused", "openvino:window", "torch:window"]
OTHERS = ["torch:ring", "torch:compiled", "continual:step", "iree:step"]
REWRITTEN = {
    "L1_1024": ["dct_x", "resample", "cast"],
    "L1_4096": ["dct_qkv", "dct_x", "resample", "cast"],
    "A1_4096": ["dct_qkv", "dct_x", "cast"],
    "A2_4096": ["cast"],
}


def peers_of(workload, threads):
    """In the order in which they take their turns."""
    windows = [peer for peer in WINDOWS if workload.part == "encoder" or not peer.startswith("torch:")]
    if workload.kind == "window":
        forms = REWRITTEN.get(workload.name, [])
        return windows + [f"{runtime}:{form}" for form in forms for runtime in ("weir", "onnxruntime", "openvino")]
    if workload.streams > 1:
        named = ["probe:f32", "weir:each", "weir:step", "onnxruntime:step", "openvino:step", "torch:ring"]
        return named + (["onnxruntime:step+rings", "torch:compiled"] if workload.streams >= 64 else [])
    most = {"continual": 2, "iree": 1}  # blocks; IREE compiles for many minutes where there are more
    others = [peer for peer in OTHERS if workload.blocks <= most.get(peer.partition(":")[0], 99)]
    return [*STEPS, *others, *NARROW, *(windows if threads == 1 else [])]


def peers_of_file(threads):
    """Of a user's file: no step was written by hand for it."""
    return ["probe:f32", "weir:step", *NARROW[:-1], "weir:window", "onnxruntime:window", "openvino:window"]
