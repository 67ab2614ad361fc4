"""Schedules: when a workflow runs by itself, and runs for times that have passed."""

from typing import Any

from fastapi import APIRouter, Response

from torchyard import errors
from torchyard.api.dependencies import ContextDep, UserDep, WorkflowId
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.problems import responses
from torchyard.contracts.schedules import (
    Backfill,
    BackfillCreate,
    BackfillPreview,
    Preview,
    Schedule,
    ScheduleSettings,
    Times,
)
from torchyard.services import backfilling, checking, schedules, workflows

router = APIRouter(tags=["schedules"])

_BODY = (errors.InvalidInput, errors.Malformed, errors.TooLarge)
_REPLAYED: dict[int | str, dict[str, Any]] = {
    200: {"model": Backfill, "description": "The back-fill that this very request made before."}
}


@router.get("/workflows/{workflow_id}/schedule", responses=responses(errors.NotFound))
def get(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> Schedule:
    """Get a workflow's schedule, with its next five times and what became of the last one."""
    with ctx.db.read() as session:
        return schedules.get(ctx, session, workflow_id)


@router.put(
    "/workflows/{workflow_id}/schedule",
    responses=responses(*_BODY, errors.WorkflowInvalid, errors.NotFound),
)
def put(ctx: ContextDep, user: UserDep, workflow_id: WorkflowId, settings: ScheduleSettings) -> Schedule:
    """Set a workflow's schedule, or replace it. Its runs are yours, of what is the latest version then."""
    with ctx.db.write() as session:
        return schedules.put(ctx, session, workflow_id, settings, user)


@router.delete("/workflows/{workflow_id}/schedule", status_code=204, responses=responses(errors.NotFound))
def delete(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> None:
    """Remove a workflow's schedule; runs that it made go on."""
    with ctx.db.write() as session:
        schedules.remove(session, workflow_id)


@router.post("/workflows/{workflow_id}/schedule/pause", responses=responses(errors.NotFound))
def pause(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> Schedule:
    """Have nothing run by itself until the schedule is resumed."""
    with ctx.db.write() as session:
        return schedules.pause(ctx, session, workflow_id, paused=True)


@router.post("/workflows/{workflow_id}/schedule/resume", responses=responses(errors.NotFound))
def resume(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> Schedule:
    """Have the workflow run by itself again; what would have been due meanwhile is left out."""
    with ctx.db.write() as session:
        return schedules.pause(ctx, session, workflow_id, paused=False)


@router.post("/schedules/preview", responses=responses(*_BODY))
def preview(ctx: ContextDep, _user: UserDep, times: Times) -> Preview:
    """Tell the next five times of a schedule, also of one that is not set."""
    return schedules.preview(ctx, times)


@router.post("/workflows/{workflow_id}/backfills/preview", responses=responses(*_BODY, errors.NotFound))
def preview_backfill(
    ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId, wanted: BackfillCreate
) -> BackfillPreview:
    """Tell for which times a back-fill would make runs now, and which it would leave out; it makes none."""
    with ctx.db.read() as session:
        return backfilling.preview(session, workflow_id, wanted)


@router.post(
    "/workflows/{workflow_id}/backfills",
    status_code=201,
    responses={
        **_REPLAYED,
        **responses(
            *_BODY,
            errors.WorkflowInvalid,
            errors.SourceMissing,
            errors.BlobNotUploaded,
            errors.RuntimeUnknown,
            errors.IdempotencyKeyReused,
            errors.IdempotencyInProgress,
            errors.NotFound,
        ),
    },
)
def backfill(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    workflow_id: WorkflowId,
    wanted: BackfillCreate,
    response: Response,
) -> Backfill:
    """Make one run for each due time in an interval, at most 50; daily if the workflow has no schedule.

    Times for which a run waits or goes on are left out, and named in the answer.
    """
    wish = f"backfill {workflow_id} {wanted.model_dump_json()}"
    earlier = replayed(reservation, wish, response)
    if earlier is not None:
        with ctx.db.read() as session:
            return backfilling.repeat(session, workflow_id, wanted, earlier)
    with ctx.db.read() as session:
        graph = workflows.graph_of(workflows.latest(session, workflow_id)[1])
    checking.check_files(ctx, graph)
    with ctx.db.write() as session:
        made = backfilling.backfill(ctx, session, workflow_id, wanted, user)
        reservation.complete(session, wish, made.id)
    return made
