"""Every deliberate error of Torchyard; each has one sentence and a stable code.

TorchyardError
├── InvalidInput                what the caller sent can't be accepted as it is
│   ├── FieldInvalid            a field breaks a rule
│   ├── ScriptInvalid           script_empty, script_not_utf8, script_syntax_error
│   ├── ArchiveRejected         archive_…: the zip is refused, never repaired
│   ├── RuntimeUnknown          runtime_unknown
│   ├── BlobNotUploaded         blob_not_uploaded
│   ├── InputUnknown            input_unknown
│   ├── WorkflowInvalid         workflow_invalid: `errors` has every mistake of a graph
│   ├── WorkflowFileInvalid     workflow_file_invalid: a workflow's YAML, with line and column
│   ├── SourceMissing           source_missing: no run has what a part of a workflow needs
│   ├── DigestMismatch          digest_mismatch
│   ├── CursorInvalid           cursor_invalid
│   └── IdempotencyKeyReused    idempotency_key_reused
├── Malformed                   the request can't be read at all
├── TooLarge                    a body or file is over its limit
├── UnsupportedMedia            the body is of a kind that is not accepted
├── NotFound                    no such job, blob, log, artifact, attempt or worker
├── Conflict
│   ├── JobEnded                the job has ended, so this can't be done to it
│   ├── JobNotEnded             the job has not ended, so this can't be done to it
│   ├── RunEnded                the run or node has ended, so this can't be done to it
│   ├── RunNotEnded             the run has not ended, so this can't be done to it
│   ├── RunRefused              as many runs of the workflow as allowed are going on
│   ├── ResumeRefused           node_busy, node_blocked, nothing_to_resume, run_stopping
│   ├── WorkflowBusy            runs of the workflow have not ended
│   ├── VersionConflict         version_conflict: somebody saved in between; both differences come with it
│   ├── AttemptStale            the attempt is not this worker's any more
│   ├── LogMismatch             a finished attempt's log differs from what was stored
│   ├── SealBroken              a secret was encrypted with a key that is gone
│   ├── SecretInUse             a job that has not ended needs the secret
│   ├── OwnAccess               own_access: an administrator would shut themselves out
│   └── IdempotencyInProgress   the first request with this key has not ended
├── PreconditionRequired        precondition_required: a save has to say which version it changes
├── RangeNotSatisfiable         the range starts behind the end
├── OffsetMismatch              a log continues elsewhere than the sender thinks
├── Unauthenticated             no valid token or session
├── Forbidden                   known, but not allowed
├── Unavailable                 a part the request needs is away; try again
├── StorageFull                 no space left for what was sent
├── DependencyFailed            (worker) a file or package that a job names can't be had
├── RequirementsFailed          (worker) a job's packages can't be installed
├── ServerUnreachable           (client) the platform does not answer
├── RequestRefused              (client) the platform answered with a problem
└── StartRefused                (operator) the program can't start as it is set up
"""

from typing import Any


class TorchyardError(Exception):
    """Something Torchyard refuses or can't do, said in one sentence.

    Attributes:
        code: Stable and machine-readable; never changes its meaning.
        message: One sentence for a person.
        field: The input's field, as a dotted path, where one is to blame.
        hint: What to do about it, where that is known.
        extra: Further members of the problem document.
    """

    code = "internal"

    def __init__(
        self,
        message: str = "",
        *,
        code: str | None = None,
        field: str | None = None,
        hint: str | None = None,
        **extra: Any,
    ) -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.code = code or type(self).code
        self.field = field
        self.hint = hint
        self.extra = extra
        super().__init__(self.message)


class InvalidInput(TorchyardError):
    """What was sent can't be accepted as it is."""

    code = "invalid_input"


class FieldInvalid(InvalidInput):
    """A field breaks a rule."""

    code = "field_invalid"


class ScriptInvalid(InvalidInput):
    """The script can't be run."""

    code = "script_invalid"


class ArchiveRejected(InvalidInput):
    """The zip archive is refused."""

    code = "archive_invalid"


class RuntimeUnknown(InvalidInput):
    """No worker offers this runtime."""

    code = "runtime_unknown"


class BlobNotUploaded(InvalidInput):
    """No blob with this SHA-256 has been uploaded."""

    code = "blob_not_uploaded"


class InputUnknown(InvalidInput):
    """A job whose artifacts are wanted as inputs can't give any."""

    code = "input_unknown"


