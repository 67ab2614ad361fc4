"""Who may come in: administrators add and disable users; everybody issues and revokes tokens of their own."""

import uuid
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.orm import Session

from torchyard.contracts.sayings import say
from torchyard.contracts.users import (
    TOKEN_ID_DIGITS,
    IssuedToken,
    NewToken,
    Role,
    TokenWish,
    UserAccount,
    UserChanges,
    UserSettings,
)
from torchyard.errors import Forbidden, NotFound, OwnAccess
from torchyard.services import queueing
from torchyard.services.context import Context
from torchyard.services.users import ADMINISTRATOR, ADMINISTRATOR_ROLE, User, digest, new_token
from torchyard.storage import attempts, users
from torchyard.storage.tables import TokenRow, UserRow


def all_of(session: Session) -> list[UserAccount]:
    """Every user, by name."""
    held = attempts.held_by(session)
    return [_told(row, held) for row in users.all_users(session)]


def get(session: Session, by: User, name: str) -> UserAccount:
    """One user, with what the user's jobs hold.

    Raises:
        NotFound: `user_not_found`.
        Forbidden: `admin_only`: it is another user, and no administrator asks.
    """
    row = _owner(session, by, name)
    return _told(row, attempts.held_by(session, row.id))


def put(ctx: Context, session: Session, by: User, name: str, settings: UserSettings) -> UserAccount:
    """Add a user, or change one.

    Raises:
        OwnAccess: It would take an administrator's own access away, or that of the one that the
            platform's home has the token of.
    """
    row = users.by_name(session, name)
    if row is None:
        row = UserRow(id=str(uuid.uuid4()), name=name, role=settings.role, created_at=ctx.clock.now())
        users.add_user(session, row)
    loses = settings.disabled or settings.role != Role.ADMIN
    if loses and (row.id == by.id or name == ADMINISTRATOR):
        raise OwnAccess(
            "an administrator's own access, and that of the first one, can't be taken away",
            hint=say("hint_another_administrator"),
        )
    row.role = settings.role
    row.disabled_at = (row.disabled_at or ctx.clock.now()) if settings.disabled else None
    if (row.max_gpus, row.max_cpus) != (settings.max_gpus, settings.max_cpus):
        row.max_gpus, row.max_cpus = settings.max_gpus, settings.max_cpus
        queueing.quota_changed(ctx, session, row.id)
    return _told(row, attempts.held_by(session, row.id))


def change(ctx: Context, session: Session, by: User, name: str, changes: UserChanges) -> UserAccount:
    """Change some of what is set of a user.

    Raises:
        NotFound: `user_not_found`.
        OwnAccess: As when all of it is set.
    """
    row = _owner(session, by, name)
    quota = changes.model_dump(include={"max_gpus", "max_cpus"}, exclude_unset=True)
    settings = UserSettings(
        role=changes.role or Role(row.role),
        disabled=row.disabled_at is not None if changes.disabled is None else changes.disabled,
        **{"max_gpus": row.max_gpus, "max_cpus": row.max_cpus, **quota},
    )
    return put(ctx, session, by, name, settings)


def tokens_of(ctx: Context, session: Session, by: User, name: str) -> list[IssuedToken]:
    """The tokens that were issued for a user and are valid, newest first.

    Raises:
        NotFound: `user_not_found`.
        Forbidden: `admin_only`: it is another user, and no administrator asks.
    """
    owner = _owner(session, by, name)
    return [_issued(row) for row in users.issued_tokens(session, owner.id, ctx.clock.now())]


def issue(ctx: Context, session: Session, by: User, name: str, wish: TokenWish) -> NewToken:
    """A new token for a user; it is told this once.

    Raises:
        NotFound: `user_not_found`.
        Forbidden: `admin_only`: it is another user, and no administrator asks.
    """
    owner, now, token = _owner(session, by, name), ctx.clock.now(), new_token("ty")
    row = TokenRow(
        digest=digest(token),
        user_id=owner.id,
        kind="token",
        label=wish.label,
        created_at=now,
        expires_at=now + timedelta(days=wish.days) if wish.days else None,
    )
    users.add_token(session, row)
    return NewToken(token=token, **_issued(row).model_dump())


def revoke(ctx: Context, session: Session, by: User, name: str, token_id: str) -> None:
    """End a token.

    Raises:
        NotFound: `user_not_found`, or `token_not_found`.
        Forbidden: `admin_only`: it is another user, and no administrator asks.
    """
    owner = _owner(session, by, name)
    for row in users.issued_tokens(session, owner.id, ctx.clock.now()):
        if row.digest.startswith(token_id):
            users.remove_token(session, row.digest)
            return
    raise NotFound("there is no such token", code="token_not_found")


def _owner(session: Session, by: User, name: str) -> UserRow:
    if name != by.name and by.role != ADMINISTRATOR_ROLE:
        raise Forbidden("only an administrator may do this for others", code="admin_only")
    row = users.by_name(session, name)
    if row is None:
        raise NotFound(say("no_such_user", name=name), code="user_not_found")
    return row


def _told(row: UserRow, held: Mapping[str, tuple[int, int]]) -> UserAccount:
    held_gpus, held_cpus = held.get(row.id, (0, 0))
    return UserAccount(
        name=row.name,
        role=Role(row.role),
        disabled=row.disabled_at is not None,
        created_at=row.created_at,
        max_gpus=row.max_gpus,
        max_cpus=row.max_cpus,
        held_gpus=held_gpus,
        held_cpus=held_cpus,
    )


def _issued(row: TokenRow) -> IssuedToken:
    return IssuedToken(
        id=row.digest[:TOKEN_ID_DIGITS],
        label=row.label or "",
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
