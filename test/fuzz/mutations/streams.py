"""A stream file (.npy) that is spoilt; a mutation takes a valid array and returns the file's bytes."""

import io

import numpy as np

from .registry import mutation, some


def npy(header, content, version=1, length=None):
    header = header if isinstance(header, bytes) else header.encode()
    size = len(header) if length is None else length
    width = 2 if version == 1 else 4
    return (
        b"\x93NUMPY"
        + bytes([version, 0])
        + (size % 2 ** (8 * width)).to_bytes(width, "little")
        + header
        + content
    )


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@mutation("streams")
def stream_cut(array, rng):
    data = saved(array)
    return data[: rng.integers(len(data))]


@mutation("streams")
def stream_bits_flipped(array, rng):
    values = np.frombuffer(saved(array), np.uint8).copy()
    for at in rng.integers(min(len(values), 128), size=rng.integers(1, 9)):
        values[at] ^= 1 << rng.integers(8)
    return values.tobytes()


@mutation("streams")
def stream_header_wrong(array, rng):
    """Shapes whose bytes overflow, are negative, or are no numbers; types that do not exist."""
    shapes = [
        "(2305843009213693952,)",
        "(4611686018427387904, 2)",
        "(0, 9223372036854775807)",
        "(-1, 8, 8)",
        "()",
    ]
    shapes += [f"({array.shape[0]}, {2**power}, {array.shape[-1]})" for power in (20, 40, 57, 58, 59, 60, 61)]
    shapes += [
        "(1, 8, 8",
        "1, 8, 8)",
        "(" + "1," * 9999 + ")",
        "(1, a)",
        "(1, 1e9, 8)",
        str(array.shape),
        "(1,\0)",
    ]
    kinds = [
        "'<f4'",
        "'>f4'",
        "'<f8'",
        "'|b1'",
        "'<f'",
        "'<'",
        "''",
        "'<f0'",
        "'<f99999999999999999999'",
        "'<U4'",
    ]
    kinds += ["[('a', '<f4')]", "'|O'", "'<c16'", "'<f2'", "'<i8'", "'<f-4'", "'|V8'", "'<f4"]
    order = some(rng, ["False", "True", "True", "", "Maybe"])
    keys = {"descr": some(rng, kinds), "fortran_order": order, "shape": some(rng, shapes)}
    if rng.random() < 0.2:
        del keys[some(rng, list(keys))]
    header = "{" + ", ".join(f"'{key}': {value}" for key, value in keys.items()) + "}\n"
    length = some(rng, [None, None, None, 0, 1, 2**16 - 1, 2**32 - 1])
    return npy(header, array.tobytes(), int(some(rng, [1, 1, 2, 3, 0, 4, 255])), length)


@mutation("streams")
def stream_of_other_kind(array, rng):
    """Well formed, and not what the model takes."""
    others = [
        array.astype(np.float64),
        array.astype(">f4"),
        np.asfortranarray(array),
        array[..., :0],
        array.reshape(-1),
        array[None],
        array[:, :3],
        np.full_like(array, np.nan),
        np.zeros((0, *array.shape[1:]), array.dtype),
        array.astype(np.int8),
    ]
    return saved(some(rng, others))


@mutation("streams")
def stream_is_no_array(array, rng):
    return some(rng, [b"", b"\x93NUMPY", b"PK\5\6" + bytes(18), rng.bytes(1000), b"\x93NUMPY\1\0\xff\xff{"])
