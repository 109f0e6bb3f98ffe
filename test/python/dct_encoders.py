"""Encoders of any length, batch and depth for attention over frequencies, and models that weir-dct has rewritten.

    x [batch, tokens, width]  ->  blocks of attention with heads and biases, MLP  ->  y

`keep_mask` is an input [batch, tokens] of 1 and 0 which becomes 0 and -1e9, added to the scores of all queries.
"""

import pathlib

import numpy as np
import onnx_steps
import small_encoder
import streams
from onnx import TensorProto


class Encoder(small_encoder.Encoder):
    def __init__(self, tokens, batch=1, heads=2, width=8, blocks=1, norm="pre", masked=False, seed=0):
        super().__init__(opset=17, seed=seed)
        self.tokens, self.batch, self.heads, self.width, self.norm_first = tokens, batch, heads, width, norm == "pre"
        x = self.input("x", TensorProto.FLOAT, [batch, tokens, width])
        self.mask = None
        if masked:
            keep = self.input("keep", TensorProto.FLOAT, [batch, tokens])
            hidden = self.Mul(self.Sub(self.scalar(1.0), keep), self.scalar(-1e9))
            self.mask = self.Reshape(hidden, self.indices(batch, 1, 1, tokens))
        for _ in range(blocks):
            x = self.encoder_block(x)
        self.output(x, "y")

    def project(self, x, outputs=None):
        return self.Add(self.linear(x, self.width, outputs or self.width), self.random(outputs or self.width))

    def split_heads(self, x, *perm):
        shape = self.indices(self.batch, self.tokens, self.heads, self.width // self.heads)
        return self.transpose(self.Reshape(x, shape), *perm)

    def attend(self, x):
        q, v = (self.split_heads(self.project(x), 0, 2, 1, 3) for _ in "qv")
        k = self.split_heads(self.project(x), 0, 2, 3, 1)
        scores = self.Mul(self.MatMul(q, k), self.scalar((self.width // self.heads) ** -0.5))
        if self.mask:
            scores = self.Add(scores, self.mask)
        mixed = self.transpose(self.MatMul(self.Softmax(scores, axis=-1), v), 0, 2, 1, 3)
        return self.project(self.Reshape(mixed, self.indices(self.batch, self.tokens, self.width)))

    def mlp(self, x):
        y = self.Relu(self.linear(x, self.width, 2 * self.width))
        return self.linear(y, 2 * self.width, self.width)

    def encoder_block(self, x):
        for part in (self.attend, self.mlp):
            if self.norm_first:
                x = self.Add(x, part(self.norm(x, self.width)))
            else:
                x = self.norm(self.Add(x, part(x)), self.width)
        return x

    @property
    def axes(self):
        """The option of passes that says where the tokens stand."""
        return "token-axis=x=1,keep=1" if self.mask else "token-axis=x=1"

    def feeds(self, seed=1):
        """Inputs of one window; the mask hides some keys at the end of each sequence, another number in each."""
        rng = np.random.default_rng(seed)
        feeds = {"x": rng.standard_normal((self.batch, self.tokens, self.width)).astype(np.float32)}
        if self.mask:
            lengths = self.tokens - 1 - np.arange(self.batch) * self.tokens // 5
            feeds["keep"] = (np.arange(self.tokens) < lengths[:, None]).astype(np.float32)
        return feeds


def rewrite(model, output, options, prepare="", check=True):
    """`output` holds `model` as weir-dct leaves it; the result of weir-opt."""
    passes = f"builtin.module(weir-prepare-model{{{prepare}}},func.func(weir-dct{{{options}}}))"
    done = onnx_steps.weir_opt(model, f"--pass-pipeline={passes}", "-o", output)
    assert not check or done.returncode == 0, done.stderr
    return done


def run(model, feeds, folder):
    """{output: array} of one window."""
    folder, command = pathlib.Path(folder), []
    for i, (name, array) in enumerate(feeds.items()):
        np.save(folder / f"{i}.npy", array)
        command += ["--static", f"{name}={folder}/{i}.npy"]
    done = streams.weir_run(model, "--rewrite=none", "--output", folder / "out.npz", *command)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as outputs:
        return {name: outputs[name][0] for name in outputs}
