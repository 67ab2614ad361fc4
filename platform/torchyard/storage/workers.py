"""Queries about workers."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from torchyard.storage.tables import WorkerRow

# Built once: each request of a worker needs it.
_BY_TOKEN = select(WorkerRow).where(WorkerRow.token_digest == bindparam("digest"))


def find(session: Session, worker_id: str) -> WorkerRow | None:
    """The worker with this id."""
    return session.get(WorkerRow, worker_id)


def by_token(session: Session, digest: str) -> WorkerRow | None:
    """The worker whose present incarnation has this token."""
    return session.scalars(_BY_TOKEN, {"digest": digest}).one_or_none()


def all_workers(session: Session) -> list[WorkerRow]:
    """Every worker that ever registered, by name."""
    return list(session.scalars(select(WorkerRow).order_by(WorkerRow.name, WorkerRow.id)))


def find_all(session: Session, worker_ids: Collection[str]) -> list[WorkerRow]:
    """Those of the workers that there are."""
    if not worker_ids:
        return []
    return list(session.scalars(select(WorkerRow).where(WorkerRow.id.in_(list(worker_ids)))))


def all_ids(session: Session) -> list[str]:
    """Of every worker that ever registered."""
    return list(session.scalars(select(WorkerRow.id)))


def save(session: Session, row: WorkerRow) -> None:
    """Add the worker, or replace what was known of it."""
    session.merge(row)


def beat(session: Session, worker_id: str, *, counter: int, at: datetime, runtimes: list[Any] | None) -> None:
    """Note a heartbeat."""
    values: dict[str, Any] = {"heartbeat_counter": counter, "seen_at": at, "unreachable": False}
    if runtimes is not None:
        values["runtimes"] = runtimes
    session.execute(update(WorkerRow).where(WorkerRow.id == worker_id).values(**values))


def set_unreachable(session: Session, worker_id: str, unreachable: bool) -> None:
    """Note whether the worker is heard of."""
    session.execute(update(WorkerRow).where(WorkerRow.id == worker_id).values(unreachable=unreachable))


def set_draining(session: Session, worker_id: str, draining: bool) -> None:
    """Note whether the worker is given anything new."""
    session.execute(update(WorkerRow).where(WorkerRow.id == worker_id).values(draining=draining))


def count(session: Session) -> int:
    """How many workers ever registered."""
    return session.scalar(select(func.count()).select_from(WorkerRow)) or 0
