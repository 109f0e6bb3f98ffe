"""A small writer of ONNX graphs: `graph.Add(x, y)` appends a node and returns the name of its output."""

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

INT64_MAX = np.iinfo(np.int64).max
LOCAL = "weir.fuzz"  # the domain of the model's own functions


class Graph:
    """Nodes and constants of one model of one opset.

    `constants` says what constants are: "initializers", "nodes", "shared" (equal ones are one initialiser that is
    read through Identity), "inputs" (initialisers that are inputs as well, as files of IR version 3 had them).
    """

    def __init__(self, opset, constants="initializers", scalars=0):
        self.opset, self.constants, self.scalars = opset, constants, scalars
        self.nodes, self.initializers, self.inputs, self.outputs = [], [], [], []
        self.functions = {}
        self.known = {}  # values of shared constants
        self.count = 0

    def fresh(self, stem):
        self.count += 1
        return f"{stem}_{self.count}"

    def constant(self, value, dtype=np.float32):
        array = np.array(value, dtype, order="C")
        key = (array.tobytes(), array.shape, array.dtype.str)
        if self.constants == "shared" and key in self.known:
            return self.Identity(self.known[key])
        tensor = numpy_helper.from_array(array, self.fresh("const"))
        self.known[key] = tensor.name
        if self.constants == "nodes":
            self.nodes.append(helper.make_node("Constant", [], [tensor.name], value=tensor))
        else:
            self.initializers.append(tensor)
        if self.constants == "inputs":
            self.input(tensor.name, tensor.data_type, array.shape)
        return tensor.name

    def indices(self, *values):
        return self.constant(np.array(values, np.int64), np.int64)

    def input(self, name, dtype, shape):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, value, name, rank=None):
        """Make `value` the graph output `name`; its sizes, or all of its shape, are left to inference."""
        self.nodes.append(helper.make_node("Identity", [value], [name], name=self.fresh("Identity")))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None if rank is None else [None] * rank))

    def rename(self, old, new):
        """Give the value `old`, which only its definition names yet, the name `new`."""
        for items in (self.initializers, self.inputs):
            for item in items:
                item.name = new if item.name == old else item.name
        for node in self.nodes:
            node.output[:] = [new if name == old else name for name in node.output]
        return new

    def __getattr__(self, op_type):
        """`graph.Softmax(x, axis=-1)`; `outputs=k` returns k names."""
        if not op_type[0].isupper():
            raise AttributeError(op_type)

        def append(*operands, outputs=1, domain="", **attributes):
            names = [self.fresh(op_type.lower()) for _ in range(outputs)]
            node = helper.make_node(
                op_type, operands, names, name=self.fresh(op_type), domain=domain, **attributes
            )
            self.nodes.append(node)
            return names[0] if outputs == 1 else names

        return append

    def call(self, name, operands, body, **attributes):
        """Call the model's function `name`; `body(graph, *operands)` writes it at the first call."""
        if name not in self.functions:
            inner = Graph(self.opset, "nodes", self.scalars)
            inputs = [f"{name}_{index}" for index in range(len(operands))]
            result = body(inner, *inputs)
            opset = helper.make_opsetid("", self.opset)
            self.functions[name] = helper.make_function(
                LOCAL, name, inputs, [result], inner.nodes, [opset], list(attributes)
            )
        return getattr(self, name)(*operands, domain=LOCAL, **attributes)

    def attribute(self, name):
        """A scalar that is the attribute `name` of the function whose body this graph is."""
        node = helper.make_node("Constant", [], [self.fresh("attribute")])
        reference = AttributeProto(name="value_float", type=AttributeProto.FLOAT, ref_attr_name=name)
        node.attribute.append(reference)
        self.nodes.append(node)
        return node.output[0]

    # What moved from an attribute to an operand between opsets.

    def squeeze(self, x, axis):
        return self.Squeeze(x, axes=[axis]) if self.opset < 13 else self.Squeeze(x, self.indices(axis))

    def unsqueeze(self, x, *axes):
        return self.Unsqueeze(x, axes=axes) if self.opset < 13 else self.Unsqueeze(x, self.indices(*axes))

    def split(self, x, sizes, axis):
        if self.opset < 13:
            return self.Split(x, outputs=len(sizes), axis=axis, split=sizes)
        if self.opset >= 18 and len({*sizes}) == 1:
            return self.Split(x, outputs=len(sizes), axis=axis, num_outputs=len(sizes))
        return self.Split(x, self.indices(*sizes), outputs=len(sizes), axis=axis)

    def reduce(self, op_type, x, axis, keepdims):
        axes_are_operands = 13 if op_type == "ReduceSum" else 18
        operands = (x,) if self.opset < axes_are_operands else (x, self.indices(axis))
        attributes = {"axes": [axis]} if self.opset < axes_are_operands else {}
        return getattr(self, op_type)(*operands, keepdims=int(keepdims), **attributes)

    def softmax(self, x, rank, axis=-1):
        """Along the last axis, where every opset means the same."""
        return self.Softmax(x, axis=axis if self.opset >= 13 else rank - 1)

    def dropout(self, x):
        return self.Dropout(x, ratio=0.1) if self.opset < 12 else self.Dropout(x, self.constant(0.1))

    # Frequent compounds.

    def reshape(self, x, *shape):
        return self.Reshape(x, self.indices(*shape))

    def transpose(self, x, *perm):
        return self.Transpose(x, perm=perm)

    def slice(self, x, axis, start, end=INT64_MAX, step=1):
        operands = [x, self.indices(start), self.indices(end), self.indices(axis)]
        return self.Slice(*operands, *([self.indices(step)] if step != 1 else []))

    def scalar(self, value):
        return self.constant(np.full([1] * self.scalars, value, np.float32))

    def model(self):
        graph = helper.make_graph(self.nodes, "encoder", self.inputs, self.outputs, self.initializers)
        opsets = [helper.make_opsetid("", self.opset)]
        if self.functions:
            opsets.append(helper.make_opsetid(LOCAL, 1))
        version = max(8, helper.find_min_ir_version_for(opsets[:1]))
        model = helper.make_model(
            graph, opset_imports=opsets, functions=list(self.functions.values()), ir_version=version
        )
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
        del model.graph.output[:]
        model.graph.output.extend(inferred.graph.output)
        onnx.checker.check_model(model)
        return model
