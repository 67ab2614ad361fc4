"""What a job left: list, show, and download one by one or all at once."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from torchyard import errors
from torchyard.api import ranges
from torchyard.api.dependencies import AttemptNumber, ContextDep, JobId, UserDep
from torchyard.api.logs import RangeHeader
from torchyard.api.problems import responses
from torchyard.contracts.jobs import Artifact
from torchyard.services import artifacts, blobs

router = APIRouter(prefix="/jobs/{job_id}/artifacts", tags=["artifacts"])

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.get("", responses=responses(errors.NotFound))
def all_of(ctx: ContextDep, _user: UserDep, job_id: JobId) -> list[Artifact]:
    """List what a job left."""
    with ctx.db.read() as session:
        return artifacts.all_of(session, job_id)


@router.get(
    ".zip",
    response_class=Response,
    responses={
        200: {"content": {"application/zip": {}}, "description": "The zip."},
        **responses(errors.NotFound),
    },
)
def download_all(ctx: ContextDep, _user: UserDep, job_id: JobId, attempt: AttemptNumber = None) -> Response:
    """Download all artifacts of a job as one zip, made while it is sent."""
    with ctx.db.read() as session:
        name, chunks = artifacts.archive(ctx, session, job_id, attempt)
    return ranges.attachment(chunks, name=name, media_type="application/zip")


@router.get(
    "/{path:path}",
    response_class=Response,
    responses={
        200: {"content": _BYTES, "description": "The file."},
        206: {"content": _BYTES, "description": "The range."},
        **responses(errors.NotFound, errors.RangeNotSatisfiable, errors.InvalidInput),
    },
)
def download(
    ctx: ContextDep,
    _user: UserDep,
    job_id: JobId,
    path: Annotated[str, Path(max_length=1024, pattern=r"^[^\x00]+$", description="The artifact's path.")],
    attempt: AttemptNumber = None,
    preview: Annotated[
        bool, Query(description="Show a picture or text in the browser; anything else is downloaded.")
    ] = False,
    range: RangeHeader = None,  # noqa: A002 - the header's name
) -> Response:
    """Download an artifact, whole or one range of it; or show it."""
    with ctx.db.read() as session:
        artifact = artifacts.find(session, job_id, path, attempt)
    part = ranges.wanted(range, artifact.size)
    start, length = part or (0, artifact.size)
    shown_as = artifacts.shown_as(ctx, artifact) if preview else None
    return ranges.file_response(
        blobs.read(ctx, artifact.sha256, start, length),
        name=artifact.path.rsplit("/", 1)[-1],
        # Never the type it claims: a page that a script wrote must not act on our own origin.
        media_type=shown_as or "application/octet-stream",
        inline=shown_as is not None,
        size=artifact.size,
        part=part,
    )
