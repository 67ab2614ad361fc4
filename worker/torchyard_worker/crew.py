"""Threads that work for one other, which may leave at any time."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

Work = TypeVar("Work")

#: Seconds between two looks of the one that waits.
_LOOK_SECONDS = 0.1


class Abandoned(Exception):
    """Nobody waits for this any more."""


class Crew(Generic[Work]):
    """Threads; a context manager, whose end waits for none of them that only waits for others itself."""

    def __init__(self, threads: int, name: str) -> None:
        """Start nothing yet.

        Args:
            threads: The most at once.
            name: What the threads are called.
        """
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._inside = 0

    def __enter__(self) -> "Crew[Work]":
        return self

    def __exit__(self, *_: object) -> None:
        """Leave; threads that wait for something end when it comes."""
        with self._changed:
            self._stopped.set()
            self._changed.wait_for(lambda: not self._inside)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def each(self, calls: Iterable[Callable[[], Work]], look: Callable[[], None]) -> Iterator[Work]:
        """The calls' results as they come; the first exception ends it.

        Args:
            calls: What is to be done.
            look: Called between results, and several times a second; what it raises ends it.
        """
        done: queue.SimpleQueue[Future[Work]] = queue.SimpleQueue()
        left = 0
        for call in calls:
            self._pool.submit(call).add_done_callback(done.put)
            left += 1
        while left:
            look()
            try:
                future = done.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            left -= 1
            yield future.result()

    def pause(self, seconds: float = 0.0) -> None:
        """Have a thread wait.

        Raises:
            Abandoned: The one it works for has left.
        """
        if self._stopped.wait(seconds) if seconds else self._stopped.is_set():
            raise Abandoned

    @contextmanager
    def inside(self) -> Iterator[None]:
        """What a thread does while this lasts is waited for by the one it works for; it has to be quick.

        Raises:
            Abandoned: The one it works for has left.
        """
        with self._changed:
            self.pause()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()
