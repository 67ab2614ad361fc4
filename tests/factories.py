"""Valid values of everything; a test names only what it is about."""

import io
import uuid
import zipfile
from typing import Any

from torchyard.contracts.jobs import FileRef, Job, JobCreate
from torchyard.contracts.runner import Cause, Finish, Outcome, Registered, RegisterRequest, Runtime
from torchyard.services import attempts, blobs, jobs, users, workers
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import attempts as stored_attempts
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


def attempt_id(ctx: Context, job: Job) -> str:
    """The id of the job's latest attempt."""
    with ctx.db.read() as session:
        held = stored_attempts.latest_of(session, job.id)
    assert held is not None
    return held.attempt.id


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
