"""Runs over HTTP: what is answered, refused, replayed and streamed."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.driving import Driver
from tests.factories import stored
from tests.graphs import drawing, graph, node

from torchyard.services import scheduling
from torchyard.services.context import Context

Api = TestClient
KEY = {"Idempotency-Key": "one"}


@pytest.fixture
def driver(ctx: Context) -> Driver:
    return Driver(ctx)


@pytest.fixture
def drawn(ctx: Context) -> dict[str, Any]:
    script = stored(ctx, b"print('hi')\n")
    return drawing(
        [node("a", script, arguments="--n ${n}"), node("b", script)],
        ("a", "b"),
        parameters=[{"name": "n", "type": "integer", "default": 1}],
    )


def started(api: Api, drawn: dict[str, Any], **more: Any) -> str:
    answer = api.post("/api/v1/runs", json={"graph": drawn, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_run_of_a_graph_is_made_and_told(api: Api, driver: Driver, drawn: dict[str, Any]) -> None:
    answer = api.post("/api/v1/runs", json={"graph": drawn, "parameters": {"n": 7}, "name": "try"})
    run = answer.json()

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/runs/{run['id']}"
    assert (run["state"], run["trigger"], run["name"]) == ("running", "manual", "try")
    assert run["parameters"] == {"n": 7}
    assert [(one["name"], one["state"]) for one in run["nodes"]] == [("a", "waiting"), ("b", "waiting")]
    driver.engine.look()
    told = api.get(f"/api/v1/runs/{run['id']}").json()
    assert [one["state"] for one in told["nodes"]] == ["queued", "waiting"]
    job = api.get(f"/api/v1/jobs/{told['nodes'][0]['job']}").json()
    assert (job["run"], job["node"], job["spec"]["arguments"]) == (run["id"], "a", "--n 7")


def test_a_queued_node_tells_its_place_and_what_it_waits_for(api: Api, driver: Driver, ctx: Context) -> None:
    script, large = stored(ctx, b"print()"), {"gpus": 8}
    nodes = [node(name, script, resources=large) for name in ("a", "b")]
    run = started(api, drawing([*nodes, node("c", script)], ("a", "c")))
    driver.engine.look()
    scheduling.schedule(ctx)

    told = api.get(f"/api/v1/runs/{run}").json()["nodes"]

    assert {one["position"] for one in told[:2]} == {1, 2}
    assert any("8 GPUs" in one["sentence"] for one in told[:2])
    assert (told[2]["state"], told[2]["position"]) == ("waiting", None)


def test_the_same_request_under_the_same_key_makes_one_run(api: Api, drawn: dict[str, Any]) -> None:
    first = api.post("/api/v1/runs", json={"graph": drawn}, headers=KEY)
    second = api.post("/api/v1/runs", json={"graph": drawn}, headers=KEY)
    other = api.post("/api/v1/runs", json={"graph": drawn, "force": True}, headers=KEY)

    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 422)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_run_of_a_workflows_version(api: Api, driver: Driver, drawn: dict[str, Any]) -> None:
    workflow = driver.workflow(graph(drawn["nodes"], ("a", "b"), parameters=drawn["parameters"]))

    answer = api.post(f"/api/v1/workflows/{workflow}/runs", json={})
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]  # the tests' clock
    second = api.post(f"/api/v1/workflows/{workflow}/runs", json={"version": 1})
    third = api.post(f"/api/v1/workflows/{workflow}/runs", json={"version": 9})
    unknown = api.post("/api/v1/workflows/nobody/runs", json={})

    run = answer.json()
    assert (run["workflow"], run["version"], run["number"], run["workflow_name"]) == (workflow, 1, 1, "w")
    assert second.json()["state"] == "queued"
    assert (third.status_code, third.json()["code"]) == (404, "version_not_found")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "workflow_not_found")
    listed = api.get("/api/v1/runs", params={"workflow": workflow, "limit": 1}).json()
    assert [one["id"] for one in listed["items"]] == [second.json()["id"]]
    assert "graph" not in listed["items"][0]
    rest = api.get("/api/v1/runs", params={"workflow": workflow, "cursor": listed["next_cursor"]}).json()
    assert [one["id"] for one in rest["items"]] == [run["id"]]


def test_jobs_are_listed_by_their_workflow(api: Api, driver: Driver, drawn: dict[str, Any]) -> None:
    drawing_of_two = graph(drawn["nodes"], ("a", "b"), parameters=drawn["parameters"])
    wanted, other = driver.workflow(drawing_of_two), driver.workflow(drawing_of_two)
    run = api.post(f"/api/v1/workflows/{wanted}/runs", json={}).json()["id"]
    api.post(f"/api/v1/workflows/{other}/runs", json={})
    api.post("/api/v1/runs", json={"graph": drawn})
    driver.engine.look()

    listed = api.get("/api/v1/jobs", params={"workflow": wanted}).json()["items"]

    assert [(job["run"], job["node"]) for job in listed] == [(run, "a")]
    assert api.get("/api/v1/jobs", params={"workflow": "nobody"}).json()["items"] == []


def test_all_mistakes_are_told_at_once_and_nothing_is_made(
    api: Api, ctx: Context, drawn: dict[str, Any]
) -> None:
    broken = stored(ctx, b"def (:\n")
    graphs = {
        "parameter_unknown": drawing([node("a", drawn["nodes"][0]["settings"]["script"], arguments="${x}")]),
        "script_missing": {"nodes": [{"name": "a"}], "edges": []},
        "script_syntax_error": drawing([node("a", broken)]),
    }
    for code, wrong in graphs.items():
        answer = api.post("/api/v1/runs", json={"graph": wrong})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "workflow_invalid")
        assert [(one["code"], one["node"]) for one in problem["errors"]] == [(code, "a")]

    missing = api.post(
        "/api/v1/runs", json={"graph": drawn, "source_run": "0" * 8 + "-0000" * 3 + "-" + "0" * 12}
    )
    assert (missing.status_code, missing.json()["code"]) == (404, "run_not_found")
    part = api.post("/api/v1/runs", json={"graph": drawn, "mode": {"kind": "only", "nodes": ["b"]}})
    assert (part.status_code, part.json()["code"], part.json()["node"]) == (422, "source_missing", "b")
    assert api.get("/api/v1/runs").json()["items"] == []


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("2026-01-01T00:00:00+08:00", 201),
        ("2026-01-01T00:00:00", 422),
        ("0001-01-01T00:00:00+10:00", 422),
        ("soon", 422),
    ],
)
def test_a_data_time_has_its_zone(api: Api, drawn: dict[str, Any], moment: str, status: int) -> None:
    answer = api.post("/api/v1/runs", json={"graph": drawn, "data_time": moment})

    assert answer.status_code == status
    if status == 201:
        assert answer.json()["data_time"] == "2025-12-31T16:00:00Z"
    else:
        assert answer.json()["field"] == "data_time"


def test_a_run_is_stopped_resumed_repeated_and_deleted(
    api: Api, driver: Driver, drawn: dict[str, Any]
) -> None:
    run = started(api, drawn)
    driver.engine.look()
    path = f"/api/v1/runs/{run}"
    assert api.delete(path).json()["code"] == "run_not_ended"
    assert api.post(f"{path}/nodes/b/stop").status_code == 200
    assert api.post(f"{path}/nodes/b/stop").json()["code"] == "node_ended"
    assert api.post(f"{path}/stop").json()["stop_requested"] is True
    driver.engine.look()
    assert api.get(path).json()["state"] == "cancelled"
    assert api.post(f"{path}/stop").json()["code"] == "run_ended"

    resumed = api.post(f"{path}/resume", json={"overrides": {"a": {"arguments": "again"}}})
    assert (resumed.status_code, resumed.json()["state"]) == (200, "running")
    driver.engine.look()
    driver.end_all(run, "ab")
    tries = api.get(f"{path}/nodes/a/attempts").json()
    assert [(one["number"], one["state"]) for one in tries] == [(1, "cancelled"), (2, "succeeded")]
    refused = api.post(f"{path}/resume", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_resume")

    again = api.post(f"{path}/run-again", json={"parameters": {"n": 3}}, headers=KEY)
    replay = api.post(f"{path}/run-again", json={"parameters": {"n": 3}}, headers=KEY)
    assert (again.status_code, again.json()["again_of"], again.json()["parameters"]) == (201, run, {"n": 3})
    assert replay.json()["id"] == again.json()["id"]
    assert api.delete(path).status_code == 204
    assert api.get(path).json()["code"] == "run_not_found"


def test_events_are_listed_and_streamed_until_the_end(
    api: Api, driver: Driver, drawn: dict[str, Any]
) -> None:
    run = started(api, drawn)
    driver.engine.look()
    driver.end_all(run, "ab")
    told = api.get(f"/api/v1/runs/{run}/events").json()

    assert [event["seq"] for event in told] == list(range(1, len(told) + 1))
    assert api.get(f"/api/v1/runs/{run}/events", params={"after": 8}).json() == told[8:]
    for headers, first in (({}, 0), ({"Last-Event-ID": "3"}, 3)):
        answer = api.get(f"/api/v1/runs/{run}/events/stream", headers=headers)
        # What an EventSource gets that is opened on the list itself.
        accept = {"Accept": "text/event-stream"}
        assert api.get(f"/api/v1/runs/{run}/events", headers={**headers, **accept}).text == answer.text
        *frames, end = answer.text.strip().split("\n\n")
        assert [json.loads(frame.partition("data: ")[2]) for frame in frames] == told[first:]
        assert frames[0].startswith(f"id: {first + 1}\n")
        assert end.startswith("event: end\n")
        assert json.loads(end.partition("data: ")[2])["state"] == "succeeded"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/stop"),
        ("POST", "/nodes/a/stop"),
        ("GET", "/events"),
        ("GET", "/events/stream"),
        ("GET", "/nodes/a/attempts"),
        ("POST", "/resume"),
        ("POST", "/run-again"),
    ],
)
def test_what_is_asked_of_no_run_is_not_found(api: Api, method: str, path: str) -> None:
    for run in ("nobody", "%00"):
        answer = api.request(method, f"/api/v1/runs/{run}{path}", json={} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "run_not_found")


def test_nobody_reads_runs_without_a_token(anonymous: Api) -> None:
    assert anonymous.get("/api/v1/runs").status_code == 401
    assert anonymous.post("/api/v1/runs", json={}).status_code == 401
