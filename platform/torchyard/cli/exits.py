"""What the exit codes mean."""

import re
import signal

from torchyard.contracts.jobs import Job, JobState, Reason
from torchyard.errors import InvalidInput, RequestRefused, ServerUnreachable, TorchyardError

FAILED = 1
#: The request can't be accepted as it is; also Typer's code for wrong usage.
REFUSED = 2
UNREACHABLE = 3
#: As a shell says it of a command that Ctrl-C ended; also for a job that was cancelled.
INTERRUPTED = 128 + signal.SIGINT

# The platform tells of a signal in its sentence alone.
_SIGNAL = re.compile(r"The script was ended by (?:(SIG[A-Z0-9]+)|signal (\d+))")


def of_job(job: Job) -> int:
    """The script's own exit code, where it has one; 128 + n if signal n ended it."""
    if job.state is JobState.SUCCEEDED:
        return 0
    if job.state is JobState.CANCELLED:
        return INTERRUPTED
    if job.exit_code and job.reason is not Reason.TIMEOUT:
        return job.exit_code & 0xFF or FAILED
    number = _signal(job.sentence or "") if job.reason in {Reason.SIGNALED, Reason.OUT_OF_MEMORY} else None
    return 128 + number if number else FAILED


def of_error(problem: TorchyardError) -> int:
    """2 for what the caller has to change, 3 for no answer, 1 for all else."""
    if isinstance(problem, ServerUnreachable):
        return UNREACHABLE
    if isinstance(problem, InvalidInput) or (
        isinstance(problem, RequestRefused) and 400 <= problem.status < 500
    ):
        return REFUSED
    return FAILED


def _signal(sentence: str) -> int | None:
    found = _SIGNAL.match(sentence)
    if found is None:
        return None
    if found[2]:
        return int(found[2])
    return signal.Signals[found[1]].value if found[1] in signal.Signals.__members__ else None
