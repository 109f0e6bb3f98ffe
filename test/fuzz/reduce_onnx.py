"""Shrink an ONNX model, or the configuration of a random encoder, while a command still fails on it.

usage: reduce_onnx.py MODEL.onnx --output SMALL.onnx -- COMMAND ...
       reduce_onnx.py --seed SEED --output SMALL.onnx -- COMMAND ...

COMMAND is run with `{}` replaced by the path of a smaller model. Exit code 0 means that it still shows what is
looked for, as `! weir-run {} --explain` does for a model that must not be refused. With --seed the
configuration is simplified first.
"""

import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference

import random_encoder

# The simplest first; a field keeps its value where none of them will do.
SIMPLER = {
    "symbolic": [None],
    "batch": [1],
    "blocks": [1, 2],
    "window": [3, 4, 5, 6, 8],
    "chunk": [1],
    "heads": [1],
    "kv_heads": [1],
    "size": [2, 4],
    "features": [3],
    "hidden": [4],
    "layout": ["batch"],
    "source": ["float"],
    "speaker": [False],
    "padding": [None],
    "front": [None],
    "positions": [None],
    "treatment": [None],
    "lead": [0, 1],
    "tail": [0],
    "block": ["pre"],
    "norm": ["parts"],
    "layer_scale": [False],
    "biases": [False],
    "activation": ["relu"],
    "gated": [None],
    "projection": ["separate"],
    "scores": ["matmul"],
    "scale": ["absent"],
    "qk_norm": [None],
    "softcap": [0.0],
    "masks": [(None,)],
    "nan_guard": [False],
    "bias": [None],
    "rotary": [None],
    "memory": [0],
    "head": ["all", "last"],
    "classes": [0],
    "unit": [False],
    "extra": [None],
    "rows": ["all"],
    "constants": ["initializers"],
    "functions": [False],
    "no_ops": [False],
    "names": [None],
}


def can_be_built(config):
    """Not every combination of simpler fields is a model."""
    try:
        random_encoder.build(config)
    except Exception:  # of whatever kind: it is no candidate then
        return False
    return True


def reduce_config(config, is_interesting):
    """The simplest configuration that `is_interesting` still accepts, one field after the other."""
    before = None
    while before != config:
        before = config
        for field in dataclasses.fields(config):
            for value in SIMPLER.get(field.name, []):
                if value == getattr(config, field.name):
                    break
                simpler = dataclasses.replace(config, **{field.name: value})
                if can_be_built(simpler) and is_interesting(simpler):
                    config = simpler
                    break
    return config


def types_of(model):
    """{value: (element type, shape or None)}, of everything that inference knows."""
    try:
        graph = shape_inference.infer_shapes(model).graph
    except (onnx.shape_inference.InferenceError, RuntimeError):
        graph = model.graph
    types = {}
    for value in [*graph.input, *graph.value_info, *graph.output]:
        tensor = value.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]
        types[value.name] = (tensor.elem_type, dims if tensor.HasField("shape") else None)
    for tensor in graph.initializer:
        types[tensor.name] = (tensor.data_type, list(tensor.dims))
    return types


def pruned(model):
    """`model` without what no output needs."""
    graph = model.graph
    needed = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(name for name in node.input if name)
            for attribute in node.attribute:  # a body reads values of the graph around it
                for body in [attribute.g, *attribute.graphs]:
                    needed.update(name for inner in body.node for name in inner.input if name)
    small = onnx.ModelProto()
    small.CopyFrom(model)
    for field, keep in [
        ("node", kept[::-1]),
        ("initializer", [tensor for tensor in graph.initializer if tensor.name in needed]),
        ("input", [value for value in graph.input if value.name in needed]),
        ("value_info", [value for value in graph.value_info if value.name in needed]),
    ]:
        values = [type(one).FromString(one.SerializeToString()) for one in keep]
        del getattr(small.graph, field)[:]
        getattr(small.graph, field).extend(values)
    return small


