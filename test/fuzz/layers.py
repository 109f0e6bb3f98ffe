"""Linear layers, norms, activations, and what stands between attentions."""


def linear(w, x, inputs, outputs, gemm=False):
    g, c = w.g, w.c
    weight = w.rng.standard_normal((inputs, outputs)) * inputs**-0.5
    if gemm:
        bias = [w.random(outputs, scale=0.3)] if c.biases else []
        flat = g.Gemm(w.view(x, -1, inputs), g.constant(weight.T), *bias, transB=1)
        return w.view(flat, *w.order("B", "N"), outputs)
    x = g.MatMul(x, g.constant(weight))
    x = g.Add(x, w.random(outputs, scale=0.3)) if c.biases else x
    return w.no_op(x)


def length(g, x):
    """x / |x| along the last axis."""
    return g.Div(x, g.Add(g.reduce("ReduceL2", x, -1, True), g.constant(1e-6)))


def standardized(g, x, epsilon, center, spelling=0):
    """(x - mean) / sqrt(variance + epsilon); without the mean for RMS norms."""
    if center:
        x = g.Sub(x, g.reduce("ReduceMean", x, -1, True))
    square = g.Mul(x, x) if spelling == 1 else g.Pow(x, g.scalar(2))
    root = g.Sqrt(g.Add(g.reduce("ReduceMean", square, -1, True), epsilon))
    return g.Mul(x, g.Reciprocal(root)) if spelling == 2 else g.Div(x, root)


def norm(w, x):
    g, kind, width = w.g, w.c.norm, w.c.width
    gain = g.constant(1 + 0.2 * w.rng.standard_normal(width))
    bias = w.random(width, scale=0.2)
    if kind == "op":
        return g.LayerNormalization(x, gain, bias, axis=-1, epsilon=1e-5)
    if kind == "rms_op":
        return g.RMSNormalization(x, gain, axis=-1, epsilon=1e-5)
    if kind == "length":
        return g.Mul(length(g, x), g.scalar(width**0.5))
    center, spelling = kind == "parts", w.r.randrange(3)

    def body(inner, x, gain, bias, epsilon):
        x = inner.Mul(standardized(inner, x, epsilon, center, spelling), gain)
        return inner.Add(x, bias) if center else x

    if not w.c.functions or w.c.opset < 12:
        return body(g, x, gain, bias, g.scalar(1e-5))
    return g.call(
        f"Norm{spelling}",
        (x, gain, bias),
        lambda g, *all: body(g, *all, g.attribute("epsilon")),
        epsilon=1e-5,
    )


def head_norm(w, x):
    """Of queries and keys, along the size of a head."""
    g = w.g
    if w.c.qk_norm == "length":
        return length(g, x)
    return g.Mul(standardized(g, x, g.scalar(1e-5), center=False), w.random(w.c.size))


def activate(g, kind, x):
    half, one = g.scalar(0.5), g.scalar(1)
    return {
        "relu": lambda: g.Relu(x),
        "tanh": lambda: g.Tanh(x),
        "silu": lambda: g.Mul(x, g.Sigmoid(x)),
        "quick_gelu": lambda: g.Mul(x, g.Sigmoid(g.Mul(x, g.scalar(1.702)))),
        "gelu": lambda: g.Gelu(x),
        "gelu_tanh": lambda: g.Gelu(x, approximate="tanh"),
        "square": lambda: g.Pow(g.Relu(x), g.scalar(2)),
        "elu": lambda: g.Elu(x, alpha=0.7),
        "leaky": lambda: g.LeakyRelu(x, alpha=0.1),
        "softplus": lambda: g.Mul(x, g.Tanh(g.Softplus(x))),
        "hard_swish": lambda: g.HardSwish(x),
        "erf": lambda: g.Mul(g.Mul(x, g.Add(g.Erf(g.Div(x, g.scalar(2**0.5))), one)), half),
        "tanh_gelu": lambda: g.Mul(
            g.Mul(half, x),
            g.Add(
                one,
                g.Tanh(
                    g.Mul(g.scalar(0.7978846), g.Add(x, g.Mul(g.scalar(0.044715), g.Pow(x, g.scalar(3)))))
                ),
            ),
        ),
    }[kind]()


def activation(w, x):
    kind = w.c.activation
    if w.c.functions:
        return w.g.call(f"Act_{kind}", (x,), lambda g, x: activate(g, kind, x))
    return activate(w.g, kind, x)


def mlp(w, x):
    g, c = w.g, w.c
    gemm = c.projection == "gemm"
    if c.gated == "pair":
        value = g.Mul(
            activation(w, linear(w, x, c.width, c.hidden, gemm)), linear(w, x, c.width, c.hidden, gemm)
        )
    elif c.gated == "split":
        both = linear(w, x, c.width, 2 * c.hidden, gemm)
        gate, value = g.split(both, [c.hidden] * 2, -1)
        value = g.Mul(activation(w, gate), value)
    else:
        value = activation(w, linear(w, x, c.width, c.hidden, gemm))
    return linear(w, value, c.hidden, c.width, gemm)


def convolution_module(w, x):
    """Gulati et al. (2020), figure 2: GLU, depthwise convolution over tokens, batch norm, SiLU."""
    g, c = w.g, w.c
    x = linear(w, x, c.width, 2 * c.width)
    value, gate = g.split(x, [c.width] * 2, -1)
    x = w.channels_first(g.Mul(value, g.Sigmoid(gate)))
    kernel = w.random(c.width, 1, 3, scale=0.6)
    pads = [2, 0] if w.even_seed else [1, 1]
    x = g.Conv(x, kernel, kernel_shape=[3], pads=pads, group=c.width)
    statistics = [w.random(c.width, scale=0.2) for _ in range(2)]
    gain, variance = (g.constant(0.5 + w.rng.random(c.width)) for _ in range(2))
    x = g.BatchNormalization(x, gain, statistics[0], statistics[1], variance, epsilon=1e-5)
    x = w.channels_last(g.Mul(x, g.Sigmoid(x)))
    return linear(w, x, c.width, c.width)
