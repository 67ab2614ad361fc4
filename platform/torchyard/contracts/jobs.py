"""A job as it is asked for and as it is told: specification, states, reasons."""

import re
import shlex
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from torchyard.contracts.file_names import plain_file_name
from torchyard.contracts.inputs import Inputs
from torchyard.contracts.models import Lenient, Strict
from torchyard.contracts.requirements import RequirementsText
from torchyard.contracts.sayings import Saying, Sentence
from torchyard.contracts.storage_paths import DependencyPaths

#: Limits of a command line; far below the kernel's, far above what scripts use.
MAX_ARGUMENTS = 256
MAX_ARGUMENT_BYTES = 64 * 1024
MAX_VARIABLES = 256
#: The kernel takes 128 KiB for a variable, with its name.
MAX_VALUE_BYTES = 64 * 1024

_QUOTING, _WORD = re.compile(r"['\"\\]"), re.compile(r"[^ \t\r\n]+")
_VARIABLE_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
#: Variables that change which code a process loads, or that the platform itself sets.
_DENIED_VARIABLES = frozenset(
    {
        "ALL_PROXY",
        "BASH_ENV",
        "CUDA_VISIBLE_DEVICES",
        "ENV",
        "GCONV_PATH",
        "HOME",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "IFS",
        "NO_PROXY",
        "PATH",
        "PYTHONEXECUTABLE",
        "PYTHONHOME",
        "PYTHONINSPECT",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "PYTHONUSERBASE",
        "TMPDIR",
    }
)
_DENIED_PREFIXES = ("LD_", "AWS_", "NVIDIA_", "TORCHYARD_", "DYLD_")


class JobState(StrEnum):
    """Where a job stands."""

    #: Accepted; waits for a worker with room for it, or for that worker to take it.
    QUEUED = "queued"
    #: A worker has it and prepares its files.
    STAGING = "staging"
    #: The script runs.
    RUNNING = "running"
    #: The script ended with exit code 0.
    SUCCEEDED = "succeeded"
    #: It ended otherwise; `reason` and `sentence` tell how.
    FAILED = "failed"
    #: A person stopped it.
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})


class Reason(StrEnum):
    """Why a job failed; stable codes."""

    SCRIPT_ERROR = "script_error"
    SIGNALED = "signaled"
    OUT_OF_MEMORY = "out_of_memory"
    GPU_OUT_OF_MEMORY = "gpu_out_of_memory"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    DISK_QUOTA = "disk_quota"
    DEPENDENCY_NOT_FOUND = "dependency_not_found"
    DEPENDENCY_FORBIDDEN = "dependency_forbidden"
    DEPENDENCY_TOO_LARGE = "dependency_too_large"
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable"
    DEPENDENCY_CONFLICT = "dependency_conflict"
    ARCHIVE_REJECTED = "archive_rejected"
    REQUIREMENTS_FAILED = "requirements_failed"
    RUNTIME_UNAVAILABLE = "runtime_unavailable"
    UPSTREAM_FAILED = "upstream_failed"
    INTERNAL = "internal"


def plain_text(value: str) -> str:
    """The text, if every database can hold it.

    Raises:
        PydanticCustomError: `nul_not_allowed`, or it holds half of a character.
    """
    if "\x00" in value:
        raise PydanticCustomError("nul_not_allowed", "must not contain the NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PydanticCustomError(
                "surrogate_not_allowed", "must not contain a surrogate without the other"
            ) from None
    return value


def split_arguments(arguments: str) -> list[str]:
    """The script's command line, split as a POSIX shell splits words; never given to a shell.

    Raises:
        PydanticCustomError: `arguments_invalid` for an unclosed quote or too many words.
    """
    plain_text(arguments)
    if len(arguments.encode()) > MAX_ARGUMENT_BYTES:
        raise _too_many_arguments()
    try:
        # Without anything to be taken off, the words are what stands between shlex's own kinds of space.
        words = shlex.split(arguments) if _QUOTING.search(arguments) else _WORD.findall(arguments)
    except ValueError as problem:
        raise PydanticCustomError(
            "arguments_invalid",
            "can't be split into words: {problem}; close the quote, or escape it with a backslash",
            {"problem": str(problem)[:1].lower() + str(problem)[1:], "says": "arguments_unsplittable"},
        ) from None
    if len(words) > MAX_ARGUMENTS:
        raise _too_many_arguments()
    return words


def _too_many_arguments() -> PydanticCustomError:
    return PydanticCustomError(
        "arguments_invalid",
        "at most {words} words and {bytes} bytes are allowed",
        {"words": MAX_ARGUMENTS, "bytes": MAX_ARGUMENT_BYTES, "says": "arguments_over_limit"},
    )


def _splittable(arguments: str) -> str:
    split_arguments(arguments)
    return arguments


