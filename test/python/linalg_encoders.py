"""Encoders as linalg on tensors, in the spellings of other front ends, with a NumPy reference.

    encoder = Encoder(blocks=2, spelling="generic")
    encoder.text()            the module, one function @forward
    encoder.reference(x)      what it computes, in float64

`generic` is what torch-mlir prints: batched products of transposed weights, bodies on broadcasting maps, softmax
as generics whose maximum also gives an index that nobody reads. `named` is what comes from StableHLO and the
like: collapsed rows, linalg.matmul, linalg.softmax, linalg.reduce and linalg.broadcast.
"""

import math

import numpy as np

ERF = np.vectorize(math.erf)


class Printer:
    """Prints ops, numbers values, and keeps constants in front."""

    def __init__(self):
        self.constants, self.lines, self.count, self.maps = [], [], 0, {}

    def fresh(self):
        self.count += 1
        return f"%{self.count}"

    def op(self, text, shape, element="f32"):
        name = self.fresh()
        self.lines.append(f"    {name} = {text}")
        return Value(name, tuple(shape), element)

    def constant(self, array):
        array = np.ascontiguousarray(array, np.float32)
        name, value = f"%c{len(self.constants)}", Value("", array.shape)
        self.constants.append(f'    {name} = arith.constant dense<"0x{array.tobytes().hex().upper()}"> : {value.type}')
        return Value(name, array.shape)

    def scalar(self, text, element="f32"):
        name = f"%c{len(self.constants)}"
        self.constants.append(f"    {name} = arith.constant {text} : {element}")
        return name

    def empty(self, shape, element="f32"):
        return self.op(f"tensor.empty() : {Value('', tuple(shape), element).type}", shape, element)

    def fill(self, shape, number, element="f32"):
        out, scalar = self.empty(shape, element), self.scalar(number, element)
        return self.op(f"linalg.fill ins({scalar} : {element}) outs({out.name} : {out.type}) -> {out.type}", shape, element)

    def map(self, loops, dims):
        text = f"affine_map<({', '.join(f'd{i}' for i in range(loops))}) -> ({', '.join(dims)})>"
        return self.maps.setdefault(text, f"#map{len(self.maps)}")

    def generic(self, inputs, outs, maps, kinds, body):
        """`maps`: one word of letters a operand, `0` where a dimension is broadcast; `kinds`: letter -> p or r."""
        letters = list(kinds)
        dims = lambda word: [f"d{letters.index(c)}" if c != "0" else "0" for c in word]
        names = ", ".join(self.map(len(letters), dims(word)) for word in maps)
        iterators = ", ".join('"parallel"' if kinds[c] == "p" else '"reduction"' for c in letters)
        arguments = [f"%in{i}: {v.element}" for i, v in enumerate(inputs)] + [
            f"%out{i}: {v.element}" for i, v in enumerate(outs)
        ]
        list_of = lambda values: ", ".join(v.name for v in values) + " : " + ", ".join(v.type for v in values)
        types = ", ".join(v.type for v in outs)
        results = self.fresh() if len(outs) == 1 else f"{self.fresh()}:{len(outs)}"
        self.lines.append(f"    {results} = linalg.generic {{indexing_maps = [{names}], iterator_types = [{iterators}]}}")
        self.lines.append(f"      ins({list_of(inputs)}) outs({list_of(outs)}) {{")
        self.lines.append(f"    ^bb0({', '.join(arguments)}):")
        self.lines += [f"      {line}" for line in body]
        self.lines.append(f"    }} -> {types if len(outs) == 1 else f'({types})'}")
        name = results.split(":")[0] + ("#0" if len(outs) > 1 else "")
        return Value(name, outs[0].shape, outs[0].element)


class Value:
    def __init__(self, name, shape, element="f32"):
        self.name, self.shape, self.element = name, shape, element
        self.type = f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"


