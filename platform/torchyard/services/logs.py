"""Reading and appending logs. The log store holds the script's; system.log is made of a job's events."""

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from functools import partial

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import TERMINAL, JobState
from torchyard.contracts.logs import LogChunk, LogEnd, LogName, Piece
from torchyard.contracts.sayings import say
from torchyard.domain import masking
from torchyard.domain.lifecycle import ENDED
from torchyard.domain.log_scanning import View
from torchyard.errors import NotFound
from torchyard.services import secrets
from torchyard.services.context import Context, job_topic, log_topic
from torchyard.storage import jobs
from torchyard.storage.tables import EventRow

#: Bytes of a character in UTF-8, at most.
_LONGEST_CHARACTER = 4


@dataclass(frozen=True)
class LogRef:
    """One log of one attempt; for system.log, of the whole job."""

    job_id: str
    attempt_id: str
    attempt: int
    name: LogName
    #: Whether the job refers to secrets, so that they have to be masked in what is shown.
    masked: bool = False

    @property
    def topic(self) -> str:
        """What to follow to hear of new bytes."""
        return (
            job_topic(self.job_id) if self.name is LogName.SYSTEM else log_topic(self.attempt_id, self.name)
        )


def locate(session: Session, job_id: str, name: LogName, attempt: int | None = None) -> LogRef:
    """The job's log; the latest attempt's, unless one is named.

    Raises:
        NotFound: `job_not_found` or `attempt_not_found`.
    """
    found = jobs.attempts(session, job_id)
    if not found:
        raise NotFound("there is no job with this id", code="job_not_found")
    rows = {row.number: row for row, _ in found}
    row = rows.get(attempt if attempt is not None else max(rows))
    if row is None:
        raise NotFound(say("no_such_attempt", attempt=attempt), code="attempt_not_found")
    return LogRef(job_id, row.id, row.number, name, masked=secrets.mentioned(session, job_id))


def append(
    ctx: Context, attempt_id: str, name: LogName, offset: int, data: bytes, pieces: list[Piece]
) -> int:
    """Take in what the script printed, and wake who follows; the log's new size.

    Raises:
        OffsetMismatch: The log continues elsewhere.
        StorageFull: No space is left.
    """
    size = ctx.logs.append(attempt_id, name, offset, data, pieces)
    ctx.fanout.wake(log_topic(attempt_id, name))
    return size


def size(ctx: Context, ref: LogRef) -> int:
    """The log's size in bytes."""
    return (
        len(_system_log(ctx, ref)) if ref.name is LogName.SYSTEM else ctx.logs.size(ref.attempt_id, ref.name)
    )


def whole_size(ctx: Context, ref: LogRef) -> int:
    """The log's size without a character that is cut off at its end."""
    present = size(ctx, ref)
    start = max(0, present - _LONGEST_CHARACTER)
    return start + _whole_characters(read(ctx, ref, start, present - start))


def read(ctx: Context, ref: LogRef, offset: int, length: int) -> bytes:
    """At most `length` bytes from `offset` on, as they are shown: with the owner's secrets masked."""
    return _shown(ctx, ref, _hidden(ctx, ref), offset, length)


def view(ctx: Context, ref: LogRef) -> tuple[View, object]:
    """The log as it is shown now, to be read piece by piece; and what it is known by while it is shown so."""
    hidden = _hidden(ctx, ref)
    around = masking.overlap(hidden)
    known = (ref.job_id if ref.name is LogName.SYSTEM else ref.attempt_id, ref.name, tuple(hidden))
    if ref.name is LogName.SYSTEM:
        whole = masking.mask(_system_log(ctx, ref), hidden)
        size = len(whole)
        return View(
            lambda offset, length: whole[offset : offset + length], size, max(0, size - around)
        ), known
    size = ctx.logs.size(ref.attempt_id, ref.name)
    return View(partial(_shown, ctx, ref, hidden), size, max(0, size - around)), known


