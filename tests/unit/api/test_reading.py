import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.factories import finish, get, taken

from torchyard.contracts.jobs import Job
from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.services.context import Context

PRINTED = b"epoch 1\nepoch 2\n"


@pytest.fixture
def ended(ctx: Context) -> Job:
    """A job that printed two lines and a warning, and ended."""
    job, worker, attempt = taken(ctx)
    ctx.logs.append(attempt, LogName.STDOUT, 0, PRINTED, [Piece(0, Stream.STDOUT, 1)])
    ctx.logs.append(attempt, LogName.STDOUT, 16, b"beware\n", [Piece(16, Stream.STDERR, 2)])
    ctx.logs.append(attempt, LogName.STDERR, 0, b"beware\n", [])
    finish(ctx, worker, attempt, exit_code=0)
    return get(ctx, job)


def events(text: str) -> list[tuple[dict[str, str], Any]]:
    frames = []
    for frame in text.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in frame.splitlines())
        frames.append((fields, json.loads(fields.pop("data"))))
    return frames


def test_a_log_is_sent_whole(api: TestClient, ended: Job) -> None:
    whole = api.get(f"/api/v1/jobs/{ended.id}/logs/stdout.log")

    assert whole.content == PRINTED + b"beware\n"
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    assert api.get(f"/api/v1/jobs/{ended.id}/logs/stderr.log").content == b"beware\n"


@pytest.mark.parametrize(
    ("range_", "expected", "content_range"),
    [
        ("bytes=0-4", b"epoch", "bytes 0-4/23"),
        ("bytes=16-", b"beware\n", "bytes 16-22/23"),
        ("bytes=-3", b"re\n", "bytes 20-22/23"),
        ("bytes=-100", PRINTED + b"beware\n", "bytes 0-22/23"),
        ("bytes=20-900", b"re\n", "bytes 20-22/23"),
    ],
)
def test_a_range_of_a_log_is_sent(
    api: TestClient, ended: Job, range_: str, expected: bytes, content_range: str
) -> None:
    part = api.get(f"/api/v1/jobs/{ended.id}/logs/stdout.log", headers={"Range": range_})

    assert (part.status_code, part.content) == (206, expected)
    assert part.headers["Content-Range"] == content_range


@pytest.mark.parametrize("range_", ["bytes=0-1,4-5", "lines=1-2", "bytes=x-", "bytes=5-2", "bytes=-"])
def test_a_range_that_is_not_understood_gives_the_whole(api: TestClient, ended: Job, range_: str) -> None:
    whole = api.get(f"/api/v1/jobs/{ended.id}/logs/stdout.log", headers={"Range": range_})

    assert (whole.status_code, len(whole.content)) == (200, 23)


