"""Time Weir's step and window, and onnxruntime's window, on encoders of several sizes.

usage: steps.py --weir-run build/bin/weir-run [--only WORD]

One thread, newest row, random weights: what is timed does not depend on them. Quote figures only with the
machine, and only from a quiet one.
"""

import argparse
import dataclasses
import json
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "fuzz"), str(HERE.parent / "python")]
import random_encoder  # noqa: E402
import streams  # noqa: E402

PLAIN = dataclasses.replace(
    random_encoder.sample(0), chunk=1, batch=1, sequence_first=False, source="float", norm_place="post",
    norm="op", activation="erf", projection="split", scores="matmul", scale="divide", mask=None, bias=None,
    rotary=False, positions=None, class_token=False, front=None, head="last", classes=22, both=False,
    opset=17, constant_nodes=False, rows="all", treatment=None,
)  # fmt: skip


def encoder(window, width, heads, hidden, blocks, **changes):
    return dataclasses.replace(
        PLAIN,
        window=window,
        features=width,
        heads=heads,
        size=width // heads,
        hidden=hidden,
        blocks=blocks,
        **changes,
    )


ENCODERS = {
    "sensor, 1 block": encoder(64, 32, 4, 64, 1),
    "sensor, 2 blocks": encoder(64, 32, 4, 64, 2),
    "audio, 1 block": encoder(128, 192, 4, 384, 1),
    "audio, 2 blocks": encoder(128, 192, 4, 384, 2),
    "long, 2 blocks": encoder(512, 64, 4, 128, 2),
    "causal band of 16, 4 blocks": encoder(128, 128, 4, 256, 4, mask=(15, 0)),
    "video, 1 block": encoder(64, 1024, 8, 1024, 1),
    "video, 2 blocks": encoder(64, 1024, 8, 1024, 2),
}


def window_time(path, config):
    """Median microseconds of onnxruntime on one window."""
    session = streams.open_session(path)
    tokens = np.random.default_rng(0).standard_normal((1, config.window, config.features)).astype(np.float32)
    taken, end = [], time.perf_counter() + 1.0
    while time.perf_counter() < end or len(taken) < 20:
        begin = time.perf_counter()
        session.run(None, {"x": tokens})
        taken.append(time.perf_counter() - begin)
    return np.median(taken) * 1e6


def ask(weir_run, path, option):
    result = subprocess.run([str(weir_run), str(path), option], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"error: {path.name}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir-run", type=pathlib.Path, default=streams.WEIR_RUN)
    parser.add_argument("--only", default="", help="encoders whose name holds this word")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {platform.system()}, one thread; medians in microseconds\n")
    columns = ("n", "width", "step", "window", "onnxruntime", "faster", "fewer MACs")
    print(f"{'encoder':28}" + "".join(f"{column:>12}" for column in columns))
    for name, config in ENCODERS.items():
        if arguments.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "encoder.onnx")
            onnx.save(random_encoder.build(config), path)
            report = json.loads(ask(arguments.weir_run, path, "--explain=json"))
            timed = ask(arguments.weir_run, path, "--bench")
            medians = {
                kind: float(us)
                for kind, us in re.findall(r"^(step|window)\s.*?,\s*([\d.]+) us median", timed, re.M)
            }
            reference = window_time(path, config)
        times = "".join(f"{us:12.1f}" for us in (medians["step"], medians["window"], reference))
        ratios = (reference / medians["step"], report["macs_window"] / report["macs_step"])
        sizes = f"{config.window:12}{config.width:12}"
        print(f"{name:28}{sizes}{times}" + "".join(f"{ratio:11.1f}x" for ratio in ratios), flush=True)


if __name__ == "__main__":
    main()
