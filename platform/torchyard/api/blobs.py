"""Uploaded files, named by their SHA-256: ask whether one is there, send it, read it."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse
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


@router.head(
    "/{sha256}/upload",
    response_class=Response,
    responses={200: {"description": "`Upload-Offset` is how many bytes of it have come; 0 if none have."}},
)
def offset(ctx: ContextDep, user: UserDep, sha256: Sha256Path) -> Response:
    """Ask where an upload that broke off goes on. What has come stays for a day after the last byte."""
    there = ctx.uploads.offset(user.id, sha256)
    return Response(headers={"Upload-Offset": str(there), "Cache-Control": "no-store"})


@router.patch(
    "/{sha256}/upload",
    status_code=201,
    response_model=Blob,
    responses={
        204: {"description": "`Upload-Offset` is how many bytes of the file have come; send the rest."},
        **responses(
            errors.DigestMismatch,
            errors.InvalidInput,
            errors.OffsetMismatch,
            errors.TooLarge,
            errors.StorageFull,
            errors.Malformed,
            errors.Unavailable,
        ),
    },
    openapi_extra={
        "requestBody": {"required": True, "description": "The bytes from there on.", "content": _BYTES}
    },
)
def append(
    ctx: ContextDep,
    user: UserDep,
    sha256: Sha256Path,
    body: BodyStreamDep,
    upload_offset: Annotated[int, Header(ge=0, description="Where the body belongs in the file.")],
    upload_length: Annotated[int, Header(ge=0, description="The whole file's bytes.")],
) -> Response:
    """Upload a part of a file, or the rest of it; what came of a body that breaks off is kept.

    After that, ask where it goes on. With the last byte the file is there, as after a PUT of the whole.
    """
    part = blobs.Part(sha256, upload_offset, upload_length)
    there, whole = blobs.append(ctx, user.id, part, body)
    headers = {"Upload-Offset": str(there)}
    if not whole:
        return Response(status_code=204, headers=headers)
    return JSONResponse(Blob(sha256=sha256, size=there).model_dump(), status_code=201, headers=headers)


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
