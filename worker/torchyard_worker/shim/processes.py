"""Processes as Linux tells of them in /proc, and the few calls Python has no name for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38


def become_subreaper() -> None:
    """From now on, descendants whose parent ends become children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def give_up_new_privileges() -> None:
    """From now on, no setuid program gives this process or its children further rights."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent() -> None:
    """Have this process killed when its parent ends, however that happens."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def close_inherited() -> None:
    """Close what the starting process left open, but for the standard streams: it is not for the script."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - as in spool.py
        if int(name) > 2:
            with contextlib.suppress(OSError):  # the listing's own is gone already
                os.close(int(name))


def boot_id() -> str:
    """Differs from one start of the machine to the next."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since the machine did; None if there is no such process.

    Together with the pid and the boot id it names a process for ever.
    """
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != b"Z" else None


def all_pids() -> list[int]:
    """Every process there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - as in spool.py


def descendants(ancestor: int) -> list[int]:
    """The living processes below this one, children first."""
    children: dict[int, list[int]] = {}
    for pid in all_pids():
        fields = _stat(pid)
        if fields and fields[0] != b"Z":
            children.setdefault(int(fields[1]), []).append(pid)
    found: list[int] = []
    generation = children.get(ancestor, [])
    while generation:
        found += generation
        generation = [child for pid in generation for child in children.get(pid, [])]
    return found


def environment_of(pid: int) -> list[bytes]:
    """The environment a process was started with; empty if it is not ours to see."""
    with contextlib.suppress(OSError):
        return _read(f"/proc/{pid}/environ").split(b"\0")
    return []


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to those that still exist and are ours to signal."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _stat(pid: int) -> list[bytes]:
    """/proc/PID/stat from its third field, the state, on; empty if there is no such process."""
    with contextlib.suppress(OSError):
        # The second field, the name in parentheses, may hold anything, a parenthesis too.
        return _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()
    return []


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123 - as in spool.py
        return file.read()
