"""Processes as Linux tells of them in /proc, and the few calls Python has no name for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
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


def usage(ancestor: int) -> tuple[float, int]:
    """What the processes below this one use.

    Returns:
        CPU seconds so far, with those of processes that ended; bytes of memory, where what several share
        counts once, if the kernel tells.
    """
    stats = {pid: fields for pid in all_pids() if (fields := _stat(pid))}
    below: list[int] = []
    generation = {ancestor}
    while generation:
        generation = {pid for pid, fields in stats.items() if int(fields[1]) in generation}
        below += generation
    # Fields 14 to 17 of proc(5): its own time in and out of the kernel, then that of children it waited for.
    ticks = sum(int(ticks) for pid in below for ticks in stats[pid][11:15])
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = ticks / os.sysconf("SC_CLK_TCK") + ended.ru_utime + ended.ru_stime
    living = [pid for pid in below if stats[pid][0] != b"Z"]
    resident = {pid: int(stats[pid][21]) * os.sysconf("SC_PAGE_SIZE") for pid in living}
    if len(living) == 1:
        return seconds, resident[living[0]]
    return seconds, sum(_share_of_memory(pid, bytes_) for pid, bytes_ in resident.items())


def _share_of_memory(pid: int, resident: int) -> int:
    """Bytes of memory, each page divided by those who have it; all of them, if that is not told."""
    with contextlib.suppress(OSError):
        for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    return resident


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