def _allowed_environment(environment: dict[str, str]) -> dict[str, str]:
    if len(environment) > MAX_VARIABLES:
        raise PydanticCustomError(
            "env_not_allowed",
            "at most {most} variables are allowed",
            {"most": MAX_VARIABLES, "says": "variables_over_limit"},
        )
    for name, value in environment.items():
        plain_text(value)
        if not _VARIABLE_NAME.fullmatch(name):
            raise PydanticCustomError(
                "env_not_allowed",
                "{name} is no allowed name: upper-case letters, digits and _, at most 64",
                {"name": repr(name[:80]), "says": "variable_misnamed"},
            )
        if name in _DENIED_VARIABLES or name.startswith(_DENIED_PREFIXES):
            raise PydanticCustomError(
                "env_not_allowed",
                "{name} can't be set by a job: the platform or the loader uses it",
                {"name": name, "says": "variable_reserved"},
            )
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise PydanticCustomError(
                "env_not_allowed",
                "{name} has a value of more than {bytes} bytes",
                {"name": name, "bytes": MAX_VALUE_BYTES, "says": "variable_too_large"},
            )
    return environment


Text = Annotated[str, AfterValidator(plain_text)]
Sha256 = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="A file's SHA-256, 64 lower-case hex digits.")
]


class FileRef(Strict):
    """An uploaded blob and the name it has for the script."""

    sha256: Sha256
    name: Annotated[
        str,
        Field(max_length=200, description="The file's own name, without a path."),
        AfterValidator(plain_text),
        AfterValidator(plain_file_name),
    ]


class Resources(Strict):
    """What a job asks of its worker."""

    gpus: int = Field(0, ge=0, le=1024, description="GPUs; with 0, CUDA is not available to the script.")
    gpu_model: Text | None = Field(
        None, max_length=100, description="Only GPUs whose model name contains this text, in any case."
    )
    cpus: int = Field(1, ge=1, le=4096, description="CPU cores; advice: 3 per GPU.")
    memory_mb: int = Field(2048, ge=16, le=2**30, description="Memory in MiB.")
    nodes: int = Field(
        1, ge=1, le=1, description="Workers the job runs on at once; one is all that is offered now."
    )
    timeout_seconds: int = Field(
        86400, ge=0, le=10**9, description="Wall time after which the script is ended; 0 is none."
    )


#: Attempts that a job may ask for, beyond its first one, after each kind of end.
MAX_RETRIES = 10


class Retries(Strict):
    """How often a job is tried again; after a loss before its script started, it is without being asked."""

    after_failure: int = Field(
        0,
        ge=0,
        le=MAX_RETRIES,
        description="Further attempts after the script failed, ran into its time limit or out of memory or "
        "disk space, or its dependency paths could not be fetched.",
    )
    after_loss: int = Field(
        0,
        ge=0,
        le=MAX_RETRIES,
        description="Further attempts after the worker was lost while the script ran. The script is then "
        "stopped where the worker can't reach the platform for half the time after which it counts as lost.",
    )


class JobSettings(Strict):
    """Everything of a job but its files."""

    name: Text | None = Field(
        None, min_length=1, max_length=200, description="A name for people; the script's name if left out."
    )
    dependency_paths: DependencyPaths = ""
    arguments: Annotated[
        str,
        Field(
            description="The script's command line, split as a POSIX shell splits words; no shell reads it."
        ),
        AfterValidator(_splittable),
    ] = ""
    environment: Annotated[
        dict[str, str],
        Field(description="Environment variables for the script."),
        AfterValidator(_allowed_environment),
    ] = {}
    inputs: Inputs = {}
    requirements: RequirementsText = ""
    resources: Resources = Field(Resources(), description="What the job asks of its worker.")
    runtime: Text | None = Field(
        None, min_length=1, max_length=100, description="The runtime's name; the default one if left out."
    )
    retries: Retries = Field(Retries(), description="Whether the job is tried again when it went wrong.")
    grace_seconds: int = Field(
        30, ge=0, le=600, description="Seconds between SIGTERM and SIGKILL when the script is stopped."
    )
    warm: bool = Field(
        True,
        description="Fork the script from an interpreter that has torch loaded, where nothing but the time "
        "tells it so; else start an interpreter of its own.",
    )
    ignore_warnings: bool = Field(
        False, description="Accept a script that does not compile, as one for a newer Python might not."
    )


class JobCreate(JobSettings):
    """A job to submit, with its files named by their SHA-256."""

    script: FileRef = Field(description="The entry script.")
    dependencies: FileRef | None = Field(
        None, description="A zip that is extracted beside the script; or a tree, which `/trees` took."
    )


