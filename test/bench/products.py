"""How fast compiled products of a constant matrix are: GFLOP/s for some numbers of rows.

    python test/bench/products.py --weir-run build/bin/weir-run
"""

import argparse
import pathlib
import re
import subprocess
import tempfile

import numpy as np
import onnx

SHAPES = [(256, 256), (256, 1024), (1024, 256), (512, 512), (1024, 1024), (256, 22)]
ROWS = [1, 2, 4, 16, 64, 256]


def product(rows, depth, columns):
    weights = np.random.default_rng(0).normal(size=(depth, columns)).astype(np.float32)
    info = onnx.helper.make_tensor_value_info
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])], "product",
        [info("x", kind, [rows, depth])], [info("y", kind, [rows, columns])],
        [onnx.numpy_helper.from_array(weights, "w")])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)


def microseconds(weir_run, folder, model):
    """The fastest of many calls."""
    onnx.save(model, folder / "model.onnx")
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    np.save(folder / "x.npy", np.ones(shape, np.float32))
    done = subprocess.run([weir_run, folder / "model.onnx", "--rewrite=none", "--bench",
                           "--static", f"x={folder}/x.npy"], capture_output=True, text=True, check=True)
    return float(re.search(r"window +([\d.]+) us min", done.stdout)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir-run", type=pathlib.Path, default="build/bin/weir-run")
    weir_run = parser.parse_args().weir_run.resolve()
    print("depth x columns " + "".join(f"{f'{rows} rows':>12}" for rows in ROWS) + "   GFLOP/s")
    with tempfile.TemporaryDirectory() as folder:
        for depth, columns in SHAPES:
            line = f"{depth:>6} x {columns:<6} "
            for rows in ROWS:
                time = microseconds(weir_run, pathlib.Path(folder), product(rows, depth, columns))
                line += f"{2e-3 * rows * depth * columns / time:12.1f}"
            print(line)


if __name__ == "__main__":
    main()
