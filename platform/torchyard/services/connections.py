"""Connections: which S3/COS storage there is, who may read what through it, and what lies there."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pydantic import SecretStr
from sqlalchemy.orm import Session

from torchyard.contracts import storage_paths
from torchyard.contracts.connections import (
    Addressing,
    Connection,
    ConnectionSettings,
    FoundPath,
    StorageAccess,
    StorageListing,
)
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import StorageKind, StoragePath
from torchyard.errors import Forbidden, NotFound, SealBroken
from torchyard.services.context import Context
from torchyard.storage import connections
from torchyard.storage.tables import ConnectionRow


def put(ctx: Context, session: Session, name: str, settings: ConnectionSettings) -> Connection:
    """Set up a connection, or replace it."""
    row = ConnectionRow(
        name=name,
        kind=settings.kind,
        endpoint=_endpoint(settings),
        region=settings.region,
        addressing=_addressing(settings),
        access_key_id=settings.access_key_id,
        sealed=ctx.sealer.seal(settings.secret_access_key.get_secret_value()),
        allowed=list(settings.allowed),
        created_at=ctx.clock.now(),
    )
    connections.put(session, row)
    return _connection(row)


def all_of(session: Session) -> list[Connection]:
    """All connections, by name."""
    return [_connection(row) for row in connections.all_of(session)]


def get(session: Session, name: str) -> Connection:
    """One connection.

    Raises:
        NotFound: `connection_not_found`.
    """
    return _connection(_find(session, name))


def remove(session: Session, name: str) -> None:
    """Forget a connection; a queued job that needs it fails with `dependency_forbidden`.

    Raises:
        NotFound: `connection_not_found`.
    """
    if not connections.remove(session, name):
        raise _not_found(name)


def resolve(ctx: Context, session: Session, paths: str) -> list[StorageAccess]:
    """What a job's paths are read through; see `resolve_all`."""
    return resolve_all(ctx, session, {"dependency_paths": storage_paths.split_paths(paths)})


def resolve_all(
    ctx: Context, session: Session, wanted: Mapping[str, Iterable[StoragePath]]
) -> list[StorageAccess]:
    """What paths are read through, by name: for each the first connection that covers it.

    Args:
        ctx: The platform.
        session: The transaction.
        wanted: The paths, by the field that names them.

    Raises:
        Forbidden: `s3_bucket_not_allowed`: none covers a path, which is named.
        SealBroken: A connection's secret can't be read any more.
    """
    paths = [(path, field) for field, named in wanted.items() for path in named]
    rows = connections.all_of(session) if paths else []
    needed = {row.name: row for row in (_covering(rows, path, field) for path, field in paths)}
    return [_access(ctx, needed[name]) for name in sorted(needed)]


def check(ctx: Context, name: str, path: StoragePath) -> FoundPath:
    """What lies at a path.

    Raises:
        NotFound: `connection_not_found`, `dependency_not_found`.
        Forbidden: `s3_bucket_not_allowed`, `dependency_forbidden`.
        Unavailable: `dependency_unavailable`.
        SealBroken: The connection's secret can't be read any more.
    """
    with ctx.db.read() as session:
        access = _allowed(ctx, session, name, path)
    return ctx.buckets.find(access, path)


def browse(ctx: Context, name: str, directory: StoragePath | None, cursor: str | None) -> StorageListing:
    """A part of what lies in a directory; without one, what the connection allows.

    Raises:
        NotFound: `connection_not_found`, `dependency_not_found`.
        Forbidden: `s3_bucket_not_allowed`, `dependency_forbidden`.
        CursorInvalid: The storage didn't give out this cursor.
        Unavailable: `dependency_unavailable`.
        SealBroken: The connection's secret can't be read any more.
    """
    with ctx.db.read() as session:
        if directory is None:
            return _roots(get(session, name))
        directory = replace(directory, key=directory.prefix)
        access = _allowed(ctx, session, name, directory)
    return ctx.buckets.listing(access, directory, cursor)


def rotate(ctx: Context, session: Session) -> tuple[int, list[str]]:
    """Encrypt all connections' secrets with the newest key; how many those were, and what no key opens."""
    renewed, unreadable = 0, []
    for row in connections.all_of(session, lock=True):
        try:
            row.sealed = ctx.sealer.renew(row.sealed, row.name)
            renewed += 1
        except SealBroken:
            unreadable.append(f"connection {row.name}")
    return renewed, unreadable


def _endpoint(settings: ConnectionSettings) -> str | None:
    if settings.endpoint is None and settings.kind is StorageKind.COS:
        return f"https://cos.{settings.region}.myqcloud.com"
    return settings.endpoint.rstrip("/") if settings.endpoint else None


def _addressing(settings: ConnectionSettings) -> Addressing:
    if settings.addressing is not None:
        return settings.addressing
    own_server = settings.kind is StorageKind.S3 and settings.endpoint is not None
    return Addressing.PATH if own_server else Addressing.VIRTUAL


def _covers(row: ConnectionRow, path: StoragePath) -> bool:
    return row.kind == path.kind and storage_paths.allows(row.allowed, path)


def _covering(rows: list[ConnectionRow], path: StoragePath, field: str) -> ConnectionRow:
    for row in rows:
        if _covers(row, path):
            return row
    raise Forbidden(
        say("path_of_no_connection", path=path),
        code="s3_bucket_not_allowed",
        field=field,
        hint="an administrator can allow its bucket: `torchyard connections set NAME --allow BUCKET …`",
    )


def _allowed(ctx: Context, session: Session, name: str, path: StoragePath) -> StorageAccess:
    row = _find(session, name)
    if not _covers(row, path):
        raise Forbidden(
            say("path_not_allowed", connection=name, path=path),
            code="s3_bucket_not_allowed",
            hint=say(
                "hint_connection_allows", places=", ".join(f"{row.kind}://{one}" for one in row.allowed)
            ),
        )
    return _access(ctx, row)


def _roots(connection: Connection) -> StorageListing:
    roots = [f"{connection.kind}://{one.rstrip('/')}/" for one in connection.allowed]
    return StorageListing(folders=sorted(set(roots)), files=[])


def _find(session: Session, name: str) -> ConnectionRow:
    row = connections.find(session, name)
    if row is None:
        raise _not_found(name)
    return row


def _not_found(name: str) -> NotFound:
    return NotFound(say("no_such_connection", connection=name), code="connection_not_found")


def _connection(row: ConnectionRow) -> Connection:
    return Connection(
        name=row.name,
        kind=StorageKind(row.kind),
        endpoint=row.endpoint,
        region=row.region,
        addressing=Addressing(row.addressing),
        access_key_id=row.access_key_id,
        allowed=row.allowed,
    )


def _access(ctx: Context, row: ConnectionRow) -> StorageAccess:
    secret = ctx.sealer.unseal(row.sealed, f"the secret of the connection {row.name!r}")
    return StorageAccess(**_connection(row).model_dump(), secret_access_key=SecretStr(secret))
