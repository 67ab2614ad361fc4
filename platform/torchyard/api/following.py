"""What goes on, as it happens: logs as they grow and the events of jobs and runs, as server-sent events.

A log is read once for all who follow it: a `_Feed` keeps what came last as finished frames, and a follower
only notes how far it got. One that begins further back, or does not keep up, reads what it lacks by itself:
nothing is buffered for it.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

from anyio import to_thread
from fastapi.responses import StreamingResponse

from torchyard.contracts.jobs import JobEvent
from torchyard.contracts.logs import LogEnd, LogName
from torchyard.contracts.runs import RunEnd, RunEvent
from torchyard.services import jobs, logs, run_views
from torchyard.services.context import Context, job_topic, run_topic
from torchyard.services.logs import LogRef

#: Seconds of silence after which a follower gets a comment, so that neither end takes the line for dead.
PING_SECONDS = 15.0
#: Bytes read from a log at once.
_BLOCK = 256 * 1024
#: Bytes of a log that are kept for those who follow it.
_KEPT = 4 * _BLOCK
#: Events of a run that are read at once for a follower that catches up.
_MAX_EVENTS = 1_000
_PING = b": ping\n\n"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def follow_events(ctx: Context, job_id: str, after: int) -> StreamingResponse:
    """The job's events with a number above `after`, as they happen; `id` is the event's number."""
    return _events(_numbered(ctx, job_topic(job_id), partial(_job_events, ctx, job_id), after))


def follow_run(ctx: Context, run_id: str, after: int) -> StreamingResponse:
    """The run's events with a number above `after`, as they happen; `id` is the event's number."""
    return _events(_numbered(ctx, run_topic(run_id), partial(_run_events, ctx, run_id), after))


def _events(frames: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


def _event(data: str, *, identity: int | None = None, name: str | None = None) -> bytes:
    # `data` is JSON on one line: nothing a script prints can end the frame or forge another one.
    kind = f"event: {name}\n" if name else ""
    number = f"id: {identity}\n" if identity is not None else ""
    return f"{kind}{number}data: {data}\n\n".encode()


class _Bell:
    """Rung from any thread; waited for by one task."""

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


class _Frame(NamedTuple):
    """A part of a log as it is sent; `stop` is the byte behind it."""

    stop: int
    content: bytes


class _Feed:
    """One log as it grows, read for all who follow it on one event loop.

    Attributes:
        head: The byte up to which it was read; no character is cut there that is whole by now. -1 until the
            feed has begun, at what was the log's end then.
        ended: How the log ended, once all of it was read.
        followers: How many there are.
    """

    def __init__(self, ctx: Context, ref: LogRef) -> None:
        self.head = -1
        self.ended: LogEnd | None = None
        self.followers = 0
        self._ctx = ctx
        self._ref = ref
        self._kept: deque[_Frame] = deque()
        self._kept_bytes = 0
        self._first = 0
        self._sleeping: set[asyncio.Future[bool]] = set()
        self._slept = asyncio.Event()
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(self._done)

    @property
    def broken(self) -> bool:
        """Whether it will bring nothing more although the log has not ended."""
        return self._task.done() and self.ended is None

    @property
    def next(self) -> int:
        """The number of the frame that will be read next."""
        return self._first + len(self._kept)

    def since(self, number: int) -> list[_Frame] | None:
        """The frames from this number on; None if the first of them is not kept any more."""
        if number < self._first:
            return None
        return list(islice(self._kept, number - self._first, None))

    async def news(self) -> bool:
        """Wait until something has changed; False if nothing did for so long that a ping is due.

        Raises:
            Unavailable: The log can't be read now.
        """
        if self.broken:
            self._task.result()
        sleeper: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._sleeping.add(sleeper)
        self._slept.set()
        try:
            return await sleeper
        finally:
            self._sleeping.discard(sleeper)

    def stop(self) -> None:
        """Read no more."""
        self._task.cancel()

    async def _read(self) -> None:
        ctx, ref = self._ctx, self._ref
        ended: LogEnd | None = None
        with _bell(ctx, job_topic(ref.job_id), ref.topic) as bell:
            while True:
                if bell.job_changed:
                    bell.job_changed = False
                    ended = await to_thread.run_sync(logs.end, ctx, ref)
                if self.head < 0:
                    present = logs.whole_size if ended is None else logs.size
                    self.head = await to_thread.run_sync(present, ctx, ref)
                    self._wake(news=True)
                frames = await to_thread.run_sync(_frames, ctx, ref, self.head, _BLOCK, ended is not None)
                if frames:
                    self._keep(frames)
                    self._slept.clear()
                    self._wake(news=True)
                    # Not faster than the fastest of them; for more than one, lines come together meanwhile.
                    await self._slept.wait()
                elif ended is not None:
                    self.ended = ended
                    return
                elif not await bell.wait():
                    self._wake(news=False)

    def _keep(self, frames: list[_Frame]) -> None:
        self._kept += frames
        self._kept_bytes += sum(len(frame.content) for frame in frames)
        while self._kept_bytes > _KEPT and len(self._kept) > len(frames):
            self._kept_bytes -= len(self._kept.popleft().content)
            self._first += 1
        self.head = frames[-1].stop

    def _wake(self, *, news: bool) -> None:
        for sleeper in self._sleeping:
            if not sleeper.done():
                sleeper.set_result(news)

    def _done(self, task: asyncio.Task[None]) -> None:
        problem = None if task.cancelled() else task.exception()
        if problem is None:
            self._wake(news=True)
            return
        for sleeper in self._sleeping:
            if not sleeper.done():
                sleeper.set_exception(problem)


class Feeds:
    """The logs that somebody follows, each read once."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._feeds: dict[tuple[asyncio.AbstractEventLoop, LogRef], _Feed] = {}

    def follow(self, ref: LogRef, offset: int) -> StreamingResponse:
        """The log from `offset` on, as it grows, as server-sent events; `id` is the next byte offset."""
        return _events(self._frames(ref, offset))

    @contextlib.contextmanager
    def _joined(self, ref: LogRef) -> Iterator[_Feed]:
        key = asyncio.get_running_loop(), ref
        feed = self._feeds.get(key)
        if feed is None or feed.broken:
            feed = self._feeds[key] = _Feed(self._ctx, ref)
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                feed.stop()
                if self._feeds.get(key) is feed:
                    del self._feeds[key]

    async def _frames(self, ref: LogRef, offset: int) -> AsyncIterator[bytes]:
        number: int | None = None  # of the next frame wanted, once this follower has caught up with the feed
        with self._joined(ref) as feed:
            while True:
                if offset == feed.head and number is None:
                    number = feed.next
                if number is not None:
                    frames = feed.since(number)
                    number = None if frames is None else number + len(frames)
                else:
                    frames = await self._lacking(ref, offset, feed.head)
                if frames:
                    offset = frames[-1].stop
                    yield b"".join(frame.content for frame in frames)
                elif frames is not None and feed.ended is not None:
                    yield _event(feed.ended.model_dump_json(exclude_none=True), name="end")
                    return
                elif frames is not None and not await feed.news():
                    yield _PING

    async def _lacking(self, ref: LogRef, offset: int, head: int) -> list[_Frame]:
        """Some of what the feed had read before."""
        if offset >= head:
            return []
        length = min(_BLOCK, head - offset)
        return await to_thread.run_sync(_frames, self._ctx, ref, offset, length, offset + length == head)


def _frames(ctx: Context, ref: LogRef, offset: int, length: int, final: bool) -> list[_Frame]:
    return [
        _Frame(stop, _event(chunk.model_dump_json(exclude_none=True), identity=stop))
        for chunk in logs.chunks(ctx, ref, offset, length, final=final)
        for stop in [chunk.offset + logs.chunk_size(chunk)]
    ]


async def _numbered(
    ctx: Context,
    topic: str,
    read: Callable[[int], tuple[Sequence[JobEvent | RunEvent], LogEnd | RunEnd | None]],
    after: int,
) -> AsyncIterator[bytes]:
    """Events with a number above `after`, until there is an end; `read` gives some, or the last of them."""
    with _bell(ctx, topic) as bell:
        while True:
            events, ended = await to_thread.run_sync(read, after)
            for event in events:
                after = event.seq
                yield _event(event.model_dump_json(), identity=event.seq)
            if ended is not None:
                yield _event(ended.model_dump_json(exclude_none=True), name="end")
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
