"""Queries about users, tokens and sessions."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from torchyard.storage.tables import TokenRow, UserRow, UtcDateTime

# Built once: each request needs it.
_BY_TOKEN = (
    select(UserRow, TokenRow)
    .join(TokenRow, TokenRow.user_id == UserRow.id)
    .where(
        TokenRow.digest == bindparam("digest"),
        TokenRow.expires_at.is_(None) | (TokenRow.expires_at > bindparam("now", type_=UtcDateTime)),
        UserRow.disabled_at.is_(None),
    )
)


def by_name(session: Session, name: str) -> UserRow | None:
    """The user with this name."""
    return session.scalars(select(UserRow).where(UserRow.name == name)).one_or_none()


def by_id(session: Session, user_id: str) -> UserRow | None:
    """The user with this id."""
    return session.get(UserRow, user_id)


def by_token(session: Session, digest: str, now: datetime) -> tuple[UserRow, TokenRow] | None:
    """The user behind a token that has not expired, unless the user is disabled."""
    row = session.execute(_BY_TOKEN, {"digest": digest, "now": now}).one_or_none()
    return (row[0], row[1]) if row else None


def add_user(session: Session, row: UserRow) -> None:
    """Add a user."""
    session.add(row)
    session.flush()


def all_users(session: Session) -> list[UserRow]:
    """Every user, by name."""
    return list(session.scalars(select(UserRow).order_by(UserRow.name)))


def limited(session: Session) -> list[UserRow]:
    """The users that have a quota."""
    query = select(UserRow).where(UserRow.max_gpus.is_not(None) | UserRow.max_cpus.is_not(None))
    return list(session.scalars(query))


def with_ids(session: Session, user_ids: Collection[str]) -> list[UserRow]:
    """Those of these users that there are."""
    return list(session.scalars(select(UserRow).where(UserRow.id.in_(user_ids)))) if user_ids else []


def issued_tokens(session: Session, user_id: str, now: datetime) -> list[TokenRow]:
    """The user's tokens that were issued with a label and have not expired, newest first."""
    query = (
        select(TokenRow)
        .where(TokenRow.user_id == user_id, TokenRow.label.is_not(None))
        .where(TokenRow.expires_at.is_(None) | (TokenRow.expires_at > now))
    )
    return list(session.scalars(query.order_by(TokenRow.created_at.desc(), TokenRow.digest)))


def add_token(session: Session, row: TokenRow) -> None:
    """Add a token or session."""
    session.add(row)


def replace_token(session: Session, row: TokenRow) -> None:
    """Make this the user's only token of its kind, next to those that were issued with a label."""
    session.execute(
        delete(TokenRow).where(
            TokenRow.user_id == row.user_id, TokenRow.kind == row.kind, TokenRow.label.is_(None)
        )
    )
    session.add(row)


def remove_token(session: Session, digest: str) -> None:
    """End a token with the sessions that it started, or a session; nothing happens if there is none."""
    session.execute(delete(TokenRow).where((TokenRow.digest == digest) | (TokenRow.signed_in_with == digest)))


def take_token(session: Session, digest: str) -> bool:
    """Use up what is good once; False if somebody did so before."""
    gone = delete(TokenRow).where(TokenRow.digest == digest).returning(TokenRow.digest)
    return session.scalar(gone) is not None


def remove_expired(session: Session, now: datetime) -> None:
    """Forget tokens and sessions that have expired."""
    session.execute(delete(TokenRow).where(TokenRow.expires_at < now))
