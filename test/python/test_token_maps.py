"""weir.dct, idct, resample and pool, compiled, against their definitions in float64."""

import numpy as np
import pytest
import streams
from compressed_reference import dct

# (n, m): m = 1, m = n, odd, prime, m that does not divide n
SIZES = [(1, 1), (2, 1), (5, 5), (7, 3), (13, 12), (64, 16), (97, 31), (120, 45), (128, 127), (251, 8)]
LARGE = [(512, 128), (1000, 250), (1024, 1024), (2048, 300), (4096, 64), (4096, 1024), (4093, 1000)]


MATRICES = {
    "dct": dct.dct_matrix,
    "idct": lambda n, m: dct.dct_matrix(n, m).T,
    "resample": dct.resample_matrix,
    "pool": dct.pool_matrix,
}


def shaped(rows, dim):
    """A shape with the rows in dimension `dim` of 3, and none of the others 1."""
    shape = [2, 3, 5]
    shape[dim] = rows
    return shape


def kind(shape, dtype):
    return f"tensor<{'x'.join(map(str, shape))}x{'f32' if dtype == np.float32 else 'f64'}>"


def run(cases, folder, dtype):
    """The results of all maps (name, n, m, dim), one model for them all, and their operands."""
    rng = np.random.default_rng(0)
    arguments, results, body, arrays, command = [], [], [], [], []
    for i, (name, n, m, dim) in enumerate(cases):
        source, target = (m, n) if name == "idct" else (n, m)
        array = rng.standard_normal(shaped(source, dim)).astype(dtype)
        types = kind(array.shape, dtype), kind(shaped(target, dim), dtype)
        arguments.append(f'%x{i}: {types[0]} {{weir.input = "x{i}"}}')
        results.append(f'{types[1]} {{weir.output = "y{i}"}}')
        body.append(f"  %y{i} = weir.{name} %x{i} {{dim = {dim}}} : {types[0]} -> {types[1]}")
        np.save(folder / f"{i}.npy", array)
        command += ["--static", f"x{i}={folder}/{i}.npy"]
        arrays.append(array)
    values = ", ".join(f"%y{i}" for i in range(len(cases)))
    kinds = ", ".join(result.split(" {")[0] for result in results)
    text = f"func.func @window({', '.join(arguments)})\n    -> ({', '.join(results)}) {{\n"
    (folder / "model.mlir").write_text(text + "\n".join(body) + f"\n  return {values} : {kinds}\n}}\n")
    done = streams.weir_run(folder / "model.mlir", "--rewrite=none", "--output", folder / "out.npz", *command)
    assert done.returncode == 0, done.stderr
    with np.load(folder / "out.npz") as outputs:
        return [outputs[f"y{i}"][0] for i in range(len(cases))], arrays


@pytest.mark.parametrize("dtype, tolerance", [(np.float32, 5e-6), (np.float64, 5e-13)])
@pytest.mark.parametrize("sizes, dims", [(SIZES, (0, 1, 2)), (LARGE, (1,))], ids=["small", "large"])
@pytest.mark.parametrize("name", MATRICES)
def test_maps_are_their_matrices(name, sizes, dims, dtype, tolerance, tmp_path):
    cases = [(name, n, m, dim) for n, m in sizes for dim in dims]
    outputs, arrays = run(cases, tmp_path, dtype)
    for (_, n, m, dim), output, array in zip(cases, outputs, arrays):
        expected = np.moveaxis(np.tensordot(MATRICES[name](n, m), np.asarray(array, float), (1, dim)), 0, dim)
        assert np.abs(output - expected).max() <= tolerance * np.abs(expected).max(), (n, m, dim)
