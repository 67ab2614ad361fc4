"""The web app: built files, and one page at the address of each of its views."""

import gzip
import http
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Request, Response

from torchyard.api import problems
from torchyard.errors import NotFound

#: Where `make web` puts what it builds; the wheel carries it.
BUILT = Path(__file__).parent.parent / "web"
_PAGE = "index.html"
#: Where the web app has views; `web/src/app/routes.tsx` has them too.
PLACES = ("/workflows", "/jobs", "/runs", "/workers", "/settings")
#: Where programs ask, whatever they accept; an address that is none of these is a mistyped one of a person.
_NO_PAGES = ("/api", "/runner", "/assets")
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "style-src 'self' 'unsafe-inline'",  # what the editor and the canvas set on elements
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
#: A built file has a hash of its content in its name.
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class BuiltFile:
    """A file of the web app, read once; all of them are a few MiB."""

    path: Path

    @cached_property
    def content(self) -> bytes:
        """Its bytes."""
        return self.path.read_bytes()

    @cached_property
    def compressed(self) -> bytes:
        """Its bytes, packed with gzip."""
        return gzip.compress(self.content, mtime=0)

    @property
    def media_type(self) -> str:
        """Told by its name."""
        return mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"


def install(app: FastAPI, directory: Path = BUILT) -> None:
    """Have `app` serve the web app's files and pages, and its page for lost people at every other address."""
    files = {
        str(path.relative_to(directory)): BuiltFile(path) for path in directory.rglob("*") if path.is_file()
    }
    app.include_router(_router(files))

    def nowhere(request: Request, problem: Exception) -> Response:
        if not _by_a_person(request) or _PAGE not in files:
            return problems.unrouted(request, problem)
        packed = "gzip" in request.headers.get("accept-encoding", "")
        return _answer(files, _PAGE, packed=packed, status=http.HTTPStatus.NOT_FOUND)

    app.add_exception_handler(http.HTTPStatus.NOT_FOUND, nowhere)


def _by_a_person(request: Request) -> bool:
    """Whether somebody wants to see what is at this address."""
    path = request.url.path
    if any(path == place or path.startswith(f"{place}/") for place in _NO_PAGES):
        return False
    return request.method == http.HTTPMethod.GET and "text/html" in request.headers.get("accept", "")


def _router(files: Mapping[str, BuiltFile]) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    def page(accept_encoding: Annotated[str, Header()] = "") -> Response:
        """The one page; which of its views is shown it decides itself."""
        return _answer(files, _PAGE, packed="gzip" in accept_encoding)

    @routes.get("/assets/{name}")
    def asset(name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
        """A part of the web app."""
        return _answer(files, f"assets/{name}", packed="gzip" in accept_encoding)

    @routes.get("/favicon.svg")
    def icon(accept_encoding: Annotated[str, Header()] = "") -> Response:
        """The icon of the browser's tab."""
        return _answer(files, "favicon.svg", packed="gzip" in accept_encoding)

    for place in ("/", *PLACES, *(f"{place}/{{rest:path}}" for place in PLACES)):
        routes.add_api_route(place, page)
    return routes


def _answer(
    files: Mapping[str, BuiltFile], path: str, *, packed: bool, status: http.HTTPStatus = http.HTTPStatus.OK
) -> Response:
    file = files.get(path)
    if file is None:
        if _PAGE in files:
            raise NotFound("there is nothing at this address")
        raise NotFound("the web app has not been built", code="web_not_built", hint="run `make web`")
    headers = {**_HEADERS, "Cache-Control": _FOR_EVER if path.startswith("assets/") else "no-cache"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    content = file.compressed if packed else file.content
    return Response(content, status, headers, file.media_type)
