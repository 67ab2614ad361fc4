"""Logs on their way to the platform: sent as they grow, none of it lost, none of it twice."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from torchyard.contracts.logs import MAX_APPEND_BYTES, MAX_PIECES, SCRIPT_LOGS, LogName, Piece
from torchyard.contracts.runner import LogSeal
from torchyard.errors import OffsetMismatch, StorageFull, Unavailable
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.launching import Shim
from torchyard_worker.log_files import LogFile
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.shim import spool
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.waiting import readable

log = structlog.get_logger()

#: Seconds between two appends while output keeps coming, at least, and never less than an append takes; the
#: first byte after a silence goes at once …
_SHORTEST_PAUSE = 0.005
#: … and so does this much.
_ENOUGH_BYTES = 256 * 1024
#: Seconds between two appends, at most: after one of so many bytes. Slower output is not made to wait for it.
_LONGEST_PAUSE = 0.25
_MUCH_BYTES = 8 * 1024
#: Seconds that a script gets to print its first line before anything else is told of it.
_FIRST_SECONDS = 0.03


@dataclass(frozen=True)
class _Sent:
    """One append to each log: its bytes, and those that were left then of the log that lacked most."""

    bytes: int
    left: int


class Shipper:
    """Sends the logs of one attempt; used by one thread.

    The offset up to which the platform has a log is not written down: a wrong guess is answered with the
    right one.
    """

    def __init__(
        self, api: PlatformApi, held: HeldAttempt, directory: AttemptDirectory, *, resumed: bool
    ) -> None:
        self._api = api
        self._held = held
        self._directory = directory
        self._logs = {name: LogFile(directory.path, name) for name in SCRIPT_LOGS}
        # One byte before the end: should the platform lack more than that, it says so at once.
        self._sent = {
            name: max(0, log_file.size() - 1) if resumed else 0 for name, log_file in self._logs.items()
        }

    def follow(self, shim: Shim, woken: Callable[[], None]) -> None:
        """Send what the script prints until its shim has ended and all is sent.

        Args:
            shim: The attempt's.
            woken: Called whenever the shim has something new to see, after what was printed was sent.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            Detached: The worker stops.
        """
        doorbell = spool.open_doorbell(str(self._directory.path))
        try:
            self._await_first(shim, doorbell)
            while True:
                ended = shim.ended()  # asked first: what it wrote before that is seen below
                begun = time.monotonic()
                sent = self._send_some()
                took = time.monotonic() - begun
                woken()
                if sent is not None:
                    if sent.left < _ENOUGH_BYTES and not ended:
                        self._breathe(shim, _pause(sent.bytes, took))
                elif ended:
                    return
                else:
                    self._wait(shim, doorbell)
        finally:
            os.close(doorbell)

    def drain(self) -> None:
        """Send everything there is. Raises as `follow`."""
        while self._send_some() is not None:
            pass

    def resend(self, name: LogName) -> None:
        """Forget that anything of this log was sent."""
        self._sent[name] = 0

    def seals(self) -> list[LogSeal]:
        """What the platform has to have of each log."""
        return [log_file.seal() for log_file in self._logs.values()]

    def _send_some(self) -> _Sent | None:
        """Send one append for each log; None if there was nothing to send."""
        tried = [self._send_one(log_file) for log_file in self._logs.values()]
        sent = [one for one in tried if one is not None]
        return _Sent(sum(one.bytes for one in sent), max(one.left for one in sent)) if sent else None

    def _send_one(self, log_file: LogFile) -> _Sent | None:
        """Send one append; None if there was nothing to send."""
        offset, size = self._sent[log_file.name], log_file.size()
        if offset >= size:
            return None
        data, pieces = log_file.read(offset, MAX_APPEND_BYTES, MAX_PIECES)
        try:
            self._held.persist("append", lambda: self._append(log_file.name, offset, data, pieces))
            self._sent[log_file.name] = offset + len(data)
        except OffsetMismatch as answer:
            log.info(
                "log_offset_corrected",
                attempt=self._held.id,
                log=log_file.name,
                sent=offset,
                at=answer.expected,
            )
            # Never forward: bytes the platform has beyond ours can't be right, and the seal will say so.
            self._sent[log_file.name] = min(answer.expected, offset)
        return _Sent(len(data), size - self._sent[log_file.name])

    def _append(self, name: LogName, offset: int, data: bytes, pieces: list[Piece]) -> None:
        try:
            self._api.append(self._held.id, name, offset, data, pieces)
        except StorageFull as problem:  # the spool keeps it until there is space again
            raise Unavailable(problem.message) from problem

    def _await_first(self, shim: Shim, doorbell: int) -> None:
        """Wait until something was printed, or for as long as the first line may take."""
        end = time.monotonic() + _FIRST_SECONDS
        rung = True
        while rung and not any(log_file.size() for log_file in self._logs.values()):
            _hush(doorbell)
            rung = doorbell in readable(
                doorbell, shim.pidfd, self._held.fileno(), seconds=end - time.monotonic()
            )

    def _wait(self, shim: Shim, doorbell: int) -> None:
        ready = readable(doorbell, shim.pidfd, self._held.fileno())
        if doorbell in ready:
            _hush(doorbell)
        self._look(ready)

    def _breathe(self, shim: Shim, seconds: float) -> None:
        """Let some output come together, unless the script ends or somebody wants something."""
        self._look(readable(shim.pidfd, self._held.fileno(), seconds=seconds))

    def _look(self, ready: set[int]) -> None:
        if self._held.fileno() in ready:
            self._held.quiet()
            self._held.check()


def _pause(sent: int, took: float) -> float:
    """Seconds to wait after an append of so many bytes that took so many seconds."""
    wanted = max(_SHORTEST_PAUSE, took, _LONGEST_PAUSE * sent / _MUCH_BYTES)
    return min(wanted, _LONGEST_PAUSE)


def _hush(doorbell: int) -> None:
    """Take note of its having been rung."""
    with suppress(BlockingIOError):
        os.read(doorbell, 65536)
