"""Storage connections: set up by administrators; everybody may look through them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from torchyard import errors
from torchyard.api.dependencies import AdminDep, ContextDep, UserDep
from torchyard.api.problems import responses
from torchyard.contracts.connections import (
    NAME_PATTERN,
    Connection,
    ConnectionSettings,
    FoundPath,
    PathQuestion,
    PathText,
    StorageListing,
)
from torchyard.contracts.storage_paths import parse
from torchyard.services import connections

router = APIRouter(prefix="/connections", tags=["connections"])

NamePath = Annotated[str, Path(pattern=NAME_PATTERN, description="The connection's name.")]
_BODY = (errors.InvalidInput, errors.Malformed, errors.TooLarge)


@router.get("")
def all_of(ctx: ContextDep, _user: UserDep) -> list[Connection]:
    """List the connections, without their secrets."""
    with ctx.db.read() as session:
        return connections.all_of(session)


@router.get("/{name}", responses=responses(errors.NotFound))
def get(ctx: ContextDep, _user: UserDep, name: NamePath) -> Connection:
    """Get a connection, without its secret."""
    with ctx.db.read() as session:
        return connections.get(session, name)


@router.put("/{name}", responses=responses(*_BODY))
def put(ctx: ContextDep, _admin: AdminDep, name: NamePath, settings: ConnectionSettings) -> Connection:
    """Set up a connection, or replace it; for administrators."""
    with ctx.db.write() as session:
        return connections.put(ctx, session, name, settings)


@router.delete("/{name}", status_code=204, responses=responses(errors.NotFound))
def delete(ctx: ContextDep, _admin: AdminDep, name: NamePath) -> None:
    """Delete a connection; for administrators. Queued jobs that need it will fail."""
    with ctx.db.write() as session:
        connections.remove(session, name)


@router.post("/{name}/check", responses=responses(*_BODY, errors.NotFound, errors.SealBroken))
def check(ctx: ContextDep, _user: UserDep, name: NamePath, question: PathQuestion) -> FoundPath:
    """Look what lies at a path: a file or a directory."""
    return connections.check(ctx, name, parse(question.path))


@router.get("/{name}/browse", responses=responses(errors.NotFound, errors.CursorInvalid, errors.SealBroken))
def browse(
    ctx: ContextDep,
    _user: UserDep,
    name: NamePath,
    prefix: Annotated[
        PathText | None,
        Query(description="The directory, as `s3://bucket/dir/`; all allowed ones if left out."),
    ] = None,
    cursor: Annotated[
        str | None, Query(min_length=1, max_length=4000, description="`next_cursor` of the part before.")
    ] = None,
) -> StorageListing:
    """List the folders and files in a directory, part by part."""
    return connections.browse(ctx, name, parse(prefix) if prefix else None, cursor)