def copied(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def replaced(model, old, new):
    """`model` in which `new` is read wherever `old` was."""
    small = copied(model)
    for node in small.graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
    for output in small.graph.output:
        if output.name == old:
            output.name = new
    return small


# Ways to a smaller model: each yields (what is done, model), which may be no model at all.


def without_outputs(model):
    for output in model.graph.output if len(model.graph.output) > 1 else []:
        small = copied(model)
        small.graph.output.remove(output)
        yield output.name, small


def results(model, types, latest_first):
    """(node, value, element type, shape) of what is computed; of what inference knows the shape."""
    nodes = reversed(model.graph.node) if latest_first else model.graph.node
    for node in nodes:
        for name in node.output:
            element, shape = types.get(name, (0, None))
            if name and element and shape is not None and None not in shape:
                yield node, name, element, shape


def cut_below(model):
    """An intermediate value is the only output: what follows it is gone."""
    outputs = {output.name for output in model.graph.output}
    for _, name, element, shape in results(model, types_of(model), latest_first=False):
        if {name} == outputs:
            continue
        small = copied(model)
        del small.graph.output[:]
        small.graph.output.append(helper.make_tensor_value_info(name, element, shape))
        yield name, small


def bypassed(model):
    """An operand of its type in the place of a node."""
    types = types_of(model)
    outputs = {output.name for output in model.graph.output}
    for node, name, element, shape in results(model, types, latest_first=True):
        for operand in node.input:
            if types.get(operand) == (element, shape) and name not in outputs:
                yield (name, operand), replaced(model, name, operand)


def zeroed(model):
    """Zeros in the place of an intermediate value."""
    outputs = {output.name for output in model.graph.output}
    for _, name, element, shape in results(model, types_of(model), latest_first=True):
        if name not in outputs:
            small = replaced(model, name, f"{name}_zero")
            zeros = np.zeros(shape, helper.tensor_dtype_to_np_dtype(element))
            small.graph.initializer.append(numpy_helper.from_array(zeros, f"{name}_zero"))
            yield name, small


def cut_above(model):
    """An input in the place of an intermediate value: what computed it is gone."""
    outputs = {output.name for output in model.graph.output}
    for _, name, element, shape in results(model, types_of(model), latest_first=True):
        if name not in outputs:
            small = replaced(model, name, f"{name}_cut")
            small.graph.input.append(helper.make_tensor_value_info(f"{name}_cut", element, shape))
            yield name, small


def size_of(model):
    return len(model.graph.node), len(model.graph.output), len(model.graph.input)


def improvement(way, model, is_interesting, refused):
    """The first smaller model that `way` finds; what is refused once is not tried again."""
    for key, candidate in way(model):
        if (way, key) in refused:
            continue
        candidate = pruned(candidate)
        if size_of(candidate) < size_of(model) and is_interesting(candidate):
            return candidate
        refused.add((way, key))
    return None


def reduce_model(model, is_interesting):
    """A model that `is_interesting` accepts, but none that one of the ways above makes of it."""
    best, before = pruned(model), None
    if not is_interesting(best):
        best = model
    while before is not best:
        before, refused = best, set()
        for way in [cut_below, without_outputs, bypassed, zeroed, cut_above]:
            while smaller := improvement(way, best, is_interesting, refused):
                best = smaller
    return best


def command_predicate(command, folder):
    def is_interesting(model):
        path = folder / "candidate.onnx"
        onnx.save(model, path)
        words = [word.replace("{}", str(path)) for word in command]
        negated = words[0] == "!"
        result = subprocess.run(words[negated:], capture_output=True)
        return (result.returncode == 0) != negated

    return is_interesting


def main():
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    command = sys.argv[split + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=pathlib.Path)
    parser.add_argument("--seed", type=int, help="of a random encoder")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args(sys.argv[1:split])
    if not command or (arguments.model is None) == (arguments.seed is None):
        parser.error("give a model or a seed, and a command after --")
    with tempfile.TemporaryDirectory() as folder:
        is_interesting = command_predicate(command, pathlib.Path(folder))
        if arguments.seed is None:
            model = onnx.load(arguments.model)
        else:
            config = random_encoder.sample(arguments.seed)
            if is_interesting(random_encoder.build(config)):
                config = reduce_config(config, lambda one: is_interesting(random_encoder.build(one)))
                print(config)
            model = random_encoder.build(config)
        if not is_interesting(model):
            parser.error("the command does not accept the model as it is")
        small = reduce_model(model, is_interesting)
    onnx.save(small, arguments.output)
    print(f"{len(model.graph.node)} nodes became {len(small.graph.node)}: {arguments.output}")


if __name__ == "__main__":
    main()
