"""How large a body may be: counted while it is read, whatever it says of itself."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from torchyard.api.problems import answer
from torchyard.contracts.logs import MAX_APPEND_BYTES
from torchyard.contracts.sayings import say
from torchyard.contracts.trees import MAX_TREE_BYTES
from torchyard.errors import Malformed, TooLarge

#: Where a form is streamed to files. Everywhere else a body of any type is held in memory.
_FORMS = "/api/v1/jobs"
_BUNDLES, _TREES = "/api/v1/blobs", "/api/v1/trees"
#: Python refuses to read numbers of thousands of digits.
_MAX_DIGITS = 18


class BodyLimit:
    """ASGI middleware that ends requests whose body is over the limit of its kind."""

    def __init__(self, app: ASGIApp, *, max_json_bytes: int, max_upload_bytes: int) -> None:
        self._app = app
        self._max_json_bytes = max_json_bytes
        self._max_upload_bytes = max_upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Request(scope).headers
        limit = self._limit(scope["method"], scope["path"], headers.get("content-type", ""))
        announced = [headers.get(name, "0") for name in ("content-length", "upload-length")]
        if not all(one.isdecimal() for one in announced):
            await answer(Malformed("Content-Length is no number"))(scope, receive, send)
            return
        if any(len(one) > _MAX_DIGITS or int(one) > limit for one in announced):
            await answer(_too_large(limit))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, counted, send)

    def _limit(self, method: str, path: str, content_type: str) -> int:
        # A PUT or PATCH to a blob takes a file; `curl -T` sends one without saying of what type it is.
        if (
            (method in {"PUT", "PATCH"} and "/blobs/" in path)
            or (path == _FORMS and content_type.lower().startswith("multipart/form-data"))
            or path == _BUNDLES
        ):
            return self._max_upload_bytes
        if path == _TREES:
            return max(self._max_json_bytes, MAX_TREE_BYTES)
        return MAX_APPEND_BYTES if method == "PATCH" else self._max_json_bytes


def _too_large(limit: int) -> TooLarge:
    return TooLarge(say("body_of_too_many_bytes", bytes=limit), limit_bytes=limit)
