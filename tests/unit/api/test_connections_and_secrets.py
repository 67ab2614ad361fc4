"""Connections and secrets over HTTP: who may do what, and that nothing secret ever comes out."""

import json
import logging
from typing import Any

import pytest
import structlog
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.factories import attempt_id, get, register, submit
from tests.unit.api.conftest import TOKEN

from torchyard.services import scheduling, users
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import users as stored_users
from torchyard.storage.database import Database
from torchyard.storage.tables import Base, UserRow

KEY_SECRET = "canary-of-the-access-key"
VALUE = "canary-of-the-secret"
CONNECTION = {
    "endpoint": "http://127.0.0.1:1",
    "access_key_id": "KEY",
    "secret_access_key": KEY_SECRET,
    "allowed": ["data", "models/public/"],
}


@pytest.fixture
def ordinary(app: FastAPI, ctx: Context) -> TestClient:
    """The API as a user who is no administrator."""
    with ctx.db.write() as session:
        row = UserRow(id="2", name="ordinary", role="user", created_at=ctx.clock.now())
        stored_users.add_user(session, row)
        users.set_token(ctx, session, User("2", "ordinary", "user"), "ty_ordinary")
    return TestClient(app, raise_server_exceptions=False, headers={"Authorization": "Bearer ty_ordinary"})


@pytest.fixture
def buckets(ctx: Context) -> Any:
    buckets: Any = ctx.buckets
    buckets.objects = {("data", "dir/a.csv"): b"1,2", ("data", "dir/sub/b"): b"", ("data", "c"): b"12345"}
    return buckets


def test_only_administrators_set_up_and_remove_connections(api: TestClient, ordinary: TestClient) -> None:
    for method, url in (("PUT", "/api/v1/connections/lab"), ("DELETE", "/api/v1/connections/lab")):
        refused = ordinary.request(method, url, json=CONNECTION)
        assert (refused.status_code, refused.json()["code"]) == (403, "admin_only")
    assert ordinary.post("/api/v1/secrets/rotate").json()["code"] == "admin_only"

    made = api.put("/api/v1/connections/lab", json=CONNECTION)

    assert made.status_code == 200
    assert ordinary.get("/api/v1/connections").json() == [made.json()]
    assert ordinary.get("/api/v1/connections/lab").json() == made.json()
    assert api.delete("/api/v1/connections/lab").status_code == 204
    assert ordinary.get("/api/v1/connections/lab").json()["code"] == "connection_not_found"


@pytest.mark.parametrize(
    ("name", "change", "field"),
    [
        ("Lab", {}, "name"),
        ("lab", {"endpoint": "file:///etc/passwd"}, "endpoint"),
        ("lab", {"allowed": ["arn:aws:s3:::x"]}, "allowed.0"),
        ("lab", {"secret_access_key": ""}, "secret_access_key"),
        ("lab", {"endpoint_url": "http://x"}, "endpoint_url"),
    ],
)
def test_a_wrong_connection_is_refused_with_its_field(
    api: TestClient, name: str, change: dict[str, Any], field: str
) -> None:
    answer = api.put(f"/api/v1/connections/{name}", json={**CONNECTION, **change})

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert KEY_SECRET not in answer.text


def test_a_path_is_checked_and_a_directory_is_browsed(api: TestClient, buckets: Any) -> None:
    buckets.page = 1
    api.put("/api/v1/connections/lab", json=CONNECTION)

    def check(path: str) -> Any:
        return api.post("/api/v1/connections/lab/check", json={"path": path}).json()

    def browse(**params: str) -> Any:
        return api.get("/api/v1/connections/lab/browse", params=params).json()

    assert (check("s3://data/c")["type"], check("s3://data/c")["size"]) == ("file", 5)
    assert (check("s3://data/dir")["type"], check("s3://data/dir/")["files"]) == ("directory", 2)
    assert browse()["folders"] == ["s3://data/", "s3://models/public/"]
    first = browse(prefix="s3://data/dir/")
    second = browse(prefix="s3://data/dir", cursor=first["next_cursor"])
    assert [one["path"] for one in first["files"]] == ["s3://data/dir/a.csv"]
    assert (second["folders"], second["next_cursor"]) == (["s3://data/dir/sub/"], None)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("s3://data/none", 404, "dependency_not_found"),
        ("s3://elsewhere/c", 403, "s3_bucket_not_allowed"),
        ("s3://models/private", 403, "s3_bucket_not_allowed"),
        ("cos://data/c", 403, "s3_bucket_not_allowed"),
        ("s3://data/../c", 422, "s3_uri_invalid"),
        ("http://169.254.169.254/x", 422, "s3_uri_invalid"),
        ("s3://arn:aws:s3:::x/c", 422, "s3_uri_invalid"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_with_a_code(
    api: TestClient, buckets: Any, path: str, status: int, code: str
) -> None:
    api.put("/api/v1/connections/lab", json=CONNECTION)

    checked = api.post("/api/v1/connections/lab/check", json={"path": path})

    assert (checked.status_code, checked.json()["code"]) == (status, code)
    if code != "dependency_not_found":
        browsed = api.get("/api/v1/connections/lab/browse", params={"prefix": path})
        assert (browsed.status_code, browsed.json()["code"]) == (status, code)


def test_a_secret_is_stored_listed_and_removed_without_being_told(api: TestClient) -> None:
    stored = api.put("/api/v1/secrets/TOKEN", json={"value": VALUE})

    assert stored.status_code == 200
    assert (
        api.get("/api/v1/secrets").json()
        == [stored.json()]
        == [{"name": "TOKEN", "created_at": stored.json()["created_at"]}]
    )
    assert api.delete("/api/v1/secrets/TOKEN").status_code == 204
    assert api.delete("/api/v1/secrets/TOKEN").json()["code"] == "secret_not_found"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("lower", "x", "field_invalid"),
        ("A" * 65, "x", "field_invalid"),
        ("TOKEN", "", "secret_invalid"),
        ("TOKEN", "a\x00b", "secret_invalid"),
        ("TOKEN", "ü" * (32 * 1024 + 1), "too_large"),
        ("TOKEN", 5, "field_invalid"),
    ],
)
def test_a_wrong_secret_is_refused(api: TestClient, name: str, value: Any, code: str) -> None:
    answer = api.put(f"/api/v1/secrets/{name}", json={"value": value})

    assert (answer.status_code, answer.json()["code"]) == (413 if code == "too_large" else 422, code)


