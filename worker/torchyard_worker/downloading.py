"""One object, from its storage into a file: in parts at once if it is large, and with its checksums."""

import contextlib
import hashlib
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from pathlib import Path

from torchyard.contracts.sayings import say
from torchyard_worker.buckets import Checks, Passing, Reading, RemoteObject, Replaced
from torchyard_worker.patience import Patience

#: From this size on an object is fetched in parts at once, each in a request of its own.
LARGE_BYTES, PART_BYTES = 16 * 1024 * 1024, 8 * 1024 * 1024
_BUFFER_BYTES = 256 * 1024
#: Files in one directory are made one after the other anyway; threads that wait for it in the kernel spin.
_MAKING = threading.Lock()


class Content:
    """Bytes as they come, compared with what the storage says about them."""

    def __init__(self, checks: Checks) -> None:
        self._checks = checks
        self._md5 = hashlib.md5(usedforsecurity=False) if checks.md5 is not None else None
        self._crc32 = 0

    @property
    def checked(self) -> bool:
        """Whether there is anything to compare with, beside the length."""
        return self._checks != Checks()

    def update(self, data: bytes | memoryview) -> None:
        """Take in the next bytes."""
        if self._md5 is not None:
            self._md5.update(data)
        elif self._checks.crc32 is not None:
            self._crc32 = zlib.crc32(data, self._crc32)

    def compare(self) -> None:
        """Go on only if the content is the storage's.

        Raises:
            Passing: It is not.
        """
        right = (
            self._md5.hexdigest() == self._checks.md5
            if self._md5 is not None
            else self._checks.crc32 in {None, self._crc32}
        )
        if not right:
            raise Passing(say("object_damaged"))


@dataclass(frozen=True)
class Downloader:
    """Fetches objects, for any number of threads.

    Attributes:
        parts: Runs the parts of large objects.
        patience: How often a part is tried.
        pause: Waits so many seconds; raises if nobody wants the object any more.
        count: Told how many bytes came; fewer than none if they have to come again.
    """

    parts: Executor
    patience: Patience
    pause: Callable[[float], None]
    count: Callable[[int], None]

    def fetch(self, wanted: RemoteObject, target: Path) -> None:
        """Write the object, whole and checked, to a file that is made.

        Raises:
            Replaced: It is another object now.
            Passing: It did not come as it is.
            DependencyFailed: The storage refuses, or a part was tried often enough.
        """
        with _MAKING:
            fd = os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(fd, 0o644)  # for a job, whatever this process's umask is
            if wanted.size >= LARGE_BYTES:
                self._fetch_large(wanted, fd)
            else:
                self._fetch_at_once(wanted, fd)
        finally:
            os.close(fd)

    def _fetch_at_once(self, wanted: RemoteObject, fd: int) -> None:
        with self._counting() as count, wanted.bucket.storage.reading(wanted) as reading:
            content = Content(reading.checks)
            for at, data in self._buffers(reading, wanted.size):
                content.update(data)
                _write(fd, data, at)
                count(len(data))
            content.compare()

    def _fetch_large(self, wanted: RemoteObject, fd: int) -> None:
        content = Content(self.patience.persist(lambda: _checks(wanted), (Passing,), self.pause, str(wanted)))
        os.ftruncate(fd, wanted.size)
        parts = [range(at, min(at + PART_BYTES, wanted.size)) for at in range(0, wanted.size, PART_BYTES)]
        with self._counting() as count:
            futures = [self.parts.submit(self._fetch_part, wanted, fd, part, count) for part in parts]
            try:
                for part, future in zip(parts, futures, strict=True):
                    future.result()
                    if content.checked:  # while later parts are on their way
                        content.update(os.pread(fd, len(part), part.start))
            finally:
                for future in futures:
                    future.cancel()
                wait(futures)  # they write to a file that is about to be closed
            content.compare()

    def _fetch_part(
        self, wanted: RemoteObject, fd: int, part: range, count_all: Callable[[int], None]
    ) -> None:
        def fetch() -> None:
            with self._counting(count_all) as count, wanted.bucket.storage.reading(wanted, part) as reading:
                for at, data in self._buffers(reading, len(part)):
                    _write(fd, data, part.start + at)
                    count(len(data))

        self.patience.persist(fetch, (Passing,), self.pause, str(wanted))

    def _buffers(self, reading: Reading, size: int) -> Iterator[tuple[int, memoryview]]:
        """The body's bytes with their places in it; each buffer is used again."""
        buffer = memoryview(bytearray(min(size, _BUFFER_BYTES)))
        at = 0
        while at < size:
            self.pause(0)
            wanted = min(size - at, len(buffer))
            came = 0
            while came < wanted:
                more = reading.into(buffer[came:wanted])
                if not more:
                    raise Passing(say("storage_broke_off"))
                came += more
            yield at, buffer[:came]
            at += came

    @contextlib.contextmanager
    def _counting(self, count: Callable[[int], None] | None = None) -> Iterator[Callable[[int], None]]:
        """Counts what comes; takes it back if it was in vain."""
        count, came = count or self.count, 0

        def add(length: int) -> None:
            nonlocal came
            came += length
            count(length)

        try:
            yield add
        except BaseException:
            count(-came)
            raise


def _checks(wanted: RemoteObject) -> Checks:
    """What the storage says about the content; a listing tells nothing of it."""
    if wanted.checks != Checks():
        return wanted.checks
    found = wanted.bucket.find(wanted.key)
    if found is None or found.etag != wanted.etag:
        raise Replaced
    return found.checks


def _write(fd: int, data: memoryview, at: int) -> None:
    while data:
        written = os.pwrite(fd, data, at)
        data, at = data[written:], at + written
