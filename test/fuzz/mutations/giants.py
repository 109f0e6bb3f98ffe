"""Small files that ask for large or slow constants, or for convolutions without end."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .registry import INT64_MAX, append, mutation, some

SIZES = [2**16, 2**20, 2**24, 2**27, 2**31, 2**40, 2**60, 2**62]
node = helper.make_node


def integers(name, *values, dims=None):
    array = np.array(values, np.int64)
    return numpy_helper.from_array(array.reshape(dims) if dims is not None else array, name)


def finish(model, rng, nodes, constants, huge="huge"):
    """Reduce `huge` to one number that the model returns, or combine it with what the model computes."""
    if rng.random() < 0.5:
        nodes.append(node("ReduceMax", [huge], ["of_huge"], keepdims=0))
    else:
        nodes.append(
            node(some(rng, ["Add", "Concat", "MatMul"]), [huge, model.graph.output[0].name], ["of_huge"])
        )
        if nodes[-1].op_type == "Concat":
            nodes[-1].attribute.append(helper.make_attribute("axis", 0))
    append(model, *nodes, output="of_huge", constants=constants)


@mutation("giants")
def huge_constants(model, rng, folder):
    """A few bytes that ask for exabytes once folded."""
    size = int(some(rng, SIZES))
    constants = [
        numpy_helper.from_array(np.ones(1, np.float32), "one"),
        numpy_helper.from_array(np.array([1.0, 2.0], np.float32), "two"),
        integers("huge_shape", size),
        integers("huge_square", size, size),
        integers("zero", 0, dims=[]),
        integers("huge_size", size, dims=[]),
        integers("one_size", 1, dims=[]),
        integers("pads", int(some(rng, [0, size])), size),
        integers("depth", 2, dims=[]),
    ]
    makers = [
        node("ConstantOfShape", ["huge_shape"], ["huge"]),
        node("ConstantOfShape", ["huge_square"], ["huge"]),
        node("Expand", ["one", "huge_shape"], ["huge"]),
        node("Expand", ["one", "huge_square"], ["huge"]),
        node("Tile", ["one", "huge_shape"], ["huge"]),
        node("Tile", ["two", "huge_shape"], ["huge"]),
        node("Range", ["zero", "huge_size", "one_size"], ["huge"]),
        node("Pad", ["one", "pads"], ["huge"]),
        node("OneHot", ["one", "huge_size", "two"], ["huge"]),
        node("Resize", ["two", "", "", "huge_shape"], ["huge"]),
    ]
    finish(model, rng, [some(rng, makers)], constants)


@mutation("giants")
def gathered_without_end(model, rng, folder):
    """Indices by the million into one element, or rows of a splat."""
    size = int(some(rng, SIZES))
    constants = [integers("count", size), numpy_helper.from_array(np.ones((1, 64), np.float32), "row")]
    value = helper.make_tensor("value", TensorProto.INT64, [1], [0])
    nodes = [node("ConstantOfShape", ["count"], ["indices"], value=value)]
    nodes.append(node("Gather", ["row", "indices"], ["huge"], axis=int(some(rng, [0, 1]))))
    finish(model, rng, nodes, constants)


@mutation("giants")
def broadcast_squared(model, rng, folder):
    """[n, 1] + [1, n]: small constants, a large sum."""
    n = int(some(rng, [64, 4096, 2**20, 2**33, 2**62]))
    constants = [integers("tall_shape", n, 1), integers("wide_shape", 1, n), integers("zero", 0, dims=[])]
    if rng.random() < 0.5:
        nodes = [
            node("ConstantOfShape", ["tall_shape"], ["tall"]),
            node("ConstantOfShape", ["wide_shape"], ["wide"]),
        ]
    else:  # no splats
        constants += [integers("n", n, dims=[]), integers("step", 1, dims=[])]
        nodes = [node("Range", ["zero", "n", "step"], ["line"])]
        nodes += [
            node("Reshape", ["line", "tall_shape"], ["tall"]),
            node("Reshape", ["line", "wide_shape"], ["wide"]),
        ]
    nodes.append(node(some(rng, ["Add", "Mul", "Equal", "Mod", "Max"]), ["tall", "wide"], ["square"]))
    append(model, *nodes, output="square", constants=constants)


@mutation("giants")
def contracted_without_end(model, rng, folder):
    """Products of constants that are short to write: outer products, traces, powers."""
    n = int(some(rng, [256, 2048, 2**14, 2**20]))
    equations = ["a,b->ab", "a,b,c->abc", "a,b,c,d->", "a,a->a", "a,b,c,d,e,f,g,h->a", "a,b->"]
    constants = [integers("line_shape", n), integers("square_shape", n, n)]
    value = helper.make_tensor("value", TensorProto.FLOAT, [1], [0.5])
    if rng.random() < 0.5:
        equation = some(rng, equations)
        operands = equation.split("->")[0].count(",") + 1
        nodes = [node("ConstantOfShape", ["line_shape"], ["line"], value=value)]
        nodes.append(node("Einsum", ["line"] * operands, ["huge"], equation=equation))
    else:
        nodes = [node("ConstantOfShape", ["square_shape"], ["power_0"], value=value)]
        for index in range(int(some(rng, [1, 8, 200]))):
            nodes.append(node("MatMul", [f"power_{index}"] * 2, [f"power_{index + 1}"]))
        nodes.append(node("Identity", [nodes[-1].output[0]], ["huge"]))
    finish(model, rng, nodes, constants)


@mutation("giants")
def slow_folds(model, rng, folder):
    """Constants of bearable size through chains of every kind: sums of them must be bearable, too."""
    size = int(some(rng, [2**16, 2**20, 2**22, 2**23]))
    constants = [integers("shape", size), integers("zero", 0, dims=[]), integers("size", size, dims=[])]
    constants += [integers("step", 1, dims=[]), integers("axis", 0, dims=[]), integers("two_axes", 0, -1)]
    nodes = [node("Range", ["zero", "size", "step"], ["line"]), node("Cast", ["line"], ["link_0"], to=1)]
    kinds = ["Sin", "Exp", "Softmax", "CumSum", "Add", "Relu", "Erf", "Pow", "Where", "Concat", "LogSoftmax"]
    same = some(rng, [None, *kinds])
    for index in range(int(some(rng, [1, 10, 100]))):
        kind, last, next_ = same or some(rng, kinds), f"link_{index}", f"link_{index + 1}"
        if kind == "CumSum":
            nodes.append(node(kind, [last, "axis"], [next_], reverse=int(rng.integers(2))))
        elif kind == "Where":
            nodes.append(node("Greater", [last, last], [f"greater_{index}"]))
            nodes.append(node(kind, [f"greater_{index}", last, last], [next_]))
        elif kind == "Concat":  # doubles
            nodes.append(node(kind, [last, last], [next_], axis=0))
        else:
            nodes.append(node(kind, [last, last] if kind in ("Add", "Pow") else [last], [next_]))
    finish(model, rng, nodes, constants, nodes[-1].output[0])


@mutation("giants")
def many_folds(model, rng, folder):
    """Thousands of constants, each computed from the same one: what is dead must be let go."""
    size, count = some(rng, [(2**20, 64), (2**16, 1000), (2**10, 5000), (2**22, 40)])
    constants = [integers("zero", 0, dims=[]), integers("size", size, dims=[]), integers("step", 1, dims=[])]
    nodes = [node("Range", ["zero", "size", "step"], ["line"]), node("Cast", ["line"], ["floats"], to=1)]
    kinds = ["Sin", "Cos", "Neg", "Abs", "Sigmoid"]
    nodes += [node(some(rng, kinds), ["floats"], [f"fan_{index}"]) for index in range(count)]
    nodes.append(node("Sum", [f"fan_{index}" for index in range(count)], ["fan"]))
    append(model, *nodes, output="fan", constants=constants)


@mutation("giants")
def giant_windows(model, rng, folder):
    """Convolutions and pools whose kernels, strides or pads are endless, on an input made to fit."""
    size = int(some(rng, [2**20, 2**31, 2**40, 2**62, INT64_MAX]))
    last = model.graph.output[0].name
    constants = [
        integers("one_row", 1, 1, -1),
        numpy_helper.from_array(np.ones((1, 1, 3), np.float32), "kernel"),
    ]
    nodes = [node("Reshape", [last, "one_row"], ["line"])]
    choices = [
        {"pads": [size, size]},
        {"pads": [size, 0], "strides": [size]},
        {"dilations": [size]},
        {"strides": [size]},
        {"dilations": [size], "pads": [size, size]},
        {"auto_pad": "SAME_UPPER", "dilations": [size]},
    ]
    keys = some(rng, choices)
    if rng.random() < 0.5:
        nodes.append(node("Conv", ["line", "kernel"], ["slid"], **keys))
    else:
        kind = some(rng, ["MaxPool", "AveragePool"])
        keys.pop("dilations", None)
        nodes.append(node(kind, ["line"], ["slid"], kernel_shape=[int(some(rng, [3, size]))], **keys))
    append(model, *nodes, output="slid", constants=constants)


@mutation("giants")
def giant_kernel(model, rng, folder):
    """A kernel that is computed: [1, 1, 2^40]."""
    size = int(some(rng, [2**20, 2**24, 2**31, 2**40]))
    last = model.graph.output[0].name
    constants = [integers("kernel_shape", 1, 1, size), integers("one_row", 1, 1, -1)]
    nodes = [
        node("ConstantOfShape", ["kernel_shape"], ["kernel"]),
        node("Reshape", [last, "one_row"], ["line"]),
    ]
    nodes.append(node("Conv", ["line", "kernel"], ["slid"], pads=[size, size]))
    append(model, *nodes, output="slid", constants=constants)


@mutation("giants")
def giant_activations(model, rng, folder):
    """What the model computes from its input becomes huge: no constant, but memory of a step."""
    size = int(some(rng, SIZES))
    last = model.graph.output[0].name
    constants = [integers("flat", -1, 1), integers("huge_shape", 1, size), integers("tile", 1, size)]
    constants += [integers("pads", 0, 0, 0, size)]
    makers = [
        node("Expand", ["column", "huge_shape"], ["wide"]),
        node("Tile", ["column", "tile"], ["wide"]),
        node("Pad", ["column", "pads"], ["wide"]),
    ]
    nodes = [node("Reshape", [last, "flat"], ["column"]), some(rng, makers)]
    nodes.append(node(some(rng, ["Relu", "Softmax", "Exp"]), ["wide"], ["huge"]))
    if rng.random() < 0.3:  # its square
        nodes.append(node("Einsum", ["huge", "huge"], ["outer"], equation="ab,cd->abcd"))
    append(model, *nodes, output=nodes[-1].output[0], constants=constants)


@mutation("giants")
def masks_of_wide_windows(model, rng, folder):
    """Range, Less, Trilu and Where over n x n positions, as exporters write masks."""
    n = int(some(rng, [64, 1024, 8192, 2**15, 2**20]))
    constants = [integers("zero", 0, dims=[]), integers("n", n, dims=[]), integers("step", 1, dims=[])]
    constants += [integers("row", 1, -1), integers("column", -1, 1), integers("square_shape", n, n)]
    if rng.random() < 0.5:
        nodes = [node("Range", ["zero", "n", "step"], ["line"]), node("Reshape", ["line", "row"], ["keys"])]
        nodes += [
            node("Reshape", ["line", "column"], ["queries"]),
            node("Less", ["keys", "queries"], ["mask"]),
        ]
        nodes.append(node("Cast", ["mask"], ["huge"], to=1))
    else:
        value = helper.make_tensor("value", TensorProto.FLOAT, [1], [-1e9])
        nodes = [node("ConstantOfShape", ["square_shape"], ["full"], value=value)]
        nodes.append(node("Trilu", ["full", "step"], ["huge"]))
    finish(model, rng, nodes, constants)
