"""What the exit codes mean."""

import signal

from torchyard.contracts.jobs import Job, JobState, Reason
from torchyard.errors import InvalidInput, RequestRefused, ServerUnreachable, TorchyardError

FAILED = 1
#: The request can't be accepted as it is; also Typer's code for wrong usage.
REFUSED = 2
UNREACHABLE = 3
#: As a shell says it of a command that Ctrl-C ended; also for a job that was cancelled.
INTERRUPTED = 128 + signal.SIGINT


def of_job(job: Job) -> int:
    """The script's own exit code, where it has one; 128 + n if signal n ended it."""
    if job.state is JobState.SUCCEEDED:
        return 0
    if job.state is JobState.CANCELLED:
        return INTERRUPTED
    if job.exit_code and job.reason is not Reason.TIMEOUT:
        return job.exit_code & 0xFF or FAILED
    if job.signal and job.reason is not Reason.TIMEOUT:
        return 128 + job.signal
    return FAILED


def of_error(problem: TorchyardError) -> int:
    """2 for what the caller has to change, 3 for no answer, 1 for all else."""
    if isinstance(problem, ServerUnreachable):
        return UNREACHABLE
    if isinstance(problem, InvalidInput) or (
        isinstance(problem, RequestRefused) and 400 <= problem.status < 500
    ):
        return REFUSED
    return FAILED
