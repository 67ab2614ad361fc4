"""Queries about runs, their nodes and their events.

Nodes are read as columns: a run may have thousands, and the engine looks at all of them at every step.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session, defer

from torchyard.contracts.graphs import Graph
from torchyard.contracts.runs import RunState
from torchyard.storage.tables import UserRow
from torchyard.storage.workflow_tables import (
    RunBlobRow,
    RunEventRow,
    RunNodeRow,
    RunRow,
    WorkflowRow,
)

_OPEN = (RunState.QUEUED, RunState.RUNNING)


class RunFilter(NamedTuple):
    """Which runs a list shows; all if nothing is set."""

    workflow: str | None = None
    states: Sequence[str] = ()
    trigger: str | None = None
    sweep: str | None = None
    id_prefix: str | None = None


class Happening(NamedTuple):
    """A change of state, to be told."""

    node: str | None
    state: str
    message: str
    job_id: str | None = None


def find(session: Session, run_id: str, *, lock: bool = False) -> RunRow | None:
    """The run, without its graph.

    Args:
        session: The transaction.
        run_id: Which run.
        lock: Keep others from changing it until this transaction ends. Locks are taken in the order
            workflow, attempt, blobs, run, node: in any other, two transactions could wait for each other.
    """
    query = select(RunRow).where(RunRow.id == run_id).options(defer(RunRow.graph))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def graph_of(session: Session, run_id: str) -> Graph:
    """The run's frozen graph."""
    return Graph.model_validate(session.scalar(select(RunRow.graph).where(RunRow.id == run_id)))


def _records() -> Any:
    # As columns: a list of hundreds takes half the time that it takes as objects.
    columns = [column for column in RunRow.__table__.c if column.name != "graph"]
    return (
        select(*columns, UserRow.name.label("owner"), WorkflowRow.name.label("workflow_name"))
        .join(UserRow, UserRow.id == RunRow.owner_id)
        .outerjoin(WorkflowRow, WorkflowRow.id == RunRow.workflow_id)
    )


def record(session: Session, run_id: str) -> Row[Any] | None:
    """The run's columns but for its graph, its owner's name as `owner`, its workflow's as `workflow_name`."""
    found: Row[Any] | None = session.execute(_records().where(RunRow.id == run_id)).one_or_none()
    return found


def page(
    session: Session, wanted: RunFilter, *, before: tuple[datetime, str] | None, limit: int
) -> list[Row[Any]]:
    """Runs as `record` tells them, newest first; from behind `before` (creation time and id) on."""
    query = _records().order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
    if wanted.workflow is not None:
        query = query.where(RunRow.workflow_id == wanted.workflow)
    if wanted.states:
        query = query.where(RunRow.state.in_(wanted.states))
    if wanted.trigger is not None:
        query = query.where(RunRow.trigger == wanted.trigger)
    if wanted.sweep is not None:
        query = query.where(RunRow.sweep_id == wanted.sweep)
    if wanted.id_prefix:
        query = query.where(RunRow.id.startswith(wanted.id_prefix, autoescape=True))
    if before:
        query = query.where(tuple_(RunRow.created_at, RunRow.id) < before)
    return list(session.execute(query))


