"""PyTorch: the encoder on whole windows, eager and compiled; a step with rings in place, and a compiled one that
moves its states."""

import math

from .. import encoders
from . import streams


def load():
    import torch  # noqa: F401


def encoder(size):
    """nn.TransformerEncoder with the weights of a workload."""
    import torch
    from torch import nn

    layer = nn.TransformerEncoderLayer(
        size.width, size.heads, size.hidden, dropout=0.0, activation=size.activation, batch_first=True
    )
    made = nn.TransformerEncoder(layer, size.blocks, enable_nested_tensor=False).eval()
    for block, w in zip(made.layers, encoders.weights(size)):
        attention = block.self_attn
        values = {
            attention.in_proj_weight: torch.cat([torch.tensor(w["w" + p]) for p in "qkv"], 1).T,
            attention.in_proj_bias: torch.cat([torch.tensor(w["b" + p]) for p in "qkv"]),
            attention.out_proj.weight: torch.tensor(w["wo"]).T, attention.out_proj.bias: torch.tensor(w["bo"]),
            block.linear1.weight: torch.tensor(w["w1"]).T, block.linear1.bias: torch.tensor(w["b1"]),
            block.linear2.weight: torch.tensor(w["w2"]).T, block.linear2.bias: torch.tensor(w["b2"]),
            block.norm1.weight: torch.tensor(w["gain1"]), block.norm1.bias: torch.tensor(w["shift1"]),
            block.norm2.weight: torch.tensor(w["gain2"]), block.norm2.bias: torch.tensor(w["shift2"]),
        }  # fmt: skip
        for parameter, value in values.items():
            parameter.data.copy_(value)
    return made


class Blocks:
    """The layers of an encoder, with their parts at hand. Rows are [streams, rows, width]."""

    def __init__(self, size):
        self.size, self.layers = size, encoder(size).layers

    def heads(self, x):
        return x.unflatten(-1, (self.size.heads, self.size.head)).transpose(1, 2)

    def project(self, layer, x, first=0, last=3):
        from torch.nn import functional

        d, attention = self.size.width, layer.self_attn
        rows = slice(first * d, last * d)
        joined = functional.linear(x, attention.in_proj_weight[rows], attention.in_proj_bias[rows])
        return [self.heads(part) for part in joined.chunk(last - first, -1)]

    def attend(self, q, k, v):
        import torch

        scores = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(self.size.head), -1)
        return (scores @ v).transpose(1, 2).flatten(2)

    def tail(self, layer, x, attended):
        x = layer.norm1(x + layer.self_attn.out_proj(attended))
        return layer.norm2(x + layer.linear2(layer.activation(layer.linear1(x))))

    def whole(self, layer, x):
        return self.tail(layer, x, self.attend(*self.project(layer, x)))

    def behind_first(self, x, slot):
        """What follows the first block: all rows, and of the last block one, at `slot`."""
        for layer in self.layers[1:-1]:
            x = self.whole(layer, x)
        layer, newest = self.layers[-1], x[:, slot : slot + 1]
        [q] = self.project(layer, newest, 0, 1)
        return self.tail(layer, newest, self.attend(q, *self.project(layer, x, 1, 3)))


class Rings(Blocks):
    """A step that writes the newest token over the oldest."""

    def __init__(self, size, states):
        import torch

        super().__init__(size)
        self.states, self.slot = [torch.tensor(state) for state in states], 0

    def __call__(self, x):
        slot, x = self.slot, x[:, None]
        self.slot = (slot + 1) % self.size.tokens
        if self.size.sliding:
            for i, layer in enumerate(self.layers):
                q, *new = self.project(layer, x)
                rings = self.states[2 * i : 2 * i + 2]
                for ring, row in zip(rings, new):
                    ring[:, :, slot : slot + 1] = row
                x = self.tail(layer, x, self.attend(q, *rings))
            return x
        tokens, *rings = self.states
        tokens[:, slot : slot + 1] = x
        for ring, row in zip(rings, self.project(self.layers[0], x)):
            ring[:, :, slot : slot + 1] = row
        return self.behind_first(self.tail(self.layers[0], tokens, self.attend(*rings)), slot)


class Shifts(Blocks):
    """A step without side effects, for the compiler: states come in and go out in window order."""

    def __call__(self, x, *past):
        import torch

        push = lambda state, row: torch.cat([state[..., 1:, :], row], -2)
        x, present = x[:, None], []
        if self.size.sliding:
            for i, layer in enumerate(self.layers):
                q, *new = self.project(layer, x)
                pushed = [push(state, row) for state, row in zip(past[2 * i : 2 * i + 2], new)]
                x, present = self.tail(layer, x, self.attend(q, *pushed)), present + pushed
            return x, present
        present = [push(state, row) for state, row in zip(past, [x, *self.project(self.layers[0], x)])]
        x = self.tail(self.layers[0], present[0], self.attend(*present[1:]))
        return self.behind_first(x, self.size.tokens - 1), present


class Peer:
    facts = {}

    def __init__(self, job, form):
        import torch

        torch.set_num_threads(job.threads)
        torch.set_grad_enabled(False)
        size, stored = job.size, job.stored(form)
        if size.part != "encoder":
            raise ValueError("written for whole encoders")
        self.expected = stored["y"]
        as_tensors = lambda arrays: [torch.tensor(array) for array in arrays]
        if form.startswith("window"):
            self.first = size.stream_tokens - 1
            self.call = self._windows(size, form, as_tensors(streams.Windows(stored["x"], size.tokens).windows))
        else:
            self.first = size.tokens
            tokens, states = as_tensors(streams.Tokens(stored["x"]).tokens), job.models.states(size)
            if form == "ring":
                rings = Rings(size, states)
                self.call = lambda i: rings(tokens[i % len(tokens)])
            else:
                self.call = self._compiled_steps(size, tokens, as_tensors(states))

    def _windows(self, size, form, windows):
        import torch

        model, mask = encoder(size), None
        if size.band:
            mask = torch.tensor(encoders.band_mask(size.tokens, size.tokens, size.tokens))
        if form == "window+compiled":
            model = torch.compile(model, dynamic=False)
        last = size.kind == "step"

        def call(i):
            rows = model(windows[(i + 1 - size.tokens) % len(windows)], mask=mask)
            return rows[:, -1] if last else rows

        return call

    def _compiled_steps(self, size, tokens, states):
        import torch

        model = torch.compile(Shifts(size).__call__, dynamic=False)

        def call(i):
            nonlocal states
            y, states = model(tokens[i % len(tokens)], *states)
            return y

        return call

    def step(self, i):
        return self.call(i).numpy()
