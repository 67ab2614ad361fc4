"""Users, their tokens and their browser sessions. Only the SHA-256 of a token is ever stored."""

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from torchyard.errors import NotFound, Unauthenticated
from torchyard.services.context import Context
from torchyard.storage import users
from torchyard.storage.tables import TokenRow, UserRow

ADMINISTRATOR = "admin"
ADMINISTRATOR_ROLE = "admin"
#: What the code of a link begins with, and how long it is good.
_LINK = "tyl"
_LINK_LIFETIME = timedelta(minutes=15)
_REFUSAL = "a valid token is needed"
_HINT = "send it as `Authorization: Bearer …`; the administrator's lies in $TORCHYARD_HOME/token"


@dataclass(frozen=True)
class User:
    """Who is asking."""

    id: str
    name: str
    role: str


def digest(token: str) -> str:
    """What is stored of a token: it has 256 random bits, so a plain hash can't be reversed by guessing."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token(prefix: str) -> str:
    """A fresh token; the prefix tells people (and scanners for leaked secrets) what it is."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def administrator(ctx: Context, session: Session) -> User:
    """The administrator, made if missing."""
    row = users.by_name(session, ADMINISTRATOR)
    if row is None:
        row = UserRow(
            id=str(uuid.uuid4()), name=ADMINISTRATOR, role=ADMINISTRATOR_ROLE, created_at=ctx.clock.now()
        )
        users.add_user(session, row)
    return _user(row)


def by_id(session: Session, user_id: str) -> User:
    """The user that something belongs to.

    Raises:
        NotFound: `user_not_found`.
    """
    row = users.by_id(session, user_id)
    if row is None:
        raise NotFound("there is no user with this id", code="user_not_found")
    return _user(row)


def set_token(ctx: Context, session: Session, user: User, token: str) -> None:
    """Make `token` the user's only token, next to those that were issued."""
    row = TokenRow(digest=digest(token), user_id=user.id, kind="token", created_at=ctx.clock.now())
    users.replace_token(session, row)


def authenticate(ctx: Context, session: Session, secret: str, *, kind: str) -> User:
    """The user behind a token (`kind` is `token`) or a browser's cookie (`session`).

    Raises:
        Unauthenticated: Nobody is; the answer is the same whatever the cause.
    """
    found = users.by_token(session, digest(secret), ctx.clock.now())
    if found is None or found[1].kind != kind:
        raise Unauthenticated(_REFUSAL, hint=_HINT)
    return _user(found[0])


def sign_in(ctx: Context, session: Session, token: str) -> tuple[User, str]:
    """Start a browser session for the owner of `token`, which may be the code of a link.

    Returns:
        The user and the session's secret, for a cookie that scripts can't read.

    Raises:
        Unauthenticated: Nobody has this token.
    """
    linked = token.startswith(_LINK)
    user = authenticate(ctx, session, token, kind="link" if linked else "token")
    if linked and not users.take_token(session, digest(token)):
        raise Unauthenticated(_REFUSAL, hint=_HINT)  # somebody else was first
    secret, now = new_token("tys"), ctx.clock.now()
    users.add_token(
        session,
        TokenRow(
            digest=digest(secret),
            user_id=user.id,
            kind="session",
            signed_in_with=None if linked else digest(token),
            created_at=now,
            expires_at=now + ctx.limits.session_lifetime,
        ),
    )
    return user, secret


def sign_in_link(ctx: Context, session: Session, user: User) -> tuple[str, datetime]:
    """A code that signs the user in once, in place of a token; and until when."""
    code, now = new_token(_LINK), ctx.clock.now()
    row = TokenRow(
        digest=digest(code), user_id=user.id, kind="link", created_at=now, expires_at=now + _LINK_LIFETIME
    )
    users.add_token(session, row)
    return code, now + _LINK_LIFETIME


def sign_out(session: Session, secret: str) -> None:
    """End a browser session."""
    users.remove_token(session, digest(secret))


def _user(row: UserRow) -> User:
    return User(id=row.id, name=row.name, role=row.role)
