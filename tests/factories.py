"""Valid values of everything; a test names only what it is about."""

import dataclasses
import io
import uuid
import zipfile
from typing import Any

from torchyard.contracts.connections import ConnectionSettings
from torchyard.contracts.jobs import FileRef, Job, JobCreate
from torchyard.contracts.runner import (
    Cause,
    ClaimedAttempt,
    Finish,
    Outcome,
    ProducedFile,
    Registered,
    RegisterRequest,
    Runtime,
)
from torchyard.ports import Buckets
from torchyard.services import attempts, blobs, connections, jobs, scheduling, users, workers
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import attempts as stored_attempts
from torchyard.storage import jobs as stored_jobs
from torchyard.storage.tables import WorkerRow

RUNTIME = Runtime(name="torch-test", python="3.11.2", packages={"torch": "2.13.0"})


def make_zip(files: dict[str, bytes | str]) -> bytes:
    """A zip that holds these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def stored(ctx: Context, content: bytes, name: str = "train.py") -> FileRef:
    sha256, _, _ = blobs.store(ctx, [content])
    return FileRef(sha256=sha256, name=name)


def with_storage(ctx: Context, buckets: Buckets) -> Context:
    """The same with these buckets, and a connection to `data` among them."""
    settings = ConnectionSettings(
        kind="s3",
        endpoint="http://127.0.0.1:1",
        access_key_id="key",
        secret_access_key="secret",
        allowed=["data"],
    )
    with ctx.db.write() as session:
        connections.put(ctx, session, "lab", settings)
    return dataclasses.replace(ctx, buckets=buckets)


def make_create(ctx: Context, script: bytes = b"print('hi')\n", **fields: Any) -> JobCreate:
    return JobCreate.model_validate({"script": stored(ctx, script), **fields})


def admin(ctx: Context) -> User:
    with ctx.db.write() as session:
        return users.administrator(ctx, session)


def submit(ctx: Context, **fields: Any) -> Job:
    user, create = admin(ctx), make_create(ctx, **fields)
    with ctx.db.write() as session:
        return jobs.accept(ctx, session, create, user)


def get(ctx: Context, job: Job) -> Job:
    with ctx.db.read() as session:
        return jobs.get(ctx, session, job.id)


def latest_attempt(ctx: Context, job_id: str) -> stored_attempts.HeldAttempt:
    """The job's latest attempt, with its worker."""
    with ctx.db.read() as session:
        latest, _ = stored_jobs.attempts(session, job_id)[-1]
        held = stored_attempts.find(session, latest.id)
    assert held is not None
    return held


def attempt_id(ctx: Context, job: Job) -> str:
    """The id of the job's latest attempt."""
    return latest_attempt(ctx, job.id).attempt.id


def make_registration(**fields: Any) -> RegisterRequest:
    return RegisterRequest.model_validate(
        {
            "worker_id": str(uuid.uuid4()),
            "incarnation": str(uuid.uuid4()),
            "name": "worker-1",
            "cpus": 4,
            "memory_mb": 16384,
            "runtimes": [RUNTIME],
            **fields,
        }
    )


def register(ctx: Context, **fields: Any) -> tuple[WorkerRow, Registered]:
    with ctx.db.write() as session:
        welcome = workers.register(ctx, session, make_registration(**fields))
    with ctx.db.read() as session:
        return workers.authenticate(session, welcome.token), welcome


def claim(ctx: Context, worker: WorkerRow, attempt_id: str) -> None:
    with ctx.db.write() as session:
        attempts.claim(ctx, session, worker, attempt_id)


def finish(ctx: Context, worker: WorkerRow, attempt_id: str, **outcome: Any) -> None:
    facts = Outcome.model_validate({"cause": Cause.EXITED, **outcome})
    with ctx.db.write() as session:
        attempts.finish(ctx, session, worker, attempt_id, Finish(outcome=facts))


def placed(ctx: Context, job: Job) -> stored_attempts.HeldAttempt:
    """The job's attempt, on a worker that has room for it."""
    register(ctx, name=f"worker for {job.id}")
    scheduling.schedule(ctx)
    return latest_attempt(ctx, job.id)


def claimed(ctx: Context, job: Job) -> ClaimedAttempt:
    """What the worker is told that takes the job."""
    held = placed(ctx, job)
    assert held.worker is not None
    with ctx.db.write() as session:
        given = attempts.claim(ctx, session, held.worker, held.attempt.id)
    assert given is not None
    return given


def taken(ctx: Context) -> tuple[Job, WorkerRow, str]:
    """A job that a worker has just claimed; the worker, and the attempt's id."""
    worker, _ = register(ctx)
    job = submit(ctx)
    scheduling.schedule(ctx)
    attempt = attempt_id(ctx, job)
    claim(ctx, worker, attempt)
    return job, worker, attempt


def ended_with(ctx: Context, files: dict[str, bytes], *, exit_code: int = 0) -> Job:
    """A job that has ended and left these files."""
    job = submit(ctx)
    given = claimed(ctx, job)
    left = [
        ProducedFile(path=path, size=len(content), sha256=stored(ctx, content).sha256)
        for path, content in files.items()
    ]
    facts = Outcome(cause=Cause.EXITED, exit_code=exit_code)
    with ctx.db.read() as session:
        held = stored_attempts.find(session, given.attempt_id)
    assert held is not None
    assert held.worker is not None
    with ctx.db.write() as session:
        attempts.finish(ctx, session, held.worker, given.attempt_id, Finish(outcome=facts, artifacts=left))
    return get(ctx, job)
