"""Encoders whose attentions are compressed: the window function as text, and the same in float64 NumPy.

    encoder = Encoder("resample", tokens=16, keep=5)
    encoder.text()                 what weir-run takes
    encoder(x)                     x [..., tokens, width] to outputs of that shape
"""

import dataclasses
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import dct  # noqa: E402


class Text:
    """Lines of a function, a value a line."""

    def __init__(self):
        self.lines = []

    def type(self, *shape, element="f32"):
        return f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"

    def add(self, operation):
        self.lines.append(f"  %{len(self.lines)} = {operation}")
        return f"%{len(self.lines) - 1}"

    def constant(self, values):
        write = lambda x: f"[{', '.join(map(write, x))}]" if x.ndim else f"{float(x):.9e}"
        values = np.asarray(values)
        return self.add(f"onnx.Constant dense<{write(values)}> : {self.type(*values.shape)}")

    def ints(self, *values):
        return self.add(f"onnx.Constant dense<{list(values)}> : {self.type(len(values), element='i64')}")

    def op(self, name, operands, types, result, attributes=""):
        return self.add(f"onnx.{name} {', '.join(operands)}{attributes} : ({', '.join(types)}) -> {result}")

    def map(self, name, value, source, result):
        return self.add(f"weir.{name} {value} {{dim = 2}} : {source} -> {result}")


@dataclasses.dataclass
class Encoder:
    """Blocks x + attention(x): q, k, v of all tokens with biases, then `variant` of dct.VARIANTS, or full attention."""

    variant: str
    tokens: int
    keep: int
    width: int = 8
    heads: int = 2
    batch: int = 1
    blocks: int = 1

    def __post_init__(self):
        rng = np.random.default_rng(self.tokens * 100 + self.keep)
        matrix = lambda: (rng.standard_normal((self.width, self.width)) / np.sqrt(self.width)).astype(np.float32)
        bias = lambda: (rng.standard_normal(self.width) * 0.3).astype(np.float32)
        self.weights = [[(matrix(), bias()) for _ in range(3)] + [matrix()] for _ in range(self.blocks)]

    @property
    def size(self):
        return self.width // self.heads

    def __call__(self, x):
        x = np.asarray(x, np.float64)
        split = lambda y: np.swapaxes(y.reshape(*y.shape[:-1], self.heads, self.size), -2, -3)
        merge = lambda y: np.swapaxes(y, -2, -3).reshape(x.shape)
        scale = self.size**-0.5
        for *projections, out in self.weights:
            q, k, v = (split(x @ w.astype(np.float64) + b) for w, b in projections)
            if self.variant == "full":
                made = dct.attention(q, k, v, scale)
            else:
                made = dct.VARIANTS[self.variant](q, k, v, scale, self.keep)
            x = x + merge(made) @ out.astype(np.float64)
        return x

    def text(self):
        t, b, h, n, d = Text(), self.batch, self.heads, self.tokens, self.size
        x, whole, tokens = "%x", t.type(b, n, self.width), t.type(b, h, n, d)
        matrix, vector = t.type(self.width, self.width), t.type(self.width)

        def project(w, bias):
            y = t.op("MatMul", [x, t.constant(w)], [whole, matrix], whole)
            y = t.op("Add", [y, t.constant(bias)], [whole, vector], whole)
            cut = t.type(b, n, h, d)
            y = t.op("Reshape", [y, t.ints(b, n, h, d)], [whole, t.type(4, element="i64")], cut)
            return t.op("Transpose", [y], [cut], tokens, " {perm = [0, 2, 1, 3]}")

        def attend(q, k, v):
            queries = keys = n
            compress = {"qkv": "dct", "resample": "resample", "pool": "pool"}.get(self.variant)
            if compress:
                keys = self.keep
                k, v = (t.map(compress, y, tokens, t.type(b, h, keys, d)) for y in (k, v))
            if self.variant == "qkv":
                queries = self.keep
                q = t.map("dct", q, tokens, t.type(b, h, queries, d))
            rows, columns, scores = (t.type(b, h, *s) for s in [(queries, d), (keys, d), (queries, keys)])
            turned = t.type(b, h, d, keys)
            k = t.op("Transpose", [k], [columns], turned, " {perm = [0, 1, 3, 2]}")
            s = t.op("MatMul", [q, k], [rows, turned], scores)
            s = t.op("Mul", [s, t.constant(d**-0.5)], [scores, t.type()], scores)
            s = t.op("Softmax", [s], [scores], scores, " {axis = -1 : si64}")
            o = t.op("MatMul", [s, v], [scores, columns], rows)
            return t.map("idct", o, rows, tokens) if self.variant == "qkv" else o

        for *projections, out in self.weights:
            o = attend(*(project(*one) for one in projections))
            merged = t.type(b, n, h, d)
            o = t.op("Transpose", [o], [tokens], merged, " {perm = [0, 2, 1, 3]}")
            o = t.op("Reshape", [o, t.ints(b, n, self.width)], [merged, t.type(3, element="i64")], whole)
            o = t.op("MatMul", [o, t.constant(out)], [whole, matrix], whole)
            x = t.op("Add", [x, o], [whole, whole], whole)
        head = f'func.func @window(%x: {whole} {{weir.input = "x"}}) -> ({whole} {{weir.output = "y"}}) {{'
        return "\n".join([head, *t.lines, f"  return {x} : {whole}", "}\n"])
