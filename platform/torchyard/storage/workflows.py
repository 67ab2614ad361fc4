"""Queries about workflows and their versions."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, delete, exists, insert, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from torchyard.storage import blobs
from torchyard.storage.tables import UserRow
from torchyard.storage.workflow_tables import RunRow, ScheduleRow, VersionBlobRow, VersionRow, WorkflowRow


class LatestRecord(NamedTuple):
    """A workflow with its latest version, its owner's name and that of who saved it."""

    workflow: WorkflowRow
    version: VersionRow
    owner: str
    saved_by: str


class WorkflowFilter(NamedTuple):
    """Which workflows a list shows; all if nothing is set."""

    text: str | None = None
    id_prefix: str | None = None


class ListedRecord(NamedTuple):
    """A workflow as the list shows it, without its graph."""

    id: str
    name: str
    description: str
    owner: str
    version: int
    nodes: int
    outline: dict[str, Any] | None
    layout: dict[str, Any] | None
    scheduled: bool
    last_run: str | None
    last_run_state: str | None
    created_at: datetime
    updated_at: datetime


class VersionRecord(NamedTuple):
    """A version without its graph."""

    number: int
    message: str
    saved_by: str
    saved_at: datetime
    restored_from: int | None
    nodes: int


def latest(session: Session, workflow_id: str) -> LatestRecord | None:
    """The workflow with its latest version."""
    author = aliased(UserRow)
    query = (
        select(WorkflowRow, VersionRow, UserRow.name, author.name)
        .join(
            VersionRow,
            (VersionRow.workflow_id == WorkflowRow.id) & (VersionRow.number == WorkflowRow.version),
        )
        .join(UserRow, UserRow.id == WorkflowRow.owner_id)
        .join(author, author.id == VersionRow.author_id)
        .where(WorkflowRow.id == workflow_id)
    )
    row = session.execute(query).one_or_none()
    return LatestRecord(*row) if row else None


def find(session: Session, workflow_id: str, *, lock: bool = False) -> WorkflowRow | None:
    """The workflow; with `lock` nobody else changes it until the transaction ends."""
    return session.get(WorkflowRow, workflow_id, with_for_update=True if lock else None)


def page(
    session: Session,
    wanted: WorkflowFilter,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    most_nodes: int,
) -> list[ListedRecord]:
    """Workflows, those saved last first; from behind `before` (time of the save and id) on.

    Args:
        session: The transaction.
        wanted: Which.
        before: Where the part before ended.
        limit: At most so many.
        most_nodes: Of workflows with more nodes the layout is left out.
    """
    of_workflow = select(RunRow.id).where(RunRow.workflow_id == WorkflowRow.id).correlate(WorkflowRow)
    last_run = of_workflow.order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(1).scalar_subquery()
    query = (
        select(
            WorkflowRow.id,
            WorkflowRow.name,
            WorkflowRow.description,
            UserRow.name,
            WorkflowRow.version,
            WorkflowRow.nodes,
            WorkflowRow.outline,
            case((WorkflowRow.nodes <= most_nodes, WorkflowRow.layout), else_=None),
            exists().where(ScheduleRow.workflow_id == WorkflowRow.id, ScheduleRow.paused.is_(False)),
            RunRow.id,
            RunRow.state,
            WorkflowRow.created_at,
            WorkflowRow.updated_at,
        )
        .join(UserRow, UserRow.id == WorkflowRow.owner_id)
        .outerjoin(RunRow, RunRow.id == last_run)
        .order_by(WorkflowRow.updated_at.desc(), WorkflowRow.id.desc())
        .limit(limit)
    )
    if wanted.text:
        query = query.where(WorkflowRow.searchable.contains(wanted.text.lower(), autoescape=True))
    if wanted.id_prefix:
        query = query.where(WorkflowRow.id.startswith(wanted.id_prefix, autoescape=True))
    if before:
        query = query.where(tuple_(WorkflowRow.updated_at, WorkflowRow.id) < before)
    return [ListedRecord(*row) for row in session.execute(query)]


def version(session: Session, workflow_id: str, number: int) -> tuple[VersionRow, str] | None:
    """A version, and the name of who saved it."""
    query = (
        select(VersionRow, UserRow.name)
        .join(UserRow, UserRow.id == VersionRow.author_id)
        .where(VersionRow.workflow_id == workflow_id, VersionRow.number == number)
    )
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def versions(session: Session, workflow_id: str, *, before: int | None, limit: int) -> list[VersionRecord]:
    """The workflow's versions, newest first; those before version `before`."""
    query = (
        select(
            VersionRow.number,
            VersionRow.message,
            UserRow.name,
            VersionRow.created_at,
            VersionRow.restored_from,
            VersionRow.nodes,
        )
        .join(UserRow, UserRow.id == VersionRow.author_id)
        .where(VersionRow.workflow_id == workflow_id)
        .order_by(VersionRow.number.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(VersionRow.number < before)
    return [VersionRecord(*row) for row in session.execute(query)]


def add(session: Session, workflow: WorkflowRow) -> None:
    """Add a workflow, whose first version is to follow."""
    session.add(workflow)
    session.flush()


def add_version(session: Session, version: VersionRow, digests: Collection[str], at: datetime) -> None:
    """Add a version; those of the files that it names stay that were uploaded."""
    session.add(version)
    session.flush()
    keep(session, version.workflow_id, version.number, digests, at)


def keep(session: Session, workflow_id: str, number: int, digests: Collection[str], at: datetime) -> None:
    """Have those of the blobs that were uploaded stay for as long as the version does."""
    there = blobs.touch_present(session, digests, at)
    kept = session.scalars(
        select(VersionBlobRow.sha256).where(
            VersionBlobRow.workflow_id == workflow_id, VersionBlobRow.number == number
        )
    )
    rows = [
        {"workflow_id": workflow_id, "number": number, "sha256": sha256}
        for sha256 in sorted(there - set(kept))
    ]
    if rows:
        session.execute(insert(VersionBlobRow), rows)


def advance(session: Session, workflow_id: str, expected: int, values: dict[str, Any]) -> bool:
    """Change the workflow if `expected` is its latest version; whether it was."""
    query = (
        update(WorkflowRow)
        .where(WorkflowRow.id == workflow_id, WorkflowRow.version == expected)
        .values(values)
        .returning(WorkflowRow.id)
    )
    return session.scalar(query.execution_options(synchronize_session=False)) is not None


def remove(session: Session, workflow_id: str) -> None:
    """Remove the workflow with its versions and runs; jobs stay."""
    session.execute(delete(RunRow).where(RunRow.workflow_id == workflow_id))
    session.execute(delete(WorkflowRow).where(WorkflowRow.id == workflow_id))
