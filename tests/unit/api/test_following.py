"""Logs as they grow, for many at once: each byte once, and the log read once."""

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from tests.factories import attempt_id, claim, finish, register, submit

from torchyard.api.following import Feeds
from torchyard.contracts.jobs import Job
from torchyard.contracts.logs import LogName, Piece, StoredName, Stream
from torchyard.errors import Unavailable
from torchyard.services import logs, scheduling
from torchyard.services.context import Context
from torchyard.services.logs import LogRef
from torchyard.storage.tables import WorkerRow
from torchyard.testing import MemoryLogs

T = TypeVar("T")


def awaited(work: Coroutine[Any, Any, T]) -> T:
    """What it gives, in a thread of its own: in this one a browser's tests may have left a loop running."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


class CountingLogs(MemoryLogs):
    """Counts how often it is read, and fails as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.fails = False

    def read(self, attempt_id: str, name: StoredName, offset: int, length: int) -> bytes:
        self.reads += 1
        if self.fails:
            raise Unavailable("the disk is away")
        return super().read(attempt_id, name, offset, length)


class Printing:
    """A job whose script prints what it is told to."""

    def __init__(self, ctx: Context) -> None:
        self.store = CountingLogs()
        self.ctx = dataclasses.replace(ctx, logs=self.store)
        self.worker: WorkerRow
        self.worker, _ = register(self.ctx)
        self.job: Job = submit(self.ctx)
        scheduling.schedule(self.ctx)
        self.attempt = attempt_id(self.ctx, self.job)
        claim(self.ctx, self.worker, self.attempt)
        self.ref = LogRef(self.job.id, self.attempt, 1, LogName.STDOUT)
        self.feeds = Feeds(self.ctx)
        self.size = 0

    def says(self, data: bytes, stream: Stream = Stream.STDOUT) -> None:
        pieces = [Piece(self.size, stream, 1)]
        self.size = logs.append(self.ctx, self.attempt, LogName.STDOUT, self.size, data, pieces)

    def ends(self) -> None:
        finish(self.ctx, self.worker, self.attempt, exit_code=0)

    def follow(self, offset: int = 0) -> AsyncIterator[bytes]:
        iterator = self.feeds.follow(self.ref, offset).body_iterator
        assert isinstance(iterator, AsyncIterator)
        return iterator


@pytest.fixture
def printing(ctx: Context) -> Printing:
    return Printing(ctx)


def told(frames: bytes) -> bytes:
    """The bytes of the log in some frames, which have to follow each other without a gap."""
    content, end = b"", None
    for frame in frames.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines())
        if "id" not in fields:
            continue
        chunk = json.loads(fields["data"])
        part = chunk["text"].encode() if "text" in chunk else base64.b64decode(chunk["base64"])
        assert chunk["offset"] == end or end is None
        end = chunk["offset"] + len(part)
        assert int(fields["id"]) == end
        content += part
    return content


async def whole(follower: AsyncIterator[bytes]) -> bytes:
    frames = b"".join([part async for part in follower])
    assert frames.split(b"\n\n")[-2].startswith(b"event: end\n")
    return told(frames)


def test_whoever_comes_when_and_from_where_gets_each_byte_once(printing: Printing) -> None:
    text = "".join(f"épàch {number} 🔥\n" for number in range(400)).encode() + b"\xff\xf0\x9f"

    async def main() -> list[tuple[int, bytes]]:
        followers: dict[int, asyncio.Task[bytes]] = {}
        for start in range(0, len(text), 7):  # characters are cut everywhere
            if start % 3 == 0:
                at = start // 2
                followers[at] = asyncio.create_task(whole(printing.follow(at)))
            stream = Stream.STDERR if start % 5 == 0 else Stream.STDOUT
            await asyncio.to_thread(printing.says, text[start : start + 7], stream)
        followers[len(text)] = asyncio.create_task(whole(printing.follow(len(text))))
        followers[3 * len(text)] = asyncio.create_task(whole(printing.follow(3 * len(text))))
        await asyncio.to_thread(printing.ends)
        return [(at, await follower) for at, follower in followers.items()]

    for at, content in awaited(main()):
        assert content == text[at:]


def test_a_log_is_read_once_for_all_who_follow_it(printing: Printing) -> None:
    async def main() -> int:
        followers = [printing.follow() for _ in range(100)]
        waiting = [asyncio.ensure_future(anext(follower)) for follower in followers]
        for number in range(10):
            before = printing.store.reads
            await asyncio.to_thread(printing.says, b"line %d\n" % number)
            for part in await asyncio.gather(*waiting):
                assert told(part) == b"line %d\n" % number
            waiting = [asyncio.ensure_future(anext(follower)) for follower in followers]
        await asyncio.to_thread(printing.ends)
        assert all(b"event: end\n" in part for part in await asyncio.gather(*waiting))
        return printing.store.reads - before

    assert awaited(main()) < 10


def test_one_that_does_not_keep_up_reads_what_it_lacks(printing: Printing) -> None:
    line = b"x" * 99 + b"\n"

    async def main() -> tuple[bytes, bytes]:
        slow, fast = printing.follow(), printing.follow()
        await asyncio.to_thread(printing.says, line)
        seen = [await anext(slow)]
        keeping_up = asyncio.create_task(whole(fast))
        for _ in range(30):
            await asyncio.to_thread(printing.says, line * 1000)
        await asyncio.to_thread(printing.ends)
        return await keeping_up, told(b"".join([*seen, *[part async for part in slow]]))

    fast, slow = awaited(main())
    assert fast == slow == line * 30_001


def test_a_log_that_can_t_be_read_ends_the_streams_and_not_the_next_ones(printing: Printing) -> None:
    async def main() -> bytes:
        followers = [printing.follow() for _ in range(3)]
        waiting = [asyncio.ensure_future(anext(follower)) for follower in followers]
        await asyncio.to_thread(printing.says, b"one\n")
        await asyncio.gather(*waiting)
        waiting = [asyncio.ensure_future(anext(follower)) for follower in followers]
        printing.store.fails = True
        await asyncio.to_thread(printing.says, b"two\n")
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in found] == [Unavailable] * 3
        printing.store.fails = False
        await asyncio.to_thread(printing.ends)
        return await whole(printing.follow())

    assert awaited(main()) == b"one\ntwo\n"
