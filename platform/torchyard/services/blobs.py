"""Uploaded files, named by their SHA-256."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from torchyard.errors import DigestMismatch, FieldInvalid, NotFound, Unavailable
from torchyard.services.context import Context
from torchyard.storage import blobs


class Part(NamedTuple):
    """A part of a file that is being uploaded.

    Attributes:
        sha256: The whole file's.
        offset: Where it begins.
        size: The whole file's, in bytes.
    """

    sha256: str
    offset: int
    size: int


#: A use this long ago need not be noted again: unused blobs are kept for a day.
FRESH = timedelta(hours=1)


def find(ctx: Context, session: Session, sha256: str) -> int:
    """The blob's size in bytes; asking keeps it for a day at least.

    Raises:
        NotFound: `blob_not_found`.
    """
    row = blobs.touch(session, sha256, ctx.clock.now())
    if row is None:
        raise NotFound("no blob with this SHA-256 has been uploaded", code="blob_not_found")
    return row.size


def store(ctx: Context, chunks: Iterable[bytes], *, expected: str | None = None) -> tuple[str, int, bool]:
    """Store a stream, in constant memory.

    Returns:
        The blob's SHA-256, its size in bytes, and whether it is new.

    Raises:
        DigestMismatch: The bytes have another SHA-256 than expected.
        StorageFull: No space is left.
        Unavailable: The same bytes, long unused, were removed at this very moment.
    """
    sha256, size = ctx.objects.put(chunks, expected=expected)
    if _is_fresh(ctx, sha256):
        return sha256, size, False
    with ctx.db.write() as session:
        new = blobs.find(session, sha256) is None
        blobs.add_all(session, {sha256: size}, ctx.clock.now())
    if not ctx.objects.exists(sha256):
        raise Unavailable("the blob was being removed while it was uploaded; upload it again")
    return sha256, size, new


def store_small(ctx: Context, data: bytes) -> str:
    """Store what is in memory; if it was stored lately, nothing is written.

    Returns:
        The blob's SHA-256.

    Raises:
        StorageFull: No space is left.
        Unavailable: See `store`.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    if not (_is_fresh(ctx, sha256) and ctx.objects.exists(sha256)):
        store(ctx, [data], expected=sha256)
    return sha256


def _is_fresh(ctx: Context, sha256: str) -> bool:
    """Whether the blob was used so lately that nobody removes it soon."""
    with ctx.db.read() as session:
        known = blobs.find(session, sha256)
    return known is not None and ctx.clock.now() - known.used_at < FRESH


def append(ctx: Context, owner_id: str, part: Part, chunks: Iterable[bytes]) -> tuple[int, bool]:
    """Take in the next bytes of a file, and store it once all are there.

    Returns:
        How many bytes are there, and whether the file is stored.

    Raises:
        OffsetMismatch: The upload goes on elsewhere.
        DigestMismatch: All bytes are there, and have another SHA-256; the upload begins anew.
        StorageFull: No space is left.
        Unavailable: See `store`.
    """
    there = ctx.uploads.append(owner_id, part.sha256, part.offset, _at_most(chunks, part.size - part.offset))
    if there < part.size:
        return there, False
    try:
        store(ctx, ctx.uploads.read(owner_id, part.sha256), expected=part.sha256)
    except DigestMismatch:
        ctx.uploads.remove(owner_id, part.sha256)
        raise
    ctx.uploads.remove(owner_id, part.sha256)
    return there, True


def _at_most(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) > size:
            raise FieldInvalid("there are more bytes than were announced", field="Upload-Length")
        size -= len(chunk)
        yield chunk


def store_all(ctx: Context, bundle: Iterable[tuple[str, Iterable[bytes]]]) -> dict[str, int]:
    """Store many small files, each with the SHA-256 that it has to have.

    Returns:
        Their sizes in bytes, by SHA-256.

    Raises:
        DigestMismatch: The bytes of one have another SHA-256.
        StorageFull: No space is left.
        Unavailable: The same bytes, long unused, were removed at this very moment.
    """
    sizes = ctx.objects.put_all(bundle)
    with ctx.db.write() as session:
        blobs.add_all(session, sizes, ctx.clock.now())
    if not all(ctx.objects.exists(sha256) for sha256 in sizes):
        raise Unavailable("a blob was being removed while it was uploaded; upload it again")
    return sizes


def sizes_of(ctx: Context, digests: Iterable[str]) -> dict[str, int]:
    """Sizes in bytes, by SHA-256.

    Raises:
        NotFound: `blob_not_found`.
    """
    return {sha256: ctx.objects.size(sha256) for sha256 in digests}


def read(ctx: Context, sha256: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The blob's bytes from `start` on.

    Raises:
        NotFound: `blob_not_found`.
    """
    return ctx.objects.read(sha256, start, length)
