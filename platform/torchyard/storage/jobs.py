"""Queries about jobs, their events and their artifacts."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from torchyard.contracts.sayings import spoken
from torchyard.storage.tables import (
    ArtifactRow,
    AttemptRow,
    EventRow,
    JobInputRow,
    JobRow,
    UserRow,
    WorkerRow,
    values_of,
)
from torchyard.storage.workflow_tables import RunRow

#: Ids in one statement; databases count its values.
_AT_ONCE = 5_000
# Built once, of tables and not of their classes: each job adds half a dozen events, and building these
# statements anew takes ten times as long as running them.
_JOBS: Any = JobRow.__table__
_COUNT_EVENT = (
    update(_JOBS)
    .where(_JOBS.c.id == bindparam("job"))
    .values(events=_JOBS.c.events + 1)
    .returning(_JOBS.c.events)
)
_ADD = insert(_JOBS)
_ADD_EVENT = insert(EventRow.__table__)  # type: ignore[arg-type]  # it is a table


class JobRecord(NamedTuple):
    """A job with what is told along with it."""

    job: JobRow
    attempt: AttemptRow
    owner: str
    worker: WorkerRow | None


class JobFilter(NamedTuple):
    """Which jobs a list shows; all if nothing is set."""

    states: Sequence[str] = ()
    owner: str | None = None
    workflow: str | None = None
    text: str | None = None
    id_prefix: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def _records() -> Select[JobRow, AttemptRow, str, WorkerRow]:
    return (
        select(JobRow, AttemptRow, UserRow.name, WorkerRow)
        .join(AttemptRow, (AttemptRow.job_id == JobRow.id) & (AttemptRow.number == JobRow.attempt))
        .join(UserRow, UserRow.id == JobRow.owner_id)
        .outerjoin(WorkerRow, WorkerRow.id == AttemptRow.worker_id)
    )


def add(session: Session, row: JobRow) -> None:
    """Add a job. The row is no part of the session: what is changed in it later is not written."""
    session.execute(_ADD, values_of(row))


def find(session: Session, job_id: str) -> JobRecord | None:
    """The job with its latest attempt, owner's name and worker."""
    row = session.execute(_records().where(JobRow.id == job_id)).one_or_none()
    return JobRecord(*row) if row else None


def page(
    session: Session, wanted: JobFilter, *, before: tuple[datetime, str] | None, limit: int
) -> list[JobRecord]:
    """Jobs, newest first; from behind `before` (creation time and id) on."""
    query = _records().where(*_conditions(wanted, before))
    if len(wanted.states) == 1:
        query = query.where(JobRow.state == wanted.states[0])
    elif wanted.states:
        query = query.where(JobRow.id.in_(_newest_of_each_state(wanted, before, limit)))
    query = query.order_by(JobRow.created_at.desc(), JobRow.id.desc()).limit(limit)
    return [JobRecord(*row) for row in session.execute(query)]


def _newest_of_each_state(
    wanted: JobFilter, before: tuple[datetime, str] | None, limit: int
) -> CompoundSelect[str]:
    """Ids among which the page's are. A database that is asked for several states at once sorts all jobs."""
    parts = (
        select(JobRow.id)
        .where(*_conditions(wanted, before), JobRow.state == state)
        .order_by(JobRow.created_at.desc(), JobRow.id.desc())
        .limit(limit)
        .subquery()
        for state in wanted.states
    )
    return union_all(*(select(part.c.id) for part in parts))


def _conditions(wanted: JobFilter, before: tuple[datetime, str] | None) -> Iterator[ColumnElement[bool]]:
    """All that is wanted of jobs, but for their states."""
    if wanted.owner:
        owner = select(UserRow.id).where(UserRow.name == wanted.owner).scalar_subquery()
        yield JobRow.owner_id == owner
    if wanted.workflow:
        yield JobRow.run_id.in_(select(RunRow.id).where(RunRow.workflow_id == wanted.workflow))
    if wanted.text:
        yield JobRow.searchable.contains(wanted.text.lower(), autoescape=True)
    if wanted.id_prefix:
        yield JobRow.id.startswith(wanted.id_prefix, autoescape=True)
    if wanted.created_after:
        yield JobRow.created_at >= wanted.created_after
    if wanted.created_before:
        yield JobRow.created_at < wanted.created_before
    if before:
        yield tuple_(JobRow.created_at, JobRow.id) < before


