"""ONNX files of models with these attentions, by either of PyTorch's exporters.

As standard operators, or with the operators of domain `weir` as nodes that carry bodies of standard operators.
"""

import contextlib
import io

import onnx
import torch

from . import onnx_functions, operators
from .modes import evaluating

# operator of torch.library: (ONNX operator, names of its attributes, which come after its operands; the result's sizes
# from those of its operands and its attributes by name)
_fewer = lambda sizes, a: [*sizes[0][:-2], a["keep"], sizes[0][-1]]
NODES = {
    "dct": ("Dct", ("axis", "keep"), _fewer),
    "idct": ("Idct", ("axis", "tokens"), lambda sizes, a: [*sizes[0][:-2], a["tokens"], sizes[0][-1]]),
    "resample": ("Resample", ("axis", "keep"), _fewer),
    "pool": ("Pool", ("axis", "keep"), _fewer),
    "cluster_affinity": ("ClusterAffinity", ("function",), lambda sizes, a: sizes[0]),
    "choose_clusters": (
        "ChooseClusters",
        ("size", "clustering"),
        lambda sizes, a: [*sizes[0][:-2], sizes[0][-1], a["size"]],
    ),
    "gather_tokens": (
        "GatherTokens",
        (),
        lambda sizes, a: [*sizes[0][:-2], *sizes[1][-2:], sizes[0][-1]],
    ),
    "scatter_add_tokens": (
        "ScatterAddTokens",
        ("tokens",),
        lambda sizes, a: [*sizes[0][:-3], a["tokens"], sizes[0][-1]],
    ),
    "cluster_members": (
        "ClusterMembers",
        ("tokens",),
        lambda sizes, a: [*sizes[0][:-2], a["tokens"], sizes[0][-2]],
    ),
}
RESULT_TYPES = {"choose_clusters": torch.long, "cluster_members": torch.float}  # of the others: the first operand's
EXPORTERS = ("torchscript", "dynamo")


def split_operands(operands, names):
    """(tensors, {attribute name: value}) of what an operator is called with."""
    count = len(operands) - len(names)
    return operands[:count], dict(zip(names, operands[count:]))


def torchscript_symbol(name):
    """What the TorchScript exporter calls for operator `name`."""
    kind, names, sizes_of = NODES[name]

    def symbol(g, *operands):
        tensors, constants = split_operands(operands, names)
        attributes = {
            attribute: torch.onnx.symbolic_helper._get_const(value, value.node().kindOf("value"), attribute)
            for attribute, value in constants.items()
        }
        suffixed = {f"{key}_{'s' if isinstance(a, str) else 'i'}": a for key, a in attributes.items()}
        result = g.op(f"{onnx_functions.DOMAIN}::{kind}", *tensors, **suffixed)
        sizes = [tensor.type().varyingSizes() for tensor in tensors]
        if None in sizes:
            return result
        typed = tensors[0].type().with_sizes(sizes_of(sizes, attributes))
        return result.setType(typed.with_dtype(RESULT_TYPES.get(name, typed.dtype())))

    return symbol


@contextlib.contextmanager
def torchscript_symbols(opset):
    for name in NODES:
        torch.onnx.register_custom_op_symbolic(f"weir::{name}", torchscript_symbol(name), opset)
    try:
        yield
    finally:
        for name in NODES:
            torch.onnx.unregister_custom_op_symbolic(f"weir::{name}", opset)


def schema_of(kind):
    """The onnx.defs.OpSchema of an operator, which the dynamo exporter asks for."""
    function = onnx_functions.function_of(kind)
    schema, fixed = onnx.defs.OpSchema, {"indices": "tensor(int64)", "members": "tensor(float)"}
    parameter = lambda name: schema.FormalParameter(name, fixed.get(name, "T"))
    attribute = lambda name: schema.Attribute(
        name, schema.AttrType.STRING if name in ("function", "clustering") else schema.AttrType.INT, required=True
    )
    return schema(
        kind,
        onnx_functions.DOMAIN,
        onnx_functions.VERSION,
        inputs=[parameter(name) for name in function.input],
        outputs=[parameter(name) for name in function.output],
        type_constraints=[("T", ["tensor(float)", "tensor(double)"], "of tokens and what is computed of them")],
        attributes=[attribute(name) for name in function.attribute],
    )


def dynamo_table():
    """{operator: what the dynamo exporter calls for it}."""
    from onnxscript import values  # which that exporter needs too

    domain = values.Opset(onnx_functions.DOMAIN, onnx_functions.VERSION)

    def translation(name):
        kind, names, _ = NODES[name]
        node = values.Op(domain, kind, schema_of(kind))

        def translate(*operands):
            tensors, attributes = split_operands(operands, names)
            return node(*tensors, **attributes)

        return translate

    return {getattr(torch.ops.weir, name).default: translation(name) for name in NODES}


def export(
    model, args, path, exporter="torchscript", functions=False, opset=18, input_names=None, output_names=None,
    dynamic=None,
):  # fmt: skip
    """Write `model`, called with the tensors `args`, to the ONNX file `path`.

    functions   the operators of domain `weir` as nodes with bodies, instead of standard operators
    dynamic     [{dimension: symbol}] for each of args: sizes left open. Only those of batches may be.
    """
    if exporter not in EXPORTERS:
        raise ValueError(f"exporter '{exporter}' is none of {', '.join(EXPORTERS)}")
    if opset < onnx_functions.OPSET:
        raise ValueError(f"opset {opset} is too old: the sums of scattered rows need opset {onnx_functions.OPSET}")
    args = args if isinstance(args, tuple) else (args,)
    names = list(input_names or ["x", *(f"x{i}" for i in range(1, len(args)))][: len(args)])
    options = dict(opset_version=opset, input_names=names, output_names=output_names, dynamo=exporter == "dynamo")
    buffer = io.BytesIO()
    with contextlib.ExitStack() as stack:
        stack.enter_context(evaluating(model))
        if functions:
            stack.enter_context(operators.as_functions())
        if exporter == "dynamo":
            symbols = {symbol: torch.export.Dim(symbol) for dims in dynamic or [] for symbol in dims.values()}
            options["dynamic_shapes"] = dynamic and tuple(
                {dim: symbols[symbol] for dim, symbol in dims.items()} for dims in dynamic
            )
            options.update(verbose=False, custom_translation_table=dynamo_table() if functions else None)
        else:
            options["dynamic_axes"] = dynamic and dict(zip(names, dynamic))
            if functions:
                stack.enter_context(torchscript_symbols(opset))
        torch.onnx.export(model, args, buffer, **options)
    found = onnx.load_from_string(buffer.getvalue())
    if functions:
        onnx_functions.attach(found)
    onnx.checker.check_model(found)
    onnx.save(found, path)
    return found
