"""Blobs the worker has fetched or sent: whole, checked, and bounded in size."""

import contextlib
import hashlib
import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import structlog

from torchyard.errors import DigestMismatch, Unavailable
from torchyard_worker import placing
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
        found = sorted(
            ((path, path.stat()) for path in directory.iterdir()), key=lambda one: one[1].st_mtime_ns
        )
        #: The least recently used first; kept here, as asking the disk for thousands takes long.
        self._sizes = OrderedDict((path.name, stat.st_size) for path, stat in found)
        self._total = sum(self._sizes.values())

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
        with self.holding([sha256]) as (use,):
            with use.fetching:
                if not self._has(sha256):
                    self.fetch([sha256], lambda _count: keep_going())
            yield self.path(sha256)

    @contextlib.contextmanager
    def holding(self, digests: Collection[str]) -> Iterator[list[_Use]]:
        """Blobs that are there, or are fetched meanwhile, stay while the context lasts."""
        with self._lock:
            uses = [self._in_use.setdefault(sha256, _Use()) for sha256 in digests]
            for use in uses:
                use.count += 1
        try:
            yield uses
        finally:
            with self._lock:
                for sha256, use in zip(digests, uses, strict=True):
                    use.count -= 1
                    if not use.count:
                        del self._in_use[sha256]
        self._make_room()

    def path(self, sha256: str) -> Path:
        """Where the blob is, if it is there."""
        return self._directory / sha256

    def lacking(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Those of the blobs that are not there with their sizes."""
        return {sha256: size for sha256, size in sizes.items() if not self._has(sha256, size)}

    def fetch(self, digests: list[str], came: Callable[[int], None]) -> None:
        """Have blobs there; several at once come in one answer, so they had better be small.

        Args:
            digests: Which; somebody holds them.
            came: Told how many bytes came; what it raises ends the download.

        Raises:
            NotFound: The platform lacks one of them.
            Unavailable: It does not answer, or sent other bytes than it should.
        """
        if len(digests) == 1:
            with self._api.get_blob(digests[0]) as chunks:
                self._keep(digests[0], chunks, came)
            return
        left = set(digests)
        with self._api.get_blobs(digests) as blobs:
            for sha256, chunks in blobs:
                self._keep(sha256, chunks, came)
                left.discard(sha256)
        if left:
            raise Unavailable("the platform did not send all files")

    @contextlib.contextmanager
    def draft(self, file: BinaryIO, keep_going: Callable[[], None]) -> Iterator[Path | None]:
        """A copy of an open file that nobody else can change, while the context lasts; see `adopt`.

        Args:
            file: The file; somebody may still write to it.
            keep_going: Called now and then; what it raises ends this.

        Yields:
            None if it can't be had: it would not fit into the cache, or the disk is full.
        """
        part = self._directory / f"{uuid.uuid4().hex}{_PART}"
        try:
            yield part if self._drafted(file, part, keep_going) else None
        finally:
            part.unlink(missing_ok=True)

    def adopt(self, sha256: str, draft: Path) -> None:
        """Keep a draft with this SHA-256 as a blob, which others then need not fetch."""
        if not self._has(sha256):
            self._enter(sha256, draft, draft.stat().st_size)
            self._make_room()

    def drop(self, sha256: str) -> None:
        """Forget a blob that turned out to be damaged."""
        with self._lock:
            self._total -= self._sizes.pop(sha256, 0)
        self.path(sha256).unlink(missing_ok=True)

    def _has(self, sha256: str, size: int | None = None) -> bool:
        with self._lock:
            if sha256 not in self._sizes or size not in {None, self._sizes[sha256]}:
                return False
            self._sizes.move_to_end(sha256)
        try:
            os.utime(self.path(sha256))
        except FileNotFoundError:
            self.drop(sha256)
            return False
        return True

    def _keep(self, sha256: str, chunks: Iterable[bytes], came: Callable[[int], None]) -> None:
        part = self._directory / f"{sha256}.{uuid.uuid4().hex}{_PART}"
        found, size = hashlib.sha256(), 0
        try:
            with part.open("xb") as file:
                for chunk in chunks:
                    came(len(chunk))
                    found.update(chunk)
                    size += file.write(chunk)
            if found.hexdigest() != sha256:
                log.error("blob_damaged", sha256=sha256, found=found.hexdigest())
                raise Unavailable(DigestMismatch().message)
            self._enter(sha256, part, size)
        finally:
            part.unlink(missing_ok=True)

    def _drafted(self, file: BinaryIO, part: Path, keep_going: Callable[[], None]) -> bool:
        try:
            if os.fstat(file.fileno()).st_size > self._max_bytes:
                return False
            placing.copy_open(file.fileno(), part, keep_going)
        except OSError as problem:  # what can't be read is told by who reads it next
            log.warning("artifact_not_cached", reason=problem.strerror)
            return False
        return True

    def _enter(self, sha256: str, part: Path, size: int) -> None:
        part.chmod(0o400)
        part.replace(self.path(sha256))
        with self._lock:
            self._total += size - self._sizes.pop(sha256, 0)
            self._sizes[sha256] = size

    def _make_room(self) -> None:
        with self._lock:
            if self._total <= self._max_bytes:
                return
            for sha256 in [sha256 for sha256 in self._sizes if sha256 not in self._in_use]:
                self.path(sha256).unlink(missing_ok=True)
                self._total -= self._sizes.pop(sha256)
                if self._total <= self._max_bytes:
                    return
