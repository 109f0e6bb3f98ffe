"""From a PyTorch module to a small ONNX model, by either exporter."""

import io

import onnx
import torch

TORCHSCRIPT, DYNAMO = "torchscript", "dynamo"


def to_onnx(model, inputs, exporter, opset, dynamic=None, verbatim=False):
    """The ONNX model of `model` on `inputs`, [(name, tensor)].

    `dynamic`: [{dimension: symbol}] of each input. Unless `verbatim`, the exporter's long value names and its
    remarks go, a third to a half of a file.
    """
    names, tensors = [name for name, _ in inputs], tuple(tensor for _, tensor in inputs)
    buffer = io.BytesIO()
    options = dict(opset_version=opset, input_names=names, dynamo=exporter == DYNAMO)
    if exporter == TORCHSCRIPT:
        options["dynamic_axes"] = dict(zip(names, dynamic)) if dynamic else None
    else:
        symbols = {symbol: torch.export.Dim(symbol) for dims in dynamic or [] for symbol in dims.values()}
        shapes = tuple({dim: symbols[symbol] for dim, symbol in dims.items()} for dims in dynamic or [])
        options.update(dynamic_shapes=shapes or None, verbose=False)
    torch.onnx.export(model, tensors, buffer, **options)
    return tidy(onnx.load_from_string(buffer.getvalue()), verbatim)


def tidy(found, verbatim=False):
    """`found` without what differs between machines and, unless `verbatim`, with short names."""
    for node in found.graph.node:  # source paths differ between machines
        node.ClearField("doc_string")
        for position in reversed([i for i, p in enumerate(node.metadata_props) if "stack_trace" in p.key]):
            del node.metadata_props[position]
    has_branches = any(a.HasField("g") for node in found.graph.node for a in node.attribute)
    if not verbatim and not has_branches:  # branches name values of the graph around them
        shorten(found.graph)
    return found


def shorten(graph):
    """Number the inner values and initialisers of `graph` and drop remarks."""
    names = {value.name: value.name for value in [*graph.input, *graph.output]}
    names[""] = ""  # an absent operand
    short = lambda name: names.setdefault(name, f"v{len(names)}")
    del graph.value_info[:]
    for tensor in graph.initializer:
        tensor.name = short(tensor.name)
    for node in graph.node:
        del node.metadata_props[:]
        for operands in (node.input, node.output):
            operands[:] = [short(name) for name in operands]
