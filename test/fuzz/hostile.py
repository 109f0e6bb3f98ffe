"""Files that nothing may accept: `mutate_onnx.py` expects exit code 1 and a message.

Each function spoils a model that will lie in `folder`; what it returns is appended to the file's bytes.
"""

import os

from onnx import TensorProto, helper

from mutations import adds_to, some

HOSTILE = []


def external(model, location, **keys):
    tensor = max(model.graph.initializer, key=lambda t: len(t.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **keys}.items():
        tensor.external_data.add(key=key, value=str(value))


@adds_to(HOSTILE)
def external_data_escapes(model, rng, folder):
    (folder.parent / "secret.bin").write_bytes(bytes(1 << 16))
    (folder / "sub").mkdir(exist_ok=True)
    outside = os.path.relpath(folder.parent / "secret.bin", folder)
    absolute = str(folder.parent / "secret.bin")
    places = [outside, f"sub/../{outside}", f"./{outside}", absolute, "/dev/zero", "/proc/self/environ"]
    external(model, some(rng, places))


@adds_to(HOSTILE)
def external_data_is_a_link(model, rng, folder):
    (folder.parent / "secret.bin").write_bytes(bytes(1 << 16))
    link = folder / "weights.bin"
    if rng.random() < 0.5:
        link.symlink_to(folder.parent / "secret.bin")
        external(model, "weights.bin")
    else:
        (folder / "inside").symlink_to(folder.parent)
        external(model, "inside/secret.bin")


@adds_to(HOSTILE)
def external_data_is_no_file(model, rng, folder):
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    external(model, some(rng, ["folder", "pipe", "absent.bin", "", ".", "a\x00b"]))


@adds_to(HOSTILE)
def external_data_out_of_bounds(model, rng, folder):
    (folder / "weights.bin").write_bytes(bytes(64))
    bounds = [
        {},
        {"offset": 2**62},
        {"offset": -8},
        {"offset": "x"},
        {"length": 2**62},
        {"offset": 60, "length": 2**63 - 30},
        {"length": 8},
    ]
    external(model, "weights.bin", **some(rng, bounds))


@adds_to(HOSTILE)
def cyclic(model, rng, folder):
    """A node reads a value that is computed from its own result."""
    nodes = model.graph.node
    for start in rng.permutation(len(nodes) - 1):
        reached, last = {*nodes[start].output}, None
        for node in nodes[start + 1 :]:
            if reached & {*node.input}:
                reached |= {*node.output}
                last = node
        if last is not None and nodes[start].input:
            nodes[start].input[0] = last.output[0]
            return


@adds_to(HOSTILE)
def reads_itself(model, rng, folder):
    node = some(rng, [node for node in model.graph.node if node.input])
    node.input[0] = node.output[0]


@adds_to(HOSTILE)
def opset_missing(model, rng, folder):
    del model.opset_import[:]


@adds_to(HOSTILE)
def no_graph(model, rng, folder):
    model.ClearField("graph")


def call(model, name):
    model.opset_import.append(helper.make_opsetid("local", 1))
    model.graph.node.append(helper.make_node(name, [model.graph.output[0].name], ["called"], domain="local"))
    model.graph.output[0].name = "called"


def function(name, body):
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, ["x"], ["y"], body, opsets)


@adds_to(HOSTILE)
def recursive_functions(model, rng, folder):
    """f calls f, or f calls g calls f."""
    names = ["f", "g"][: rng.integers(1, 3)]
    for name, callee in zip(names, [*names[1:], names[0]]):
        model.functions.append(function(name, [helper.make_node(callee, ["x"], ["y"], domain="local")]))
    call(model, "f")


@adds_to(HOSTILE)
def doubling_functions(model, rng, folder):
    """Each calls the one before twice: 40 of them are 2^40 nodes when inlined."""
    model.functions.append(function("f0", [helper.make_node("Relu", ["x"], ["y"])]))
    for index in range(1, 41):
        twice = [
            helper.make_node(f"f{index - 1}", [a], [b], domain="local") for a, b in [("x", "t"), ("t", "y")]
        ]
        model.functions.append(function(f"f{index}", twice))
    call(model, "f40")


def field(number, content):
    """A length-delimited protobuf field, number 1 to 15; Python's own writer refuses to nest this deep."""
    length, varint = len(content), b""
    while length > 127:
        varint, length = varint + bytes([length % 128 + 128]), length // 128
    return bytes([number << 3 | 2]) + varint + bytes([length]) + content


@adds_to(HOSTILE)
def deep_nesting(model, rng, folder):
    """If inside of If inside of If: bytes that a reader merges into the graph."""
    graph = b""
    for _ in range(int(some(rng, [25, 200, 2000]))):
        branch = field(1, b"then_branch") + field(6, graph)  # AttributeProto: name, g
        node = field(1, b"deep_x") + field(2, b"deep_y") + field(4, b"If") + field(5, branch)  # NodeProto
        graph = field(1, node) + field(2, b"nest")  # GraphProto: node, name
    return field(7, graph)  # ModelProto: graph
