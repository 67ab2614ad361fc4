"""An attempt's directory on this machine.

$TORCHYARD_WORKER_HOME/attempts/<attempt id>/
    spec.json       the attempt as it was claimed
    reports.json    the number of the last report, and whether the platform knows that the script runs
    manifest.json   size and modification time of every file that was staged
    work.json       what work/ was made of, if that is to be kept
    venv.json       and venv/
    objects.json    the files of work/ that the object cache wants back
    work/           the script's directory, with outputs/ and inputs/
    venv/           its virtual environment; see job_venv.py
    home/  tmp/     its home and temporary files
    short.json      the path of a link to tmp/, where its own path is too long
    …               and what shim/spool.py lists
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchyard.contracts.runner import ClaimedAttempt
from torchyard_worker.shim import spool

_SPEC, _SHORT, _TEMPORARY = "spec.json", "short.json", "tmp"
#: Bytes of a path below which multiprocessing can make its sockets: Linux allows them 107, and the
#: longest name that Python puts there is `/pymp-xxxxxxxx/listener-xxxxxxxx`. A DataLoader hangs otherwise.
_MAX_TEMPORARY = 107 - 32
#: Directories every script finds beside itself.
OUTPUTS, INPUTS = "outputs", "inputs"


@dataclass(frozen=True)
class AttemptDirectory:
    """Where an attempt lives on this machine."""

    path: Path

    @property
    def work(self) -> Path:
        """The script's directory."""
        return self.path / "work"

    @property
    def home(self) -> Path:
        """What the script is told is its home."""
        return self.path / "home"

    @property
    def venv(self) -> Path:
        """Its own virtual environment."""
        return self.path / "venv"

    @property
    def temporary(self) -> Path:
        """Where the script's temporary files go, by a name that is short enough for sockets."""
        short = self.read(_SHORT)
        return Path(short["path"]) if short else self.path / _TEMPORARY

    @property
    def tag(self) -> str:
        """A variable of the script's environment that no other attempt has."""
        return f"TORCHYARD_OUTPUTS={self.work / OUTPUTS}"

    def claimed(self) -> ClaimedAttempt:
        """The attempt as it was claimed."""
        return ClaimedAttempt.model_validate(self.read(_SPEC))

    def read(self, name: str) -> dict[str, Any] | None:
        """The JSON object in one of its files; None if there is none."""
        return spool.read_json(str(self.path), name)

    def write(self, name: str, value: dict[str, Any]) -> None:
        """Put a JSON object there whole."""
        spool.write_json(str(self.path), name, value)


def create(path: Path, claimed: ClaimedAttempt, ready: Path | None = None) -> AttemptDirectory:
    """A directory for the attempt, without anything of an earlier one.

    Args:
        path: Where.
        claimed: The attempt.
        ready: What `lay` made elsewhere, to be moved here; made now, if None.
    """
    directory = AttemptDirectory(path)
    remove(path)
    if ready is None:
        lay(path)
    else:
        ready.rename(path)
    if len(os.fsencode(path / _TEMPORARY)) > _MAX_TEMPORARY:
        _shorten(directory)
    directory.write(_SPEC, claimed.model_dump(mode="json"))
    return directory


def lay(path: Path) -> AttemptDirectory:
    """Make what every attempt's directory has."""
    directory = AttemptDirectory(path)
    path.mkdir(mode=0o700, parents=True)
    for folder in (directory.work, directory.home, path / _TEMPORARY):
        folder.mkdir()
    return directory


def _shorten(directory: AttemptDirectory) -> None:
    """Make a link to the directory for temporary files that has a short path."""
    link = Path(tempfile.gettempdir()) / f"torchyard-{secrets.token_hex(6)}"
    directory.write(_SHORT, {"path": str(link)})  # first, so that none is left behind
    link.symlink_to(directory.path / _TEMPORARY)


def left_over(attempts: Path) -> list[str]:
    """Ids of the attempts that an earlier process of this worker had in hand."""
    found = []
    for path in sorted(attempts.iterdir()):
        if spool.read_json(str(path), _SPEC) is None:  # its claim was never written down: nothing was started
            remove(path)
        else:
            found.append(path.name)
    return found


def remove(path: Path) -> None:
    """Remove the directory and all in it, what a script made unwritable too."""
    if not path.exists():
        return

    short = spool.read_json(str(path), _SHORT)
    if short:
        Path(short["path"]).unlink(missing_ok=True)
    remove_tree(path)


def remove_tree(path: Path) -> None:
    """Remove a directory and all in it, what a script made unwritable too."""

    def make_writable(_call: Callable[..., Any], name: str, _problem: Any) -> None:
        for place in (Path(name).parent, Path(name)):
            if place != path.parent and place.is_dir() and not place.is_symlink():
                place.chmod(0o700)

    shutil.rmtree(path, onerror=make_writable)
    shutil.rmtree(path, ignore_errors=True)
