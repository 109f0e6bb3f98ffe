"""Who speaks now? Stream test utterances through two encoders with weir-run, and look at what it costs.

usage: demo.py --weir-run build/bin/weir-run --output FOLDER

Every token of the stream gets a prediction; each is compared with onnxruntime on the original model over
the full window that ends there. Writes FOLDER/vowels.png.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import time

import numpy as np
import onnxruntime

import picture
import speech

HERE = pathlib.Path(__file__).resolve().parent
TOLERANCE = 2e-5  # of a probability, which is at most 1


def run(weir_run, model, *options):
    command = [str(weir_run), str(model), *map(str, options)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"error: {' '.join(command)}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def open_session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def window_length(session):
    return session.get_inputs()[0].shape[1]


def all_windows(session, tokens):
    """onnxruntime over each full window: probabilities [steps, 9] and the median time of one in us."""
    n, found, taken = window_length(session), [], []
    for start in range(len(tokens) - n + 1):
        window = tokens[None, start : start + n]
        begin = time.perf_counter()
        [probabilities] = session.run(None, {"tokens": window})
        taken.append(time.perf_counter() - begin)
        found.append(probabilities[0])
    return np.array(found), float(np.median(taken) * 1e6)


def stream(weir_run, model, tokens, folder):
    """Probabilities [steps, 9] of every token whose window is full, one step each."""
    np.save(folder / "tokens.npy", tokens[None])
    output = folder / f"{model.stem}.npz"
    run(weir_run, model, "--stream", f"tokens={folder / 'tokens.npy'}", "--output", output)
    with np.load(output) as archive:
        return archive["speaker"][:, 0]


def cost(weir_run, model):
    """What a step and a window cost: multiply-accumulates, microseconds, bytes of state."""
    report = json.loads(run(weir_run, model, "--explain=json"))
    timed = run(weir_run, model, "--bench")
    medians = {
        kind: float(us) for kind, us in re.findall(r"^(step|window)\s.*?,\s*([\d.]+) us median", timed, re.M)
    }
    return {
        "step macs": report["macs_step"],
        "window macs": report["macs_window"],
        "state bytes": report["state_bytes"],
        "step us": medians["step"],
        "window us": medians["window"],
    }


def right_utterances(probabilities, speakers, utterances):
    """Share of the utterances that are told right by their mean log-probability, and at their last token."""
    scores = np.log(np.maximum(probabilities, 1e-9))
    by_mean, by_last = [], []
    for u in np.unique(utterances):
        mine = utterances == u
        truth = speakers[mine][0]
        by_mean.append(scores[mine].mean(0).argmax() == truth)
        by_last.append(scores[mine][-1].argmax() == truth)
    return np.mean(by_mean), np.mean(by_last)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weir-run", type=pathlib.Path, default=HERE.parents[1] / "build/bin/weir-run")
    parser.add_argument("--output", type=pathlib.Path, default=HERE.parents[1] / "build/demo")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    utterances = speech.load("TEST")
    tokens, speakers, owners = speech.live(utterances, np.random.default_rng(0))
    print(f"{len(utterances)} test utterances of {speech.SPEAKERS} speakers: one stream of {len(tokens)} tokens\n")

    shown, agree = [], True
    for blocks in (1, 2):
        model = HERE / f"speaker_{blocks}.onnx"
        session = open_session(model)
        n = window_length(session)
        expected, reference_us = all_windows(session, tokens)
        got = stream(arguments.weir_run, model, tokens, arguments.output)
        if got.shape != expected.shape:
            sys.exit(f"error: {model.name}: the output has shape {got.shape}, expected {expected.shape}")
        off = np.abs(got - expected).max(1)
        agree &= bool((off <= TOLERANCE).all())
        by_mean, by_last = right_utterances(got, speakers[n - 1 :], owners[n - 1 :])
        paid = cost(arguments.weir_run, model) | {"onnxruntime us": reference_us}
        shown.append({"blocks": blocks, "window": n, "probabilities": got, "accuracy": by_mean, **paid})

        same, macs, whole = (off <= TOLERANCE).sum(), paid["step macs"], paid["window macs"]
        print(f"{model.name}: {blocks} block{'s' * (blocks > 1)}, window of {n} tokens")
        print(f"  speaker told right    {by_mean:.1%} by the mean of an utterance, {by_last:.1%} at its last token")
        print(f"  equal to onnxruntime  {same} of {len(off)} windows, largest difference {off.max():.1e}")
        print(f"  multiply-accumulates  {macs:,} a step, {whole:,} a window: {whole / macs:.1f}x fewer")
        print(f"  microseconds          {paid['step us']:.1f} a step, {paid['window us']:.1f} a window,", end=" ")
        print(f"{reference_us:.1f} a window in onnxruntime")
        print(f"  state                 {paid['state bytes']:,} bytes\n")

    path = arguments.output / "vowels.png"
    picture.draw(path, tokens, speakers, owners, shown)
    print(f"picture: {path}")
    if not agree:
        sys.exit(f"error: a step differs from its window by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
