"""The tables. Times are aware and in UTC, ids are UUIDs as text, enums are their values as text.

Those of workflows are in `workflow_tables`.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from torchyard.domain.lifecycle import ENDED


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, also on SQLite, which has no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; without the zone for SQLite."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """All tables; constraints have names that both databases and migrations agree on."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        datetime: UtcDateTime,
        str: Text,
        int: BigInteger,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


Uuid = String(36)
Digest = String(64)
Word = String(40)


def values_of(row: Base) -> dict[str, Any]:
    """The columns of a row that is no part of a session, by name; without those that are NULL."""
    columns = ((column.name, getattr(row, column.name)) for column in row.__table__.c)
    return {name: value for name, value in columns if value is not None}


class UserRow(Base):
    """A person, or the administrator that the first start makes."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str] = mapped_column(Word)
    created_at: Mapped[datetime]
    #: Since when none of the user's tokens and sessions lets anybody in.
    disabled_at: Mapped[datetime | None]
    #: The most that the user's attempts hold at once, on all workers together; no limit, if left out.
    max_gpus: Mapped[int | None]
    max_cpus: Mapped[int | None]


class TokenRow(Base):
    """A token or a browser session; only its SHA-256 is kept."""

    __tablename__ = "tokens"

    digest: Mapped[str] = mapped_column(Digest, primary_key=True)
    user_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(Word)
    #: What it is for; nothing for a session, and for the token of the file in the home.
    label: Mapped[str | None]
    #: The token that a session was started with, and ends with.
    signed_in_with: Mapped[str | None] = mapped_column(Digest)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]


class SecretRow(Base):
    """A named value of a user, encrypted."""

    __tablename__ = "secrets"

    owner_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    sealed: Mapped[str]
    created_at: Mapped[datetime]


class ConnectionRow(Base):
    """A storage connection; the secret of its key is encrypted."""

    __tablename__ = "connections"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Word)
    endpoint: Mapped[str | None]
    region: Mapped[str]
    addressing: Mapped[str] = mapped_column(Word)
    access_key_id: Mapped[str]
    sealed: Mapped[str]
    allowed: Mapped[list[Any]]
    created_at: Mapped[datetime]


class WorkerRow(Base):
    """A worker as it last introduced itself."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str]
    incarnation: Mapped[str] = mapped_column(Uuid)
    token_digest: Mapped[str] = mapped_column(Digest, unique=True)
    cpus: Mapped[int]
    memory_mb: Mapped[int]
    gpus: Mapped[list[Any]]
    runtimes: Mapped[list[Any]]
    isolation_tier: Mapped[int]
    isolation_notes: Mapped[list[Any]]
    registered_at: Mapped[datetime]
    #: The counter of its last heartbeat; watched for change, never compared with a clock.
    heartbeat_counter: Mapped[int]
    seen_at: Mapped[datetime]
    unreachable: Mapped[bool]
    #: It is given nothing new; what it has goes on.
    draining: Mapped[bool] = mapped_column(default=False, server_default=false())


class BlobRow(Base):
    """An uploaded file; one that nothing refers to is removed a day after its last use."""

    __tablename__ = "blobs"

    sha256: Mapped[str] = mapped_column(Digest, primary_key=True)
    size: Mapped[int]
    used_at: Mapped[datetime] = mapped_column(index=True)


class TreeRow(Base):
    """A blob that is a tree of dependencies, all of whose files are blobs."""

    __tablename__ = "trees"

    sha256: Mapped[str] = mapped_column(
        Digest, ForeignKey("blobs.sha256", ondelete="CASCADE"), primary_key=True
    )


