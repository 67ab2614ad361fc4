"""What jobs find in `inputs/`; files are frozen when a job is submitted, whatever becomes of their makers."""

from collections.abc import Iterable, Iterator

from sqlalchemy.orm import Session

from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.inputs import Source, read_source
from torchyard.contracts.jobs import TERMINAL, JobSpec, JobState
from torchyard.contracts.runner import InputFile
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import split_paths
from torchyard.errors import BlobNotUploaded, InputUnknown
from torchyard.services import connections
from torchyard.services.context import Context
from torchyard.storage import attempts, blobs, inputs, jobs
from torchyard.storage.tables import ArtifactRow, JobInputRow, JobRow

#: What a job meant to leave; without this in their paths, its files are others' inputs.
_OUTPUTS = "outputs/"


def freeze(session: Session, job: JobRow, spec: JobSpec) -> None:
    """Note which files the new job is to find in `inputs/`; their blobs stay for as long as it does.

    One that repeats another job gets the very files that job got. What lies in S3 or COS is not frozen: a
    worker fetches what it finds there.

    An input without files is an empty folder: one whose source is `none` (`contracts.inputs.NOTHING`), and
    one of a job that succeeded and left nothing. Of a job that failed or was cancelled and left nothing it is
    too, if the source says that it may be: `job_source(job_id, may_be_empty=True)`, written `job:<id>?`.

    Raises:
        InputUnknown: A job they are to come from is not there, has not ended, or has nothing to give.
        BlobNotUploaded: A file is not (or no longer) there.
    """
    if not spec.inputs:
        return
    if job.run_again_of is not None:
        earlier = inputs.of_job(session, job.run_again_of)
        files = [(row.name, row.path, row.sha256, row.size) for row in earlier]
    else:
        read = _sources(spec).items()
        files = [(name, *file) for name, source in read for file in _given(session, name, source)]
    # In one order everywhere, so that two transactions never wait for each other.
    inputs.add(
        session,
        (
            JobInputRow(job_id=job.id, name=name, path=path, sha256=sha256, size=size)
            for name, path, sha256, size in sorted(files, key=lambda file: file[2])
        ),
    )


def of_job(session: Session, job_id: str) -> list[InputFile]:
    """The files that the job is to find in `inputs/`, but for those in S3 and COS."""
    return [
        InputFile(name=row.name, path=row.path, sha256=row.sha256, size=row.size)
        for row in inputs.of_job(session, job_id)
    ]


def storage(ctx: Context, session: Session, spec: JobSpec) -> list[StorageAccess]:
    """What a job's dependency paths and inputs are read through.

    Raises:
        Forbidden: `s3_bucket_not_allowed`: no connection covers a path, which is named.
        SealBroken: A connection's secret can't be read any more.
    """
    named = {f"inputs.{name}": source.paths for name, source in _sources(spec).items()}
    beside = {"dependency_paths": split_paths(spec.dependency_paths)}
    return connections.resolve_all(ctx, session, {**beside, **named})


def uploaded(spec: JobSpec) -> list[tuple[str, str]]:
    """SHA-256 of each uploaded file that the job's inputs name, and the field that does."""
    sources = _sources(spec).items()
    return [(file.sha256, f"inputs.{name}") for name, source in sources for file in source.files]


def left_by(session: Session, job_ids: Iterable[str]) -> dict[str, list[tuple[str, str, int]]]:
    """Path, SHA-256 and size of the files that jobs give to others; nothing of those that give none."""
    return {job_id: _meant(left) for job_id, left in jobs.left_by(session, job_ids).items()}


def workers_near(session: Session, spec: JobSpec) -> list[str]:
    """Ids of the workers that ran the jobs its inputs come from, and so may have the files still."""
    makers = {source.job for source in _sources(spec).values() if source.job is not None}
    return sorted(attempts.workers_of(session, makers)) if makers else []


def _sources(spec: JobSpec) -> dict[str, Source]:
    return {name: read_source(text) for name, text in spec.inputs.items()}


def _given(session: Session, name: str, source: Source) -> Iterator[tuple[str, str, int]]:
    """Path, SHA-256 and size of each file of an input."""
    if source.job is not None:
        yield from _left(session, name, source.job, may_be_empty=source.may_be_empty)
    known = blobs.find_all(session, {file.sha256 for file in source.files})
    for file in source.files:
        row = known.get(file.sha256)
        if row is None:
            raise BlobNotUploaded(
                f"the bytes of {file.name!r} have not been uploaded",
                field=f"inputs.{name}",
                hint=say("hint_blobs_first"),
            )
        yield file.name, row.sha256, row.size


def _left(session: Session, name: str, job_id: str, *, may_be_empty: bool) -> Iterator[tuple[str, str, int]]:
    """What a job gives to others: its last attempt's files."""
    record = jobs.find(session, job_id)
    if record is None:
        raise _unknown(name, f"there is no job {job_id}")
    if record.job.state not in TERMINAL:
        raise _unknown(name, f"the job {job_id} has not ended", hint=say("hint_wait_for_job"))
    left = _meant(jobs.left_by(session, [job_id]).get(job_id, []))
    if not left and record.job.artifacts_removed_at is not None:
        raise _unknown(name, f"what the job {job_id} left was removed")
    if not left and record.job.state != JobState.SUCCEEDED and not may_be_empty:
        hint = say("hint_empty_folder", job=job_id)
        raise _unknown(name, f"the job {job_id} is {record.job.state} and left no files", hint=hint)
    yield from left


def _meant(left: list[ArtifactRow]) -> list[tuple[str, str, int]]:
    meant = [row for row in left if row.path.startswith(_OUTPUTS)]
    return [(row.path.removeprefix(_OUTPUTS), row.sha256, row.size) for row in meant or left]


def _unknown(name: str, problem: str, *, hint: str | None = None) -> InputUnknown:
    return InputUnknown(problem, field=f"inputs.{name}", hint=hint)
