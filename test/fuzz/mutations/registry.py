"""What every mutation shares: the registry, and picking at random.

A mutation takes a model, a random generator and the folder that the file will lie in; what it returns is
appended to the file's bytes. Those of the group "bytes" take and return the file's bytes instead.
"""

import collections
import dataclasses

from onnx import TensorProto, numpy_helper

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
HUGE = [2**31 - 1, 2**31, 2**40, 2**60, 2**62, INT64_MAX, INT64_MIN, INT64_MIN + 1]
ODD = [-(2**31), -7, -2, -1, 0, 1, 2, 3, 5, 7, 64, 999, 65_536, *HUGE]


@dataclasses.dataclass(frozen=True)
class Mutation:
    name: str
    group: str
    refused: bool  # nobody may accept what it makes
    apply: object


GROUPS = collections.defaultdict(list)


def mutation(group, refused=False):
    def register(function):
        GROUPS[group].append(Mutation(function.__name__, group, refused, function))
        return function

    return register


def some(rng, items):
    """A random item, or None of an empty list."""
    return items[rng.integers(len(items))] if len(items) else None


def attributes_of(model):
    return [attribute for node in model.graph.node for attribute in node.attribute]


def constants_of(model):
    """Initialisers, and the tensors of Constant nodes."""
    inside = [a.t for a in attributes_of(model) if a.HasField("t")]
    return [*model.graph.initializer, *inside]


def integers_of(model):
    """Constants that say shapes, indices and axes."""
    return [t for t in constants_of(model) if t.data_type == TensorProto.INT64]


def set_values(tensor, values, dims=None):
    name, shape = tensor.name, list(tensor.dims) if dims is None else dims
    tensor.CopyFrom(numpy_helper.from_array(values.reshape(shape), name))


def append(model, *nodes, output, constants=()):
    """Add nodes, and the last of their values as an output of the model."""
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(constants)
    model.graph.output.add().name = output