def request_cancel(session: Session, job_id: str, at: datetime) -> None:
    """Note that somebody asked to cancel the job; the first time counts."""
    session.execute(
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.cancel_requested_at.is_(None))
        .values(cancel_requested_at=at)
    )


def remove(session: Session, job_id: str) -> None:
    """Remove the job with everything that belongs to it."""
    for table in (EventRow, ArtifactRow, JobInputRow, AttemptRow):
        session.execute(delete(table).where(table.job_id == job_id))
    session.execute(delete(JobRow).where(JobRow.id == job_id))


def add_event(session: Session, job_id: str, *, attempt: int, state: str, at: datetime, message: str) -> None:
    """Add a line to the job's account of itself, numbered without gaps."""
    told = spoken(message)
    event = {
        "job_id": job_id,
        "seq": session.scalar(_COUNT_EVENT, {"job": job_id}),
        "at": at,
        "attempt": attempt,
        "state": state,
        "message": told["sentence"],
        "saying": told["saying"],
    }
    session.execute(_ADD_EVENT, event)


def events(session: Session, job_id: str, *, after: int = 0) -> list[EventRow]:
    """The job's events with a number above `after`, in order."""
    query = select(EventRow).where(EventRow.job_id == job_id, EventRow.seq > after).order_by(EventRow.seq)
    return list(session.scalars(query))


def attempts(session: Session, job_id: str) -> list[tuple[AttemptRow, str | None]]:
    """The job's attempts with their workers' names, first to last."""
    query = (
        select(AttemptRow, WorkerRow.name)
        .outerjoin(WorkerRow, WorkerRow.id == AttemptRow.worker_id)
        .where(AttemptRow.job_id == job_id)
        .order_by(AttemptRow.number)
    )
    return [(row, name) for row, name in session.execute(query)]


def add_artifacts(session: Session, rows: Iterable[ArtifactRow]) -> None:
    """Add what an attempt left."""
    session.add_all(rows)


def artifacts(session: Session, job_id: str) -> list[ArtifactRow]:
    """What all attempts of the job left, by attempt and path."""
    query = (
        select(ArtifactRow)
        .where(ArtifactRow.job_id == job_id)
        .order_by(ArtifactRow.attempt, ArtifactRow.path)
    )
    return list(session.scalars(query))


def left_by(session: Session, job_ids: Iterable[str]) -> dict[str, list[ArtifactRow]]:
    """What the latest attempts of these jobs left, by job; without those that left nothing."""
    found: dict[str, list[ArtifactRow]] = {}
    wanted = sorted(set(job_ids))
    for start in range(0, len(wanted), _AT_ONCE):
        query = (
            select(ArtifactRow)
            .join(JobRow, (JobRow.id == ArtifactRow.job_id) & (JobRow.attempt == ArtifactRow.attempt))
            .where(JobRow.id.in_(wanted[start : start + _AT_ONCE]))
            .order_by(ArtifactRow.path)
        )
        for row in session.scalars(query):
            found.setdefault(row.job_id, []).append(row)
    return found


def artifact(session: Session, job_id: str, path: str, attempt: int | None) -> ArtifactRow | None:
    """One artifact; the latest attempt's that has it, unless one is named."""
    query = select(ArtifactRow).where(ArtifactRow.job_id == job_id, ArtifactRow.path == path)
    if attempt is not None:
        query = query.where(ArtifactRow.attempt == attempt)
    return session.scalars(query.order_by(ArtifactRow.attempt.desc()).limit(1)).one_or_none()


def count(session: Session) -> int:
    """How many jobs there are."""
    return session.scalar(select(func.count()).select_from(JobRow)) or 0
