"""Curves of a job: what it used, and what it printed. Both have an ETag, so that asking again is cheap."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response

from torchyard import errors
from torchyard.api.dependencies import AttemptNumber, ContextDep, JobId, UserDep
from torchyard.api.problems import responses
from torchyard.contracts.logs import LogName, RecordName
from torchyard.contracts.models import Lenient
from torchyard.contracts.samples import Samples
from torchyard.contracts.series import SeriesList
from torchyard.services import logs, samples, series
from torchyard.services.logs import LogRef

router = APIRouter(prefix="/jobs/{job_id}", tags=["curves"])

_UNCHANGED: dict[int | str, Any] = {304: {"description": "Nothing has changed."}}
KnownTag = Annotated[str | None, Header(max_length=200, description="The ETag of what is known already.")]


@router.get("/samples", response_model=Samples, responses={**_UNCHANGED, **responses(errors.NotFound)})
def get_samples(
    ctx: ContextDep,
    _user: UserDep,
    job_id: JobId,
    attempt: AttemptNumber = None,
    if_none_match: KnownTag = None,
) -> Response:
    """Get what an attempt used over its whole life: CPU cores, memory, GPUs; as columns."""
    with ctx.db.read() as session:
        spec, row = samples.locate(session, job_id, attempt)
    sizes = [ctx.logs.size(row.id, name) for name in (RecordName.SAMPLES, RecordName.GPUS)]
    tag = f'"{row.number}-{row.started_at is not None}-{sizes[0]}-{sizes[1]}"'
    return _unless_known(tag, if_none_match) or _answer(samples.get(ctx, spec, row), tag)


def _printed(ctx: ContextDep, _user: UserDep, job_id: JobId, attempt: AttemptNumber = None) -> LogRef:
    with ctx.db.read() as session:
        return logs.locate(session, job_id, LogName.STDOUT, attempt)


@router.get(
    "/series",
    response_model=SeriesList,
    responses={**_UNCHANGED, **responses(errors.NotFound, errors.Unavailable)},
)
def get_series(
    ctx: ContextDep,
    ref: Annotated[LogRef, Depends(_printed)],
    after: Annotated[
        int | None,
        Query(ge=0, le=2**53, description="Only numbers printed at this byte of stdout.log or behind it."),
    ] = None,
    if_none_match: KnownTag = None,
) -> Response:
    """Get the numbers that an attempt printed in a regular way, as curves, and how far it says it is.

    With `after`, which the last answer has as `until`, only what came since. If `revision` differs from the
    last answer's, older points changed too: ask again without `after`. Scalars of TensorBoard's event files
    come once the script has ended.
    """
    found = series.get(ctx, ref, after=after)
    tag = f'"{found.attempt}-{after}-{found.revision}-{found.until}-{found.complete}"'
    return _unless_known(tag, if_none_match) or _answer(found, tag)


def _unless_known(tag: str, known: str | None) -> Response | None:
    if known is None or tag not in known.split(", "):
        return None
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "private, no-cache"})


def _answer(told: Lenient, tag: str) -> Response:
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    return Response(told.model_dump_json(), media_type="application/json", headers=headers)