class Generic(Printer):
    """torch-mlir's way."""

    def elementwise(self, operands, words, shape, *body):
        letters = "abcdefg"[: len(shape)]
        lines = [line for line in body if " = " in line]  # an operand alone is moved
        lines.append(f"linalg.yield {body[-1].split(' ')[0]} : f32")
        kinds = dict.fromkeys(letters, "p")
        return self.generic(operands, [self.empty(shape)], [*words, letters], kinds, lines)

    def add(self, x, y):
        word = "abcdefg"[: len(x.shape)]
        return self.elementwise([x, y], [word, word[-len(y.shape) :]], x.shape, "%s = arith.addf %in0, %in1 : f32")

    def linear(self, x, weight, bias):
        batch, tokens, width = x.shape
        size = weight.shape[0]
        turned = self.elementwise([self.constant(weight)], ["ba"], (width, size), "%in0")
        spread = self.elementwise([turned], ["bc"], (batch, width, size), "%in0")
        start = self.fill((batch, tokens, size), "0.000000e+00")
        product = self.op(
            f"linalg.batch_matmul ins({x.name}, {spread.name} : {x.type}, {spread.type}) outs({start.name} : {start.type}) -> {start.type}",
            start.shape,
        )
        return self.add(product, self.constant(bias))

    def heads(self, x, heads):
        batch, tokens, width = x.shape
        shape = (batch, tokens, heads, width // heads)
        split = self.op(
            f"tensor.expand_shape {x.name} [[0], [1], [2, 3]] output_shape [{', '.join(map(str, shape))}] : {x.type} into {Value('', shape).type}",
            shape,
        )
        turned = self.elementwise([split], ["acbd"], (batch, heads, tokens, shape[3]), "%in0")
        return self.collapse(turned, "[[0, 1], [2], [3]]", (batch * heads, tokens, shape[3]))

    def collapse(self, x, groups, shape):
        return self.op(f"tensor.collapse_shape {x.name} {groups} : {x.type} into {Value('', shape).type}", shape)

    def product(self, a, b):
        shape = (a.shape[0], a.shape[1], b.shape[2])
        start = self.fill(shape, "0.000000e+00")
        return self.op(
            f"linalg.batch_matmul ins({a.name}, {b.name} : {a.type}, {b.type}) outs({start.name} : {start.type}) -> {start.type}",
            shape,
        )

    def scale(self, x, factor):
        number = self.scalar(f"{factor:.9e}")
        return self.elementwise([x], ["abc"], x.shape, f"%s = arith.mulf %in0, {number} : f32")

    def softmax(self, x):
        rows = x.shape[:-1] + (1,)
        low, index = self.fill(rows, "0xFF800000"), self.fill(rows, "0", "i64")
        largest = self.generic(
            [x],
            [low, index],
            ["abc", "ab0", "ab0"],
            {"a": "p", "b": "p", "c": "r"},
            [
                "%i = linalg.index 2 : index",
                "%j = arith.index_cast %i : index to i64",
                "%m = arith.maximumf %in0, %out0 : f32",
                "%g = arith.cmpf ogt, %in0, %out0 : f32",
                "%k = arith.select %g, %j, %out1 : i64",
                "linalg.yield %m, %k : f32, i64",
            ],
        )
        shifted = self.elementwise([x, largest], ["abc", "ab0"], x.shape, "%s = arith.subf %in0, %in1 : f32")
        powers = self.elementwise([shifted], ["abc"], x.shape, "%s = math.exp %in0 : f32")
        total = self.generic(
            [powers],
            [self.fill(rows, "0.000000e+00")],
            ["abc", "ab0"],
            {"a": "p", "b": "p", "c": "r"},
            ["%s = arith.addf %in0, %out0 : f32", "linalg.yield %s : f32"],
        )
        return self.elementwise([powers, total], ["abc", "ab0"], x.shape, "%s = arith.divf %in0, %in1 : f32")

    def transposed(self, x):
        return self.elementwise([x], ["acb"], (x.shape[0], x.shape[2], x.shape[1]), "%in0")

    def merge(self, x, batch):
        groups, tokens, width = x.shape
        shape = (batch, groups // batch, tokens, width)
        split = self.op(
            f"tensor.expand_shape {x.name} [[0, 1], [2], [3]] output_shape [{', '.join(map(str, shape))}] : {x.type} into {Value('', shape).type}",
            shape,
        )
        turned = self.elementwise([split], ["acbd"], (batch, tokens, groups // batch, width), "%in0")
        return self.collapse(turned, "[[0], [1], [2, 3]]", (batch, tokens, groups // batch * width))

    def sum_rows(self, x):
        return self.generic(
            [x],
            [self.fill(x.shape[:-1] + (1,), "0.000000e+00")],
            ["abc", "ab0"],
            {"a": "p", "b": "p", "c": "r"},
            ["%s = arith.addf %in0, %out0 : f32", "linalg.yield %s : f32"],
        )

    def norm(self, x, gain, bias):
        width = self.scalar(f"{x.shape[-1]:.6e}")
        epsilon = self.scalar("1.000000e-05", "f64")
        rows = x.shape[:-1] + (1,)
        mean = self.elementwise([self.sum_rows(x)], ["ab0"], rows, f"%s = arith.divf %in0, {width} : f32")
        centred = self.elementwise([x, mean], ["abc", "ab0"], x.shape, "%s = arith.subf %in0, %in1 : f32")
        square = self.elementwise([centred], ["abc"], x.shape, "%s = arith.mulf %in0, %in0 : f32")
        spread = self.elementwise(
            [self.sum_rows(square)],
            ["ab0"],
            rows,
            f"%v = arith.divf %in0, {width} : f32",
            f"%e = arith.truncf {epsilon} : f64 to f32",
            "%w = arith.addf %v, %e : f32",
            "%s = math.rsqrt %w : f32",
        )
        normal = self.elementwise([centred, spread], ["abc", "ab0"], x.shape, "%s = arith.mulf %in0, %in1 : f32")
        scaled = self.elementwise(
            [normal, self.constant(gain)], ["abc", "c"], x.shape, "%s = arith.mulf %in0, %in1 : f32"
        )
        return self.add(scaled, self.constant(bias))

    def gelu(self, x):
        half, root, one = self.scalar("5.000000e-01"), self.scalar("0.707106769"), self.scalar("1.000000e+00")
        return self.elementwise(
            [x],
            ["abc"],
            x.shape,
            f"%h = arith.mulf %in0, {half} : f32",
            f"%r = arith.mulf %in0, {root} : f32",
            "%e = math.erf %r : f32",
            f"%o = arith.addf %e, {one} : f32",
            "%s = arith.mulf %h, %o : f32",
        )


class Named(Generic):
    """Named ops, and products of collapsed rows."""

    def linear(self, x, weight, bias):
        batch, tokens, width = x.shape
        size = weight.shape[0]
        rows = self.collapse(x, "[[0, 1], [2]]", (batch * tokens, width))
        matrix, start = self.constant(weight.T), self.fill((batch * tokens, size), "0.000000e+00")
        product = self.op(
            f"linalg.matmul ins({rows.name}, {matrix.name} : {rows.type}, {matrix.type}) outs({start.name} : {start.type}) -> {start.type}",
            start.shape,
        )
        shape = (batch, tokens, size)
        split = self.op(
            f"tensor.expand_shape {product.name} [[0, 1], [2]] output_shape [{', '.join(map(str, shape))}] : {product.type} into {Value('', shape).type}",
            shape,
        )
        return self.add(split, self.constant(bias))

    def transpose(self, x, order):
        shape = tuple(x.shape[i] for i in order)
        out, name = self.empty(shape), self.fresh()
        self.lines.append(
            f"    {name} = linalg.transpose ins({x.name} : {x.type}) outs({out.name} : {out.type}) permutation = {list(order)}"
        )
        return Value(name, shape)

    def heads(self, x, heads):
        batch, tokens, width = x.shape
        shape = (batch, tokens, heads, width // heads)
        split = self.op(
            f"tensor.expand_shape {x.name} [[0], [1], [2, 3]] output_shape [{', '.join(map(str, shape))}] : {x.type} into {Value('', shape).type}",
            shape,
        )
        return self.collapse(
            self.transpose(split, (0, 2, 1, 3)), "[[0, 1], [2], [3]]", (batch * heads, tokens, shape[3])
        )

    def transposed(self, x):
        return self.transpose(x, (0, 2, 1))

    def softmax(self, x):
        out = self.empty(x.shape)
        return self.op(f"linalg.softmax dimension(2) ins({x.name} : {x.type}) outs({out.name} : {out.type}) -> {out.type}", x.shape)

    def sum_rows(self, x):
        start = self.fill(x.shape[:-1], "0.000000e+00")
        name = self.fresh()
        self.lines.append(
            f"    {name} = linalg.reduce {{ arith.addf }} ins({x.name} : {x.type}) outs({start.name} : {start.type}) dimensions = [2]"
        )
        total, shape = Value(name, start.shape), x.shape[:-1] + (1,)
        return self.op(
            f"tensor.expand_shape {total.name} [[0], [1, 2]] output_shape [{', '.join(map(str, shape))}] : {total.type} into {Value('', shape).type}",
            shape,
        )


SPELLINGS = {"generic": Generic, "named": Named}


class Encoder:
    """Post-norm blocks; `rows` of the result: all, or the last alone."""

    def __init__(self, blocks=1, tokens=12, width=16, heads=2, batch=1, spelling="generic", rows="last", seed=0):
        self.blocks, self.tokens, self.width, self.heads, self.batch = blocks, tokens, width, heads, batch
        self.spelling, self.rows = spelling, rows
        rng = np.random.default_rng(seed)
        matrix = lambda out, into: (rng.standard_normal((out, into)) / np.sqrt(into)).astype(np.float32)
        vector = lambda size, centre=0: (centre + 0.1 * rng.standard_normal(size)).astype(np.float32)
        self.parameters = []
        for _ in range(blocks):
            linears = [(matrix(width, width), vector(width)) for _ in "qkvo"]
            linears += [(matrix(2 * width, width), vector(2 * width)), (matrix(width, 2 * width), vector(width))]
            self.parameters.append((linears, [(vector(width, 1), vector(width)) for _ in range(2)]))

    def text(self):
        b = SPELLINGS[self.spelling]()
        x = Value("%arg0", (self.batch, self.tokens, self.width))
        for linears, norms in self.parameters:
            query, key, value = (b.heads(b.linear(x, *linear), self.heads) for linear in linears[:3])
            scores = b.scale(b.product(query, b.transposed(key)), 1 / math.sqrt(self.width // self.heads))
            mixed = b.merge(b.product(b.softmax(scores), value), self.batch)
            x = b.norm(b.add(x, b.linear(mixed, *linears[3])), *norms[0])
            inner = b.linear(b.gelu(b.linear(x, *linears[4])), *linears[5])
            x = b.norm(b.add(x, inner), *norms[1])
        result = x
        if self.rows == "last":
            shape = (self.batch, self.width)
            result = b.op(
                f"tensor.extract_slice {x.name}[0, {self.tokens - 1}, 0] [{self.batch}, 1, {self.width}] [1, 1, 1] : {x.type} to {Value('', shape).type}",
                shape,
            )
        maps = [f"{name} = {text}" for text, name in b.maps.items()]
        head = f"  func.func @forward(%arg0: {Value('', (self.batch, self.tokens, self.width)).type}) -> {result.type} {{"
        body = [*b.constants, *b.lines, f"    return {result.name} : {result.type}"]
        return "\n".join([*maps, "module {", head, *body, "  }", "}", ""])

    def reference(self, x):
        x = x.astype(np.float64)
        split = lambda y: y.reshape(self.batch, self.tokens, self.heads, -1).transpose(0, 2, 1, 3)

        def norm(y, gain, bias):
            centred = y - y.mean(-1, keepdims=True)
            return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * gain + bias

        for linears, norms in self.parameters:
            apply = lambda y, index: y @ linears[index][0].T.astype(np.float64) + linears[index][1]
            query, key, value = (split(apply(x, index)) for index in range(3))
            scores = query @ key.transpose(0, 1, 3, 2) / math.sqrt(self.width // self.heads)
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            mixed = (weights @ value).transpose(0, 2, 1, 3).reshape(x.shape)
            x = norm(x + apply(mixed, 3), *norms[0])
            inner = apply(x, 4)
            inner = inner / 2 * (1 + ERF(inner / math.sqrt(2)))
            x = norm(x + apply(inner, 5), *norms[1])
        return x[:, -1] if self.rows == "last" else x
