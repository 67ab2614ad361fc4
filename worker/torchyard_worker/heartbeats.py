"""The worker's pulse: says that it lives, and hears what messages may not have told it."""

import threading
from collections.abc import Callable

import structlog

from torchyard.contracts.runner import Cause, Heartbeat, HeartbeatAnswer, Registered, Runtime
from torchyard.errors import TorchyardError, Unauthenticated
from torchyard_worker.attempts import AttemptsInHand, StopWish
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.shim import fence

log = structlog.get_logger()


class Heartbeats:
    """A thread that beats until it is stopped.

    Args:
        api: The platform.
        in_hand: The attempts to tell of.
        registered: What the registration gave.
        register: Registers again.
        runtimes: The runtimes there are now.
        run: Starts an attempt in a thread of its own.
    """

    def __init__(
        self,
        api: PlatformApi,
        in_hand: AttemptsInHand,
        *,
        registered: Registered,
        register: Callable[[], Registered],
        runtimes: Callable[[], list[Runtime]],
        run: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._api = api
        self._in_hand = in_hand
        self._registered = registered
        self._register = register
        self._runtimes = runtimes
        self._run = run
        self._known_runtimes = runtimes()
        self._counter = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeats", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a beat that is under way is not waited for."""
        self._stopped.set()

    def _beat_on(self) -> None:
        while not self._stopped.wait(self._registered.heartbeat_seconds):
            try:
                self.beat()
            except TorchyardError as problem:
                log.warning("heartbeat_failed", reason=problem.message)
            except Exception:
                log.exception("heartbeat_broken")

    def beat(self) -> None:
        """One heartbeat, and what it brings.

        Raises:
            Unavailable: The platform is away.
        """
        runtimes = self._runtimes()
        changed = runtimes != self._known_runtimes
        self._counter += 1
        beat = Heartbeat(
            counter=self._counter, attempts=self._in_hand.claimed(), runtimes=runtimes if changed else None
        )
        sent_at = fence.now()
        try:
            answer = self._api.heartbeat(beat)
        except Unauthenticated:
            log.warning("registering_again")
            self._take_registration(self._register())
            return
        self._known_runtimes = runtimes
        self._in_hand.confirm(sent_at, set(beat.attempts) - set(answer.abandoned))
        self._take(answer)

    def _take(self, answer: HeartbeatAnswer) -> None:
        for attempt_id in answer.abandoned:
            self._in_hand.abandon(attempt_id)
        for attempt_id in answer.cancelled:
            self._in_hand.stop(attempt_id, StopWish(Cause.CANCELLED))
        for attempt_id in answer.assigned:
            self._run(attempt_id)

    def _take_registration(self, registered: Registered) -> None:
        if registered.broker_url != self._registered.broker_url:
            # Until the worker is restarted, its heartbeats alone bring it work.
            log.error("broker_changed")
        self._registered = registered
        for attempt_id in registered.abandoned:
            self._in_hand.abandon(attempt_id)
