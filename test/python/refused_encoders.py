"""Encoders that cannot be streamed: what they are refused for, and what the help must say.

`CASES` maps a name to Case(builder, op, reason, help): the message names the node `odd`, its operator, and holds
both texts. A builder returns an Encoder, or a model.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper
from small_encoder import ODD, TOKENS, WIDTH, Encoder, encoder_around, tokens_input

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


@dataclasses.dataclass
class Case:
    build: Callable
    op: str | None  # None: no node is to blame
    reason: str
    help: str
    options: tuple = ()


CASES = {}


def refused(op, reason, help, *options, around=True, opset=17):
    """Registers a case: the odd operator of an encoder, or (around=False) all of one."""

    def register(build):
        whole = (lambda: encoder_around(build, opset)) if around else build
        CASES[build.__name__] = Case(whole, op, reason, help, options)
        return build

    return register


# Recurrent cells: what they know of the past has no window.

RECURRENT = "keeps a state from token to token"


def recurrent(g, x, op_type, gates):
    weights = [g.random(1, gates * WIDTH, WIDTH) for _ in range(2)]
    y = g.odd(op_type, g.transpose(x, 1, 0, 2), *weights, hidden_size=WIDTH, outputs=2)[0]
    return g.transpose(g.squeeze(y, 1), 1, 0, 2)


@refused("LSTM", RECURRENT, "onnxruntime")
def lstm(g, x):
    return recurrent(g, x, "LSTM", 4)


@refused("GRU", RECURRENT, "onnxruntime")
def gru(g, x):
    return recurrent(g, x, "GRU", 3)


@refused("RNN", RECURRENT, "onnxruntime")
def rnn(g, x):
    return recurrent(g, x, "RNN", 1)


# Control flow on data.


def value_info(name, dtype=FLOAT, shape=None):
    return helper.make_tensor_value_info(name, dtype, shape)


@refused("Loop", "depends on data", "unroll")
def loop(g, x):
    nodes = [
        helper.make_node("Identity", ["going"], ["goes_on"]),
        helper.make_node("Tanh", ["carried"], ["next"]),
    ]
    body = helper.make_graph(
        nodes,
        "body",
        [value_info("i", INT64, []), value_info("going", BOOL, []), value_info("carried")],
        [value_info("goes_on", BOOL, []), value_info("next")],
    )
    trips = g.Cast(g.ReduceMax(x, keepdims=0), to=INT64)
    return g.odd("Loop", trips, g.constant(True, bool), x, body=body)


@refused("Scan", "depends on data", "unroll")
def scan(g, x):
    nodes = [
        helper.make_node("Add", ["sum", "row"], ["next"]),
        helper.make_node("Identity", ["next"], ["out"]),
    ]
    body = helper.make_graph(
        nodes,
        "body",
        [value_info("sum", FLOAT, [1, WIDTH]), value_info("row", FLOAT, [1, WIDTH])],
        [value_info("next", FLOAT, [1, WIDTH]), value_info("out", FLOAT, [1, WIDTH])],
    )
    start = g.constant(np.zeros((1, WIDTH)))
    axes = dict(scan_input_axes=[1], scan_output_axes=[1])
    return g.odd("Scan", start, x, outputs=2, body=body, num_scan_inputs=1, **axes)[1]


@refused("If", "branches on a value that is computed at run time", "condition")
def branch_on_data(g, x):
    def branch(op_type):
        return helper.make_graph([helper.make_node(op_type, [x], ["z"])], op_type, [], [value_info("z")])

    is_loud = g.Greater(g.ReduceMax(x, keepdims=0), g.scalar(1))
    return g.odd("If", is_loud, then_branch=branch("Tanh"), else_branch=branch("Relu"))


# Shapes and selections that depend on data.


@refused("NonZero", "selects by values that are computed", "mask")
def drop_silent_tokens(g, x):
    loud = g.Greater(g.ReduceMax(x, axes=[0, 2], keepdims=0), g.scalar(0))
    return g.Gather(x, g.squeeze(g.odd("NonZero", loud), 0), axis=1)


@refused("Compress", "selects by a condition that is computed", "mask")
def compress(g, x):
    loud = g.Greater(g.ReduceMax(x, axes=[0, 2], keepdims=0), g.scalar(0))
    return g.odd("Compress", x, loud, axis=1)


@refused("Unique", "depends on data", "mask")
def unique_tokens(g, x):
    return g.unsqueeze(g.odd("Unique", g.squeeze(x, 0), axis=0), 0)


@refused("NonMaxSuppression", "depends on data", "mask")
def suppression(g, x):
    boxes, scores = g.slice(x, 2, 0, 4), g.transpose(g.slice(x, 2, 4, 5), 0, 2, 1)
    kept = g.odd("NonMaxSuppression", boxes, scores, g.constant([4], np.int64))
    return g.Gather(x, g.reshape(g.slice(kept, 1, 2, 3), -1), axis=1)


@refused("Range", "depends on data", "--dim", around=False)
def length_from_data():
    g = Encoder()
    x = tokens_input(g)
    lengths = g.input("length", INT64, [])
    kept = g.odd("Range", g.constant(0, np.int64), lengths, g.constant(1, np.int64))
    g.output(g.block(g.Gather(x, kept, axis=1)), "y")
    return g


# Random numbers: two runs differ.

RANDOM = "draws random numbers"


@refused("RandomNormalLike", RANDOM, "model.eval()")
def noise(g, x):
    return g.Add(x, g.odd("RandomNormalLike", x))


@refused("RandomNormal", RANDOM, "model.eval()")
def noise_of_fixed_shape(g, x):
    return g.Add(x, g.odd("RandomNormal", shape=[1, TOKENS, WIDTH]))


@refused("RandomUniformLike", RANDOM, "model.eval()")
def stochastic_depth(g, x):
    keep = g.Cast(g.Less(g.odd("RandomUniformLike", x), g.scalar(0.9)), to=FLOAT)
    return g.Mul(x, keep)


@refused("RandomUniform", RANDOM, "model.eval()")
def uniform_noise(g, x):
    return g.Add(x, g.odd("RandomUniform", shape=[1, TOKENS, WIDTH]))


@refused("Bernoulli", RANDOM, "model.eval()")
def sampled_gate(g, x):
    return g.Mul(x, g.odd("Bernoulli", g.Sigmoid(x)))


@refused("Multinomial", RANDOM, "model.eval()")
def sampled_codes(g, x):
    codes = g.odd("Multinomial", g.reshape(x, TOKENS, WIDTH), sample_size=1, dtype=TensorProto.INT32)
    return g.unsqueeze(g.Gather(g.random(WIDTH, WIDTH), g.squeeze(codes, 1), axis=0), 0)


@refused("Dropout", "is in training mode", "model.eval()")
def training_dropout(g, x):
    return g.odd("Dropout", x, g.scalar(0.1), g.constant(True, bool))


# Operators that nobody knows.


@refused("com.example.FancyMixer", "no operator", "standard ONNX operators")
def unknown_domain(g, x):
    return g.odd("FancyMixer", x, domain="com.example")


@refused("Erfc", "no operator", "standard ONNX operators")
def unknown_operator(g, x):
    return g.odd("Erfc", x)


@refused("GridSample", "no operator", "standard ONNX operators")
def deformable_sampling(g, x):
    grid = g.Tanh(g.reshape(g.slice(x, 2, 0, 2), 1, TOKENS, 1, 2))
    image = g.reshape(g.transpose(x, 0, 2, 1), 1, WIDTH, TOKENS, 1)
    return g.transpose(g.reshape(g.odd("GridSample", image, grid), 1, WIDTH, TOKENS), 0, 2, 1)


@refused("QLinearMatMul", "computes on quantized integers", "QDQ")
def quantized_product(g, x):
    scale, zero = g.scalar(0.1), g.constant(0, np.uint8)
    weight = g.constant(np.ones((WIDTH, WIDTH)), np.uint8)
    quantized = g.QuantizeLinear(x, scale, zero)
    product = g.odd("QLinearMatMul", quantized, scale, zero, weight, scale, zero, scale, zero)
    return g.DequantizeLinear(product, scale, zero)


# Types that are no tensors of numbers.


@refused("SplitToSequence", "sequence", "Split")
def sequence(g, x):
    return g.ConcatFromSequence(g.odd("SplitToSequence", x, axis=1), axis=1)


@refused("Optional", "optional", "tensor")
def optional(g, x):
    return g.OptionalGetElement(g.odd("Optional", x))


@refused(None, "is a map", "tensor", around=False)
def map_input():
    g = Encoder()
    kind = helper.make_map_type_proto(TensorProto.INT64, helper.make_tensor_type_proto(FLOAT, None))
    g.inputs.append(helper.make_value_info("x", kind))
    x = g.odd("DictVectorizer", "x", domain="ai.onnx.ml", int64_vocabulary=list(range(WIDTH)))
    g.output(g.block(x), "y")
    return g


@refused(None, "is a tensor of type STRING", "ids", around=False)
def text_input():
    g = Encoder()
    words = g.input("words", TensorProto.STRING, [1, TOKENS])
    ids = g.odd("LabelEncoder", words, domain="ai.onnx.ml", keys_strings=["a", "b"], values_int64s=[0, 1])
    g.output(g.block(g.Gather(g.random(2, WIDTH), ids, axis=0)), "y")
    return g


# The window, its axis and its steps.


def plain(tokens=TOKENS):
    g = Encoder()
    g.output(g.block(g.linear(tokens_input(g, tokens))), "y")
    return g


@refused(None, "the length of the window is not fixed", "--window=N", around=False)
def no_window():
    return plain("time")


@refused(None, "the window is 12, but the model fixes 8 tokens in 'x:1'", "--window=8", "--window=12", around=False)
def another_window():
    return plain()


@refused(None, "a step of 9 tokens does not fit a window of 8", "--chunk", "--chunk=9", around=False)
def chunk_beyond_the_window():
    return plain()


def strided(g):
    x = g.transpose(tokens_input(g, 2 * TOKENS), 0, 2, 1)
    x = g.odd("Conv", x, g.random(WIDTH, WIDTH, 2), strides=[2])
    return g.transpose(x, 0, 2, 1)


@refused("Conv", "strides over more tokens than a step of 1 brings", "--chunk=2", around=False)
def chunk_between_strides():
    g = Encoder()
    g.output(g.block(strided(g)), "y")
    return g


@refused(
    None,
    "windows of 16 and 8 tokens",
    "--token-axis",
    "--token-axis=x=1",
    "--token-axis=slow=1",
    around=False,
)
def inputs_of_two_rates():
    g = Encoder()
    g.output(g.block(g.Add(strided(g), tokens_input(g, name="slow"))), "y")
    return g


@refused(None, "no axis of the inputs makes queries meet keys in a softmax", "--token-axis x=AXIS", around=False)
def no_token_axis():
    g = Encoder()
    x = g.input("x", FLOAT, [1, WIDTH])
    g.output(g.linear(g.Relu(g.linear(x, WIDTH, 16)), 16), "y")
    return g


@refused(None, "more than one axis", "--token-axis x=AXIS", around=False)
def two_token_axes():
    """Attention along rows, then along columns, of a square."""
    g = Encoder()
    x = g.input("x", FLOAT, [TOKENS, TOKENS, WIDTH])
    rows = g.attention(g.linear(x), g.linear(x), g.linear(x))
    x = g.transpose(g.Add(x, rows), 1, 0, 2)
    columns = g.attention(g.linear(x), g.linear(x), g.linear(x))
    g.output(g.transpose(g.Add(x, columns), 1, 0, 2), "y")
    return g


@refused(None, "more than one axis", "--token-axis x=AXIS", around=False)
def batch_that_is_time():
    """Attention of the patches of a frame, frames being its batch, then of frames, patches being its batch."""
    g = Encoder()
    x = g.input("x", FLOAT, [1, 6, TOKENS, WIDTH])
    inside = g.reshape(x, 6, TOKENS, WIDTH)
    inside = g.Add(inside, g.attention(inside, inside, inside))
    across = g.reshape(g.transpose(g.reshape(inside, 1, 6, TOKENS, WIDTH), 0, 2, 1, 3), TOKENS, 6, WIDTH)
    g.output(g.Add(across, g.attention(across, across, across)), "y")
    return g


@refused("Add", "absolute positions", "positions=recycle")
def positions_without_a_choice(g, x):
    return g.odd("Add", x, g.random(1, TOKENS, WIDTH))


# Models that stream already.


@refused("Concat", "past", "use_cache=False", around=False)
def decoder_with_past():
    g = Encoder()
    x = tokens_input(g)
    past = [g.input(f"past_{name}", FLOAT, [1, "past", WIDTH]) for name in ("key", "value")]
    key = g.odd("Concat", past[0], g.linear(x), axis=1)
    value = g.Concat(past[1], g.linear(x), axis=1)
    g.output(g.Add(x, g.attention(g.linear(x), key, value)), "y")
    g.output(key, "present_key")
    g.output(value, "present_value")
    return g


@refused("Attention", "past", "use_cache=False", around=False)
def attention_with_past():
    g = Encoder(opset=23)
    x = tokens_input(g)
    past = [g.input(f"past_{name}", FLOAT, [1, 1, 4, WIDTH]) for name in ("key", "value")]
    heads = dict(q_num_heads=1, kv_num_heads=1)
    y, key, value = g.odd("Attention", g.linear(x), g.linear(x), g.linear(x), "", *past, outputs=3, **heads)
    g.output(g.Add(x, y), "y")
    g.output(key, "present_key")
    g.output(value, "present_value")
    return g


# Files of another time.


@refused(None, "uses operator set 6, but Weir reads 7 to", "onnx.version_converter", around=False)
def old_opset():
    model = plain().unchecked_model()
    model.opset_import[0].version = 6
    return model


@refused(None, "has IR version 99, but Weir reads up to", "older IR version", around=False)
def new_ir_version():
    return plain().unchecked_model(ir_version=99)


@refused(None, "no output depends on", "--token-axis", "--token-axis=x=1", around=False)
def constant_output():
    g = Encoder()
    tokens_input(g)
    g.output(g.Relu(g.random(1, TOKENS, WIDTH)), "y")
    return g


def build(name):
    built = CASES[name].build()
    return built if isinstance(built, onnx.ModelProto) else built.unchecked_model()
