"""Ways to spoil a file, by group; see registry.py."""

import importlib

from .registry import GROUPS, Mutation, some

for _module in "attributes deep external functions giants names nodes raw shapes streams tensors".split():
    importlib.import_module(f".{_module}", __name__)

__all__ = ["GROUPS", "Mutation", "some"]
