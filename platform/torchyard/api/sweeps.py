"""Sweeps: one run for each combination of parameter values, and their results."""

from typing import Any

from fastapi import APIRouter, Response

from torchyard import errors
from torchyard.api import pagination
from torchyard.api.dependencies import ContextDep, SweepId, UserDep, WorkflowId
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.pagination import CursorQuery, LimitQuery, Page
from torchyard.api.problems import responses
from torchyard.contracts.sweeps import Sweep, SweepCreate, SweepDetail
from torchyard.services import checking, sweeps

router = APIRouter(tags=["sweeps"])

_REPLAYED: dict[int | str, dict[str, Any]] = {
    200: {"model": SweepDetail, "description": "The sweep that this very request made before."}
}


@router.post(
    "/workflows/{workflow_id}/sweeps",
    status_code=201,
    responses={
        **_REPLAYED,
        **responses(
            errors.InvalidInput,
            errors.WorkflowInvalid,
            errors.SourceMissing,
            errors.BlobNotUploaded,
            errors.RuntimeUnknown,
            errors.IdempotencyKeyReused,
            errors.IdempotencyInProgress,
            errors.NotFound,
            errors.Malformed,
            errors.TooLarge,
        ),
    },
)
def create(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    workflow_id: WorkflowId,
    wanted: SweepCreate,
    response: Response,
) -> SweepDetail:
    """Make one run for each combination of parameter values, at most 1,000; all of them or none."""
    wish = f"sweep {workflow_id} {wanted.model_dump_json()}"
    sweep_id = replayed(reservation, wish, response)
    if sweep_id is None:
        with ctx.db.read() as session:
            _, graph = sweeps.graph_of(session, workflow_id, wanted.version)
        checking.check_files(ctx, graph)
        with ctx.db.write() as session:
            sweep_id = sweeps.create(ctx, session, workflow_id, wanted, user)
            reservation.complete(session, wish, sweep_id)
        response.headers["Location"] = f"/api/v1/sweeps/{sweep_id}"
    with ctx.db.read() as session:
        return sweeps.get(ctx, session, sweep_id)


@router.get(
    "/workflows/{workflow_id}/sweeps",
    responses=responses(errors.NotFound, errors.InvalidInput, errors.CursorInvalid),
)
def page(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[Sweep]:
    """List a workflow's sweeps, newest first."""
    before = pagination.decode(cursor) if cursor else None
    with ctx.db.read() as session:
        found = sweeps.page(session, workflow_id, before=before, limit=limit + 1)
    return pagination.page(found, limit, lambda sweep: (sweep.created_at, sweep.id))


@router.get("/sweeps/{sweep_id}", responses=responses(errors.NotFound))
def get(ctx: ContextDep, _user: UserDep, sweep_id: SweepId) -> SweepDetail:
    """Get a sweep: of each run its parameters, its state, how long it took and the metrics it left."""
    with ctx.db.read() as session:
        return sweeps.get(ctx, session, sweep_id)


@router.post("/sweeps/{sweep_id}/stop", responses=responses(errors.NotFound))
def stop(ctx: ContextDep, user: UserDep, sweep_id: SweepId) -> SweepDetail:
    """Stop all runs of a sweep that have not ended."""
    with ctx.db.write() as session:
        sweeps.stop(ctx, session, sweep_id, user)
    with ctx.db.read() as session:
        return sweeps.get(ctx, session, sweep_id)
