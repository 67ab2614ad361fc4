"""Torchyard: a self-hosted workflow platform that runs PyTorch scripts."""

import importlib
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    # Only who asks for the client pays for importing it. The stub beside tells its type.
    if name == "Client":
        return importlib.import_module("torchyard.client").Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
