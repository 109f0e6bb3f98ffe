"""Sizes of tensors, as an exporter has to see them."""

import warnings

import torch


def sizes(x):
    """The sizes of all dimensions but the first, as numbers that an export fixes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # which would tell that they are fixed
        return tuple(int(size) for size in x.shape[1:])
