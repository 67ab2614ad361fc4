from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.flows import make_workflow, runs_of

from torchyard.services.context import Context

PARAMETERS = [{"name": "seed", "type": "integer", "default": 1}]


@pytest.fixture
def workflow(ctx: Context) -> str:
    return make_workflow(ctx, arguments="--day ${date}", parameters=PARAMETERS)


def url(workflow: str, path: str = "schedule") -> str:
    return f"/api/v1/workflows/{workflow}/{path}"


def test_a_schedule_is_set_told_paused_resumed_and_removed(api: TestClient, workflow: str) -> None:
    assert api.get(url(workflow)).json()["code"] == "schedule_not_found"
    body = {
        "cron": "30  2 * * *",
        "time_zone": "Europe/Berlin",
        "overlap": "queue",
        "parameters": {"seed": 2},
    }
    told = api.put(url(workflow), json=body)
    assert told.status_code == 200
    assert told.json()["cron"] == "30 2 * * *"
    assert told.json()["next"][0] == "2026-01-02T02:30:00+01:00"
    assert len(told.json()["next"]) == 5
    assert api.get(url(workflow)).json() == told.json()
    assert api.post(url(workflow, "schedule/pause")).json()["next"] == []
    assert api.post(url(workflow, "schedule/resume")).json()["next"] == told.json()["next"]
    assert api.delete(url(workflow)).status_code == 204
    assert api.post(url(workflow, "schedule/pause")).status_code == 404


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"cron": "61 * * * *"}, "cron_invalid"),
        ({"cron": "* * * * * *"}, "cron_invalid"),
        ({"cron": "0 0 * * *", "time_zone": "Mars/Olympus"}, "time_zone_unknown"),
        ({"cron": "0 0 * * *", "starts_at": 5}, "time_invalid"),
        ({"cron": "0 0 * * *", "starts_at": "0001-01-01", "time_zone": "Asia/Shanghai"}, "time_invalid"),
        ({"cron": "0 0 * * *", "ends_at": "2020-01-01"}, "schedule_never"),
        ({"cron": "0 0 * * *", "parameters": {"seed": "many"}}, "workflow_invalid"),
        ({"cron": "0 0 * * *", "every": 5}, "field_unknown"),
        ({}, "field_missing"),
    ],
)
def test_what_is_no_schedule_is_refused(
    api: TestClient, workflow: str, settings: dict[str, Any], code: str
) -> None:
    answer = api.put(url(workflow), json=settings)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_next_five_times_are_told_of_a_schedule_that_is_not_set(api: TestClient) -> None:
    body = {"cron": "0 12 29 2 *", "time_zone": "Asia/Shanghai"}
    told = api.post("/api/v1/schedules/preview", json=body).json()
    assert told["time_zone"] == "Asia/Shanghai"
    assert [one[:4] for one in told["next"]] == ["2028", "2032", "2036", "2040", "2044"]
    told = api.post("/api/v1/schedules/preview", json={"cron": "0 0 * * *", "ends_at": "2026-01-03"}).json()
    assert [one[:10] for one in told["next"]] == ["2026-01-02", "2026-01-03"]


def test_a_backfill_is_made_once_for_its_key(api: TestClient, ctx: Context, workflow: str) -> None:
    body, key = {"from": "2025-12-30", "to": "2026-01-01"}, {"Idempotency-Key": "fill-1"}
    first = api.post(url(workflow, "backfills"), json=body, headers=key)
    assert first.status_code == 201
    again = api.post(url(workflow, "backfills"), json=body, headers=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json() == first.json()
    assert len(runs_of(ctx, workflow)) == 3
    other = api.post(url(workflow, "backfills"), json={**body, "to": "2026-01-02"}, headers=key)
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_backfill_that_is_too_large_is_refused(api: TestClient, workflow: str) -> None:
    answer = api.post(url(workflow, "backfills"), json={"from": "2025-01-01", "to": "2025-12-31"})
    assert (answer.status_code, answer.json()["code"]) == (422, "backfill_too_large")
    assert "365" in answer.json()["detail"]


def test_what_a_backfill_would_make_is_told_and_nothing_made(
    api: TestClient, ctx: Context, workflow: str
) -> None:
    api.put(url(workflow), json={"cron": "30 2 * * *", "time_zone": "Asia/Shanghai"})
    one_day = {"from": "2025-12-30", "to": "2025-12-30"}
    run = api.post(url(workflow, "backfills"), json=one_day).json()["runs"][0]["run"]
    told = api.post(url(workflow, "backfills/preview"), json={"from": "2025-12-30", "to": "2026-01-01"})
    assert told.json() == {
        "time_zone": "Asia/Shanghai",
        "runs": ["2025-12-31T02:30:00+08:00", "2026-01-01T02:30:00+08:00"],
        "dropped": [{"data_time": "2025-12-29T18:30:00Z", "run": run}],
    }
    assert len(runs_of(ctx, workflow)) == 1
    too_large = api.post(url(workflow, "backfills/preview"), json={"from": "2025-01-01", "to": "2025-12-31"})
    assert too_large.json()["code"] == "backfill_too_large"


def test_a_workflow_that_there_is_not_has_no_schedule(api: TestClient) -> None:
    for method, path, body in (
        ("GET", "schedule", None),
        ("PUT", "schedule", {"cron": "0 0 * * *"}),
        ("DELETE", "schedule", None),
        ("POST", "schedule/pause", None),
        ("POST", "backfills", {"from": "2025-12-30", "to": "2026-01-01"}),
        ("POST", "backfills/preview", {"from": "2025-12-30", "to": "2026-01-01"}),
        ("POST", "sweeps", {"parameters": {"seed": [1]}}),
        ("GET", "sweeps", None),
        ("GET", "notifications", None),
        ("POST", "notifications", {"url": "https://example.org"}),
    ):
        answer = api.request(method, url("nothing%00", path), json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "workflow_not_found"), path


def test_the_time_of_a_run_is_that_of_the_back_fill(api: TestClient, ctx: Context, workflow: str) -> None:
    api.post(url(workflow, "backfills"), json={"from": "2025-12-30", "to": "2025-12-30"})
    assert runs_of(ctx, workflow)[0].data_time == datetime(2025, 12, 30, tzinfo=UTC)
