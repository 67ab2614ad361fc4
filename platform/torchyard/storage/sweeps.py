"""Queries about sweeps and the runs that they made."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, tuple_, update
from sqlalchemy.orm import Session

from torchyard.contracts.runs import RUN_ENDED
from torchyard.contracts.sweeps import MAX_METRICS_BYTES, METRICS_FILE
from torchyard.storage.tables import ArtifactRow, Base, JobRow, UserRow
from torchyard.storage.workflow_tables import (
    RunBlobRow,
    RunEventRow,
    RunNodeRow,
    RunRow,
    SweepRow,
    WorkflowRow,
)

#: Runs that are made by one statement.
_AT_ONCE = 100


class SweepRecord(NamedTuple):
    """A sweep with its owner's name."""

    sweep: SweepRow
    owner: str


class Copy(NamedTuple):
    """What a run has for itself that is made after another one's pattern."""

    id: str
    parameters: Mapping[str, Any]
    #: Of its nodes, by name.
    settings: Mapping[str, Mapping[str, Any]]


class LeftMetrics(NamedTuple):
    """A file of metrics that a node of a run left, by its SHA-256."""

    run_id: str
    node: str
    sha256: str


def find(session: Session, sweep_id: str) -> SweepRecord | None:
    """The sweep."""
    row = session.execute(_records().where(SweepRow.id == sweep_id)).one_or_none()
    return SweepRecord(*row) if row else None


def page(
    session: Session, workflow_id: str, *, before: tuple[datetime, str] | None, limit: int
) -> list[SweepRecord]:
    """The workflow's sweeps, newest first; from behind `before` (creation time and id) on."""
    query = _records().where(SweepRow.workflow_id == workflow_id)
    if before:
        query = query.where(tuple_(SweepRow.created_at, SweepRow.id) < before)
    newest_first = (SweepRow.created_at.desc(), SweepRow.id.desc())
    return [SweepRecord(*row) for row in session.execute(query.order_by(*newest_first).limit(limit))]


def counts(session: Session, sweep_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many runs of each sweep are in each state."""
    query = select(RunRow.sweep_id, RunRow.state, func.count()).where(RunRow.sweep_id.in_(sweep_ids))
    found: dict[str, dict[str, int]] = {sweep_id: {} for sweep_id in sweep_ids}
    for sweep_id, state, count in session.execute(query.group_by(RunRow.sweep_id, RunRow.state)):
        found[str(sweep_id)][state] = count
    return found


def copy_run(session: Session, run_id: str, copies: Sequence[Copy]) -> None:
    """Make runs after the pattern of one that waits and to which nothing has happened yet.

    They are much faster made this way than one by one. Their workflow has to be locked.
    """
    run, *_ = _rows(session, RunRow, RunRow.id == run_id)
    nodes = _rows(session, RunNodeRow, RunNodeRow.run_id == run_id)
    kept = _rows(session, RunBlobRow, RunBlobRow.run_id == run_id)
    events = _rows(session, RunEventRow, RunEventRow.run_id == run_id)
    for start in range(0, len(copies), _AT_ONCE):
        part = list(enumerate(copies[start : start + _AT_ONCE], start + 1))
        _insert(session, RunRow, [run | _own(run, copy, place) for place, copy in part])
        own_nodes = [
            node | {"run_id": copy.id, "settings": copy.settings[node["name"]]}
            for _, copy in part
            for node in nodes
        ]
        _insert(session, RunNodeRow, own_nodes)
        for kind, rows in ((RunBlobRow, kept), (RunEventRow, events)):
            _insert(session, kind, [row | {"run_id": copy.id} for _, copy in part for row in rows])
    counted = update(WorkflowRow).where(WorkflowRow.id == run["workflow_id"])
    values = {"runs": WorkflowRow.runs + len(copies)}
    session.execute(counted.values(values).execution_options(synchronize_session=False))


def runs_of(session: Session, sweep_id: str) -> list[Row[Any]]:
    """What is told of the sweep's runs, in the order in which they were made."""
    columns = (
        RunRow.id,
        RunRow.number,
        RunRow.parameters,
        RunRow.state,
        RunRow.sentence,
        RunRow.started_at,
        RunRow.finished_at,
    )
    query = select(*columns).where(RunRow.sweep_id == sweep_id)
    return list(session.execute(query.order_by(RunRow.number, RunRow.id)))


def open_runs(session: Session, sweep_id: str) -> list[str]:
    """The sweep's runs that have not ended, the last one first: stopping one lets the first in line begin."""
    query = select(RunRow.id).where(RunRow.sweep_id == sweep_id, RunRow.state.not_in(sorted(RUN_ENDED)))
    return list(session.scalars(query.order_by(RunRow.number.desc(), RunRow.id.desc())))


def metrics(session: Session, sweep_id: str) -> list[LeftMetrics]:
    """Files of metrics that the latest jobs of the sweep's nodes left."""
    query = (
        select(RunNodeRow.run_id, RunNodeRow.name, ArtifactRow.sha256)
        .join(RunRow, RunRow.id == RunNodeRow.run_id)
        .join(JobRow, JobRow.id == RunNodeRow.job_id)
        .join(ArtifactRow, (ArtifactRow.job_id == JobRow.id) & (ArtifactRow.attempt == JobRow.attempt))
        .where(
            RunRow.sweep_id == sweep_id,
            ArtifactRow.size <= MAX_METRICS_BYTES,
            or_(
                ArtifactRow.path == METRICS_FILE,
                ArtifactRow.path.endswith(f"/{METRICS_FILE}", autoescape=True),
            ),
        )
    )
    return [LeftMetrics(*row) for row in session.execute(query)]


def _records() -> Any:
    return select(SweepRow, UserRow.name).join(UserRow, UserRow.id == SweepRow.owner_id)


def _own(run: Mapping[str, Any], copy: Copy, place: int) -> dict[str, Any]:
    return {
        "id": copy.id,
        "parameters": copy.parameters,
        "number": run["number"] + place,
        # The order of creation is the order in which they begin.
        "created_at": run["created_at"] + timedelta(microseconds=place),
    }


def _rows(session: Session, kind: type[Base], wanted: ColumnElement[bool]) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in session.execute(select(*kind.__table__.c).where(wanted))]


def _insert(session: Session, kind: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(kind), rows)
