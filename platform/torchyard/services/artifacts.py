"""What jobs leave behind."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import Artifact
from torchyard.domain import previews
from torchyard.errors import NotFound
from torchyard.services.context import Context
from torchyard.services.zipping import zipped
from torchyard.storage import jobs
from torchyard.storage.tables import ArtifactRow


def all_of(session: Session, job_id: str) -> list[Artifact]:
    """What all attempts of the job left, by attempt and path.

    Raises:
        NotFound: `job_not_found`.
    """
    if jobs.find(session, job_id) is None:
        raise NotFound("there is no job with this id", code="job_not_found")
    return [_artifact(row) for row in jobs.artifacts(session, job_id)]


def find(session: Session, job_id: str, path: str, attempt: int | None) -> Artifact:
    """One artifact; the latest attempt's that has it, unless one is named.

    Raises:
        NotFound: `artifact_not_found`.
    """
    row = jobs.artifact(session, job_id, path, attempt)
    if row is None:
        raise NotFound("the job has no artifact with this path", code="artifact_not_found")
    return _artifact(row)


def shown_as(ctx: Context, artifact: Artifact) -> str | None:
    """The media type under which a browser may show it; None if it may only be downloaded.

    Raises:
        NotFound: `blob_not_found`.
    """
    if not artifact.preview:
        return None
    head = b"".join(ctx.objects.read(artifact.sha256, 0, previews.HEAD_BYTES))
    return previews.shown_as(artifact.path, head)


def archive(ctx: Context, session: Session, job_id: str, attempt: int | None) -> tuple[str, Iterator[bytes]]:
    """All of a job's artifacts as one zip, made while it is read: its name and its bytes.

    Args:
        ctx: Where the files are.
        session: The database; needed until this returns.
        job_id: The job.
        attempt: Which attempt's; of each path the latest attempt's that has it, if None.

    Raises:
        NotFound: `job_not_found`.
    """
    record = jobs.find(session, job_id)
    if record is None:
        raise NotFound("there is no job with this id", code="job_not_found")
    rows = [row for row in jobs.artifacts(session, job_id) if attempt in {None, row.attempt}]
    files = {row.path: (row.sha256, row.size) for row in rows}
    name = f"{record.job.name}-{job_id[:8]}.zip".replace("/", "-")
    sizes = [(path, size) for path, (_, size) in sorted(files.items())]
    return name, zipped(sizes, lambda path: ctx.objects.read(files[path][0]), record.job.finished_at)


def _artifact(row: ArtifactRow) -> Artifact:
    return Artifact(
        path=row.path,
        size=row.size,
        sha256=row.sha256,
        media_type=row.media_type,
        preview=previews.has_preview(row.path),
        attempt=row.attempt,
    )
