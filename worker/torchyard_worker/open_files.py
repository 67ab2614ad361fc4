"""Which processes still have their hands in a directory."""

import contextlib
import os
from pathlib import Path

from torchyard_worker.shim import processes

_TICKS = os.sysconf("SC_CLK_TCK")


def in_use(root: Path, since: float) -> bool:
    """Whether a process has its directory, an open file or a mapping in `root`, or might have.

    Args:
        root: A directory by its real path.
        since: Seconds after the machine's start (`CLOCK_BOOTTIME`) from which on `root` was in somebody's
            hands: an older process that can't be looked into is none of those.
    """
    wanted = os.fsencode(root)
    return any(_uses(pid, wanted, since) for pid in processes.all_pids() if pid != os.getpid())


def _uses(pid: int, root: bytes, since: float) -> bool:
    try:
        places = [_link(f"/proc/{pid}/cwd"), *_descriptors(pid)]
        with Path(f"/proc/{pid}/maps").open("rb") as maps:
            return root in maps.read() or any(_inside(place, root) for place in places)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return _might_be_ours(pid, since)


def _descriptors(pid: int) -> list[bytes]:
    names = os.listdir(f"/proc/{pid}/fd")  # noqa: PTH208 - thousands of them
    return [_link(f"/proc/{pid}/fd/{name}") for name in names]


def _link(path: str) -> bytes:
    with contextlib.suppress(FileNotFoundError):
        return os.fsencode(os.readlink(path))  # noqa: PTH115 - thousands of them
    return b""


def _inside(place: bytes, root: bytes) -> bool:
    return place == root or place.startswith((root + b"/", root + b" (deleted)"))


def _might_be_ours(pid: int, since: float) -> bool:
    started = processes.start_time(pid)
    if started is None or started / _TICKS < since - 1:
        return False
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("Uid:"):
                return str(os.getuid()) in line.split()[1:]
    return False
