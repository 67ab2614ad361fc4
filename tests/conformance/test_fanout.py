"""What every fan-out does: within one process, and over Redis."""

import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from tests.servers import ValkeyServer
from tests.waiting import eventually

from torchyard.adapters.redis_fanout import RedisFanout
from torchyard.ports import Fanout
from torchyard.testing import LocalFanout


@pytest.fixture(params=["local", "redis", "redis that is away"])
def fanout(request: pytest.FixtureRequest) -> Iterator[Fanout]:
    makers: dict[str, Callable[[], Fanout]] = {
        "local": LocalFanout,
        "redis": lambda: RedisFanout(request.getfixturevalue("valkey_url")),
        "redis that is away": lambda: RedisFanout("redis://127.0.0.1:1/0"),
    }
    fanout = makers[request.param]()
    yield fanout
    fanout.close()


@pytest.fixture
def pair(valkey_url: str) -> Iterator[tuple[Fanout, Fanout]]:
    """The fan-outs of two processes of one platform."""
    here, there = RedisFanout(valkey_url), RedisFanout(valkey_url)
    yield here, there
    here.close()
    there.close()


@pytest.fixture
def topic() -> str:
    return f"log/{uuid4()}"


def woken_by(event: threading.Event, wake: Callable[[], None]) -> bool:
    wake()
    return event.wait(0.05)


def test_followers_are_woken_at_once(fanout: Fanout, topic: str) -> None:
    first, second = threading.Event(), threading.Event()
    fanout.subscribe(topic, first.set)
    fanout.subscribe(topic, second.set)
    fanout.wake(topic)
    assert first.is_set()
    assert second.is_set()


def test_a_callback_may_follow_twice_and_stop_once(fanout: Fanout, topic: str) -> None:
    woken: list[str] = []

    def callback() -> None:
        woken.append(topic)

    stop = fanout.subscribe(topic, callback)
    fanout.subscribe(topic, callback)
    stop()
    stop()
    fanout.wake(topic)
    assert woken


def test_after_the_end_of_a_subscription_nothing_comes(fanout: Fanout, topic: str) -> None:
    woken: list[str] = []
    stop = fanout.subscribe(topic, lambda: woken.append(topic))
    stop()
    fanout.wake(topic)
    assert woken == []


def test_a_wake_up_nobody_waits_for_is_fine(fanout: Fanout, topic: str) -> None:
    fanout.wake(topic)


def test_a_follower_that_fails_harms_nobody(fanout: Fanout, topic: str) -> None:
    woken = threading.Event()

    def fail() -> None:
        raise RuntimeError("the event loop is closed")

    fanout.subscribe(topic, fail)
    fanout.subscribe(topic, woken.set)
    fanout.wake(topic)
    assert woken.is_set()


def test_a_follower_may_subscribe_and_stop_while_it_is_woken(fanout: Fanout, topic: str) -> None:
    woken = threading.Event()
    stops: list[Callable[[], None]] = []

    def callback() -> None:
        stops.pop()()
        fanout.subscribe(topic, woken.set)

    stops.append(fanout.subscribe(topic, callback))
    fanout.wake(topic)
    fanout.wake(topic)
    assert woken.is_set()


def test_other_processes_are_woken(pair: tuple[Fanout, Fanout], topic: str) -> None:
    here, there = pair
    woken = threading.Event()
    there.subscribe(topic, woken.set)
    eventually(lambda: woken_by(woken, lambda: here.wake(topic)))


def test_many_topics_at_once_reach_other_processes(pair: tuple[Fanout, Fanout], topic: str) -> None:
    here, there = pair
    events = {f"{topic}/{number}": threading.Event() for number in range(3000)}
    for each, event in events.items():
        there.subscribe(each, event.set)

    def wake() -> bool:
        for each in events:
            here.wake(each)
        return all(event.wait(0.2) for event in events.values())

    eventually(wake)


def test_after_redis_was_away_followers_are_woken_for_what_they_missed(topic: str) -> None:
    with ValkeyServer() as server:
        here, there = RedisFanout(server.url), RedisFanout(server.url)
        woken, missed = threading.Event(), threading.Event()
        there.subscribe(topic, woken.set)
        eventually(lambda: woken_by(woken, lambda: here.wake(topic)))
        server.kill()
        there.subscribe(f"{topic}/missed", missed.set)
        here.wake(f"{topic}/missed")
        server.start()
        assert missed.wait(20)
        woken.clear()
        eventually(lambda: woken_by(woken, lambda: here.wake(topic)))
        here.close()
        there.close()


def test_closing_does_not_wait_for_a_redis_that_does_not_answer(topic: str) -> None:
    before = threading.active_count()
    with ValkeyServer() as server:
        here = RedisFanout(server.url)
        woken = threading.Event()
        here.subscribe(topic, woken.set)
        with server.frozen():
            here.wake(topic)
            assert woken.is_set()
            here.close()
    eventually(lambda: threading.active_count() == before)
