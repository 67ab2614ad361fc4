"""Queries about the files that jobs get from other jobs."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from torchyard.storage.tables import JobInputRow


def add(session: Session, rows: Iterable[JobInputRow]) -> None:
    """Add files that a job is to find."""
    session.add_all(rows)
    session.flush()


def of_job(session: Session, job_id: str) -> list[JobInputRow]:
    """The files that the job is to find, by input and path."""
    query = select(JobInputRow).where(JobInputRow.job_id == job_id)
    return list(session.scalars(query.order_by(JobInputRow.name, JobInputRow.path)))
