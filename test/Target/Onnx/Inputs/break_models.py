"""Writes the broken files of errors.test that no textual model can state: break_models.py FOLDER"""

import os
import pathlib
import sys

import onnx
from onnx import TensorProto

folder = pathlib.Path(sys.argv[1])
good = (folder / "good.onnx").read_bytes()


def write(name, data):
    if not isinstance(data, bytes):
        data = data.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(data)


(folder / "folder.onnx").mkdir()
write("empty", b"")
write("text", b"this is no model\n")
write("cut", good[:-3])
write("trailing", good + b"\x00")
os.truncate(os.open(folder / "large.onnx", os.O_CREAT | os.O_WRONLY), 1 << 31)

model = onnx.load(folder / "good.onnx")
model.ClearField("graph")
write("graphless", model)
model = onnx.load(folder / "good.onnx")
model.ir_version = 0
write("versionless", model)

model = onnx.load(folder / "good.onnx")
model.graph.input[0].ClearField("type")
write("typeless", model)

nested = onnx.GraphProto()
for _ in range(25):
    node = onnx.helper.make_node("If", ["c"], ["y"], then_branch=nested)
    nested = onnx.helper.make_graph([node], "nested", [], [])
model.graph.CopyFrom(nested)
write("deep", model)

# Each function calls the next one twice.
opsets = [onnx.helper.make_opsetid("", 20), onnx.helper.make_opsetid("f", 1)]
functions = []
for level in range(30):
    inner = onnx.helper.make_node(f"F{level + 1}", ["in"], ["once"], domain="f")
    outer = onnx.helper.make_node(f"F{level + 1}", ["once"], ["out"], domain="f")
    functions.append(onnx.helper.make_function("f", f"F{level}", ["in"], ["out"], [inner, outer], opsets))
model = onnx.load(folder / "good.onnx")
model.opset_import.append(opsets[1])
model.graph.node[0].op_type, model.graph.node[0].domain = "F0", "f"
model.functions.extend(functions)
write("doubling", model)


def with_weight(name, change):
    """The model `add` with a changed weight of two floats."""
    model = onnx.load(folder / "add.onnx")
    weight = model.graph.initializer[0]
    weight.ClearField("float_data")
    weight.raw_data = b"\x00\x00\x80\x3f\x00\x00\x00\x40"
    change(model.graph, weight)
    write(name, model)


def dims(*sizes):
    def change(graph, weight):
        weight.ClearField("dims")
        weight.dims.extend(sizes)

    return change


def data_type(number):
    def change(graph, weight):
        weight.data_type = number

    return change


def external(**entries):
    def change(graph, weight):
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        for key, value in entries.items():
            weight.external_data.add(key=key, value=str(value))

    return change


def sparse(graph, weight):
    tensor = graph.sparse_initializer.add()
    tensor.values.CopyFrom(weight)
    graph.ClearField("initializer")


with_weight("short", dims(2, 3))
with_weight("negative", dims(-1))
with_weight("overflow", dims(0, 1 << 32, 1 << 32))
with_weight("texttensor", data_type(TensorProto.STRING))
with_weight("unknowntype", data_type(99))
with_weight("sparse", sparse)

(folder / "data.bin").write_bytes(b"\x00\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x00\x40\x00\x00\x00\x00")
os.symlink("/dev/zero", folder / "link.bin")
os.mkfifo(folder / "pipe.bin")
with_weight("inside", external(location="data.bin", offset=4, length=8))
with_weight("absolute", external(location=folder.resolve() / "data.bin"))
with_weight("above", external(location="folder.onnx/../data.bin"))
with_weight("link", external(location="link.bin"))
with_weight("directory", external(location="folder.onnx"))
with_weight("pipe", external(location="pipe.bin"))
with_weight("gone", external(location="gone.bin"))
with_weight("beyond", external(location="data.bin", offset=12))
with_weight("offset", external(location="data.bin", offset=-4))
with_weight("length", external(location="data.bin", length=4))
