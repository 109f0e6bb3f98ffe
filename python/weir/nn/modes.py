"""Run a model as it will be used."""

import contextlib


@contextlib.contextmanager
def evaluating(model):
    """Without dropout; the modes of all modules come back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
