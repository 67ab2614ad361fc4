"""Workflows: making, saving, versions, comparing; and graphs, checked without saving them."""

import re
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from sqlalchemy.orm import Session

from torchyard import errors
from torchyard.api import pagination
from torchyard.api.bodies import described, reader
from torchyard.api.dependencies import ContextDep, IdPrefix, UserDep, WorkflowId
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.pagination import CursorQuery, LimitQuery, Page
from torchyard.api.problems import responses
from torchyard.contracts.workflows import (
    Checked,
    Difference,
    GraphCheck,
    Layout,
    NodeSummary,
    Restore,
    Version,
    VersionDetail,
    Workflow,
    WorkflowCopy,
    WorkflowCreate,
    WorkflowListed,
    WorkflowPatch,
    WorkflowSave,
)
from torchyard.errors import CursorInvalid, FieldInvalid, PreconditionRequired
from torchyard.services import graphs, idempotency, standings, versions, workflows
from torchyard.services.context import Context
from torchyard.storage.workflows import WorkflowFilter

router = APIRouter(tags=["workflows"])

#: Bodies that FastAPI does not read itself; `api.app` adds their models to the schema.
BODIES = (WorkflowCreate, WorkflowSave, WorkflowPatch, WorkflowCopy, Layout, Restore, GraphCheck)
_MAX_NUMBER = 2**53
_ETAG = re.compile(r'(?:W/)?"([1-9][0-9]{0,15})"')

VersionNumber = Annotated[int, Path(ge=1, le=_MAX_NUMBER, description="The version's number.")]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=100,
        description='The version that was changed, as its ETag: `"7"`. Needed; `*` is not taken.',
    ),
]
_BODY = (errors.InvalidInput, errors.Malformed, errors.TooLarge, errors.UnsupportedMedia)
_MADE: dict[int | str, dict[str, Any]] = {
    200: {"model": Workflow, "description": "The workflow that this very request made before."},
    **responses(*_BODY, errors.IdempotencyKeyReused, errors.IdempotencyInProgress),
}
_CHANGED = responses(*_BODY, errors.NotFound)
_SAVED = responses(*_BODY, errors.NotFound, errors.VersionConflict, errors.PreconditionRequired)


def _base(if_match: IfMatch = None) -> int:
    if if_match is None:
        raise PreconditionRequired(
            hint='send the ETag of the version that was changed, as in `If-Match: "7"`'
        )
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise FieldInvalid('has to be the ETag of one version, as "7"', field="If-Match")
    return int(found[1])


BaseDep = Annotated[int, Depends(_base)]


@router.post(
    "/workflows",
    status_code=201,
    response_model=Workflow,
    responses=_MADE,
    openapi_extra=described(WorkflowCreate),
)
def create(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    wish: Annotated[WorkflowCreate, Depends(reader(WorkflowCreate))],
    response: Response,
) -> Workflow:
    """Make a workflow. Its graph may hold mistakes: they are told, and it does not run."""
    return _created(
        ctx,
        reservation,
        f"workflow {wish.model_dump_json()}",
        lambda session: workflows.create(ctx, session, wish, user),
        response,
    )


@router.post(
    "/workflows/{workflow_id}/copy",
    status_code=201,
    response_model=Workflow,
    responses={**_MADE, **responses(errors.NotFound)},
    openapi_extra=described(WorkflowCopy),
)
def copy(
    ctx: ContextDep,
    user: UserDep,
    reservation: ReservationDep,
    workflow_id: WorkflowId,
    wish: Annotated[WorkflowCopy, Depends(reader(WorkflowCopy))],
    response: Response,
) -> Workflow:
    """Make another workflow of a workflow's latest version."""
    return _created(
        ctx,
        reservation,
        f"copy {workflow_id} {wish.model_dump_json()}",
        lambda session: workflows.copy(ctx, session, workflow_id, wish.name, user),
        response,
    )


def _created(
    ctx: Context,
    reservation: idempotency.Request,
    wish: str,
    make: Callable[[Session], str],
    response: Response,
) -> Workflow:
    """The workflow that `make` makes; the one it made before, if this very wish came before."""
    workflow_id = replayed(reservation, wish, response)
    if workflow_id is None:
        with ctx.db.write() as session:
            workflow_id = make(session)
            reservation.complete(session, wish, workflow_id)
        response.headers["Location"] = f"/api/v1/workflows/{workflow_id}"
    return _told(ctx, workflow_id, response)


def _told(ctx: Context, workflow_id: str, response: Response, number: int | None = None) -> Workflow:
    with ctx.db.read() as session:
        workflow = workflows.get(ctx, session, workflow_id, number)
    response.headers["ETag"] = f'"{workflow.version}"'
    return workflow