def test_a_job_that_refers_to_an_unknown_secret_is_refused(api: TestClient) -> None:
    for value, code in (("${secrets.NONE}", "secret_unknown"), ("${EPOCHS}", "parameter_unknown")):
        answer = api.post(
            "/api/v1/jobs",
            files={"script": ("train.py", b"print()")},
            data={"spec": json.dumps({"environment": {"TOKEN": value}})},
        )
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (422, code, "environment")


def test_nothing_secret_is_in_the_database_or_leaves_but_to_the_worker(
    api: TestClient, ctx: Context, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logged:
        answers = [
            api.put("/api/v1/connections/lab", json=CONNECTION),
            api.put("/api/v1/secrets/TOKEN", json={"value": VALUE}),
            api.put("/api/v1/secrets/token", json={"value": VALUE}),
            api.put("/api/v1/connections/lab", json={**CONNECTION, "allowed": []}),
        ]
        job = submit(
            ctx, environment={"TOKEN": "${secrets.TOKEN}"}, dependency_paths="s3://data/c,s3://models/public/"
        )
        _, welcome = register(ctx)
        scheduling.schedule(ctx)
        worker = {"Authorization": f"Bearer {welcome.token}"}
        attempt = f"/runner/v1/attempts/{attempt_id(ctx, job)}"
        claimed = api.post(f"{attempt}/claim", headers=worker)
        printed = f"the token is {VALUE}\n".encode()
        span = {"Content-Range": f"bytes 0-{len(printed) - 1}/*"}
        api.patch(f"{attempt}/logs/stdout.log", content=printed, headers=worker | span)
        told = {"number": 1, "state": "running", "message": f"started with {VALUE}"}
        api.post(f"{attempt}/events", json=told, headers=worker)
        end = {"cause": "exited", "exit_code": 1, "exception": f"ValueError: {VALUE}"}
        finished = api.post(
            f"{attempt}/finish", json={"outcome": end, "messages": [f"left {VALUE}"]}, headers=worker
        )
        assert finished.status_code == 204
        of_job = ("", "/attempts", "/events", "/artifacts", "/logs/stdout.log", "/logs/system.log")
        streams = ("/logs/stdout.log/stream", "/logs/system.log/stream", "/events/stream")
        answers += [api.get(f"/api/v1/jobs/{job.id}{path}") for path in (*of_job, *streams)]
        answers += [api.get(f"/api/v1/{list_}") for list_ in ("jobs", "connections", "secrets")]

    # It was really there: the worker has both, and the log's bytes are as they were printed.
    assert claimed.json()["environment"] == {"TOKEN": VALUE}
    assert claimed.json()["storage"][0]["secret_access_key"] == KEY_SECRET
    assert "*" * len(VALUE) in answers[-6].text
    assert "ValueError: *" in str(get(ctx, job).sentence)
    with database.engine.connect() as connection:
        rows = [
            str(row._mapping)
            for table in Base.metadata.sorted_tables
            for row in connection.execute(text(f"SELECT * FROM {table.name}"))
        ]
    everything = [*rows, *(answer.text for answer in answers), str(logged), caplog.text]
    for canary in (KEY_SECRET, VALUE, TOKEN):
        assert [one for one in everything if canary in one] == []


def test_a_claim_that_cannot_be_met_is_refused_once_the_job_s_end_is_stored(
    api: TestClient, ctx: Context
) -> None:
    api.put("/api/v1/connections/lab", json=CONNECTION)
    job = submit(ctx, dependency_paths="s3://data/c")
    _, welcome = register(ctx)
    scheduling.schedule(ctx)
    api.delete("/api/v1/connections/lab")

    refused = api.post(
        f"/runner/v1/attempts/{attempt_id(ctx, job)}/claim",
        headers={"Authorization": f"Bearer {welcome.token}"},
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "attempt_stale")
    assert get(ctx, job).reason == "dependency_forbidden"
