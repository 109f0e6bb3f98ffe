"""Ways to spoil an ONNX file; each takes a model, a random generator and the folder it will lie in.

BYTES change the file as a string of bytes, GRAPHS what it means.
"""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

BYTES, GRAPHS = [], []
HUGE = [2**31, 2**40, 2**60, 2**62, -(2**63)]


def adds_to(group):
    def register(function):
        group.append(function)
        return function

    return register


def some(rng, items):
    """A random item, or None of an empty list."""
    return items[rng.integers(len(items))] if len(items) else None


# Bytes


@adds_to(BYTES)
def truncated(data, rng):
    return data[: rng.integers(len(data))]


@adds_to(BYTES)
def flipped_bits(data, rng):
    values = np.frombuffer(data, np.uint8).copy()
    for at in rng.integers(len(values), size=rng.integers(1, 9)):
        values[at] ^= 1 << rng.integers(8)
    return values.tobytes()


@adds_to(BYTES)
def random_bytes(data, rng):
    start, length = rng.integers(len(data)), rng.integers(1, 33)
    return data[:start] + rng.bytes(length) + data[start + length :]


@adds_to(BYTES)
def removed_bytes(data, rng):
    start = rng.integers(len(data))
    return data[:start] + data[start + rng.integers(1, 65) :]


@adds_to(BYTES)
def repeated_bytes(data, rng):
    start, length = rng.integers(len(data)), rng.integers(1, 513)
    return data[: start + length] + data[start:]


@adds_to(BYTES)
def small_numbers_grown(data, rng):
    """Lengths, counts and types become a varint of nine bytes."""
    start = rng.integers(len(data))
    return data[:start] + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + data[start + 1 :]


# Graphs


@adds_to(GRAPHS)
def operand_swapped(model, rng, folder):
    nodes = [node for node in model.graph.node if node.input]
    first, second = some(rng, nodes), some(rng, nodes)
    first.input[rng.integers(len(first.input))] = second.input[rng.integers(len(second.input))]


@adds_to(GRAPHS)
def operand_added_or_removed(model, rng, folder):
    node = some(rng, [node for node in model.graph.node if node.input])
    if rng.random() < 0.5:
        node.input.append(node.input[0])
    else:
        del node.input[-1]


@adds_to(GRAPHS)
def result_added_or_removed(model, rng, folder):
    node = some(rng, model.graph.node)
    if rng.random() < 0.5:
        node.output.append("another_result")
    else:
        del node.output[-1]


@adds_to(GRAPHS)
def node_removed(model, rng, folder):
    del model.graph.node[rng.integers(len(model.graph.node))]


@adds_to(GRAPHS)
def node_moved(model, rng, folder):
    nodes = list(model.graph.node)
    nodes.insert(rng.integers(len(nodes)), nodes.pop(rng.integers(len(nodes))))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@adds_to(GRAPHS)
def operator_changed(model, rng, folder):
    kinds = [
        "Relu",
        "MatMul",
        "Reshape",
        "Transpose",
        "Split",
        "Concat",
        "Gather",
        "Loop",
        "If",
        "Scan",
        "LSTM",
        "Softmax",
        "Pad",
        "Conv",
    ]
    kinds += [
        "Attention",
        "LayerNormalization",
        "Einsum",
        "Slice",
        "Squeeze",
        "Expand",
        "Tile",
        "Constant",
        "ReduceMean",
        "TopK",
        "",
        "x" * 9999,
    ]
    some(rng, model.graph.node).op_type = some(rng, kinds)


@adds_to(GRAPHS)
def attribute_value_changed(model, rng, folder):
    attributes = [a for node in model.graph.node for a in node.attribute]
    attribute = some(rng, attributes)
    if attribute is None:
        return
    value = int(some(rng, [-1, 0, 7, 999, *HUGE]))
    if attribute.ints:
        attribute.ints[rng.integers(len(attribute.ints))] = value
    attribute.i = value
    attribute.f = float(some(rng, [np.nan, np.inf, -1, 0, 1e38]))
    attribute.s = some(rng, [b"", b"\xff\xfe", b"a,b->c", b"...i", b"x" * 9999])


@adds_to(GRAPHS)
def attribute_type_changed(model, rng, folder):
    attribute = some(rng, [a for node in model.graph.node for a in node.attribute])
    if attribute is not None:
        attribute.type = int(rng.integers(0, 16))


@adds_to(GRAPHS)
def attribute_removed_or_repeated(model, rng, folder):
    node = some(rng, [node for node in model.graph.node if node.attribute])
    if node is None:
        return
    if rng.random() < 0.5:
        del node.attribute[-1]
    else:
        node.attribute.append(node.attribute[0])


@adds_to(GRAPHS)
def tensor_dims_changed(model, rng, folder):
    tensor = some(rng, model.graph.initializer)
    if tensor.dims and rng.random() < 0.7:
        tensor.dims[rng.integers(len(tensor.dims))] = int(some(rng, [-1, 0, 1, 3, *HUGE]))
    else:
        tensor.dims.extend([1] * 300 if rng.random() < 0.5 else HUGE[:3])


@adds_to(GRAPHS)
def tensor_type_changed(model, rng, folder):
    some(rng, model.graph.initializer).data_type = int(rng.integers(-1, 30))


