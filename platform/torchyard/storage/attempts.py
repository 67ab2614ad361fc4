"""Queries about attempts; a change of state is always a compare-and-swap."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, String, Update, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from torchyard.domain.lifecycle import CLAIMED, ENDED, PLACED, AttemptState, job_state, may_become
from torchyard.storage.tables import AttemptRow, JobRow, WorkerRow, values_of

#: Columns that an attempt shares with its job.
_SHARED = frozenset({"reason", "sentence", "saying", "exit_code", "signal", "started_at", "finished_at"})


#: Ids in one statement; databases count its values.
_AT_ONCE = 1_000


class PlacingRow(NamedTuple):
    """What the scheduler needs of an attempt."""

    id: str
    state: str
    owner_id: str
    runtime: str
    gpu_count: int
    gpu_model: str | None
    cpus: int
    memory_mb: int
    worker_id: str | None
    gpus: list[str]
    created_at: datetime
    not_before: datetime | None
    near: list[str]


# Columns and no objects: these are read by the thousand.
_PLACING = [getattr(AttemptRow, name) for name in PlacingRow._fields]


# What every job runs several times is built once: building a statement takes longer than running it, and
# one that is about tables takes a third of one that is about their classes.
_ATTEMPTS: Any = AttemptRow.__table__
_JOBS: Any = JobRow.__table__
_FIND = (
    select(AttemptRow, JobRow, WorkerRow)
    .join(JobRow, JobRow.id == AttemptRow.job_id)
    .outerjoin(WorkerRow, WorkerRow.id == AttemptRow.worker_id)
    .where(AttemptRow.id == bindparam("attempt"))
)
_FIND_LOCKED = _FIND.with_for_update(of=AttemptRow).execution_options(populate_existing=True)
_PLACE = select(_ATTEMPTS.c.worker_id, _ATTEMPTS.c.state).where(_ATTEMPTS.c.id == bindparam("attempt"))
_TAKE_REPORT = (
    update(_ATTEMPTS)
    .where(_ATTEMPTS.c.id == bindparam("attempt"), _ATTEMPTS.c.reports < bindparam("report"))
    .values(reports=bindparam("report"))
)
_ENDS = select(_ATTEMPTS.c.reason, _ATTEMPTS.c.started_at).where(
    _ATTEMPTS.c.job_id == bindparam("job"), _ATTEMPTS.c.state.in_(ENDED)
)


_ADD = insert(_ATTEMPTS)


class HeldAttempt(NamedTuple):
    """An attempt with its job and the worker it was placed on."""

    attempt: AttemptRow
    job: JobRow
    worker: WorkerRow | None


def add(session: Session, row: AttemptRow) -> None:
    """Add an attempt. The row is no part of the session: what is changed in it later is not written."""
    session.execute(_ADD, values_of(row))


def find(session: Session, attempt_id: str, *, lock: bool = False) -> HeldAttempt | None:
    """The attempt with its job and worker.

    Args:
        session: The transaction.
        attempt_id: Which attempt.
        lock: Keep others from changing it until this transaction ends. Whoever changes an attempt and
            its job locks the attempt first: in any other order, two of them could wait for each other.
    """
    row = session.execute(_FIND_LOCKED if lock else _FIND, {"attempt": attempt_id}).one_or_none()
    if row and lock and session.get_bind().dialect.name == "postgresql":
        # It reads the locked row anew when it had to wait for it, but not those joined to it.
        session.refresh(row[1])
    return HeldAttempt(*row) if row else None


def place(session: Session, attempt_id: str) -> tuple[str | None, str] | None:
    """The attempt's worker and state."""
    row = session.execute(_PLACE, {"attempt": attempt_id}).one_or_none()
    return (row.worker_id, row.state) if row else None


def move(
    session: Session,
    attempt_id: str,
    to: AttemptState,
    *,
    held_by: str | None = None,
    only_from: frozenset[AttemptState] = frozenset(AttemptState),
    **values: Any,
) -> bool:
    """Change an attempt's state, and its job's with it, if it is in a state that `to` may follow.

    Args:
        session: The writing transaction.
        attempt_id: Which attempt.
        to: The new state.
        held_by: The worker that has to hold it; any, if None.
        only_from: Narrows the states it may come from.
        values: Further columns of the attempt; `reason`, `sentence`, `saying`, `exit_code`, `signal`,
            `started_at` and `finished_at` are the job's as well.

    Returns:
        Whether it was changed. False says that somebody else was first.
    """
    move_attempt, move_job = _moves(frozenset(values))
    came_from = list(may_become(to) & only_from)
    attempt = {"attempt": attempt_id, "came_from": came_from, "held_by": held_by, "new_state": to}
    job_id = session.scalar(move_attempt, attempt | _new(values))
    if job_id is None:
        return False
    shared = {name: values[name] for name in _SHARED & values.keys()}
    session.execute(move_job, {"job": job_id, "new_state": job_state(to)} | _new(shared))
    return True


def _new(values: Mapping[str, Any]) -> dict[str, Any]:
    # A column's own name is not to be had for a parameter.
    return {f"new_{name}": value for name, value in values.items()}


