"""What happens to a job before its script starts, told to a person at the terminal."""

import contextlib
import threading

from torchyard.cli import terminal
from torchyard.client import Client
from torchyard.contracts.jobs import TERMINAL, Job, JobState
from torchyard.errors import TorchyardError

#: Seconds in the queue after which a person wonders why.
_PATIENCE = 1.0


def announce(client: Client, job: Job) -> None:
    """Say each event until the script runs or the job has ended; if that takes long, what it waits for."""
    waiting = _Waiting(client, job.id)
    events = client.events(job.id, follow=True, on_quiet=waiting.explain)
    with contextlib.closing(waiting):
        for event in events:
            waiting.close()
            terminal.say(event.message)
            if event.state is JobState.RUNNING or event.state in TERMINAL:
                return
            if event.state is JobState.QUEUED:
                waiting.begin()


class _Waiting:
    """Explains why a job is still in the queue, once it has been there for a moment."""

    def __init__(self, client: Client, job_id: str) -> None:
        self._client = client
        self._job_id = job_id
        self._explained = ""
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """The job is in the queue from now on."""
        self._timer = threading.Timer(_PATIENCE, self.explain)
        self._timer.daemon = True
        self._timer.start()

    def close(self) -> None:
        """It is not any more."""
        if self._timer is not None:
            self._timer.cancel()

    def explain(self) -> None:
        """Say what it waits for, if that has changed."""
        # Whoever follows the job learns of a platform that is away; this is a courtesy.
        with contextlib.suppress(TorchyardError):
            waiting = self._client.get(self._job_id).waiting
            if waiting is not None and waiting.explanation != self._explained:
                self._explained = waiting.explanation
                terminal.say(f"waits: {waiting.explanation} (place {waiting.position} in the queue)")
