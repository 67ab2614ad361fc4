"""The only asynchronous module: bodies as they come in, and logs as they grow."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Annotated

import anyio.from_thread
from anyio import to_thread
from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect

from torchyard.contracts.jobs import JobEvent
from torchyard.contracts.logs import LogChunk, LogEnd, LogName
from torchyard.contracts.runs import RunEnd, RunEvent
from torchyard.errors import Malformed, UnsupportedMedia
from torchyard.services import jobs, logs, run_views
from torchyard.services.context import Context, job_topic, run_topic
from torchyard.services.logs import LogRef

#: Seconds of silence after which a follower gets a comment, so that neither end takes the line for dead.
PING_SECONDS = 15.0
#: Bytes read from a log at once for a follower that catches up.
_BLOCK = 256 * 1024
#: Events of a run that are read at once for a follower that catches up.
_MAX_EVENTS = 1_000
_PING = ": ping\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class BodyStream:
    """A request's body, to be read once from a worker thread, chunk by chunk."""

    def __init__(self, request: Request) -> None:
        self._chunks = request.stream()

    def __iter__(self) -> Iterator[bytes]:
        """The chunks.

        Raises:
            Malformed: The sender went away before the end.
        """
        while True:
            try:
                chunk = anyio.from_thread.run(anext, self._chunks, None)
            except ClientDisconnect as gone:
                raise Malformed("the upload broke off") from gone
            if chunk is None:
                return
            yield chunk


async def whole_body(request: Request) -> bytes:
    """The request's body, in memory; `BodyLimit` keeps it small."""
    try:
        return await request.body()
    except ClientDisconnect as gone:
        raise Malformed("the upload broke off") from gone


async def form_or_body(request: Request) -> AsyncIterator[FormData | bytes]:
    """The request's multipart form, with its files on disk; the body's bytes if it is something else."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data":
        yield await whole_body(request)
        return
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        # Python's decoders of other names can fail in any way, and make text that is none.
        raise UnsupportedMedia("a form has to be in UTF-8")
    try:
        form = await request.form(max_files=8, max_fields=8)
    except ClientDisconnect as gone:
        raise Malformed("the upload broke off") from gone
    try:
        yield form
    finally:
        await form.close()


def _body_stream(request: Request) -> BodyStream:
    return BodyStream(request)


BodyStreamDep = Annotated[BodyStream, Depends(_body_stream)]
BodyDep = Annotated[bytes, Depends(whole_body)]
FormOrBodyDep = Annotated[FormData | bytes, Depends(form_or_body)]


def follow_log(ctx: Context, ref: LogRef, offset: int) -> StreamingResponse:
    """The log from `offset` on, as it grows, as server-sent events; `id` is the next byte offset."""
    return _events(_log_events(ctx, ref, offset))


def follow_events(ctx: Context, job_id: str, after: int) -> StreamingResponse:
    """The job's events with a number above `after`, as they happen; `id` is the event's number."""
    return _events(_numbered(ctx, job_topic(job_id), partial(_job_events, ctx, job_id), after))


def follow_run(ctx: Context, run_id: str, after: int) -> StreamingResponse:
    """The run's events with a number above `after`, as they happen; `id` is the event's number."""
    return _events(_numbered(ctx, run_topic(run_id), partial(_run_events, ctx, run_id), after))


def _events(frames: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


def _frame(data: str, *, identity: int | None = None, event: str | None = None) -> str:
    # `data` is JSON on one line: nothing a script prints can end the frame or forge another one.
    name = f"event: {event}\n" if event else ""
    number = f"id: {identity}\n" if identity is not None else ""
    return f"{name}{number}data: {data}\n\n"


class _Bell:
    """Rung from any thread; waited for by one follower."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        #: Whether the job may have got another state; asking the database at every line would be too much.
        self.job_changed = True

    def ring(self) -> None:
        # The loop may close while the process stops; nobody is left to be woken then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._rung.set)

    def ring_for_job(self) -> None:
        self.job_changed = True
        self.ring()

    async def wait(self) -> bool:
        """Whether it rang within the time after which a ping is due."""
        try:
            await asyncio.wait_for(self._rung.wait(), PING_SECONDS)
        except TimeoutError:
            # A wake-up from another process may have been lost: look at everything again.
            self.job_changed = True
            return False
        self._rung.clear()
        return True


@contextlib.contextmanager
def _bell(ctx: Context, topic: str, log: str | None = None) -> Iterator[_Bell]:
    bell = _Bell()
    unsubscribe: list[Callable[[], None]] = [ctx.fanout.subscribe(topic, bell.ring_for_job)]
    if log is not None:
        unsubscribe.append(ctx.fanout.subscribe(log, bell.ring))
    try:
        yield bell
    finally:
        for end in unsubscribe:
            end()


async def _log_events(ctx: Context, ref: LogRef, offset: int) -> AsyncIterator[str]:
    ended: LogEnd | None = None
    with _bell(ctx, job_topic(ref.job_id), ref.topic) as bell:
        while True:
            if bell.job_changed:
                bell.job_changed = False
                ended = await to_thread.run_sync(logs.end, ctx, ref)
            chunks = await to_thread.run_sync(_next_chunks, ctx, ref, offset, ended is not None)
            for chunk in chunks:
                offset = chunk.offset + logs.chunk_size(chunk)
                yield _frame(chunk.model_dump_json(exclude_none=True), identity=offset)
            if chunks:
                continue
            if ended is not None:
                yield _frame(ended.model_dump_json(exclude_none=True), event="end")
                return
            if not await bell.wait():
                yield _PING


def _next_chunks(ctx: Context, ref: LogRef, offset: int, final: bool) -> list[LogChunk]:
    return list(logs.chunks(ctx, ref, offset, _BLOCK, final=final))


async def _numbered(
    ctx: Context,
    topic: str,
    read: Callable[[int], tuple[Sequence[JobEvent | RunEvent], LogEnd | RunEnd | None]],
    after: int,
) -> AsyncIterator[str]:
    """Events with a number above `after`, until there is an end; `read` gives some, or the last of them."""
    with _bell(ctx, topic) as bell:
        while True:
            events, ended = await to_thread.run_sync(read, after)
            for event in events:
                after = event.seq
                yield _frame(event.model_dump_json(), identity=event.seq)
            if ended is not None:
                yield _frame(ended.model_dump_json(exclude_none=True), event="end")
                return
            if len(events) < _MAX_EVENTS and not await bell.wait():
                yield _PING


def _job_events(ctx: Context, job_id: str, after: int) -> tuple[list[JobEvent], LogEnd | None]:
    with ctx.db.read() as session:
        ref = logs.locate(session, job_id, LogName.SYSTEM)
    # Asked for before the events are read: the event of the end itself must not be missed.
    ended = logs.end(ctx, ref)
    with ctx.db.read() as session:
        return jobs.events_of(session, job_id, after=after), ended


def _run_events(ctx: Context, run_id: str, after: int) -> tuple[list[RunEvent], RunEnd | None]:
    # As above.
    with ctx.db.read() as session:
        ended = run_views.end(session, run_id)
    with ctx.db.read() as session:
        found = run_views.events_of(session, run_id, after=after, limit=_MAX_EVENTS)
    return found, ended if len(found) < _MAX_EVENTS else None
