"""Workflows as YAML files: export, import, and the templates that come with the platform."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from torchyard import errors
from torchyard.api.dependencies import ContextDep, UserDep, WorkflowId
from torchyard.api.idempotency import ReservationDep, replayed
from torchyard.api.problems import responses
from torchyard.api.ranges import disposition
from torchyard.api.streaming import BodyDep
from torchyard.api.submissions import read
from torchyard.contracts.notifications import NotificationCreated
from torchyard.contracts.templates import ImportedWorkflow, Template, TemplateDetail, TemplateUse
from torchyard.contracts.workflow_files import WorkflowFile
from torchyard.contracts.workflow_reading import opened
from torchyard.errors import UnsupportedMedia
from torchyard.services import idempotency, templates, workflow_files, workflows
from torchyard.services.context import Context

router = APIRouter(tags=["workflow files"])

#: Bodies that FastAPI does not read itself; `api.app` adds their models to the schema.
BODIES = (TemplateUse,)
MEDIA_TYPE = "application/yaml"
#: What a file may come as: there was no one name for YAML for long, and JSON is read as YAML too.
_ACCEPTED = frozenset({MEDIA_TYPE, "application/x-yaml", "text/yaml", "text/x-yaml", "application/json"})
_YAML = {MEDIA_TYPE: {"schema": {"type": "string"}}}
_MADE: dict[int | str, dict[str, Any]] = {
    200: {"model": ImportedWorkflow, "description": "The workflow that this very request made before."},
    **responses(
        errors.InvalidInput,
        errors.WorkflowFileInvalid,
        errors.TooLarge,
        errors.Conflict,
        errors.IdempotencyKeyReused,
        errors.IdempotencyInProgress,
    ),
}

TemplateName = Annotated[str, Path(max_length=100, description="The template's name.")]


@router.get(
    "/workflows/{workflow_id}/export",
    response_class=Response,
    responses={
        200: {"content": _YAML, "description": "The workflow's file."},
        **responses(errors.NotFound, errors.InvalidInput),
    },
)
def export(
    ctx: ContextDep,
    _user: UserDep,
    workflow_id: WorkflowId,
    version: Annotated[int | None, Query(ge=1, le=2**53, description="The latest if left out.")] = None,
) -> Response:
    """Get a workflow as one YAML file: graph, layout, schedule, and webhooks without their keys.

    Scripts and other small texts are written out in it; other files are named by their SHA-256.
    """
    name, text = workflow_files.export(ctx, workflow_id, version)
    headers = {"Content-Disposition": disposition(f"{name.replace('/', '_')}.yaml")}
    return Response(text.encode(), media_type=MEDIA_TYPE, headers=headers)


@router.post(
    "/workflows/import",
    status_code=201,
    response_model=ImportedWorkflow,
    responses={**_MADE, **responses(errors.UnsupportedMedia, errors.Malformed)},
    openapi_extra={"requestBody": {"required": True, "content": _YAML}},
)
def import_file(
    ctx: ContextDep,
    _user: UserDep,
    reservation: ReservationDep,
    request: Request,
    body: BodyDep,
    response: Response,
) -> ImportedWorkflow:
    """Make a workflow of a YAML file. Mistakes in its graph are told in `problems`; it does not run then.

    Files are written out in it, or were uploaded; those that it names by their paths are refused.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in _ACCEPTED:
        raise UnsupportedMedia(f"send {MEDIA_TYPE}")
    wish = f"import {body.decode(errors='replace')}"
    earlier = replayed(reservation, wish, response)
    if earlier is not None:
        return _told(ctx, earlier, [], response)
    return _made(ctx, reservation, wish, workflow_files.store(ctx, opened(body)), response)


@router.get("/templates")
def all_templates(_user: UserDep) -> list[Template]:
    """List the workflows that come with the platform, the simplest first."""
    return templates.all_of()


@router.get("/templates/{name}", responses=responses(errors.NotFound, errors.StorageFull))
def template(ctx: ContextDep, _user: UserDep, name: TemplateName) -> TemplateDetail:
    """Get a template with its graph, whose scripts are there to be used at once, and with its YAML file."""
    found = templates.get(name)
    workflow_files.store(ctx, opened(found.yaml.encode()))
    return found


def _use(body: BodyDep) -> TemplateUse:
    return read(TemplateUse, body or b"{}")


@router.post(
    "/templates/{name}",
    status_code=201,
    response_model=ImportedWorkflow,
    responses={**_MADE, **responses(errors.NotFound, errors.Malformed)},
    openapi_extra={
        "requestBody": {
            "required": False,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TemplateUse"}}},
        }
    },
)
def use_template(
    ctx: ContextDep,
    _user: UserDep,
    reservation: ReservationDep,
    name: TemplateName,
    wanted: Annotated[TemplateUse, Depends(_use)],
    response: Response,
) -> ImportedWorkflow:
    """Make a workflow of a template."""
    wish = f"template {name} {wanted.model_dump_json()}"
    earlier = replayed(reservation, wish, response)
    if earlier is not None:
        return _told(ctx, earlier, [], response)
    found = templates.get(name)
    words = found.words[wanted.language]
    file = workflow_files.store(ctx, opened(found.yaml.encode()))
    named = workflow_files.renamed(file, wanted.name or words.name, words.description)
    return _made(ctx, reservation, wish, named, response)


def _made(
    ctx: Context, reservation: idempotency.Request, wish: str, file: WorkflowFile, response: Response
) -> ImportedWorkflow:
    with ctx.db.write() as session:
        made = workflow_files.create(ctx, session, file, reservation.user)
        reservation.complete(session, wish, made.id)
    response.headers["Location"] = f"/api/v1/workflows/{made.id}"
    return _told(ctx, made.id, made.notifications, response)


def _told(
    ctx: Context, workflow_id: str, webhooks: list[NotificationCreated], response: Response
) -> ImportedWorkflow:
    with ctx.db.read() as session:
        workflow = workflows.get(ctx, session, workflow_id)
        warnings = workflow_files.warnings(ctx, session, workflow_id)
    response.headers["ETag"] = f'"{workflow.version}"'
    return ImportedWorkflow(**dict(workflow), notifications=webhooks, warnings=warnings)