def counts(session: Session, run_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many nodes of each run are in each state."""
    query = (
        select(RunNodeRow.run_id, RunNodeRow.state, func.count())
        .where(RunNodeRow.run_id.in_(run_ids))
        .group_by(RunNodeRow.run_id, RunNodeRow.state)
    )
    found: dict[str, dict[str, int]] = {run_id: {} for run_id in run_ids}
    for run_id, state, count in session.execute(query):
        found[run_id][state] = count
    return found


def add(session: Session, run: RunRow, nodes: Iterable[Mapping[str, Any]], digests: Iterable[str]) -> None:
    """Add a run with its nodes and the files that it keeps."""
    session.add(run)
    session.flush()
    rows = [{**node, "run_id": run.id} for node in nodes]
    if rows:
        session.execute(insert(RunNodeRow), rows)
    keep(session, run.id, digests)


def keep(session: Session, run_id: str, digests: Iterable[str]) -> None:
    """Have these blobs stay for as long as the run does."""
    kept = set(session.scalars(select(RunBlobRow.sha256).where(RunBlobRow.run_id == run_id)))
    rows = [{"run_id": run_id, "sha256": sha256} for sha256 in sorted(set(digests) - kept)]
    if rows:
        session.execute(insert(RunBlobRow), rows)


def remove(session: Session, run_id: str) -> None:
    """Remove the run with its nodes and events; its jobs stay."""
    session.execute(delete(RunRow).where(RunRow.id == run_id))


def tell(
    session: Session,
    run_id: str,
    happenings: Sequence[Happening],
    at: datetime,
    *,
    attention: bool | None = None,
) -> None:
    """Add events, numbered without gaps; and say whether the engine has to look at the run."""
    values: dict[str, Any] = {"events": RunRow.events + len(happenings)}
    if attention is not None:
        values["attention"] = attention
    query = update(RunRow).where(RunRow.id == run_id).values(values).returning(RunRow.events)
    last = session.scalar(query.execution_options(synchronize_session=False))
    if last is None or not happenings:
        return
    first = last - len(happenings) + 1
    session.execute(
        insert(RunEventRow),
        [
            {"run_id": run_id, "seq": seq, "at": at, **happening._asdict()}
            for seq, happening in enumerate(happenings, first)
        ],
    )


def set_run(session: Session, run_id: str, **values: Any) -> None:
    """Change columns of the run."""
    query = update(RunRow).where(RunRow.id == run_id).values(**values)
    session.execute(query.execution_options(synchronize_session=False))


def events(session: Session, run_id: str, *, after: int, limit: int | None = None) -> list[Row[Any]]:
    """The run's events with a number above `after`, in order."""
    query = select(RunEventRow.__table__).where(RunEventRow.run_id == run_id, RunEventRow.seq > after)
    return list(session.execute(query.order_by(RunEventRow.seq).limit(limit)))


def wanting_attention(session: Session) -> list[str]:
    """Runs to which something happened, oldest first."""
    query = select(RunRow.id).where(RunRow.attention.is_(True)).order_by(RunRow.created_at, RunRow.id)
    return list(session.scalars(query))


def all_open(session: Session) -> list[str]:
    """Runs that have not ended, oldest first."""
    query = select(RunRow.id).where(RunRow.state.in_(_OPEN)).order_by(RunRow.created_at, RunRow.id)
    return list(session.scalars(query))


def lock_workflow(session: Session, workflow_id: str) -> bool:
    """Have this workflow's runs begin one after the other until the transaction ends; False: it is gone."""
    query = select(WorkflowRow.id).where(WorkflowRow.id == workflow_id).with_for_update()
    return session.scalar(query) is not None


def next_number(session: Session, workflow_id: str, *, last_parameters: dict[str, Any] | None) -> int:
    """Count one run more of the workflow; its number."""
    values: dict[str, Any] = {"runs": WorkflowRow.runs + 1}
    if last_parameters is not None:
        values["last_parameters"] = last_parameters
    query = (
        update(WorkflowRow).where(WorkflowRow.id == workflow_id).values(values).returning(WorkflowRow.runs)
    )
    return session.scalar(query.execution_options(synchronize_session=False)) or 0


def count(session: Session, workflow_id: str, states: Sequence[RunState] = _OPEN) -> int:
    """How many of the workflow's runs are in one of the states."""
    query = select(func.count()).where(RunRow.workflow_id == workflow_id, RunRow.state.in_(states))
    return session.scalar(query) or 0


def slot_taken(session: Session, workflow_id: str, slot: str) -> bool:
    """Whether a run was made for this slot."""
    query = select(RunRow.id).where(RunRow.workflow_id == workflow_id, RunRow.slot == slot)
    return session.scalar(query) is not None


def workflows_with_queue(session: Session) -> list[str]:
    """Workflows with runs that wait for others to end."""
    query = select(RunRow.workflow_id).where(RunRow.state == RunState.QUEUED).distinct()
    return [workflow_id for workflow_id in session.scalars(query) if workflow_id is not None]


def first_in_queue(session: Session, workflow_id: str) -> str | None:
    """The workflow's run that has waited longest."""
    query = select(RunRow.id).where(
        RunRow.workflow_id == workflow_id,
        RunRow.state == RunState.QUEUED,
        RunRow.stop_requested_at.is_(None),
    )
    return session.scalar(query.order_by(RunRow.number).limit(1))


def latest(session: Session, workflow_id: str, *, limit: int) -> list[str]:
    """The workflow's runs, newest first."""
    query = select(RunRow.id).where(RunRow.workflow_id == workflow_id)
    return list(session.scalars(query.order_by(RunRow.number.desc()).limit(limit)))
