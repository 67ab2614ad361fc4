"""The runner protocol: what a worker and the platform say to each other over HTTP.

Both sides read leniently, so that they can be upgraded one after the other. A line for people is a text, or
`{"text", "saying"}`: the same together with what it says, for other languages (`contracts.sayings`).

    POST  /runner/v1/register                               RegisterRequest  → Registered   (join token)
    POST  /runner/v1/heartbeat                              Heartbeat        → HeartbeatAnswer
    POST  /runner/v1/attempts/{id}/claim                                     → ClaimedAttempt
    POST  /runner/v1/attempts/{id}/events                   Report           → 204
    PATCH /runner/v1/attempts/{id}/logs/{name}              bytes, Content-Range → 204, or 416 with `expected`
    PATCH /runner/v1/attempts/{id}/records/{name}           bytes, Content-Range → 204, or 416 with `expected`
    HEAD  /runner/v1/blobs/{sha256}                                          → 200 or 404
    GET   /runner/v1/blobs/{sha256}                                          → bytes
    POST  /runner/v1/blobs                                  WantedBlobs      → a bundle, see `bundles`
    PUT   /runner/v1/attempts/{id}/blobs/{sha256}           bytes            → 201
    POST  /runner/v1/attempts/{id}/finish                   Finish           → 204

All but `register` carry the worker's own token, `Authorization: Bearer …`. An attempt that is not
(or no longer) this worker's is answered with 409 `attempt_stale`: drop it.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from torchyard.contracts.bundles import MAX_BLOBS
from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.jobs import JobSpec, JobState, Sha256, StagingProgress
from torchyard.contracts.logs import LogName
from torchyard.contracts.models import MAX_COUNT, Count, Lenient, RevealedSecret, Told, Uuid
from torchyard.contracts.sayings import Line

PROTOCOL_VERSION = 1
#: Seconds between two heartbeats of a worker.
HEARTBEAT_SECONDS = 5.0


class Gpu(Lenient):
    """One GPU of a worker."""

    uuid: Told = Field(description="NVML's UUID; also the value for CUDA_VISIBLE_DEVICES.")
    model: Told = Field(description="NVML's product name.")
    memory_mb: Count = Field(description="Its memory in MiB.")


class Runtime(Lenient):
    """A named Python environment on a worker, with the versions really found in it."""

    name: Told = Field(description="The runtime's name.")
    python: Told = Field(description="Python's version.")
    packages: dict[Told, Told] = Field({}, description="Versions of torch, numpy, scipy and others of note.")
    cuda: Told | None = Field(None, description="The CUDA version torch was built for, if any.")


class RegisterRequest(Lenient):
    """A worker introduces itself; sent at every start of its process."""

    protocol: int = PROTOCOL_VERSION
    worker_id: Uuid = Field(description="UUID, kept in the worker's home across restarts.")
    incarnation: Uuid = Field(description="UUID, new for every process.")
    name: Told = Field(min_length=1, max_length=100)
    cpus: int = Field(ge=1, le=MAX_COUNT)
    memory_mb: int = Field(ge=1, le=MAX_COUNT)
    gpus: list[Gpu] = []
    runtimes: list[Runtime] = []
    isolation_tier: Count = Field(
        0, description="0: an attempt is a process tree of its own; see isolation.py."
    )
    isolation_notes: list[Line] = Field([], description="What this machine's isolation lacks, for people.")
    attempts: list[Told] = Field([], description="Attempts of earlier incarnations still found in the spool.")


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

    counter: Count = Field(description="One more than in the heartbeat before.")
    attempts: list[Told] = Field([], description="Attempts this worker has: claimed, and not yet finished.")
    runtimes: list[Runtime] | None = Field(None, description="Sent again when they have changed.")


class HeartbeatAnswer(Lenient):
    """What the worker may have missed."""

    assigned: list[str] = Field([], description="Attempts that wait to be claimed by this worker.")
    cancelled: list[str] = Field([], description="Attempts of this worker that are to be stopped.")
    abandoned: list[str] = Field(
        [], description="Attempts of the heartbeat that are not this worker's: drop them."
    )


class InputFile(Lenient):
    """A file of another job, for `inputs/<name>/`."""

    name: str = Field(description="The input's name.")
    path: str = Field(description="The path below `inputs/<name>/`.")
    sha256: str
    size: int


class ClaimedAttempt(Lenient):
    """Everything a worker needs to run an attempt."""

    attempt_id: str
    job_id: str
    number: int
    spec: JobSpec
    gpus: list[str] = Field([], description="UUIDs of the GPUs that are its own.")
    cancel_requested: bool = False
    inputs: list[InputFile] = []
    environment: dict[str, RevealedSecret] = Field(
        {}, description="The spec's environment with its `${…}` put in; the spec keeps the references."
    )
    storage: list[StorageAccess] = Field(
        [],
        description="What `dependency_paths` are read through; the first one, by kind and `allowed`, "
        "that covers a path is meant.",
    )
    start_fence_seconds: float | None = Field(
        None,
        gt=0,
        description="Until the platform knows that the script runs, it is not started, and is stopped, where "
        "no heartbeat was confirmed for this long: it would be started elsewhere. None: no fence.",
    )
    fence_seconds: float | None = Field(
        None,
        gt=0,
        description="The same from then on, if the job is tried again when its worker is lost. None: it is "
        "not, and the script goes on for as long as the platform is away.",
    )


class Report(Lenient):
    """One numbered event of an attempt; a number that was seen before changes nothing."""

    number: int = Field(ge=1, le=MAX_COUNT, description="1 for the attempt's first event.")
    state: JobState | None = Field(None, description="`running` when the script starts; else left out.")
    message: Line = Field(max_length=10_000, description="One line for system.log.")
    before: list[Line] = Field([], max_length=100, description="Lines for system.log that come before it.")
    progress: StagingProgress | None = Field(None, description="How far its files are.")


class WantedBlobs(Lenient):
    """Small blobs to be sent together."""

    sha256: list[Sha256] = Field(max_length=MAX_BLOBS)


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
    DEPENDENCY_NOT_FOUND = "dependency_not_found"
    DEPENDENCY_FORBIDDEN = "dependency_forbidden"
    DEPENDENCY_TOO_LARGE = "dependency_too_large"
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    REQUIREMENTS_FAILED = "requirements_failed"
    DISK_QUOTA = "disk_quota"
    INTERNAL = "internal"


class MissingFile(Lenient):
    """A file that a script did not find, and what was there instead; all paths are seen from its folder."""

    path: Told = Field(max_length=1024, description="The path, as the script named it.")
    outside: bool = Field(False, description="Whether it is no path below the script's folder.")
    found_at: list[Told] = Field(
        [], max_length=3, description="Where files of its name lie, the most alike first."
    )
    in_archive: bool = Field(False, description="Whether the first of these came with the dependencies zip.")
    folder: Told = Field("", max_length=1024, description="The folder that was looked into; ours if empty.")
    lacking: Told = Field("", max_length=1024, description="The folder of the path, if there is none.")
    holds: list[Told] = Field([], max_length=10, description="What is in `folder`, the most alike first.")
    more: Count = Field(0, description="How many names more it holds.")


class Outcome(Lenient):
    """The facts about an attempt's end; the platform makes reason and sentence of them."""

    cause: Cause
    exit_code: int | None = Field(None, ge=-(2**31), le=2**32, description="If the script exited.")
    signal: Count | None = Field(None, description="If a signal ended it.")
    exception: Told | None = Field(
        None, max_length=2000, description="Last line of the last traceback in stderr.log."
    )
    script_line: Count | None = Field(
        None, description="Innermost line of the user's script in that traceback."
    )
    detail: Line | None = Field(
        None, max_length=2000, description="For causes other than `exited`: what happened."
    )
    peak_memory_mb: Count | None = None
    collecting_seconds: float | None = Field(
        None, ge=0, le=10**7, description="How long ago the script itself ended: its files were kept since."
    )
    archive_folder: Told | None = Field(
        None,
        max_length=1024,
        description="If a module was missing that lies in a folder of the dependencies: that folder.",
    )
    missing_file: MissingFile | None = Field(None, description="If a file was missing: what was there.")


