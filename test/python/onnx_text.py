"""Single onnx ops as text for weir-opt, and constants back as arrays.

A case is one operator on known inputs: `f3` below asks for Add of two constants.

    func.func @f3() -> tensor<*xf32> {
      %0 = onnx.Constant dense<"0x..."> : tensor<2xf32>
      %1 = onnx.Constant dense<"0x..."> : tensor<2xf32>
      %2 = onnx.Add %0, %1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<*xf32>
      return %2 : tensor<*xf32>
    }
"""

import dataclasses
import os
import pathlib
import re
import subprocess

import ml_dtypes
import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR_OPT = pathlib.Path(os.environ.get("WEIR_BUILD", ROOT / "build")) / "bin" / "weir-opt"

ELEMENTS = {
    "f64": np.float64, "f32": np.float32, "f16": np.float16, "bf16": ml_dtypes.bfloat16,
    "i64": np.int64, "i32": np.int32, "i16": np.int16, "i8": np.int8, "i1": np.bool_,
    "ui64": np.uint64, "ui32": np.uint32, "ui16": np.uint16, "ui8": np.uint8,
}
NAMES = {np.dtype(dtype): name for name, dtype in ELEMENTS.items()}


@dataclasses.dataclass
class Case:
    op: str
    inputs: list  # arrays; None for an absent optional input
    attributes: dict = dataclasses.field(default_factory=dict)
    outputs: int = 1
    domain: str = ""


def tensor_type(array, shape=None):
    shape = array.shape if shape is None else shape
    return "tensor<" + "".join(f"{size}x" for size in shape) + NAMES[array.dtype] + ">"


def dense(array):
    if array.size == 0:
        return "dense<>"
    if array.dtype == np.bool_:
        return f"dense<{str(array.tolist()).lower()}>"
    return f'dense<"0x{np.ascontiguousarray(array).tobytes().hex().upper()}">'


def attribute(value):
    if isinstance(value, np.ndarray):
        return f"{dense(value)} : {tensor_type(value)}"
    if isinstance(value, type) or isinstance(value, np.dtype):
        return NAMES[np.dtype(value)]
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, float):
        return f"{value:.9e} : f32"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(str, value)) + "]"
    return f"{value} : si64"


def op_line(case, operands, operand_types, result_types):
    results = ", ".join(f"%r{i}" for i in range(len(result_types)))
    attributes = ", ".join(f"{k} = {attribute(v)}" for k, v in case.attributes.items())
    return (f"  {results} = onnx.{case.op} {', '.join(operands)} {{{attributes}}} : "
            f"({', '.join(operand_types)}) -> ({', '.join(result_types)})\n")


def function(name, case, expected, unused=0):
    """The text of a function that computes `case` on constants; `unused` more results are none."""
    body, operands, types = "", [], []
    for i, value in enumerate(case.inputs):
        operands.append(f"%c{i}")
        types.append("none" if value is None else tensor_type(value))
        body += f"  %c{i} = onnx." + (
            "NoValue\n" if value is None else f"Constant {dense(value)} : {types[-1]}\n")
    results = [f"tensor<*x{NAMES[array.dtype]}>" for array in expected]
    body += op_line(case, operands, types, results + ["none"] * unused)
    values = ", ".join(f"%r{i}" for i in range(len(results)))
    return (f"func.func @{name}() -> ({', '.join(results)}) {{\n{body}"
            f"  return {values} : {', '.join(results)}\n}}\n")


def run_opt(text, *options):
    command = [WEIR_OPT, "-", "--mlir-print-elementsattrs-with-hex-if-larger=1", *options]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)


