"""The web app: built files, and one page at the address of each of its views."""

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Response

from torchyard.errors import NotFound

#: Where `make web` puts what it builds; the wheel carries it.
BUILT = Path(__file__).parent.parent / "web"
_PAGE = "index.html"
#: Where the web app has views; `web/src/app/routes.tsx` has them too.
PLACES = ("/workflows", "/jobs", "/runs", "/workers", "/settings")
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


def router(directory: Path = BUILT) -> APIRouter:
    """The routes of the web app's files and pages."""
    files = {
        str(path.relative_to(directory)): BuiltFile(path) for path in directory.rglob("*") if path.is_file()
    }
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


def _answer(files: Mapping[str, BuiltFile], path: str, *, packed: bool) -> Response:
    file = files.get(path)
    if file is None:
        if _PAGE in files:
            raise NotFound("there is nothing at this address")
        raise NotFound("the web app has not been built", code="web_not_built", hint="run `make web`")
    headers = {**_HEADERS, "Cache-Control": _FOR_EVER if path.startswith("assets/") else "no-cache"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.compressed if packed else file.content, media_type=file.media_type, headers=headers)
