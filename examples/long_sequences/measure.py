"""Run a model on windows that have nothing to do with each other: in weir-run, and in onnxruntime beside it.

usage: measure.py MODEL.onnx WINDOWS.npz     (prints what onnxruntime takes, as JSON: a process of its own, whose
memory holds nothing else)
"""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnxruntime


@dataclasses.dataclass
class Measured:
    outputs: np.ndarray | None = None  # [windows, ...] of the only output
    us: float | None = None  # least time of a window, microseconds
    peak: int | None = None  # bytes that the process held at most
    report: dict = dataclasses.field(default_factory=dict)  # what weir-run says of the rewritten model


def weir(weir_run, model, windows, *options, explain=True, timed=True):
    """`windows`: {input name: [count, tokens, ...]}, one after the other as a stream whose steps are whole windows."""
    with tempfile.TemporaryDirectory() as folder:
        output, report = pathlib.Path(folder, "out.npz"), pathlib.Path(folder, "report.json")
        command = [weir_run, model, "--output", output, *options, *(["--bench"] if timed else [])]
        for name, values in windows.items():
            path = pathlib.Path(folder, f"{name}.npy")
            np.save(path, values.reshape(1, -1, *values.shape[2:]))
            command += [f"--chunk={values.shape[1]}", "--stream", f"{name}={path}"]
        command += ["--report", report] if explain else []
        text, peak = run(command)
        with np.load(output) as archive:
            [outputs] = [archive[name] for name in archive]
        us = next((float(us) for us in re.findall(r"^window\s+([\d.]+) us min", text, re.M)), None)
        said = json.loads(report.read_text()) if report.exists() else {}
    return Measured(outputs.squeeze(1) if outputs.ndim > 2 else outputs, us, peak, said)


def run(command):
    """(standard output, peak bytes) of a command that must succeed."""
    command = [str(word) for word in command]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), err.seek(0)
        if process.returncode != 0:
            sys.exit(f"error: {' '.join(command)}: exit code {process.returncode}\n{err.read()}")
        return out.read(), used.ru_maxrss * 1024


def open_session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def reference(model, windows, least_runs=3):
    """onnxruntime on one thread over each window."""
    session, found, least = open_session(model), [], np.inf
    count = len(next(iter(windows.values())))
    for at in range(max(count, least_runs)):
        feeds = {name: values[at % count][None] for name, values in windows.items()}
        begin = time.perf_counter()
        [output] = session.run(None, feeds)
        least = min(least, time.perf_counter() - begin)
        found.append(output[0])
    return Measured(np.stack(found[:count]), least * 1e6)


def reference_apart(model, windows):
    """The same in a process of its own: without outputs, but with what running adds to the memory of the process."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "windows.npz")
        np.savez(path, **windows)
        text, _ = run([sys.executable, __file__, model, path])
    return Measured(**json.loads(text))


def peak_of_this_process():
    [line] = re.findall(r"VmHWM:\s*(\d+) kB", pathlib.Path("/proc/self/status").read_text())
    return 1024 * int(line)


def error(outputs, expected):
    """Norm of the difference, of that of what is expected."""
    return float(np.linalg.norm(outputs - expected) / np.linalg.norm(expected))


if __name__ == "__main__":
    with np.load(sys.argv[2]) as archive:
        windows = dict(archive)
    open_session(sys.argv[1])
    before = peak_of_this_process()
    measured = reference(sys.argv[1], windows)
    print(json.dumps({"us": measured.us, "peak": peak_of_this_process() - before}))
