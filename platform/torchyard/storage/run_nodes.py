"""Queries about the nodes of runs, their tries and their jobs.

Nodes are read as columns: a run may have thousands, and the engine looks at all of them at every step.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import TERMINAL
from torchyard.contracts.runs import NODE_GAVE, NodeState
from torchyard.domain.lifecycle import CLAIMED, AttemptState
from torchyard.storage.tables import AttemptRow, JobRow, WorkerRow
from torchyard.storage.workflow_tables import (
    RunJobRow,
    RunNodeRow,
)

#: Values in one statement's list; databases count them.
_AT_ONCE = 10_000
_STATES = {state.value: state for state in NodeState}


class Standing(NamedTuple):
    """Where a node of a run stands."""

    state: str
    job_id: str | None


class Giver(NamedTuple):
    """A run in which a node left outputs, and the job that made them."""

    run_id: str
    job_id: str


def states(session: Session, run_id: str) -> dict[str, NodeState]:
    """Where each node of the run stands."""
    query = select(RunNodeRow.name, RunNodeRow.state).where(RunNodeRow.run_id == run_id)
    return {name: _STATES[state] for name, state in session.execute(query)}


def rows(session: Session, run_id: str, names: Collection[str] | None = None) -> list[Row[Any]]:
    """The columns of the run's nodes, or of some of them, in the graph's order; without their components."""
    table = RunNodeRow.__table__.c
    columns = [column for column in table if column.name not in {"components", "content_key"}]
    query = select(*columns).where(RunNodeRow.run_id == run_id).order_by(RunNodeRow.position)
    if names is None:
        return list(session.execute(query))
    wanted = list(names)
    parts = [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]
    return [row for part in parts for row in session.execute(query.where(RunNodeRow.name.in_(part)))]


def standing(session: Session, run_id: str, name: str) -> Standing | None:
    """State and job of one node."""
    query = select(RunNodeRow.state, RunNodeRow.job_id).where(
        RunNodeRow.run_id == run_id, RunNodeRow.name == name
    )
    row = session.execute(query).one_or_none()
    return Standing(*row) if row else None


def change(session: Session, run_id: str, changes: Sequence[Mapping[str, Any]]) -> None:
    """Change nodes: each change has the `name` and the columns to be set, the same in all of them."""
    if not changes:
        return
    columns = [column for column in changes[0] if column != "name"]
    table: Any = RunNodeRow.__table__
    query = (
        update(table)
        .where(table.c.run_id == run_id, table.c.name == bindparam("wanted"))
        .values({column: bindparam(f"new_{column}", type_=table.c[column].type) for column in columns})
    )
    session.execute(
        query,
        [
            {"wanted": change["name"]} | {f"new_{column}": change[column] for column in columns}
            for change in changes
        ],
    )


def forget_reused(session: Session, run_id: str) -> None:
    """Waiting nodes show their own last job, and none that stood in for one of theirs."""
    own = (
        select(RunJobRow.job_id)
        .where(RunJobRow.run_id == run_id, RunJobRow.node == RunNodeRow.name)
        .order_by(RunJobRow.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = update(RunNodeRow).where(RunNodeRow.run_id == run_id, RunNodeRow.state == NodeState.WAITING)
    session.execute(query.values(job_id=own).execution_options(synchronize_session=False))


def giver(
    session: Session,
    name: str,
    *,
    run_id: str | None = None,
    workflow_id: str | None = None,
    kept: bool = True,
) -> Giver | None:
    """Where the node left outputs last: in the named run, or in any run of the workflow.

    Args:
        session: The transaction.
        name: The node's name.
        run_id: In this run.
        workflow_id: Else in any run of this workflow.
        kept: Only where none of what it left was removed.
    """
    query = (
        select(RunNodeRow.run_id, RunNodeRow.job_id)
        .join(JobRow, JobRow.id == RunNodeRow.job_id)
        .where(RunNodeRow.name == name, RunNodeRow.state.in_(NODE_GAVE))
        .order_by(RunNodeRow.finished_at.desc(), RunNodeRow.run_id)
        .limit(1)
    )
    if kept:
        query = query.where(JobRow.artifacts_removed_at.is_(None))
    within = RunNodeRow.run_id == run_id if run_id is not None else RunNodeRow.workflow_id == workflow_id
    row = session.execute(query.where(within)).one_or_none()
    return Giver(row[0], str(row[1])) if row else None


def keeping(session: Session, job_ids: Collection[str]) -> set[str]:
    """Those of the jobs that there are, and of which none of what they left was removed."""
    wanted, found = list(job_ids), set[str]()
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(JobRow.id).where(JobRow.id.in_(wanted[start : start + _AT_ONCE]))
        found |= set(session.scalars(query.where(JobRow.artifacts_removed_at.is_(None))))
    return found


def count_try(session: Session, run_id: str, name: str, values: Mapping[str, Any]) -> int:
    """Count one try more of a node, and change further columns; the try's number."""
    query = (
        update(RunNodeRow)
        .where(RunNodeRow.run_id == run_id, RunNodeRow.name == name)
        .values(attempts=RunNodeRow.attempts + 1, **values)
        .returning(RunNodeRow.attempts)
    )
    return session.scalars(query.execution_options(synchronize_session=False)).one()


