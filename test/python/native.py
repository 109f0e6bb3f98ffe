"""Compiled models and the C programs of test/native that are linked to them."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import streams

WEIR_COMPILE = streams.BUILD / "bin" / "weir-compile"
SOURCES = streams.ROOT / "test" / "native"
CC = os.environ.get("CC") or shutil.which("clang-22") or "cc"
CXX = os.environ.get("CXX") or shutil.which("clang++-22") or "c++"
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]


def run(command, check=True, **options):
    command = [str(word) for word in command]
    result = subprocess.run(command, capture_output=True, text=True, timeout=streams.TIME_LIMIT, **options)
    assert not check or result.returncode == 0, (command, result.returncode, result.stdout, result.stderr)
    return result


def weir_compile(model, *options, check=False):
    return run([WEIR_COMPILE, model, *options], check=check)


@functools.cache
def scratch():
    """A folder that lives as long as this process."""
    folder = tempfile.TemporaryDirectory()
    scratch.keep = folder
    return pathlib.Path(folder.name)


class Artifact:
    """ID.o, ID.h and ID.json of one model."""

    def __init__(self, entry, folder, *options, name="model", ending=".o"):
        self.entry, self.folder, self.name = entry, folder, name
        self.object = folder / (name + ending)
        positions = ["--positions=exact"] if entry["positions"] else []
        weir_compile(entry["path"], *entry["options"], *positions, *options, "-o", self.object, check=True)
        self.manifest = json.loads((folder / f"{name}.json").read_text())

    def program(self, source, *options, compiler=None, extra=()):
        """The C program `source` of test/native, linked to this model."""
        output = self.folder / f"{self.name}-{pathlib.Path(source).stem}{len(options) or ''}"
        [counter] = [state["offset"] for state in self.manifest["states"] if state["name"] == "step"]
        run(
            [
                compiler or CC, "-std=c11", "-D_GNU_SOURCE", *WARNINGS, "-O1", "-g", *options,
                f"-DID={self.name}", f"-DUPPER={self.name.upper()}", f"-DCOUNTER_OFFSET={counter}",
                "-include", self.folder / f"{self.name}.h", SOURCES / source, self.object, *extra,
                "-lm", "-lpthread", "-o", output,
            ]  # fmt: skip
        )
        return output

    def ports(self, kind):
        return [(one["name"], np.dtype(one["dtype"]), one["shape"]) for one in self.manifest[kind]]

    def pack(self, tokens):
        """The inputs of all steps that `tokens`, {name: stream}, has: bytes, one step after the other.

        The stream begins `skipped` tokens early, as the first chunk holds that many that nothing depends on.
        """
        chunk, skipped = self.manifest["chunk"], self.manifest["skipped"]
        axes = {one["name"]: one["token_axis"] for one in self.entry["inputs"]}
        length = next(iter(tokens.values())).shape[next(iter(axes.values()))]
        parts = []
        for start in range(-skipped, length - chunk + 1, chunk):
            positions = np.maximum(np.arange(start, start + chunk), 0)
            for name, dtype, shape in self.ports("inputs"):
                part = np.take(tokens[name], positions, axis=axes[name])
                assert part.dtype == dtype and list(part.shape) == shape
                parts.append(part.tobytes())
        return b"".join(parts)

    def unpack(self, data):
        """(codes of all steps, {name: [steps with outputs, ...]}) of what stream_model wrote."""
        codes, outputs, at = [], {name: [] for name, _, _ in self.ports("outputs")}, 0
        while at < len(data):
            codes.append(int(np.frombuffer(data, "<i4", 1, at)[0]))
            at += 4
            for name, dtype, shape in self.ports("outputs") if codes[-1] == 1 else []:
                count = int(np.prod(shape))
                outputs[name].append(np.frombuffer(data, dtype, count, at).reshape(shape))
                at += count * dtype.itemsize
        return codes, {name: np.stack(values) for name, values in outputs.items() if values}

    def stream(self, program, packed, *options, wrapper=()):
        """What stream_model writes for these tokens, as bytes."""
        tokens, outputs = self.folder / "tokens.bin", self.folder / "outputs.bin"
        tokens.write_bytes(packed)
        run([*wrapper, program, tokens, outputs, *options])
        return outputs.read_bytes()


@functools.cache
def artifact(name, *options):
    """The artifact of a model of test/models, made once."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=scratch()))
    return Artifact(streams.manifest()[name], folder, *options)


@functools.cache
def program(name, source, *options):
    return artifact(name).program(source, *options)


def tokens_of(made, length=None, seed=0):
    return streams.random_streams(made.entry, length or 4 * made.entry["window"] + 3, seed)
