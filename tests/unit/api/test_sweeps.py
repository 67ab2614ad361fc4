from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.flows import make_workflow, runs_of

from torchyard.services.context import Context

PARAMETERS = [
    {"name": "lr", "type": "number", "default": 0.1},
    {"name": "seed", "type": "integer", "default": 1},
]


@pytest.fixture
def workflow(ctx: Context) -> str:
    return make_workflow(ctx, arguments="--lr ${lr} --seed ${seed}", parameters=PARAMETERS)


def sweep(api: TestClient, workflow: str, parameters: dict[str, Any], **headers: str) -> Any:
    return api.post(f"/api/v1/workflows/{workflow}/sweeps", json={"parameters": parameters}, headers=headers)


def test_a_sweep_is_made_told_listed_and_stopped(api: TestClient, ctx: Context, workflow: str) -> None:
    wanted = {"lr": [0.1, 0.01], "seed": {"start": 1, "stop": 3, "step": 1}}
    made = sweep(api, workflow, wanted)
    assert made.status_code == 201
    told = made.json()
    assert told["runs"] == 6
    assert told["parameters"] == wanted
    assert told["results"][5]["parameters"] == {"lr": 0.01, "seed": 3}
    assert made.headers["Location"] == f"/api/v1/sweeps/{told['id']}"
    assert api.get(made.headers["Location"]).json() == told
    listed = api.get(f"/api/v1/workflows/{workflow}/sweeps").json()
    assert listed["items"] == [{name: value for name, value in told.items() if name != "results"}]
    assert api.get(f"/api/v1/runs?sweep={told['id']}&limit=500").json()["items"][0]["sweep"] == told["id"]
    assert api.post(f"/api/v1/sweeps/{told['id']}/stop").status_code == 200
    assert {run.stop_requested for run in runs_of(ctx, workflow)} == {True}


def test_a_sweep_is_made_once_for_its_key(api: TestClient, ctx: Context, workflow: str) -> None:
    first = sweep(api, workflow, {"seed": [1, 2]}, **{"Idempotency-Key": "sweep-1"})
    again = sweep(api, workflow, {"seed": [1, 2]}, **{"Idempotency-Key": "sweep-1"})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert len(runs_of(ctx, workflow)) == 2


@pytest.mark.parametrize(
    ("parameters", "code", "field"),
    [
        ({"seed": {"start": 1, "stop": 1001}}, "sweep_too_large", "parameters"),
        ({"seed": ["x"]}, "parameter_invalid", "parameters.seed"),
        ({"size": [1]}, "parameter_unknown", "parameters.size"),
        ({}, "field_invalid", "parameters"),
    ],
)
def test_what_can_not_be_swept_is_refused(
    api: TestClient, ctx: Context, workflow: str, parameters: dict[str, Any], code: str, field: str
) -> None:
    answer = sweep(api, workflow, parameters)
    assert answer.status_code == 422
    assert (answer.json()["code"], answer.json()["field"]) == (code, field)
    assert runs_of(ctx, workflow) == []


def test_a_workflow_with_mistakes_is_not_swept(api: TestClient, ctx: Context) -> None:
    broken = make_workflow(ctx, script=b"def (", parameters=PARAMETERS)
    assert sweep(api, broken, {"seed": [1]}).json()["code"] == "workflow_invalid"
    unknown = make_workflow(ctx, arguments="${size}", parameters=PARAMETERS)
    assert sweep(api, unknown, {"seed": [1]}).json()["code"] == "workflow_invalid"


def test_a_sweep_that_there_is_not_is_told(api: TestClient) -> None:
    assert api.get("/api/v1/sweeps/none").json()["code"] == "sweep_not_found"
    assert api.post("/api/v1/sweeps/none/stop").json()["code"] == "sweep_not_found"
