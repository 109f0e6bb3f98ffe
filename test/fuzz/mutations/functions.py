"""The model's own functions, and bodies in nodes."""

import numpy as np
from onnx import AttributeProto, helper, numpy_helper

from .registry import mutation, some


def call(model, name, inputs=None, outputs=("called",), **attributes):
    """Calls `name` on the first output, and gives its result instead."""
    model.opset_import.append(helper.make_opsetid("local", 1))
    operands = [model.graph.output[0].name] if inputs is None else inputs
    model.graph.node.append(helper.make_node(name, operands, list(outputs), domain="local", **attributes))
    model.graph.output[0].name = outputs[0]


def function(name, body, inputs=("x",), outputs=("y",), attributes=(), opset=17):
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("local", 1)]
    return helper.make_function("local", name, list(inputs), list(outputs), body, opsets, list(attributes))


def local(name, source, target):
    return helper.make_node(name, [source], [target], domain="local")


@mutation("functions", refused=True)
def recursive_functions(model, rng, folder):
    """f calls f, or f calls g calls f, or around a ring of many."""
    names = [f"f{index}" for index in range(int(some(rng, [1, 2, 3, 70, 500])))]
    for name, callee in zip(names, [*names[1:], names[0]]):
        model.functions.append(function(name, [local(callee, "x", "y")]))
    call(model, names[0])


@mutation("functions", refused=True)
def doubling_functions(model, rng, folder):
    """Each calls the one before twice: 40 of them are 2^40 nodes when inlined."""
    model.functions.append(function("f0", [helper.make_node("Relu", ["x"], ["y"])]))
    for index in range(1, 41):
        callee = f"f{index - 1}"
        model.functions.append(function(f"f{index}", [local(callee, "x", "t"), local(callee, "t", "y")]))
    call(model, "f40")


@mutation("functions", refused=True)
def empty_doubling_functions(model, rng, folder):
    """The same, and the innermost does nothing: calls are work, too."""
    model.functions.append(function("f0", [], inputs=("y",)))
    for index in range(1, 61):
        callee = f"f{index - 1}"
        model.functions.append(function(f"f{index}", [local(callee, "x", "t"), local(callee, "t", "y")]))
    call(model, "f60")


@mutation("functions", refused=True)
def deep_functions(model, rng, folder):
    """A chain of calls; no stack may be as deep as that."""
    depth = int(some(rng, [100, 1000, 20_000]))
    model.functions.append(function("f0", [helper.make_node("Relu", ["x"], ["y"])]))
    for index in range(1, depth):
        model.functions.append(function(f"f{index}", [local(f"f{index - 1}", "x", "y")]))
    call(model, f"f{depth - 1}")


@mutation("functions")
def functions_of_one_name(model, rng, folder):
    for op in ("Relu", "Neg", "Softmax"):
        model.functions.append(function("f", [helper.make_node(op, ["x"], ["y"])]))
    call(model, "f")


@mutation("functions", refused=True)
def function_undefined(model, rng, folder):
    """The body calls what nobody defines, reads it, or never defines its result."""
    bodies = [
        [helper.make_node("Relu", ["nowhere"], ["y"])],
        [helper.make_node("Relu", ["x"], ["z"])],
        [helper.make_node("Relu", ["x"], ["x"])],
        [helper.make_node("Relu", ["y"], ["y"])],
        [],
    ]
    model.functions.append(function("f", some(rng, bodies)))
    call(model, "f")


@mutation("functions", refused=True)
def function_of_other_arity(model, rng, folder):
    model.functions.append(function("f", [helper.make_node("Relu", ["x"], ["y"])]))
    last = model.graph.output[0].name
    if rng.random() < 0.5:
        call(model, "f", inputs=[last] * int(some(rng, [2, 500])))
    else:
        call(model, "f", outputs=("called", "never"))