def run_opt_on(path, *options):
    command = [WEIR_OPT, path, "--mlir-print-elementsattrs-with-hex-if-larger=1", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def parse_type(text):
    *shape, element = text.split("x")
    return tuple(map(int, shape)), np.dtype(ELEMENTS[element])


def parse_splat(text, dtype):
    if text in ("true", "false"):
        return np.array(text == "true")
    if text.startswith("0x"):
        width = np.dtype(dtype).itemsize
        return np.frombuffer(int(text, 16).to_bytes(width, "little"), dtype)[0]
    if dtype in (np.float16, np.float32, np.float64, ml_dtypes.bfloat16):
        return np.array(float(text)).astype(dtype)
    return np.array(int(text)).astype(dtype)


def parse_constant(value, kind, resources):
    """The array of `dense<...>` or `dense_resource<...>` of a type like 2x3xf32."""
    shape, dtype = parse_type(kind)
    if value.startswith("dense_resource"):
        data = resources[value[len("dense_resource<"):-1]]
        return np.frombuffer(data, dtype).reshape(shape)
    inner = value[len("dense<"):-1].strip('"')
    if not inner:
        return np.zeros(shape, dtype)
    if value.startswith('dense<"'):
        data = bytes.fromhex(inner[2:])
        if dtype == np.bool_:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
            return bits[:np.prod(shape, dtype=int)].astype(bool).reshape(shape)
        return np.frombuffer(data, dtype).reshape(shape)
    if inner.startswith("["):
        flat = re.split(r"[\[\], ]+", inner.strip("[]"))
        return np.array([parse_splat(one, dtype) for one in flat]).astype(dtype).reshape(shape)
    return np.full(shape, parse_splat(inner, dtype), dtype)


def folded(text):
    """{function name: list of arrays} for the functions that are nothing but constants."""
    resources = {name: bytes.fromhex(data)[4:]
                 for name, data in re.findall(r'^ *(\w+): "0x([0-9A-Fa-f]+)"', text, re.M)}
    results = {}
    for name, body in re.findall(r"func\.func @(\w+)\(.*?\{\n(.*?)\n  \}", text, re.S):
        constants = {}
        for line in body.split("\n"):
            found = re.match(r"\s+(%\w+) = onnx\.Constant (.*) : tensor<(.*)>$", line)
            if found:
                constants[found[1]] = parse_constant(found[2], found[3], resources)
            elif line.strip().startswith("return"):
                names = re.findall(r"%\w+", line.split(" : ")[0])
                if all(one in constants for one in names):
                    results[name] = [constants[one] for one in names]
    return results


def bind(text, values):
    """The text of a module in which the inputs of @window are constants: folding runs it."""
    head = re.search(r"func\.func @window\((.*?)\) -> (.*) \{\n", text)
    constants = ""
    for argument, kind, attributes in re.findall(
            r"(%arg\d+): tensor<([^>]*)> (\{.*?\})(?=, %arg|$)", head[1]):
        name = re.search(r'weir\.input = "((?:[^"\\]|\\.)*)"', attributes)[1]
        constants += f"    {argument} = onnx.Constant {dense(values[name])} : tensor<{kind}>\n"
    results = re.sub(r" \{[^{}]*\}", "", head[2])
    return text.replace(head[0], f"func.func @window() -> {results} {{\n{constants}")


def onnx_model(case, opset=23):
    """The same case as an ONNX model, its inputs being graph inputs."""
    names = ["" if value is None else f"i{i}" for i, value in enumerate(case.inputs)]
    while names and not names[-1]:
        names.pop()
    attributes = {}
    for key, value in case.attributes.items():
        if isinstance(value, np.ndarray):
            value = onnx.numpy_helper.from_array(value)
        elif isinstance(value, type):
            value = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(value))
        attributes[key] = value
    outputs = [f"o{i}" for i in range(case.outputs)]
    node = onnx.helper.make_node(case.op, names, outputs, domain=case.domain, **attributes)
    info = lambda name, array: onnx.helper.make_tensor_value_info(
        name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
    inputs = [info(name, value) for name, value in zip(names, case.inputs) if name]
    graph = onnx.helper.make_graph(
        [node], "case", inputs, [onnx.helper.make_empty_tensor_value_info(o) for o in outputs])
    return onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=10)


def feeds(case):
    return {f"i{i}": value for i, value in enumerate(case.inputs) if value is not None}
