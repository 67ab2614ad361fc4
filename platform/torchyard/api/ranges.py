"""One byte range of one file (RFC 9110, 14.1.2); several at once are answered with the whole."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

from torchyard.errors import RangeNotSatisfiable

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
#: What keeps a file that a script made from acting on our own origin when it is opened in a tab.
_INERT = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Accept-Ranges": "bytes",
}


def wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and length of the range; None if the whole file is to be sent.

    Raises:
        RangeNotSatisfiable: It starts at or behind the end.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or match[1] == match[2] == "":
        return None
    if match[1] == "":
        length = min(int(match[2]), size)
        start, stop = size - length, size
    else:
        start = int(match[1])
        stop = min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return None
    if start >= size or stop <= start:
        raise RangeNotSatisfiable(f"the file has {size} bytes", size=size)
    return start, stop - start


def file_response(
    chunks: Iterator[bytes],
    *,
    name: str,
    media_type: str,
    size: int,
    part: tuple[int, int] | None,
    inline: bool = False,
) -> Response:
    """A file, or the part of it that `chunks` holds; as an attachment, unless it is to be shown."""
    start, length = part or (0, size)
    headers = {
        **_INERT,
        "Content-Length": str(length),
        "Content-Disposition": disposition(name, inline=inline),
    }
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    status = 206 if part is not None else 200
    return StreamingResponse(chunks, status_code=status, media_type=media_type, headers=headers)


def attachment(chunks: Iterator[bytes], *, name: str, media_type: str) -> Response:
    """A file of unknown size, whole."""
    headers = {**_INERT, "Accept-Ranges": "none", "Content-Disposition": disposition(name)}
    return StreamingResponse(chunks, media_type=media_type, headers=headers)


def disposition(name: str, *, inline: bool = False) -> str:
    """The header that tells a browser whether to show a file, and how to name it."""
    return f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"
