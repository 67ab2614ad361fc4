"""The command line as its users have it: the installed program."""

import subprocess
import sys
from pathlib import Path

from tests.stack import PATIENCE, Stack

TORCHYARD = str(Path(sys.executable).parent / "torchyard")


def torchyard(
    stack: Stack, *words: str, stdin: str = "", code: int = 0
) -> "subprocess.CompletedProcess[str]":
    """Run a command of somebody who is signed in; it has to end with `code`."""
    done = subprocess.run(
        [TORCHYARD, *words],
        env=stack.environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done
