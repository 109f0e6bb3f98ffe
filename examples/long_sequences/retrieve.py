"""all-MiniLM-L6-v2 with other attentions: error of its embeddings, and whether it still finds the right passage.

usage: retrieve.py [--weir-run build/bin/weir-run] [--output FOLDER] [--docs] [--topics N] [--steps N]

The weights are the published ones; `trained` means: then taught to give the original's embeddings of other passages.
CAST-style; the equations are a reconstruction, not checked against the paper. Needs dependencies/python-full.txt and
dependencies/python-weights.txt.
"""

import sys

import numpy as np
import report
import sentences
import study
import torch

TOKENS = 128
KEEPS, CLUSTERS = (16, 32, 64), (2, 4)
CALIBRATION = 8  # passages
BATCH = 4


def teach(student, teacher, ids, steps):
    """Train `student` to give the embeddings of `teacher`."""
    student.words.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in student.parameters() if p.requires_grad], 3e-4)
    rng = np.random.default_rng(0)
    for step in range(steps):
        some = torch.from_numpy(ids[rng.integers(len(ids), size=BATCH)])
        with torch.no_grad():
            wanted = teacher(some)
        loss = 1 - (student(some) * wanted).sum(-1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            print(f"  step {step + 1}: loss {loss.item():.3f}", file=sys.stderr, flush=True)


def main():
    found = report.arguments(__doc__, topics=32, steps=50)
    pairs, others = sentences.passages(TOKENS)
    pairs, calibration, others = pairs[: found.topics], others[:CALIBRATION], others[CALIBRATION:]
    model = sentences.Embedding(TOKENS)
    original = {}  # what the model finds before anything is replaced

    def scores(outputs):
        nearest = sentences.nearest(outputs.reshape(*pairs.shape[:2], -1))
        wanted = original.setdefault("nearest", nearest)
        right = np.arange(len(nearest))
        return {"accuracy": float((nearest == right).mean()), "agreement": float((nearest == wanted).mean())}

    one = study.Study("minilm", found, model, pairs.reshape(-1, TOKENS), calibration, scores)
    one.all_forms(TOKENS, KEEPS, CLUSTERS)
    if found.steps:
        fit = lambda student: teach(student, model, others, found.steps)
        one.all_trained(TOKENS, KEEPS[-1:], CLUSTERS[-1:], fit)
    report.finish("minilm", one.rows, found)


if __name__ == "__main__":
    main()
