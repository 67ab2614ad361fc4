"""The command line: each command is a thin call of the client."""

from torchyard.cli.app import main

__all__ = ["main"]
