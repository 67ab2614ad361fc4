"""The ports in memory, for tests; they behave as the real ones do."""

import hashlib
import tempfile
import threading
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from torchyard.adapters.local_fanout import LocalFanout
from torchyard.contracts import fingerprints, topics
from torchyard.contracts.connections import FoundPath, PathType, StorageAccess, StorageListing, StoredFile
from torchyard.contracts.fingerprints import Seen
from torchyard.contracts.logs import LogName, Piece, RecordName, StoredName
from torchyard.contracts.storage_paths import StoragePath
from torchyard.errors import (
    CursorInvalid,
    DigestMismatch,
    Forbidden,
    NotFound,
    OffsetMismatch,
    StorageFull,
    Unavailable,
)
from torchyard.ports import WebhookAnswer

__all__ = [
    "FixedClock",
    "LocalFanout",
    "MemoryBuckets",
    "MemoryLogs",
    "MemoryObjects",
    "RecordingDispatcher",
    "RecordingWebhooks",
    "Sent",
    "SentMessage",
]


class FixedClock:
    """A `Clock` that stands still until it is told to advance."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """The time it was set to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Sent:
    """One message of a `RecordingDispatcher`."""

    topic: str
    queue: str
    attempt_id: str


@dataclass
class RecordingDispatcher:
    """A `Dispatcher` that keeps what it was to send.

    Attributes:
        sent: The messages, in order.
        available: Set to False, it behaves as if the broker were away.
    """

    sent: list[Sent] = field(default_factory=list)
    available: bool = True

    def run_attempt(self, queue: str, attempt_id: str) -> None:
        """Record the message.

        Raises:
            Unavailable: `available` is False.
        """
        self._send(Sent(topics.RUN_ATTEMPT, queue, attempt_id))

    def cancel_attempt(self, queue: str, attempt_id: str) -> None:
        """Record the message.

        Raises:
            Unavailable: `available` is False.
        """
        self._send(Sent(topics.CANCEL_ATTEMPT, queue, attempt_id))

    def _send(self, message: Sent) -> None:
        if not self.available:
            raise Unavailable("the message broker can't be reached")
        self.sent.append(message)


@dataclass(frozen=True)
class SentMessage:
    """One message of `RecordingWebhooks`."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class RecordingWebhooks:
    """`Webhooks` that keep what they were to send.

    Attributes:
        sent: The messages, in order.
        answer: What each is answered with, or what is raised instead of an answer.
    """

    sent: list[SentMessage] = field(default_factory=list)
    answer: WebhookAnswer | Forbidden | Unavailable = field(default=WebhookAnswer(204, b""))

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """Record the message.

        Raises:
            Forbidden: It is the answer.
            Unavailable: It is the answer.
        """
        self.sent.append(SentMessage(url, dict(headers), body))
        if isinstance(self.answer, WebhookAnswer):
            return self.answer
        raise self.answer


class MemoryObjects:
    """An `ObjectStore` in memory.

    Args:
        capacity: Bytes it has room for, over all blobs; without a limit, if None.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity
        self._blobs: dict[str, bytes] = {}

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there."""
        return sha256 in self._blobs

    def size(self, sha256: str) -> int:
        """The blob's size in bytes.

        Raises:
            NotFound: `blob_not_found`.
        """
        return len(self._blob(sha256))

    def put(self, chunks: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int]:
        """Store a stream; nothing stays behind if it fails.

        Raises:
            DigestMismatch: The content has another SHA-256 than `expected`.
            StorageFull: It doesn't fit in the capacity.
        """
        content = b"".join(chunks)
        sha256 = hashlib.sha256(content).hexdigest()
        if self._capacity is not None and sum(map(len, self._blobs.values())) + len(content) > self._capacity:
            raise StorageFull("no space is left")
        if expected is not None and expected != sha256:
            raise DigestMismatch(f"the content's SHA-256 is {sha256}, not {expected}")
        self._blobs[sha256] = content
        return sha256, len(content)

    def put_all(self, blobs: Iterable[tuple[str, Iterable[bytes]]]) -> dict[str, int]:
        """Store many blobs.

        Raises:
            DigestMismatch: A content has another SHA-256 than is said.
            StorageFull: They don't fit in the capacity.
        """
        return dict(self.put(content, expected=sha256) for sha256, content in blobs)

    def read(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start` on, at most `length`, in one chunk.

        Raises:
            NotFound: `blob_not_found`.
        """
        content = self._blob(sha256)
        wanted = content[start:] if length is None else content[start : start + length]
        return iter([wanted] if wanted else [])

    @contextmanager
    def local_copy(self, sha256: str) -> Iterator[Path]:
        """The blob as a file while the context lasts.

        Raises:
            NotFound: `blob_not_found`.
        """
        content = self._blob(sha256)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / sha256
            path.write_bytes(content)
            path.chmod(0o400)
            yield path

    def delete(self, sha256: str) -> None:
        """Remove the blob; nothing happens if it is not there."""
        self._blobs.pop(sha256, None)

    def _blob(self, sha256: str) -> bytes:
        try:
            return self._blobs[sha256]
        except KeyError:
            raise NotFound("no blob with this SHA-256 has been uploaded", code="blob_not_found") from None


