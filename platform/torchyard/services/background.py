"""Threads that do what nobody asks for: placing, and putting right what got stuck."""

import threading
from collections.abc import Callable

import structlog

from torchyard.errors import TorchyardError

log = structlog.get_logger()

#: Seconds after a pass that failed; keeps a database that is away from filling the log.
_PAUSE_AFTER_FAILURE = 1.0


class Loop(threading.Thread):
    """Calls `work` whenever it is woken, until it is stopped.

    What `work` returns is in how many seconds it wants to be called again, if it knows.

    Attributes:
        period: Seconds after which `work` is called at the latest, although nobody woke it.
        pause: Seconds between two calls at least: a burst of wake-ups leads to few of them.
    """

    def __init__(
        self, name: str, work: Callable[[], float | None], *, period: float, pause: float = 0.0
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._period = period
        self._pause = pause
        self._woken = threading.Event()
        self._stopped = threading.Event()

    def wake(self) -> None:
        """Have `work` called soon; several wake-ups may lead to one call."""
        self._woken.set()

    def stop(self) -> None:
        """End the thread after the call that is going on, and wait for that."""
        self._stopped.set()
        self._woken.set()
        self.join()

    def run(self) -> None:
        """The thread's life."""
        while not self._stopped.is_set():
            self._woken.clear()
            wanted = None
            try:
                wanted = self._work()
            except TorchyardError as problem:
                log.warning("background_failed", loop=self.name, code=problem.code, problem=problem.message)
                self._stopped.wait(_PAUSE_AFTER_FAILURE)
            except Exception:  # the thread's outermost boundary: it has to go on
                log.exception("background_failed", loop=self.name)
                self._stopped.wait(_PAUSE_AFTER_FAILURE)
            self._stopped.wait(self._pause)
            self._woken.wait(self._period if wanted is None else min(wanted, self._period))
