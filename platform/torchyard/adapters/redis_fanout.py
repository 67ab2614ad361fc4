"""Wake-ups between the platform's processes, over Redis publish/subscribe."""

import json
import threading
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from torchyard.adapters.local_fanout import LocalFanout

log = structlog.get_logger()

CHANNEL = "torchyard.wake"
#: Topics that wait to be published; with more than that, one message wakes everybody instead.
MAX_PENDING = 1000
#: Seconds between two tries to reach Redis: the first, and the longest.
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 5.0
#: Seconds the listener waits for a message before it looks whether it is to stop.
_LISTEN_SECONDS = 1.0
#: Seconds between two messages: a busy topic is many wake-ups and few messages.
_PAUSE = 0.002
#: The same while nobody else listens: whoever joins meanwhile is told that much later, once.
_PAUSE_ALONE = 0.1
#: Seconds that closing waits for threads which wait for Redis.
_CLOSE_SECONDS = 1.0


class RedisFanout:
    """A `Fanout` for a platform of several processes.

    Followers in this process are woken at once, whether Redis is there or not. What others may have missed
    while Redis was away is made up for by waking everybody once it is back.
    """

    def __init__(self, broker_url: str) -> None:
        self._local = LocalFanout()
        self._origin = uuid4().hex
        self._redis = Redis.from_url(
            broker_url,
            socket_connect_timeout=2,
            socket_timeout=5,
            health_check_interval=25,
            retry=Retry(
                NoBackoff(), 0
            ),  # the threads try again themselves, and can be stopped while they wait
        )
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._pending: set[str] = set()
        self._wake_everybody = False
        self._threads = [
            threading.Thread(target=self._persist, args=(work,), name=name, daemon=True)
            for work, name in ((self._publish, "fanout-publisher"), (self._listen, "fanout-listener"))
        ]
        for thread in self._threads:
            thread.start()

    def wake(self, topic: str) -> None:
        """Wake the followers of `topic`; from any thread, never waiting for the network."""
        self._local.wake(topic)
        with self._changed:
            if len(self._pending) < MAX_PENDING:
                self._pending.add(topic)
            else:
                self._wake_everybody = True
            self._changed.notify()

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, from any thread, at each wake-up of `topic`.

        Returns:
            A function that ends the subscription.
        """
        return self._local.subscribe(topic, callback)

    def close(self) -> None:
        """Stop the threads and end all subscriptions."""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        deadline = time.monotonic() + _CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))
        self._redis.close()
        self._local.close()

    def _persist(self, work: Callable[[], None]) -> None:
        """Do a thread's work, again and again after errors, until closed."""
        delay = _FIRST_DELAY
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                work()
            except (RedisError, OSError) as problem:
                if time.monotonic() - began > _LONGEST_DELAY:
                    delay = _FIRST_DELAY  # it worked for a while
                if delay == _FIRST_DELAY:
                    log.warning("fanout_disconnected", work=work.__name__, problem=str(problem))
            except Exception:
                log.exception("fanout_failed", work=work.__name__)
            self._closing.wait(delay)
            delay = min(delay * 2, _LONGEST_DELAY)

    def _publish(self) -> None:
        """Publish what is pending, until closed."""
        try:
            while not self._closing.is_set():
                listening = self._send(self._take())
                self._closing.wait(_PAUSE if listening > 1 else _PAUSE_ALONE)
            self._send([])  # releases the listener
        except RedisError:
            with self._changed:
                self._wake_everybody = True
            raise

    def _take(self) -> list[str] | None:
        """Wait for topics to publish; None stands for all of them."""
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._wake_everybody or self._closing.is_set())
            topics = None if self._wake_everybody else list(self._pending)
            self._pending.clear()
            self._wake_everybody = False
            return topics

    def _send(self, topics: list[str] | None) -> int:
        """Publish; how many platforms listen, this one included."""
        return int(self._redis.publish(CHANNEL, json.dumps([self._origin, topics])))

    def _listen(self) -> None:
        """Wake followers as other processes say, until closed."""
        with self._redis.pubsub() as subscription:  # type: ignore[no-untyped-call]
            subscription.subscribe(CHANNEL)
            while not self._closing.is_set():
                message = subscription.get_message(timeout=_LISTEN_SECONDS)
                if message is None:
                    continue
                if message["type"] == "subscribe":
                    self._local.wake_all()  # whatever was said before is lost
                elif message["type"] == "message":
                    self._receive(message["data"])

    def _receive(self, data: bytes) -> None:
        try:
            origin, topics = json.loads(data)
        except (ValueError, TypeError):
            log.warning("fanout_message_unreadable", size=len(data))
            return
        if origin == self._origin:
            return
        if topics is None:
            self._local.wake_all()
        for topic in topics or []:
            self._local.wake(topic)
