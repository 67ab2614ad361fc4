"""A worker that says odd things gets a problem; whatever it says, people can go on reading lists and logs."""

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.factories import attempt_id, submit

from torchyard.services import scheduling
from torchyard.services.context import Context

BIG = 2**63
LEFT = b"left behind"
LEFT_SHA256 = hashlib.sha256(LEFT).hexdigest()

Call = Callable[..., Any]


def registration(**fields: Any) -> str:
    identity = {"worker_id": str(uuid.uuid4()), "incarnation": str(uuid.uuid4()), "name": "worker-1"}
    runtimes = [{"name": "torch-test", "python": "3.11"}]
    return json.dumps({**identity, "cpus": 4, "memory_mb": 16384, "runtimes": runtimes, **fields})


def register(anonymous: TestClient, **fields: Any) -> Any:
    return anonymous.post(
        "/runner/v1/register",
        content=registration(**fields),
        headers={"Authorization": "Bearer tyj_test", "Content-Type": "application/json"},
    )


@pytest.fixture
def attempt(anonymous: TestClient, ctx: Context) -> tuple[str, Call]:
    """The id of a job, and how its worker calls the platform about the attempt it has claimed."""
    token = register(anonymous).json()["token"]
    job = submit(ctx)
    scheduling.schedule(ctx)
    base = f"/runner/v1/attempts/{attempt_id(ctx, job)}"

    def call(method: str, path: str, content: Any = b"", **headers: str) -> Any:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return anonymous.request(
            method,
            base + path,
            content=body,
            headers={"Authorization": f"Bearer {token}", "Content-Type": kind, **named},
        )

    assert call("POST", "/claim").status_code == 200
    assert call("PUT", f"/blobs/{LEFT_SHA256}", LEFT).status_code == 201
    return job.id, call


def left(path: str, **fields: Any) -> dict[str, Any]:
    return {"path": path, "size": len(LEFT), "sha256": LEFT_SHA256, **fields}


