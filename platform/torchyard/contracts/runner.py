"""The runner protocol: what a worker and the platform say to each other over HTTP.

Both sides read leniently, so that they can be upgraded one after the other.

    POST  /runner/v1/register                               RegisterRequest  → Registered   (join token)
    POST  /runner/v1/heartbeat                              Heartbeat        → HeartbeatAnswer
    POST  /runner/v1/attempts/{id}/claim                                     → ClaimedAttempt
    POST  /runner/v1/attempts/{id}/events                   Report           → 204
    PATCH /runner/v1/attempts/{id}/logs/{name}              bytes, Content-Range → 204, or 416 with `expected`
    HEAD  /runner/v1/blobs/{sha256}                                          → 200 or 404
    GET   /runner/v1/blobs/{sha256}                                          → bytes
    PUT   /runner/v1/attempts/{id}/blobs/{sha256}           bytes            → 201
    POST  /runner/v1/attempts/{id}/finish                   Finish           → 204

All but `register` carry the worker's own token, `Authorization: Bearer …`. An attempt that is not
(or no longer) this worker's is answered with 409 `attempt_stale`: drop it.
"""

from enum import StrEnum

from pydantic import Field

from torchyard.contracts.jobs import JobSpec, JobState
from torchyard.contracts.logs import LogName
from torchyard.contracts.models import Lenient

PROTOCOL_VERSION = 1
#: Seconds between two heartbeats of a worker.
HEARTBEAT_SECONDS = 5.0


class Gpu(Lenient):
    """One GPU of a worker."""

    uuid: str = Field(description="NVML's UUID; also the value for CUDA_VISIBLE_DEVICES.")
    model: str = Field(description="NVML's product name.")
    memory_mb: int = Field(description="Its memory in MiB.")


class Runtime(Lenient):
    """A named Python environment on a worker, with the versions really found in it."""

    name: str = Field(description="The runtime's name.")
    python: str = Field(description="Python's version.")
    packages: dict[str, str] = Field({}, description="Versions of torch, numpy, scipy and others of note.")
    cuda: str | None = Field(None, description="The CUDA version torch was built for, if any.")


class RegisterRequest(Lenient):
    """A worker introduces itself; sent at every start of its process."""

    protocol: int = PROTOCOL_VERSION
    worker_id: str = Field(description="UUID, kept in the worker's home across restarts.")
    incarnation: str = Field(description="UUID, new for every process.")
    name: str = Field(min_length=1, max_length=100)
    cpus: int = Field(ge=1)
    memory_mb: int = Field(ge=1)
    gpus: list[Gpu] = []
    runtimes: list[Runtime] = []
    isolation_tier: int = Field(
        0, description="0: an attempt is a process tree of its own; see isolation.py."
    )
    isolation_notes: list[str] = Field([], description="What this machine's isolation lacks, for people.")
    attempts: list[str] = Field([], description="Attempts of earlier incarnations still found in the spool.")


class Registered(Lenient):
    """The platform's welcome."""

    token: str = Field(description="This incarnation's token for all further calls.")
    broker_url: str = Field(description="Where the Celery messages come from.")
    queue: str = Field(description="The queue to consume.")
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    abandoned: list[str] = Field(
        [], description="Those of `attempts` that are not this worker's any more: drop them."
    )


class Heartbeat(Lenient):
    """Sent every `heartbeat_seconds`."""

    counter: int = Field(description="One more than in the heartbeat before.")
    attempts: list[str] = Field([], description="Attempts this worker has: claimed, and not yet finished.")
    runtimes: list[Runtime] | None = Field(None, description="Sent again when they have changed.")


class HeartbeatAnswer(Lenient):
    """What the worker may have missed."""

    assigned: list[str] = Field([], description="Attempts that wait to be claimed by this worker.")
    cancelled: list[str] = Field([], description="Attempts of this worker that are to be stopped.")
    abandoned: list[str] = Field(
        [], description="Attempts of the heartbeat that are not this worker's: drop them."
    )


class ClaimedAttempt(Lenient):
    """Everything a worker needs to run an attempt."""

    attempt_id: str
    job_id: str
    number: int
    spec: JobSpec
    gpus: list[str] = Field([], description="UUIDs of the GPUs that are its own.")
    cancel_requested: bool = False


class Report(Lenient):
    """One numbered event of an attempt; a number that was seen before changes nothing."""

    number: int = Field(ge=1, description="1 for the attempt's first event.")
    state: JobState | None = Field(None, description="`running` when the script starts; else left out.")
    message: str = Field(max_length=10_000, description="One line for system.log.")


class Cause(StrEnum):
    """What ended an attempt, as the worker saw it."""

    #: The script's process ended by itself, by exit code or signal.
    EXITED = "exited"
    #: The wall time limit.
    TIMEOUT = "timeout"
    #: Somebody cancelled it, and the script was stopped (or had not started).
    CANCELLED = "cancelled"
    #: The worker or its machine went away under the script.
    WORKER_LOST = "worker_lost"
    ARCHIVE_REJECTED = "archive_rejected"
    DEPENDENCY_CONFLICT = "dependency_conflict"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    DISK_QUOTA = "disk_quota"
    INTERNAL = "internal"


class Outcome(Lenient):
    """The facts about an attempt's end; the platform makes reason and sentence of them."""

    cause: Cause
    exit_code: int | None = Field(None, description="If the script exited.")
    signal: int | None = Field(None, description="If a signal ended it.")
    exception: str | None = Field(
        None, max_length=2000, description="Last line of the last traceback in stderr.log."
    )
    script_line: int | None = Field(
        None, description="Innermost line of the user's script in that traceback."
    )
    detail: str | None = Field(
        None, max_length=2000, description="For causes other than `exited`: what happened."
    )
    peak_memory_mb: int | None = None


class LogSeal(Lenient):
    """What the worker holds of a log, to be confirmed before it drops its copy."""

    name: LogName
    size: int
    crc32: int


class ProducedFile(Lenient):
    """An artifact whose blob was uploaded before."""

    path: str = Field(max_length=1024)
    size: int
    sha256: str


class Finish(Lenient):
    """The end of an attempt. Answered 409 `log_mismatch` if a log is not whole: send it again."""

    outcome: Outcome
    logs: list[LogSeal] = []
    artifacts: list[ProducedFile] = []
    messages: list[str] = Field([], description="Last lines for system.log, such as files over a limit.")
