"""A job as it is sent: one form with files, or JSON that names uploaded blobs."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile

from torchyard.api.problems import invalid_fields
from torchyard.contracts.jobs import FileRef, JobCreate, JobSettings
from torchyard.contracts.sayings import say
from torchyard.errors import FieldInvalid, TooLarge, UnsupportedMedia
from torchyard.services import blobs, idempotency, jobs
from torchyard.services.context import Context

_CHUNK = 1024 * 1024
#: As much as the form's parser takes for a part that is no file.
_MAX_SPEC_BYTES = 1024 * 1024
M = TypeVar("M", bound=BaseModel)
_PARTS = frozenset({"script", "dependencies", "spec"})


def received(reservation: idempotency.Request, request: Request, sent: FormData | bytes) -> JobCreate:
    """The job that is asked for, checked; the files of a form are stored.

    Raises:
        UnsupportedMedia: It is neither a form nor JSON.
        Malformed, FieldInvalid, TooLarge: See `read`, and `jobs.check_script`.
        ScriptInvalid, ArchiveRejected, BlobNotUploaded: See `jobs.check_uploaded`.
    """
    if isinstance(sent, FormData):
        return _from_form(reservation.ctx, sent)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise UnsupportedMedia("send a job as multipart/form-data or as application/json")
    create = read(JobCreate, sent)
    if reservation.earlier is None:
        jobs.check_uploaded(reservation.ctx, create)
    return create


def read(model: type[M], body: bytes) -> M:
    """JSON as a value of the contracts.

    Raises:
        Malformed: It is no JSON.
        FieldInvalid: It is no such value, or names a field twice.
    """
    try:
        value = model.model_validate_json(body)
    except ValidationError as problem:
        raise invalid_fields(problem.errors(include_url=False)) from None
    json.loads(body, object_pairs_hook=_refuse_twice)
    return value


def _refuse_twice(pairs: list[tuple[str, Any]]) -> None:
    # Readers disagree about which of the two counts.
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise FieldInvalid("is there twice", code="field_duplicate", field=name)
        seen.add(name)


def _from_form(ctx: Context, form: FormData) -> JobCreate:
    unknown = sorted(set(form) - _PARTS)
    if unknown:
        raise FieldInvalid(
            "there is no such part",
            code="field_unknown",
            field=unknown[0],
            hint="parts: script, dependencies, spec",
        )
    settings = _settings(form)
    script, dependencies = _file(form, "script"), _file(form, "dependencies")
    if script is None:
        raise FieldInvalid("is missing", code="field_missing", field="script", hint="-F script=@train.py")
    create = JobCreate(
        **settings.model_dump(),
        script=_name(script, "script"),
        dependencies=_name(dependencies, "dependencies") if dependencies else None,
    )
    if (script.size or 0) > ctx.limits.max_script_bytes:
        raise TooLarge(
            say("script_of_too_many_bytes", bytes=ctx.limits.max_script_bytes),
            field="script",
            code="script_too_large",
        )
    source = b"".join(_chunks(script))
    jobs.check_script(ctx, source, create.script.name, ignore_warnings=settings.ignore_warnings)
    if dependencies is not None:
        jobs.check_dependencies(_path(dependencies), source, create.script.name)
    return create.model_copy(
        update={
            "script": create.script.model_copy(update={"sha256": blobs.store_small(ctx, source)}),
            "dependencies": _store(ctx, dependencies, create.dependencies),
        }
    )


def _settings(form: FormData) -> JobSettings:
    sent = form.getlist("spec") or ["{}"]
    if len(sent) > 1:
        raise FieldInvalid("must be there once", code="field_duplicate", field="spec")
    spec = sent[0]
    if isinstance(spec, str):
        return read(JobSettings, spec.encode())
    if (spec.size or 0) > _MAX_SPEC_BYTES:
        raise TooLarge(f"the spec may have {_MAX_SPEC_BYTES} bytes at most", field="spec")
    return read(JobSettings, b"".join(_chunks(spec)))


def _file(form: FormData, part: str) -> UploadFile | None:
    sent = form.getlist(part)
    if not sent:
        return None
    if len(sent) > 1 or not isinstance(sent[0], UploadFile):
        raise FieldInvalid("must be one file", field=part, hint=f"-F {part}=@FILE")
    return sent[0]


#: Stands for the SHA-256 of a file that is checked before it is stored.
_NOT_YET_STORED = "0" * 64


def _name(upload: UploadFile, part: str) -> FileRef:
    try:
        return FileRef(sha256=_NOT_YET_STORED, name=upload.filename or "")
    except ValidationError as problem:
        found = [{**one, "loc": (part, *one["loc"])} for one in problem.errors(include_url=False)]
        raise invalid_fields(found) from None


def _store(ctx: Context, upload: UploadFile | None, named: FileRef | None) -> FileRef | None:
    if upload is None or named is None:
        return None
    sha256, _, _ = blobs.store(ctx, _chunks(upload))
    return named.model_copy(update={"sha256": sha256})


def _chunks(upload: UploadFile) -> Iterator[bytes]:
    upload.file.seek(0)
    while chunk := upload.file.read(_CHUNK):
        yield chunk


def _path(upload: UploadFile) -> Path:
    # The parser's temporary file has no name any more; its descriptor has one.
    upload.file.seek(0)
    return Path(f"/proc/self/fd/{upload.file.fileno()}")
