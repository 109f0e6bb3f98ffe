"""What the file states about shapes and types of its values."""

import numpy as np
from onnx import TensorProto, helper

from .registry import HUGE, ODD, mutation, some


def shape_of(info):
    return info.type.tensor_type.shape


def damage(shape, rng):
    """Another size, rank, or symbol."""
    choice = rng.integers(6)
    if choice == 0:
        shape.dim.add().dim_value = int(some(rng, ODD))
    elif choice == 1 and shape.dim:
        del shape.dim[rng.integers(len(shape.dim))]
    elif choice == 2:
        for _ in range(100):
            shape.dim.add().dim_value = int(some(rng, [1, 1, 2, -1]))
    elif choice == 3:
        del shape.dim[:]
    elif choice == 4:
        for dim in shape.dim:
            dim.dim_param = some(rng, ["n", "batch", "", "=", "x:1", "9", "a\0b", "x" * 9999])
    elif shape.dim:
        some(rng, shape.dim).dim_value = int(some(rng, ODD))


@mutation("shapes")
def input_shape_changed(model, rng, folder):
    kind = some(rng, model.graph.input).type.tensor_type
    if rng.random() < 0.2:
        kind.ClearField("shape")
    else:
        damage(kind.shape, rng)


@mutation("shapes")
def input_sizes_multiplied(model, rng, folder):
    """Each is possible, their product is not, or only just."""
    sizes = some(
        rng, [[2**31, 2**31, 4], [2**20, 2**20, 8], [2**62, 1, 1], [1, 2**33, 8], [2**12, 2**12, 2**8]]
    )
    shape = shape_of(model.graph.input[0])
    del shape.dim[:]
    for size in sizes:
        shape.dim.add().dim_value = size


@mutation("shapes")
def input_type_changed(model, rng, folder):
    info = some(rng, model.graph.input)
    kind = rng.integers(6)
    if kind == 0:
        info.ClearField("type")
    elif kind == 1:
        info.type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    elif kind == 2:
        info.type.optional_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
    elif kind == 3:
        info.type.map_type.key_type = TensorProto.INT64
    elif kind == 4:
        info.type.sparse_tensor_type.elem_type = TensorProto.FLOAT
    else:
        info.type.tensor_type.elem_type = int(some(rng, [*range(-1, 30), 2**31 - 1]))


@mutation("shapes")
def output_declared_wrongly(model, rng, folder):
    info = some(rng, model.graph.output)
    if rng.random() < 0.3:
        info.type.tensor_type.elem_type = int(rng.integers(0, 30))
    damage(shape_of(info), rng)


@mutation("shapes")
def value_declared_wrongly(model, rng, folder):
    """Facts about inner values are claims of the file, not the truth."""
    for node in model.graph.node:
        if rng.random() < 0.5 and node.output and node.output[0]:
            shape = [int(some(rng, [1, 2, 7, *HUGE])) for _ in range(int(rng.integers(0, 5)))]
            element = int(some(rng, [TensorProto.FLOAT, TensorProto.INT64, 0, 99]))
            model.graph.value_info.append(helper.make_tensor_value_info(node.output[0], element, shape))


@mutation("shapes")
def unknown_operator_declared(model, rng, folder):
    """Its result is what the file says it is."""
    shape = [int(some(rng, [1, 2, 8, *HUGE])) for _ in range(int(rng.integers(0, 5)))]
    last = model.graph.output[0].name
    model.graph.node.append(helper.make_node("Mystery", [last], ["mystery"]))
    model.graph.node.append(
        helper.make_node(some(rng, ["Relu", "Softmax", "Transpose"]), ["mystery"], ["after"])
    )
    model.graph.value_info.append(helper.make_tensor_value_info("mystery", TensorProto.FLOAT, shape))
    model.graph.output[0].name = "after"


@mutation("shapes")
def symbols_clash(model, rng, folder):
    """One name for dimensions of several sizes."""
    for info in [*model.graph.input, *model.graph.output]:
        for dim in shape_of(info).dim:
            if rng.random() < 0.6:
                dim.dim_param = some(rng, ["n", "n", "m"])


@mutation("shapes")
def many_inputs(model, rng, folder):
    """Each could be the stream; which axis is the token axis is a question of all of them."""
    count, rank = int(some(rng, [20, 300, 3000])), int(some(rng, [1, 3, 8]))
    sizes = [int(some(rng, [8, 8, 8, 2])) for _ in range(rank)]
    for index in range(count):
        model.graph.input.append(helper.make_tensor_value_info(f"more_{index}", TensorProto.FLOAT, sizes))
    if rng.random() < 0.5:
        model.graph.node.append(helper.make_node("Sum", [f"more_{i}" for i in range(count)], ["sum_of_more"]))
        model.graph.output.add().name = "sum_of_more"


@mutation("shapes")
def operands_reshaped(model, rng, folder):
    """A view that changes what every later operator sees."""
    node = some(rng, [node for node in model.graph.node if node.input and node.input[0]])
    shape = some(rng, [[-1], [1, -1], [0, 0, -1], [-1, 1, 1, 1], [0, -1, 0], [1] * 20 + [-1], [-1, 2]])
    model.graph.initializer.append(
        helper.make_tensor("another_shape", TensorProto.INT64, [len(shape)], np.array(shape))
    )
    view = helper.make_node("Reshape", [node.input[0], "another_shape"], ["reshaped_here"])
    node.input[0] = "reshaped_here"
    model.graph.node.insert(list(model.graph.node).index(node), view)