@router.get("/workflows", responses=responses(errors.InvalidInput, errors.CursorInvalid))
def page(
    ctx: ContextDep,
    _user: UserDep,
    text: Annotated[
        str | None,
        Query(
            max_length=200,
            pattern=r"^[^\x00]*$",
            description="Only workflows with this in name or description.",
        ),
    ] = None,
    id_prefix: IdPrefix = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[WorkflowListed]:
    """List workflows, those saved last first."""
    before = pagination.decode(cursor) if cursor else None
    with ctx.db.read() as session:
        wanted = WorkflowFilter(text, id_prefix)
        found = workflows.page(session, wanted, before=before, limit=limit + 1)
    return pagination.page(found, limit, lambda workflow: (workflow.updated_at, workflow.id))


@router.get("/workflows/{workflow_id}", responses=responses(errors.NotFound))
def get(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId, response: Response) -> Workflow:
    """Get a workflow with its latest version, whose number is the ETag."""
    return _told(ctx, workflow_id, response)


@router.put("/workflows/{workflow_id}", responses=_SAVED, openapi_extra=described(WorkflowSave))
def save(
    ctx: ContextDep,
    user: UserDep,
    workflow_id: WorkflowId,
    base: BaseDep,
    wish: Annotated[WorkflowSave, Depends(reader(WorkflowSave))],
    response: Response,
) -> Workflow:
    """Save a workflow. A graph that does something else makes a new version.

    If somebody saved another graph in between, nothing is changed; the answer then holds the number of the
    `current` version, the difference from the version that was changed to it (`theirs`), and from it to what
    was sent (`yours`).
    """
    number = versions.save(ctx, workflow_id, base, wish, user)
    return _told(ctx, workflow_id, response, number)


@router.patch("/workflows/{workflow_id}", responses=_CHANGED, openapi_extra=described(WorkflowPatch))
def change(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    wish: Annotated[WorkflowPatch, Depends(reader(WorkflowPatch))],
    response: Response,
) -> Workflow:
    """Give a workflow another name or description; that makes no version."""
    with ctx.db.write() as session:
        workflows.change(session, workflow_id, wish)
    return _told(ctx, workflow_id, response)


@router.put(
    "/workflows/{workflow_id}/layout", status_code=204, responses=_CHANGED, openapi_extra=described(Layout)
)
def lay_out(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    layout: Annotated[Layout, Depends(reader(Layout))],
) -> None:
    """Note where things stand on the canvas; that makes no version."""
    with ctx.db.write() as session:
        workflows.lay_out(session, workflow_id, layout)


@router.delete(
    "/workflows/{workflow_id}", status_code=204, responses=responses(errors.NotFound, errors.WorkflowBusy)
)
def delete(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> None:
    """Delete a workflow with its versions and its runs, all of which have ended; the runs' jobs stay."""
    with ctx.db.write() as session:
        workflows.delete(session, workflow_id)


@router.get(
    "/workflows/{workflow_id}/versions",
    responses=responses(errors.NotFound, errors.InvalidInput, errors.CursorInvalid),
)
def versions_of(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[Version]:
    """List a workflow's versions, newest first."""
    before = _number_behind(cursor) if cursor else None
    with ctx.db.read() as session:
        found = versions.page(session, workflow_id, before=before, limit=limit + 1)
    return pagination.page(found, limit, lambda version: (version.saved_at, str(version.number)))


def _number_behind(cursor: str) -> int:
    number = pagination.decode(cursor)[1]
    if not number.isdecimal() or int(number[:20]) > _MAX_NUMBER:
        raise CursorInvalid(field="cursor")
    return int(number)


@router.get(
    "/workflows/{workflow_id}/versions/{number}", responses=responses(errors.NotFound, errors.InvalidInput)
)
def version(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId, number: VersionNumber) -> VersionDetail:
    """Get a version with its graph."""
    with ctx.db.read() as session:
        return versions.get(ctx, session, workflow_id, number)


@router.post(
    "/workflows/{workflow_id}/versions/{number}/restore",
    responses=_SAVED,
    openapi_extra=described(Restore),
)
def restore(
    ctx: ContextDep,
    user: UserDep,
    workflow_id: WorkflowId,
    number: VersionNumber,
    base: BaseDep,
    wish: Annotated[Restore, Depends(reader(Restore))],
    response: Response,
) -> Workflow:
    """Bring a version back, as a new one."""
    saved = versions.restore(ctx, workflow_id, number, base, message=wish.message, author=user)
    return _told(ctx, workflow_id, response, saved)


@router.get("/workflows/{workflow_id}/difference", responses=responses(errors.NotFound, errors.InvalidInput))
def compare(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    before: Annotated[int, Query(ge=1, le=_MAX_NUMBER, description="The number of the one version.")],
    after: Annotated[int, Query(ge=1, le=_MAX_NUMBER, description="The number of the other.")],
) -> Difference:
    """Tell what differs between two versions."""
    with ctx.db.read() as session:
        return versions.compare(session, workflow_id, before, after)


@router.get("/workflows/{workflow_id}/nodes", responses=responses(errors.NotFound))
def nodes(ctx: ContextDep, _user: UserDep, workflow_id: WorkflowId) -> list[NodeSummary]:
    """Tell how the nodes stand before the next run: what is ready, what is stale and why, what is done."""
    with ctx.db.read() as session:
        return standings.of_workflow(ctx, session, workflow_id)


@router.post("/graphs/check", responses=responses(*_BODY), openapi_extra=described(GraphCheck))
def check(
    ctx: ContextDep, _user: UserDep, wish: Annotated[GraphCheck, Depends(reader(GraphCheck))]
) -> Checked:
    """Tell everything that is wrong with a graph, without saving it; with `parameters`, as that of a run."""
    with ctx.db.read() as session:
        return graphs.check(ctx, session, wish)