class JobSpec(Lenient):
    """A job as it was accepted: the frozen copy that every attempt runs."""

    name: str = Field(description="The job's name.")
    script: FileRef = Field(description="The entry script.")
    dependencies: FileRef | None = Field(None, description="The zip or tree laid beside the script.")
    dependency_paths: str = Field("", description="Files and directories in S3 or COS, separated by commas.")
    arguments: str = Field("", description="The script's command line as it was given.")
    environment: dict[str, str] = Field({}, description="Environment variables for the script.")
    inputs: dict[str, str] = Field({}, description="Folders in `inputs/`, and where they come from.")
    requirements: str = Field("", description="Packages to be installed, as in a requirements file.")
    resources: Resources = Field(Resources(), description="What the job asks of its worker.")
    runtime: str = Field(description="The runtime's name.")
    retries: Retries = Field(Retries(), description="Whether the job is tried again when it went wrong.")
    grace_seconds: int = Field(30, description="Seconds between SIGTERM and SIGKILL.")
    warm: bool = Field(True, description="Whether it may be forked from an interpreter with torch loaded.")


class Waiting(Lenient):
    """Why a queued job has not started."""

    position: int = Field(description="Place in the queue; 1 is next.")
    explanation: str = Field(description="One sentence: what it waits for.")
    saying: Saying | None = Field(None, description="The same for other languages.")

    @classmethod
    def said(cls, position: int, why: Sentence) -> Self:
        """Waiting at this place, for what the sentence says."""
        return cls(position=position, explanation=str.__str__(why), saying=why.saying)


class StagingProgress(Lenient):
    """How far the fetching of a job's files is."""

    bytes_done: int = Field(ge=0, le=2**53, description="Bytes that are on the worker.")
    bytes_total: int = Field(ge=0, le=2**53, description="Bytes of all files.")
    files_done: int = Field(ge=0, le=2**53, description="Files that are in their places.")
    files_total: int = Field(ge=0, le=2**53, description="All files.")
    bytes_per_second: int = Field(ge=0, le=2**53, description="The rate of the last seconds.")
    seconds_left: float | None = Field(None, ge=0, description="Time left at this rate, if there is one.")


class Job(Lenient):
    """A job as the API tells it."""

    id: str = Field(description="The job's UUID.")
    name: str = Field(description="The job's name.")
    owner: str = Field(description="The name of the user who submitted it.")
    state: JobState = Field(description="Where the job stands.")
    unreachable: bool = Field(
        False, description="True while the worker that runs it has been silent for more than 15 seconds."
    )
    waiting: Waiting | None = Field(None, description="Why it waits; only while it is queued.")
    progress: StagingProgress | None = Field(
        None, description="How far its files are; only while it is staging and fetches some."
    )
    cancel_requested: bool = Field(False, description="True once somebody asked to cancel it.")
    reason: Reason | None = Field(None, description="Why it failed; only if it failed.")
    sentence: str | None = Field(None, description="How it ended, in one sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    exit_code: int | None = Field(None, description="The script's exit code, if it exited by itself.")
    signal: int | None = Field(None, description="The number of the signal that ended it, if one did.")
    attempt: int = Field(description="The number of the latest attempt, from 1.")
    worker: str | None = Field(None, description="The name of the worker of the latest attempt.")
    spec: JobSpec = Field(description="What was asked for, frozen.")
    created_at: datetime = Field(description="When it was accepted.")
    started_at: datetime | None = Field(None, description="When the script of the latest attempt started.")
    finished_at: datetime | None = Field(None, description="When it ended.")
    run_again_of: str | None = Field(None, description="The job this one repeats, if it does.")
    run: str | None = Field(None, description="The run that it is a part of, if it is.")
    node: str | None = Field(None, description="The node of that run.")


class Attempt(Lenient):
    """One try of a job on one worker."""

    number: int = Field(description="1 for the first.")
    state: JobState = Field(description="Where this attempt stands.")
    worker: str | None = Field(None, description="The worker's name.")
    gpus: list[str] = Field([], description="UUIDs of the GPUs it was given.")
    reason: Reason | None = Field(None, description="Why it failed.")
    sentence: str | None = Field(None, description="How it ended, in one sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    exit_code: int | None = Field(None, description="The script's exit code.")
    signal: int | None = Field(None, description="The number of the signal that ended it.")
    created_at: datetime = Field(description="When it was queued.")
    claimed_at: datetime | None = Field(None, description="When its worker took it.")
    started_at: datetime | None = Field(None, description="When the script started.")
    script_ended_at: datetime | None = Field(
        None, description="When the script itself ended; its artifacts were collected from then on."
    )
    finished_at: datetime | None = Field(None, description="When it ended.")


class JobEvent(Lenient):
    """One line of a job's account of itself; system.log is made of these."""

    seq: int = Field(description="1 for the job's first event, without gaps.")
    at: datetime = Field(description="When it happened.")
    attempt: int = Field(description="The attempt it belongs to.")
    state: JobState = Field(description="The job's state from this event on.")
    message: str = Field(description="What happened, in one sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")


class Artifact(Lenient):
    """A file a job produced."""

    path: str = Field(description="Its path, relative to the script's directory.")
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="SHA-256 of its content.")
    media_type: str = Field(description="Its media type, guessed from the name.")
    preview: bool = Field(False, description="Whether it can be shown: a picture, or text.")
    attempt: int = Field(description="The attempt that left it.")
