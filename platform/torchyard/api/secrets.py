"""A user's own secrets: their names are told, their values never."""

from typing import Annotated

from fastapi import APIRouter, Path

from torchyard import errors
from torchyard.api.dependencies import AdminDep, ContextDep, UserDep
from torchyard.api.problems import responses
from torchyard.contracts.secrets import NAME_PATTERN, Rotated, SecretValue, StoredSecret
from torchyard.services import connections, notifications, secrets

router = APIRouter(prefix="/secrets", tags=["secrets"])

NamePath = Annotated[str, Path(pattern=NAME_PATTERN, description="The secret's name.")]


@router.get("")
def all_of(ctx: ContextDep, user: UserDep) -> list[StoredSecret]:
    """List your secrets, without their values."""
    with ctx.db.read() as session:
        return secrets.all_of(session, user)


@router.put("/{name}", responses=responses(errors.InvalidInput, errors.Malformed, errors.TooLarge))
def put(ctx: ContextDep, user: UserDep, name: NamePath, secret: SecretValue) -> StoredSecret:
    """Store a secret, or give it another value; jobs that have not started get the new one."""
    with ctx.db.write() as session:
        return secrets.put(ctx, session, user, name, secret)


@router.delete("/{name}", status_code=204, responses=responses(errors.NotFound, errors.SecretInUse))
def delete(ctx: ContextDep, user: UserDep, name: NamePath) -> None:
    """Delete a secret that no job needs which has not ended."""
    with ctx.db.write() as session:
        secrets.remove(session, user, name)


@router.post("/rotate")
def rotate(ctx: ContextDep, _admin: AdminDep) -> Rotated:
    """Encrypt everything with the newest key; for administrators."""
    with ctx.db.write() as session:
        renewed, lost = secrets.rotate(ctx, session)
        connected, broken = connections.rotate(ctx, session)
        hooked, torn = notifications.rotate(ctx, session)
    return Rotated(
        secrets=renewed, connections=connected, webhooks=hooked, unreadable=[*lost, *broken, *torn]
    )
