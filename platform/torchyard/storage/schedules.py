"""Queries about schedules, and about runs that were made for a time."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from torchyard.contracts.runs import RUN_ENDED, Trigger
from torchyard.storage.workflow_tables import RunRow, ScheduleRow


def find(session: Session, workflow_id: str, *, lock: bool = False) -> ScheduleRow | None:
    """The workflow's schedule. Who locks it has locked its workflow before."""
    query = select(ScheduleRow).where(ScheduleRow.workflow_id == workflow_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def remove(session: Session, workflow_id: str) -> None:
    """Forget the schedule."""
    session.execute(delete(ScheduleRow).where(ScheduleRow.workflow_id == workflow_id))


def due(session: Session, now: datetime) -> list[str]:
    """Workflows whose schedules are due, the longest due first."""
    query = select(ScheduleRow.workflow_id).where(ScheduleRow.next_at <= now)
    return list(session.scalars(query.order_by(ScheduleRow.next_at, ScheduleRow.workflow_id)))


def next_due(session: Session) -> datetime | None:
    """When the next schedule is due."""
    query = select(ScheduleRow.next_at).where(ScheduleRow.next_at.is_not(None))
    return session.scalar(query.order_by(ScheduleRow.next_at).limit(1))


class OpenRun(NamedTuple):
    """A run that has not ended."""

    id: str
    number: int | None


def open_runs(session: Session, workflow_id: str) -> list[OpenRun]:
    """Runs that the workflow's schedule made and that have not ended, oldest first."""
    query = select(RunRow.id, RunRow.number).where(
        RunRow.workflow_id == workflow_id,
        RunRow.trigger == Trigger.SCHEDULE,
        RunRow.state.not_in(sorted(RUN_ENDED)),
    )
    return [OpenRun(*row) for row in session.execute(query.order_by(RunRow.created_at, RunRow.id))]


def runs_for(session: Session, workflow_id: str, times: Collection[datetime]) -> dict[datetime, str]:
    """The workflow's runs for these data times that have not ended."""
    query = select(RunRow.data_time, RunRow.id).where(
        RunRow.workflow_id == workflow_id,
        RunRow.data_time.in_(times),
        RunRow.state.not_in(sorted(RUN_ENDED)),
    )
    return {row.data_time: row.id for row in session.execute(query.order_by(RunRow.created_at))}


def runs_in_slots(session: Session, workflow_id: str, slots: Sequence[str]) -> dict[str, str]:
    """The workflow's runs that were made for these slots."""
    query = select(RunRow.slot, RunRow.id).where(RunRow.workflow_id == workflow_id, RunRow.slot.in_(slots))
    return {str(slot): run_id for slot, run_id in session.execute(query)}
