"""Places in a job's logs: matches of a pattern, lines by number, tracebacks, pieces."""

from typing import Annotated

from fastapi import APIRouter, Query

from torchyard import errors
from torchyard.api.dependencies import ContextDep
from torchyard.api.logs import LogDep
from torchyard.api.problems import responses
from torchyard.contracts.logs import LogLine, LogPieces, LogSearch, Tracebacks
from torchyard.domain.log_scanning import MAX_PATTERN, LinePattern
from torchyard.services import log_search

router = APIRouter(prefix="/jobs/{job_id}/logs/{name}", tags=["logs"])

_RESPONSES = responses(errors.NotFound, errors.FieldInvalid, errors.Unavailable)
Offset = Annotated[int, Query(ge=0, le=2**53, description="A byte offset.")]
OptionalOffset = Annotated[int | None, Query(ge=0, le=2**53, description="A byte offset.")]


@router.get("/search", responses=_RESPONSES)
def search(
    ctx: ContextDep,
    ref: LogDep,
    pattern: Annotated[
        str,
        Query(min_length=1, max_length=MAX_PATTERN, description="A regular expression of RE2, or a text."),
    ],
    regex: Annotated[bool, Query(description="Whether it is a regular expression.")] = True,
    case: Annotated[bool, Query(description="Whether upper and lower case differ.")] = False,
    after_offset: Offset = 0,
    before_offset: OptionalOffset = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many matches to list.")] = 100,
    last: Annotated[bool, Query(description="List the last ones of the range, not the first ones.")] = False,
) -> LogSearch:
    """Find a pattern within the lines of a log: those that begin in the range, and how many there are in all.

    The bytes are searched as they are shown, with secrets masked. Of lines above 16 KiB, matches above 4 KiB
    may be told in parts. A search takes some seconds at most; `complete` tells whether that was enough.
    """
    wanted = LinePattern(pattern, regex=regex, case=case)
    return log_search.search(ctx, ref, wanted, log_search.Part(after_offset, before_offset, limit, last))


@router.get("/lines", responses=_RESPONSES)
def lines(
    ctx: ContextDep,
    ref: LogDep,
    line: Annotated[int | None, Query(ge=1, le=2**53, description="The line's number, from 1.")] = None,
    offset: OptionalOffset = None,
) -> LogLine:
    """Get where a line stands: the one with a number, or the one that holds a byte."""
    return log_search.line(ctx, ref, number=line, offset=offset)


@router.get("/tracebacks", responses=_RESPONSES)
def tracebacks(
    ctx: ContextDep,
    ref: LogDep,
    limit: Annotated[int, Query(ge=1, le=200, description="How many to list.")] = 50,
) -> Tracebacks:
    """Find Python's tracebacks in a log, each with the line that says what went wrong."""
    return log_search.find_tracebacks(ctx, ref, limit)


@router.get("/pieces", responses=_RESPONSES)
def pieces(
    ctx: ContextDep,
    ref: LogDep,
    offset: Offset = 0,
    length: Annotated[int, Query(ge=1, le=2**53, description="Bytes; at most 1 MiB is told.")] = 65536,
) -> LogPieces:
    """Get which stream wrote a range of stdout.log, and when it arrived."""
    return log_search.pieces(ctx, ref, offset, length)
