"""Names: of values, nodes and the model."""

from .registry import mutation, some

NAMES = [
    '"',
    "\n",
    "%0",
    "@x",
    "a b\\",
    "\x00",
    "a\x00b",
    "é" * 50,
    "x" * 100_000,
    "=",
    "\x1b[2J",
    "../x",
    "\u202e",
]


def rename(model, old, new):
    for node in model.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
    for group in (model.graph.input, model.graph.output, model.graph.initializer):
        for item in group:
            item.name = new if item.name == old else item.name


@mutation("names")
def names_odd(model, rng, folder):
    values = [*model.graph.input, *model.graph.output, *model.graph.initializer]
    rename(model, some(rng, values).name, some(rng, NAMES))
    some(rng, model.graph.node).name = some(rng, NAMES)


@mutation("names")
def names_collide(model, rng, folder):
    node = some(rng, model.graph.node)
    taken = [model.graph.input[0].name, model.graph.output[0].name, some(rng, model.graph.node).output[0], ""]
    if model.graph.initializer:
        taken.append(model.graph.initializer[0].name)
    node.output[0] = some(rng, taken)


@mutation("names")
def initializers_collide(model, rng, folder):
    if len(model.graph.initializer) > 1:
        model.graph.initializer[1].name = model.graph.initializer[0].name


@mutation("names")
def names_absent(model, rng, folder):
    for group in (model.graph.input, model.graph.output, model.graph.initializer, model.graph.node):
        if rng.random() < 0.3:
            for item in group:
                item.name = ""


@mutation("names")
def names_equal(model, rng, folder):
    """Every node is called the same."""
    for node in model.graph.node:
        node.name = "node"


@mutation("names", refused=True)
def names_not_unicode(model, rng, folder):
    """A graph output named in bytes that are no UTF-8, and that nothing defines."""
    output = b"\x0a\x03\xff\xfe\xfd"  # ValueInfoProto: name
    graph = b"\x62" + bytes([len(output)]) + output  # GraphProto: output
    return b"\x3a" + bytes([len(graph)]) + graph  # ModelProto: graph
