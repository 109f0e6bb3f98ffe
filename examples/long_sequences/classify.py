"""Train an encoder with full attention, then swap its attentions: error and accuracy over M of DCT and C of CAST.

usage: classify.py leaves|listops [--weir-run build/bin/weir-run] [--output FOLDER] [--docs] [--steps N] [--tests N]

CAST-style; the equations are a reconstruction, not checked against the paper. Needs dependencies/python-export.txt,
and for leaves dependencies/python-demo.txt.
"""

import dataclasses
import sys

import leaves
import listops
import numpy as np
import report
import study
import torch
import train

CALIBRATION = 16  # windows of the training data


@dataclasses.dataclass
class Task:
    model: dict  # what train.Classifier is made with
    batches: object  # step -> inputs, classes
    calibration: np.ndarray
    tests: tuple  # inputs, classes
    steps: int
    again: int  # steps of training that a swapped attention gets
    keeps: tuple
    clusters: tuple


def leaf_task():
    outlines, species = leaves.load("TRAIN")
    tests, answers = leaves.load("TEST")
    rng = np.random.default_rng(0)

    def batches(step):
        some = rng.integers(len(outlines), size=16)
        return leaves.tokens_of(leaves.turned(outlines[some], rng)), species[some]

    model = dict(tokens=leaves.TOKENS, inputs=leaves.FEATURES, classes=leaves.CLASSES, width=32, heads=2, blocks=2)
    calibration = leaves.tokens_of(outlines[:CALIBRATION])
    return Task(model, batches, calibration, (leaves.tokens_of(tests), answers), 400, 150, (8, 16, 32, 64), (4, 8))


def listops_task():
    tokens = 64
    ids, values = listops.sample(20000, tokens, 1)
    tests = listops.sample(500, tokens, 2)
    rng = np.random.default_rng(0)

    def batches(step):
        some = rng.integers(len(ids), size=64)
        return ids[some], values[some]

    model = dict(
        tokens=tokens, inputs=None, classes=listops.CLASSES, width=32, heads=2, blocks=2, vocabulary=listops.VOCABULARY
    )
    return Task(model, batches, ids[:CALIBRATION], tests, 600, 200, (8, 16, 32, 64), (2, 4))


TASKS = {"leaves": leaf_task, "listops": listops_task}


def tell(step, loss):
    if step % 50 == 49:
        print(f"  step {step + 1}: loss {loss.item():.3f}", file=sys.stderr, flush=True)


def main():
    found = report.arguments(__doc__, task=list(TASKS), steps=0, tests=500)
    task = TASKS[found.task]()
    inputs, answers = (values[: found.tests] for values in task.tests)
    tokens = task.model["tokens"]
    torch.manual_seed(0)
    model = train.Classifier(**task.model)
    train.fit(model, task.batches, found.steps or task.steps, 3e-3, tell)
    scores = lambda outputs: {"accuracy": float((outputs.argmax(1) == answers).mean())}
    one = study.Study(found.task, found, model, inputs, task.calibration, scores)
    one.all_forms(tokens, task.keeps, task.clusters)
    again = lambda swapped: train.fit(swapped, task.batches, found.steps or task.again, 2e-3, tell)
    one.all_trained(tokens, task.keeps[1::2], task.clusters, again)
    report.finish(found.task, one.rows, found)


if __name__ == "__main__":
    main()