class LogSeal(Lenient):
    """What the worker holds of a log, to be confirmed before it drops its copy."""

    name: LogName
    size: Count
    crc32: Count


def _inside(path: str) -> str:
    if {"", ".", ".."} & set(path.split("/")) or not path.isprintable():
        raise ValueError("must be a relative, printable path without '.' and '..'")
    return path


class ProducedFile(Lenient):
    """An artifact whose blob was uploaded before."""

    path: Annotated[str, Field(max_length=1024), AfterValidator(_inside)]
    size: Count
    sha256: Sha256


def _each_once(files: list[ProducedFile]) -> list[ProducedFile]:
    if len({file.path for file in files}) < len(files):
        raise ValueError("must not name a path twice")
    return files


class Finish(Lenient):
    """The end of an attempt. Answered 409 `log_mismatch` if a log is not whole: send it again."""

    outcome: Outcome
    logs: list[LogSeal] = []
    artifacts: Annotated[list[ProducedFile], AfterValidator(_each_once)] = []
    messages: list[Line] = Field(
        [], max_length=100, description="Last lines for system.log, such as files over a limit."
    )
    fetched: dict[Told, Told] | None = Field(
        None,
        description="What each storage path was known by that was fetched (`contracts.fingerprints`); empty "
        "if it changed meanwhile. None: nothing was fetched.",
    )
