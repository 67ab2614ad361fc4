"""Uploaded files, named by their SHA-256: ask whether one is there, send it, read it."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from torchyard import errors
from torchyard.api import ranges
from torchyard.api.dependencies import ContextDep, Sha256Path, UserDep
from torchyard.api.logs import RangeHeader
from torchyard.api.problems import responses
from torchyard.api.streaming import BodyStreamDep
from torchyard.contracts.bundles import MEDIA_TYPE, unbundled
from torchyard.services import blobs

router = APIRouter(prefix="/blobs", tags=["blobs"])

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


class Blob(BaseModel):
    """An uploaded file."""

    sha256: str = Field(description="Its SHA-256 in hex.")
    size: int = Field(description="Bytes.")


class StoredBundle(BaseModel):
    """Uploaded files."""

    files: int = Field(description="How many different files the bundle held.")
    size: int = Field(description="Bytes of all of them.")


@router.post(
    "",
    status_code=201,
    response_model=StoredBundle,
    responses=responses(
        errors.DigestMismatch, errors.TooLarge, errors.StorageFull, errors.Malformed, errors.Unavailable
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "File after file: a line `<SHA-256> <size>`, then so many bytes; at most 1000.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def put_all(ctx: ContextDep, _user: UserDep, body: BodyStreamDep) -> StoredBundle:
    """Upload many small files at once."""
    sizes = blobs.store_all(ctx, unbundled(body))
    return StoredBundle(files=len(sizes), size=sum(sizes.values()))


@router.head(
    "/{sha256}",
    response_class=Response,
    responses={
        200: {"description": "It is there; `Content-Length` is its size."},
        **responses(errors.NotFound),
    },
)
def exists(ctx: ContextDep, _user: UserDep, sha256: Sha256Path) -> Response:
    """Ask whether a file has been uploaded; it is kept for a day at least from then on."""
    with ctx.db.write() as session:
        size = blobs.find(ctx, session, sha256)
    return Response(headers={"Content-Length": str(size)})


@router.put(
    "/{sha256}",
    status_code=201,
    response_model=Blob,
    responses={
        200: {"model": Blob, "description": "It was there before."},
        **responses(
            errors.DigestMismatch, errors.TooLarge, errors.StorageFull, errors.Malformed, errors.Unavailable
        ),
    },
    openapi_extra={"requestBody": {"required": True, "description": "The file's bytes.", "content": _BYTES}},
)
def put(ctx: ContextDep, _user: UserDep, sha256: Sha256Path, body: BodyStreamDep, response: Response) -> Blob:
    """Upload a file."""
    _, size, new = blobs.store(ctx, body, expected=sha256)
    response.status_code = 201 if new else 200
    return Blob(sha256=sha256, size=size)


@router.get(
    "/{sha256}",
    response_class=Response,
    responses={
        200: {"content": _BYTES, "description": "The file."},
        206: {"content": _BYTES, "description": "The range."},
        **responses(errors.NotFound, errors.RangeNotSatisfiable, errors.InvalidInput),
    },
)
def get(
    ctx: ContextDep,
    _user: UserDep,
    sha256: Sha256Path,
    range: RangeHeader = None,  # noqa: A002 - the header's name
) -> Response:
    """Download a file, whole or one range of it."""
    with ctx.db.write() as session:
        size = blobs.find(ctx, session, sha256)
    part = ranges.wanted(range, size)
    start, length = part or (0, size)
    chunks = blobs.read(ctx, sha256, start, length)
    return ranges.file_response(
        chunks, name=sha256, media_type="application/octet-stream", size=size, part=part
    )
