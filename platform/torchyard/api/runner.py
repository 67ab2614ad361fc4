"""The platform's end of the runner protocol; `contracts.runner` describes it."""

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import StreamingResponse

from torchyard.api import ranges
from torchyard.api.dependencies import AttemptId, BearerDep, ContextDep, Sha256Path, WorkerDep
from torchyard.api.streaming import BodyDep, BodyStreamDep
from torchyard.contracts.bundles import MEDIA_TYPE, bundle_size, bundled
from torchyard.contracts.logs import PIECES_HEADER, SCRIPT_LOGS, LogName, RecordName, decode_pieces
from torchyard.contracts.models import REVEAL
from torchyard.contracts.runner import (
    Finish,
    Heartbeat,
    HeartbeatAnswer,
    Registered,
    RegisterRequest,
    Report,
    WantedBlobs,
)
from torchyard.errors import AttemptStale, FieldInvalid, NotFound, Unauthenticated
from torchyard.services import attempts, blobs, logs, samples, workers

router = APIRouter(prefix="/runner/v1", include_in_schema=False)

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/\*")


def _joining(request: Request, bearer: BearerDep) -> None:
    expected = request.app.state.worker_token
    if bearer is None or not secrets.compare_digest(bearer.credentials.encode(), expected.encode()):
        raise Unauthenticated("the join token for workers is needed")


@router.post("/register", dependencies=[Depends(_joining)])
def register(ctx: ContextDep, body: RegisterRequest) -> Registered:
    """Welcome a worker that knows the join token."""
    with ctx.db.write() as session:
        return workers.register(ctx, session, body)


@router.post("/heartbeat")
def heartbeat(ctx: ContextDep, worker: WorkerDep, body: Heartbeat) -> HeartbeatAnswer:
    """Hear that a worker lives."""
    with ctx.db.write() as session:
        return workers.beat(ctx, session, worker, body)


@router.post("/attempts/{attempt_id}/claim")
def claim(ctx: ContextDep, worker: WorkerDep, attempt_id: AttemptId) -> Response:
    """Give an attempt to its worker, once; the only answer that holds secrets in clear."""
    with ctx.db.write() as session:
        claimed = attempts.claim(ctx, session, worker, attempt_id)
    if claimed is None:
        raise AttemptStale("the attempt can't be started any more, and has ended")
    body = claimed.model_dump_json(context=REVEAL)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/attempts/{attempt_id}/events", status_code=204)
def report(ctx: ContextDep, worker: WorkerDep, attempt_id: AttemptId, body: Report) -> None:
    """Take in an event of an attempt."""
    with ctx.db.write() as session:
        attempts.report(ctx, session, worker, attempt_id, body)


@router.patch("/attempts/{attempt_id}/logs/{name}", status_code=204)
def append(
    ctx: ContextDep,
    worker: WorkerDep,
    attempt_id: AttemptId,
    name: LogName,
    body: BodyDep,
    content_range: Annotated[str, Header()],
    pieces: Annotated[str, Header(alias=PIECES_HEADER)] = "",
) -> None:
    """Take in what a script printed."""
    match = _CONTENT_RANGE.fullmatch(content_range)
    if name not in SCRIPT_LOGS:
        raise NotFound("workers don't write this log", code="log_not_found")
    if match is None or int(match[2]) - int(match[1]) + 1 != len(body):
        raise FieldInvalid("must be the body's place, as `bytes 0-99/*`", field="Content-Range")
    try:
        decoded = decode_pieces(pieces)
    except ValueError as problem:
        raise FieldInvalid(str(problem), field=PIECES_HEADER) from problem
    with ctx.db.read() as session:
        attempts.check_held(session, worker, attempt_id)
    logs.append(ctx, attempt_id, name, int(match[1]), body, decoded)


@router.patch("/attempts/{attempt_id}/records/{name}", status_code=204)
def append_record(
    ctx: ContextDep,
    worker: WorkerDep,
    attempt_id: AttemptId,
    name: RecordName,
    body: BodyDep,
    content_range: Annotated[str, Header()],
) -> None:
    """Take in what was measured while a script runs."""
    match = _CONTENT_RANGE.fullmatch(content_range)
    if match is None or int(match[2]) - int(match[1]) + 1 != len(body):
        raise FieldInvalid("must be the body's place, as `bytes 0-99/*`", field="Content-Range")
    with ctx.db.read() as session:
        attempts.check_held(session, worker, attempt_id)
    samples.append(ctx, attempt_id, name, int(match[1]), body)


@router.get("/blobs/{sha256}")
def get_blob(ctx: ContextDep, _worker: WorkerDep, sha256: Sha256Path) -> Response:
    """Send a blob to a worker."""
    with ctx.db.write() as session:
        size = blobs.find(ctx, session, sha256)
    chunks = blobs.read(ctx, sha256)
    return ranges.file_response(
        chunks, name=sha256, media_type="application/octet-stream", size=size, part=None
    )


@router.post("/blobs")
def get_blobs(ctx: ContextDep, _worker: WorkerDep, wanted: WantedBlobs) -> StreamingResponse:
    """Send many small blobs to a worker."""
    sizes = blobs.sizes_of(ctx, wanted.sha256)
    content = ((sha256, size, blobs.read(ctx, sha256)) for sha256, size in sizes.items())
    headers = {"Content-Length": str(bundle_size(sizes.values()))}
    return StreamingResponse(bundled(content), media_type=MEDIA_TYPE, headers=headers)


@router.head("/blobs/{sha256}")
def has_blob(ctx: ContextDep, _worker: WorkerDep, sha256: Sha256Path) -> Response:
    """Tell a worker whether a blob is there."""
    with ctx.db.write() as session:
        return Response(headers={"Content-Length": str(blobs.find(ctx, session, sha256))})


@router.put("/attempts/{attempt_id}/blobs/{sha256}", status_code=201)
def put_blob(
    ctx: ContextDep, worker: WorkerDep, attempt_id: AttemptId, sha256: Sha256Path, body: BodyStreamDep
) -> None:
    """Take in a file that an attempt left."""
    with ctx.db.read() as session:
        attempts.check_held(session, worker, attempt_id)
    blobs.store(ctx, body, expected=sha256)


@router.post("/attempts/{attempt_id}/finish", status_code=204)
def finish(ctx: ContextDep, worker: WorkerDep, attempt_id: AttemptId, body: Finish) -> None:
    """Take in the end of an attempt."""
    with ctx.db.read() as session:
        attempts.check_held(session, worker, attempt_id)
    attempts.check_logs(ctx, attempt_id, body)
    with ctx.db.write() as session:
        attempts.finish(ctx, session, worker, attempt_id, body)
