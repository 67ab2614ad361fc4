import shutil
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from torchyard.adapters.directory_uploads import DirectoryUploads
from torchyard.services.context import Context, Limits
from torchyard.services.sealing import Sealer, new_key
from torchyard.storage.database import Database
from torchyard.testing import (
    FixedClock,
    LocalFanout,
    MemoryBuckets,
    MemoryLogs,
    MemoryObjects,
    RecordingDispatcher,
    RecordingWebhooks,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text("CREATE DATABASE template_torchyard"))
    server.dispose()
    database = Database(make_url(postgres_url).set(database="template_torchyard").render_as_string(False))
    database.migrate()
    database.close()
    return postgres_url


def sqlite_database(template: Path, folder: Path) -> Iterator[Database]:
    path = folder / "torchyard.db"
    shutil.copyfile(template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


def postgres_database(url: str) -> Iterator[Database]:
    name = f"test_{uuid.uuid4().hex}"
    server = create_engine(url, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_torchyard"))
    database = Database(make_url(url).set(database=name).render_as_string(False))
    yield database
    database.close()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def now() -> datetime:
    return NOON


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        yield from sqlite_database(request.getfixturevalue("migrated_sqlite"), tmp_path)
    else:
        yield from postgres_database(request.getfixturevalue("migrated_postgres"))


@pytest.fixture
def ctx(database: Database, tmp_path: Path) -> Context:
    return Context(
        db=database,
        objects=MemoryObjects(),
        uploads=DirectoryUploads(tmp_path / "uploads", max_bytes=1 << 30),
        logs=MemoryLogs(),
        buckets=MemoryBuckets(),
        webhooks=RecordingWebhooks(),
        sealer=Sealer([new_key()]),
        dispatcher=RecordingDispatcher(),
        fanout=LocalFanout(),
        clock=FixedClock(NOON),
        limits=Limits(
            default_runtime="torch-test",
            max_script_bytes=1024 * 1024,
            session_lifetime=timedelta(days=1),
            unreachable_after=timedelta(seconds=15),
            lost_after=timedelta(seconds=60),
            resend_after=timedelta(seconds=10),
        ),
        broker_url="redis://127.0.0.1:1",
    )
