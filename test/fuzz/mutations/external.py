"""Weights in other files: they must be regular ones inside the model's folder, and as long as they say."""

import os

from onnx import TensorProto

from .registry import mutation, some


def external(model, location, **keys):
    tensor = max(model.graph.initializer, key=lambda t: len(t.raw_data), default=None)
    if tensor is None:
        tensor = model.graph.initializer.add(name="external", data_type=TensorProto.FLOAT, dims=[4])
        model.graph.output.add().name = "external"
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **keys}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def secret(folder):
    """A file that lies outside of the model's folder."""
    path = folder.parent / "secret.bin"
    path.write_bytes(bytes(1 << 16))
    return path


@mutation("external", refused=True)
def external_data_escapes(model, rng, folder):
    path = secret(folder)
    (folder / "sub").mkdir(exist_ok=True)
    outside = os.path.relpath(path, folder)
    places = [outside, f"sub/../{outside}", f"./{outside}", str(path), "/dev/zero", "/proc/self/environ"]
    places += [
        f"sub/..//{outside}",
        f"file://{path}",
        "~/secret.bin",
        "//" + str(path),
        "sub/../../secret.bin",
    ]
    external(model, some(rng, places))


@mutation("external", refused=True)
def external_data_is_a_link(model, rng, folder):
    path = secret(folder)
    choice = rng.integers(5)
    if choice == 0:
        (folder / "weights.bin").symlink_to(path)
    elif choice == 1:
        (folder / "weights.bin").symlink_to("weights.bin")
    elif choice == 2:
        (folder / "weights.bin").symlink_to("/dev/zero")
    elif choice == 3:
        (folder / "weights.bin").symlink_to("nowhere.bin")
    else:
        (folder / "inside").symlink_to(folder.parent)
    external(model, "inside/secret.bin" if choice == 4 else "weights.bin")


@mutation("external", refused=True)
def external_data_is_no_file(model, rng, folder):
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    external(
        model, some(rng, ["folder", "pipe", "absent.bin", "", ".", "a\x00b", "x" * 9999, "folder/", "é"])
    )


@mutation("external", refused=True)
def external_data_out_of_bounds(model, rng, folder):
    (folder / "weights.bin").write_bytes(bytes(64))
    bounds = [
        {},
        {"offset": 2**62},
        {"offset": -8},
        {"offset": "x"},
        {"length": 2**62},
        {"length": -4},
        {"offset": 60, "length": 2**63 - 30},
        {"offset": 2**64 - 8, "length": 16},
        {"offset": 2**64},
        {"offset": "0x10"},
        {"length": 8},
        {"length": 0},
    ]
    tensor = external(model, "weights.bin", **some(rng, bounds))
    if tensor.name == "external":
        tensor.dims[0] = 999


@mutation("external", refused=True)
def external_data_empty(model, rng, folder):
    (folder / "weights.bin").write_bytes(b"")
    external(model, "weights.bin")


@mutation("external", refused=True)
def external_data_claims_much(model, rng, folder):
    """A sparse file as large as the tensor says would be read, were it there."""
    (folder / "weights.bin").write_bytes(bytes(64))
    tensor = external(model, "weights.bin", offset=0)
    tensor.dims[:] = some(rng, [[2**31, 2**20], [2**40], [2**62], [2**62, 2**62]])


@mutation("external")
def external_data_with_checksum(model, rng, folder):
    """Keys that Weir does not use, repeated ones, and raw data beside the file."""
    (folder / "weights.bin").write_bytes(bytes(1 << 20))
    tensor = external(model, "weights.bin", checksum="0" * 40, offset=0)
    if rng.random() < 0.5:
        tensor.raw_data = b"1234"
    if rng.random() < 0.3:
        tensor.external_data.add(key="location", value="absent.bin")