class WorkflowInvalid(InvalidInput):
    """The graph has mistakes, so it can't run."""

    code = "workflow_invalid"


class WorkflowFileInvalid(InvalidInput):
    """The workflow's YAML file can't be read as one."""

    code = "workflow_file_invalid"


class SourceMissing(InvalidInput):
    """No run has the outputs that a part of a workflow needs."""

    code = "source_missing"


class DigestMismatch(InvalidInput):
    """The uploaded bytes don't have the SHA-256 they were announced with."""

    code = "digest_mismatch"


class CursorInvalid(InvalidInput):
    """The cursor was not given out by this list."""

    code = "cursor_invalid"


class IdempotencyKeyReused(InvalidInput):
    """This Idempotency-Key was used before with another request."""

    code = "idempotency_key_reused"


class Malformed(TorchyardError):
    """The request can't be read."""

    code = "malformed"


class TooLarge(TorchyardError):
    """The body is larger than allowed."""

    code = "too_large"


class UnsupportedMedia(TorchyardError):
    """The body is of a kind that is not accepted here."""

    code = "unsupported_media"


class NotFound(TorchyardError):
    """There is no such thing."""

    code = "not_found"


class Conflict(TorchyardError):
    """The request doesn't fit the present state."""

    code = "conflict"


class JobEnded(Conflict):
    """The job has ended."""

    code = "job_ended"


class JobNotEnded(Conflict):
    """The job has not ended yet."""

    code = "job_not_ended"


class RunEnded(Conflict):
    """The run has ended."""

    code = "run_ended"


class RunNotEnded(Conflict):
    """The run has not ended yet."""

    code = "run_not_ended"


class RunRefused(Conflict):
    """As many runs of the workflow as allowed are going on."""

    code = "run_refused"


class ResumeRefused(Conflict):
    """The nodes can't be run again now."""

    code = "resume_refused"


class WorkflowBusy(Conflict):
    """Runs of the workflow have not ended."""

    code = "workflow_busy"


class VersionConflict(Conflict):
    """Somebody else saved the workflow in between."""

    code = "version_conflict"


class AttemptStale(Conflict):
    """The attempt is not this worker's any more."""

    code = "attempt_stale"


class LogMismatch(Conflict):
    """The stored log differs from the worker's; it has to be sent again."""

    code = "log_mismatch"


class SealBroken(Conflict):
    """A secret was encrypted with a key that the platform no longer has."""

    code = "secret_unreadable"


class OwnAccess(Conflict):
    """An administrator would shut themselves out."""

    code = "own_access"


class SecretInUse(Conflict):
    """A job that has not ended needs the secret."""

    code = "secret_in_use"


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key has not ended yet."""

    code = "idempotency_in_progress"


class PreconditionRequired(TorchyardError):
    """The request has to say in `If-Match` which version it changes."""

    code = "precondition_required"


class RangeNotSatisfiable(TorchyardError):
    """The range starts behind the end of the file."""

    code = "range_not_satisfiable"


class OffsetMismatch(TorchyardError):
    """The log continues at another offset.

    Attributes:
        expected: The byte offset at which the next append has to start.
    """

    code = "offset_mismatch"

    def __init__(self, expected: int) -> None:
        super().__init__(f"the log continues at byte {expected}", expected=expected)
        self.expected = expected


class Unauthenticated(TorchyardError):
    """A valid token or session is needed."""

    code = "unauthenticated"


class Forbidden(TorchyardError):
    """This is not allowed."""

    code = "forbidden"


class Unavailable(TorchyardError):
    """A part the request needs is away for the moment; try again."""

    code = "unavailable"


class StorageFull(TorchyardError):
    """No space is left to store what was sent."""

    code = "storage_full"


class DependencyFailed(TorchyardError):
    """A file or package that a job names can't be had from where it lies."""

    code = "dependency_unavailable"


class RequirementsFailed(TorchyardError):
    """A job's packages can't be installed."""

    code = "requirements_failed"


class ServerUnreachable(TorchyardError):
    """The platform doesn't answer."""

    code = "server_unreachable"


class RequestRefused(TorchyardError):
    """The platform answered with a problem.

    Attributes:
        status: The HTTP status of the answer.
    """

    code = "request_refused"

    def __init__(self, message: str, *, status: int, **more: Any) -> None:
        super().__init__(message, **more)
        self.status = status


class StartRefused(TorchyardError):
    """The program can't start as it is set up."""

    code = "start_refused"
