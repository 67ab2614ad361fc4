"""`torchyard runtime`: the Python environments on this machine; `torchyard runtimes` tells of all workers."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

#: Where runtimes are unless something else is said: below the home that `torchyard up` uses.
_HOME, _FOLDER = ".torchyard", "runtimes"

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The runtime's name, as jobs ask for it.")]
IntoOption = Annotated[
    Path | None,
    typer.Option(
        "--into",
        metavar="DIR",
        help="The directory of runtimes. [default: TORCHYARD_WORKER_RUNTIMES, or TORCHYARD_HOME/runtimes]",
    ),
]


def build(name: NameArgument, into: IntoOption = None) -> None:
    """Build a runtime by its recipe; a running worker offers it once it is whole."""
    _become("torchyard_worker.runtimes", "build", name, "--into", str(_directory(into)))


def add(
    name: NameArgument,
    python: Annotated[
        Path, typer.Option("--python", metavar="PATH", help="An interpreter that has torch; 3.9 or newer.")
    ],
    into: IntoOption = None,
) -> None:
    """Offer an environment that is there already as a runtime; nothing in it is changed."""
    _become("torchyard_worker.adding", name, "--python", str(python), "--into", str(_directory(into)))


def list_them(into: IntoOption = None) -> None:
    """List the runtimes on this machine with their versions."""
    _become("torchyard_worker.runtimes", "list", "--in", str(_directory(into)))


def _directory(into: Path | None) -> Path:
    if into is not None:
        return into
    told = os.environ.get("TORCHYARD_WORKER_RUNTIMES")
    return Path(told) if told else Path(os.environ.get("TORCHYARD_HOME") or _HOME) / _FOLDER


def _become(module: str, *words: str) -> None:
    sys.stdout.flush()
    # -P: a file here that is named like a module must not be taken for it.
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *words])  # noqa: S606 - no shell is wanted
