"""Time of a DCT along the tokens, as one product with D and in two stages, each compiled; and their ratio per multiplication.

    python bench/transforms.py --weir-run build/bin/weir-run

The last column is what `directPerStaged` of lib/Conversion/WeirToOnnx/FastDct.cpp stands for.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "test" / "reference"))
import dct  # noqa: E402

SIZES = [(64, 16), (128, 32), (256, 64), (512, 128), (512, 512), (1024, 256), (2048, 512), (4096, 1024)]
FEATURES = 64


def staged(n, m):
    """Tables of the split n = n1 n2 that takes the fewest multiplications; FastDct.h has the formula."""

    def frequencies(n1):
        alike = [[] for _ in range(min(n1 + 1, m))]
        for k in range(m):
            alike[min(k % (2 * n1), -k % (2 * n1))].append(k)
        return alike

    def count(n1):
        alike = frequencies(n1)
        return 2 * len(alike) * n + 2 * len(alike) * max(map(len, alike)) * (n // n1)

    n1 = min((d for d in range(2, n // 2 + 1) if n % d == 0), key=count)
    alike, n2 = frequencies(n1), n // n1
    angle = np.pi * np.outer(np.arange(len(alike)), np.arange(n1)) / n1
    sums = np.stack([np.cos(angle), np.sin(angle)], 1).reshape(-1, n1)
    turns = np.zeros((len(alike), max(map(len, alike)), 2, n2))
    places = np.zeros(m, np.int64)
    for r, ks in enumerate(alike):
        for place, k in enumerate(ks):
            angle = np.pi * (2 * np.arange(n2) + 1) * k / (2 * n)
            sign = 1 if k % (2 * n1) > n1 else -1
            turns[r, place] = np.sqrt((1 if k == 0 else 2) / n) * np.stack([np.cos(angle), sign * np.sin(angle)])
            places[k] = r * turns.shape[1] + place
    return sums, turns.reshape(*turns.shape[:2], 2 * n2), places, count(n1)


def model(nodes, constants, n, m):
    info = helper.make_tensor_value_info
    constants = [numpy_helper.from_array(np.asarray(a, a.dtype if a.dtype == np.int64 else np.float32), name)
                 for name, a in constants.items()]
    graph = helper.make_graph(nodes, "transform", [info("x", 1, [n, FEATURES])], [info("y", 1, [m, FEATURES])], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def direct_model(n, m):
    return model([helper.make_node("MatMul", ["d", "x"], ["y"])], {"d": dct.dct_matrix(n, m)}, n, m)


def staged_model(n, m, sums, turns, places):
    residues, per, twice = turns.shape
    shapes = {"s1": [sums.shape[1], -1], "s2": [residues, twice, FEATURES], "s3": [residues * per, FEATURES]}
    constants = {name: np.array(shape) for name, shape in shapes.items()}
    nodes = [helper.make_node(op, inputs, [output]) for op, inputs, output in [
        ("Reshape", ["x", "s1"], "x1"), ("MatMul", ["sums", "x1"], "x2"), ("Reshape", ["x2", "s2"], "x3"),
        ("MatMul", ["turns", "x3"], "x4"), ("Reshape", ["x4", "s3"], "x5"), ("Gather", ["x5", "places"], "y")]]
    return model(nodes, {**constants, "sums": sums, "turns": turns, "places": places}, n, m)


def microseconds(weir_run, folder, model):
    """The fastest of many calls."""
    onnx.save(model, folder / "model.onnx")
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    np.save(folder / "x.npy", np.ones(shape, np.float32))
    command = [weir_run, folder / "model.onnx", "--rewrite=none", "--bench", "--static", f"x={folder}/x.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(re.search(r"window +([\d.]+) us min", done.stdout)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir-run", type=pathlib.Path, default="build/bin/weir-run")
    weir_run = parser.parse_args().weir_run.resolve()
    print(f"{FEATURES} features\n   n     m    direct us   staged us   products direct / staged   time of one staged / direct")
    with tempfile.TemporaryDirectory() as folder:
        for n, m in SIZES:
            *tables, macs = staged(n, m)
            one = microseconds(weir_run, pathlib.Path(folder), direct_model(n, m))
            two = microseconds(weir_run, pathlib.Path(folder), staged_model(n, m, *tables))
            fewer = n * m / macs
            print(f"{n:>5} {m:>5} {one:>12.1f} {two:>11.1f} {fewer:>14.2f} {two / one * fewer:>24.2f}")


if __name__ == "__main__":
    main()
