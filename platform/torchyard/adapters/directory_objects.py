"""Blobs as files below one directory, each named by its SHA-256."""

import ctypes
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from torchyard.adapters.disk_space import full_disk_told
from torchyard.errors import DigestMismatch, NotFound

#: Bytes in one chunk that is read: few system calls, and little memory for each reader.
CHUNK_BYTES = 256 * 1024
#: Seconds after which a file in tmp/ can't belong to anything that still runs.
_LEFTOVER_SECONDS = 24 * 3600.0
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LIBC = ctypes.CDLL(None, use_errno=True)


class DirectoryObjects:
    """An `ObjectStore` of plain files: `root/ab/cdef…`; uploads grow in `root/tmp`.

    A blob appears under its name whole and durable, or not at all. Several processes may share a root.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "tmp"
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._incoming.mkdir(mode=0o700, exist_ok=True)
        self._remove_leftovers()

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there, whole."""
        with suppress(NotFound):
            return self._path(sha256).is_file()
        return False

    def size(self, sha256: str) -> int:
        """The blob's size in bytes.

        Raises:
            NotFound: `blob_not_found`.
        """
        with _missing_told():
            return self._path(sha256).stat().st_size

    def put(self, chunks: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int]:
        """Store a stream in constant memory; nothing stays behind if it fails.

        Args:
            chunks: The content, in order.
            expected: The SHA-256 it has to have; any, if None.

        Returns:
            The blob's SHA-256 and its size in bytes.

        Raises:
            DigestMismatch: The content has another SHA-256.
            StorageFull: No space is left.
        """
        digest = hashlib.sha256()
        size = 0
        with full_disk_told(), self._upload() as (path, file):
            for chunk in chunks:
                digest.update(chunk)
                size += file.write(chunk)
            sha256 = digest.hexdigest()
            if expected is not None and expected != sha256:
                raise DigestMismatch(f"the content's SHA-256 is {sha256}, not {expected}")
            file.flush()
            self._keep(path, file.fileno(), self._path(sha256))
        return sha256, size

    def put_all(self, blobs: Iterable[tuple[str, Iterable[bytes]]]) -> dict[str, int]:
        """Store many small blobs, brought to the disk all at once; if it fails, some of them may be there.

        Args:
            blobs: The SHA-256 that each has to have, and its content.

        Returns:
            Their sizes in bytes, by SHA-256.

        Raises:
            DigestMismatch: A content has another SHA-256.
            StorageFull: No space is left.
        """
        sizes: dict[str, int] = {}
        with full_disk_told(), ExitStack() as undo:
            written: dict[str, Path] = {}
            for expected, chunks in blobs:
                path = self._incoming / f"many-{uuid4().hex}"
                undo.callback(path.unlink, missing_ok=True)
                sizes[expected] = _write(path, chunks, expected)
                written[expected] = path
            _sync_file_system(self._incoming)
            for sha256, path in written.items():
                self._name(path, self._path(sha256))
            for folder in {self._path(sha256).parent for sha256 in written}:
                _sync_directory(folder)
        return sizes

    def read(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start` on, at most `length`, in chunks.

        Raises:
            NotFound: `blob_not_found`, at the call and not at the first chunk.
        """
        chunks = self._chunks(sha256, start, length)
        next(chunks)  # opens the file: a missing blob is told now, and a reader that gives up closes it
        return chunks

    @contextmanager
    def local_copy(self, sha256: str) -> Iterator[Path]:
        """The blob as a read-only local file while the context lasts, even if it is deleted meanwhile.

        Raises:
            NotFound: `blob_not_found`.
        """
        copy = self._incoming / f"copy-{uuid4().hex}"
        with _missing_told():
            copy.hardlink_to(self._path(sha256))
        try:
            os.utime(copy)  # as old as its use: it is no leftover yet
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    def delete(self, sha256: str) -> None:
        """Remove the blob; nothing happens if it is not there."""
        with suppress(NotFound):
            self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise _missing()  # and no path is ever made of it
        return self._root / sha256[:2] / sha256[2:]

    @contextmanager
    def _upload(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file in tmp/, which is gone afterwards unless it was moved away."""
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(descriptor, "wb", buffering=CHUNK_BYTES) as file:
                yield Path(name), file
        finally:
            Path(name).unlink(missing_ok=True)

    def _keep(self, path: Path, descriptor: int, blob: Path) -> None:
        """Give an uploaded file its name, to stay."""
        if not blob.exists():  # else the same bytes are there already, and on the disk
            os.fchmod(descriptor, 0o400)
            os.fsync(descriptor)
            self._name(path, blob)
        _sync_directory(blob.parent)

    def _name(self, path: Path, blob: Path) -> None:
        try:
            path.replace(blob)
        except FileNotFoundError:
            blob.parent.mkdir(mode=0o700, exist_ok=True)
            path.replace(blob)
            _sync_directory(self._root)

    def _chunks(self, sha256: str, start: int, length: int | None) -> Iterator[bytes]:
        with _missing_told():
            file = self._path(sha256).open("rb", buffering=0)
        with file:
            yield b""
            file.seek(start)
            left = sys.maxsize if length is None else length
            while left > 0 and (chunk := file.read(min(left, CHUNK_BYTES))):
                left -= len(chunk)
                yield chunk

    def _remove_leftovers(self) -> None:
        """Remove what a crash left in tmp/."""
        oldest = time.time() - _LEFTOVER_SECONDS
        for path in self._incoming.iterdir():
            with suppress(FileNotFoundError):  # another process may be done with it just now
                if path.stat().st_mtime < oldest:
                    path.unlink()


def _write(path: Path, chunks: Iterable[bytes], expected: str) -> int:
    """Make a file with this content, not yet brought to the disk; its size."""
    digest, size = hashlib.sha256(), 0
    with path.open("xb", buffering=0) as file:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            left = memoryview(chunk)
            while left:
                left = left[file.write(left) :]
        os.fchmod(file.fileno(), 0o400)
    if digest.hexdigest() != expected:
        raise DigestMismatch(f"the content's SHA-256 is {digest.hexdigest()}, not {expected}")
    return size


def _sync_file_system(directory: Path) -> None:
    """Bring all that was written to this file system to the disk: one wait instead of one for each file."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if _LIBC.syncfs(descriptor):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _missing() -> NotFound:
    return NotFound("no blob with this SHA-256 has been uploaded", code="blob_not_found")


@contextmanager
def _missing_told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise _missing() from None