@dataclass
class MemoryBuckets:
    """`Buckets` in memory.

    Attributes:
        objects: The content of each object, by bucket and key.
        secret: The only secret with which anything may be read; any, if None.
        page: Entries that are listed at once.
        max_objects: Objects of which there is a fingerprint, at most.
    """

    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    secret: str | None = None
    page: int = 200
    max_objects: int = fingerprints.MAX_OBJECTS

    def find(self, access: StorageAccess, path: StoragePath) -> FoundPath:
        """What lies at the path.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
        """
        keys = self._keys(access, path)
        if path.key in keys and not path.key.endswith("/"):
            content = self.objects[path.bucket, path.key]
            return FoundPath(path=str(path), type=PathType.FILE, size=len(content), etag=_etag(content))
        below = path.prefix
        sizes = [len(self.objects[path.bucket, key]) for key in keys if key.startswith(below)]
        if not sizes and below:
            raise NotFound(f"there is nothing at {path}", code="dependency_not_found")
        return FoundPath(path=str(path), type=PathType.DIRECTORY, size=sum(sizes), files=len(sizes))

    def listing(self, access: StorageAccess, directory: StoragePath, cursor: str | None) -> StorageListing:
        """A part of what lies in the directory.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
            CursorInvalid: The cursor was not given out by this.
        """
        if cursor is not None and not cursor.isdecimal():
            raise CursorInvalid(field="cursor")
        below, root = directory.prefix, f"{directory.kind}://{directory.bucket}/"
        inside = (key for key in self._keys(access, directory) if key.startswith(below) and key != below)
        names = {below + "".join(key.removeprefix(below).partition("/")[:2]) for key in inside}
        start = int(cursor or 0)
        shown = sorted(names)[start : start + self.page]
        return StorageListing(
            folders=[root + key for key in shown if key.endswith("/")],
            files=[self._file(directory.bucket, root, key) for key in shown if not key.endswith("/")],
            next_cursor=str(start + self.page) if start + self.page < len(names) else None,
        )

    def fingerprint(self, access: StorageAccess, path: StoragePath) -> str | None:
        """What the path's content is known by; None if there are too many objects.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
        """
        keys, below = self._keys(access, path), path.prefix
        if path.key in keys and not path.key.endswith("/"):
            content = self.objects[path.bucket, path.key]
            return fingerprints.of_file(_etag(content), len(content))
        found = {key: self.objects[path.bucket, key] for key in keys if key.startswith(below)}
        if not found:
            raise NotFound(f"there is nothing at {path}", code="dependency_not_found")
        if len(found) > self.max_objects:
            return None
        return fingerprints.of_directory(
            Seen(key.removeprefix(below), _etag(content), len(content)) for key, content in found.items()
        )

    def _keys(self, access: StorageAccess, path: StoragePath) -> list[str]:
        if self.secret not in {None, access.secret_access_key.get_secret_value()}:
            raise Forbidden(f"{path} can't be read", code="dependency_forbidden")
        keys = sorted(key for bucket, key in self.objects if bucket == path.bucket)
        if not keys:
            raise NotFound(f"there is no bucket {path.bucket!r}", code="dependency_not_found")
        return keys

    def _file(self, bucket: str, root: str, key: str) -> StoredFile:
        content = self.objects[bucket, key]
        return StoredFile(
            name=key.rpartition("/")[2],
            path=root + key,
            size=len(content),
            etag=_etag(content),
            modified_at=datetime(2026, 1, 1, tzinfo=UTC),
        )


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class MemoryLogs:
    """A `LogStore` in memory.

    Args:
        capacity: Bytes it has room for, over all logs; without a limit, if None.
    """

    def __init__(self, capacity: int | None = None) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._logs: dict[tuple[str, StoredName], bytes] = {}
        self._pieces: defaultdict[str, list[Piece]] = defaultdict(list)

    def append(self, attempt_id: str, name: StoredName, offset: int, data: bytes, pieces: list[Piece]) -> int:
        """Add bytes at the end, and the pieces that begin within them.

        Raises:
            OffsetMismatch: `offset` lies behind the end; the log continues at `expected`.
            StorageFull: It doesn't fit in the capacity; nothing was added.
        """
        with self._lock:
            content = self._logs.get((attempt_id, name), b"")
            size, end = len(content), offset + len(data)
            if offset > size:
                raise OffsetMismatch(size)
            new = data[size - offset :]
            if self._capacity is not None and sum(map(len, self._logs.values())) + len(new) > self._capacity:
                raise StorageFull("no space is left")
            if new:
                self._logs[attempt_id, name] = content + new
                if name is LogName.STDOUT:
                    self._pieces[attempt_id] += [piece for piece in pieces if size <= piece.offset < end]
            return max(size, end)

    def size(self, attempt_id: str, name: StoredName) -> int:
        """The log's size in bytes; 0 if nothing was ever appended."""
        return len(self._logs.get((attempt_id, name), b""))

    def read(self, attempt_id: str, name: StoredName, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; empty at or behind the end."""
        return self._logs.get((attempt_id, name), b"")[offset : offset + length]

    def pieces(self, attempt_id: str, start: int, end: int) -> list[Piece]:
        """The pieces that cover bytes `start` to `end` of stdout.log, in order."""
        with self._lock:
            end = min(end, self.size(attempt_id, LogName.STDOUT))
            known = self._pieces.get(attempt_id, [])
            before = [piece for piece in known if piece.offset <= start]
            inside = [piece for piece in known if start < piece.offset < end]
        return before[-1:] + inside if start < end else []

    def seal(self, attempt_id: str, name: StoredName) -> int:
        """The CRC32 of the whole log."""
        return zlib.crc32(self._logs.get((attempt_id, name), b""))

    def truncate(self, attempt_id: str, name: StoredName) -> None:
        """Empty the log, to be sent again from the start."""
        with self._lock:
            self._logs.pop((attempt_id, name), None)
            if name is LogName.STDOUT:
                self._pieces.pop(attempt_id, None)

    def delete(self, attempt_id: str) -> None:
        """Remove all logs of the attempt; nothing happens if there are none."""
        for name in (*LogName, *RecordName):
            self.truncate(attempt_id, name)
