"""Modules that only single commands need: loading all of them would make each `--help` wait."""

import importlib
from types import ModuleType


def start(module: str, function: str) -> int:
    """Call a program's function; the process's exit code.

    Raises:
        StartRefused: It can't start as it is set up.
    """
    code: int = getattr(load(module), function)()
    return code


def load(module: str) -> ModuleType:
    """The module, imported now."""
    return importlib.import_module(module)
