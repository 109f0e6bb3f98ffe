"""Attributes: values, types, absence, and what belongs to functions only."""

import numpy as np
from onnx import AttributeProto, helper, numpy_helper

from .registry import HUGE, ODD, attributes_of, mutation, some

FLOATS = [np.nan, np.inf, -np.inf, -1, 0, -0.0, 1e-45, 1e38, -1e38]
STRINGS = [b"", b"\xff\xfe", b"a,b->c", b"...i", b"a" * 52 + b"->", b"->", b"a->aa", b"SAME_UPPER", b"tanh"]
STRINGS += [b"x" * 9999, b"ab,bc,cd,de,ef->af", b"\0", b"reflect", b"none"]


def random_value(rng):
    """A value of any type that an attribute may have."""
    integers = lambda count: [int(some(rng, ODD)) for _ in range(count)]
    kinds = [
        lambda: int(some(rng, ODD)),
        lambda: float(some(rng, FLOATS)),
        lambda: some(rng, STRINGS),
        lambda: integers(int(some(rng, [1, 2, 3, 4, 8, 1000]))),
        lambda: [float(some(rng, FLOATS)) for _ in range(int(rng.integers(1, 5)))],
        lambda: [some(rng, STRINGS) for _ in range(int(rng.integers(1, 5)))],
        lambda: numpy_helper.from_array(np.array(integers(int(rng.integers(0, 5))), np.int64)),
        lambda: helper.make_graph([], "", [], []),
    ]
    return some(rng, kinds)()


@mutation("attributes")
def attribute_value_changed(model, rng, folder):
    attribute = some(rng, attributes_of(model))
    if attribute is None:
        return
    value = int(some(rng, ODD))
    if attribute.ints:
        attribute.ints[rng.integers(len(attribute.ints))] = value
    attribute.i = value
    attribute.f = float(some(rng, FLOATS))
    attribute.s = some(rng, STRINGS)


@mutation("attributes")
def attribute_list_resized(model, rng, folder):
    attribute = some(rng, [a for a in attributes_of(model) if a.ints])
    if attribute is None:
        return
    count = int(some(rng, [0, 1, 2, 5, 64, 100_000]))
    attribute.ints[:] = [int(some(rng, [0, 1, *ODD])) for _ in range(count)]


@mutation("attributes")
def attribute_type_changed(model, rng, folder):
    attribute = some(rng, attributes_of(model))
    if attribute is not None:
        attribute.type = int(rng.integers(0, 15))


@mutation("attributes")
def attribute_replaced(model, rng, folder):
    """Another value, well formed, of any type."""
    node = some(rng, [node for node in model.graph.node if node.attribute])
    if node is None:
        return
    attribute = some(rng, node.attribute)
    attribute.CopyFrom(helper.make_attribute(attribute.name, random_value(rng)))


@mutation("attributes")
def attribute_invented(model, rng, folder):
    """One that the node does not have, or that another operator has."""
    node = some(rng, model.graph.node)
    names = ["axis", "axes", "keepdims", "to", "perm", "group", "pads", "value", "equation", "is_causal"]
    names += ["kernel_shape", "strides", "dilations", "num_outputs", "", "a\0b", "x" * 9999, "weir.input"]
    names += ["scale", "softcap", "q_num_heads", "operandSegmentSizes", "batch_dims", "largest", "é"]
    node.attribute.append(helper.make_attribute(some(rng, names), random_value(rng)))


@mutation("attributes")
def attribute_removed_or_repeated(model, rng, folder):
    node = some(rng, [node for node in model.graph.node if node.attribute])
    if node is None:
        return
    if rng.random() < 0.5:
        del node.attribute[rng.integers(len(node.attribute))]
    else:
        node.attribute.append(node.attribute[0])


@mutation("attributes")
def attribute_refers_to_no_function(model, rng, folder):
    """References are for the bodies of functions."""
    attribute = some(rng, attributes_of(model))
    if attribute is not None:
        attribute.ref_attr_name = some(rng, ["axis", attribute.name, "\0", "x" * 9999])


@mutation("attributes")
def graph_where_none_belongs(model, rng, folder):
    node = some(rng, model.graph.node)
    body = helper.make_graph(list(model.graph.node), "body", [], list(model.graph.output))
    name = some(rng, ["body", "then_branch", node.attribute[0].name if node.attribute else "axis"])
    attribute = helper.make_attribute(name, body)
    if rng.random() < 0.3:
        attribute = AttributeProto(name=name, type=AttributeProto.GRAPHS, graphs=[body])
    node.attribute.append(attribute)


@mutation("attributes")
def convolution_of_odd_sizes(model, rng, folder):
    """Conv and pools whose attributes are extreme, on a constant or on the first input."""
    node = some(rng, [node for node in model.graph.node if node.op_type in ("Conv", "Pad", "MaxPool")])
    if node is None:
        node = some(rng, model.graph.node)
        node.op_type = some(rng, ["MaxPool", "AveragePool"])
    for name in ("kernel_shape", "strides", "dilations", "pads"):
        if rng.random() < 0.5:
            values = [int(some(rng, [1, 2, 3, *HUGE, 2**20])) for _ in range(int(rng.integers(1, 5)))]
            for old in [a for a in node.attribute if a.name == name]:
                node.attribute.remove(old)
            node.attribute.append(helper.make_attribute(name, values))
    if rng.random() < 0.2:
        node.attribute.append(helper.make_attribute("auto_pad", some(rng, ["SAME_UPPER", "VALID", "?"])))
