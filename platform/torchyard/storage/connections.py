"""Queries about connections."""

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from torchyard.storage.tables import ConnectionRow


def all_of(session: Session, *, lock: bool = False) -> list[ConnectionRow]:
    """All connections, by name; with `lock`, kept from being changed until this transaction ends."""
    query = select(ConnectionRow).order_by(ConnectionRow.name)
    return list(session.scalars(query.with_for_update() if lock else query))


def find(session: Session, name: str) -> ConnectionRow | None:
    """The connection with this name."""
    return session.get(ConnectionRow, name)


def put(session: Session, row: ConnectionRow) -> None:
    """Add the connection, or replace the one of its name."""
    try:
        with session.begin_nested():
            session.merge(row)
    except IntegrityError:  # somebody else added it at this very moment
        session.merge(row)
        session.flush()


def remove(session: Session, name: str) -> bool:
    """Forget the connection; whether there was one."""
    query = delete(ConnectionRow).where(ConnectionRow.name == name).returning(ConnectionRow.name)
    return session.scalar(query) is not None
