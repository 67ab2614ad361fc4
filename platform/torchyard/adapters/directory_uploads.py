"""Uploads that have not ended, as files below one directory that grow."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from torchyard.adapters.disk_space import full_disk_told
from torchyard.errors import NotFound, OffsetMismatch

#: Unfinished uploads of one user: the oldest goes when another one begins.
MAX_UPLOADS = 20
_CHUNK_BYTES = 1024 * 1024
_OWNER = re.compile(r"[0-9a-f-]{1,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class DirectoryUploads:
    """An `Uploads` of plain files: `root/<owner>/<sha256>`. Several processes may share a root.

    Two senders of one file disturb each other as little as two processes do: what they write is the same, at
    the same place, as the file's name is its SHA-256.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        """Open the directory.

        Args:
            root: Where the files lie.
            max_bytes: What all unfinished uploads of one user may take; the oldest go first.
        """
        self._root = root
        self._max_bytes = max_bytes
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def offset(self, owner: str, sha256: str) -> int:
        """How many bytes are there; 0 if nothing is."""
        with suppress(FileNotFoundError):
            return self._path(owner, sha256).stat().st_size
        return 0

    def append(self, owner: str, sha256: str, offset: int, chunks: Iterable[bytes]) -> int:
        """Take in bytes from `offset` on; what came before `chunks` failed stays.

        Returns:
            How many bytes are there then.

        Raises:
            OffsetMismatch: There is nothing before `offset`.
            StorageFull: No space is left.
        """
        path = self._path(owner, sha256)
        if offset > self.offset(owner, sha256):
            raise OffsetMismatch(self.offset(owner, sha256))
        if not path.exists():
            self._make_room(path.parent)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        with full_disk_told(), path.open("r+b", buffering=0) as file:
            file.seek(offset)
            for chunk in chunks:
                left = memoryview(chunk)
                while left:
                    left = left[file.write(left) :]
            return file.tell()

    def read(self, owner: str, sha256: str) -> Iterator[bytes]:
        """The bytes that are there, in chunks.

        Raises:
            NotFound: `blob_not_found`: none are.
        """
        try:
            file = self._path(owner, sha256).open("rb", buffering=0)
        except FileNotFoundError:
            raise NotFound("no part of such a file was uploaded", code="blob_not_found") from None
        with file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def remove(self, owner: str, sha256: str) -> None:
        """Forget an upload; nothing happens if it is not there."""
        self._path(owner, sha256).unlink(missing_ok=True)

    def remove_older(self, before: datetime) -> int:
        """Forget the uploads to which nothing came since then; how many."""
        old = [path for path in self._root.glob("*/*") if _changed(path) < before.timestamp()]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def _make_room(self, folder: Path) -> None:
        found = sorted(folder.glob("*"), key=_changed)
        size = sum(_size(path) for path in found)
        while found and (len(found) >= MAX_UPLOADS or size >= self._max_bytes):
            oldest = found.pop(0)
            size -= _size(oldest)
            oldest.unlink(missing_ok=True)

    def _path(self, owner: str, sha256: str) -> Path:
        if not _OWNER.fullmatch(owner) or not _SHA256.fullmatch(sha256):  # and no path is ever made of it
            raise NotFound("no part of such a file was uploaded", code="blob_not_found")
        return self._root / owner / sha256


def _changed(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
