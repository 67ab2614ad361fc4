"""The HTTP application: routes, errors, limits, and an OpenAPI document that is complete."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from torchyard import __version__, errors
from torchyard.api import (
    artifacts,
    blobs,
    connections,
    curves,
    health,
    jobs,
    log_search,
    logs,
    notifications,
    problems,
    runner,
    runs,
    schedules,
    secrets,
    session,
    sweeps,
    trees,
    users,
    web,
    workers,
    workflow_files,
    workflows,
)
from torchyard.api.dependencies import UserDep, current_user
from torchyard.api.following import Feeds
from torchyard.api.limits import BodyLimit
from torchyard.contracts.logs import LogChunk, LogEnd
from torchyard.contracts.runs import RunEnd
from torchyard.services.context import Context

PREFIX = "/api/v1"
_REF = "#/components/schemas/{model}"


def create_app(
    ctx: Context, *, worker_token: str, authentication: bool, max_json_bytes: int, max_upload_bytes: int
) -> FastAPI:
    """The application over `ctx`.

    Args:
        ctx: What the use cases work with.
        worker_token: The token with which workers join.
        authentication: Whether a token or session is needed; without, everybody is the administrator.
        max_json_bytes: Largest body that is held in memory.
        max_upload_bytes: Largest body that is streamed.
    """
    app = FastAPI(
        title="Torchyard",
        version=__version__,
        docs_url=None,  # the pages would load scripts from somebody else's servers
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # a redirect would lead to whatever host the request names
    )
    app.state.context = ctx
    app.state.feeds = Feeds(ctx)
    app.state.worker_token = worker_token
    app.state.authentication = authentication
    app.add_middleware(BodyLimit, max_json_bytes=max_json_bytes, max_upload_bytes=max_upload_bytes)
    problems.install(app)
    app.include_router(health.router)
    app.include_router(runner.router)
    app.include_router(session.router, prefix=PREFIX)
    app.include_router(_signed_in(app), prefix=PREFIX)
    web.install(app)
    return app


def _signed_in(app: FastAPI) -> APIRouter:
    """What needs a token or session: the dependency stands here too, so that no route can forget it."""
    router = APIRouter(
        dependencies=[Depends(current_user)],
        responses=problems.responses(errors.Unauthenticated, errors.Forbidden, errors.Unavailable),
    )
    for module in (
        jobs,
        workflows,
        workflow_files,
        runs,
        logs,
        log_search,
        curves,
        artifacts,
        blobs,
        trees,
        workers,
        connections,
        secrets,
        schedules,
        sweeps,
        notifications,
        users,
    ):
        router.include_router(module.router)

    @router.get("/openapi.json", include_in_schema=False)
    def openapi(_user: UserDep) -> dict[str, Any]:
        """This API, described."""
        return document(app)

    return router


def document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, with the models that only appear in streams and forms."""
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title,
            version=app.version,
            summary="Runs PyTorch scripts: submit a job, follow its logs, fetch what it left.",
            routes=app.routes,
        )
        models = [
            (model, "validation")
            for model in (
                *jobs.BODIES,
                *trees.BODIES,
                *workflows.BODIES,
                *workflow_files.BODIES,
                *runs.BODIES,
                LogChunk,
                LogEnd,
                RunEnd,
                problems.Problem,
            )
        ]
        _, extra = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]  # literal modes in a list
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        for name, definition in extra["$defs"].items():
            schemas.setdefault(name, definition)
        _declare_invalid_input(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def _declare_invalid_input(schema: dict[str, Any]) -> None:
    """Say that invalid input is answered with a problem; FastAPI takes it for granted that it is not."""
    problem = problems.responses(errors.FieldInvalid)[422]
    for operations in schema["paths"].values():
        for operation in operations.values():
            declared = operation["responses"].get("422")
            if declared is not None and "HTTPValidationError" in str(declared):
                operation["responses"]["422"] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)
