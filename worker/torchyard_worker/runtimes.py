"""Runtimes: the named Python environments that scripts run in, each a venv apart from the platform's own.

    python -m torchyard_worker.runtimes build NAME --into DIRECTORY
    python -m torchyard_worker.runtimes list --in DIRECTORY

A venv can't be moved, so it is made in its place, with a file `.building` in it until it is whole.
"""

import argparse
import contextlib
import errno
import fcntl
import importlib.metadata
import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from torchyard.contracts.runner import Runtime
from torchyard.errors import StartRefused, TorchyardError

log = structlog.get_logger()

Say = Callable[[str], None]

OLDEST_PYTHON = (3, 11)
FACTS_FILE = "runtime.json"
BUILDING_FILE = ".building"
#: Packages whose versions people choose a runtime by; the others stay unsaid.
NOTABLE = (
    "torch", "torchvision", "torchaudio", "numpy", "scipy", "matplotlib", "pandas", "scikit-learn", "pillow",
    "transformers", "lightning",
)  # fmt: skip

_HERE = Path(__file__).resolve().parent
#: Where recipes are looked for: in the wheel beside this module, in a source tree beside the package.
SHELVES = (_HERE / "recipes", _HERE.parent / "runtimes")

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_TORCH_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*'([^']+)'", re.MULTILINE)
#: What pip prints when the package index is out of reach.
_NO_NETWORK = ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError", "Network is unreachable")
_NO_SPACE = ("No space left on device", "Disk quota exceeded")


@dataclass(frozen=True)
class InstalledRuntime:
    """A runtime found on this machine.

    Attributes:
        runtime: Its name and the versions really found in it.
        interpreter: Its own Python; for scripts, see job_venv.
        base: The Python installation that this is made on.
        packages_at: Where its packages are.
    """

    runtime: Runtime
    interpreter: Path
    base: Path
    packages_at: tuple[Path, ...]

    @property
    def version(self) -> str:
        """Python's version as its directories have it: `3.11`."""
        return ".".join(self.runtime.python.split(".")[:2])

    def changed_ns(self) -> int:
        """Another number as soon as a package came or went."""
        return _changed_ns(self.packages_at)


def discover(directory: Path) -> list[InstalledRuntime]:
    """The whole runtimes in `directory`, by name. One that can't be read is left out and logged."""
    found = []
    for facts in sorted(directory.glob(f"*/{FACTS_FILE}")):
        place = facts.parent
        try:
            if not (place / BUILDING_FILE).exists() and (installed := read(place)).interpreter.exists():
                found.append(installed)
        except (OSError, ValueError, KeyError) as problem:
            log.warning("runtime_unreadable", runtime=place.name, problem=repr(problem))
    return found


def build(name: str, directory: Path, say: Say, shelves: Iterable[Path] = SHELVES) -> InstalledRuntime:
    """The runtime `name` in `directory`, made by its recipe unless it is there already.

    Two builds of the same runtime wait for each other. One that was interrupted, or was made by an older
    recipe, is made anew; `say` receives a line for each step.

    Raises:
        StartRefused: No such recipe, no space, no package index, or pip refused; with pip's own reason.
    """
    lock = _recipe(name, shelves) / "requirements.lock"
    place = directory / name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with alone(directory / f".{name}.lock"):
            if _is_whole(place, lock):
                say(f"runtime {name} is up to date")
            else:
                _make(place, lock, say)
            return read(place)
    except OSError as problem:
        if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise _no_space(place) from problem
        raise StartRefused(
            f"the runtime {name} can't be built in {directory}: {problem.strerror}"
        ) from problem


def _recipe(name: str, shelves: Iterable[Path]) -> Path:
    """The recipe's folder, on the last of the shelves that has one."""
    known = {lock.parent.name: lock.parent for shelf in shelves for lock in shelf.glob("*/requirements.lock")}
    if not NAME.fullmatch(name) or name not in known:
        names = ", ".join(sorted(known)) or "none"
        raise StartRefused(f"there is no recipe for a runtime {name!r}; there are: {names}")
    return known[name]