class TreeFileRow(Base):
    """A file of a tree; its blob stays for as long as the tree does."""

    __tablename__ = "tree_files"

    tree_sha256: Mapped[str] = mapped_column(
        Digest, ForeignKey("trees.sha256", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(Digest, ForeignKey("blobs.sha256"), primary_key=True, index=True)


class JobRow(Base):
    """A job: the truth about it, whatever messages say."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    owner_id: Mapped[str] = mapped_column(Uuid, ForeignKey("users.id"))
    name: Mapped[str]
    #: Lower-case name, script name and arguments: what the list's text filter looks in.
    searchable: Mapped[str]
    state: Mapped[str] = mapped_column(Word)
    spec: Mapped[dict[str, Any]]
    script_sha256: Mapped[str] = mapped_column(Digest, ForeignKey("blobs.sha256"), index=True)
    dependencies_sha256: Mapped[str | None] = mapped_column(Digest, ForeignKey("blobs.sha256"), index=True)
    attempt: Mapped[int]
    events: Mapped[int]
    reason: Mapped[str | None] = mapped_column(Word)
    sentence: Mapped[str | None]
    #: What the sentence says, for other languages: a Saying.
    saying: Mapped[dict[str, Any] | None]
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    run_again_of: Mapped[str | None] = mapped_column(Uuid)
    #: The run and the node that it belongs to, if it does. No foreign key: SQLite would add one by making the
    #: table anew, and dropping the old one would take attempts and events with it.
    run_id: Mapped[str | None] = mapped_column(Uuid, index=True)
    node: Mapped[str | None]
    created_at: Mapped[datetime]
    cancel_requested_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    #: When what it left was removed, as it was old or too much.
    artifacts_removed_at: Mapped[datetime | None]

    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "state", "created_at", "id"),
        Index(None, "owner_id", "created_at", "id"),
    )


class AttemptRow(Base):
    """One try of a job. What the scheduler needs of the job is repeated here."""

    __tablename__ = "attempts"

    id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("jobs.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(Word)
    owner_id: Mapped[str] = mapped_column(Uuid)
    runtime: Mapped[str]
    gpu_count: Mapped[int]
    gpu_model: Mapped[str | None]
    cpus: Mapped[int]
    memory_mb: Mapped[int]
    worker_id: Mapped[str | None] = mapped_column(Uuid, ForeignKey("workers.id"))
    gpus: Mapped[list[Any]]
    #: The highest number of the worker's reports that was taken in.
    reports: Mapped[int]
    reason: Mapped[str | None] = mapped_column(Word)
    sentence: Mapped[str | None]
    #: What the sentence says, for other languages: a Saying.
    saying: Mapped[dict[str, Any] | None]
    exit_code: Mapped[int | None]
    signal: Mapped[int | None]
    created_at: Mapped[datetime]
    #: It may be placed from then on: a pause after the attempt before it failed.
    not_before: Mapped[datetime | None]
    #: Ids of the workers that ran the jobs its inputs come from.
    near: Mapped[list[Any]]
    announced_at: Mapped[datetime | None]
    claimed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    #: From then until `finished_at`, what the script left was kept.
    script_ended_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_attempts_job_id_number", "job_id", "number", unique=True),
        # Never two open attempts of one job, whatever the code above does.
        Index(
            "uq_attempts_open",
            "job_id",
            unique=True,
            sqlite_where=text(f"state NOT IN ({', '.join(repr(str(state)) for state in sorted(ENDED))})"),
            postgresql_where=text(f"state NOT IN ({', '.join(repr(str(state)) for state in sorted(ENDED))})"),
        ),
        Index(None, "state", "created_at"),
        Index(None, "worker_id", "state"),
    )


class EventRow(Base):
    """One line of a job's account of itself; never changed, so that system.log only grows."""

    __tablename__ = "job_events"

    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    attempt: Mapped[int]
    state: Mapped[str] = mapped_column(Word)
    message: Mapped[str]
    #: What the message says, for other languages: a Saying.
    saying: Mapped[dict[str, Any] | None]


class ArtifactRow(Base):
    """A file that an attempt left; its content is a blob."""

    __tablename__ = "artifacts"

    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(Digest, ForeignKey("blobs.sha256"), index=True)
    media_type: Mapped[str]


class JobInputRow(Base):
    """A file that a job finds in `inputs/<name>/`, frozen when it was submitted."""

    __tablename__ = "job_inputs"

    job_id: Mapped[str] = mapped_column(Uuid, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(Digest, ForeignKey("blobs.sha256"), index=True)
    size: Mapped[int]


class IdempotencyRow(Base):
    """A key under which a create was asked for; nothing is made while the first request is going on."""

    __tablename__ = "idempotency_keys"

    owner_id: Mapped[str] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str | None] = mapped_column(Digest)
    #: The id of what was made: a job, as the column's name has it from the start, or anything else.
    made_id: Mapped[str | None] = mapped_column("job_id", Uuid)
    created_at: Mapped[datetime] = mapped_column(index=True)
