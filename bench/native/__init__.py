"""C helpers, compiled for this very processor where they are used."""

import hashlib
import os
import pathlib
import shutil
import subprocess

SOURCES = pathlib.Path(__file__).parent
OPTIONS = ["-std=c11", "-D_GNU_SOURCE", "-O3", "-march=native", "-Wall", "-Wextra", "-Werror", "-pthread"]


def compiler():
    found = shutil.which("clang-22") or shutil.which("clang")
    if not found:
        raise RuntimeError("clang-22 is not installed: run ./dev setup")
    return found


def build(name, folder, ending, *options):
    """The path of SOURCES/name.c, compiled; once for each text of it."""
    source = SOURCES / f"{name}.c"
    text = source.read_bytes() + (SOURCES / "read.h").read_bytes() + repr(options).encode()
    path = pathlib.Path(folder, f"{name}-{hashlib.sha256(text).hexdigest()[:10]}{ending}")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = path.with_name(f"{os.getpid()}-{path.name}")
        subprocess.run([compiler(), *OPTIONS, *options, source, "-o", begun], check=True)
        os.replace(begun, path)
    return path


def library(name, folder):
    return build(name, folder, ".so", "-shared", "-fPIC")


def program(name, folder):
    return build(name, folder, "")
