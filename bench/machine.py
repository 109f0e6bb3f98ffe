"""What a run ran on: processor, system, versions; and what the processor can do at most."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import re
import subprocess

from . import native

PACKAGES = ["onnxruntime", "openvino", "torch", "continual-inference", "iree-base-compiler", "numpy"]
FEATURES = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "asimd", "sve"]


def processor():
    """The name of the processor, and which of the vector extensions it shows."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"^(?:model name|CPU part)\s*:\s*(.+)$", text, re.M)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", text, re.M)
    shown = set(flags[1].split()) if flags else set()
    return (name[1] if name else platform.machine()), [feature for feature in FEATURES if feature in shown]


def caches():
    """Sizes as the system tells them: {"L1d": "32K", ...}."""
    found = {}
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind = ((index / name).read_text().strip() for name in ("level", "type"))
        if kind != "Instruction":
            found["L" + level + ("d" if kind == "Data" else "")] = (index / "size").read_text().strip()
    return found


def versions():
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def facts():
    name, features = processor()
    return {
        "processor": name, "features": features, "cores": len(os.sched_getaffinity(0)), "caches": caches(),
        "system": platform.system(), "versions": versions(), "weir": commit(),
        "date": datetime.date.today().isoformat(), "load": os.getloadavg()[0],
    }  # fmt: skip


def limits(folder, threads):
    """What `native/limits.c` prints."""
    program = native.program("limits", folder)
    done = subprocess.run([program, str(threads)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)
