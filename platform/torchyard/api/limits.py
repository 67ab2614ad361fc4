"""How large a body may be: counted while it is read, whatever it says of itself."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from torchyard.api.problems import answer
from torchyard.errors import Malformed, TooLarge

#: Media types whose bodies are streamed to a file; everything else is held in memory and small.
_STREAMED = ("multipart/form-data", "application/octet-stream")


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
        # `curl -T` sends a file without saying of what type it is.
        streamed = scope["method"] == "PUT" or headers.get("content-type", "").startswith(_STREAMED)
        limit = self._max_upload_bytes if streamed else self._max_json_bytes
        announced = headers.get("content-length", "0")
        if not announced.isdecimal():
            await answer(Malformed("Content-Length is no number"))(scope, receive, send)
            return
        if int(announced) > limit:
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


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body may have {limit} bytes at most", limit_bytes=limit)
