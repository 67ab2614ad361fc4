"""Blobs the worker has fetched: whole, checked, and bounded in size."""

import contextlib
import hashlib
import os
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from torchyard.errors import DigestMismatch, Unavailable
from torchyard_worker.platform_api import PlatformApi

log = structlog.get_logger()

_PART = ".part"


@dataclass
class _Use:
    """How many have a blob open, and who of them fetches it."""

    count: int = 0
    fetching: threading.Lock = field(default_factory=threading.Lock)


class BlobCache:
    """Files named by their SHA-256; the least recently used go when there are too many bytes.

    One that is in use stays, so the bound may be passed for as long as that lasts.
    """

    def __init__(self, directory: Path, api: PlatformApi, *, max_bytes: int) -> None:
        self._directory = directory
        self._api = api
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._in_use: dict[str, _Use] = {}
        directory.mkdir(parents=True, exist_ok=True)
        for part in directory.glob(f"*{_PART}"):  # of a process that ended meanwhile
            part.unlink()

    @contextlib.contextmanager
    def blob(self, sha256: str, keep_going: Callable[[], None]) -> Iterator[Path]:
        """The blob as a file, not to be changed, while the context lasts; fetched if need be.

        Args:
            sha256: Which.
            keep_going: Called before each chunk; what it raises ends the download.

        Raises:
            NotFound: The platform has no such blob.
            Unavailable: It does not answer, or sent other bytes than it should.
        """
        path = self._directory / sha256
        with self._using(sha256) as use:
            with use.fetching:
                if path.exists():
                    os.utime(path)
                else:
                    self._fetch(sha256, path, keep_going)
            yield path
        self._make_room()

    def _fetch(self, sha256: str, path: Path, keep_going: Callable[[], None]) -> None:
        part = path.with_name(f"{sha256}.{uuid.uuid4().hex}{_PART}")
        found = hashlib.sha256()
        try:
            with self._api.get_blob(sha256) as chunks, part.open("xb") as file:
                for chunk in chunks:
                    keep_going()
                    found.update(chunk)
                    file.write(chunk)
            if found.hexdigest() != sha256:
                log.error("blob_damaged", sha256=sha256, found=found.hexdigest())
                raise Unavailable(DigestMismatch().message)
            part.chmod(0o400)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _using(self, sha256: str) -> Iterator[_Use]:
        with self._lock:
            use = self._in_use.setdefault(sha256, _Use())
            use.count += 1
        try:
            yield use
        finally:
            with self._lock:
                use.count -= 1
                if not use.count:
                    del self._in_use[sha256]

    def _make_room(self) -> None:
        with self._lock:
            files = [(path, path.stat()) for path in self._directory.iterdir() if path.suffix != _PART]
            too_many = sum(stat.st_size for _, stat in files) - self._max_bytes
            for path, stat in sorted(files, key=lambda file: file[1].st_mtime_ns):
                if too_many <= 0:
                    return
                if path.name not in self._in_use:
                    path.unlink()
                    too_many -= stat.st_size
