"""A small BERT as PyTorch exports it, and its file as the optimiser of onnxruntime.transformers fuses it.

usage: bert.py        writes bert_*.onnx beside this file; needs onnxruntime and sympy

Its masks become lengths of sequences, which means the same where all padding is on the right, or stay as they are.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).resolve().parent
FUSED = {"lengths": FOLDER / "bert_lengths.onnx", "masks": FOLDER / "bert_masks.onnx"}


class Bert:
    """A small BERT in the spelling that the optimiser of onnxruntime.transformers knows."""

    width, heads, hidden, window, batch = 16, 2, 24, 6, 1

    def __init__(self):
        self.rng = np.random.default_rng(3)
        self.nodes, self.constants = [], []

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def random(self, *shape, scale=0.4):
        return self.constant((scale * self.rng.standard_normal(shape)).astype(np.float32))

    def add(self, op, *inputs, **attributes):
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def linear(self, x, inputs, outputs):
        return self.add("Add", self.add("MatMul", x, self.random(inputs, outputs)), self.random(outputs))

    def norm(self, x):
        return self.add("LayerNormalization", x, self.random(self.width), self.random(self.width), axis=-1, epsilon=1e-12)

    def scalar(self, value):
        return self.constant(np.float32(value))

    def split(self, x):
        shape = self.constant(np.array([0, 0, self.heads, self.width // self.heads]))
        return self.add("Transpose", self.add("Reshape", x, shape), perm=[0, 2, 1, 3])

    def attention(self, x, mask):
        q, k, v = [self.split(self.linear(x, self.width, self.width)) for _ in range(3)]
        scores = self.add("MatMul", q, self.add("Transpose", k, perm=[0, 1, 3, 2]))
        scores = self.add("Div", scores, self.scalar((self.width / self.heads) ** 0.5))
        mixed = self.add("MatMul", self.add("Softmax", self.add("Add", scores, mask), axis=-1), v)
        joined = self.add("Transpose", mixed, perm=[0, 2, 1, 3])
        joined = self.add("Reshape", joined, self.constant(np.array([0, 0, self.width])))
        return self.linear(joined, self.width, self.width)

    def gelu(self, x):
        error = self.add("Add", self.add("Erf", self.add("Div", x, self.scalar(2**0.5))), self.scalar(1))
        return self.add("Mul", self.add("Mul", x, error), self.scalar(0.5))

    def model(self, blocks=2):
        ids = self.add("Gather", self.random(30, self.width, scale=1.0), "input_ids")
        kinds = self.add("Gather", self.random(2, self.width), "token_type_ids")
        x = self.add("Add", self.add("Add", ids, kinds), self.random(1, self.window, self.width))
        x = self.norm(x)
        axes = self.constant(np.array([1])), self.constant(np.array([2]))
        mask = self.add("Unsqueeze", self.add("Unsqueeze", "attention_mask", axes[0]), axes[1])
        mask = self.add("Sub", self.scalar(1), self.add("Cast", mask, to=TensorProto.FLOAT))
        mask = self.add("Mul", mask, self.scalar(-10000))
        for _ in range(blocks):
            x = self.norm(self.add("Add", self.attention(x, mask), x))
            hidden = self.gelu(self.linear(x, self.width, self.hidden))
            x = self.norm(self.add("Add", self.linear(hidden, self.hidden, self.width), x))
        self.nodes.append(helper.make_node("Identity", [x], ["y"]))
        shape = [self.batch, self.window]
        inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, shape)
                  for name in ("input_ids", "token_type_ids", "attention_mask")]
        outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [*shape, self.width])]
        graph = helper.make_graph(self.nodes, "bert", inputs, outputs, self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def entry(self):
        inputs = [{"name": name, "shape": [self.batch, self.window], "token_axis": 1, "dtype": "int64"}
                  for name in ("input_ids", "token_type_ids", "attention_mask")]
        return {"window": self.window, "inputs": inputs, "options": [], "chunks": [1], "positions": "exact"}


def fuse(source, target, form):
    """Attentions with their masks, skips with their norms, biases with their activations become one node each."""
    from onnxruntime.transformers import fusion_options, optimizer

    options = fusion_options.FusionOptions("bert")
    options.use_raw_attention_mask(form == "masks")
    fused = optimizer.optimize_model(
        str(source),
        "bert",
        num_heads=Bert.heads,
        hidden_size=Bert.width,
        optimization_options=options,
        opt_level=0,
    )
    fused.save_model_to_file(str(target))


if __name__ == "__main__":
    onnx.save(Bert().model(), FOLDER / "bert.onnx")
    for form, path in FUSED.items():
        fuse(FOLDER / "bert.onnx", path, form)
    (FOLDER / "bert.onnx").unlink()