@contextlib.contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Nobody else builds or adds this runtime while the context lasts."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _is_whole(place: Path, lock: Path) -> bool:
    if (place / BUILDING_FILE).exists() or not (place / "bin" / "python").exists():
        return False
    try:
        facts = json.loads((place / FACTS_FILE).read_text())
        return bool(facts["requirements"] == lock.read_text())
    except (OSError, ValueError, KeyError):
        return False


def _make(place: Path, lock: Path, say: Say) -> None:
    if place.exists():
        say(f"removing an unfinished or outdated {place}")
        shutil.rmtree(place)
    place.mkdir(mode=0o755)
    marker = place / BUILDING_FILE
    marker.touch()
    python = _base_interpreter(say)
    requirements = lock.read_text()
    pins = [line for line in requirements.splitlines() if line and not line.startswith("#")]
    try:
        say(f"building runtime {place.name} on {python}: {len(pins)} packages, about 1 GB; this happens once")
        _run([str(python), "-m", "venv", str(place)], place, say)
        pip = [str(place / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "install", "--progress-bar", "off", "-r", str(lock)], place, say)
    except (TorchyardError, OSError):
        shutil.rmtree(place, ignore_errors=True)  # gives the space back
        raise
    packages = _site_packages(place)
    runtime = find_out(place.name, _python_version(place), (packages,))
    keep(place, (packages,), {"runtime": runtime.model_dump(), "requirements": requirements})
    marker.unlink()
    say(f"runtime {place.name} is ready")
    if private := first_private_parent(place):
        say(f"note: only this user may enter {private}, so scripts can't run there as a user of their own")


def _base_interpreter(say: Say) -> Path:
    """The Python to build on; the system's own if it will do, as other users can read that one."""
    own = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (Path("/usr/bin/python3"), own):
        if python.exists() and _is_fit(python):
            if private := first_private_parent(python.resolve()):
                say(f"note: {python} lies in {private}, which only this user may enter")
            return python
    raise StartRefused(f"neither /usr/bin/python3 nor {own} is a Python 3.11 or newer with its venv module")


def _is_fit(python: Path) -> bool:
    check = f"import sys, venv, ensurepip; sys.exit(sys.version_info < {OLDEST_PYTHON})"
    return subprocess.run([str(python), "-c", check], check=False, capture_output=True).returncode == 0


def first_private_parent(path: Path) -> Path | None:
    """The first directory on the way to `path` that other users may not enter."""
    for parent in reversed(path.absolute().parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def _run(command: list[str], place: Path, say: Say) -> None:
    """Runs a step, repeats its interesting lines, and turns its failure into one sentence."""
    lines = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        umask=0o022,  # a script may run as another user, who has to read all of this
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.strip())
            if line.startswith(("Collecting", "Processing", "Downloading", "  Downloading", "Installing")):
                say(f"  {line.strip()[:110]}")
    if process.returncode:
        raise _refusal(place, lines)


def _refusal(place: Path, lines: list[str]) -> StartRefused:
    text = "\n".join(lines)
    if any(sign in text for sign in _NO_SPACE):
        return _no_space(place)
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith(("ERROR:", "Error:"))]
    reason = (errors or [line for line in lines if line] or ["it gave no reason"])[0]
    if any(sign in text for sign in _NO_NETWORK):
        reason = f"the package index can't be reached ({reason})"
    return StartRefused(f"the runtime {place.name} could not be built: {reason}")


def _no_space(place: Path) -> StartRefused:
    return StartRefused(
        f"no space is left in {place.parent} for the runtime {place.name}; it needs about 1.5 GB"
    )


