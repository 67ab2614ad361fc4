"""How often and how long something flaky is tried again."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torchyard.contracts.sayings import say
from torchyard.errors import DependencyFailed
from torchyard_worker.wording import in_seconds, message_of

Answer = TypeVar("Answer")


def _nobody(_number: int, _sentence: str) -> None:
    """Hears of nothing."""


@dataclass(frozen=True)
class Patience:
    """Tries of one request or object, with growing delays that are not in step with others'.

    Attributes:
        tries: The most.
        seconds: From the first try to the start of the last one, at most.
        first_delay: Seconds between the first two, at most; four times as many after each.
        tell: Told, by the thread that will wait, which try has failed, and in a sentence why and for how long
            it waits.
    """

    tries: int = 5
    seconds: float = 600.0
    first_delay: float = 1.0
    tell: Callable[[int, str], None] = _nobody

    def persist(
        self,
        call: Callable[[], Answer],
        passing: tuple[type[Exception], ...],
        pause: Callable[[float], None],
        uri: str,
    ) -> Answer:
        """What `call` gives, asked again after failures that may pass.

        Args:
            call: What is tried.
            passing: Failures that may pass.
            pause: Waits so many seconds, or raises.
            uri: What it is about, for people.

        Raises:
            DependencyFailed: `dependency_unavailable`: they did not pass.
        """
        end, delay = time.monotonic() + self.seconds, self.first_delay
        for number in range(1, self.tries + 1):
            try:
                return call()
            except passing as problem:
                facts = {"problem": message_of(problem), "uri": uri, "number": number}
                wait = delay * random.uniform(0.5, 1.0)  # noqa: S311 - keeps no secret
                if number == self.tries or time.monotonic() + wait > end:
                    tried = say("tried_often" if number > 1 else "tried_once", **facts)
                    raise DependencyFailed(tried) from problem
                self.tell(number, say("fetch_pauses", **facts, pause=in_seconds(wait)))
            pause(wait)
            delay *= 4
        raise AssertionError("at least one try is made")


class Setbacks:
    """What one fetch waits for, of many requests at once: the first that fails is news, and others are not.

    One that has failed more often than any before it is news again, since the waits grow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._most = 0
        self._news: list[str] = []

    def note(self, number: int, sentence: str) -> None:
        """A try with this number has failed; for any thread."""
        with self._lock:
            if number > self._most:
                self._most = number
                self._news.append(sentence)

    def news(self) -> list[str]:
        """Sentences that were not given before."""
        with self._lock:
            news, self._news = self._news, []
            return news
