"""Small encoders in PyTorch, and training them. Needs dependencies/python-export.txt."""

import torch
import torch.nn.functional as F
from torch import nn


class Classifier(nn.Module):
    """Tokens [batch, tokens, features], or ids [batch, tokens] -> scores [batch, classes]."""

    def __init__(self, tokens, inputs, classes, width, heads, blocks, vocabulary=None):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width) if vocabulary else nn.Linear(inputs, width)
        self.positions = nn.Parameter(0.1 * torch.randn(tokens, width))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        layer.self_attn.dropout = 0.0
        norm = nn.LayerNorm(width)
        self.encoder = nn.TransformerEncoder(layer, blocks, norm=norm, enable_nested_tensor=False)
        self.classify = nn.Linear(width, classes)

    def forward(self, x):
        return self.classify(self.encoder(self.embed(x) + self.positions).mean(1))


def fit(model, batches, steps, rate, report=lambda step, loss: None):
    """Train on `batches(step)` -> (inputs, classes), NumPy arrays."""
    optimizer = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    model.train()
    for step in range(steps):
        inputs, classes = batches(step)
        loss = F.cross_entropy(model(torch.from_numpy(inputs)), torch.from_numpy(classes))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        report(step, loss)
    return model.eval()