@pytest.mark.parametrize(
    "fields",
    [
        {"worker_id": "\ud800"},
        {"worker_id": "x" * 1000},
        {"worker_id": "a\x00b"},
        {"incarnation": "a\x00b"},
        {"cpus": BIG},
        {"cpus": 0},
        {"memory_mb": BIG},
        {"isolation_tier": BIG},
        {"isolation_tier": -1},
        {"gpus": [{"uuid": "GPU-1", "model": "T4", "memory_mb": BIG}]},
    ],
)
def test_a_worker_that_cannot_be_is_refused(
    api: TestClient, anonymous: TestClient, fields: dict[str, Any]
) -> None:
    answer = register(anonymous, **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")
    assert api.get("/api/v1/workers").json() == []


def test_what_a_machine_lacks_is_told_for_other_languages(api: TestClient, anonymous: TestClient) -> None:
    said = {"text": "in English", "saying": {"code": "isolation_unlimited", "facts": {}}}
    register(anonymous, isolation_notes=["of an older worker", said])
    (worker,) = api.get("/api/v1/workers").json()
    assert worker["isolation_notes"] == ["of an older worker", "in English"]
    assert worker["isolation_sayings"] == [None, said["saying"]]


def test_odd_characters_of_a_worker_do_not_hide_the_others(api: TestClient, anonymous: TestClient) -> None:
    odd = "a\x00b\ud800c"

    answer = register(
        anonymous,
        name=odd,
        isolation_notes=[odd],
        gpus=[{"uuid": odd, "model": odd, "memory_mb": 1}],
        runtimes=[{"name": odd, "python": odd, "packages": {odd: odd}, "cuda": odd}],
        attempts=[odd],
    )

    assert answer.status_code == 200
    (worker,) = api.get("/api/v1/workers").json()
    assert worker["name"] == worker["gpus"][0]["model"] == worker["isolation_notes"][0] == "a\ufffdb?c"
    assert api.get("/api/v1/runtimes").status_code == 200


def test_who_may_join_is_asked_before_what_is_sent(anonymous: TestClient) -> None:
    answer = anonymous.post("/runner/v1/register", json={}, headers={"Authorization": "Bearer wrong"})

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize("counter", [BIG, -1])
def test_a_heartbeat_that_cannot_be_counted_is_refused(anonymous: TestClient, counter: int) -> None:
    headers = {"Authorization": f"Bearer {register(anonymous).json()['token']}"}

    answer = anonymous.post("/runner/v1/heartbeat", json={"counter": counter}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")


@pytest.mark.parametrize("number", [BIG, 0, -1])
def test_a_report_that_cannot_be_counted_is_refused(attempt: tuple[str, Call], number: int) -> None:
    answer = attempt[1]("POST", "/events", {"number": number, "message": "x"})

    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")


def test_odd_characters_of_a_report_are_replaced(api: TestClient, attempt: tuple[str, Call]) -> None:
    job_id, call = attempt

    assert call("POST", "/events", {"number": 1, "message": "a\x00b\ud800c"}).status_code == 204

    assert api.get(f"/api/v1/jobs/{job_id}/events").json()[-1]["message"] == "a\ufffdb?c"
    assert "a\ufffdb?c" in api.get(f"/api/v1/jobs/{job_id}/logs/system.log").text


@pytest.mark.parametrize(
    "pieces",
    [
        "0:o:-1",
        "0:o:18446744073709551615",
        "-5:o:1",
        "0:x:1",
        "0:o",
        "0:o:1,",
        ",,",
        "1:o:1,0:e:2",
        "0:o:" + "9" * 5000,
        ",".join(["0:o:1"] * 401),
    ],
)
def test_pieces_that_no_index_could_hold_are_refused(
    api: TestClient, attempt: tuple[str, Call], pieces: str
) -> None:
    job_id, call = attempt

    answer = call("PATCH", "/logs/stdout.log", b"ab", Content_Range="bytes 0-1/*", Torchyard_Pieces=pieces)

    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")
    assert api.get(f"/api/v1/jobs/{job_id}/logs/stdout.log").content == b""


def test_more_of_a_log_than_is_taken_at_once_is_refused(attempt: tuple[str, Call]) -> None:
    fits, more = b"x" * 1024 * 1024, b"x" * (1024 * 1024 + 1)

    answers = [
        attempt[1]("PATCH", "/logs/stderr.log", body, Content_Range=f"bytes 0-{len(body) - 1}/*")
        for body in (more, fits)
    ]

    assert [answer.status_code for answer in answers] == [413, 204]


@pytest.mark.parametrize(
    "finish",
    [
        *(
            {"artifacts": [left(path)]}
            for path in ("../x", "/etc/passwd", "a/../../x", "", ".", "a//b", "a\x00b", "a\nb", "\ud800")
        ),
        {"artifacts": [left("a"), left("a")]},
        {"artifacts": [left("a", sha256="x" * 1000)]},
        {"artifacts": [left("a", size=BIG)]},
        {"outcome": {"cause": "exited", "exit_code": BIG}},
        {"outcome": {"cause": "exited", "signal": BIG}},
        {"outcome": {"cause": "exited", "signal": -1}},
        {"logs": [{"name": "stdout.log", "size": BIG, "crc32": 0}]},
        {"messages": ["x"] * 101},
    ],
)
def test_an_end_that_cannot_be_is_refused_and_changes_nothing(
    api: TestClient, attempt: tuple[str, Call], finish: dict[str, Any]
) -> None:
    job_id, call = attempt

    answer = call("POST", "/finish", {"outcome": {"cause": "exited", "exit_code": 0}, **finish})

    assert (answer.status_code, answer.json()["code"]) == (422, "field_invalid")
    assert api.get(f"/api/v1/jobs/{job_id}").json()["state"] == "staging"
    assert api.get(f"/api/v1/jobs/{job_id}/artifacts").json() == []


def test_an_end_with_odd_characters_comes_through(api: TestClient, attempt: tuple[str, Call]) -> None:
    job_id, call = attempt
    outcome = {"cause": "exited", "exit_code": 1, "exception": "Error: a\x00b\ud800c"}

    answer = call("POST", "/finish", {"outcome": outcome, "messages": ["d\x00e"]})

    assert answer.status_code == 204
    assert "a\ufffdb?c" in api.get(f"/api/v1/jobs/{job_id}").json()["sentence"]
    assert "d\ufffde" in api.get(f"/api/v1/jobs/{job_id}/logs/system.log").text
