"""The attempts this process has in hand, and what other threads want done about them."""

import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from torchyard.contracts.runner import Cause
from torchyard.errors import AttemptStale, Unauthenticated, Unavailable
from torchyard_worker.launching import Shim
from torchyard_worker.shim import fence
from torchyard_worker.waiting import readable

log = structlog.get_logger()

Answer = TypeVar("Answer")

#: Seconds before the platform is asked again, at first and at most.
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0
#: Seconds between two looks whether the platform was heard of.
_CONTACT_PAUSE = 0.1


class Detached(Exception):
    """The worker stops and leaves the attempt to its shim."""


class Stopped(Exception):
    """The attempt is to end before its script was started."""

    def __init__(self, wish: "StopWish") -> None:
        super().__init__(wish.cause)
        self.wish = wish


@dataclass(frozen=True)
class StopWish:
    """That an attempt is to end.

    Attributes:
        cause: Why.
        grace_seconds: Most time between SIGTERM and SIGKILL; the job's own if None.
    """

    cause: Cause
    grace_seconds: float | None = None


class HeldAttempt:
    """One attempt; its own thread runs it, others leave their wishes here.

    Attributes:
        id: The attempt's id.
        claimed: Whether the platform says that it is ours.
    """

    def __init__(self, attempt_id: str, confirmed_at: float) -> None:
        self.id = attempt_id
        self.claimed = False
        self._confirmed_at = confirmed_at
        self._fenced: Path | None = None
        self._lock = threading.Lock()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._abandoned = self._detached = self._launched = False
        self._wish: StopWish | None = None
        self._shim: Shim | None = None

    def fileno(self) -> int:
        """Becomes readable when somebody has a wish."""
        return self._wake

    def stop(self, wish: StopWish) -> None:
        """Have the script ended, or not started."""
        with self._lock:
            self._wish = wish
            if self._shim is not None:
                self._shim.stop(wish.cause, wish.grace_seconds)
        self._ring()

    def abandon(self) -> None:
        """Kill the script and forget the attempt: it is not this worker's any more."""
        self._abandoned = True
        self.stop(StopWish(Cause.WORKER_LOST, 0))

    def detach(self) -> None:
        """Let go of the attempt, and leave its script running."""
        self._detached = True
        self._ring()

    def wait_for_contact(self, seconds: float) -> None:
        """Wait until the platform has confirmed the attempt within the last `seconds`.

        Raises:
            AttemptStale: It was abandoned.
            Detached: The worker stops.
            Stopped: It is to end, and the script was not started yet.
        """
        while fence.now() - self._confirmed_at > seconds:
            self.pause(_CONTACT_PAUSE)

    def fence(self, directory: Path) -> None:
        """From now on, what is confirmed is written down for the shim in the attempt's directory.

        Raises:
            OSError: No space.
        """
        with self._lock:
            self._fenced = directory
            fence.begin(str(directory), self._confirmed_at)

    def confirm(self, at: float) -> None:
        """A heartbeat that told of the attempt was answered; `at` is when it was sent."""
        with self._lock:
            self._confirmed_at = at
            if self._fenced is None:
                return
            try:
                fence.renew(str(self._fenced), at)
            except OSError as problem:  # it is being removed; else the fence will do what it is for
                log.info("fence_not_renewed", attempt=self.id, reason=problem.strerror)

    def lift_fence(self, directory: Path) -> None:
        """From now on, the script in the directory may run on for as long as the platform is away.

        Raises:
            OSError: No space.
        """
        with self._lock:
            self._fenced = None
            fence.begin(str(directory), fence.LIFTED)

    def attach(self, shim: Shim) -> None:
        """From now on the script is the shim's, and so are wishes to stop it."""
        with self._lock:
            self._shim, self._launched = shim, True
            if self._wish is not None:
                shim.stop(self._wish.cause, self._wish.grace_seconds)

    def past_launch(self) -> None:
        """From now on there is nothing to be stopped."""
        with self._lock:
            shim, self._shim, self._launched = self._shim, None, True
        if shim is not None:
            shim.close()

    def check(self) -> None:
        """Go on only if nobody wants otherwise.

        Raises:
            AttemptStale: It was abandoned.
            Detached: The worker stops.
            Stopped: It is to end, and the script was not started yet.
        """
        if self._abandoned:
            raise AttemptStale
        if self._detached:
            raise Detached
        if self._wish is not None and not self._launched:
            raise Stopped(self._wish)

    @property
    def detached(self) -> bool:
        """Whether the worker lets go of it."""
        return self._detached

    def pause(self, seconds: float) -> None:
        """Wait, unless somebody wants otherwise; then as `check`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and readable(self._wake, seconds=left):
            self.quiet()
            self.check()
        self.check()

    def quiet(self) -> None:
        """Take note of having been woken."""
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return

    def persist(self, what: str, call: Callable[[], Answer]) -> Answer:
        """What `call` gives, asked again at growing intervals for as long as the platform is away.

        Raises:
            AttemptStale: The attempt was abandoned.
            Detached: The worker stops.
            Stopped: It is to end, and the script was not started yet.
        """
        delays = growing_delays()
        while True:
            self.check()
            try:
                return call()
            except (Unavailable, Unauthenticated) as problem:  # the heartbeat registers again
                delay = next(delays)
                log.warning(
                    "platform_away", attempt=self.id, call=what, reason=problem.message, again_in=delay
                )
                self.pause(delay)

    def close(self) -> None:
        """Free what it holds; nobody may have it any more."""
        self.past_launch()
        os.close(self._wake)

    def _ring(self) -> None:
        os.eventfd_write(self._wake, 1)


def growing_delays() -> Iterator[float]:
    """Seconds between tries, growing and not in step with other workers', for ever."""
    delay = _FIRST_DELAY
    while True:
        yield round(delay * random.uniform(0.5, 1.0), 3)  # noqa: S311 - keeps no secret
        delay = min(2 * delay, _LONGEST_DELAY)


