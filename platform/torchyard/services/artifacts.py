"""What jobs leave behind."""

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import Artifact
from torchyard.errors import NotFound
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


def _artifact(row: ArtifactRow) -> Artifact:
    return Artifact(
        path=row.path, size=row.size, sha256=row.sha256, media_type=row.media_type, attempt=row.attempt
    )
