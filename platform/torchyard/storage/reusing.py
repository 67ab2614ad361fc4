"""Queries for reusing results: earlier successes, and what decided them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, String, column, select, update, values
from sqlalchemy.orm import Session, aliased, defer

from torchyard.contracts.jobs import JobState
from torchyard.contracts.runs import NODE_GAVE, NodeState
from torchyard.domain.reusing import Earlier
from torchyard.storage.tables import AttemptRow, JobRow, SecretRow, WorkerRow
from torchyard.storage.workflow_tables import RunJobRow, RunNodeRow, RunRow

#: Successes with one key that are looked at: of several, artifacts may have been removed.
_MOST_SAME = 20


class Success(NamedTuple):
    """A success of a node, its job if it has one, and what decided its result."""

    run_id: str
    job_id: str | None
    components: dict[str, str]


class Part(NamedTuple):
    """Where a node stands in the latest run that it has a part in."""

    run_id: str
    job_id: str | None
    state: str


def secrets_set(session: Session, owner_id: str, names: Collection[str] | None = None) -> dict[str, datetime]:
    """When those of the user's secrets were last set; all of them, if none are named."""
    if names is not None and not names:
        return {}
    query = select(SecretRow.name, SecretRow.created_at).where(SecretRow.owner_id == owner_id)
    if names is not None:
        query = query.where(SecretRow.name.in_(sorted(names)))
    return {row[0]: row[1] for row in session.execute(query)}


def same(session: Session, workflow_id: str, key: str) -> list[Earlier]:
    """Successes in the workflow's runs with this key, newest first."""
    query = (
        select(RunRow.id, RunRow.number, JobRow.id, JobRow.finished_at, JobRow.artifacts_removed_at)
        .join(RunJobRow, RunJobRow.run_id == RunRow.id)
        .join(JobRow, JobRow.id == RunJobRow.job_id)
        .where(
            RunJobRow.content_key == key,
            RunRow.workflow_id == workflow_id,
            JobRow.state == JobState.SUCCEEDED,
        )
        .order_by(JobRow.finished_at.desc(), JobRow.id)
        .limit(_MOST_SAME)
    )
    return [
        Earlier(run_id, number, job_id, finished_at, kept=removed_at is None)
        for run_id, number, job_id, finished_at, removed_at in session.execute(query)
        if number is not None and finished_at is not None
    ]


def last_success(
    session: Session,
    name: str,
    *,
    workflow_id: str | None,
    run_id: str,
    before: datetime | None = None,
    but: str | None = None,
) -> Success | None:
    """The node's newest success in the workflow's runs; of a graph that was not saved, in this run.

    Args:
        session: The transaction.
        name: The node's name.
        workflow_id: Whose runs; None: of the one run.
        run_id: That run.
        before: Only what ended no later.
        but: Not this job.
    """
    query = (
        select(RunJobRow.run_id, RunJobRow.job_id, RunJobRow.components)
        .join(RunRow, RunRow.id == RunJobRow.run_id)
        .join(JobRow, JobRow.id == RunJobRow.job_id)
        .where(RunJobRow.node == name, JobRow.state == JobState.SUCCEEDED)
        .where(RunRow.workflow_id == workflow_id if workflow_id is not None else RunRow.id == run_id)
        .order_by(JobRow.finished_at.desc(), JobRow.id)
        .limit(1)
    )
    if before is not None:
        query = query.where(JobRow.finished_at <= before)
    if but is not None:
        query = query.where(JobRow.id != but)
    row = session.execute(query).one_or_none()
    return Success(*row) if row else None


def success_of(session: Session, job_id: str) -> Success | None:
    """The job of a node, with what decided its result."""
    query = select(RunJobRow.run_id, RunJobRow.job_id, RunJobRow.components)
    row = session.execute(query.where(RunJobRow.job_id == job_id)).first()
    return Success(*row) if row else None


def set_content(session: Session, job_id: str, key: str | None, components: dict[str, str]) -> None:
    """Write down what decided the result of a node's job."""
    for table in (RunJobRow, RunNodeRow):
        query = update(table).where(table.job_id == job_id)
        query = query.values(content_key=key, components=components)
        session.execute(query.execution_options(synchronize_session=False))


class Given(NamedTuple):
    """A node in the run in which it succeeded, or was reused, last.

    Attributes:
        run_id: That run.
        job_id: The job that made what it gives; None of a dataset.
        components: What decided its result.
        kept: Whether all that it left is still there.
    """

    run_id: str
    job_id: str | None
    components: dict[str, str]
    kept: bool


