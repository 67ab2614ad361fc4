"""Jobs: submit, list, get, cancel, run again, delete, and what happened to them."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from torchyard import errors
from torchyard.api import following, pagination
from torchyard.api.dependencies import ContextDep, IdQuery, JobId, UserDep
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.pagination import CursorQuery, LimitQuery, Moment, Page
from torchyard.api.problems import responses
from torchyard.api.streaming import FormOrBodyDep
from torchyard.api.submissions import received
from torchyard.contracts.jobs import Attempt, Job, JobCreate, JobEvent, JobSettings, JobState
from torchyard.services import idempotency, jobs
from torchyard.services.context import Context
from torchyard.storage.jobs import JobFilter

router = APIRouter(prefix="/jobs", tags=["jobs"])

_FORM = {
    "type": "object",
    "required": ["script"],
    "properties": {
        "script": {"type": "string", "format": "binary", "description": "The entry script, a file."},
        "dependencies": {
            "type": "string",
            "format": "binary",
            "description": "A zip that is extracted beside the script.",
        },
        "spec": {"$ref": "#/components/schemas/JobSettings", "description": "Everything else."},
    },
}
#: Bodies that FastAPI does not read itself; `api.openapi` adds their models to the schema.
BODIES = (JobCreate, JobSettings)


_REPLAYED: dict[int | str, Any] = {
    200: {"model": Job, "description": "The job that this very request made before."}
}


@router.post(
    "",
    status_code=201,
    response_model=Job,
    responses={
        **_REPLAYED,
        **responses(
            errors.InvalidInput,
            errors.ScriptInvalid,
            errors.ArchiveRejected,
            errors.RuntimeUnknown,
            errors.BlobNotUploaded,
            errors.IdempotencyKeyReused,
            errors.IdempotencyInProgress,
            errors.Malformed,
            errors.TooLarge,
            errors.UnsupportedMedia,
            errors.StorageFull,
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A form with files, or JSON that names uploaded blobs.",
            "content": {
                "multipart/form-data": {"schema": _FORM},
                "application/json": {"schema": {"$ref": "#/components/schemas/JobCreate"}},
            },
        }
    },
)
def submit(
    request: Request, reservation: ReservationDep, sent: FormOrBodyDep, response: Response
) -> Response:
    """Submit a job."""
    create = received(reservation, request, sent)
    return _created(
        reservation.ctx,
        reservation,
        create.model_dump_json(),
        lambda session: jobs.accept(reservation.ctx, session, create, reservation.user),
        response,
    )


def _created(
    ctx: Context,
    reservation: idempotency.Request,
    wish: str,
    make: Callable[[Session], Job],
    response: Response,
) -> Response:
    """The job that `make` makes; the one it made before, if this very wish came before."""
    earlier = replayed(reservation, wish, response)
    if earlier is not None:
        with ctx.db.read() as session:
            job = jobs.get(ctx, session, earlier)
    else:
        with ctx.db.write() as session:
            job = make(session)
            reservation.complete(session, wish, job.id)
        response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    # As text: FastAPI would check the model once more, and go through one more thread for it.
    headers = dict(response.headers)
    return Response(
        job.model_dump_json(by_alias=True), response.status_code or 201, headers, "application/json"
    )


@router.get("", response_model=Page[Job], responses=responses(errors.InvalidInput, errors.CursorInvalid))
def page(
    ctx: ContextDep,
    _user: UserDep,
    state: Annotated[list[JobState] | None, Query(description="Only jobs in one of these states.")] = None,
    owner: Annotated[
        str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="Only jobs of this user.")
    ] = None,
    workflow: Annotated[IdQuery, Query(description="Only jobs of this workflow's runs.")] = None,
    text: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="Only jobs with this in name, script or arguments.",
        ),
    ] = None,
    id_prefix: Annotated[
        str | None, Query(pattern=r"^[0-9a-f-]{1,36}$", description="Only jobs whose id begins like this.")
    ] = None,
    created_after: Annotated[Moment | None, Query(description="Only jobs accepted then or later.")] = None,
    created_before: Annotated[Moment | None, Query(description="Only jobs accepted earlier.")] = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[Job]:
    """List jobs, newest first."""
    wanted = JobFilter(
        states=state or (),
        owner=owner,
        workflow=workflow,
        text=text,
        id_prefix=id_prefix,
        created_after=created_after,
        created_before=created_before,
    )
    before = pagination.decode(cursor) if cursor else None
    with ctx.db.read() as session:
        found = jobs.page(ctx, session, wanted, before=before, limit=limit + 1)
    return pagination.page(found, limit, lambda job: (job.created_at, job.id))


@router.get("/{job_id}", responses=responses(errors.NotFound))
def get(ctx: ContextDep, _user: UserDep, job_id: JobId) -> Job:
    """Get a job."""
    with ctx.db.read() as session:
        return jobs.get(ctx, session, job_id)


@router.delete("/{job_id}", status_code=204, responses=responses(errors.NotFound, errors.JobNotEnded))
def delete(ctx: ContextDep, _user: UserDep, job_id: JobId) -> None:
    """Delete a job that has ended, with its logs and artifacts."""
    with ctx.db.write() as session:
        jobs.delete(ctx, session, job_id)


@router.post("/{job_id}/cancel", responses=responses(errors.NotFound, errors.JobEnded))
def cancel(ctx: ContextDep, user: UserDep, job_id: JobId) -> Job:
    """Cancel a job: at once while it is queued, else SIGTERM to the script, and SIGKILL after its grace."""
    with ctx.db.write() as session:
        return jobs.cancel(ctx, session, job_id, user)


@router.post(
    "/{job_id}/run-again",
    status_code=201,
    response_model=Job,
    responses={
        **_REPLAYED,
        **responses(
            errors.NotFound,
            errors.BlobNotUploaded,
            errors.IdempotencyKeyReused,
            errors.IdempotencyInProgress,
        ),
    },
)
def run_again(
    ctx: ContextDep, user: UserDep, reservation: ReservationDep, job_id: JobId, response: Response
) -> Response:
    """Submit a new job with the same specification."""
    return _created(
        ctx,
        reservation,
        f"run again {job_id}",
        lambda session: jobs.run_again(ctx, session, job_id, user),
        response,
    )


@router.get("/{job_id}/attempts", responses=responses(errors.NotFound))
def attempts(ctx: ContextDep, _user: UserDep, job_id: JobId) -> list[Attempt]:
    """List a job's attempts, first to last."""
    with ctx.db.read() as session:
        return jobs.attempts_of(session, job_id)


@router.get("/{job_id}/events", responses=responses(errors.NotFound))
def events(ctx: ContextDep, _user: UserDep, job_id: JobId) -> list[JobEvent]:
    """List what happened to a job, first to last."""
    with ctx.db.read() as session:
        return jobs.events_of(session, job_id)


def _existing(ctx: ContextDep, _user: UserDep, job_id: JobId) -> str:
    with ctx.db.read() as session:
        return jobs.get(ctx, session, job_id).id


ExistingJobDep = Annotated[str, Depends(_existing)]


@router.get(
    "/{job_id}/events/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "`data` is a JobEvent, `id` its number; then `end`.",
        },
        **responses(errors.NotFound, errors.InvalidInput),
    },
)
async def stream_events(
    ctx: ContextDep,
    job_id: ExistingJobDep,
    after: Annotated[int, Query(ge=0, le=2**53, description="Only events with a higher number.")] = 0,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=2**53, description="As `after`; sent by a browser that reconnects.")
    ] = None,
) -> StreamingResponse:
    """Follow what happens to a job, until it ends."""
    return following.follow_events(ctx, job_id, after if last_event_id is None else last_event_id)
