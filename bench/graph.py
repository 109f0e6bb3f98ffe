"""Writes ONNX models node by node."""

import hashlib

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 17
IR_VERSION = 8
TYPES = {"float32": onnx.TensorProto.FLOAT, "int64": onnx.TensorProto.INT64}


class Graph:
    def __init__(self, name):
        self.name = name
        self.nodes, self.constants, self.inputs, self.outputs = [], {}, [], []

    def input(self, name, shape, dtype="float32"):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))
        return name

    def output(self, value, name, shape, dtype="float32"):
        self.op("Identity", value, name=name)
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))

    def constant(self, array, hint="constant"):
        """Equal constants are one."""
        array = np.asarray(array)
        key = (hint, array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).digest())
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, f"{hint}_{len(self.constants)}")
        return self.constants[key].name

    def op(self, kind, *inputs, name=None, results=1, domain="", **attributes):
        """The name of the result, or names of the results."""
        label = f"{kind}_{len(self.nodes)}"
        names = [name or label] if results == 1 else [f"{label}_{i}" for i in range(results)]
        node = helper.make_node(kind, inputs, names, name=f"/{label}", domain=domain, **attributes)
        self.nodes.append(node)
        return names[0] if results == 1 else names

    def linear(self, x, weights, bias):
        """x W + b, as exporters write it for inputs of any rank."""
        product = self.op("MatMul", x, self.constant(weights, "weight"))
        return self.op("Add", product, self.constant(bias, "bias"))

    def norm(self, x, gain, shift):
        return self.op("LayerNormalization", x, self.constant(gain, "gain"), self.constant(shift, "shift"), axis=-1, epsilon=1e-5)

    def reshape(self, x, *shape):
        return self.op("Reshape", x, self.constant(np.array(shape, np.int64), "shape"))

    def save(self, path):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.constants.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("com.microsoft", 1)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION), path)
