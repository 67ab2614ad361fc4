"""Workers over HTTP: what they have, who holds it, and taking one out of use."""

from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.factories import attempt_id, claim, get, make_registration, register, submit

from torchyard.contracts.runner import Gpu
from torchyard.services import scheduling, workers
from torchyard.services.context import Context


def test_a_worker_tells_which_job_has_which_gpu(api: TestClient, ctx: Context) -> None:
    worker, _ = register(
        ctx, gpus=[Gpu(uuid=f"GPU-{number}", model="H200", memory_mb=1) for number in range(2)]
    )
    job = submit(ctx, resources={"gpus": 1, "cpus": 2})
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, job))

    told = api.get("/api/v1/workers").json()[0]

    assert (told["attempts"], told["free_cpus"], len(told["gpus"])) == (1, 2, 2)
    held = told["jobs"][0]
    assert (held["job"], held["attempt"], held["state"]) == (job.id, 1, "staging")
    assert held["gpus"] == ["GPU-0"]


def test_a_draining_worker_gets_nothing_new_until_it_is_wanted_again(api: TestClient, ctx: Context) -> None:
    worker, _ = register(ctx)
    running = submit(ctx)
    scheduling.schedule(ctx)
    claim(ctx, worker, attempt_id(ctx, running))

    drained = api.put(f"/api/v1/workers/{worker.id}/drain", json={"drain": True})
    waiting = submit(ctx)
    scheduling.schedule(ctx)

    assert (drained.status_code, drained.json()["draining"], drained.json()["attempts"]) == (200, True, 1)
    assert get(ctx, running).state == "staging"
    told = get(ctx, waiting).waiting
    assert told is not None
    assert told.explanation == (
        "waits for a worker: worker-1 takes nothing new (draining); no other is connected"
    )

    api.put(f"/api/v1/workers/{worker.id}/drain", json={"drain": False})
    scheduling.schedule(ctx)

    assert get(ctx, waiting).worker == "worker-1"


def test_a_worker_stays_drained_when_it_registers_again(api: TestClient, ctx: Context) -> None:
    worker, _ = register(ctx)
    api.put(f"/api/v1/workers/{worker.id}/drain", json={"drain": True})

    with ctx.db.write() as session:
        workers.register(ctx, session, make_registration(worker_id=worker.id, cpus=8))

    told = api.get("/api/v1/workers").json()[0]
    assert (told["draining"], told["cpus"]) == (True, 8)


def test_only_administrators_drain_and_only_workers_that_there_are(
    api: TestClient, app: FastAPI, ctx: Context
) -> None:
    worker, _ = register(ctx)
    api.put("/api/v1/users/lin", json={})
    token = api.post("/api/v1/users/lin/tokens", json={"label": "x"}).json()["token"]
    ordinary = TestClient(app, headers={"Authorization": f"Bearer {token}"})

    refused = ordinary.put(f"/api/v1/workers/{worker.id}/drain", json={"drain": True})
    unknown = api.put("/api/v1/workers/none/drain", json={"drain": True})

    assert (refused.status_code, refused.json()["code"]) == (403, "admin_only")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "worker_not_found")


def test_the_list_of_jobs_can_be_narrowed_to_an_owner(api: TestClient, app: FastAPI) -> None:
    api.put("/api/v1/users/lin", json={})
    token = api.post("/api/v1/users/lin/tokens", json={"label": "x"}).json()["token"]
    for owner in (api, TestClient(app, headers={"Authorization": f"Bearer {token}"})):
        owner.post("/api/v1/jobs", files={"script": ("train.py", b"print()")})

    def owners(name: str) -> list[str]:
        found = api.get("/api/v1/jobs", params={"owner": name}).json()["items"]
        return [job["owner"] for job in found]

    assert (owners("lin"), owners("admin"), owners("nobody")) == (["lin"], ["admin"], [])
