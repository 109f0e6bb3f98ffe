"""Attentions in one op: shapes, biases and functions, what they give in float64, and one module that computes all."""

import dataclasses
import math

import numpy as np

erf = np.vectorize(math.erf)


@dataclasses.dataclass
class Case:
    q: tuple
    k: tuple
    v: tuple
    bias: tuple | None = None
    function: str = "softmax"
    scale: float = 1.0
    guarded: bool = False
    dtype: type = np.float32
    masks: str = ""  # keys that the bias hides: "some" of them, or "all" of the first query's, with `low`
    low: float = -math.inf
    heads_last: bool = False  # keys and values [heads, n, d] lie in memory as [n, d, heads]

    @property
    def rounding(self):
        """By how much scores round where every key of a query has a finite mask that they do not vanish beside."""
        return 2 * np.finfo(self.dtype).eps * -self.low if self.low > -1e9 else 0

    def arrays(self, rng):
        made = {name: rng.standard_normal(getattr(self, name)) for name in "qkv"}
        if self.bias is not None:
            made["b"] = rng.standard_normal(self.bias)
        if self.masks:
            hidden = rng.random(self.bias) < 0.3
            hidden[..., 0] = False
            if self.masks == "all":
                hidden[(0,) * (len(self.bias) - 1)] = True
            made["b"] = np.where(hidden, self.low, made["b"])
        return {name: value.astype(self.dtype) for name, value in made.items()}

    def stored(self, arrays):
        """The same as they are fed."""
        if not self.heads_last:
            return arrays
        return {name: np.moveaxis(value, 0, -1) if name in "kv" else value for name, value in arrays.items()}

    def expected(self, arrays):
        wide = {name: value.astype(np.float64) for name, value in arrays.items()}
        scores = self.scale * wide["q"] @ wide["k"].swapaxes(-1, -2) + wide.get("b", 0)
        with np.errstate(invalid="ignore"):
            return self.weights(scores) @ wide["v"]

    def weights(self, scores):
        if self.function == "laplace":
            return (1 + erf((scores - math.sqrt(0.5)) / (math.sqrt(1 / (4 * math.pi)) * math.sqrt(2)))) / 2
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        weights = powers / powers.sum(-1, keepdims=True)
        return np.where(np.isnan(weights), 0, weights) if self.guarded else weights


HEADS = dict(q=(2, 3, 70, 4), k=(2, 3, 60, 4), v=(2, 3, 60, 5), scale=0.5)
KEYS = dict(HEADS, bias=(2, 1, 1, 60))
SHAPES = [
    Case((1, 1), (1, 1), (1, 1)),
    Case((7, 3), (5, 3), (5, 2)),
    Case((2, 8, 16), (2, 8, 16), (2, 8, 16), scale=0.25),
    Case((2, 1, 9, 4), (3, 8, 4), (8, 5)),
    Case((9, 4), (8, 4), (2, 3, 8, 5), bias=(3, 1, 1)),
    Case((1, 33, 8), (1, 5000, 8), (1, 5000, 3), scale=0.3),
    Case((130, 6), (300, 6), (300, 7), bias=(300,), masks="some"),
    Case((13, 4), (9, 4), (9, 5), function="laplace"),
]
FEW = [  # queries; keys in one part, two, three and four
    Case((4, 2, 64), (4, 128, 64), (4, 128, 80), scale=0.125),
    Case((2, 7, 96), (1, 258, 96), (2, 258, 5), bias=(258,), masks="some", scale=0.1),
    Case((3, 1, 64), (3, 129, 64), (3, 129, 64), bias=(3, 1, 129), scale=0.1),
    Case((5, 3, 64), (5, 127, 64), (5, 127, 64), bias=(1, 3, 1), scale=0.1),
    Case((16, 1, 12), (16, 96, 12), (16, 96, 12), bias=(16, 1, 96), heads_last=True, scale=0.3),
    Case((5, 2, 7), (5, 471, 7), (5, 471, 3), bias=(2, 471), masks="all", guarded=True, heads_last=True, scale=0.3),
    Case((6, 1, 4), (6, 9, 4), (6, 9, 5), function="laplace", heads_last=True),
]
BIASES = [
    Case(**HEADS, bias=bias)
    for bias in [(), (60,), (1, 60), (70, 1), (70, 60), (1, 1, 1), (3, 70, 1), (3, 1, 60), (2, 1, 70, 60), (2, 3, 70, 60)]
]
MASKS = [
    Case(**KEYS, masks="some"),
    Case(**KEYS, masks="all"),
    Case(**KEYS, masks="all", guarded=True),
    Case(**KEYS, masks="all", low=-1e4),
    Case(**KEYS, masks="all", low=-1e30, guarded=True),
    Case(**KEYS, masks="all", function="laplace"),
]


def tensor(shape, dtype):
    element = {np.float32: "f32", np.float64: "f64"}[dtype]
    return f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"


def module(cases, arrays, expected):
    """A window that computes all cases: inputs `c0_q`, `c0_k` .., outputs `c0` .."""
    arguments, lines, results = [], [], []
    for i, (case, given, result) in enumerate(zip(cases, arrays, expected)):
        types = {name: tensor(value.shape, case.dtype) for name, value in given.items()}
        stored = {name: tensor(value.shape, case.dtype) for name, value in case.stored(given).items()}
        names = {name: f"%c{i}_{name}" for name in given}
        for name in given:
            if stored[name] != types[name]:
                names[name] += "_heads"
                lines.append(
                    f"  {names[name]} = onnx.Transpose %c{i}_{name} {{perm = [2, 0, 1]}} : ({stored[name]}) -> {types[name]}"
                )
        arguments += [f'%c{i}_{name}: {kind} {{weir.input = "c{i}_{name}"}}' for name, kind in stored.items()]
        results.append(tensor(result.shape, case.dtype))
        bias = f" bias {names['b']}" if "b" in given else ""
        guarded = ", guarded" if case.guarded else ""
        lines.append(
            f"  %c{i} = weir.attention {case.function} {names['q']}, {names['k']}, {names['v']}{bias}"
            f" {{scale = {case.scale:e} : f64{guarded}}} : {', '.join(types.values())} -> {results[-1]}"
        )
    named = ", ".join(f'{kind} {{weir.output = "c{i}"}}' for i, kind in enumerate(results))
    values = ", ".join(f"%c{i}" for i in range(len(cases)))
    lines.append(f"  return {values} : {', '.join(results)}")
    return f"func.func @window({', '.join(arguments)}) -> ({named}) {{\n" + "\n".join(lines) + "\n}\n"
