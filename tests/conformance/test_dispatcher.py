"""What every dispatcher does: recorded, and over a real broker."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import redis
from tests.servers import ValkeyServer

from torchyard.adapters.celery_dispatcher import CeleryDispatcher
from torchyard.contracts import topics
from torchyard.errors import Unavailable
from torchyard.ports import Dispatcher
from torchyard.testing import RecordingDispatcher, Sent


@dataclass
class Bench:
    """A dispatcher, what arrived at a queue, and how to take the broker away and give it back."""

    dispatcher: Dispatcher
    arrived: Callable[[str], list[Sent]]
    take_away: Callable[[], None]
    give_back: Callable[[], None]


def recorded() -> Bench:
    dispatcher = RecordingDispatcher()

    def set_available(available: bool) -> None:
        dispatcher.available = available
        dispatcher.sent.clear()

    return Bench(
        dispatcher=dispatcher,
        arrived=lambda queue: [message for message in dispatcher.sent if message.queue == queue],
        take_away=lambda: set_available(False),
        give_back=lambda: set_available(True),
    )


def over_a_broker(server: ValkeyServer) -> Iterator[Bench]:
    dispatcher = CeleryDispatcher(server.url)
    with redis.Redis.from_url(server.url) as client:

        def arrived(queue: str) -> list[Sent]:
            messages = [json.loads(message) for message in reversed(client.lrange(queue, 0, -1))]
            assert all(message["content-type"] == "application/json" for message in messages)
            return [Sent(m["headers"]["task"], queue, m["headers"]["argsrepr"][2:-2]) for m in messages]

        yield Bench(dispatcher, arrived, take_away=server.kill, give_back=server.start)
    dispatcher.close()


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture(params=["recorded", "celery"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "recorded":
        yield recorded()
    else:
        yield from over_a_broker(request.getfixturevalue("server"))


@pytest.fixture
def queue() -> str:
    return topics.worker_queue(str(uuid4()))


def test_messages_arrive_in_their_workers_queue_in_order(bench: Bench, queue: str) -> None:
    other = topics.worker_queue(str(uuid4()))
    first, second = str(uuid4()), str(uuid4())
    bench.dispatcher.run_attempt(queue, first)
    bench.dispatcher.run_attempt(other, second)
    bench.dispatcher.cancel_attempt(queue, first)
    assert bench.arrived(queue) == [
        Sent(topics.RUN_ATTEMPT, queue, first),
        Sent(topics.CANCEL_ATTEMPT, queue, first),
    ]
    assert bench.arrived(other) == [Sent(topics.RUN_ATTEMPT, other, second)]


def test_a_broker_that_is_away_is_told_and_used_again_when_it_is_back(bench: Bench, queue: str) -> None:
    attempt = str(uuid4())
    bench.dispatcher.run_attempt(queue, attempt)
    bench.take_away()
    for _ in range(2):
        with pytest.raises(Unavailable):
            bench.dispatcher.run_attempt(queue, attempt)
        with pytest.raises(Unavailable):
            bench.dispatcher.cancel_attempt(queue, attempt)
    bench.give_back()
    bench.dispatcher.run_attempt(queue, attempt)
    assert bench.arrived(queue) == [Sent(topics.RUN_ATTEMPT, queue, attempt)]


def test_many_threads_send_at_once(bench: Bench, queue: str) -> None:
    attempts = [str(uuid4()) for _ in range(40)]
    threads = [threading.Thread(target=bench.dispatcher.run_attempt, args=(queue, each)) for each in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message.attempt_id for message in bench.arrived(queue)) == sorted(attempts)
