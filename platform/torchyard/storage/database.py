"""Engine, transactions and what SQLite needs to behave: one code path for SQLite and Postgres."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from torchyard.errors import StorageFull, Unavailable

_AFTER_COMMIT = "torchyard_after_commit"
_WRITES = "torchyard_writes"
#: Milliseconds that SQLite waits for another process's lock; our own threads queue at a lock of theirs.
_BUSY_TIMEOUT_MS = 5000
#: Seconds a writer queues at most; a transaction takes milliseconds, so this says that the disk hangs.
_LONGEST_QUEUE_SECONDS = 30.0


class Database:
    """The database behind a URL; hands out transactions."""

    def __init__(self, url: str) -> None:
        """Connect lazily to `url`, an SQLAlchemy URL of SQLite or Postgres (psycopg 3)."""
        self.url = url
        sqlite = url.startswith("sqlite")
        # One connection per thread of the API's pool, and some for the background threads.
        self.engine: Engine = create_engine(
            url,
            pool_size=20,
            max_overflow=40,
            pool_pre_ping=not sqlite,
            # isolation_level None: the driver begins nothing by itself, `_begin` does.
            connect_args={"isolation_level": None, "check_same_thread": False}
            if sqlite
            else {"connect_timeout": 5},
        )
        if sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin)
        # SQLite has one writer at a time. Queueing here is fair and wakes at once; its own busy wait sleeps.
        self._writer = threading.Lock() if sqlite else None
        writer = self.engine.execution_options(**{_WRITES: True})
        self._reading_sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._writing_sessions = sessionmaker(writer, expire_on_commit=False)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only reads.

        Raises:
            Unavailable: The database can't be reached.
        """
        with _translated(), self._reading_sessions() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction, committed at the end unless an exception passes through.

        What was given to `after_commit` runs once the commit is through.

        Raises:
            Unavailable: The database can't be reached, or the lock was not to be had.
            StorageFull: No space is left for the database.
        """
        with _translated(), self._alone(), self._writing_sessions.begin() as session:
            yield session
        for callback in session.info.pop(_AFTER_COMMIT, []):
            callback()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._writer is None:
            yield
            return
        if not self._writer.acquire(timeout=_LONGEST_QUEUE_SECONDS):
            raise Unavailable("the database is too busy at the moment", code="database_busy")
        try:
            yield
        finally:
            self._writer.release()

    def migrate(self) -> None:
        """Bring the schema to the newest version."""
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with _translated(), self.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Have `callback` called once this transaction has been committed; never if it is not."""
    session.info.setdefault(_AFTER_COMMIT, []).append(callback)


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    for pragma in (
        "journal_mode = WAL",
        # An accepted job survives a power cut: every commit reaches the disk before it is answered.
        "synchronous = FULL",
        "foreign_keys = ON",
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",
        "cache_size = -16000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    # A writer takes its lock at the start: a transaction that read first could not become one later.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Driver errors that say "not now" become ours; mistakes of our own stay what they are."""
    try:
        yield
    except OperationalError as problem:
        if "disk is full" in str(problem.orig) or "No space left" in str(problem.orig):
            raise StorageFull("no space is left for the database") from problem
        raise Unavailable(
            "the database can't be reached at the moment", code="database_unavailable"
        ) from problem
    except DBAPIError as problem:
        if not problem.connection_invalidated:
            raise
        raise Unavailable(
            "the database can't be reached at the moment", code="database_unavailable"
        ) from problem
