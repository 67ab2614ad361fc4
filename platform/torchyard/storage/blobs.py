"""Queries about blobs."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice

from sqlalchemy import bindparam, delete, exists, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from torchyard.storage.tables import ArtifactRow, BlobRow, JobInputRow, JobRow, TreeFileRow
from torchyard.storage.workflow_tables import RunBlobRow, VersionBlobRow

#: Digests in one statement; databases count a statement's values.
_AT_ONCE = 500
# Built once: each job needs it.
_TOUCH = (
    update(BlobRow)
    .where(BlobRow.sha256 == bindparam("digest"))
    .values(used_at=bindparam("at"))
    .returning(BlobRow)
    .execution_options(synchronize_session=False)
)


def touch(session: Session, sha256: str, at: datetime) -> BlobRow | None:
    """The blob, if it was uploaded; its use is noted, so that it stays for a day at least."""
    return session.scalars(_TOUCH, {"digest": sha256, "at": at}).one_or_none()


def find(session: Session, sha256: str) -> BlobRow | None:
    """The blob, if it was uploaded."""
    return session.get(BlobRow, sha256)


def find_all(session: Session, digests: Iterable[str]) -> dict[str, BlobRow]:
    """Those of the blobs that were uploaded."""
    found: dict[str, BlobRow] = {}
    for some in _parts(digests):
        rows = session.scalars(select(BlobRow).where(BlobRow.sha256.in_(some)))
        found |= {row.sha256: row for row in rows}
    return found


def touch_all(session: Session, digests: Iterable[str], at: datetime) -> None:
    """Note the use of blobs, so that they stay for a day at least."""
    # In one order everywhere, so that two transactions never wait for each other.
    for some in _parts(sorted(digests)):
        query = update(BlobRow).where(BlobRow.sha256.in_(some)).values(used_at=at)
        session.execute(query, execution_options={"synchronize_session": False})


def touch_present(session: Session, digests: Iterable[str], at: datetime) -> set[str]:
    """Those of the blobs that were uploaded; their use is noted, so that they stay for a day at least."""
    found: set[str] = set()
    for some in _parts(sorted(digests)):
        query = update(BlobRow).where(BlobRow.sha256.in_(some)).values(used_at=at).returning(BlobRow.sha256)
        found.update(session.scalars(query, execution_options={"synchronize_session": False}))
    return found


def add_all(session: Session, sizes: Mapping[str, int], at: datetime) -> None:
    """Note that blobs with these sizes are stored; they may have been before, or be noted by others now."""
    if not sizes:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    query = insert(BlobRow).on_conflict_do_update(index_elements=["sha256"], set_={"used_at": at})
    # In one order everywhere, so that two transactions never wait for each other.
    session.execute(
        query, [{"sha256": sha256, "size": sizes[sha256], "used_at": at} for sha256 in sorted(sizes)]
    )


def remove_unused(session: Session, before: datetime, *, limit: int) -> list[str]:
    """Forget blobs that nothing refers to and that were last used before this; their SHA-256s."""
    unused = (
        select(BlobRow.sha256)
        .where(
            BlobRow.used_at < before,
            ~exists().where(JobRow.script_sha256 == BlobRow.sha256),
            ~exists().where(JobRow.dependencies_sha256 == BlobRow.sha256),
            ~exists().where(ArtifactRow.sha256 == BlobRow.sha256),
            ~exists().where(JobInputRow.sha256 == BlobRow.sha256),
            ~exists().where(TreeFileRow.sha256 == BlobRow.sha256),
            ~exists().where(VersionBlobRow.sha256 == BlobRow.sha256),
            ~exists().where(RunBlobRow.sha256 == BlobRow.sha256),
        )
        .limit(limit)
    )
    digests = list(session.scalars(unused))
    # Asked once more: somebody may have used one since.
    gone = delete(BlobRow).where(BlobRow.sha256.in_(digests), BlobRow.used_at < before)
    return list(session.scalars(gone.returning(BlobRow.sha256)))


def _parts(digests: Iterable[str]) -> Iterator[list[str]]:
    left = iter(digests)
    while some := list(islice(left, _AT_ONCE)):
        yield some
