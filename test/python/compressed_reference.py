"""Encoders of ONNX files in float64 NumPy, their attentions replaced by golden functions: what rewrites are held to.

    found = Encoder("model.onnx")
    outputs, taps = found.run({"x": x}, dct_method("resample", keep=8))

Attentions are found by a method of its own, which asks numbers where a compiler would ask operators: scale and mask of
an attention are what its nodes from q k^T to the softmax make of 0 and of 1; the row of X that a token comes from is
seen by giving every row another multiple of one vector.
"""

import dataclasses
import pathlib
import sys

import numpy as np
import onnx
import onnx.inliner
from onnx.reference import ReferenceEvaluator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
import cast  # noqa: E402
import dct  # noqa: E402
import retype  # noqa: E402

PADDING = -5000.0  # a key whose additive mask is below is padding

# From q k^T to the softmax, from the softmax to the product with v, from a projection to q, k or v.
OF_SCORES = {"Add", "Sub", "Mul", "Div", "Where", "Cast", "Identity", "Reshape", "Expand", "Max", "Min"}
OF_WEIGHTS = {"Identity", "Cast", "Dropout", "Where", "IsNaN", "Reshape"}
MOVEMENT = {"Reshape", "Transpose", "Identity", "Cast", "Squeeze", "Unsqueeze", "Split", "Slice", "Gather", "Expand"}
PRODUCTS = {"MatMul", "Gemm"}


class Unsupported(Exception):
    """The reference has no meaning for what is asked of this attention."""


@dataclasses.dataclass
class Site:
    """Names of one attention's values; of the operator Attention, `node` is set and `scores` is not."""

    layer: int
    name: str
    q: str
    k: str
    v: str
    product: str
    scores: str | None = None
    softmax_input: str | None = None
    node: onnx.NodeProto | None = None


@dataclasses.dataclass
class Tap:
    """One attention while the model runs: arrays [leading dimensions flat, tokens, features]."""

    layer: int
    name: str
    q: np.ndarray  # without the factors of the scale
    k: np.ndarray
    v: np.ndarray
    scale: float
    bias: np.ndarray  # what is added to scale q k^T, [..., n or 1, m], 0 where nothing is
    inputs: object  # () -> (X [rows, E], row [leading, tokens] of each token)
    biases: object  # () -> q, k, v of X = 0, [leading, 1, features]
    out: np.ndarray | None = None
    clusters: np.ndarray | None = None  # [leading, C, size]
    affinity: np.ndarray | None = None  # [leading, n, C]

    @property
    def kept(self):
        """[leading or 1, m] of 1 and 0: which keys are no padding; None without a mask."""
        if not np.any(self.bias):
            return None
        rows = np.unique(self.bias, axis=-2)
        if rows.shape[-2] != 1:
            raise Unsupported("a mask or bias that differs between queries")
        kept = rows[..., 0, :] > PADDING
        if np.any(np.where(kept, rows[..., 0, :], 0)):
            raise Unsupported("a bias of keys that is no mask of padding")
        return kept.astype(self.q.dtype)


def attribute(node, name, default=None):
    for one in node.attribute:
        if one.name == name:
            return onnx.helper.get_attribute_value(one)
    return default


def flat(x):
    """[leading..., rows, features] -> [leading, rows, features]"""
    return x.reshape(-1, *x.shape[-2:])


