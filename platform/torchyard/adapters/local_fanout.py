"""Wake-ups within one process."""

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger()


class LocalFanout:
    """A `Fanout` for a platform of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: dict[str, dict[object, Callable[[], None]]] = {}

    def wake(self, topic: str) -> None:
        """Wake the followers of `topic`, from this thread."""
        with self._lock:
            callbacks = list(self._followers.get(topic, {}).values())
        _call(topic, callbacks)

    def wake_all(self) -> None:
        """Wake the followers of every topic: some wake-ups may have been lost."""
        with self._lock:
            topics = list(self._followers)
        for topic in topics:
            self.wake(topic)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called, from any thread, at each wake-up of `topic`.

        Returns:
            A function that ends the subscription.
        """
        key = object()
        with self._lock:
            self._followers.setdefault(topic, {})[key] = callback

        def end() -> None:
            with self._lock:
                followers = self._followers.get(topic, {})
                followers.pop(key, None)
                if not followers:
                    self._followers.pop(topic, None)

        return end

    def close(self) -> None:
        """End all subscriptions."""
        with self._lock:
            self._followers.clear()


def _call(topic: str, callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:  # a follower that fails must not harm the others, nor whoever woke them
            log.exception("fanout_callback_failed", topic=topic)
