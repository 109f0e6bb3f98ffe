"""What the survey exports: an architecture, its inputs, and the routes by which it becomes an ONNX file."""

import dataclasses
import typing

import torch
from torch import nn

BATCH, TOKENS = "batch", "tokens"


@dataclasses.dataclass(frozen=True)
class Input:
    """`shape` holds BATCH, TOKENS and sizes. Integers are drawn from [low, high), or all are `fixed`."""

    name: str
    shape: tuple
    low: int | None = None
    high: int | None = None
    fixed: int | None = None

    def axis(self):
        return None if self.fixed is not None or TOKENS not in self.shape else self.shape.index(TOKENS)

    def entry(self, batch, window):
        """Its part of a manifest's line."""
        found = {"name": self.name, "shape": self.sizes(batch, window), "token_axis": self.axis()}
        found["dtype"] = "float32" if self.low is None else "int64"
        if self.fixed is not None:
            found["fixed"] = self.fixed
        elif self.low is not None:
            found["range"] = [self.low, self.high]
        return found

    def sizes(self, batch, window):
        return [{BATCH: batch, TOKENS: window}.get(size, size) for size in self.shape]


def token_ids(name="input_ids", vocabulary=30):
    return Input(name, (BATCH, TOKENS), 3, vocabulary)  # no special token


def ones(name="attention_mask", fixed=None):
    return Input(name, (BATCH, TOKENS), 1, 2, fixed)


def features(name, *shape):
    return Input(name, shape)


@dataclasses.dataclass(frozen=True)
class Route:
    """How a module becomes a file."""

    exporter: str
    opset: int
    attention: str = "sdpa"  # "eager"
    dynamic: bool = False
    batch: int = 1
    rows: str = "all"

    def __str__(self):
        parts = [{"torchscript": "ts"}.get(self.exporter, self.exporter) + str(self.opset), self.attention]
        parts += ["dynamic"] * self.dynamic + [f"batch{self.batch}"] * (self.batch > 1)
        return " ".join(parts)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """`build(attention)` is the module; `pick` the outputs of what it returns that become those of the file."""

    name: str
    build: typing.Callable
    inputs: tuple
    pick: typing.Any = "last_hidden_state"
    window: int = 12
    chunk: int = 1
    rows_axis: int | None = 1
    routes: tuple = ()
    options: tuple = ()
    trained: bool = False  # its weights are its own
    fixed: tuple = ()  # keyword arguments of the call, (name, value)


class Called(nn.Module):
    """A module whose arguments are given by name and of whose results some are kept."""

    def __init__(self, model, names, pick, fixed):
        super().__init__()
        self.model, self.names, self.pick, self.fixed = model, names, pick, dict(fixed)

    def forward(self, first, second=None, third=None):  # the exporters name a list of arguments as one
        found = self.model(**dict(zip(self.names, (first, second, third))), **self.fixed)
        if callable(self.pick):
            return self.pick(found)
        if isinstance(self.pick, str):
            return getattr(found, self.pick)
        return found


def spread(model, seed):
    """Weights at which scores differ and no term is lost: trained models start too even to tell errors."""
    generator = torch.Generator().manual_seed(seed)
    draw = lambda like: torch.randn(like.shape, generator=generator)
    with torch.no_grad():
        for module in model.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if not parameter.requires_grad:
                    continue  # a table of sinusoids, say
                if parameter.dim() < 2:
                    parameter.add_(0.2 * draw(parameter))
                elif isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
                    parameter.copy_(draw(parameter) * (1.2 / parameter[0].numel() ** 0.5))
                else:
                    parameter.copy_(0.5 * draw(parameter))
    return model.eval()
