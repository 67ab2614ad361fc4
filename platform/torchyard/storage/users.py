"""Queries about users, tokens and sessions."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from torchyard.storage.tables import TokenRow, UserRow


def by_name(session: Session, name: str) -> UserRow | None:
    """The user with this name."""
    return session.scalars(select(UserRow).where(UserRow.name == name)).one_or_none()


def by_token(session: Session, digest: str, now: datetime) -> tuple[UserRow, TokenRow] | None:
    """The user behind a token that has not expired."""
    query = (
        select(UserRow, TokenRow)
        .join(TokenRow, TokenRow.user_id == UserRow.id)
        .where(TokenRow.digest == digest, TokenRow.expires_at.is_(None) | (TokenRow.expires_at > now))
    )
    row = session.execute(query).one_or_none()
    return (row[0], row[1]) if row else None


def add_user(session: Session, row: UserRow) -> None:
    """Add a user."""
    session.add(row)
    session.flush()


def add_token(session: Session, row: TokenRow) -> None:
    """Add a token or session."""
    session.add(row)


def replace_token(session: Session, row: TokenRow) -> None:
    """Make this the user's only token of its kind."""
    session.execute(delete(TokenRow).where(TokenRow.user_id == row.user_id, TokenRow.kind == row.kind))
    session.add(row)


def remove_token(session: Session, digest: str) -> None:
    """End a token or session; nothing happens if there is none."""
    session.execute(delete(TokenRow).where(TokenRow.digest == digest))


def remove_expired(session: Session, now: datetime) -> None:
    """Forget tokens and sessions that have expired."""
    session.execute(delete(TokenRow).where(TokenRow.expires_at < now))
