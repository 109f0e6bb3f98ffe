"""Tokens and windows of a workload's streams, in the form in which runtimes take them."""

import numpy as np


class Tokens:
    """Tokens of the streams, repeated without end; each one contiguous."""

    def __init__(self, x):
        self.tokens = [np.ascontiguousarray(x[:, i]) for i in range(x.shape[1])]

    def __getitem__(self, i):
        return self.tokens[i % len(self.tokens)]


class Windows:
    """The windows that end with a token."""

    def __init__(self, x, tokens):
        self.windows = [np.ascontiguousarray(x[:, end - tokens : end]) for end in range(tokens, x.shape[1] + 1)]
        self.tokens = tokens

    def __getitem__(self, i):
        return self.windows[(i + 1 - self.tokens) % len(self.windows)]
