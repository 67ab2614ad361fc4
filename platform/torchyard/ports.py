"""What the services need from outside the database, as small protocols; fakes are in `testing`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from torchyard.contracts.connections import FoundPath, StorageAccess, StorageListing
from torchyard.contracts.logs import Piece, StoredName
from torchyard.contracts.storage_paths import StoragePath


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time now, aware, in UTC."""
        ...


class Dispatcher(Protocol):
    """Sends hints to workers. Losing one costs seconds, never a job."""

    def run_attempt(self, queue: str, attempt_id: str) -> None:
        """Tell the worker behind `queue` that this attempt is its own to claim.

        Raises:
            Unavailable: The broker can't be reached.
        """
        ...

    def cancel_attempt(self, queue: str, attempt_id: str) -> None:
        """Tell the worker behind `queue` to stop this attempt.

        Raises:
            Unavailable: The broker can't be reached.
        """
        ...


class ObjectStore(Protocol):
    """Immutable blobs, named by their SHA-256 in hex."""

    def exists(self, sha256: str) -> bool:
        """Whether the blob is there, whole."""
        ...

    def size(self, sha256: str) -> int:
        """The blob's size in bytes.

        Raises:
            NotFound: `blob_not_found`.
        """
        ...

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
        ...

    def put_all(self, blobs: Iterable[tuple[str, Iterable[bytes]]]) -> dict[str, int]:
        """Store many small blobs, much faster than one by one; if it fails, some of them may be there.

        Args:
            blobs: The SHA-256 that each has to have, and its content.

        Returns:
            Their sizes in bytes, by SHA-256.

        Raises:
            DigestMismatch: A content has another SHA-256.
            StorageFull: No space is left.
        """
        ...

    def read(self, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start` on, at most `length`, in chunks.

        Raises:
            NotFound: `blob_not_found`, at the call and not at the first chunk.
        """
        ...

    def local_copy(self, sha256: str) -> AbstractContextManager[Path]:
        """The blob as a read-only local file while the context lasts.

        Raises:
            NotFound: `blob_not_found`.
        """
        ...

    def delete(self, sha256: str) -> None:
        """Remove the blob; nothing happens if it is not there."""
        ...


class Uploads(Protocol):
    """What has come of files whose upload has not ended, each user's apart; some of it may go at any time."""

    def offset(self, owner: str, sha256: str) -> int:
        """How many bytes are there; 0 if nothing is."""
        ...

    def append(self, owner: str, sha256: str, offset: int, chunks: Iterable[bytes]) -> int:
        """Take in bytes from `offset` on; what came before `chunks` failed stays.

        Returns:
            How many bytes are there then.

        Raises:
            OffsetMismatch: There is nothing before `offset`.
            StorageFull: No space is left.
        """
        ...

    def read(self, owner: str, sha256: str) -> Iterator[bytes]:
        """The bytes that are there, in chunks.

        Raises:
            NotFound: `blob_not_found`: none are.
        """
        ...

    def remove(self, owner: str, sha256: str) -> None:
        """Forget an upload; nothing happens if it is not there."""
        ...

    def remove_older(self, before: datetime) -> int:
        """Forget the uploads to which nothing came since then; how many."""
        ...


class LogStore(Protocol):
    """The script's logs of each attempt: append-only bytes, and the pieces of stdout.log."""

    def append(self, attempt_id: str, name: StoredName, offset: int, data: bytes, pieces: list[Piece]) -> int:
        """Add bytes at the end, and the pieces that begin within them.

        An append that lies wholly before the end was received before and changes nothing; one that
        overlaps the end adds only what is new.

        Returns:
            The log's new size.

        Raises:
            OffsetMismatch: `offset` lies behind the end; the log continues at `expected`.
            StorageFull: No space is left; nothing was added.
        """
        ...

    def size(self, attempt_id: str, name: StoredName) -> int:
        """The log's size in bytes; 0 if nothing was ever appended."""
        ...

    def read(self, attempt_id: str, name: StoredName, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; empty at or behind the end."""
        ...

    def pieces(self, attempt_id: str, start: int, end: int) -> list[Piece]:
        """The pieces that cover bytes `start` to `end` of stdout.log, in order.

        The first may begin before `start`. Empty if the range is.
        """
        ...

    def seal(self, attempt_id: str, name: StoredName) -> int:
        """Bring the log to the disk; the CRC32 of all of it."""
        ...

    def truncate(self, attempt_id: str, name: StoredName) -> None:
        """Empty the log, to be sent again from the start."""
        ...

    def delete(self, attempt_id: str) -> None:
        """Remove all logs of the attempt; nothing happens if there are none."""
        ...


class Buckets(Protocol):
    """Looks into S3 and COS for people who choose a path; a job's worker reads them itself."""

    def find(self, access: StorageAccess, path: StoragePath) -> FoundPath:
        """What lies at the path.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
            Unavailable: `dependency_unavailable`.
        """
        ...

    def listing(self, access: StorageAccess, directory: StoragePath, cursor: str | None) -> StorageListing:
        """A part of what lies in the directory, from behind `cursor` on.

        Raises:
            NotFound: `dependency_not_found`: there is no such bucket.
            Forbidden: `dependency_forbidden`.
            CursorInvalid: The storage didn't give out this cursor.
            Unavailable: `dependency_unavailable`.
        """
        ...

    def fingerprint(self, access: StorageAccess, path: StoragePath) -> str | None:
        """What the path's content is known by, from names, sizes and ETags; see `contracts.fingerprints`.

        None if there are more objects than are looked at, `fingerprints.MAX_OBJECTS`.

        Raises:
            NotFound: `dependency_not_found`.
            Forbidden: `dependency_forbidden`.
            Unavailable: `dependency_unavailable`.
        """
        ...


class Fanout(Protocol):
    """Wakes whoever follows a topic, in this process and in the platform's others.

    A wake-up says only "look again": several may arrive as one, and one may come for nothing.
    """

    def wake(self, topic: str) -> None:
        """Wake the followers of `topic`; from any thread, never waiting for the network."""
        ...

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, from any thread, at each wake-up of `topic`.

        Returns:
            A function that ends the subscription.
        """
        ...

    def close(self) -> None:
        """Stop and free what the fan-out holds."""
        ...


class WebhookAnswer(NamedTuple):
    """What a webhook answered: its HTTP status, and the beginning of its body."""

    status: int
    body: bytes


class Webhooks(Protocol):
    """Sends messages to addresses that users name; those that lead back into the platform are refused."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """The answer to one message, whatever its status; redirects are not followed.

        Raises:
            Forbidden: `webhook_address_refused`: the name leads to an address that is not allowed.
            Unavailable: `webhook_unreachable`: nobody answered in time, or not in HTTP.
        """
        ...
