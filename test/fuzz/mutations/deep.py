"""Graphs that cost an algorithm more than they cost the file: deep, wide, or with 2^k paths."""

import numpy as np
from onnx import helper, numpy_helper

from .registry import mutation, some

node = helper.make_node


@mutation("deep")
def chain(model, rng, folder):
    """Thousands of nodes in a row: no recursion over the graph may be as deep as that."""
    last = model.graph.output[0].name
    kind = some(rng, ["Relu", "Identity", "Neg", "Exp", "Softmax"])
    for index in range(int(some(rng, [500, 2000, 10_000]))):
        model.graph.node.append(node(kind, [last], [f"chain_{index}"]))
        last = f"chain_{index}"
    model.graph.output[0].name = last


@mutation("deep")
def residual_paths(model, rng, folder):
    """x + f(x) over and over: 2^k paths from the input to the output."""
    last = model.graph.output[0].name
    kind = some(rng, ["Relu", "Tanh", "Softmax", "Identity"])
    for index in range(int(some(rng, [30, 200, 1000]))):
        model.graph.node.append(node(kind, [last], [f"inner_{index}"]))
        model.graph.node.append(
            node(some(rng, ["Add", "Mul"]), [last, f"inner_{index}"], [f"residual_{index}"])
        )
        last = f"residual_{index}"
    model.graph.output[0].name = last


@mutation("deep")
def doubled_sums(model, rng, folder):
    """x + x over and over: values overflow, paths double, time must not."""
    last = model.graph.output[0].name
    for index in range(int(some(rng, [64, 1000, 3000]))):
        model.graph.node.append(node("Add", [last, last], [f"double_{index}"]))
        last = f"double_{index}"
    model.graph.output[0].name = last


@mutation("deep")
def tokens_shifted(model, rng, folder):
    """Slices and sums of them: the margins of what slides grow with each."""
    last = model.graph.output[0].name
    constants = {"zero": [0], "one": [1], "minus": [-1], "far": [2**62], "axis": [int(rng.integers(0, 3))]}
    for name, values in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(values, np.int64), name))
    for index in range(int(some(rng, [5, 50, 300]))):
        model.graph.node.append(node("Slice", [last, "one", "far", "axis"], [f"later_{index}"]))
        model.graph.node.append(node("Slice", [last, "zero", "minus", "axis"], [f"earlier_{index}"]))
        model.graph.node.append(node("Add", [f"later_{index}", f"earlier_{index}"], [f"sum_{index}"]))
        last = f"sum_{index}"
    model.graph.output[0].name = last


@mutation("deep")
def concatenated_trees(model, rng, folder):
    """Concat of a value with itself: 2^k of it; or of thousands of slices."""
    last = model.graph.output[0].name
    axis = int(rng.integers(0, 3))
    if rng.random() < 0.5:
        for index in range(int(some(rng, [4, 10, 20, 70]))):
            model.graph.node.append(node("Concat", [last, last], [f"doubled_{index}"], axis=axis))
            last = f"doubled_{index}"
    else:
        model.graph.node.append(node("Concat", [last] * int(some(rng, [100, 5000])), ["many"], axis=axis))
        last = "many"
    model.graph.output[0].name = last


@mutation("deep")
def views_stacked(model, rng, folder):
    """Transposes and reshapes that cancel, or do not."""
    last = model.graph.output[0].name
    model.graph.initializer.append(numpy_helper.from_array(np.array([0, 0, -1]), "same"))
    for index in range(int(some(rng, [10, 100, 1000]))):
        kind = some(rng, ["Transpose", "Reshape", "Identity"])
        operands = [last, "same"] if kind == "Reshape" else [last]
        keys = {"perm": [int(axis) for axis in rng.permutation(3)]} if kind == "Transpose" else {}
        model.graph.node.append(node(kind, operands, [f"view_{index}"], **keys))
        last = f"view_{index}"
    model.graph.output[0].name = last


@mutation("deep")
def many_outputs(model, rng, folder):
    """Every value is an output, each with a demand of its own."""
    for item in list(model.graph.node):
        for name in item.output:
            if name and all(output.name != name for output in model.graph.output):
                model.graph.output.add().name = name


@mutation("deep")
def blocks_stacked(model, rng, folder):
    """Attention behind attention, without weights: n x n scores a hundred times."""
    last = model.graph.output[0].name
    for index in range(int(some(rng, [3, 20, 60]))):
        keys, scores, weights = f"keys_{index}", f"scores_{index}", f"weights_{index}"
        model.graph.node.append(node("Transpose", [last], [keys], perm=[0, 2, 1]))
        model.graph.node.append(node("MatMul", [last, keys], [scores]))
        model.graph.node.append(node("Softmax", [scores], [weights], axis=-1))
        model.graph.node.append(node("MatMul", [weights, last], [f"mixed_{index}"]))
        last = f"mixed_{index}"
    model.graph.output[0].name = last
