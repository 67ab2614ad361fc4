"""Users and their tokens: administrators manage all, everybody their own tokens."""

from typing import Annotated

from fastapi import APIRouter, Path

from torchyard import errors
from torchyard.api.dependencies import AdminDep, ContextDep, UserDep
from torchyard.api.problems import responses
from torchyard.contracts.users import (
    NAME_PATTERN,
    TOKEN_ID_PATTERN,
    IssuedToken,
    NewToken,
    TokenWish,
    UserAccount,
    UserChanges,
    UserSettings,
)
from torchyard.services import accounts

router = APIRouter(prefix="/users", tags=["users"])

NamePath = Annotated[str, Path(pattern=NAME_PATTERN, description="The user's name.")]
_BODY = (errors.InvalidInput, errors.Malformed, errors.TooLarge)


@router.get("")
def all_of(ctx: ContextDep, _admin: AdminDep) -> list[UserAccount]:
    """List the users; for administrators."""
    with ctx.db.read() as session:
        return accounts.all_of(session)


@router.get("/{name}", responses=responses(errors.NotFound))
def get(ctx: ContextDep, user: UserDep, name: NamePath) -> UserAccount:
    """Tell of one user, and what the user's jobs hold: of yourself, or for administrators of anybody."""
    with ctx.db.read() as session:
        return accounts.get(session, user, name)


@router.put("/{name}", responses=responses(*_BODY, errors.OwnAccess))
def put(ctx: ContextDep, admin: AdminDep, name: NamePath, settings: UserSettings) -> UserAccount:
    """Add a user, or set its role, its quota and whether it is disabled; for administrators."""
    with ctx.db.write() as session:
        return accounts.put(ctx, session, admin, name, settings)


@router.patch("/{name}", responses=responses(*_BODY, errors.NotFound, errors.OwnAccess))
def change(ctx: ContextDep, admin: AdminDep, name: NamePath, changes: UserChanges) -> UserAccount:
    """Change a user's role or quota, or whether it is disabled, and nothing else; for administrators."""
    with ctx.db.write() as session:
        return accounts.change(ctx, session, admin, name, changes)


@router.get("/{name}/tokens", responses=responses(errors.NotFound))
def tokens(ctx: ContextDep, user: UserDep, name: NamePath) -> list[IssuedToken]:
    """List the valid tokens that were issued for a user: your own, or for administrators anybody's."""
    with ctx.db.read() as session:
        return accounts.tokens_of(ctx, session, user, name)


@router.post("/{name}/tokens", status_code=201, responses=responses(*_BODY, errors.NotFound))
def issue(ctx: ContextDep, user: UserDep, name: NamePath, wish: TokenWish) -> NewToken:
    """Issue a token; the answer is the only place where it ever stands."""
    with ctx.db.write() as session:
        return accounts.issue(ctx, session, user, name, wish)


@router.delete("/{name}/tokens/{token_id}", status_code=204, responses=responses(errors.NotFound))
def revoke(
    ctx: ContextDep,
    user: UserDep,
    name: NamePath,
    token_id: Annotated[str, Path(pattern=TOKEN_ID_PATTERN, description="The token's id.")],
) -> None:
    """Revoke a token: it lets nobody in from then on."""
    with ctx.db.write() as session:
        accounts.revoke(ctx, session, user, name, token_id)