class AttemptsInHand:
    """All of them, each once."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._held: dict[str, HeldAttempt] = {}
        self._closed = False
        self._confirmed_at = 0.0

    def take(self, attempt_id: str) -> HeldAttempt | None:
        """Put the attempt into the caller's hands; None if somebody has it, or nothing is taken any more."""
        with self._lock:
            if self._closed or attempt_id in self._held:
                return None
            held = self._held[attempt_id] = HeldAttempt(attempt_id, self._confirmed_at)
            return held

    def drop(self, held: HeldAttempt) -> None:
        """The caller is done with it."""
        with self._lock:
            del self._held[held.id]
            held.close()
            self._lock.notify_all()

    def claimed(self) -> list[str]:
        """Ids of those that the platform knows to be ours."""
        with self._lock:
            return sorted(held.id for held in self._held.values() if held.claimed)

    def confirm(self, at: float, attempt_ids: Iterable[str]) -> None:
        """The platform answered, and these attempts are ours.

        Args:
            at: When the question was sent, as `fence.now` tells it: it may have been heard then already.
            attempt_ids: Those that it told of. Any other may have been given up before.
        """
        with self._lock:
            self._confirmed_at = at
            told = [self._held[attempt_id] for attempt_id in attempt_ids if attempt_id in self._held]
        for held in told:
            held.confirm(at)

    def stop(self, attempt_id: str, wish: StopWish) -> None:
        """Have the attempt ended, if it is in hand."""
        with self._lock:
            if held := self._held.get(attempt_id):
                held.stop(wish)

    def abandon(self, attempt_id: str) -> None:
        """Have the attempt killed and forgotten, if it is in hand."""
        with self._lock:
            if held := self._held.get(attempt_id):
                log.warning("attempt_abandoned", attempt=attempt_id)
                held.abandon()

    def close(self) -> None:
        """Take no more."""
        with self._lock:
            self._closed = True

    def stop_all(self, wish: StopWish) -> None:
        """Have all of them ended."""
        with self._lock:
            for held in self._held.values():
                held.stop(wish)

    def detach_all(self) -> None:
        """Let go of all of them."""
        with self._lock:
            for held in self._held.values():
                held.detach()

    def wait_until_empty(self, seconds: float) -> bool:
        """Whether none is left within this time."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._held, seconds)
