"""The platform's answers other than success, as errors of ours."""

import http
from typing import Any

import httpx

from torchyard.errors import RequestRefused

#: Members of a problem document that an error has attributes for, that repeat the status, or that say in
#: other languages what it says in English.
_KNOWN = frozenset({"type", "title", "status", "detail", "code", "field", "hint", "saying", "hint_saying"})


def refusal(answer: httpx.Response, *, with_token: bool) -> RequestRefused:
    """The error for an answer whose body has been read.

    Args:
        answer: What the platform answered.
        with_token: Whether a token was sent along; the hint for 401 depends on it.
    """
    document = _document(answer)
    status = answer.status_code
    extra = {name: value for name, value in document.items() if name not in _KNOWN and name.isidentifier()}
    hint = document.get("hint")
    if status == http.HTTPStatus.UNAUTHORIZED:
        hint = _token_hint(with_token=with_token)
    elif not document and answer.request.method != "HEAD":
        hint = f"is {answer.request.url.copy_with(path='/', query=None)} a Torchyard platform?"
    return RequestRefused(
        str(document.get("detail") or _said(answer)),
        status=status,
        code=str(document["code"]) if "code" in document else None,
        field=document.get("field"),
        hint=hint,
        **extra,
    )


def nonsense(answer: httpx.Response, expected: str) -> RequestRefused:
    """The error for a successful answer that is not what the API promises."""
    return RequestRefused(
        f"{answer.request.url} did not answer with {expected}",
        status=answer.status_code,
        code="answer_not_understood",
        hint="is it a Torchyard platform, and as new as this program?",
    )


def _document(answer: httpx.Response) -> dict[str, Any]:
    if "json" not in answer.headers.get("content-type", ""):
        return {}
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _said(answer: httpx.Response) -> str:
    if answer.status_code == http.HTTPStatus.UNAUTHORIZED:
        return "a valid token is needed"
    asked = f"{answer.request.method} {answer.request.url.path}"
    return f"{asked} was answered {answer.status_code} {answer.reason_phrase}".rstrip()


def _token_hint(*, with_token: bool) -> str:
    if with_token:
        return "this token is not valid here; check TORCHYARD_TOKEN, or the file `token` in TORCHYARD_HOME"
    return "set TORCHYARD_TOKEN, or TORCHYARD_HOME to the directory that holds the platform's `token`"