@mutation("functions")
def function_without_operands(model, rng, folder):
    """Absent operands, and attributes that the call leaves out."""
    body = helper.make_node("Softmax", ["x"], ["y"])
    reference = AttributeProto(name="axis", type=int(some(rng, [1, 2, 5, 7])), ref_attr_name="a")
    body.attribute.append(reference)
    model.functions.append(function("f", [body], attributes=["a"] if rng.random() < 0.7 else []))
    value = some(rng, [None, 1, -1, 99, 0.5, "s", [1, 2]])
    operands = some(rng, [None, None, [], [""]])
    call(model, "f", inputs=operands, **({} if value is None else {"a": value}))


@mutation("functions")
def function_shadows_an_operator(model, rng, folder):
    """A function of ONNX's own domain, or of no operator set."""
    body = [helper.make_node("Neg", ["x"], ["y"])]
    shadow = helper.make_function(
        some(rng, ["", "ai.onnx", "other"]), some(rng, ["Relu", "Softmax", "MatMul"]), ["x"], ["y"], body,
        [helper.make_opsetid("", int(some(rng, [-1, 0, 7, 17, 10**9])))] * int(rng.integers(0, 3)),
    )  # fmt: skip
    model.functions.append(shadow)
    if rng.random() < 0.5:
        model.graph.node[-1].domain = "other"


def branch(nodes, output, name="branch"):
    return helper.make_graph(nodes, name, [], [helper.make_tensor_value_info(output, 1, None)])


@mutation("functions")
def branches_on_constants(model, rng, folder):
    """If on a constant, or on data; branches that lack results, or are absent."""
    last = model.graph.output[0].name
    conditions = [
        np.array(True),
        np.array([True]),
        np.array([True, False]),
        np.array(1.5),
        np.zeros((0,), bool),
    ]
    model.graph.initializer.append(numpy_helper.from_array(some(rng, conditions), "condition"))
    then = branch([helper.make_node("Relu", [last], ["chosen"])], "chosen")
    other = branch([helper.make_node("Neg", [some(rng, [last, "nowhere"])], ["chosen"])], "chosen")
    node = helper.make_node(
        "If", [some(rng, ["condition", last])], ["branched"], then_branch=then, else_branch=other
    )
    if rng.random() < 0.4:
        del node.attribute[rng.integers(2)]
    if rng.random() < 0.2:
        then.output.add().name = "more"
    model.graph.node.append(node)
    model.graph.output[0].name = "branched"


@mutation("functions")
def branches_nested(model, rng, folder):
    """If on a constant inside of If, as deep as protobuf reads."""
    last = model.graph.output[0].name
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "condition"))
    inner = branch([helper.make_node("Relu", [last], ["deep"])], "deep")
    for _ in range(int(some(rng, [3, 10, 15, 25]))):
        node = helper.make_node(
            "If", ["condition"], ["deep"], then_branch=inner, else_branch=branch([], "deep")
        )
        inner = branch([node], "deep")
    model.graph.node.extend(inner.node)
    model.graph.output[0].name = "deep"


def field(number, content):
    """A length-delimited protobuf field, number 1 to 15; Python's own writer refuses to nest this deep."""
    length, varint = len(content), b""
    while length > 127:
        varint, length = varint + bytes([length % 128 + 128]), length // 128
    return bytes([number << 3 | 2]) + varint + bytes([length]) + content


@mutation("functions", refused=True)
def deep_nesting(model, rng, folder):
    """If inside of If inside of If: bytes that a reader merges into the graph."""
    graph = b""
    for _ in range(int(some(rng, [25, 200, 2000]))):
        inner = field(1, b"then_branch") + field(6, graph)  # AttributeProto: name, g
        node = field(1, b"deep_x") + field(2, b"deep_y") + field(4, b"If") + field(5, inner)  # NodeProto
        graph = field(1, node) + field(2, b"nest")  # GraphProto: node, name
    return field(7, graph)  # ModelProto: graph