@cache
def _moves(columns: frozenset[str]) -> tuple[Update, Update]:
    """What changes an attempt's state with these columns, and what changes its job's."""
    held_by = bindparam("held_by", type_=String)

    def setting(names: Iterable[str]) -> dict[str, Any]:
        return {name: bindparam(f"new_{name}") for name in ("state", *names)}

    return (
        update(_ATTEMPTS)
        .where(
            _ATTEMPTS.c.id == bindparam("attempt"),
            _ATTEMPTS.c.state.in_(bindparam("came_from", expanding=True)),
            held_by.is_(None) | (_ATTEMPTS.c.worker_id == held_by),
        )
        .values(setting(columns))
        .returning(_ATTEMPTS.c.job_id),
        update(_JOBS).where(_JOBS.c.id == bindparam("job")).values(setting(_SHARED & columns)),
    )


def open_states(session: Session) -> list[tuple[str, str, str | None]]:
    """Id, state and worker of each attempt that waits or holds resources of a worker, oldest first."""
    query = (
        select(AttemptRow.id, AttemptRow.state, AttemptRow.worker_id)
        .where(AttemptRow.state.in_([AttemptState.WAITING, *PLACED]))
        .order_by(AttemptRow.created_at, AttemptRow.id)
    )
    return [(attempt_id, state, worker_id) for attempt_id, state, worker_id in session.execute(query)]


def placing(session: Session, attempt_ids: Iterable[str]) -> Iterator[PlacingRow]:
    """What the scheduler needs of these attempts, in their order; of those that there are."""
    left = iter(attempt_ids)
    while some := list(islice(left, _AT_ONCE)):
        rows = session.execute(select(*_PLACING).where(AttemptRow.id.in_(some)))
        found = {row.id: PlacingRow(*row) for row in rows}
        yield from (found[attempt_id] for attempt_id in some if attempt_id in found)


def held_by(session: Session, owner_id: str | None = None) -> dict[str, tuple[int, int]]:
    """GPUs and CPU cores that the owners' attempts hold; of those who hold any, or of this one."""
    query = (
        select(AttemptRow.owner_id, func.sum(AttemptRow.gpu_count), func.sum(AttemptRow.cpus))
        .where(AttemptRow.state.in_(PLACED))
        .group_by(AttemptRow.owner_id)
    )
    if owner_id is not None:
        query = query.where(AttemptRow.owner_id == owner_id)
    return {owner: (int(gpus), int(cpus)) for owner, gpus, cpus in session.execute(query)}


def ends(session: Session, job_id: str) -> list[tuple[str | None, bool]]:
    """Of each attempt of the job that ended: why it failed, and whether its script ran."""
    ended = session.execute(_ENDS, {"job": job_id})
    return [(reason, started_at is not None) for reason, started_at in ended]


def workers_of(session: Session, job_ids: Iterable[str]) -> set[str]:
    """Ids of the workers that had the latest attempts of these jobs."""
    query = (
        select(AttemptRow.worker_id)
        .join(JobRow, JobRow.id == AttemptRow.job_id)
        .where(JobRow.id.in_(list(job_ids)), AttemptRow.number == JobRow.attempt)
    )
    return {worker_id for worker_id in session.scalars(query) if worker_id is not None}


def placed_jobs(session: Session) -> list[tuple[AttemptRow, JobRow]]:
    """All attempts that hold resources of a worker, oldest first, with their jobs."""
    query = (
        select(AttemptRow, JobRow)
        .join(JobRow, JobRow.id == AttemptRow.job_id)
        .where(AttemptRow.state.in_(PLACED))
        .order_by(AttemptRow.created_at, AttemptRow.id)
    )
    return [(attempt, job) for attempt, job in session.execute(query)]


def of_worker(session: Session, worker_id: str, states: Iterable[AttemptState] = PLACED) -> list[AttemptRow]:
    """The attempts on this worker that are in one of the states."""
    query = select(AttemptRow).where(AttemptRow.worker_id == worker_id, AttemptRow.state.in_(list(states)))
    return list(session.scalars(query.order_by(AttemptRow.created_at)))


def cancel_requested(session: Session, worker_id: str) -> list[str]:
    """Ids of the worker's attempts that are to be stopped."""
    query = (
        select(AttemptRow.id)
        .join(JobRow, JobRow.id == AttemptRow.job_id)
        .where(
            AttemptRow.worker_id == worker_id,
            AttemptRow.state.in_(CLAIMED),
            JobRow.cancel_requested_at.is_not(None),
        )
    )
    return list(session.scalars(query))


def unclaimed(session: Session, announced_before: datetime, *, limit: int) -> list[AttemptRow]:
    """Assigned attempts whose last announcement is older than this."""
    query = (
        select(AttemptRow)
        .where(AttemptRow.state == AttemptState.ASSIGNED, AttemptRow.announced_at < announced_before)
        .order_by(AttemptRow.announced_at)
        .limit(limit)
    )
    return list(session.scalars(query))


def mark_announced(session: Session, attempt_ids: Iterable[str], at: datetime) -> None:
    """Note that the worker was told."""
    session.execute(
        update(AttemptRow)
        .where(AttemptRow.id.in_(list(attempt_ids)))
        .values(announced_at=at)
        .execution_options(synchronize_session=False)
    )


def take_report(session: Session, attempt_id: str, number: int) -> bool:
    """Whether a worker's report is new; its number counts as taken in from now on."""
    result = session.execute(_TAKE_REPORT, {"attempt": attempt_id, "report": number})
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
