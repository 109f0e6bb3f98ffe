"""A small writer of ONNX graphs: `graph.Add(x, y)` appends a node and returns the name of its output."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INT64_MAX = np.iinfo(np.int64).max


class Graph:
    """Nodes and constants of one model of one opset; constants are initialisers or Constant nodes."""

    def __init__(self, opset, constant_nodes=False):
        self.opset, self.constant_nodes = opset, constant_nodes
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []
        self.count = 0

    def fresh(self, stem):
        self.count += 1
        return f"{stem}_{self.count}"

    def constant(self, value, dtype=np.float32):
        tensor = numpy_helper.from_array(np.array(value, dtype, order="C"), self.fresh("const"))
        if self.constant_nodes:
            self.nodes.append(helper.make_node("Constant", [], [tensor.name], value=tensor))
        else:
            self.initializers.append(tensor)
        return tensor.name

    def indices(self, *values):
        return self.constant(np.array(values), np.int64)

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value, name):
        """Make `value` the graph output `name`; its shape is left to inference."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=self.fresh("Identity")))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))

    def rename(self, old, new):
        """Give the value `old`, which nothing reads yet, the name `new`."""
        for tensor in self.initializers:
            if tensor.name == old:
                tensor.name = new
        for node in self.nodes:
            node.output[:] = [new if name == old else name for name in node.output]
        return new

    def __getattr__(self, op_type):
        """`graph.Softmax(x, axis=-1)`; `outputs=k` returns k names."""
        if not op_type[0].isupper():
            raise AttributeError(op_type)

        def append(*operands, outputs=1, **attributes):
            names = [self.fresh(op_type.lower()) for _ in range(outputs)]
            self.nodes.append(
                helper.make_node(op_type, operands, names, name=self.fresh(op_type), **attributes)
            )
            return names[0] if outputs == 1 else names

        return append

    # What moved from an attribute to an operand between opsets.

    def squeeze(self, x, axis):
        return self.Squeeze(x, axes=[axis]) if self.opset < 13 else self.Squeeze(x, self.indices(axis))

    def unsqueeze(self, x, *axes):
        return self.Unsqueeze(x, axes=axes) if self.opset < 13 else self.Unsqueeze(x, self.indices(*axes))

    def split(self, x, parts, size, axis):
        sizes = [size] * parts
        if self.opset < 13:
            return self.Split(x, outputs=parts, axis=axis, split=sizes)
        return self.Split(x, self.indices(*sizes), outputs=parts, axis=axis)

    def reduce(self, op_type, x, axis, keepdims):
        axes_are_operands = 18
        operands = (x,) if self.opset < axes_are_operands else (x, self.indices(axis))
        attributes = {"axes": [axis]} if self.opset < axes_are_operands else {}
        return getattr(self, op_type)(*operands, keepdims=int(keepdims), **attributes)

    # Frequent compounds.

    def reshape(self, x, *shape):
        return self.Reshape(x, self.indices(*shape))

    def transpose(self, x, *perm):
        return self.Transpose(x, perm=perm)

    def slice(self, x, axis, start, end=INT64_MAX):
        return self.Slice(x, self.indices(start), self.indices(end), self.indices(axis))

    def scalar(self, value):
        return self.constant(np.float32(value))

    def model(self):
        graph = helper.make_graph(self.nodes, "encoder", self.inputs, self.outputs, self.initializers)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=10 if self.opset < 23 else 11,
        )
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        del model.graph.output[:]
        model.graph.output.extend(inferred.graph.output)
        onnx.checker.check_model(model)
        return model
