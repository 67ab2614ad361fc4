"""Bodies as they come in. Only this module and `following` are asynchronous."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated

import anyio.from_thread
from fastapi import Depends, Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect

from torchyard.errors import Malformed, UnsupportedMedia


class BodyStream:
    """A request's body, to be read once from a worker thread, chunk by chunk."""

    def __init__(self, request: Request) -> None:
        self._chunks = request.stream()

    def __iter__(self) -> Iterator[bytes]:
        """The chunks.

        Raises:
            Malformed: The sender went away before the end.
        """
        while True:
            try:
                chunk = anyio.from_thread.run(anext, self._chunks, None)
            except ClientDisconnect as gone:
                raise Malformed("the upload broke off") from gone
            if chunk is None:
                return
            yield chunk


async def whole_body(request: Request) -> bytes:
    """The request's body, in memory; `BodyLimit` keeps it small."""
    try:
        return await request.body()
    except ClientDisconnect as gone:
        raise Malformed("the upload broke off") from gone


async def form_or_body(request: Request) -> AsyncIterator[FormData | bytes]:
    """The request's multipart form, with its files on disk; the body's bytes if it is something else."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data":
        yield await whole_body(request)
        return
    if options.get(b"charset", b"utf-8").lower() != b"utf-8":
        # Python's decoders of other names can fail in any way, and make text that is none.
        raise UnsupportedMedia("a form has to be in UTF-8")
    try:
        form = await request.form(max_files=8, max_fields=8)
    except ClientDisconnect as gone:
        raise Malformed("the upload broke off") from gone
    try:
        yield form
    finally:
        await form.close()


def _body_stream(request: Request) -> BodyStream:
    return BodyStream(request)


BodyStreamDep = Annotated[BodyStream, Depends(_body_stream)]
BodyDep = Annotated[bytes, Depends(whole_body)]
FormOrBodyDep = Annotated[FormData | bytes, Depends(form_or_body)]