@adds_to(GRAPHS)
def tensor_data_removed(model, rng, folder):
    some(rng, model.graph.initializer).ClearField("raw_data")


@adds_to(GRAPHS)
def tensor_values_changed(model, rng, folder):
    """Shapes, indices and axes that come as tensors turn wild."""
    integers = [t for t in model.graph.initializer if t.data_type == TensorProto.INT64]
    integers += [
        a.t
        for node in model.graph.node
        if node.op_type == "Constant"
        for a in node.attribute
        if a.t.data_type == TensorProto.INT64
    ]
    tensor = some(rng, integers)
    if tensor is None:
        return
    values = numpy_helper.to_array(tensor).copy().reshape(-1)
    if values.size:
        values[rng.integers(values.size)] = some(rng, [-1, 0, 1, 5, 999, *HUGE])
    name, dims = tensor.name, list(tensor.dims)
    tensor.CopyFrom(numpy_helper.from_array(values.reshape(dims), name))


@adds_to(GRAPHS)
def input_shape_changed(model, rng, folder):
    kind = model.graph.input[0].type.tensor_type
    choice = rng.integers(4)
    if choice == 0:
        kind.ClearField("shape")
    elif choice == 1:
        kind.shape.dim.add().dim_value = 3
    elif choice == 2 and kind.shape.dim:
        del kind.shape.dim[0]
    elif kind.shape.dim:
        some(rng, kind.shape.dim).dim_value = int(some(rng, [-1, 0, 1, *HUGE]))


@adds_to(GRAPHS)
def input_type_changed(model, rng, folder):
    if rng.random() < 0.3:
        model.graph.input[0].ClearField("type")
    else:
        model.graph.input[0].type.tensor_type.elem_type = int(rng.integers(-1, 30))


@adds_to(GRAPHS)
def names_collide(model, rng, folder):
    node = some(rng, model.graph.node)
    taken = [model.graph.input[0].name, model.graph.output[0].name, model.graph.initializer[0].name, ""]
    node.output[0] = some(rng, taken)


@adds_to(GRAPHS)
def names_odd(model, rng, folder):
    name = some(rng, ['"', "\n", "%0", "@x", "a b\\", "\x00", "é" * 50, "x" * 100_000])
    old = model.graph.input[0].name
    for node in model.graph.node:
        node.input[:] = [name if operand == old else operand for operand in node.input]
    model.graph.input[0].name = name
    some(rng, model.graph.node).name = name


@adds_to(GRAPHS)
def opset_changed(model, rng, folder):
    model.opset_import[0].version = int(some(rng, [-1, 0, 1, 7, 11, 13, 999, 2**40]))


@adds_to(GRAPHS)
def ir_version_changed(model, rng, folder):
    model.ir_version = int(some(rng, [0, 1, 2, 99, 2**40]))


@adds_to(GRAPHS)
def output_unknown(model, rng, folder):
    model.graph.output.add().name = "nowhere"


@adds_to(GRAPHS)
def huge_constants(model, rng, folder):
    """A few bytes that ask for exabytes once folded."""
    size = int(some(rng, [2**24, *HUGE[:4]]))
    shape = numpy_helper.from_array(np.array([size]), "huge_shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["huge_shape"], ["huge"]),
        helper.make_node("Expand", ["one", "huge_shape"], ["huge"]),
        helper.make_node("Tile", ["one", "huge_shape"], ["huge"]),
        helper.make_node("Range", ["zero", "huge_size", "one_size"], ["huge"]),
        helper.make_node("Pad", ["one", "huge_pads"], ["huge"]),
    ]
    one = numpy_helper.from_array(np.ones(1, np.float32), "one")
    numbers = [
        numpy_helper.from_array(np.array(v), name)
        for v, name in [(0, "zero"), (size, "huge_size"), (1, "one_size")]
    ]
    pads = numpy_helper.from_array(np.array([0, size]), "huge_pads")
    model.graph.initializer.extend([shape, one, pads, *numbers])
    model.graph.node.insert(0, some(rng, nodes))
    model.graph.node.append(helper.make_node("ReduceMax", ["huge"], ["huge_max"], keepdims=0))
    model.graph.output.add().name = "huge_max"


@adds_to(GRAPHS)
def broadcast_squared(model, rng, folder):
    """[n, 1] + [1, n] over and over: small constants, a large sum."""
    n = int(some(rng, [64, 4096, 2**20]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([n, 1]), "tall_shape"))
    model.graph.initializer.append(numpy_helper.from_array(np.array([1, n]), "wide_shape"))
    extra = [
        helper.make_node("ConstantOfShape", ["tall_shape"], ["tall"]),
        helper.make_node("ConstantOfShape", ["wide_shape"], ["wide"]),
        helper.make_node("Add", ["tall", "wide"], ["square"]),
    ]
    model.graph.node.extend(extra)
    model.graph.output.add().name = "square"


@adds_to(GRAPHS)
def many_nodes(model, rng, folder):
    """A chain of thousands of nodes: no recursion over the graph may be as deep as that."""
    last = model.graph.output[0].name
    for index in range(int(some(rng, [2000, 10_000]))):
        model.graph.node.append(helper.make_node("Relu", [last], [f"chain_{index}"]))
        last = f"chain_{index}"
    model.graph.output[0].name = last
