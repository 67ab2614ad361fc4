"""The writing end of an attempt's logs: appends, describes what it appends, and never gives up the script."""

from __future__ import annotations

import os
import time

from torchyard_worker.shim import spool

#: Milliseconds after which bytes of the same stream get a record, and so a time, of their own.
_NEW_RECORD_MS = 10


class Logs:
    """stdout.log, stderr.log and the index, open for appending.

    Attributes:
        lost: Bytes of each log that found no space on the disk.
    """

    def __init__(self, directory: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._stdout = os.open(f"{directory}/{spool.STDOUT}", flags, 0o600)
        self._stderr = os.open(f"{directory}/{spool.STDERR}", flags, 0o600)
        self._index = os.open(f"{directory}/{spool.INDEX}", flags, 0o600)
        self._doorbell = spool.open_doorbell(directory)
        self._offset = 0
        self._described: tuple[bool, int] | None = None
        self.lost = {spool.STDOUT: 0, spool.STDERR: 0}

    def add(self, data: bytes, *, is_stderr: bool) -> None:
        """Append what the script wrote to one of its streams, as far as there is space."""
        written = _append(self._stdout, data) if self._describe(is_stderr) else 0
        self._offset += written
        self.lost[spool.STDOUT] += len(data) - written
        if is_stderr:
            self.lost[spool.STDERR] += len(data) - _append(self._stderr, data)
        self.ring()

    def ring(self) -> None:
        """Tell the worker that there is something to see."""
        spool.ring(self._doorbell)

    def _describe(self, is_stderr: bool) -> bool:
        """Whether the index tells of the bytes that come next."""
        now = time.time_ns() // 1_000_000
        if self._described is not None:
            stream, since = self._described
            # A clock that was set back counts as well.
            if stream is is_stderr and 0 <= now - since < _NEW_RECORD_MS:
                return True
        record = spool.pack_record(self._offset, now, is_stderr=is_stderr)
        written = _append(self._index, record)
        if written < len(record):
            os.ftruncate(self._index, os.fstat(self._index).st_size - written)
            return False
        self._described = is_stderr, now
        return True


def _append(handle: int, data: bytes) -> int:
    """How many of the bytes could be written."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(handle, view) :]
    except OSError:  # no space, over a quota, a failing disk: the script goes on, exit.json tells
        pass
    return len(data) - len(view)