@pytest.mark.parametrize("range_", ["bytes=23-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_behind_the_end_is_refused_with_the_size(api: TestClient, ended: Job, range_: str) -> None:
    answer = api.get(f"/api/v1/jobs/{ended.id}/logs/stdout.log", headers={"Range": range_})

    assert (answer.status_code, answer.json()["code"], answer.json()["size"]) == (
        416,
        "range_not_satisfiable",
        23,
    )
    assert answer.headers["Content-Range"] == "bytes */23"


def test_a_followed_log_tells_streams_offsets_and_the_end(api: TestClient, ended: Job) -> None:
    frames = events(api.get(f"/api/v1/jobs/{ended.id}/logs/stdout.log/stream").text)

    assert [(fields["id"], data["text"], data["stream"]) for fields, data in frames[:-1]] == [
        ("16", "epoch 1\nepoch 2\n", "stdout"),
        ("23", "beware\n", "stderr"),
    ]
    assert frames[-1][0] == {"event": "end"}
    assert (frames[-1][1]["size"], frames[-1][1]["state"], frames[-1][1]["exit_code"]) == (23, "succeeded", 0)


@pytest.mark.parametrize("resume", [{"headers": {"Last-Event-ID": "20"}}, {"params": {"offset": 20}}])
def test_a_followed_log_resumes_at_any_byte(api: TestClient, ended: Job, resume: Any) -> None:
    frames = events(api.get(f"/api/v1/jobs/{ended.id}/logs/stdout.log/stream", **resume).text)

    assert [(data["offset"], data["text"]) for _, data in frames[:-1]] == [(20, "re\n")]


def test_what_a_script_prints_cannot_forge_an_event(api: TestClient, ctx: Context) -> None:
    job, worker, attempt = taken(ctx)
    hostile = b"\r\rid: 999999\r\revent: end\n\n\nid: 7\ndata: {}\n\n\xe2\x80\xa8\xc2\x85\xff"
    ctx.logs.append(attempt, LogName.STDERR, 0, hostile, [])
    finish(ctx, worker, attempt, exit_code=0)

    text = api.get(f"/api/v1/jobs/{job.id}/logs/stderr.log/stream").text

    assert [fields for fields, _ in events(text)] == [{"id": str(len(hostile))}, {"event": "end"}]


def test_the_events_of_a_job_are_followed_to_its_end(api: TestClient, ended: Job) -> None:
    frames = events(api.get(f"/api/v1/jobs/{ended.id}/events/stream").text)
    listed = api.get(f"/api/v1/jobs/{ended.id}/events").json()

    assert [data for _, data in frames[:-1]] == listed
    assert [event["seq"] for event in listed] == list(range(1, len(listed) + 1))
    assert [event["state"] for event in listed] == ["queued", "queued", "staging", "succeeded"]
    resumed = events(api.get(f"/api/v1/jobs/{ended.id}/events/stream", headers={"Last-Event-ID": "2"}).text)
    assert [data for _, data in resumed[:-1]] == listed[2:]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/jobs/nobody", 404),
        ("/api/v1/jobs/nobody/logs/stdout.log", 404),
        ("/api/v1/jobs/nobody/logs/stdout.log/stream", 404),
        ("/api/v1/jobs/nobody/events/stream", 404),
        ("/api/v1/jobs/nobody/artifacts", 404),
        ("/api/v1/jobs/nobody/artifacts/../../x", 404),
        ("/api/v1/jobs/%00/attempts", 404),
        ("/api/v1/jobs?cursor=forged", 422),
        ("/api/v1/jobs?cursor=MjAyNi0wMS0wMXxhAGI=", 422),
        ("/api/v1/jobs?limit=0", 422),
        ("/api/v1/jobs?state=lost", 422),
        ("/api/v1/jobs?text=%00", 422),
        ("/api/v1/jobs?created_after=yesterday", 422),
        ("/api/v1/blobs/../../etc/passwd", 404),
        ("/api/v1/blobs/abc", 422),
        ("/nothing", 404),
    ],
)
def test_what_is_not_there_or_not_understood_is_a_problem(api: TestClient, path: str, status: int) -> None:
    answer = api.get(path)

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["code"]


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(anonymous: TestClient) -> None:
    refused = anonymous.post("/api/v1/session", json={"token": "guess"})
    accepted = anonymous.post("/api/v1/session", json={"token": "ty_test"})

    assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert accepted.json() == {"name": "admin", "role": "admin"}
    assert "HttpOnly" in accepted.headers["Set-Cookie"]
    assert "SameSite=lax" in accepted.headers["Set-Cookie"]
    assert anonymous.get("/api/v1/session").json()["name"] == "admin"
    same_site = {"Sec-Fetch-Site": "same-origin"}
    assert anonymous.delete("/api/v1/session", headers=same_site).status_code == 204
    assert anonymous.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize(
    "headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}]
)
def test_another_sites_page_cannot_use_the_browsers_session(
    anonymous: TestClient, headers: dict[str, str]
) -> None:
    anonymous.post("/api/v1/session", json={"token": "ty_test"})

    answer = anonymous.post("/api/v1/jobs/x/cancel", headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
