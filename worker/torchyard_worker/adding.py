"""Runtimes that were made by somebody else: any Python that has torch.

    python -m torchyard_worker.adding NAME --python PATH --into DIRECTORY

Nothing is changed or copied there; the directory of runtimes gets a folder with a note where it is.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from torchyard.errors import StartRefused
from torchyard_worker import runtimes
from torchyard_worker.runtimes import InstalledRuntime, Say

#: The shim, and what is laid into a job's venv, run under it.
OLDEST_PYTHON = (3, 9)
_PROBE_SECONDS = 60.0
_PROBE = """
import importlib.util, json, os, site, sys
print(json.dumps({
    "version": list(sys.version_info[:3]),
    "base": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "packages_at": [place for place in site.getsitepackages() if os.path.isdir(place)],
    "torch": importlib.util.find_spec("torch") is not None,
    "pip": importlib.util.find_spec("pip") is not None,
}))
"""


def add(name: str, python: Path, directory: Path, say: Say) -> InstalledRuntime:
    """Let scripts run in the environment of the interpreter `python`, as the runtime `name`.

    Raises:
        StartRefused: It is no Python that will do, or the name is taken by a runtime that was built.
    """
    if not runtimes.NAME.fullmatch(name):
        raise StartRefused(f"{name!r} is no name for a runtime: use small letters, digits, '.', '_' and '-'")
    interpreter = Path(os.path.abspath(python))  # noqa: PTH100 - its links are what makes it a venv's
    found = _probe(interpreter)
    version = ".".join(str(part) for part in found["version"])
    if tuple(found["version"][:2]) < OLDEST_PYTHON:
        raise StartRefused(f"{interpreter} is Python {version}; it has to be 3.9 or newer")
    if not found["torch"]:
        raise StartRefused(f"{interpreter} has no torch; install it there, or add another interpreter")
    packages_at = tuple(Path(place) for place in found["packages_at"])
    place = directory / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with runtimes.alone(directory / f".{name}.lock"):
            _refuse_to_replace(place)
            place.mkdir(mode=0o755, exist_ok=True)
            facts: dict[str, Any] = {
                "runtime": runtimes.find_out(name, version, packages_at).model_dump(),
                "interpreter": str(interpreter),
                "base": found["base"],
                "packages_at": found["packages_at"],
            }
            runtimes.keep(place, packages_at, facts)
            installed = runtimes.read(place)
    except OSError as problem:
        raise StartRefused(f"{place} can't be written: {problem.strerror}") from problem
    say(f"runtime {name} is {interpreter}: Python {version}, torch {installed.runtime.packages.get('torch')}")
    if not found["pip"]:
        say("note: it has no pip, so scripts there can install packages with uv alone")
    if private := runtimes.first_private_parent(interpreter):
        say(f"note: only this user may enter {private}, so scripts can't run there as a user of their own")
    return installed


def _refuse_to_replace(place: Path) -> None:
    if not place.exists():
        return
    facts = place / runtimes.FACTS_FILE
    if not facts.exists() or "interpreter" not in json.loads(facts.read_text()):
        raise StartRefused(
            f"{place} is there already, and was not added by this command; choose another name"
        )


def _probe(interpreter: Path) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [str(interpreter), "-I", "-c", _PROBE],
            check=False,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except OSError as problem:
        raise StartRefused(f"{interpreter} can't be started: {problem.strerror}") from problem
    except subprocess.TimeoutExpired:
        raise StartRefused(f"{interpreter} did not answer within {_PROBE_SECONDS:.0f} s") from None
    try:
        found: dict[str, Any] = json.loads(done.stdout)
        return {"torch": found["torch"], **found}
    except (ValueError, KeyError, TypeError):
        said = (done.stderr.strip().splitlines() or ["it gave no answer"])[-1]
        raise StartRefused(f"{interpreter} is no Python that works: {said[:200]}") from None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(words: list[str] | None = None) -> int:
    """The command line; 0 if it did what was asked."""
    parser = argparse.ArgumentParser(
        prog="python -m torchyard_worker.adding", description=__doc__.split("\n")[0]
    )
    parser.add_argument("name")
    parser.add_argument(
        "--python", type=Path, required=True, help="the interpreter; 3.9 or newer, with torch"
    )
    parser.add_argument("--into", type=Path, required=True, dest="directory")
    asked = parser.parse_args(words)
    try:
        add(asked.name, asked.python, asked.directory.absolute(), _say)
    except StartRefused as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
