"""Train the two encoders of the demo and write them as ONNX.

usage: train.py [--steps N] FOLDER      (needs dependencies/python-export.txt)

Each sees the newest 24 tokens of a stream of utterances and says who speaks *now*: the window mostly holds
the end of somebody else's vowel too. Positions enter as a learned bias of the scores by distance, which
slides with the stream; there is no absolute table.
"""

import argparse
import pathlib
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import speech

WINDOW, WIDTH, HEADS, HIDDEN = 24, 32, 4, 64


class Block(nn.Module):
    """Pre-norm encoder block, [batch, n, WIDTH] -> the same."""

    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.distance = nn.Parameter(torch.zeros(HEADS, 2 * WINDOW - 1))
        self.up, self.down = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x):
        batch, n, _ = x.shape
        q, k, v = (
            self.qkv(self.norm1(x))
            .reshape(batch, n, 3, HEADS, WIDTH // HEADS)
            .permute(2, 0, 3, 1, 4)
            .unbind(0)
        )
        position = torch.arange(n)
        scores = q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5
        scores = scores + self.distance[:, position[:, None] - position + WINDOW - 1]
        mixed = (self.dropout(scores.softmax(-1)) @ v).transpose(1, 2).reshape(batch, n, WIDTH)
        x = x + self.dropout(self.out(mixed))
        return x + self.dropout(self.down(F.gelu(self.up(self.norm2(x)))))


class Encoder(nn.Module):
    """[batch, WINDOW, 12] -> probability of each speaker [batch, 9] at the newest token."""

    def __init__(self, blocks, mean, deviation):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("scale", torch.tensor(1 / deviation))
        self.embed = nn.Linear(speech.COEFFICIENTS, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))
        self.norm = nn.LayerNorm(WIDTH)
        self.classify = nn.Linear(WIDTH, speech.SPEAKERS)

    def logits(self, x):
        x = self.embed((x - self.mean) * self.scale)
        for block in self.blocks:
            x = block(x)
        return self.classify(self.norm(x[:, -1]))

    def forward(self, x):
        return self.logits(x).softmax(-1)


def augmented(utterances, rng):
    """The utterances, each a little longer or shorter, with a little offset and noise."""
    changed = []
    deviation = np.concatenate([tokens for tokens, _ in utterances]).std(0)
    for tokens, speaker in utterances:
        length = max(6, round(len(tokens) * rng.uniform(0.8, 1.25)))
        at = np.linspace(0, len(tokens) - 1, length)
        low = np.floor(at).astype(int)
        high, part = np.minimum(low + 1, len(tokens) - 1), (at - low)[:, None]
        tokens = tokens[low] * (1 - part) + tokens[high] * part
        tokens = tokens + deviation * (
            0.15 * rng.standard_normal(tokens.shape[1]) + 0.15 * rng.standard_normal(tokens.shape)
        )
        changed.append((tokens.astype(np.float32), speaker))
    return changed


def windows(tokens, speakers):
    """All windows [steps, WINDOW, 12] of a stream and the speaker [steps] at the end of each."""
    at = np.arange(len(tokens) - WINDOW + 1)[:, None] + np.arange(WINDOW)
    return torch.tensor(tokens[at]), torch.tensor(speakers[WINDOW - 1 :])


def train(blocks, utterances, steps):
    torch.manual_seed(blocks)
    rng = np.random.default_rng(blocks)
    everything = np.concatenate([tokens for tokens, _ in utterances])
    model = Encoder(blocks, everything.mean(0), everything.std(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    done = 0
    while done < steps:
        x, y = windows(*speech.live(augmented(utterances, rng), rng)[:2])
        for batch in torch.randperm(len(x)).split(128):
            if done == steps or len(batch) < 128:
                break
            loss = F.cross_entropy(model.logits(x[batch]), y[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            done += 1
    return model.eval()


def accuracy(model, utterances):
    """Of the test utterances, which are told right at their last token, and by their mean."""
    tokens, speakers, utterance = speech.live(utterances, np.random.default_rng(0))
    x, _ = windows(tokens, speakers)
    with torch.no_grad():
        logits = torch.cat([model.logits(part) for part in x.split(512)]).log_softmax(-1).numpy()
    speakers, utterance = speakers[WINDOW - 1 :], utterance[WINDOW - 1 :]
    found = [(logits[utterance == u], speakers[utterance == u][0]) for u in np.unique(utterance)]
    last = np.mean([scores[-1].argmax() == speaker for scores, speaker in found])
    mean = np.mean([scores.mean(0).argmax() == speaker for scores, speaker in found])
    return last, mean


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=4000, help="batches of 128 windows")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    learn, test = speech.load("TRAIN"), speech.load("TEST")
    for blocks in (1, 2):
        model = train(blocks, learn, arguments.steps)
        last, mean = accuracy(model, test)
        print(
            f"{blocks} blocks: {last:.1%} of test utterances right at the last token, {mean:.1%} by the mean",
            flush=True,
        )
        torch.onnx.export(
            model,
            (torch.zeros(1, WINDOW, speech.COEFFICIENTS),),
            arguments.folder / f"speaker_{blocks}.onnx",
            input_names=["tokens"],
            output_names=["speaker"],
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    main()
