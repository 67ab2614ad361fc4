"""A job's logs: whole, by range, and as they grow. A position is a byte offset everywhere."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse

from torchyard import errors
from torchyard.api import ranges
from torchyard.api.dependencies import AttemptNumber, ContextDep, FeedsDep, JobId, UserDep
from torchyard.api.problems import responses
from torchyard.contracts.logs import LogName
from torchyard.services import logs
from torchyard.services.context import Context
from torchyard.services.logs import LogRef

router = APIRouter(prefix="/jobs/{job_id}/logs", tags=["logs"])

_BLOCK = 256 * 1024
_BYTES = {"text/plain": {"schema": {"type": "string", "format": "binary"}}}
RangeHeader = Annotated[
    str | None, Header(description="One range of bytes, as `bytes=0-99`, `bytes=100-` or `bytes=-50`.")
]


def _located(
    ctx: ContextDep, _user: UserDep, job_id: JobId, name: LogName, attempt: AttemptNumber = None
) -> LogRef:
    with ctx.db.read() as session:
        return logs.locate(session, job_id, name, attempt)


LogDep = Annotated[LogRef, Depends(_located)]


@router.get(
    "/{name}",
    response_class=Response,
    responses={
        200: {"content": _BYTES, "description": "The whole log, as far as it was written."},
        206: {"content": _BYTES, "description": "The range."},
        **responses(errors.NotFound, errors.RangeNotSatisfiable, errors.InvalidInput),
    },
)
def get(ctx: ContextDep, ref: LogDep, range: RangeHeader = None) -> Response:  # noqa: A002 - the header's name
    """Get a log, whole or one range of it."""
    size = logs.size(ctx, ref)
    part = ranges.wanted(range, size)
    start, length = part or (0, size)
    return ranges.file_response(
        _blocks(ctx, ref, start, start + length),
        name=ref.name,
        media_type="text/plain; charset=utf-8",
        size=size,
        part=part,
    )


@router.get(
    "/{name}/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "`data` is a LogChunk, `id` the next byte offset; at last `end`, a LogEnd. "
            "Behind the log's present end, only what is still to come is told.",
        },
        **responses(errors.NotFound, errors.InvalidInput),
    },
)
async def stream(
    feeds: FeedsDep,
    ref: LogDep,
    offset: Annotated[int, Query(ge=0, le=2**53, description="The first byte wanted.")] = 0,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**53, description="As `offset`; sent by a browser that reconnects.")
    ] = None,
) -> StreamingResponse:
    """Follow a log from a byte offset on, until it ends."""
    return feeds.follow(ref, offset if last_event_id is None else last_event_id)


def _blocks(ctx: Context, ref: LogRef, start: int, stop: int) -> Iterator[bytes]:
    while start < stop and (block := logs.read(ctx, ref, start, min(_BLOCK, stop - start))):
        yield block
        start += len(block)
