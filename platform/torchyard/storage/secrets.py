"""Queries about secrets: named values of a user, sealed."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from torchyard.contracts.jobs import TERMINAL
from torchyard.storage.tables import JobRow, SecretRow


def of_user(session: Session, owner_id: str, names: Collection[str] | None = None) -> list[SecretRow]:
    """The user's secrets, or those with one of the names, by name.

    Those that are named can't be removed before this transaction ends.
    """
    query = select(SecretRow).where(SecretRow.owner_id == owner_id).order_by(SecretRow.name)
    if names is not None:
        query = query.where(SecretRow.name.in_(sorted(names))).with_for_update(read=True)
    return list(session.scalars(query))


def find(session: Session, owner_id: str, name: str) -> SecretRow | None:
    """The secret, kept from being used by a new job until this transaction ends."""
    query = select(SecretRow).where(SecretRow.owner_id == owner_id, SecretRow.name == name)
    return session.scalars(query.with_for_update()).one_or_none()


def put(session: Session, row: SecretRow) -> None:
    """Add the secret, or give it another value."""
    try:
        with session.begin_nested():
            session.merge(row)
    except IntegrityError:  # somebody else added it at this very moment
        session.merge(row)
        session.flush()


def remove(session: Session, owner_id: str, name: str) -> None:
    """Forget the secret."""
    session.execute(delete(SecretRow).where(SecretRow.owner_id == owner_id, SecretRow.name == name))


def all_of(session: Session) -> list[SecretRow]:
    """Every user's secrets, each kept from being changed until this transaction ends."""
    order = (SecretRow.owner_id, SecretRow.name)
    return list(session.scalars(select(SecretRow).order_by(*order).with_for_update()))


def open_jobs(session: Session, owner_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and specifications of the user's jobs that have not ended."""
    query = select(JobRow.name, JobRow.spec).where(
        JobRow.owner_id == owner_id, JobRow.state.not_in(sorted(TERMINAL))
    )
    return [(name, spec) for name, spec in session.execute(query)]


def environment_of(session: Session, job_id: str) -> dict[str, str]:
    """The environment that a job asked for; empty if there is no such job."""
    spec = session.scalar(select(JobRow.spec).where(JobRow.id == job_id)) or {}
    return dict(spec.get("environment", {}))