def read(place: Path) -> InstalledRuntime:
    """The runtime in `place` by the facts written there; found out again if packages came or went since.

    Raises:
        OSError: There is none, or its packages are gone.
        ValueError: The facts are damaged.
        KeyError: They are not facts about a runtime.
    """
    facts = json.loads((place / FACTS_FILE).read_text())
    interpreter = Path(facts["interpreter"] if "interpreter" in facts else place / "bin" / "python")
    base = Path(facts["base"]) if "base" in facts else interpreter.resolve()
    places = tuple(Path(one) for one in facts.get("packages_at", ())) or (_site_packages(place),)
    runtime = Runtime.model_validate(facts["runtime"])
    if facts["changed_ns"] != _changed_ns(places):
        runtime = find_out(place.name, runtime.python, places)
        # Not in one that is only ours to read, as in an image (where times lose their fractions).
        with contextlib.suppress(OSError):
            keep(place, places, {**facts, "runtime": runtime.model_dump()})
    return InstalledRuntime(runtime, interpreter, base, places)


def find_out(name: str, python: str, packages_at: tuple[Path, ...]) -> Runtime:
    """What a runtime with its packages in these places offers; nothing of it is imported."""
    cuda = next(filter(None, map(_torch_cuda, packages_at)), None)
    return Runtime(name=name, python=python, packages=_versions(packages_at), cuda=cuda)


def keep(place: Path, packages_at: tuple[Path, ...], facts: dict[str, Any]) -> None:
    """Write down a runtime's facts, whole or not at all."""
    fresh = place / f"{FACTS_FILE}.new"
    fresh.write_text(json.dumps({**facts, "changed_ns": _changed_ns(packages_at)}, indent=2) + "\n")
    fresh.replace(place / FACTS_FILE)


def _changed_ns(packages_at: tuple[Path, ...]) -> int:
    """Changes when a package comes or goes."""
    return sum(packages.stat().st_mtime_ns for packages in packages_at)


def _site_packages(place: Path) -> Path:
    found = sorted(place.glob("lib/python3.*/site-packages"))
    if not found:
        raise FileNotFoundError(errno.ENOENT, "has no site-packages", str(place))
    return found[0]


def _python_version(place: Path) -> str:
    for line in (place / "pyvenv.cfg").read_text().splitlines():
        key, _, value = line.partition("=")
        if key.strip() in {"version", "version_info"}:
            return value.strip()
    raise ValueError(f"{place}/pyvenv.cfg names no version")


def _versions(packages_at: tuple[Path, ...]) -> dict[str, str]:
    there: dict[str, str] = {}
    for distribution in importlib.metadata.distributions(path=[str(place) for place in packages_at]):
        there.setdefault((distribution.name or "").lower().replace("_", "-"), distribution.version)
    return {name: there[name] for name in NOTABLE if name in there}


def _torch_cuda(packages: Path) -> str | None:
    """The CUDA version torch was built for; read, not imported: that takes a second and much memory."""
    version_file = packages / "torch" / "version.py"
    match = _TORCH_CUDA.search(version_file.read_text()) if version_file.exists() else None
    return match[1] if match else None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(words: list[str] | None = None) -> int:
    """The command line; 0 if it did what was asked."""
    parser = argparse.ArgumentParser(
        prog="python -m torchyard_worker.runtimes", description=__doc__.split("\n")[0]
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("build", help="build a runtime by its recipe, unless it is there")
    making.add_argument("name")
    making.add_argument("--into", type=Path, required=True, dest="directory")
    listing = verbs.add_parser("list", help="list the runtimes of a directory")
    listing.add_argument("--in", type=Path, required=True, dest="directory")
    asked = parser.parse_args(words)
    try:
        if asked.verb == "build":
            build(asked.name, asked.directory.absolute(), _say)
        else:
            for installed in discover(asked.directory.absolute()):
                facts = installed.runtime
                packages = " ".join(f"{name} {version}" for name, version in facts.packages.items())
                _say(f"{facts.name}: Python {facts.python}, CUDA {facts.cuda or 'none'}, {packages}")
    except StartRefused as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
