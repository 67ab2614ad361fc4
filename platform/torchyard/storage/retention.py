"""Queries about artifacts that have been kept for long enough."""

from datetime import datetime

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import TERMINAL
from torchyard.storage.tables import ArtifactRow, BlobRow, JobRow


def kept_bytes(session: Session) -> int:
    """Bytes of all artifacts; those with the same content count once."""
    kept = exists().where(ArtifactRow.sha256 == BlobRow.sha256)
    return int(session.scalar(select(func.sum(BlobRow.size)).where(kept)) or 0)


def oldest(session: Session, *, before: datetime | None = None) -> JobRow | None:
    """Of the ended jobs that have artifacts, the one that ended first; if it was before this."""
    query = select(JobRow).where(JobRow.state.in_(TERMINAL), exists().where(ArtifactRow.job_id == JobRow.id))
    if before is not None:
        query = query.where(JobRow.finished_at < before)
    return session.scalars(query.order_by(JobRow.finished_at, JobRow.id).limit(1)).one_or_none()


def remove_artifacts(session: Session, job_id: str, at: datetime) -> list[tuple[str, int]]:
    """Forget a job's artifacts, and note that they were; their paths, and their sizes in bytes."""
    session.execute(
        update(JobRow)
        .where(JobRow.id == job_id)
        .values(artifacts_removed_at=at)
        .execution_options(synchronize_session=False)
    )
    removed = delete(ArtifactRow).where(ArtifactRow.job_id == job_id)
    rows = session.execute(removed.returning(ArtifactRow.path, ArtifactRow.size))
    return sorted((path, size) for path, size in rows)
