from fastapi.testclient import TestClient
from tests.factories import attempt_id, get, make_create

from torchyard.contracts.jobs import Job
from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.services.context import Context

SECRET = "hunter2-hunter2"


def printed(ctx: Context, api: TestClient, text: bytes, **fields: object) -> Job:
    """A job that has printed something."""
    created = make_create(ctx, **fields).model_dump(mode="json", exclude_none=True)
    answer = api.post("/api/v1/jobs", json=created)
    assert answer.status_code == 201, answer.text
    job = Job.model_validate(answer.json())
    number = attempt_id(ctx, get(ctx, job))
    ctx.logs.append(number, LogName.STDOUT, 0, text, [Piece(0, Stream.STDERR, 7)])
    return job


def test_a_log_is_searched_by_a_pattern(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"loss: 0.5\nLOSS: 0.4\n")
    url = f"/api/v1/jobs/{job.id}/logs/stdout.log/search"

    found = api.get(url, params={"pattern": r"loss: 0\.\d$"}).json()
    exact = api.get(url, params={"pattern": "LOSS", "case": True, "regex": False}).json()
    last = api.get(url, params={"pattern": "loss", "last": True, "limit": 1, "before_offset": 10}).json()

    assert [match["offset"] for match in found["matches"]] == [0, 10]
    assert (exact["total"], exact["matches"][0]["line"]) == (1, 2)
    assert (last["total"], last["first"], last["matches"][0]["offset"]) == (2, 1, 0)


def test_a_pattern_that_cannot_be_used_is_refused(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"x")
    url = f"/api/v1/jobs/{job.id}/logs/stdout.log/search"

    for pattern, code in (("(a", "pattern_invalid"), ("", "field_invalid"), ("x" * 1001, "field_invalid")):
        refused = api.get(url, params={"pattern": pattern})
        assert (refused.status_code, refused.json()["code"]) == (422, code)


def test_a_search_does_not_tell_what_the_log_hides(ctx: Context, api: TestClient) -> None:
    api.put("/api/v1/secrets/TOKEN", json={"value": SECRET})
    text = f"before\nit is {SECRET}!\nhunt".encode()
    job = printed(ctx, api, text, environment={"TOKEN": "${secrets.TOKEN}"})
    url = f"/api/v1/jobs/{job.id}/logs/stdout.log"

    shown = api.get(url).content
    hits = {
        pattern: api.get(f"{url}/search", params={"pattern": pattern}).json()["total"]
        for pattern in ("hunter2", "hunt", r"is h", r"\*{15}!", "before")
    }

    assert len(shown) == len(text)
    assert SECRET.encode() not in shown
    assert hits == {"hunter2": 0, "hunt": 0, "is h": 0, r"\*{15}!": 1, "before": 1}


def test_lines_tracebacks_and_pieces_are_told(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"hi\nTraceback (most recent call last):\n  File\nKeyError: 3\n")
    url = f"/api/v1/jobs/{job.id}/logs/stdout.log"

    line = api.get(f"{url}/lines", params={"line": 2}).json()
    same = api.get(f"{url}/lines", params={"offset": 9}).json()
    failed = api.get(f"{url}/tracebacks").json()
    pieces = api.get(f"{url}/pieces").json()

    assert line == same
    assert (line["offset"], line["end"], line["lines"]) == (3, 37, 4)
    assert failed["tracebacks"] == [{"offset": 3, "line": 2, "summary": "KeyError: 3"}]
    assert pieces["pieces"] == [{"offset": 0, "stream": "stderr", "time_ms": 7}]


def test_a_log_of_nobodys_job_is_not_searched(api: TestClient) -> None:
    assert api.get("/api/v1/jobs/none/logs/stdout.log/search?pattern=x").json()["code"] == "job_not_found"


def test_whoever_is_not_signed_in_searches_nothing(anonymous: TestClient) -> None:
    assert anonymous.get("/api/v1/jobs/none/logs/stdout.log/search?pattern=x").status_code == 401
