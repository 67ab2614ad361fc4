"""Pieces of a log, as bytes."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from torchyard.contracts.logs import LogChunk, Stream


@dataclass(frozen=True)
class LogPiece:
    """Some consecutive bytes of a log.

    Attributes:
        offset: Byte offset of the first byte in the log.
        data: The bytes, exactly as the script wrote them.
        stream: Which of its streams the script wrote them to, where that is known.
        time_ms: When they arrived, in milliseconds since 1970 UTC, where that is known.
    """

    offset: int
    data: bytes
    stream: Stream | None = None
    time_ms: int | None = None

    @property
    def text(self) -> str:
        """The bytes as text; what is not UTF-8 is replaced by �."""
        return self.data.decode(errors="replace")

    @property
    def end(self) -> int:
        """Byte offset behind the last byte."""
        return self.offset + len(self.data)

    def behind(self, position: int) -> "LogPiece":
        """What of it lies behind this byte offset; the piece itself, if all of it does."""
        if self.offset >= position:
            return self
        return replace(self, offset=position, data=self.data[position - self.offset :])


def piece_of(chunk: LogChunk) -> LogPiece:
    """The piece that came over the wire."""
    data = chunk.text.encode() if chunk.text is not None else base64.b64decode(chunk.base64 or "")
    return LogPiece(chunk.offset, data, chunk.stream, chunk.time_ms)


def pieces_of(blocks: Iterable[bytes], offset: int) -> Iterator[LogPiece]:
    """The pieces of a stored log, cut so that no character is in two of them."""
    rest = b""
    for block in blocks:
        whole = rest + block
        cut = _whole_characters(whole)
        if cut:
            yield LogPiece(offset, whole[:cut])
            offset += cut
        rest = whole[cut:]
    if rest:
        yield LogPiece(offset, rest)


def _whole_characters(block: bytes) -> int:
    """Length of the block without a UTF-8 character that is cut off at its end."""
    for back in range(1, min(3, len(block)) + 1):
        byte = block[-back]
        if byte >= 0xC0:  # the first byte of a character of two bytes or more
            length = 2 + (byte >= 0xE0) + (byte >= 0xF0)
            return len(block) - back if length > back else len(block)
        if byte < 0x80:  # a character of its own
            break
    return len(block)
