"""Products of a model with weights of 8 bits, as onnxruntime's weight-only quantization has them."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

BLOCK = 32  # rows of a matrix that share a scale


def to_8_bits(model):
    """`model` with MatMulNBits in place of products with constant matrices."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in constants:
            continue
        matrix = numpy_helper.to_array(constants[node.input[1]])
        depth, columns = matrix.shape
        if depth % BLOCK:
            continue
        blocks = matrix.T.reshape(columns, depth // BLOCK, BLOCK)
        scales = np.abs(blocks).max(-1) / 127
        levels = np.round(blocks / np.maximum(scales, 1e-30)[..., None]) + 128
        names = [node.input[1] + suffix for suffix in ("_q8", "_scales")]
        for name, array in zip(names, (levels.astype(np.uint8), scales.astype(np.float32).reshape(-1))):
            graph.initializer.append(numpy_helper.from_array(array, name))
        graph.initializer.remove(constants[node.input[1]])
        node.CopyFrom(
            helper.make_node(
                "MatMulNBits", [node.input[0], *names], list(node.output), name=node.name, domain="com.microsoft",
                K=depth, N=columns, bits=8, block_size=BLOCK, accuracy_level=4,
            )  # fmt: skip
        )
    onnx.checker.check_model(model, full_check=False)
    return model
