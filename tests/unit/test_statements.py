"""How often a request asks the database: as often for many rows as for few."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from tests.factories import admin, attempt_id, claim, finish, make_create, register

from torchyard.api.app import create_app
from torchyard.services import jobs, scheduling, users
from torchyard.services.context import Context

TOKEN = "ty_test"


@pytest.fixture
def api(ctx: Context) -> Iterator[TestClient]:
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), TOKEN)
    app = create_app(
        ctx, worker_token="tyj", authentication=True, max_json_bytes=1 << 16, max_upload_bytes=1 << 20
    )
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


@contextmanager
def statements(ctx: Context) -> Iterator[list[str]]:
    """What is sent to the database meanwhile, but for the transactions' begins and ends."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    event.listen(ctx.db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(ctx.db.engine, "before_cursor_execute", note)


def submit_many(ctx: Context, count: int) -> str:
    """Jobs that wait; the id of the last."""
    user, create = admin(ctx), make_create(ctx)
    with ctx.db.write() as session:
        made = [jobs.accept(ctx, session, create, user) for _ in range(count)]
    return made[-1].id


def end_one(ctx: Context, job_id: str) -> None:
    worker, _ = register(ctx, cpus=1)
    scheduling.schedule(ctx)
    with ctx.db.read() as session:
        job = jobs.get(ctx, session, job_id)
    attempt = attempt_id(ctx, job)
    claim(ctx, worker, attempt)
    finish(ctx, worker, attempt, exit_code=0)


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/api/v1/jobs", 2),
        ("/api/v1/jobs?limit=500", 2),
        ("/api/v1/jobs?state=queued&owner=admin&text=train", 2),
        ("/api/v1/jobs/{job}", 2),
        ("/api/v1/jobs/{job}/attempts", 3),
        ("/api/v1/jobs/{job}/events", 3),
        ("/api/v1/workers", 3),
        ("/api/v1/users", 3),
    ],
)
def test_reading_takes_as_many_statements_for_many_jobs_as_for_one(
    ctx: Context, api: TestClient, path: str, most: int
) -> None:
    job = submit_many(ctx, 1)
    end_one(ctx, job)

    def asked() -> int:
        with statements(ctx) as sent:
            answer = api.get(path.format(job=job))
        assert answer.status_code == 200
        return len(sent)

    few = asked()
    submit_many(ctx, 60)
    scheduling.schedule(ctx)
    assert asked() == few
    assert few <= most


def test_submitting_takes_as_many_statements_behind_a_queue_as_without(ctx: Context, api: TestClient) -> None:
    def submitted() -> int:
        with statements(ctx) as sent:
            answer = api.post("/api/v1/jobs", files={"script": ("train.py", b"print('hi')\n")})
        assert answer.status_code == 201
        return len(sent)

    submitted()  # the script is new
    few = submitted()
    submit_many(ctx, 60)
    scheduling.schedule(ctx)
    assert submitted() == few
    assert few <= 7


def test_scheduling_one_more_takes_as_many_statements_behind_a_queue_as_without(ctx: Context) -> None:
    register(ctx, cpus=1)
    submit_many(ctx, 2)
    scheduling.schedule(ctx)  # one is placed, one waits

    def scheduled() -> int:
        submit_many(ctx, 1)
        with statements(ctx) as sent:
            scheduling.schedule(ctx)
        return len(sent)

    few = scheduled()
    submit_many(ctx, 60)
    scheduling.schedule(ctx)
    assert scheduled() == few == 1
