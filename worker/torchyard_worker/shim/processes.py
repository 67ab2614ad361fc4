"""Processes as Linux tells of them in /proc, and the few calls Python has no name for."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
from typing import Any

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_MM, _PR_SET_MM_MAP = 35, 14
_MADV_DONTNEED, _MADV_COLLAPSE = 4, 25
_HUGE = 2 * 1024 * 1024

#: What the kernel reads from this process's memory has to stay there.
_shown: list[ctypes.Array[ctypes.c_char]] = []


def become_subreaper() -> None:
    """From now on, descendants whose parent ends become children of this process."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def give_up_new_privileges() -> None:
    """From now on, no setuid program gives this process or its children further rights."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent() -> None:
    """Have this process killed when its parent ends, however that happens."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int, pointer: Any = 0, size: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), pointer, ctypes.c_ulong(size), ctypes.c_ulong(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def open_handles() -> set[int]:
    """The descriptors that this process has open."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own is gone already
            os.fstat(int(name))
            found.add(int(name))
    return found


def close_all_but(kept: set[int]) -> None:
    """Close what the starting process left open: it is not for the script."""
    for handle in open_handles() - kept:
        os.close(handle)


def show_as(argv: list[str], environment: dict[str, str]) -> None:
    """Let this process be told, by /proc and so by `ps`, from one started with these words and variables.

    Raises:
        OSError: The kernel was built without it.
    """
    words = b"".join(_bytes(word) + b"\0" for word in argv)
    variables = b"".join(_bytes(f"{name}={value}") + b"\0" for name, value in environment.items())
    shown = ctypes.create_string_buffer(words + variables, len(words) + len(variables))
    start = ctypes.addressof(shown)
    between, end = start + len(words), start + len(words) + len(variables)
    fields = _stat(os.getpid())
    libc = ctypes.CDLL(None, use_errno=True)
    libc.sbrk.restype = ctypes.c_void_p
    # The fields of proc(5), where the third is the first here; the map of prctl(2) with all of its other
    # addresses as they are, without a new auxiliary vector (0, 0) or executable (-1).
    start_code, end_code, stack, start_data, end_data, start_heap = (
        int(fields[number - 3]) for number in (26, 27, 28, 45, 46, 47)
    )
    places = (start_code, end_code, start_data, end_data, start_heap, libc.sbrk(0), stack)
    layout = struct.pack("<11QQII", *places, start, between, between, end, 0, 0, 0xFFFFFFFF)
    _prctl(_PR_SET_MM, _PR_SET_MM_MAP, ctypes.create_string_buffer(layout, len(layout)), len(layout))
    _shown.append(shown)


def boot_id() -> str:
    """Differs from one start of the machine to the next."""
    return _read("/proc/sys/kernel/random/boot_id").decode().strip()


def arrange_memory() -> None:
    """Have this process's memory lie so that a fork of it, and its waiting, cost little.

    What is private goes into huge pages, where the kernel can do that (Linux 6.1): a fork copies an entry for
    each page, of a few hundred instead of tens of thousands. Code that was run while something was loaded is
    let go of, and found in the page cache if it is run again.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        fields = [line.split() for line in maps]
    for addresses, permissions, *_, name in (line if len(line) > 5 else [*line, ""] for line in fields):
        start, end = (int(address, 16) for address in addresses.split("-"))
        advice = 0
        if permissions == "rw-p" and name in ("", "[heap]"):
            start, end, advice = -(-start // _HUGE) * _HUGE, end // _HUGE * _HUGE, _MADV_COLLAPSE
        elif permissions == "r-xp" and name.startswith("/"):
            advice = _MADV_DONTNEED
        if advice and start < end:  # what it says to that is of no importance: it goes on as it is
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), advice)


def start_time(pid: int) -> int | None:
    """When the process started, in clock ticks since the machine did; None if there is no such process.

    Together with the pid and the boot id it names a process for ever.
    """
    fields = _stat(pid)
    return int(fields[19]) if fields and fields[0] != b"Z" else None


def all_pids() -> list[int]:
    """Every process there is."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


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
    with open(path, "rb") as file:
        return file.read()
