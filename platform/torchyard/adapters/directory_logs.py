"""Logs as append-only files, one directory an attempt, with an index of the pieces of stdout.log.

`root/<attempt id>/stdout.log`, `stdout.idx`, `stderr.log`. The index has 16 bytes for each piece,
little-endian: the offset in the log, then the milliseconds since 1970 shifted left by one, plus 1 for stderr.
Records are written before the bytes they tell of: those at or behind the log's end are what a crash left, and
don't count.

The files are the truth: sizes are asked of them at every call, so several processes may share a root.
"""

import fcntl
import os
import re
import shutil
import struct
import sys
import threading
import zlib
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from torchyard.adapters.disk_space import full_disk_told
from torchyard.contracts.logs import LogName, Piece, RecordName, StoredName, Stream
from torchyard.errors import NotFound, OffsetMismatch

#: Logs that are kept open, at most two descriptors each: far below the usual limit of 1024.
OPEN_LOGS = 128
#: Bytes read at once to compute a checksum.
_READ_BYTES = 1024 * 1024
_RECORD = struct.Struct("<QQ")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class DirectoryLogs:
    """A `LogStore` of plain files; an append is two or three system calls.

    Appends are not synced to the disk: a worker keeps its own copy until the log was sealed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = threading.Lock()
        #: The open logs, the one used last at the end.
        self._open: OrderedDict[tuple[str, StoredName], _OpenLog] = OrderedDict()

    def append(self, attempt_id: str, name: StoredName, offset: int, data: bytes, pieces: list[Piece]) -> int:
        """Add bytes at the end, and the pieces that begin within them.

        Returns:
            The log's new size.

        Raises:
            OffsetMismatch: `offset` lies behind the end; the log continues at `expected`.
            StorageFull: No space is left; nothing was added.
        """
        with full_disk_told():
            log = self._log(attempt_id, name, create=True)
            with log.locked():
                return log.append(offset, data, pieces)

    def size(self, attempt_id: str, name: StoredName) -> int:
        """The log's size in bytes; 0 if nothing was ever appended."""
        with suppress(FileNotFoundError):
            return self._log(attempt_id, name).size()
        return 0

    def read(self, attempt_id: str, name: StoredName, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; empty at or behind the end."""
        with suppress(FileNotFoundError):
            return self._log(attempt_id, name).read(offset, length)
        return b""

    def pieces(self, attempt_id: str, start: int, end: int) -> list[Piece]:
        """The pieces that cover bytes `start` to `end` of stdout.log, in order.

        The first may begin before `start`. Empty if the range is.
        """
        with suppress(FileNotFoundError):
            return self._log(attempt_id, LogName.STDOUT).pieces(start, end)
        return []

    def seal(self, attempt_id: str, name: StoredName) -> int:
        """Bring the log to the disk; the CRC32 of all of it."""
        with suppress(FileNotFoundError):
            log = self._log(attempt_id, name)
            with log.locked():
                return log.seal()
        return 0

    def truncate(self, attempt_id: str, name: StoredName) -> None:
        """Empty the log, to be sent again from the start."""
        # By new files: whoever still holds the old ones, in this process or another, sees that they are gone.
        directory = self._directory(attempt_id)
        with self._lock:
            self._open.pop((attempt_id, name), None)
            # The index first: a log that is made meanwhile must not end up with one that is removed then.
            for path in (_index_path(directory / name.value), directory / name.value):
                path.unlink(missing_ok=True)

    def delete(self, attempt_id: str) -> None:
        """Remove all logs of the attempt; nothing happens if there are none."""
        directory = self._directory(attempt_id)
        with self._lock:
            for name in (*LogName, *RecordName):
                self._open.pop((attempt_id, name), None)
            with suppress(FileNotFoundError):
                shutil.rmtree(directory)

    def _directory(self, attempt_id: str) -> Path:
        if not _UUID.fullmatch(attempt_id):
            raise NotFound("there is no attempt with this id", code="attempt_not_found")
        return self._root / attempt_id

    def _log(self, attempt_id: str, name: StoredName, *, create: bool = False) -> "_OpenLog":
        """The open log.

        Raises:
            FileNotFoundError: Nothing was ever appended to it, and `create` is false.
        """
        key = (attempt_id, name)
        with self._lock:
            log = self._open.pop(key, None)
            if log is None or log.is_gone():
                log = _OpenLog(self._directory(attempt_id) / name.value, create=create)
            self._open[key] = log
            if len(self._open) > OPEN_LOGS:
                self._open.popitem(last=False)
        return log


class _OpenLog:
    """A log's descriptors and what is known of its content; closed when nobody refers to it any more."""

    data: int = -1
    index: int = -1

    def __init__(self, path: Path, *, create: bool) -> None:
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        if create:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        self._lock = threading.Lock()
        self.data = os.open(path, flags, 0o600)
        if path.name == LogName.STDOUT:
            self.index = os.open(_index_path(path), flags | os.O_CREAT, 0o600)
        #: The checksum of the first `_summed` bytes.
        self._crc = 0
        self._summed = 0

    def __del__(self) -> None:
        for descriptor in (self.data, self.index):
            if descriptor >= 0:
                os.close(descriptor)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and other processes from changing the log."""
        with self._lock:
            fcntl.flock(self.data, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self.data, fcntl.LOCK_UN)

    def is_gone(self) -> bool:
        """Whether the log was truncated or deleted since it was opened, by whichever process."""
        return os.fstat(self.data).st_nlink == 0

    def size(self) -> int:
        return os.fstat(self.data).st_size

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.size() - offset)
        return os.pread(self.data, length, offset) if length > 0 else b""

    def append(self, offset: int, data: bytes, pieces: list[Piece]) -> int:
        state = os.fstat(self.data)
        size, end = state.st_size, offset + len(data)
        if state.st_nlink == 0:
            raise OffsetMismatch(0)  # truncated while this append waited
        if offset > size:
            raise OffsetMismatch(size)
        if end <= size:
            return size
        new = memoryview(data)[size - offset :]
        if self.index >= 0:
            self._append_records(size, [piece for piece in pieces if size <= piece.offset < end])
        try:
            _write(self.data, new, size)
        except OSError:
            os.ftruncate(self.data, size)
            raise
        if self._summed == size:
            self._crc, self._summed = zlib.crc32(new, self._crc), end
        return end

    def pieces(self, start: int, end: int) -> list[Piece]:
        end = min(end, self.size())
        if self.index < 0 or start >= end:
            return []
        records = range(os.fstat(self.index).st_size // _RECORD.size)
        first = max(bisect_right(records, start, key=self._offset) - 1, 0)
        last = bisect_left(records, end, lo=first, key=self._offset)
        found = os.pread(self.index, (last - first) * _RECORD.size, first * _RECORD.size)
        whole = len(found) - len(found) % _RECORD.size
        return [
            Piece(offset, Stream.STDERR if packed & 1 else Stream.STDOUT, packed >> 1)
            for offset, packed in _RECORD.iter_unpack(found[:whole])
        ]

    def seal(self) -> int:
        for descriptor in (self.index, self.data):
            if descriptor >= 0:
                os.fdatasync(descriptor)
        size = self.size()
        while self._summed < size and (chunk := os.pread(self.data, _READ_BYTES, self._summed)):
            self._crc = zlib.crc32(chunk, self._crc)
            self._summed += len(chunk)
        return self._crc

    def _append_records(self, size: int, pieces: list[Piece]) -> None:
        """Write records behind those that tell of the log's first `size` bytes."""
        length = os.fstat(self.index).st_size
        count = length // _RECORD.size
        while count and self._offset(count - 1) >= size:
            count -= 1
        end = count * _RECORD.size
        if end < length:
            os.ftruncate(self.index, end)  # left by a crash or a full disk
        records = (
            _RECORD.pack(piece.offset, piece.time_ms << 1 | (piece.stream is Stream.STDERR))
            for piece in pieces
        )
        _write(self.index, memoryview(b"".join(records)), end)

    def _offset(self, record: int) -> int:
        """The offset that a record of the index holds; behind everything, if it was cut off meanwhile."""
        found = os.pread(self.index, 8, record * _RECORD.size)
        return int.from_bytes(found, "little") if len(found) == 8 else sys.maxsize


def _index_path(path: Path) -> Path:
    return path.with_suffix(".idx")


def _write(descriptor: int, data: memoryview, offset: int) -> None:
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written
