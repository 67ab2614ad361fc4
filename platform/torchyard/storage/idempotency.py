"""Queries about idempotency keys."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from torchyard.storage.tables import IdempotencyRow


def find(session: Session, owner_id: str, key: str) -> IdempotencyRow | None:
    """What is known of the key."""
    return session.get(IdempotencyRow, (owner_id, key))


def reserve(session: Session, owner_id: str, key: str, at: datetime) -> bool:
    """Take the key for a request that begins; False if it was taken before."""
    try:
        with session.begin_nested():
            session.add(IdempotencyRow(owner_id=owner_id, key=key, created_at=at))
    except IntegrityError:
        return False
    return True


def complete(session: Session, owner_id: str, key: str, *, fingerprint: str, made_id: str) -> None:
    """Note what the request asked for and the id of what it made."""
    session.execute(
        update(IdempotencyRow)
        .where(IdempotencyRow.owner_id == owner_id, IdempotencyRow.key == key)
        .values(fingerprint=fingerprint, made_id=made_id)
    )


def release(session: Session, owner_id: str, key: str) -> None:
    """Give the key back: its request failed."""
    session.execute(
        delete(IdempotencyRow).where(
            IdempotencyRow.owner_id == owner_id, IdempotencyRow.key == key, IdempotencyRow.made_id.is_(None)
        )
    )


def remove_older(session: Session, completed_before: datetime, unfinished_before: datetime) -> None:
    """Forget keys that are no longer promised, and those whose request can't be going on any more."""
    session.execute(
        delete(IdempotencyRow).where(
            (IdempotencyRow.created_at < completed_before)
            | (IdempotencyRow.made_id.is_(None) & (IdempotencyRow.created_at < unfinished_before))
        )
    )
