"""What has to be true before anything is started; each refusal is one sentence."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from torchyard.errors import StartRefused

#: Below this, the database and the logs would soon have no room.
LEAST_FREE_MB = 100


@contextmanager
def claimed(home: Path) -> Iterator[None]:
    """`home`, made if missing (0700), and ours alone as long as this lasts.

    Raises:
        StartRefused: It can't be made or written, has no space, or another Torchyard runs in it.
    """
    with _lock_file(home) as lock:
        _lock(lock.fileno(), home)
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _lock_file(home: Path) -> IO[str]:
    try:
        if not home.exists():
            home.mkdir(parents=True, mode=0o700)
        free_mb = shutil.disk_usage(home).free // 2**20
        if free_mb < LEAST_FREE_MB:
            raise StartRefused(
                f"only {free_mb} MB are free in {home}; at least {LEAST_FREE_MB} MB are needed"
            )
        return (home / "lock").open("a+")
    except OSError as problem:
        raise StartRefused(f"{home} can't be written ({problem.strerror}); set TORCHYARD_HOME") from problem


def _lock(handle: int, home: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(handle, 20, 0).decode().strip() or "unknown"
        raise StartRefused(
            f"another Torchyard (process {pid}) already runs in {home}; stop it, or set TORCHYARD_HOME"
        ) from None
