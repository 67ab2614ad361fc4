"""Making a job of a specification that was checked: its row, its frozen inputs, its first attempt."""

import json
import uuid
from typing import NamedTuple

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobSpec, JobState
from torchyard.contracts.sayings import say
from torchyard.errors import BlobNotUploaded
from torchyard.services import attempts as attempting
from torchyard.services import inputs, secrets
from torchyard.services.context import Context
from torchyard.storage import blobs, jobs
from torchyard.storage.tables import AttemptRow, JobRow


class Part(NamedTuple):
    """The node of a run that a job is for."""

    run_id: str
    node: str
    #: The id that the job gets; the node's row names it already.
    job_id: str


def insert(
    ctx: Context,
    session: Session,
    spec: JobSpec,
    owner_id: str,
    *,
    again_of: str | None = None,
    part: Part | None = None,
) -> tuple[JobRow, AttemptRow]:
    """Put a job into the queue, with its first attempt.

    Args:
        ctx: What the use cases work with.
        session: The writing transaction.
        spec: What was asked for, checked.
        owner_id: Whose job it is.
        again_of: The job that it repeats.
        part: The node it is for. Its files stay for as long as its run does, so nobody notes their use: the
            engine has the run's row locked, and whoever ends a job locks blobs before that.

    Raises:
        BlobNotUploaded: A file, its own or an input's, is not (or no longer) there.
        InputUnknown: A job that an input is to come from has nothing to give.
        FieldInvalid: The environment refers to what there is not; see `secrets.resolve`.
        Forbidden: `s3_bucket_not_allowed`: no connection covers a dependency path, or one of an input.
        SealBroken: A secret that it needs can't be read any more.
    """
    secrets.resolve(ctx, session, owner_id, spec.environment)
    inputs.storage(ctx, session, spec)
    now = ctx.clock.now()
    if part is None:
        files = [("script", spec.script), ("dependencies", spec.dependencies)]
        named = [(file.sha256, field) for field, file in files if file is not None]
        # In one order everywhere, so that two transactions never wait for each other.
        for sha256, field in sorted([*named, *inputs.uploaded(spec)]):
            if blobs.touch(session, sha256, now) is None:
                raise not_uploaded(field)
    job = JobRow(
        id=part.job_id if part else str(uuid.uuid4()),
        owner_id=owner_id,
        name=spec.name,
        searchable=f"{spec.name} {spec.script.name} {spec.arguments}".lower(),
        state=JobState.QUEUED,
        spec=json.loads(spec.model_dump_json()),
        script_sha256=spec.script.sha256,
        dependencies_sha256=spec.dependencies.sha256 if spec.dependencies else None,
        attempt=1,
        events=0,
        run_again_of=again_of,
        run_id=part.run_id if part else None,
        node=part.node if part else None,
        created_at=now,
    )
    jobs.add(session, job)
    inputs.freeze(session, job, spec)
    return job, attempting.queue(ctx, session, job, spec)


def not_uploaded(field: str) -> BlobNotUploaded:
    """The refusal of a file that is not there."""
    return BlobNotUploaded(
        f"the {field}'s bytes have not been uploaded",
        field=field if field.startswith("inputs.") else f"{field}.sha256",
        hint=say("hint_blobs_first"),
    )