def _hidden(ctx: Context, ref: LogRef) -> list[bytes]:
    if not ref.masked:
        return []
    with ctx.db.read() as session:
        record = jobs.find(session, ref.job_id)
        return secrets.to_mask(ctx, session, record.job) if record else []


def _shown(ctx: Context, ref: LogRef, hidden: list[bytes], offset: int, length: int) -> bytes:
    if not hidden:
        return _stored(ctx, ref, offset, length)
    # What stands around the part is looked at too: a value may begin before it, or end behind it.
    around = masking.overlap(hidden)
    start = max(0, offset - around)
    data = _stored(ctx, ref, start, offset - start + length + around)
    return masking.mask(data, hidden)[offset - start :][:length]


def _stored(ctx: Context, ref: LogRef, offset: int, length: int) -> bytes:
    if ref.name is LogName.SYSTEM:
        return _system_log(ctx, ref)[offset : offset + length]
    return ctx.logs.read(ref.attempt_id, ref.name, offset, length)


def end(ctx: Context, ref: LogRef) -> LogEnd | None:
    """How it ended; None while the log may still grow."""
    with ctx.db.read() as session:
        record = jobs.find(session, ref.job_id)
        rows = {row.number: row for row, _ in jobs.attempts(session, ref.job_id)}
    if record is None or ref.attempt not in rows:
        raise NotFound("there is no job with this id", code="job_not_found")
    row = rows[ref.attempt]
    whole = ref.name is LogName.SYSTEM or ref.attempt == max(rows)
    if (record.job.state not in TERMINAL) if whole else (row.state not in ENDED):
        return None
    return LogEnd(
        size=size(ctx, ref),
        attempt=ref.attempt,
        state=JobState(record.job.state if whole else row.state),
        exit_code=row.exit_code,
        signal=row.signal,
        reason=row.reason,
        sentence=row.sentence,
    )


def chunks(ctx: Context, ref: LogRef, offset: int, length: int, *, final: bool) -> Iterator[LogChunk]:
    """What follows `offset`, at most `length` bytes, as chunks of one stream and time each.

    A character that is cut off at the end of the log is held back until the rest of it arrives,
    unless `final` says that nothing will.
    """
    data = read(ctx, ref, offset, length)
    if not data:
        return
    pieces = _pieces(ctx, ref, offset, offset + len(data))
    bounds = [offset, *(piece.offset for piece in pieces[1:]), offset + len(data)]
    for index, (start, stop) in enumerate(itertools.pairwise(bounds)):
        part = data[start - offset : stop - offset]
        last = index == len(bounds) - 2
        if last and not final:
            part = part[: _whole_characters(part)]
        if part:
            yield _chunk(start, part, pieces[index] if pieces else None)


def _chunk(offset: int, part: bytes, piece: Piece | None) -> LogChunk:
    told = {"stream": piece.stream, "time_ms": piece.time_ms} if piece else {}
    try:
        return LogChunk(offset=offset, text=part.decode(), **told)
    except UnicodeDecodeError:
        return LogChunk(offset=offset, base64=base64.b64encode(part).decode(), **told)


def chunk_size(chunk: LogChunk) -> int:
    """Bytes of the log that the chunk stands for."""
    return len(chunk.text.encode() if chunk.text is not None else base64.b64decode(chunk.base64 or ""))


def _whole_characters(part: bytes) -> int:
    """Length of `part` without a UTF-8 character that is cut off at its end."""
    for back in range(1, min(_LONGEST_CHARACTER, len(part)) + 1):
        byte = part[-back]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        return len(part) - back if needed > back else len(part)
    return len(part)


def _pieces(ctx: Context, ref: LogRef, start: int, end_: int) -> list[Piece]:
    return ctx.logs.pieces(ref.attempt_id, start, end_) if ref.name is LogName.STDOUT else []


def _system_log(ctx: Context, ref: LogRef) -> bytes:
    with ctx.db.read() as session:
        return b"".join(_line(row) for row in jobs.events(session, ref.job_id))


def _line(row: EventRow) -> bytes:
    at = row.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{at} [attempt {row.attempt}] {row.message}\n".encode()