class Encoder:
    """An ONNX encoder that runs in float64 with attentions of another kind."""

    def __init__(self, model):
        model = model if isinstance(model, onnx.ModelProto) else onnx.load(model)
        model = retype.retyped(onnx.inliner.inline_local_functions(model), "float64")
        self.model, self.evaluator = model, ReferenceEvaluator(model)
        self.nodes = list(model.graph.node)
        self.compute = dict(zip(map(id, self.nodes), self.evaluator.rt_nodes_))
        self.producer = {name: node for node in self.nodes for name in node.output if name}
        self.varying = {value.name for value in model.graph.input} - set(self.evaluator.rt_inits_)
        for node in self.nodes:  # Shape depends on no value
            if node.op_type != "Shape" and self.varying.intersection(node.input):
                self.varying.update(node.output)
        self.sites = []
        for node in self.nodes:
            site = {"Softmax": self._around_softmax, "Attention": self._of_operator}.get(node.op_type)
            found = site and site(node, len(self.sites))
            if found:
                self.sites.append(found)

    # --- finding attentions

    def _back(self, name, through):
        """Names from `name` back to what the nodes `through` do not make, or to where paths part."""
        while True:
            yield name
            node = self.producer.get(name)
            if node is None or node.op_type not in through:
                return
            sources = [i for i in node.input if i in self.varying]
            ahead = [i for i in sources if self._reaches_product(i)] if len(sources) > 1 else sources
            if len(ahead) != 1:
                return
            [name] = ahead

    def _reaches_product(self, name):
        node = self.producer.get(name)
        while node is not None and node.op_type in OF_SCORES:
            sources = [i for i in node.input if i in self.varying]
            if len(sources) > 1:
                return any(map(self._reaches_product, sources))
            node = self.producer.get(sources[0]) if sources else None
        return node is not None and node.op_type == "MatMul" and self.varying.issuperset(node.input)

    def _around_softmax(self, node, layer):
        axis = attribute(node, "axis", -1)
        *_, scores = self._back(node.input[0], OF_SCORES)
        product = self.producer.get(scores)
        if product is None or product.op_type != "MatMul" or not self.varying.issuperset(product.input):
            return None
        if axis not in (-1, 2, 3):
            return None
        weights, mixed = {node.output[0]}, None
        for other in self.nodes:
            if other.op_type in OF_WEIGHTS and weights.intersection(other.input):
                weights.add(other.output[0])
            if other.op_type == "MatMul" and other.input[0] in weights and mixed is None:
                mixed = other
        if mixed is None:
            return None
        q, k = product.input
        names = dict(q=q, k=k, v=mixed.input[1], product=mixed.output[0])
        return Site(layer, node.name, scores=scores, softmax_input=node.input[0], **names)

    def _of_operator(self, node, layer):
        if node.domain not in ("", "ai.onnx"):
            return None
        q, k, v = node.input[:3]
        return Site(layer, node.name, q, k, v, node.output[0], node=node)

    # --- running

    def _run_node(self, node, values):
        compute = self.compute[id(node)]
        context = {"context": values} if compute.need_context() else {}
        outputs = compute.run(*(values[name] for name in node.input), **context)
        values.update(zip(node.output, outputs))

    def _replay(self, values, given, target):
        """The value `target` would have if the values `given` were others."""
        order, touched = [], set(given)
        for node in self.nodes:
            if touched.intersection(node.input) and not touched.intersection(node.output):
                touched.update(node.output)
                order.append(node)
        wanted, path = {target}, []
        for node in reversed(order):
            if wanted.intersection(node.output):
                wanted.update(node.input)
                path.append(node)
        values = {**values, **given}
        for node in reversed(path):
            self._run_node(node, values)
        return values[target]

    def _needed(self, replaced):
        """The nodes that the outputs need when the products of the sites `replaced` come from elsewhere."""
        wanted, order = {value.name for value in self.model.graph.output}, []
        for node in reversed(self.nodes):
            has_branches = any(a.HasField("g") for a in node.attribute)  # which name values of the graph around them
            if not wanted.intersection(node.output) and not has_branches:
                continue
            order.append(node)
            sites = [replaced[name] for name in node.output if name in replaced]
            wanted.update(*map(self._operands, sites) if sites else [node.input])
        return order[::-1]

    def _operands(self, site):
        """What an attention takes in: q, k, v, and what is added to its scores or selects them."""
        if site.node is not None:
            return set(site.node.input)
        path = set(self._back(site.softmax_input, OF_SCORES))
        aside = {name for value in path - {site.scores} for name in self.producer[value].input}
        return {site.q, site.k, site.v} | (aside - path)

    def run(self, feeds, method=None, layers=None):
        """({output name: array}, [Tap]) with `method(tap) -> out` in the place of the attentions `layers`, or all."""
        values = {"": None, **self.evaluator.rt_inits_}
        for name, value in feeds.items():
            values[name] = value.astype(np.float64) if value.dtype == np.float32 else value
        chosen = [site for site in self.sites if layers is None or site.layer in layers]
        replaced = {site.product: site for site in chosen} if method else {}
        taps = []
        for node in self._needed(replaced):
            site = next((replaced[name] for name in node.output if name in replaced), None)
            if site is None:
                self._run_node(node, values)
                continue
            tap = self._tap(site, values)
            tap.out = method(tap)
            values[site.product] = self._as_product(site, values, tap.out)
            taps.append(tap)
        return {value.name: values[value.name] for value in self.model.graph.output}, taps

    # --- one attention

    def _as_product(self, site, values, out):
        q, v = values[site.q], values[site.v]
        if site.node is not None and q.ndim == 3:  # [batch, tokens, heads side by side]
            heads = attribute(site.node, "q_num_heads")
            out = out.reshape(len(q), heads, *out.shape[-2:]).transpose(0, 2, 1, 3)
            return out.reshape(*q.shape[:2], -1)
        # The operator repeats heads of keys and values for those of the queries.
        leading = np.broadcast_shapes(q.shape[:-2], v.shape[:-2]) if site.node is None else q.shape[:-2]
        return out.reshape(*leading, *out.shape[-2:])

    def _heads(self, site, name, values):
        """A value of the attention as [leading..., tokens, features]."""
        value = values[name]
        if site.node is None:
            return np.swapaxes(value, -1, -2) if name == site.k else value
        kind = "q_num_heads" if name == site.q else "kv_num_heads"
        if value.ndim == 3:
            value = value.reshape(*value.shape[:2], attribute(site.node, kind), -1).transpose(0, 2, 1, 3)
        heads = attribute(site.node, "q_num_heads") or values[site.q].shape[1]
        return np.repeat(value, heads // value.shape[1], 1)

    def _tap(self, site, values):
        operands = [self._heads(site, name, values) for name in (site.q, site.k, site.v)]
        leading = np.broadcast_shapes(*(operand.shape[:-2] for operand in operands))
        q, k, v = (flat(np.broadcast_to(o, (*leading, *o.shape[-2:]))) for o in operands)
        if site.node is None:
            scale, bias = self._scale_and_bias(site, values, (*leading, q.shape[1], k.shape[1]))
        else:
            scale, bias = self._attributes(site, values, leading, q)
        bias = flat(np.broadcast_to(bias, (*leading, *bias.shape[-2:]))) if np.any(bias) else np.zeros((1, 1, 1))
        of_q, of_k = self._factor(site.q, values), self._factor(site.k, values)
        inputs = lambda: self._inputs(site, values)
        biases = lambda: self._biases(site, values)
        return Tap(site.layer, site.name, q / of_q, k / of_k, v, scale * of_q * of_k, bias, inputs, biases)

    def _scale_and_bias(self, site, values, shape):
        """What the nodes up to the softmax make of q k^T, as scale q k^T + bias."""
        of = lambda value: self._replay(values, {site.scores: np.full(shape, value)}, site.softmax_input)
        if site.scores == site.softmax_input:
            return 1.0, np.zeros((1, 1, 1))
        bias = of(0.0)
        with np.errstate(invalid="ignore"):
            slope = of(1.0) - bias
        scales = slope[(bias > PADDING) & np.isfinite(slope)]
        if scales.size == 0 or np.ptp(scales) > 1e-12 * abs(scales[0]) + 4e-16 * np.abs(bias[bias > PADDING]).max():
            raise Unsupported("scores that are not all scaled alike")
        return float(scales[0]), bias.reshape(*shape[:-2], *bias.shape[-2:])

    def _attributes(self, site, values, leading, q):
        node = site.node
        if any(node.input[4:]) or attribute(node, "softcap", 0.0):
            raise Unsupported("Attention with a cache or a soft cap")
        scale = attribute(node, "scale") or q.shape[-1] ** -0.5
        tokens = q.shape[1]
        bias = np.zeros((1, 1))
        if len(node.input) > 3 and node.input[3]:
            mask = values[node.input[3]]
            bias = np.where(mask, 0.0, -np.inf) if mask.dtype == bool else mask
        if attribute(node, "is_causal", 0):
            bias = bias + np.where(np.tri(tokens, dtype=bool), 0.0, -np.inf)
        return float(scale), bias

    def _factor(self, name, values):
        """The scalar that the projected tokens were multiplied by on their way to `name`."""
        factor = 1.0
        for name in self._back(name, MOVEMENT | {"Mul", "Div", "Add"}):
            node = self.producer.get(name)
            scalars = [values[i] for i in node.input if i not in self.varying] if node is not None else []
            if node is not None and node.op_type in ("Mul", "Div") and len(scalars) == 1 and scalars[0].size == 1:
                factor *= float(scalars[0].item()) ** (1 if node.op_type == "Mul" else -1)
        return factor

    # --- the common input of the projections

    def _common_input(self, site):
        """The value that q, k and v are projected from."""
        sources = []
        for name in (site.q, site.k, site.v):
            *_, product = self._back(name, MOVEMENT | {"Mul", "Div", "Add"})
            node = self.producer.get(product)
            if node is None or node.op_type not in PRODUCTS or node.input[1] in self.varying:
                raise Unsupported(f"attention '{site.name}' whose q, k or v is no projection of tokens")
            sources.append(list(self._back(node.input[0], MOVEMENT)))
        common = [name for name in sources[0] if name in sources[1] and name in sources[2]]
        if not common:
            raise Unsupported(f"attention '{site.name}' whose q, k and v are projected from different tokens")
        return common[0]

    def _biases(self, site, values):
        name = self._common_input(site)
        found = []
        for target in (site.q, site.k, site.v):
            zero = self._replay(values, {name: np.zeros_like(values[name])}, target)
            rows = flat(self._heads(site, target, {**values, target: zero}))
            if np.ptp(rows, axis=1).max() > 1e-12:
                raise Unsupported(f"attention '{site.name}' whose projections depend on the position")
            factor = self._factor(target, values) if target != site.v else 1.0
            found.append(rows[:, :1] / factor)
        return found

    def _inputs(self, site, values):
        name = self._common_input(site)
        x = values[name]
        rows = x.size // x.shape[-1]
        direction = np.random.default_rng(0).standard_normal(x.shape[-1])
        multiples = np.arange(1.0, rows + 1).reshape(*x.shape[:-1], 1)
        replayed = lambda given: {**values, site.k: self._replay(values, {name: given}, site.k)}
        of = lambda given: flat(self._heads(site, site.k, replayed(given)))
        zero = of(np.zeros_like(x))
        one, many = of(np.broadcast_to(direction, x.shape).copy()) - zero, of(multiples * direction) - zero
        row = np.rint((one * many).sum(-1) / (one * one).sum(-1)).astype(int) - 1
        return x.reshape(rows, -1), row


# --- methods


def full_method(tap):
    return dct.attention(tap.q, tap.k, tap.v, tap.scale, tap.bias)


def dct_method(variant, keep):
    """`keep`: a number, or one a layer."""

    def method(tap):
        kept = tap.kept
        if variant in ("qkv", "x") and tap.q.shape[1] != tap.k.shape[1]:
            raise Unsupported("queries and keys of different tokens")
        further = {"biases": tap.biases()} if variant == "x" else {}
        m = keep if isinstance(keep, int) else keep[tap.layer]
        return dct.VARIANTS[variant](tap.q, tap.k, tap.v, tap.scale, m, kept=kept, **further)

    return method


def cast_method(parameters, size, options=cast.Options(), selections=None):
    """`parameters`: surrogate_<i> [C, E], wphi_<i> [E], bphi_<i> of every layer i; `selections`: {layer: clusters}."""

    def method(tap):
        if tap.kept is not None:
            raise Unsupported("CAST-style attention with padded tokens")
        x, row = tap.inputs()
        phi = x @ np.asarray(parameters[f"wphi_{tap.layer}"], float) + float(parameters[f"bphi_{tap.layer}"])
        out = np.zeros((*tap.q.shape[:2], tap.v.shape[2]))
        clusters, affinity = [None] * len(out), [None] * len(out)
        for one in np.unique(row, axis=0):  # the heads of a sequence read the same rows
            heads = [h for h in range(len(out)) if np.array_equal(row[h], one)]
            surrogates = cast.split_heads(np.asarray(parameters[f"surrogate_{tap.layer}"], float), len(heads))
            given = selections and selections[tap.layer][heads]
            parts = cast.attention(
                tap.q[heads], tap.k[heads], tap.v[heads], phi[one][:, None], surrogates, size, options, given
            )
            for h, *found in zip(heads, *parts):
                out[h], clusters[h], affinity[h] = found
        tap.clusters, tap.affinity = np.stack(clusters), np.stack(affinity)
        return out

    return method
