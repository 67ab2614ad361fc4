from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from torchyard.api.app import create_app
from torchyard.services import users
from torchyard.services.context import Context
from torchyard.storage.database import Database

TOKEN = "ty_test"
JOIN_TOKEN = "tyj_test"


@pytest.fixture
def database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """The services are tested on both databases; HTTP in front of them needs one."""
    path = tmp_path / "torchyard.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    opened = Database(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def app(ctx: Context) -> FastAPI:
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), TOKEN)
    return create_app(
        ctx,
        worker_token=JOIN_TOKEN,
        authentication=True,
        max_json_bytes=64 * 1024,
        max_upload_bytes=4 * 1024 * 1024,
    )


@pytest.fixture
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def api(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(
        app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        yield client
