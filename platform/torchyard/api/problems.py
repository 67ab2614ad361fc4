"""Errors as `application/problem+json` (RFC 9457), by one table."""

import http
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator
from starlette.exceptions import HTTPException
from starlette.routing import Match

from torchyard import errors
from torchyard.contracts.sayings import Saying, say, saying_of, with_saying
from torchyard.domain.refusals import code_of, dotted, sentence_of

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
#: Seconds after which a request that met something unavailable may be tried again.
_RETRY_AFTER = "2"

_STATUS: dict[type[errors.TorchyardError], int] = {
    errors.TorchyardError: 500,
    errors.InvalidInput: 422,
    errors.Malformed: 400,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.VersionConflict: 412,
    errors.PreconditionRequired: 428,
    errors.RangeNotSatisfiable: 416,
    errors.OffsetMismatch: 416,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.Unavailable: 503,
    errors.StorageFull: 507,
}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="The field, as a dotted path.")
    code: str = Field(description="Stable and machine-readable.")
    message: str = Field(description="What is wrong with it.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    node: str | None = Field(None, description="The node of a graph that has it, if one has.")

    _with_saying = model_validator(mode="before")(with_saying)


class Problem(BaseModel):
    """An error: RFC 9457 with a stable code. May carry further members, such as `line` and `column`."""

    type: str = Field("about:blank", description="Always `about:blank`; `code` tells the kind.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    code: str = Field(description="Stable and machine-readable.")
    detail: str = Field(description="What happened, in one sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    hint: str | None = Field(None, description="What to do about it.")
    hint_saying: Saying | None = Field(None, description="The same for other languages.")
    field: str | None = Field(None, description="The field that is to blame, as a dotted path.")
    errors: list[FieldProblem] | None = Field(None, description="Every field that is to blame.")


def responses(*kinds: type[errors.TorchyardError]) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI declarations of these errors, for a route's `responses`."""
    declared: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        sentence = (kind.__doc__ or "").strip().splitlines()[0]
        known = declared.setdefault(
            status_of(kind), {"description": "", "content": {MEDIA_TYPE: {"schema": _SCHEMA_REF}}}
        )
        known["description"] = f"{known['description']} `{kind.code}`: {sentence}".strip()
    return declared


_SCHEMA_REF = {"$ref": "#/components/schemas/Problem"}


def status_of(kind: type[errors.TorchyardError]) -> int:
    """The HTTP status of an error: that of its nearest ancestor in the table."""
    return next(_STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in _STATUS)


def answer(problem: errors.TorchyardError) -> JSONResponse:
    """The response for an error."""
    status, saying = status_of(type(problem)), saying_of(problem.message)
    advice = saying_of(problem.hint)
    body = {
        "type": "about:blank",
        "title": http.HTTPStatus(status).phrase,
        "status": status,
        "code": problem.code,
        "detail": problem.message,
        "saying": None if saying is None else saying.model_dump(mode="json"),
        "hint": problem.hint,
        "hint_saying": None if advice is None else advice.model_dump(mode="json"),
        "field": problem.field,
        **problem.extra,
    }
    headers = {}
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = _RETRY_AFTER
    if status == http.HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(problem, errors.RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{problem.extra['size']}"
    content = {name: value for name, value in body.items() if value is not None}
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Have every error of `app` answered as a problem."""
    app.add_exception_handler(errors.TorchyardError, _deliberate)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, unrouted)
    app.add_exception_handler(Exception, _unexpected)


def _deliberate(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, errors.TorchyardError)
    return answer(problem)


def _invalid(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, RequestValidationError)
    return answer(invalid_fields(list(problem.errors())))


#: Wrong fields told at once: no answer is a multiple of its request.
_MAX_LISTED = 100
#: Pydantic's words for a place in a request that are no part of the field's name.
_PLACES = {"body", "query", "path", "header", "cookie"}


def invalid_fields(found: list[Any]) -> errors.TorchyardError:
    """One error for what pydantic found; the first one gives code and field."""
    if any(one["type"] == "json_invalid" for one in found):
        return errors.Malformed(
            "the body is no valid JSON", hint=str(found[0].get("ctx", {}).get("error", ""))
        )
    listed = [
        FieldProblem(field=_dotted(one["loc"]), code=code_of(one["type"]), message=sentence_of(one))
        for one in found[:_MAX_LISTED]
    ]
    first, sentence = listed[0], sentence_of(found[0])
    told = say("of_field", field=first.field, problem=sentence)
    return errors.FieldInvalid(
        say("and_more", first=told, more=len(found) - 1) if len(found) > 1 else told,
        code=first.code,
        field=first.field,
        errors=[one.model_dump(exclude_none=True) for one in listed],
    )


def _dotted(place: tuple[str | int, ...]) -> str:
    return dotted(place[1:] if len(place) > 1 and place[0] in _PLACES else place)


def unrouted(request: Request, problem: Exception) -> JSONResponse:
    """The response where no route answers, or one gives a status and no more."""
    assert isinstance(problem, HTTPException)
    # FastAPI wraps what is raised while it reads a body.
    if isinstance(problem.__cause__, errors.TorchyardError):
        return answer(problem.__cause__)
    phrase = http.HTTPStatus(problem.status_code).phrase
    content = {
        "type": "about:blank",
        "title": phrase,
        "status": problem.status_code,
        "code": phrase.lower().replace(" ", "_"),
        "detail": str(problem.detail),
    }
    headers = dict(problem.headers or {})
    if problem.status_code == http.HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods(request))
    return JSONResponse(content, status_code=problem.status_code, media_type=MEDIA_TYPE, headers=headers)


def _methods(request: Request) -> list[str]:
    """All methods that a path has; each route knows its own only."""
    asked = {name: request.scope[name] for name in ("type", "path", "root_path", "headers")}
    return [
        method.value
        for method in http.HTTPMethod
        if any(
            route.matches({**asked, "method": method.value})[0] is Match.FULL for route in request.app.routes
        )
    ]


def _unexpected(request: Request, problem: Exception) -> JSONResponse:
    log.error("unexpected_error", path=request.url.path, exc_info=problem)
    return answer(errors.TorchyardError("something went wrong inside; the platform's log tells more"))
