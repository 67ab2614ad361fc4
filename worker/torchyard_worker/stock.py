"""Directories for attempts, made ahead: a script finds some thirty files that are the same for each.

$TORCHYARD_WORKER_HOME/ready/<name>/    what `spooling.lay` makes, and venv/; moved when an attempt takes it
"""

import shutil
import threading
import uuid
from pathlib import Path

import structlog

from torchyard_worker import job_venv, spooling
from torchyard_worker.runtimes import InstalledRuntime

log = structlog.get_logger()

#: As many wait for each runtime: scripts that start at once rarely are more.
READY = 2


class Stock:
    """What is ready; may be used by any thread.

    Args:
        place: For directories that nobody has yet; emptied. On the attempts' file system.
    """

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._ready: list[tuple[InstalledRuntime, Path]] = []
        shutil.rmtree(place, ignore_errors=True)

    def take(self, installed: InstalledRuntime) -> Path | None:
        """A directory with a venv of exactly this runtime, from now on the caller's; None if none is left."""
        with self._lock:
            for one in self._ready:
                if one[0] == installed:
                    self._ready.remove(one)
                    return one[1]
        return None

    def fill(self, installed: InstalledRuntime) -> None:
        """Make what is missing for this runtime; one of it that had other packages has no more use."""
        with self._lock:
            old = [one for one in self._ready if one[0] != installed and _same_place(one[0], installed)]
            self._ready = [one for one in self._ready if one not in old]
            missing = READY - sum(one[0] == installed for one in self._ready)
        for _, path in old:
            spooling.remove_tree(path)
        for _ in range(missing):
            self._make(installed)

    def _make(self, installed: InstalledRuntime) -> None:
        path = self._place / uuid.uuid4().hex
        try:
            job_venv.make(spooling.lay(path).venv, installed)
        except OSError as problem:  # attempts make their own, and have the words for a full disk
            log.info("nothing_made_ahead", reason=problem.strerror)
            shutil.rmtree(path, ignore_errors=True)
            return
        with self._lock:
            self._ready.append((installed, path))


def _same_place(one: InstalledRuntime, other: InstalledRuntime) -> bool:
    return one.interpreter == other.interpreter
