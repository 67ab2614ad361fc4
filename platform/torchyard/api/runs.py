"""Runs: starting, listing, following, stopping and resuming them."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from torchyard import errors
from torchyard.api import following, pagination
from torchyard.api.bodies import described, reader
from torchyard.api.dependencies import (
    ContextDep,
    IdPrefix,
    IdQuery,
    NodeName,
    OtherRunId,
    RunId,
    UserDep,
    WorkflowId,
)
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.pagination import CursorQuery, LimitQuery, Page
from torchyard.api.problems import responses
from torchyard.contracts.graphs import Graph
from torchyard.contracts.runs import (
    AdHocRun,
    Explanation,
    NodeAttempt,
    Resume,
    Run,
    RunAgain,
    RunComparison,
    RunCreate,
    RunDetail,
    RunEvent,
    RunRequest,
    RunState,
    Trigger,
)
from torchyard.services import checking, comparing, explaining, idempotency, resuming, run_views, runs
from torchyard.services.context import Context
from torchyard.services.runs import Wish
from torchyard.storage.runs import RunFilter

router = APIRouter(tags=["runs"])

_MAX_EVENTS = 10_000

_STARTING: dict[int | str, dict[str, Any]] = {
    200: {"model": RunDetail, "description": "The run that this very request made before."},
    **responses(
        errors.InvalidInput,
        errors.WorkflowInvalid,
        errors.SourceMissing,
        errors.BlobNotUploaded,
        errors.RuntimeUnknown,
        errors.IdempotencyKeyReused,
        errors.IdempotencyInProgress,
        errors.RunRefused,
        errors.NotFound,
        errors.Malformed,
        errors.TooLarge,
        errors.UnsupportedMedia,
    ),
}
#: Bodies that FastAPI does not read itself; `api.app` adds their models to the schema.
BODIES = (AdHocRun, RunCreate, RunAgain, Resume)


@router.post("/runs", status_code=201, responses=_STARTING, openapi_extra=described(AdHocRun))
def start(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    wanted: Annotated[AdHocRun, Depends(reader(AdHocRun))],
    response: Response,
) -> RunDetail:
    """Run a graph that is not saved as a workflow."""
    wish = Wish(graph=wanted.graph, request=plain(wanted), trigger=Trigger.MANUAL)
    return created(
        ctx,
        reservation,
        f"run {wanted.model_dump_json()}",
        wanted.graph,
        lambda session: runs.create(ctx, session, wish, user),
        response,
    )


@router.post(
    "/workflows/{workflow_id}/runs",
    status_code=201,
    responses=_STARTING,
    openapi_extra=described(RunCreate),
)
def start_workflow(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    workflow_id: WorkflowId,
    wanted: Annotated[RunCreate, Depends(reader(RunCreate))],
    response: Response,
) -> RunDetail:
    """Run a workflow."""
    with ctx.db.read() as session:
        wish = runs.of_workflow(session, workflow_id, wanted.version, plain(wanted))
    return created(
        ctx,
        reservation,
        f"run {workflow_id} {wanted.model_dump_json()}",
        wish.graph,
        lambda session: runs.create(ctx, session, wish, user),
        response,
    )


def plain(wanted: RunRequest) -> RunRequest:
    """What was asked of the run, without what it is a run of."""
    return RunRequest.model_validate(wanted.model_dump(include=set(RunRequest.model_fields)))


def created(
    ctx: Context,
    reservation: idempotency.Request,
    wish: str,
    graph: Graph | None,
    make: Callable[[Session], str],
    response: Response,
) -> RunDetail:
    """The run that `make` makes of the graph; the one it made before, if this very wish came before."""
    run_id = replayed(reservation, wish, response)
    if run_id is None:
        if graph is not None:
            checking.check_files(ctx, graph)
        with ctx.db.write() as session:
            run_id = make(session)
            reservation.complete(session, wish, run_id)
        response.headers["Location"] = f"/api/v1/runs/{run_id}"
    with ctx.db.read() as session:
        return runs.describe(ctx, session, run_id)


@router.get("/runs", responses=responses(errors.InvalidInput, errors.CursorInvalid))
def page(
    ctx: ContextDep,
    _user: UserDep,
    workflow: Annotated[IdQuery, Query(description="Only runs of this workflow.")] = None,
    state: Annotated[list[RunState] | None, Query(description="Only runs in one of these states.")] = None,
    trigger: Annotated[Trigger | None, Query(description="Only runs that were made by this.")] = None,
    sweep: Annotated[IdQuery, Query(description="Only runs of this sweep.")] = None,
    id_prefix: IdPrefix = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[Run]:
    """List runs, newest first."""
    wanted = RunFilter(
        workflow=workflow, states=state or (), trigger=trigger, sweep=sweep, id_prefix=id_prefix
    )
    before = pagination.decode(cursor) if cursor else None
    with ctx.db.read() as session:
        found = run_views.page(session, wanted, before=before, limit=limit + 1)
    return pagination.page(found, limit, lambda run: (run.created_at, run.id))


@router.get("/runs/{run_id}", responses=responses(errors.NotFound))
def get(ctx: ContextDep, _user: UserDep, run_id: RunId) -> RunDetail:
    """Get a run with its frozen graph and all its nodes."""
    with ctx.db.read() as session:
        return runs.describe(ctx, session, run_id)


@router.delete("/runs/{run_id}", status_code=204, responses=responses(errors.NotFound, errors.RunNotEnded))
def delete(ctx: ContextDep, _user: UserDep, run_id: RunId) -> None:
    """Delete a run that has ended; its jobs stay."""
    with ctx.db.write() as session:
        runs.delete(ctx, session, run_id)


@router.post("/runs/{run_id}/stop", responses=responses(errors.NotFound, errors.RunEnded))
def stop(ctx: ContextDep, user: UserDep, run_id: RunId) -> Run:
    """Stop a run: nothing more of it starts, and the scripts that run are stopped."""
    with ctx.db.write() as session:
        runs.stop(ctx, session, run_id, user)
    with ctx.db.read() as session:
        return run_views.brief(session, run_id)


@router.post(
    "/runs/{run_id}/nodes/{name}/stop", responses=responses(errors.NotFound, errors.RunEnded, errors.JobEnded)
)
def stop_node(ctx: ContextDep, user: UserDep, run_id: RunId, name: NodeName) -> Run:
    """Stop one node of a run: it starts no more, or its script is stopped. The rest goes on."""
    runs.stop_node(ctx, run_id, name, user)
    with ctx.db.read() as session:
        return run_views.brief(session, run_id)


@router.post(
    "/runs/{run_id}/resume",
    responses=responses(
        errors.NotFound,
        errors.InvalidInput,
        errors.WorkflowInvalid,
        errors.SourceMissing,
        errors.BlobNotUploaded,
        errors.ResumeRefused,
        errors.RunRefused,
        errors.Malformed,
        errors.TooLarge,
        errors.UnsupportedMedia,
    ),
    openapi_extra=described(Resume),
)
def resume(
    ctx: ContextDep, user: UserDep, run_id: RunId, wanted: Annotated[Resume, Depends(reader(Resume))]
) -> RunDetail:
    """Run nodes of a run again, inside the same run; also while the rest of it goes on."""
    resuming.resume(ctx, run_id, wanted, user)
    with ctx.db.read() as session:
        return runs.describe(ctx, session, run_id)


@router.post(
    "/runs/{run_id}/run-again",
    status_code=201,
    responses=_STARTING,
    openapi_extra=described(RunAgain),
)
def run_again(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    run_id: RunId,
    wanted: Annotated[RunAgain, Depends(reader(RunAgain))],
    response: Response,
) -> RunDetail:
    """Start a new run of the same frozen graph."""
    return created(
        ctx,
        reservation,
        f"run again {run_id} {wanted.model_dump_json()}",
        None,
        lambda session: runs.run_again(ctx, session, run_id, wanted, user),
        response,
    )


@router.get("/runs/{run_id}/nodes/{name}/attempts", responses=responses(errors.NotFound))
def attempts(ctx: ContextDep, _user: UserDep, run_id: RunId, name: NodeName) -> list[NodeAttempt]:
    """List the tries of a node in a run, first to last."""
    with ctx.db.read() as session:
        return run_views.attempts_of(session, run_id, name)


@router.get("/runs/{run_id}/nodes/{name}/explain", responses=responses(errors.NotFound))
def explain(ctx: ContextDep, _user: UserDep, run_id: RunId, name: NodeName) -> Explanation:
    """Tell why a node ran or was reused: in a sentence, and field by field against its last success."""
    with ctx.db.read() as session:
        return explaining.explain(session, run_id, name)


@router.get("/runs/{run_id}/compare/{other_id}", responses=responses(errors.NotFound))
def compare(ctx: ContextDep, _user: UserDep, run_id: RunId, other_id: OtherRunId) -> RunComparison:
    """Tell what differs between two runs: graphs, parameters, and node by node."""
    return comparing.compare(ctx, run_id, other_id)


_AfterQuery = Annotated[int, Query(ge=0, le=2**53, description="Only events with a higher number.")]
_LastEventHeader = Annotated[
    int | None, Header(ge=0, le=2**53, description="As `after`; sent by a browser that reconnects.")
]
_STREAM: dict[str, Any] = {"text/event-stream": {}}


def _existing(ctx: ContextDep, _user: UserDep, run_id: RunId) -> str:
    with ctx.db.read() as session:
        return runs.find(session, run_id).id


@router.get(
    "/runs/{run_id}/events",
    response_model=list[RunEvent],
    responses={
        200: {"description": "The events; or a stream of them, as at `events/stream`."},
        **responses(errors.NotFound, errors.InvalidInput),
    },
)
def events(
    ctx: ContextDep,
    run_id: Annotated[str, Depends(_existing)],
    after: _AfterQuery = 0,
    last_event_id: _LastEventHeader = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> list[RunEvent] | StreamingResponse:
    """List what happened to a run, first to last: at most 10,000 events.

    With `Accept: text/event-stream`, as an EventSource sends it, the run is followed.
    """
    if "text/event-stream" in accept.lower():
        return following.follow_run(ctx, run_id, after if last_event_id is None else last_event_id)
    with ctx.db.read() as session:
        return run_views.events_of(session, run_id, after=after, limit=_MAX_EVENTS)


@router.get(
    "/runs/{run_id}/events/stream",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": _STREAM,
            "description": "`data` is a RunEvent, `id` its number; then `end` with a RunEnd.",
        },
        **responses(errors.NotFound, errors.InvalidInput),
    },
)
async def stream_events(
    ctx: ContextDep,
    run_id: Annotated[str, Depends(_existing)],
    after: _AfterQuery = 0,
    last_event_id: _LastEventHeader = None,
) -> StreamingResponse:
    """Follow a run: every change of state of it and its nodes, until it ends."""
    return following.follow_run(ctx, run_id, after if last_event_id is None else last_event_id)
