"""The fence: stops a script that would be started elsewhere, before that can happen.

The worker writes into `confirmed` when it sent the last heartbeat that the platform answered: as soon as that
is longer ago than the fence allows, the script has to go. Nobody is needed for it: not the worker, which may
be stopped or gone, nor the platform. All times are of CLOCK_BOOTTIME, which goes on while the machine sleeps.

`confirmed` holds its time twice, in a place that never moves: it is written over, so that a full disk can't
keep it from being renewed, and two halves that differ say that it is just being written.
"""

from __future__ import annotations

import os
import struct
import time

CONFIRMED = "confirmed"
#: Instead of a time: there is no fence any more.
LIFTED = float("inf")

_TWICE = struct.Struct("<dd")
#: Seconds between two looks, at most; the share of the fence that they are, at most.
_LOOK_SECONDS, _LOOK_SHARE = 1.0, 0.1
#: The share of the fence that a script gets to end by itself. It may be started elsewhere after twice the
#: fence: 1 + 0.1 + 0.5 of it leave room for clocks that differ, and for what takes long to be killed.
_GRACE_SHARE = 0.5


def now() -> float:
    """Seconds since the machine started, with those that it slept."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def begin(directory: str, at: float) -> None:
    """Note when the last heartbeat was sent that was answered, or `LIFTED`.

    Raises:
        OSError: No space, or no such directory.
    """
    _write(directory, at, os.O_CREAT)


def renew(directory: str, at: float) -> None:
    """Note that a later one was answered; nothing is made that is being removed.

    Raises:
        OSError: The attempt's directory is gone.
    """
    _write(directory, at, 0)


def _write(directory: str, at: float, flags: int) -> None:
    file = os.open(f"{directory}/{CONFIRMED}", os.O_WRONLY | os.O_CLOEXEC | flags, 0o600)
    try:
        os.pwrite(file, _TWICE.pack(at, at), 0)
    finally:
        os.close(file)


class Fence:
    """The fence of one attempt, as its shim keeps it.

    Attributes:
        look_at: When to look again, on CLOCK_MONOTONIC; never, if there is no fence.
    """

    def __init__(self, directory: str, seconds: float | None) -> None:
        self._path = f"{directory}/{CONFIRMED}"
        self._seconds = seconds
        self._confirmed = 0.0
        self.look_at = float("inf") if seconds is None else 0.0

    def grace_left(self) -> float | None:
        """Seconds that the script may still take to end, 0 for none; None while it may run on."""
        if self._seconds is None:
            return None
        self._read()
        if self._confirmed == LIFTED:
            self._seconds, self.look_at = None, float("inf")
            return None
        silence = now() - self._confirmed
        # Never for long: a wait does not count the time that the machine sleeps.
        wait = min(_LOOK_SECONDS, _LOOK_SHARE * self._seconds)
        if silence < self._seconds:
            self.look_at = time.monotonic() + min(wait, self._seconds - silence)
            return None
        self.look_at = time.monotonic() + wait
        return max(0.0, (1 + _GRACE_SHARE) * self._seconds - silence)

    def _read(self) -> None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # whoever removed the attempt's directory wants its script gone too
            self._confirmed = 0.0
            return
        with os.fdopen(file, "rb") as opened:
            content = opened.read(_TWICE.size)
        if len(content) == _TWICE.size:
            first, second = _TWICE.unpack(content)
            if first == second:
                self._confirmed = first