def last_given(session: Session, workflow_id: str, names: Collection[str]) -> dict[str, Given]:
    """The nodes' last successes in the workflow's runs, or what was reused in their place."""
    if not names:
        return {}
    # One statement for all; each name is looked up in the index, however many runs there were.
    wanted = values(column("name", String), name="wanted").data([(name,) for name in names]).cte("wanted")
    one = aliased(RunNodeRow)
    last = (
        select(one.run_id)
        .where(one.workflow_id == workflow_id, one.name == wanted.c.name, one.state.in_(NODE_GAVE))
        .order_by(one.finished_at.desc(), one.run_id)
        .limit(1)
        .correlate(wanted)
        .scalar_subquery()
    )
    query = (
        select(
            RunNodeRow.name,
            RunNodeRow.run_id,
            JobRow.id,
            RunNodeRow.components,
            JobRow.artifacts_removed_at,
        )
        .select_from(wanted)
        .join(RunNodeRow, (RunNodeRow.run_id == last) & (RunNodeRow.name == wanted.c.name))
        .outerjoin(JobRow, JobRow.id == RunNodeRow.job_id)
    )
    return {
        name: Given(run_id, job_id, components, removed_at is None)
        for name, run_id, job_id, components, removed_at in session.execute(query)
    }


def givers(session: Session, run_ids: Collection[str]) -> list[tuple[RunRow, list[dict[str, Any]]]]:
    """Those of the runs that there are, without their graphs, and the parameters in these."""
    query = (
        select(RunRow, RunRow.graph["parameters"])
        .options(defer(RunRow.graph))
        .where(RunRow.id.in_(run_ids))
        .order_by(RunRow.id)
    )
    return [(run, list(parameters or ())) for run, parameters in session.execute(query)]


def dataset_before(session: Session, workflow_id: str, name: str, run_id: str) -> Row[Any] | None:
    """The columns of a node without a job in the run before this one in which it succeeded."""
    this = select(RunRow.number).where(RunRow.id == run_id).scalar_subquery()
    query = (
        select(RunNodeRow.__table__)
        .join(RunRow, RunRow.id == RunNodeRow.run_id)
        .where(
            RunNodeRow.workflow_id == workflow_id,
            RunNodeRow.name == name,
            RunNodeRow.state == NodeState.SUCCEEDED,
            RunRow.number < this,
        )
        .order_by(RunRow.number.desc())
        .limit(1)
    )
    return session.execute(query).one_or_none()


def node(session: Session, run_id: str, name: str) -> Row[Any] | None:
    """All columns of one node of a run."""
    query = select(RunNodeRow.__table__).where(RunNodeRow.run_id == run_id, RunNodeRow.name == name)
    return session.execute(query).one_or_none()


def nodes(session: Session, run_id: str) -> dict[str, Row[Any]]:
    """All columns of a run's nodes, by name, in the graph's order."""
    query = select(RunNodeRow.__table__).where(RunNodeRow.run_id == run_id).order_by(RunNodeRow.position)
    return {row.name: row for row in session.execute(query)}


def parts(session: Session, run_ids: Sequence[str], names: Collection[str] | None = None) -> dict[str, Part]:
    """Where nodes stand in the first of the runs in which they have a part.

    Args:
        session: The transaction.
        run_ids: The runs.
        names: Which nodes; None: all of the runs.
    """
    query = select(RunNodeRow.name, RunNodeRow.run_id, RunNodeRow.job_id, RunNodeRow.state).where(
        RunNodeRow.run_id.in_(run_ids), RunNodeRow.state != NodeState.LEFT_OUT
    )
    if names is not None:
        query = query.where(RunNodeRow.name.in_(names))
    place = {run_id: number for number, run_id in enumerate(run_ids)}
    rows = sorted(session.execute(query), key=lambda row: -place[row.run_id])
    return {row.name: Part(row.run_id, row.job_id, row.state) for row in rows}


def workers_of_run(session: Session, run_id: str) -> dict[str, str]:
    """Names of the workers that had the latest attempts of the run's nodes' jobs, by the job's id."""
    query = (
        select(JobRow.id, WorkerRow.name)
        .join(RunNodeRow, RunNodeRow.job_id == JobRow.id)
        .join(AttemptRow, (AttemptRow.job_id == JobRow.id) & (AttemptRow.number == JobRow.attempt))
        .join(WorkerRow, WorkerRow.id == AttemptRow.worker_id)
        .where(RunNodeRow.run_id == run_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
