"""The reading end of an attempt's logs: bytes, the pieces that begin in them, and the seal."""

import bisect
import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import overload

from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.contracts.runner import LogSeal
from torchyard_worker.shim import spool

_CHUNK = 1024 * 1024
#: Records of the index that are read at once.
_RECORDS = 64


class LogFile:
    """One log in the spool, which the shim may still write to; the file need not be there yet."""

    def __init__(self, directory: Path, name: LogName) -> None:
        self.name = name
        self._path = directory / name.value
        self._index = _Index(directory / spool.INDEX) if name is LogName.STDOUT else None

    def size(self) -> int:
        """Bytes there are now."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, offset: int, most_bytes: int, most_pieces: int) -> tuple[bytes, list[Piece]]:
        """Bytes from `offset` on, with the pieces that begin in them; fewer if there are many pieces."""
        with self._path.open("rb") as file:
            data = os.pread(file.fileno(), most_bytes, offset)
        if self._index is None:
            return data, []
        pieces = self._index.pieces(offset, offset + len(data), most_pieces + 1)
        if len(pieces) > most_pieces:
            data = data[: pieces[most_pieces].offset - offset]
        return data, pieces[:most_pieces]

    def seal(self) -> LogSeal:
        """Size and CRC32 of what is there."""
        size = crc = 0
        with suppress(FileNotFoundError), self._path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        return LogSeal(name=self.name, size=size, crc32=crc)


class _Index:
    """stdout.idx, read from front to back as a rule."""

    def __init__(self, path: Path) -> None:
        self._path = path
        #: The record at which the last look ended, and the first offset that it did not look at.
        self._next, self._from = 0, 0

    def pieces(self, start: int, end: int, most: int) -> list[Piece]:
        """At most `most` pieces that begin in `start` to `end`, the end excluded."""
        if not self._path.exists():
            return []
        found: list[Piece] = []
        with self._path.open("rb") as file:
            records = _Records(file.fileno())
            place = self._next if start == self._from else bisect.bisect_left(records, start)
            for offset, time_ms, is_stderr in records.after(place):
                if offset >= end:
                    break
                if found and found[-1].offset == offset:  # nothing could be written after the earlier one
                    found.pop()
                if len(found) == most:  # where the next look begins is to be looked for again
                    self._from = -1
                    return found
                found.append(Piece(offset, Stream.STDERR if is_stderr else Stream.STDOUT, time_ms))
                place += 1
        self._next, self._from = place, end
        return found


class _Records(Sequence[int]):
    """The offsets in an index that is open."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __len__(self) -> int:
        return os.fstat(self._handle).st_size // spool.RECORD.size

    @overload
    def __getitem__(self, number: int) -> int: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[int]: ...
    def __getitem__(self, number: int | slice) -> int | Sequence[int]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        return next(self.after(number))[0]

    def after(self, number: int) -> Iterator[tuple[int, int, bool]]:
        """The records from this one on, as far as there are any."""
        size = spool.RECORD.size
        while len(block := os.pread(self._handle, _RECORDS * size, number * size)) >= size:
            for place in range(0, len(block) - size + 1, size):
                yield spool.unpack_record(block[place : place + size])
                number += 1
