"""The file as a string of bytes."""

import numpy as np

from .registry import mutation


@mutation("bytes")
def truncated(data, rng):
    return data[: rng.integers(len(data))]


@mutation("bytes")
def flipped_bits(data, rng):
    values = np.frombuffer(data, np.uint8).copy()
    for at in rng.integers(len(values), size=rng.integers(1, 9)):
        values[at] ^= 1 << rng.integers(8)
    return values.tobytes()


@mutation("bytes")
def random_bytes(data, rng):
    start, length = rng.integers(len(data)), rng.integers(1, 33)
    return data[:start] + rng.bytes(length) + data[start + length :]


@mutation("bytes")
def removed_bytes(data, rng):
    start = rng.integers(len(data))
    return data[:start] + data[start + rng.integers(1, 65) :]


@mutation("bytes")
def repeated_bytes(data, rng):
    start, length = rng.integers(len(data)), rng.integers(1, 513)
    return data[: start + length] + data[start:]


@mutation("bytes")
def moved_bytes(data, rng):
    start, to, length = rng.integers(len(data)), rng.integers(len(data)), rng.integers(1, 513)
    piece, rest = data[start : start + length], data[:start] + data[start + length :]
    return rest[:to] + piece + rest[to:]


@mutation("bytes")
def small_numbers_grown(data, rng):
    """Lengths, counts and types become a varint of nine bytes."""
    start = rng.integers(len(data))
    return data[:start] + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + data[start + 1 :]


@mutation("bytes")
def fields_appended(data, rng):
    """Unknown fields of every wire type, and the file once more: protobuf merges both."""
    number = int(rng.integers(1, 16))
    extras = [
        bytes([number << 3]) + b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # varint
        bytes([number << 3 | 1]) + rng.bytes(8),
        bytes([number << 3 | 2, 4]) + rng.bytes(4),
        bytes([number << 3 | 3]) * int(rng.integers(1, 200)),  # groups that never end
        bytes([number << 3 | 5]) + rng.bytes(4),
        bytes([0xFA, 0x7F, 3]) + rng.bytes(3),
        data,
        data[: len(data) // 2],
    ]
    return data + extras[rng.integers(len(extras))]
