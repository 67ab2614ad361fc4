"""Artifacts: what a script left is uploaded, and kept for the next job here; what is left out is named."""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from torchyard.contracts.runner import ProducedFile
from torchyard.contracts.sayings import say
from torchyard.errors import Forbidden, RequestRefused, StorageFull, TooLarge
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.spooling import OUTPUTS, AttemptDirectory
from torchyard_worker.staging import changed_files
from torchyard_worker.wording import in_bytes, in_names

_CHUNK = 1024 * 1024
#: Names told of one kind of file that was left out.
_NAMES_TOLD = 20
_MAX_PATH = 1024


@dataclass(frozen=True)
class ArtifactLimits:
    """How much is kept of one attempt."""

    count: int
    file_bytes: int
    total_bytes: int


@dataclass
class _LeftOut:
    """Files that are not kept, by the reason."""

    paths: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, path: str) -> None:
        self.paths.setdefault(reason, []).append(path)

    def messages(self) -> list[str]:
        return [self._message(reason, paths) for reason, paths in self.paths.items()]

    def _message(self, reason: str, paths: list[str]) -> str:
        names, more = in_names([_shown(path) for path in paths], _NAMES_TOLD)
        return say("not_kept", reason=reason, names=names, more=more)


class Collector:
    """Uploads what attempts leave."""

    def __init__(self, api: PlatformApi, limits: ArtifactLimits, blobs: BlobCache) -> None:
        self._api = api
        self._limits = limits
        self._blobs = blobs

    def collect(self, held: HeldAttempt, directory: AttemptDirectory) -> tuple[list[ProducedFile], list[str]]:
        """Upload the artifacts of an attempt whose script has ended; what is not kept is removed.

        Returns:
            What was uploaded, and sentences about what was not.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            Detached: The worker stops.
        """
        kept: list[ProducedFile] = []
        left_out = _LeftOut()
        total = 0
        # What was meant to be kept comes first, where there is no room for all.
        paths = sorted(changed_files(directory), key=lambda path: not path.startswith(f"{OUTPUTS}/"))
        for path in paths:
            try:
                reason = self._refusal(directory.work / path, path, len(kept), total)
                if reason is None:
                    kept.append(self._upload(held, directory.work / path, path))
                    total += kept[-1].size
            except (TooLarge, StorageFull, Forbidden, RequestRefused) as problem:
                reason = problem.message
            except OSError as problem:
                reason = say("unreadable", problem=problem.strerror)
            if reason is not None:
                left_out.add(reason, path)
                # Nobody will ever have it. And where it fills a disk that is the platform's too, the
                # attempt's end can't be written down before it is gone.
                with contextlib.suppress(OSError):
                    (directory.work / path).unlink()
        return kept, left_out.messages()

    def _refusal(self, place: Path, path: str, count: int, total: int) -> str | None:
        """Why the file is not kept; None if it is."""
        limits, found = self._limits, place.lstat()
        if stat.S_ISLNK(found.st_mode):
            return say("not_kept_links")
        if not path.isprintable() or len(path) > _MAX_PATH:
            return say("not_kept_names", most=_MAX_PATH)
        if count >= limits.count:
            return say("not_kept_count", most=limits.count)
        if found.st_size > limits.file_bytes:
            return say("not_kept_size", size=in_bytes(limits.file_bytes))
        if total + found.st_size > limits.total_bytes:
            return say("not_kept_total", size=in_bytes(limits.total_bytes))
        return None

    def _upload(self, held: HeldAttempt, place: Path, path: str) -> ProducedFile:
        # O_NONBLOCK: should a FIFO have taken its place, opening it must not wait.
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file, self._blobs.draft(file, held.check) as draft:
            if draft is None:
                sha256, size = self._send(held, file)
            else:
                # What the script left running can change the file, but not this copy: what is sent is what
                # the next job on this worker finds in the cache.
                with draft.open("rb") as copy:
                    sha256, size = self._send(held, copy)
                self._blobs.adopt(sha256, draft)
        return ProducedFile(path=path, size=size, sha256=sha256)

    def _send(self, held: HeldAttempt, file: BinaryIO) -> tuple[str, int]:
        """Have the platform have the file; its SHA-256 and size."""
        digest, size = hashlib.sha256(), 0
        for chunk in _chunks(file):
            held.check()
            digest.update(chunk)
            size += len(chunk)
        sha256 = digest.hexdigest()

        def send() -> None:
            if not self._api.has_blob(sha256):
                self._api.put_blob(held.id, sha256, size, _chunks(file))

        held.persist("put_blob", send)
        return sha256, size


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The file from its start."""
    file.seek(0)
    while chunk := file.read(_CHUNK):
        yield chunk


def _shown(path: str) -> str:
    return path if path.isprintable() else ascii(path)
