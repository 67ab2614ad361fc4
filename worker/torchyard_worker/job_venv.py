"""A job's own virtual environment: nothing of its own but what the job installs, and the runtime's packages.

It is written by hand, in about a millisecond: a configuration file, links to the interpreter, and a line
that has the runtime's packages follow the job's own on sys.path. So pip and uv install into the job, count
what the runtime has as installed, and leave nothing behind. None of its files names its place: it may be
moved.
"""

import functools
import json
import os
import shutil
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torchyard.contracts.runner import ClaimedAttempt
from torchyard_worker import isolation
from torchyard_worker.runtimes import InstalledRuntime
from torchyard_worker.spooling import AttemptDirectory

#: What is laid into each venv; it runs under the runtime's interpreter.
_JOBSIDE = Path(__file__).parent / "jobside"
#: In its packages: has the interpreter find the runtime's.
PATHS = "00-torchyard.pth"
#: Packages that a job never gets in another version than the runtime's: they are gigabytes.
_FIXED = ("torch", "torchvision", "torchaudio")
_PIP = '#!/bin/sh\nexec "$(dirname "$0")/python" -m pip "$@"\n'
#: The first lines of a Python script that the interpreter beside it runs; to Python, the second is a text.
_BESIDE = "#!/bin/sh\n'''exec' \"$(dirname \"$0\")/python\" \"$0\" \"$@\"\n' '''\n"
#: Commands of a runtime that run a person's code, which has to find the job's packages too. The others on
#: PATH are the runtime's own.
_RUN_CODE = ("torchrun", "accelerate", "deepspeed", "lightning", "ipython", "jupyter", "pytest")


@dataclass(frozen=True)
class JobVenv:
    """The venv of one attempt."""

    path: Path
    installed: InstalledRuntime

    @property
    def python(self) -> Path:
        """What runs the script."""
        return self.path / "bin" / "python"

    @property
    def packages(self) -> Path:
        """Where the job's own packages go."""
        return self.path / "lib" / f"python{self.installed.version}" / "site-packages"

    @property
    def constraints(self) -> Path:
        """Pins of what the job can't have in another version."""
        return self.path / "constraints.txt"


def environment(
    venv: JobVenv, directory: AttemptDirectory, claimed: ClaimedAttempt, indexes: Mapping[str, str]
) -> dict[str, str]:
    """All variables of a script in its venv.

    Args:
        venv: The attempt's.
        directory: The attempt's.
        claimed: The attempt.
        indexes: Where packages come from; see `indexes.variables`.
    """
    found = isolation.environment(
        claimed,
        venv.installed.interpreter,
        work=directory.work,
        home=directory.home,
        temporary=directory.temporary,
    )
    defaults = {
        # As a URL, because pip splits the value at spaces.
        "PIP_CONSTRAINT": venv.constraints.as_uri(),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        **indexes,
    }
    fixed = {"VIRTUAL_ENV": str(venv.path), "PATH": f"{venv.path / 'bin'}:{found['PATH']}"}
    if "MPLBACKEND" not in claimed.spec.environment:
        fixed["MPLBACKEND"] = "module://torchyard_figures"
    return defaults | found | fixed


def make(path: Path, installed: InstalledRuntime) -> JobVenv:
    """A venv at `path`, where nothing is but what was installed into another one of this runtime.

    Raises:
        OSError: No space.
    """
    venv = JobVenv(path, installed)
    binaries, jobside = path / "bin", path / "jobside"
    for folder in (binaries, venv.packages, jobside):
        folder.mkdir(parents=True, exist_ok=True)
    (path / "lib64").symlink_to("lib")
    # The commands that uv writes into a relocatable one look for the interpreter beside themselves.
    _write(
        path / "pyvenv.cfg",
        f"home = {installed.base.parent}\ninclude-system-site-packages = false\n"
        f"version = {installed.runtime.python}\nrelocatable = true\n",
    )
    venv.python.symlink_to(installed.base)
    for name in ("python3", f"python{installed.version}"):
        (binaries / name).symlink_to("python")
    _lay_jobside(jobside)
    # Of all such lines it is the first, when the job's packages are the last on sys.path; site runs it twice.
    added = "; ".join(f"site.addsitedir({str(place)!r})" for place in installed.packages_at)
    _write(
        venv.packages / PATHS,
        "import sys, site; place = sys.prefix + '/jobside'; "
        f"place in sys.path or sys.path.insert(-1, place); {added}\n",
    )
    known = installed.runtime.packages
    _write(venv.constraints, "".join(f"{name}=={known[name]}\n" for name in _FIXED if name in known))
    _write_commands(venv)
    return venv


def made(path: Path, installed: InstalledRuntime) -> JobVenv:
    """The venv at `path`, which is made if it is not there.

    Raises:
        OSError: No space.
    """
    return JobVenv(path, installed) if path.exists() else make(path, installed)


def uv() -> Path | None:
    """The uv that was installed with the worker; None if there is none."""
    beside = Path(sysconfig.get_path("scripts")) / "uv"
    found = beside if beside.exists() else shutil.which("uv")
    return Path(found) if found else None


def _write_commands(venv: JobVenv) -> None:
    binaries, program = venv.path / "bin", uv()
    for name in ("pip", "pip3"):
        _write(binaries / name, _PIP, executable=True)
    for name, text in _commands(venv.installed.interpreter.parent).items():
        _write(binaries / name, _BESIDE + text, executable=True)
    if program is None:
        return
    facts = {
        "uv": str(program),
        "packages": str(venv.packages.relative_to(venv.path)),
        "runtime_packages": [str(place) for place in venv.installed.packages_at],
        "constraints": str(venv.constraints.relative_to(venv.path)),
    }
    _write(venv.path / "jobside" / "uv.json", json.dumps(facts))
    start = (
        '#!/bin/sh\nhere="$(dirname "$0")"\nexec "$here/python" -I "$here/../jobside/torchyard_uv.py" "$@"\n'
    )
    _write(binaries / "uv", start, executable=True)


@functools.cache
def _jobside() -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (str(file.relative_to(_JOBSIDE)), file.read_bytes()) for file in sorted(_JOBSIDE.rglob("*.py"))
    )


def _lay_jobside(place: Path) -> None:
    for name, content in _jobside():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(content)


@functools.lru_cache(maxsize=8)
def _commands(binaries: Path) -> dict[str, str]:
    """What of these commands runs a person's code, without the line that names its interpreter."""
    shebang, found = f"#!{binaries}/python", {}
    for name in _RUN_CODE:
        file = binaries / name
        if file.is_file() and (text := file.read_text(errors="replace")).startswith(shebang):
            found[name] = text.split("\n", 1)[1]
    return found


def _write(place: Path, text: str, *, executable: bool = False) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if executable else 0o644)
    with os.fdopen(handle, "w") as file:
        file.write(text)
