"""An attempt's numbered events, numbered on across restarts of the worker."""

import contextlib

from torchyard.contracts.jobs import JobState, StagingProgress
from torchyard.contracts.runner import Report
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.wording import cut

_REPORTS = "reports.json"
_MAX_MESSAGE = 10_000


class Reporter:
    """Tells the platform what happens to one attempt; used by one thread."""

    def __init__(self, api: PlatformApi, held: HeldAttempt, directory: AttemptDirectory) -> None:
        self._api = api
        self._held = held
        self._directory = directory
        known = directory.read(_REPORTS) or {}
        self._number: int = known.get("number", 0)
        self._running: bool = known.get("running", False)
        self._before: list[str] = []

    @property
    def running(self) -> bool:
        """Whether the platform knows that the script was started."""
        return self._running

    def say_next(self, message: str) -> None:
        """Have a line for system.log go with the next one that is reported: that saves a request."""
        self._before.append(cut(message, _MAX_MESSAGE))

    def unsaid(self) -> list[str]:
        """The lines that wait for the next one, which do so no longer."""
        waiting, self._before = self._before, []
        return waiting

    def say(
        self, message: str, state: JobState | None = None, progress: StagingProgress | None = None
    ) -> None:
        """Report a line for system.log, `running` when the script was started, and how far its files are.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            Detached: The worker stops.
            Stopped: The attempt is to end, and its script was not started yet.
        """
        # Written down before it is sent: a number that is skipped does no harm, one that is used twice would.
        self._number += 1
        self._remember()
        event = Report(
            number=self._number,
            state=state,
            message=cut(message, _MAX_MESSAGE),
            before=self.unsaid(),
            progress=progress,
        )
        self._held.persist("report", lambda: self._api.report(self._held.id, event))
        if state is JobState.RUNNING:
            self._running = True
            self._remember()

    def _remember(self) -> None:
        with contextlib.suppress(OSError):  # a full disk must not cost the script; only a restart could tell
            self._directory.write(_REPORTS, {"number": self._number, "running": self._running})
