"""The graph: nodes, operands, results, operator sets."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .registry import INT64_MAX, INT64_MIN, mutation, some

OPERATORS = """Relu MatMul Reshape Transpose Split Concat Gather Loop If Scan LSTM Softmax Pad Conv Attention
LayerNormalization Einsum Slice Squeeze Expand Tile Constant ReduceMean TopK CumSum Trilu Range Shape Size Where
GatherND GatherElements ScatterND RotaryEmbedding RMSNormalization BatchNormalization Gemm Flatten ArgMax MaxPool
AveragePool GlobalMaxPool ConstantOfShape NoValue Custom Cast Clip Dropout Mod Pow IsNaN InstanceNormalization
OneHot EyeLike Resize NonZero RandomNormal SequenceAt DFT""".split()


def with_operands(model):
    return [node for node in model.graph.node if node.input]


@mutation("nodes")
def operand_swapped(model, rng, folder):
    nodes = with_operands(model)
    first, second = some(rng, nodes), some(rng, nodes)
    first.input[rng.integers(len(first.input))] = second.input[rng.integers(len(second.input))]


@mutation("nodes")
def operand_added_or_removed(model, rng, folder):
    node = some(rng, with_operands(model))
    if rng.random() < 0.5:
        node.input.extend([node.input[0]] * int(some(rng, [1, 1, 5, 3000])))
    else:
        del node.input[-1]


@mutation("nodes")
def operand_absent(model, rng, folder):
    node = some(rng, with_operands(model))
    node.input[rng.integers(len(node.input))] = ""


@mutation("nodes")
def operand_constant(model, rng, folder):
    """What is computed becomes a constant, so that everything behind it folds."""
    node = some(rng, with_operands(model))
    shape = [int(some(rng, [1, 1, 2, 3, 8])) for _ in range(int(rng.integers(0, 5)))]
    values = np.array(rng.integers(-3, 9, shape), some(rng, [np.float32, np.int64, np.bool_, np.float64]))
    model.graph.initializer.append(numpy_helper.from_array(values, "instead"))
    node.input[rng.integers(len(node.input))] = "instead"


@mutation("nodes")
def result_added_or_removed(model, rng, folder):
    node = some(rng, model.graph.node)
    if rng.random() < 0.5:
        node.output.extend([f"another_{i}" for i in range(int(some(rng, [1, 1, 3, 70_000])))])
    else:
        del node.output[-1]


@mutation("nodes")
def optional_results_read(model, rng, folder):
    """Results that inference does not compute, like those of LayerNormalization or Attention."""
    node = some(rng, model.graph.node)
    node.output.extend(["second", "third"][: rng.integers(1, 3)])
    model.graph.output.add().name = node.output[-1]


@mutation("nodes")
def node_removed(model, rng, folder):
    del model.graph.node[rng.integers(len(model.graph.node))]


@mutation("nodes")
def node_repeated(model, rng, folder):
    """Once more at the end, with other results."""
    node = model.graph.node.add()
    node.CopyFrom(some(rng, model.graph.node[:-1]))
    node.output[:] = [f"again_{index}" for index in range(len(node.output))]
    model.graph.output.add().name = node.output[0]


@mutation("nodes")
def node_moved(model, rng, folder):
    nodes = list(model.graph.node)
    nodes.insert(rng.integers(len(nodes)), nodes.pop(rng.integers(len(nodes))))
    del model.graph.node[:]
    model.graph.node.extend(nodes)


@mutation("nodes")
def operator_changed(model, rng, folder):
    some(rng, model.graph.node).op_type = some(rng, [*OPERATORS, "", "x" * 9999, "a b", "é", "onnx.Relu"])


@mutation("nodes")
def domain_changed(model, rng, folder):
    node = some(rng, model.graph.node)
    node.domain = some(rng, ["com.microsoft", "ai.onnx", "ai.onnx.ml", "\xe9", "x" * 9999])
    if rng.random() < 0.5:
        model.opset_import.append(helper.make_opsetid(node.domain, 1))


@mutation("nodes")
def axes_swapped(model, rng, folder):
    """A transpose that moves the token axis elsewhere."""
    node = some(rng, with_operands(model))
    perm = [int(axis) for axis in rng.permutation(int(rng.integers(2, 5)))]
    turn = helper.make_node("Transpose", [node.input[0]], ["turned_here"], perm=perm)
    node.input[0] = "turned_here"
    model.graph.node.insert(list(model.graph.node).index(node), turn)


@mutation("nodes")
def opset_changed(model, rng, folder):
    versions = [INT64_MIN, -1, 0, 1, 7, 10, 11, 12, 13, 18, 23, 26, 28, 29, 999, 10**9, INT64_MAX]
    model.opset_import[0].version = int(some(rng, versions))


@mutation("nodes")
def opset_repeated(model, rng, folder):
    domain = some(rng, ["", "ai.onnx"])
    model.opset_import.append(helper.make_opsetid(domain, int(some(rng, [11, 17, 99]))))


@mutation("nodes")
def ir_version_changed(model, rng, folder):
    model.ir_version = int(some(rng, [INT64_MIN, -1, 0, 1, 2, 3, 99, 2**40, INT64_MAX]))


@mutation("nodes")
def output_changed(model, rng, folder):
    """Unknown, an input, an initialiser, twice the same, or none."""
    choice = rng.integers(5)
    if choice == 4:
        del model.graph.output[:]
        return
    added = model.graph.output.add()
    if choice == 0:
        added.name = "nowhere"
    elif choice == 1:
        added.CopyFrom(model.graph.input[0])
    elif choice == 2 and model.graph.initializer:
        added.name = some(rng, model.graph.initializer).name
    else:
        added.CopyFrom(model.graph.output[0])


@mutation("nodes")
def input_changed(model, rng, folder):
    """Removed, twice the same, named like an initialiser or a result, or one that nobody reads."""
    choice = rng.integers(4)
    if choice == 0:
        del model.graph.input[0]
        return
    added = model.graph.input.add()
    added.CopyFrom(model.graph.input[0])
    if choice == 1 and model.graph.initializer:
        added.name = some(rng, model.graph.initializer).name
    elif choice == 2:
        added.name = some(rng, model.graph.node).output[0]
    elif choice == 3:
        added.name = "unread"


@mutation("nodes")
def states_claimed(model, rng, folder):
    """Properties by which Weir's own files tell their states."""
    keys = [
        "weir.state_pairs",
        "weir.state_names",
        "weir.state_init",
        "weir.inputs",
        "weir.outputs",
        "weir.window",
    ]
    first, last = model.graph.input[0].name, model.graph.output[0].name
    axis = {
        "dim": int(some(rng, [-1, 0, 1, 9, 2**62])),
        "chunk": int(some(rng, [0, 1, -1, 2**62])),
        "tokens": 8,
    }
    values = [
        "",
        "[]",
        "{}",
        "{",
        "[" * int(some(rng, [5000, 1_000_000])),
        '{"a": "b"}',
        f'{{"{first}": "{last}"}}',
        "null",
        "1e999",
    ]
    values += [f'[{{"name": "{first}", "axis": {axis}}}]'.replace("'", '"'), '{"a": {"b": 1}}', "\0", "\xff"]
    for key in keys:
        if rng.random() < 0.7:
            model.metadata_props.add(key=key, value=some(rng, values))


@mutation("nodes")
def states_named(model, rng, folder):
    """Inputs and outputs that look like states by their names."""
    names = [("past_0_key", "present_0_key"), ("s0", "ns0"), ("past_key_values.0.key", "present.0.key")]
    past, present = some(rng, [*names, ("state", "stateN"), ("cached_x", "new_cached_x")])
    shape = [int(some(rng, [0, 1, 8, 2**31]))] * int(rng.integers(0, 4))
    element = int(some(rng, [TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL]))
    model.graph.input.append(helper.make_tensor_value_info(past, element, shape))
    model.graph.output.append(helper.make_tensor_value_info(present, element, shape))
    model.graph.node.append(helper.make_node(some(rng, ["Identity", "Neg", "Shape"]), [past], [present]))


@mutation("nodes", refused=True)
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


@mutation("nodes", refused=True)
def reads_itself(model, rng, folder):
    node = some(rng, with_operands(model))
    node.input[0] = node.output[0]


@mutation("nodes", refused=True)
def opset_missing(model, rng, folder):
    del model.opset_import[:]


@mutation("nodes", refused=True)
def no_graph(model, rng, folder):
    model.ClearField("graph")
