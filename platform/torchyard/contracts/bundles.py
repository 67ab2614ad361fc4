"""Many small blobs in one body, so that each does not cost a request of its own.

A bundle is blob after blob: a line `<SHA-256> <size>`, then so many bytes.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from torchyard.errors import Malformed, TooLarge

MEDIA_TYPE = "application/vnd.torchyard.bundle"
#: Blobs in one bundle, and bytes of all of them: what is sent again when a connection is lost.
MAX_BLOBS, BUNDLE_BYTES = 1000, 16 * 1024 * 1024
#: From this size on a blob travels better alone.
LARGE_BYTES = 1024 * 1024
#: Bytes that are handed on at once.
_BLOCK_BYTES = 256 * 1024
_LINE = re.compile(rb"([0-9a-f]{64}) (0|[1-9][0-9]{0,15})")
_LINE_BYTES = 64 + 1 + 16


def batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Blobs, by their SHA-256 and with their sizes, as they travel together; large ones come alone."""
    together: list[str] = []
    size = 0
    for sha256, more in sizes.items():
        if more >= LARGE_BYTES:
            yield [sha256]
            continue
        if len(together) == MAX_BLOBS or size + more > BUNDLE_BYTES:
            yield together
            together, size = [], 0
        together.append(sha256)
        size += more
    if together:
        yield together


def bundle_size(sizes: Iterable[int]) -> int:
    """Bytes of a bundle of blobs with these sizes."""
    return sum(len(_line("0" * 64, size)) + size for size in sizes)


def bundled(blobs: Iterable[tuple[str, int, Iterable[bytes]]]) -> Iterator[bytes]:
    """A bundle, in blocks: of the SHA-256, size and content of each blob."""
    waiting: list[bytes] = []
    size = 0
    for sha256, length, content in blobs:
        waiting.append(_line(sha256, length))
        size += len(waiting[-1])
        for chunk in content:
            waiting.append(chunk)
            size += len(chunk)
            if size >= _BLOCK_BYTES:
                yield b"".join(waiting)
                waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


def unbundled(chunks: Iterable[bytes]) -> Iterator[tuple[str, Iterator[bytes]]]:
    """SHA-256 and content of each blob of a bundle; one content has to be read before the next blob.

    Raises:
        Malformed: It is no bundle, or cut off.
        TooLarge: It holds too many blobs.
    """
    source = _Source(chunks)
    count = 0
    while (line := source.line()) is not None:
        match = _LINE.fullmatch(line)
        if match is None:
            raise Malformed("the body is no bundle of files")
        count += 1
        if count > MAX_BLOBS:
            raise TooLarge(f"a bundle may hold {MAX_BLOBS} files at most")
        yield match[1].decode(), source.take(int(match[2]))


def _line(sha256: str, size: int) -> bytes:
    return f"{sha256} {size}\n".encode()


class _Source:
    """Chunks, read in other pieces than they came in."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._left = b""

    def line(self) -> bytes | None:
        """The next line without its end; None if nothing is left."""
        while b"\n" not in self._left[: _LINE_BYTES + 1]:
            more = next(self._chunks, None)
            if more is None and not self._left:
                return None
            if more is None or len(self._left) > _LINE_BYTES:
                raise Malformed("the body is no bundle of files, or cut off")
            self._left += more
        line, _, self._left = self._left.partition(b"\n")
        return line

    def take(self, size: int) -> Iterator[bytes]:
        """So many bytes."""
        while size:
            chunk = self._left or next(self._chunks, b"")
            if not chunk:
                raise Malformed("the bundle is cut off")
            self._left = chunk[size:]
            chunk = chunk[:size]
            size -= len(chunk)
            yield chunk
