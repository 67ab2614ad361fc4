"""Files that jobs get from other jobs; frozen when a job is submitted, whatever becomes of the others."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from torchyard.contracts.inputs import job_of_input
from torchyard.contracts.jobs import TERMINAL, JobSpec, JobState
from torchyard.contracts.runner import InputFile
from torchyard.errors import InputUnknown
from torchyard.storage import inputs, jobs
from torchyard.storage.tables import JobInputRow, JobRow

#: What a job meant to leave; without this in their paths, its files are others' inputs.
_OUTPUTS = "outputs/"


def freeze(session: Session, job: JobRow, spec: JobSpec) -> None:
    """Note which files the new job is to find in `inputs/`; their blobs stay for as long as it does.

    One that repeats another job gets the very files that job got.

    Raises:
        InputUnknown: A job they are to come from is not there, has not ended, or has nothing to give.
    """
    if not spec.inputs:
        return
    if job.run_again_of is not None:
        earlier = inputs.of_job(session, job.run_again_of)
        files = [(row.name, row.path, row.sha256, row.size) for row in earlier]
    else:
        sources = spec.inputs.items()
        files = [(name, *file) for name, source in sources for file in _given(session, name, source)]
    # In one order everywhere, so that two transactions never wait for each other.
    inputs.add(
        session,
        (
            JobInputRow(job_id=job.id, name=name, path=path, sha256=sha256, size=size)
            for name, path, sha256, size in sorted(files, key=lambda file: file[2])
        ),
    )


def of_job(session: Session, job_id: str) -> list[InputFile]:
    """The files that the job is to find in `inputs/`."""
    return [
        InputFile(name=row.name, path=row.path, sha256=row.sha256, size=row.size)
        for row in inputs.of_job(session, job_id)
    ]


def _given(session: Session, name: str, source: str) -> Iterator[tuple[str, str, int]]:
    """Path, SHA-256 and size of each file that a job gives to others: its last attempt's."""
    record = jobs.find(session, job_of_input(source))
    if record is None:
        raise _unknown(name, f"there is no job {job_of_input(source)}")
    if record.job.state not in TERMINAL:
        raise _unknown(name, f"the job {record.job.id} has not ended", hint="wait for its end")
    left = [row for row in jobs.artifacts(session, record.job.id) if row.attempt == record.job.attempt]
    if not left and record.job.state != JobState.SUCCEEDED:
        raise _unknown(name, f"the job {record.job.id} is {record.job.state} and left no files")
    meant = [row for row in left if row.path.startswith(_OUTPUTS)]
    for row in meant or left:
        yield row.path.removeprefix(_OUTPUTS), row.sha256, row.size


def _unknown(name: str, problem: str, *, hint: str | None = None) -> InputUnknown:
    return InputUnknown(problem, field=f"inputs.{name}", hint=hint)