def add_try(session: Session, values: Mapping[str, Any]) -> None:
    """Note another try of a node: all columns of its row."""
    session.execute(insert(RunJobRow).values(values))


def tries(session: Session, run_id: str, name: str) -> list[tuple[RunJobRow, JobRow | None]]:
    """The node's tries, first to last, with their jobs as far as those are still there."""
    query = (
        select(RunJobRow, JobRow)
        .outerjoin(JobRow, JobRow.id == RunJobRow.job_id)
        .where(RunJobRow.run_id == run_id, RunJobRow.node == name)
        .order_by(RunJobRow.number)
    )
    return [(row, job) for row, job in session.execute(query)]


def jobs_to_stop(session: Session, run_id: str) -> list[str]:
    """The run's jobs that have not ended, and that nobody asked to stop yet."""
    query = select(JobRow.id).where(
        JobRow.run_id == run_id, JobRow.state.not_in(TERMINAL), JobRow.cancel_requested_at.is_(None)
    )
    return list(session.scalars(query))


def out_of_sight(session: Session, run_id: str) -> set[str]:
    """The run's jobs whose workers are silent."""
    query = (
        select(JobRow.id)
        .join(AttemptRow, (AttemptRow.job_id == JobRow.id) & (AttemptRow.number == JobRow.attempt))
        .join(WorkerRow, WorkerRow.id == AttemptRow.worker_id)
        .where(JobRow.run_id == run_id, AttemptRow.state.in_(CLAIMED), WorkerRow.unreachable.is_(True))
    )
    return set(session.scalars(query))


def script_ends(session: Session, run_id: str) -> dict[str, datetime]:
    """When the scripts of the run's jobs ended, of the latest attempts, by the job's id."""
    query = (
        select(JobRow.id, AttemptRow.script_ended_at)
        .join(AttemptRow, (AttemptRow.job_id == JobRow.id) & (AttemptRow.number == JobRow.attempt))
        .where(JobRow.run_id == run_id, AttemptRow.script_ended_at.is_not(None))
    )
    return {str(job_id): ended_at for job_id, ended_at in session.execute(query) if ended_at}


def queued_attempts(session: Session, run_id: str) -> dict[str, str]:
    """The attempts of the run that wait for a worker, by node."""
    query = (
        select(JobRow.node, AttemptRow.id)
        .join(AttemptRow, (AttemptRow.job_id == JobRow.id) & (AttemptRow.number == JobRow.attempt))
        .where(JobRow.run_id == run_id, AttemptRow.state == AttemptState.WAITING)
    )
    return {str(name): attempt_id for name, attempt_id in session.execute(query)}


def facts_of_job(session: Session, job_id: str) -> Any:
    """How the job stands, as it is in the database now."""
    columns = (JobRow.reason, JobRow.sentence, JobRow.saying, JobRow.started_at, JobRow.finished_at)
    return session.execute(select(*columns).where(JobRow.id == job_id)).one()
