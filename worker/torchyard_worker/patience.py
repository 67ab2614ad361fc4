"""How often and how long something flaky is tried again."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torchyard.errors import DependencyFailed

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """Tries of one request or object, with growing delays that are not in step with others'.

    Attributes:
        tries: The most.
        seconds: From the first try to the start of the last one, at most.
        first_delay: Seconds between the first two, at most; four times as many after each.
    """

    tries: int = 5
    seconds: float = 600.0
    first_delay: float = 1.0

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
                wait = delay * random.uniform(0.5, 1.0)  # noqa: S311 - keeps no secret
                if number == self.tries or time.monotonic() + wait > end:
                    times = f"{number} times" if number > 1 else "once"
                    raise DependencyFailed(f"{problem}, tried {times}: {uri}") from problem
            pause(wait)
            delay *= 4
        raise AssertionError("at least one try is made")
