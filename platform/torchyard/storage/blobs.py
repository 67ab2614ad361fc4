"""Queries about blobs."""

from datetime import datetime

from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from torchyard.storage.tables import ArtifactRow, BlobRow, JobInputRow, JobRow


def touch(session: Session, sha256: str, at: datetime) -> BlobRow | None:
    """The blob, if it was uploaded; its use is noted, so that it stays for a day at least."""
    query = update(BlobRow).where(BlobRow.sha256 == sha256).values(used_at=at).returning(BlobRow)
    return session.scalars(query, execution_options={"synchronize_session": False}).one_or_none()


def find(session: Session, sha256: str) -> BlobRow | None:
    """The blob, if it was uploaded."""
    return session.get(BlobRow, sha256)


def add(session: Session, sha256: str, size: int, at: datetime) -> None:
    """Note that the blob is stored; it may have been before."""
    if touch(session, sha256, at) is None:
        session.add(BlobRow(sha256=sha256, size=size, used_at=at))
        session.flush()


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
        )
        .limit(limit)
    )
    digests = list(session.scalars(unused))
    session.execute(delete(BlobRow).where(BlobRow.sha256.in_(digests)))
    return digests
