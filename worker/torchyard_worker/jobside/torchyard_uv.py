"""`uv` inside a job: what the runtime has counts as installed, and the job's own packages go to the job.

uv looks for installed packages in one folder alone, the job's, and would fetch torch again. So each package
of the runtime has its metadata there while uv works, and only then: name, version and what it needs, but
no files.
"""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution
from typing import Any

_MARK = "torchyard-runtime\n"
#: Commands of `uv pip` that choose versions.
_CHOOSING = ("install", "compile")


def main(words: list[str]) -> int:
    """Run uv; its exit code."""
    here = os.path.dirname(os.path.abspath(__file__))
    venv = os.path.dirname(here)
    with open(os.path.join(here, "uv.json"), encoding="utf-8") as file:
        facts = json.load(file)
    facts |= {name: os.path.join(venv, facts[name]) for name in ("packages", "constraints")}
    command = [word for word in words if not word.startswith("-")]
    elsewhere = os.environ.get("VIRTUAL_ENV", venv) != venv
    if elsewhere or command[:1] != ["pip"]:
        os.execv(facts["uv"], [facts["uv"], *words])  # noqa: S606 - no shell is what is wanted
    if command[1:2] and command[1] in _CHOOSING:
        behind = words.index(command[1]) + 1
        words = [*words[:behind], *_options(facts), *words[behind:]]
    with open(os.path.join(here, "uv.lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _forget(facts["packages"])
        try:
            _announce(facts["packages"], facts["runtime_packages"])
            return subprocess.call([facts["uv"], *words])
        finally:
            _forget(facts["packages"])


def _options(facts: dict[str, Any]) -> list[str]:
    """What uv has no variables for, or can't take apart in them."""
    offline = os.environ.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on")
    return ["--constraint", facts["constraints"], *(["--no-index"] if offline else [])]


def _announce(packages: str, runtime_packages: list[str]) -> None:
    """Put the runtime's metadata among the job's packages, but for those that the job has itself."""
    there = {_canonical(one) for one in importlib.metadata.distributions(path=[packages])}
    for distribution in importlib.metadata.distributions(path=runtime_packages):
        if _canonical(distribution) in there:
            continue
        there.add(_canonical(distribution))
        metadata = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
        title = re.sub(r"[-_.]+", "_", distribution.metadata["Name"]) + f"-{distribution.version}.dist-info"
        folder = os.path.join(packages, title)
        os.mkdir(folder)
        _write(folder, "INSTALLER", _MARK)
        _write(
            folder, "RECORD", "".join(f"{title}/{name},,\n" for name in ("INSTALLER", "METADATA", "RECORD"))
        )
        _write(folder, "METADATA", metadata.split("\n\n", 1)[0] + "\n")


def _forget(packages: str) -> None:
    for name in os.listdir(packages):
        folder = os.path.join(packages, name)
        try:
            with open(os.path.join(folder, "INSTALLER"), encoding="utf-8") as file:
                marked = file.read() == _MARK
        except OSError:
            continue
        if marked:
            shutil.rmtree(folder)


def _canonical(distribution: Distribution) -> str:
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()


def _write(folder: str, name: str, text: str) -> None:
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
