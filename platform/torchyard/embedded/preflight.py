"""What has to be true before anything is started; each refusal is one sentence."""

import errno
import fcntl
import os
import shutil
import socket
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


def usable_port(host: str, port: int) -> int:
    """`port` if it can be listened on; for 0, one that can.

    Raises:
        StartRefused: It is in use or not allowed, or the host is not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen()
            return int(trial.getsockname()[1])
    except socket.gaierror as problem:
        raise StartRefused(
            f"{host} is no address of this machine ({problem.strerror}); set TORCHYARD_HOST"
        ) from problem
    except OSError as problem:
        raise _port_refused(host, port, problem) from problem


def _port_refused(host: str, port: int, problem: OSError) -> StartRefused:
    match problem.errno:
        case errno.EADDRINUSE:
            return StartRefused(
                f"port {port} of {host} is in use; stop what uses it, or set TORCHYARD_PORT to a free one"
            )
        case errno.EACCES:
            return StartRefused(
                f"this user may not listen on port {port}; set TORCHYARD_PORT to one above 1023"
            )
        case errno.EADDRNOTAVAIL:
            return StartRefused(f"{host} is no address of this machine; set TORCHYARD_HOST")
        case _:
            return StartRefused(f"port {port} of {host} can't be listened on: {problem.strerror}")
