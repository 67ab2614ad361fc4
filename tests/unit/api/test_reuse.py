"""Reuse over HTTP: how nodes stand, why they ran, and what differs between two runs."""

from fastapi.testclient import TestClient
from tests.driving import Driver
from tests.factories import stored
from tests.graphs import graph, node

from torchyard.services.context import Context


def test_nodes_are_explained_and_runs_compared(api: TestClient, ctx: Context) -> None:
    driver = Driver(ctx)
    drawn = graph(
        [node("数据", stored(ctx, b"print(1)\n"), reuse={"mode": "on"}, arguments="${n}")],
        parameters=[{"name": "n", "default": "1"}],
    )
    workflow = driver.workflow(drawn)
    first = driver.start(workflow=workflow)
    driver.end(first, "数据")
    second = driver.start(workflow=workflow)
    third = driver.start(workflow=workflow, parameters={"n": "2"})

    summary = api.get(f"/api/v1/workflows/{workflow}/nodes").json()
    reused = api.get(f"/api/v1/runs/{second}/nodes/数据/explain").json()
    ran = api.get(f"/api/v1/runs/{third}/nodes/数据/explain").json()
    compared = api.get(f"/api/v1/runs/{first}/compare/{third}").json()

    assert summary == [
        {
            "name": "数据",
            "status": "up_to_date",
            "stale_because": [],
            "stale_sayings": [],
            "last_run": third,
            "last_job": driver.node(third, "数据").job,
            "last_state": "queued",
        }
    ]
    assert (reused["state"], reused["sentence"]) == ("reused", "Reused the result of run 1.")
    assert (reused["compared_run"], reused["compared_job"]) == (first, driver.node(first, "数据").job)
    assert ran["sentence"] == "Ran because arguments changed."
    told = {name: ran["components"][0][name] for name in ("field", "before", "after", "changed")}
    assert told == {"field": "arguments", "before": "1", "after": "2", "changed": True}
    assert compared["parameters"][0]["fields"] == [{"field": "value", "before": "1", "after": "2"}]
    assert compared["nodes"][0]["settings"] == [{"field": "arguments", "before": "1", "after": "2"}]


def test_what_is_not_there_is_said_to_be_missing(api: TestClient, ctx: Context) -> None:
    driver = Driver(ctx)
    run = driver.start(graph([node("a", stored(ctx, b"print(1)\n"))]))
    for path, code in (
        (f"/runs/{run}/nodes/nobody/explain", "node_not_found"),
        ("/runs/nobody/nodes/a/explain", "run_not_found"),
        (f"/runs/{run}/compare/nobody", "run_not_found"),
        ("/workflows/nobody/nodes", "workflow_not_found"),
    ):
        answer = api.get(f"/api/v1{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
