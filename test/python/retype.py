"""Models of the repository in another float type: what an exporter writes after `model.half()` and the like."""

import ml_dtypes
import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

NUMPY = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float64": np.float64}
HALF_UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # of a number
PROTO = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16, "float64": TensorProto.DOUBLE}


def clamped(values, dtype):
    """Finite values stay finite, as `finfo(dtype).min` masks do."""
    limits = ml_dtypes.finfo(dtype)
    wide = values.astype(np.float64)
    finite = np.clip(wide, float(limits.min), float(limits.max))
    return np.where(np.isinf(wide), wide, finite).astype(dtype)


def _retype_tensor(tensor, dtype):
    if tensor.data_type != TensorProto.FLOAT:
        return
    values = clamped(numpy_helper.to_array(tensor), dtype)
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


def _retype_values(values, proto):
    for value in values:
        tensor = value.type.tensor_type
        if tensor.elem_type == TensorProto.FLOAT:
            tensor.elem_type = proto


def _nodes(model):
    """Those of the graph, and of the functions that it calls."""
    yield from model.graph.node
    for function in model.functions:
        yield from function.node


def retyped(model, name):
    """A copy of `model` whose float32 tensors are all of the type `name`."""
    copy, dtype, proto = onnx.ModelProto(), NUMPY[name], PROTO[name]
    copy.CopyFrom(model)
    graph = copy.graph
    for tensor in graph.initializer:
        _retype_tensor(tensor, dtype)
    for values in (graph.input, graph.output, graph.value_info):
        _retype_values(values, proto)
    for node in _nodes(copy):
        for attribute in node.attribute:
            if (node.op_type, attribute.name) == ("Constant", "value_float"):
                tensor = numpy_helper.from_array(np.array(attribute.f, np.float32))
                attribute.CopyFrom(onnx.helper.make_attribute("value", tensor))
            if attribute.type == onnx.AttributeProto.TENSOR:
                _retype_tensor(attribute.t, dtype)
            elif (node.op_type, attribute.name) == ("Cast", "to") and attribute.i == TensorProto.FLOAT:
                attribute.i = proto
    return copy


def widened(model, name):
    """A float32 model with the weights that `retyped(model, name)` has."""
    narrow = retyped(model, name)
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    copies = {tensor.name: tensor for tensor in narrow.graph.initializer}
    for tensor in wide.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(copies[tensor.name]).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node, other in zip(_nodes(wide), _nodes(narrow)):
        for attribute, copied in zip(node.attribute, other.attribute):
            if attribute.type == onnx.AttributeProto.FLOAT and copied.type == onnx.AttributeProto.TENSOR:
                attribute.f = float(numpy_helper.to_array(copied.t))
            if attribute.type == onnx.AttributeProto.TENSOR and attribute.t.data_type == TensorProto.FLOAT:
                values = numpy_helper.to_array(copied.t).astype(np.float32)
                attribute.t.CopyFrom(numpy_helper.from_array(values, attribute.t.name))
    return wide


def numbers(outputs):
    """float64, also of what NumPy takes for two bytes."""
    named = {name: v.view(ml_dtypes.bfloat16) if v.dtype.kind == "V" else v for name, v in outputs.items()}
    return {name: values.astype(np.float64) for name, values in named.items()}
