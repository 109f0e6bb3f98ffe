"""The roofline: what a prediction takes at least on the machine of a run.

compute    two operations for each multiply-accumulate, at the rate that independent multiply-adds reach
memory     the time of the probe that reads as many bytes as the weights and states of a step have, measured between
           the peers; or, where no probe ran, these bytes at the rate measured for their size

The larger one is the bound. Weights and states are read once by a step however many streams there are; windows are
held against compute alone.
"""


def compute_us(limits, threads, macs):
    return 2 * macs / limits["fma_gflops"][str(threads)] / 1e3


def rate_of_size(limits, threads, size):
    """Gigabytes a second, as measured for the nearest larger size."""
    sizes = sorted(map(int, limits["read_gbs"]))
    nearest = next((one for one in sizes if one >= size), sizes[-1])
    return limits["read_gbs"][str(nearest)][str(threads)]


def memory_us(limits, threads, size):
    return size / rate_of_size(limits, threads, size) / 1e3


def weights_of(peer):
    """How wide the weights are that a peer reads."""
    option = peer.partition("+")[2]
    return {"bf16": "bf16", "int8": "int8", "w8": "int8"}.get(option, "f32")


BYTES = {"f32": 4, "bf16": 2, "int8": 1}


def read_bytes(run, weights):
    return BYTES[weights] * run["weights"] + run["state_bytes"]


def bound_us(limits, run, peer):
    """Of the form that a run asks for, with weights as wide as those of `peer`; whoever computes more."""
    threads, weights = run["threads"], weights_of(peer)
    compute = compute_us(limits, threads, run["macs"])
    if run["kind"] != "step":
        return compute
    probe = next((one for one in run["records"] if one["peer"] == f"probe:{weights}" and "median" in one), None)
    return max(compute, probe["median"] if probe else memory_us(limits, threads, read_bytes(run, weights)))
