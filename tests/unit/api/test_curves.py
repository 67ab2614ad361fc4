"""What a job used and printed, over HTTP."""

import json
import math
import uuid
from typing import Any

from fastapi.testclient import TestClient
from tests.factories import attempt_id, claim, get, make_create, register, submit

from torchyard.contracts.jobs import Job
from torchyard.contracts.logs import LogName, Piece, RecordName, Stream
from torchyard.contracts.samples import GPU_SAMPLE, MAX_RECORD_BYTES, SAMPLE
from torchyard.services import scheduling
from torchyard.services.context import Context

SECRET = "0.123456789"
NO_JOB = str(uuid.uuid4())


def printed(ctx: Context, api: TestClient, text: bytes, **fields: object) -> Job:
    created = make_create(ctx, **fields).model_dump(mode="json", exclude_none=True)
    job = Job.model_validate(api.post("/api/v1/jobs", json=created).json())
    ctx.logs.append(attempt_id(ctx, get(ctx, job)), LogName.STDOUT, 0, text, [Piece(0, Stream.STDOUT, 7)])
    return job


def series(api: TestClient, job: Job, **query: Any) -> dict[str, Any]:
    answer = api.get(f"/api/v1/jobs/{job.id}/series", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_printed_numbers_are_told_as_columns(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"Epoch 1/4 loss: 0.5, acc: 90%\nEpoch 2/4 loss: nan, acc: 91%\n")

    found = series(api, job)

    loss, acc = found["series"]
    assert (loss["name"], loss["counts"], loss["steps"], loss["values"]) == (
        "loss",
        "epoch",
        [1, 2],
        [0.5, None],
    )
    assert (loss["offsets"], loss["times"], loss["source"]) == ([0, 30], [7, 7], "printed")
    assert (acc["percent"], acc["values"]) == (True, [90, 91])
    assert found["progress"] == {"done": 2, "total": 4, "fraction": 0.5, "seconds_left": None, "at": 7}
    assert found["complete"]


def test_only_what_came_since_is_told(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"step 1 loss 3\n")
    first = series(api, job)
    ctx.logs.append(attempt_id(ctx, get(ctx, job)), LogName.STDOUT, 14, b"step 2 loss 2\n", [])

    second = series(api, job, after=first["until"])
    third = series(api, job, after=second["until"])

    assert [one["steps"] for one in second["series"]] == [[2]]
    assert third["series"] == []
    assert first["revision"] == second["revision"] == third["revision"]


def test_what_has_not_changed_is_not_sent_again(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"step 1 loss 3\n")

    for path in ("series", "samples"):
        url = f"/api/v1/jobs/{job.id}/{path}"
        tag = api.get(url).headers["ETag"]
        assert api.get(url, headers={"If-None-Match": tag}).status_code == 304
    ctx.logs.append(attempt_id(ctx, get(ctx, job)), LogName.STDOUT, 14, b"step 2 loss 2\n", [])
    tag = api.get(f"/api/v1/jobs/{job.id}/samples").headers["ETag"]
    assert api.get(f"/api/v1/jobs/{job.id}/series", headers={"If-None-Match": tag}).status_code == 200


def test_secrets_are_no_numbers(ctx: Context, api: TestClient) -> None:
    api.put("/api/v1/secrets/NUMBER", json={"value": SECRET})
    text = f"step 1 loss 3\nloss: {SECRET}\n{'.' * 50}\n".encode()
    job = printed(ctx, api, text, environment={"NUMBER": "${secrets.NUMBER}"})

    assert SECRET not in json.dumps(series(api, job))


def test_scalars_of_event_files_are_series(ctx: Context, api: TestClient) -> None:
    job = printed(ctx, api, b"step 1 loss 3\n")
    first = series(api, job)
    told = {"name": "loss/train", "total": 1, "steps": [5], "values": [0.5], "times": [9]}
    scalars = json.dumps({"files": 1, "note": "", "series": [told]}).encode()
    ctx.logs.append(attempt_id(ctx, get(ctx, job)), RecordName.SCALARS, 0, scalars[:20], [])
    assert [one["source"] for one in series(api, job)["series"]] == ["printed"]
    ctx.logs.append(attempt_id(ctx, get(ctx, job)), RecordName.SCALARS, 20, scalars[20:], [])

    found = series(api, job)

    assert [one["source"] for one in found["series"]] == ["printed", "tensorboard"]
    assert found["series"][1]["values"] == [0.5]
    assert found["revision"] != first["revision"]


def test_what_a_worker_measured_is_told_as_columns(
    ctx: Context, api: TestClient, anonymous: TestClient
) -> None:
    worker, registered = register(ctx, gpus=[{"uuid": "GPU-1", "model": "T4", "memory_mb": 16000}])
    job = submit(ctx, resources={"gpus": 1})
    scheduling.schedule(ctx)
    number = attempt_id(ctx, job)
    claim(ctx, worker, number)
    samples = SAMPLE.pack(1, 0.5, 0.25, 0.75, 100, 90, 110) + SAMPLE.pack(2, 1, 1, 1, 200, 200, 200)
    gpus = GPU_SAMPLE.pack(2, 0, math.nan, 4096)

    def send(name: str, data: bytes, offset: int = 0) -> int:
        headers = {
            "Authorization": f"Bearer {registered.token}",
            "Content-Range": f"bytes {offset}-{offset + len(data) - 1}/*",
        }
        url = f"/runner/v1/attempts/{number}/records/{name}"
        return anonymous.patch(url, content=data, headers=headers).status_code

    assert send("samples.bin", samples[:40]) == 204
    assert send("samples.bin", samples) == 204
    assert send("gpus.bin", gpus) == 204
    assert send("gpus.bin", gpus, offset=100) == 416
    assert send("gpus.bin", gpus, offset=MAX_RECORD_BYTES) == 413
    assert send("stdout.log", gpus) == 422

    found = api.get(f"/api/v1/jobs/{job.id}/samples").json()

    assert (found["seconds"], found["cpu_cores"], found["cpu_cores_max"]) == ([1, 2], [0.5, 1], [0.75, 1])
    assert (found["memory_mb"], found["memory_mb_min"]) == ([100, 200], [90, 200])
    assert found["gpus"] == [{"uuid": "GPU-1", "percent": [None, None], "memory_mb": [None, 4096]}]
    assert api.get(f"/api/v1/jobs/{job.id}/logs/samples.bin").status_code == 422


def test_a_job_that_never_ran_has_empty_curves(ctx: Context, api: TestClient) -> None:
    job = submit(ctx)

    assert api.get(f"/api/v1/jobs/{job.id}/samples").json()["seconds"] == []
    assert series(api, job)["series"] == []
    for path in ("samples", "series"):
        assert api.get(f"/api/v1/jobs/{NO_JOB}/{path}").json()["code"] == "job_not_found"
        missing = api.get(f"/api/v1/jobs/{job.id}/{path}", params={"attempt": 9})
        assert missing.json()["code"] == "attempt_not_found"
