"""What is measured: encoders, their sizes, and what a prediction of them takes at least."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Workload:
    """A post-norm Transformer encoder with random weights.

    kind "step": a stream; each new token asks for the output row of the newest one.
    kind "window": whole windows; all output rows.
    With `band`, each token sees as many tokens as a window has, itself included, at every depth.
    """

    name: str
    kind: str
    tokens: int
    width: int
    heads: int
    hidden: int
    blocks: int = 1
    streams: int = 1
    activation: str = "relu"
    band: bool = False
    part: str = "encoder"  # or "attention", one sub-layer with its projections; or "core", without them

    @property
    def head(self):
        return self.width // self.heads

    @property
    def stream_tokens(self):
        """Tokens of the stream on which a peer is checked: past the first full window."""
        return self.tokens + 8 if self.kind == "step" else self.tokens

    @property
    def output_shape(self):
        rows = () if self.kind == "step" else (self.tokens,)
        return (self.streams, *rows, self.width)

    @property
    def sliding(self):
        """Does all that a window computes slide, but for the newest row?"""
        return self.band or self.blocks == 1


def named(workloads):
    return {workload.name: workload for workload in workloads}


WORKLOADS = named(
    [
        Workload("S1", "step", 64, 1024, 8, 1024),
        Workload("S2", "step", 64, 1024, 8, 1024, blocks=2),
        Workload("S3a", "step", 120, 192, 16, 384),
        Workload("S3b", "step", 120, 192, 16, 384, blocks=2),
        Workload("S4a", "step", 512, 512, 8, 2048),
        Workload("S4b", "step", 512, 512, 8, 2048, blocks=2),
        Workload("S5a", "step", 64, 1024, 8, 1024, streams=64),
        Workload("S5b", "step", 120, 192, 16, 384, streams=64),
        Workload("S6", "step", 256, 512, 8, 2048, blocks=6, band=True),
        Workload("L2_128", "window", 128, 384, 12, 1536, blocks=6, activation="gelu"),
        Workload("L2_512", "window", 512, 384, 12, 1536, blocks=6, activation="gelu"),
        Workload("L1_512", "window", 512, 512, 8, 2048, blocks=6),
        Workload("L1_1024", "window", 1024, 512, 8, 2048, blocks=6),
        Workload("L1_2048", "window", 2048, 512, 8, 2048, blocks=6),
        Workload("L1_4096", "window", 4096, 512, 8, 2048, blocks=6),
        Workload("A1_4096", "window", 4096, 512, 8, 0, part="attention"),
        Workload("A2_4096", "window", 4096, 512, 8, 0, part="core"),
    ]
)


def of_streams(workload, streams):
    """The same encoder on another number of streams at once."""
    return dataclasses.replace(workload, name=f"{workload.name}x{streams}", streams=streams)


def find(name):
    """`S1`, or `S1x16`: 16 streams of it."""
    if name in WORKLOADS:
        return WORKLOADS[name]
    base, cross, streams = name.partition("x")
    if base not in WORKLOADS or not cross or not streams.isdigit():
        raise KeyError(f"no workload is called {name}; there are {' '.join(WORKLOADS)}")
    return of_streams(WORKLOADS[base], int(streams))


def block_macs(workload, queries=None, rows=None):
    """Multiply-accumulates of one block: `rows` of its input are new, `queries` rows are wanted."""
    n, d, m = workload.tokens, workload.width, workload.hidden
    queries = n if queries is None else queries
    rows = n if rows is None else rows
    attention = 2 * queries * n * d
    if workload.part == "core":
        return attention
    projections = 2 * rows * d * d + queries * d * d
    return projections + attention + queries * (d * d + 2 * d * m)


def window_macs(workload):
    return workload.streams * workload.blocks * block_macs(workload)


def step_macs(workload):
    """The exact step: what does not depend on the token that left is kept.

    One block, and bands: one row. More blocks: the first attention is updated on all rows by the two
    tokens that left and came (three products of n rows), the last computes one row.
    """
    n, d, m, blocks = workload.tokens, workload.width, workload.hidden, workload.blocks
    if workload.sliding:
        return workload.streams * blocks * block_macs(workload, queries=1, rows=1)
    first = 3 * d * d + 6 * n * d + n * (d * d + 2 * d * m)
    between = (blocks - 2) * block_macs(workload)
    return workload.streams * (first + between + block_macs(workload, queries=1))


def macs(workload):
    """Of the form that is asked for, whoever computes more."""
    return step_macs(workload) if workload.kind == "step" else window_macs(workload)


def weight_count(workload):
    d, m = workload.width, workload.hidden
    if workload.part == "core":
        return 0
    return workload.blocks * (4 * d * d + 2 * d * m)


def state_bytes(workload):
    """Floats that a step has to read beside the weights: keys and values, or what the update of all rows reads."""
    if workload.kind != "step":
        return 0
    rings = 2 * workload.blocks if workload.sliding else 4
    return 4 * workload.streams * workload.tokens * workload.width * rings


def shape(workload):
    """What its figures are bounded by."""
    return {
        "kind": workload.kind, "tokens": workload.tokens, "streams": workload.streams, "macs": macs(workload),
        "macs_window": window_macs(workload), "weights": weight_count(workload), "state_bytes": state_bytes(workload),
        "encoder": repr(dataclasses.replace(workload, name="", streams=1)),
    }  # fmt: skip
