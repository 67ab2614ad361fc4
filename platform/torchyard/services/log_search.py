"""Finding places in a log: what a pattern matches, lines by number, tracebacks, who wrote what when."""

from itertools import islice
from typing import NamedTuple

from torchyard.contracts.logs import (
    LogLine,
    LogMatch,
    LogName,
    LogPiece,
    LogPieces,
    LogSearch,
    Traceback,
    Tracebacks,
)
from torchyard.domain import tracebacks
from torchyard.domain.log_scanning import LINES, LinePattern, Match
from torchyard.services import logs
from torchyard.services.context import Context
from torchyard.services.log_scans import Seen
from torchyard.services.logs import LogRef

#: Bytes of a traceback that are looked at for its summary.
_TRACEBACK_BYTES = 64 * 1024
#: Bytes of stdout.log whose pieces are told at once, and pieces.
_PIECES_BYTES = 1024 * 1024
_MAX_PIECES = 5_000
_FAR = 2**60
_BEGINNINGS = LinePattern(tracebacks.BEGINNING, regex=True, case=True)


class Part(NamedTuple):
    """Which matches are wanted: those that begin within a range, so many, the first or the last ones."""

    after: int
    before: int | None
    limit: int
    last: bool = False


def search(ctx: Context, ref: LogRef, pattern: LinePattern, part: Part) -> LogSearch:
    """Where a pattern matches, as far as there was time to look.

    Raises:
        Unavailable: `busy`: many others are searching.
    """
    view, known = logs.view(ctx, ref)
    with ctx.log_scans.looking(known, pattern, view) as seen:
        stop = _FAR if part.before is None else part.before
        found = seen.backward(part.after, stop) if part.last else seen.forward(part.after, stop)
        matches = list(islice(found, part.limit))
        if part.last:
            matches.reverse()
        return LogSearch(
            matches=[_match(one) for one in matches],
            first=seen.number_of(matches[0]) if matches else 0,
            total=seen.end.matches,
            complete=seen.complete,
            searched=seen.end.offset,
            size=view.size,
        )


def _match(found: Match) -> LogMatch:
    return LogMatch(offset=found.offset, length=found.length, line=found.line, line_offset=found.line_offset)


def line(ctx: Context, ref: LogRef, *, number: int | None = None, offset: int | None = None) -> LogLine:
    """The line with a number, or that holds a byte; the last one, if there are not so many.

    Raises:
        Unavailable: `busy`: many others are searching.
    """
    view, known = logs.view(ctx, ref)
    with ctx.log_scans.looking(known, LINES, view) as seen:
        wanted = _numbered(seen, number) if number is not None else _holding(seen, offset or 0)
        told = {"lines": seen.lines, "complete": seen.complete, "size": view.size}
        if wanted is None:
            return LogLine(line=None, offset=None, end=None, **told)
        ordinal, start = wanted
        return LogLine(line=ordinal, offset=start, end=_end_of_line(seen, start), **told)


def _numbered(seen: Seen, number: int) -> tuple[int, int] | None:
    if number > seen.lines:
        if not seen.complete:
            return None
        return _holding(seen, max(0, seen.view.size - 1))
    if number == 1:
        return 1, 0
    block = seen.block_of_line(number)
    mark, data = seen.marks[block], seen.block(block)
    at = -1
    for _ in range(number - 1 - mark.lines):
        at = data.find(b"\n", at + 1)
    return number, mark.offset + at + 1


def _holding(seen: Seen, offset: int) -> tuple[int, int] | None:
    offset = min(offset, max(0, seen.view.size - 1))
    if offset >= seen.end.offset and not (seen.complete and offset == 0):
        return None
    block = seen.block_at(offset)
    mark = seen.marks[block]
    data = seen.block(block)[: offset - mark.offset]
    last = data.rfind(b"\n")
    return mark.lines + data.count(b"\n") + 1, mark.offset + last + 1 if last >= 0 else mark.line_start


def _end_of_line(seen: Seen, start: int) -> int | None:
    block = seen.block_at(start)
    at = seen.block(block).find(b"\n", start - seen.marks[block].offset)
    while at < 0:
        lines = seen.marks[block + 1].lines if block + 1 < len(seen.marks) else seen.end.lines
        if lines == seen.end.lines:
            return None
        block = seen.block_of_line(lines + 2)
        at = seen.block(block).find(b"\n")
    return seen.marks[block].offset + at


def find_tracebacks(ctx: Context, ref: LogRef, limit: int) -> Tracebacks:
    """Where Python told that something went wrong.

    Raises:
        Unavailable: `busy`: many others are searching.
    """
    view, known = logs.view(ctx, ref)
    with ctx.log_scans.looking(known, _BEGINNINGS, view) as seen:
        found = list(islice(seen.forward(0, _FAR), limit))
        return Tracebacks(
            tracebacks=[
                Traceback(
                    offset=one.line_offset,
                    line=one.line,
                    summary=tracebacks.summary(view.read(one.line_offset, _TRACEBACK_BYTES)),
                )
                for one in found
            ],
            total=seen.end.matches,
            complete=seen.complete,
            size=view.size,
        )


def pieces(ctx: Context, ref: LogRef, offset: int, length: int) -> LogPieces:
    """Who wrote a range of stdout.log, and when; nothing for other logs."""
    end = min(offset + min(length, _PIECES_BYTES), logs.size(ctx, ref))
    if ref.name is not LogName.STDOUT or end <= offset:
        return LogPieces(pieces=[], until=max(offset, end))
    found = ctx.logs.pieces(ref.attempt_id, offset, end)
    if len(found) > _MAX_PIECES:
        end = found[_MAX_PIECES].offset
    return LogPieces(
        pieces=[
            LogPiece(offset=one.offset, stream=one.stream, time_ms=one.time_ms) for one in found[:_MAX_PIECES]
        ],
        until=end,
    )
