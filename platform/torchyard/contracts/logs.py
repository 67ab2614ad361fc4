"""A job's logs: names, pieces and what a follower receives. Positions are byte offsets."""

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from pydantic import Field

from torchyard.contracts.jobs import JobState, Reason
from torchyard.contracts.models import Lenient


class LogName(StrEnum):
    """The three logs of a job."""

    #: Everything the script wrote, both streams in order of arrival.
    STDOUT = "stdout.log"
    #: Only what it wrote to stderr.
    STDERR = "stderr.log"
    #: The platform's own account.
    SYSTEM = "system.log"


class RecordName(StrEnum):
    """What else is kept of an attempt, in the way of its logs: appended to, and removed with them."""

    #: What the script's processes used; see `contracts.samples`.
    SAMPLES = "samples.bin"
    #: What its GPUs did.
    GPUS = "gpus.bin"
    #: The scalars of its TensorBoard event files, as `contracts.series.EventScalars`.
    SCALARS = "scalars.json"


#: Whatever a log store keeps.
StoredName = LogName | RecordName

#: The logs a worker ships; system.log is the platform's.
SCRIPT_LOGS = (LogName.STDOUT, LogName.STDERR)


class Stream(StrEnum):
    """Which of its streams the script wrote a piece to."""

    STDOUT = "stdout"
    STDERR = "stderr"


class Piece(NamedTuple):
    """From `offset` of stdout.log on, until the next piece, the bytes came from `stream` at `time_ms`."""

    offset: int
    stream: Stream
    time_ms: int  # milliseconds since 1970-01-01 UTC


#: The request header of a log append that carries the pieces of the body.
PIECES_HEADER = "Torchyard-Pieces"
#: Pieces in one append: keeps the header far below servers' usual 64 KiB limit.
MAX_PIECES = 400
#: Bytes in one append.
MAX_APPEND_BYTES = 1024 * 1024
#: Up to 15 digits: what fits the 64 bits of a stored record with room to spare.
_PIECE = re.compile(r"([0-9]{1,15}):([oe]):([0-9]{1,15})")
_LETTERS = {"o": Stream.STDOUT, "e": Stream.STDERR}


def encode_pieces(pieces: Iterable[Piece]) -> str:
    """Pieces as a header's value: `offset:o|e:milliseconds`, separated by commas."""
    return ",".join(
        f"{piece.offset}:{'e' if piece.stream is Stream.STDERR else 'o'}:{piece.time_ms}" for piece in pieces
    )


def decode_pieces(value: str) -> list[Piece]:
    """The pieces of a header's value.

    Raises:
        ValueError: The value was not made by `encode_pieces`.
    """
    parts = value.split(",") if value else []
    if len(parts) > MAX_PIECES:
        raise ValueError(f"{MAX_PIECES} pieces are allowed at once")
    pieces = []
    for part in parts:
        match = _PIECE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:80]!r} is no piece, as `0:o:1700000000000`")
        pieces.append(Piece(int(match[1]), _LETTERS[match[2]], int(match[3])))
    if any(one.offset > other.offset for one, other in pairwise(pieces)):
        raise ValueError("the pieces must be in the order of their offsets")
    return pieces


class LogChunk(Lenient):
    """One `data:` of a followed log. Its SSE `id` is the offset behind it."""

    offset: int = Field(description="Byte offset of the first byte.")
    text: str | None = Field(None, description="The bytes, where they are UTF-8.")
    base64: str | None = Field(None, description="The bytes in base64, where they are not UTF-8.")
    stream: Stream | None = Field(None, description="Which stream wrote them; left out for system.log.")
    time_ms: int | None = Field(None, description="When they arrived: milliseconds since 1970 UTC.")


class LogEnd(Lenient):
    """The last event of a followed log, `event: end`: nothing will be added to it."""

    size: int = Field(description="The log's size in bytes.")
    attempt: int = Field(description="The attempt whose log this is.")
    state: JobState = Field(description="How the job stands.")
    exit_code: int | None = Field(None, description="The script's exit code.")
    signal: int | None = Field(None, description="The number of the signal that ended it.")
    reason: Reason | None = Field(None, description="Why it failed.")
    sentence: str | None = Field(None, description="How it ended, in one sentence.")


class LogMatch(Lenient):
    """A place where a pattern matches."""

    offset: int = Field(description="Byte offset of its first byte.")
    length: int = Field(description="Its bytes.")
    line: int = Field(description="The line that it is in; the first is 1.")
    line_offset: int = Field(description="Byte offset of that line.")


class LogSearch(Lenient):
    """What was found in a log."""

    matches: list[LogMatch] = Field(description="Those asked for, in the log's order.")
    first: int = Field(description="Which of all matches the first of them is, from 1; 0 without any.")
    total: int = Field(description="Matches in the bytes that were searched.")
    complete: bool = Field(
        description="Whether all bytes were searched. If not, time was up and there may be more than "
        "`total`; asking again goes on from there."
    )
    searched: int = Field(description="Bytes that were searched, from the beginning.")
    size: int = Field(description="The log's size in bytes.")


class LogLine(Lenient):
    """Where a line stands."""

    line: int | None = Field(
        None,
        description="Its number, from 1; left out if the time was up before it was known. Ask again then.",
    )
    offset: int | None = Field(None, description="Byte offset of its beginning.")
    end: int | None = Field(None, description="Byte offset of the line end; left out if it has none yet.")
    lines: int = Field(description="Lines in the bytes that were looked at.")
    complete: bool = Field(description="Whether those are all bytes.")
    size: int = Field(description="The log's size in bytes.")


class Traceback(Lenient):
    """What Python printed where something went wrong."""

    offset: int = Field(description="Byte offset of its first line.")
    line: int = Field(description="The number of that line, from 1.")
    summary: str = Field(description="The line that says what went wrong, `ValueError: no such file`.")


class Tracebacks(Lenient):
    """The tracebacks in a log."""

    tracebacks: list[Traceback] = Field(description="The first ones, in the log's order.")
    total: int = Field(description="How many there are in the bytes that were searched.")
    complete: bool = Field(description="Whether all bytes were searched; if not, asking again goes on.")
    size: int = Field(description="The log's size in bytes.")


class LogPiece(Lenient):
    """From `offset` on, until the next piece, the bytes came from `stream` at `time_ms`."""

    offset: int = Field(description="Byte offset in stdout.log; the first may lie before the range.")
    stream: Stream = Field(description="Which stream wrote them.")
    time_ms: int = Field(description="When they arrived: milliseconds since 1970 UTC.")


class LogPieces(Lenient):
    """Who wrote a range of stdout.log, and when. Other logs have no pieces."""

    pieces: list[LogPiece] = Field(description="In the order of their offsets.")
    until: int = Field(description="The byte up to which this is told; ask from there on for more.")
