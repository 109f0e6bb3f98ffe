"""Constants: encodings that contradict themselves, types nobody knows, wild values."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .registry import HUGE, ODD, constants_of, integers_of, mutation, set_values, some


@mutation("tensors")
def tensor_dims_changed(model, rng, folder):
    tensor = some(rng, constants_of(model))
    if tensor is None:
        return
    if tensor.dims and rng.random() < 0.7:
        tensor.dims[rng.integers(len(tensor.dims))] = int(some(rng, ODD))
    else:
        tensor.dims.extend([1] * 300 if rng.random() < 0.5 else HUGE[:3])


@mutation("tensors")
def tensor_shape_kept_in_size(model, rng, folder):
    """As many elements, in another shape: what reads it must say so."""
    tensor = some(rng, [t for t in constants_of(model) if t.raw_data])
    if tensor is None:
        return
    count = int(np.prod(list(tensor.dims), dtype=np.int64))
    shapes = [[count], [1, count], [count, 1], [1] * 7 + [count], [0, count], list(tensor.dims)[::-1]]
    if count % 2 == 0:
        shapes.append([2, count // 2])
    tensor.dims[:] = some(rng, shapes)


@mutation("tensors")
def tensor_type_changed(model, rng, folder):
    tensor = some(rng, constants_of(model))
    if tensor is not None:
        tensor.data_type = int(some(rng, [*range(-1, 30), 2**31 - 1, -(2**31)]))


@mutation("tensors")
def tensor_data_removed_or_cut(model, rng, folder):
    tensor = some(rng, constants_of(model))
    if tensor is None:
        return
    if rng.random() < 0.5:
        tensor.ClearField("raw_data")
    else:
        tensor.raw_data = tensor.raw_data[: rng.integers(len(tensor.raw_data) + 1)] + b"\1" * int(
            rng.integers(3)
        )


@mutation("tensors")
def tensor_data_in_typed_fields(model, rng, folder):
    """In the field for its type, or in a wrong one, beside the raw data or instead of it."""
    tensor = some(rng, [t for t in constants_of(model) if t.raw_data])
    if tensor is None:
        return
    count = int(np.prod(list(tensor.dims), dtype=np.int64)) + int(some(rng, [0, 0, 0, -1, 1, 100]))
    field = some(rng, ["float_data", "int32_data", "int64_data", "double_data", "uint64_data", "string_data"])
    value = {"string_data": b"weir", "float_data": 0.5, "double_data": 0.5}.get(field, 1)
    getattr(tensor, field).extend([value] * max(0, count))
    if rng.random() < 0.7:
        tensor.ClearField("raw_data")


@mutation("tensors")
def tensor_of_few_bits(model, rng, folder):
    """Elements of 2 to 6 bits, packed, with too few or too many bytes."""
    tensor = some(rng, constants_of(model))
    if tensor is None:
        return
    kinds = [TensorProto.INT4, TensorProto.UINT4, TensorProto.FLOAT4E2M1, 25, 26, 27, 28, TensorProto.BOOL]
    tensor.data_type = int(some(rng, kinds))
    count = int(np.prod(list(tensor.dims), dtype=np.int64))
    tensor.raw_data = rng.bytes(max(0, count // int(some(rng, [1, 2, 4])) + int(rng.integers(-1, 2))))


@mutation("tensors")
def tensor_of_strings(model, rng, folder):
    tensor = some(rng, constants_of(model))
    if tensor is not None:
        values = np.array([b"a", b"\xff", b"\0"], object)
        tensor.CopyFrom(helper.make_tensor(tensor.name, TensorProto.STRING, [3], values))


@mutation("tensors")
def tensor_values_changed(model, rng, folder):
    """Shapes, indices and axes that come as tensors turn wild."""
    tensor = some(rng, integers_of(model))
    if tensor is None:
        return
    values = numpy_helper.to_array(tensor).copy().reshape(-1)
    if values.size:
        values[rng.integers(values.size)] = some(rng, ODD)
    set_values(tensor, values)


@mutation("tensors")
def tensor_values_added_or_removed(model, rng, folder):
    tensor = some(rng, integers_of(model))
    if tensor is None:
        return
    values = numpy_helper.to_array(tensor).copy().reshape(-1)
    count = int(some(rng, [0, 1, len(values) + 1, 100]))
    values = np.resize(values, count) if len(values) else np.ones(count, np.int64)
    if count and rng.random() < 0.5:
        values[rng.integers(count)] = some(rng, ODD)
    set_values(tensor, values, [count])


@mutation("tensors")
def weights_not_finite(model, rng, folder):
    tensor = some(rng, [t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT])
    if tensor is None:
        return
    values = numpy_helper.to_array(tensor).copy().reshape(-1)
    if values.size:
        values[rng.integers(values.size, size=3)] = some(rng, [np.nan, np.inf, -np.inf, 1e38, 1e-45])
    set_values(tensor, values)


@mutation("tensors")
def initializer_sparse(model, rng, folder):
    tensor = some(rng, model.graph.initializer)
    if tensor is None:
        return
    sparse = model.graph.sparse_initializer.add()
    sparse.values.CopyFrom(tensor)
    sparse.indices.CopyFrom(numpy_helper.from_array(np.array([2**62]), "i"))
    sparse.dims.extend([2**40, 2**40])
    if rng.random() < 0.7:
        model.graph.initializer.remove(tensor)


@mutation("tensors")
def segment_stated(model, rng, folder):
    tensor = some(rng, constants_of(model))
    if tensor is not None:
        tensor.segment.begin, tensor.segment.end = 2**40, -1
