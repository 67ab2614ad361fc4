"""Files on their way to the platform: only what it lacks is sent."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from torchyard.client.connection import REQUEST_PATIENCE, Connection
from torchyard.client.patience import Patience
from torchyard.contracts.jobs import FileRef
from torchyard.errors import InvalidInput, OffsetMismatch, RequestRefused, ServerUnreachable

_BLOCK = 1024 * 1024
#: A smaller file is sent in one go: its upload breaks off too seldom to be asked about first.
RESUMED_FROM_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Progress:
    """How far an upload is.

    Attributes:
        name: The file's name.
        sent: Bytes sent so far.
        size: Bytes to send.
        known: True if the platform had the file already, so that nothing is sent.
    """

    name: str
    sent: int
    size: int
    known: bool = False


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Content:
    """A file or some bytes, with their SHA-256 in hex."""

    name: str
    source: Path | bytes
    sha256: str
    size: int

    @property
    def ref(self) -> FileRef:
        """What a job calls it."""
        return FileRef(sha256=self.sha256, name=self.name)

    def blocks(self) -> Iterator[bytes]:
        """Its bytes.

        Raises:
            InvalidInput: The file is another one by now.
        """
        found, left = hashlib.sha256(), self.size
        for block in self._blocks():
            found.update(block)
            if len(block) > left:
                break
            left -= len(block)
            yield block
        if found.hexdigest() != self.sha256:
            raise _changed(self.source)

    def _blocks(self) -> Iterator[bytes]:
        if isinstance(self.source, bytes):
            yield from (self.source[at : at + _BLOCK] for at in range(0, self.size, _BLOCK))
            return
        try:
            with self.source.open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        except OSError:
            raise _changed(self.source) from None


def _changed(source: Path | bytes) -> InvalidInput:
    return InvalidInput(
        f"{source!s} changed while it was uploaded", code="file_changed", hint="submit it again"
    )


def read(source: Path | bytes, name: str, field: str) -> Content:
    """The content with its SHA-256, computed in constant memory.

    Raises:
        InvalidInput: There is no such file.
    """
    if isinstance(source, bytes):
        return Content(name, source, hashlib.sha256(source).hexdigest(), len(source))
    try:
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return Content(name, source, digest.hexdigest(), file.tell())
    except OSError as problem:
        raise InvalidInput(
            f"{source} can't be read: {problem.strerror}", code="file_unreadable", field=field
        ) from problem


def upload(connection: Connection, content: Content, on_progress: OnProgress | None = None) -> None:
    """Send the content, unless the platform has it.

    Raises:
        InvalidInput: The file changed meanwhile.
        RequestRefused: The platform doesn't take it.
        ServerUnreachable: It doesn't answer.
    """
    tell = on_progress or (lambda _progress: None)
    if is_there(connection, f"/blobs/{content.sha256}"):
        tell(Progress(content.name, content.size, content.size, known=True))
    else:
        send(connection, content, tell)


def is_there(connection: Connection, path: str) -> bool:
    """Whether the platform has what is behind the path.

    Raises:
        RequestRefused: It doesn't say.
        ServerUnreachable: It doesn't answer.
    """
    try:
        connection.request("HEAD", path)
    except RequestRefused as refused:
        if refused.status == httpx.codes.NOT_FOUND:
            return False
        raise
    return True


def send(connection: Connection, content: Content, tell: OnProgress) -> None:
    """Send the content as a blob; a large one goes on where it broke off, now or earlier.

    Raises:
        InvalidInput: The file changed meanwhile.
        RequestRefused: The platform doesn't take it.
        ServerUnreachable: It doesn't answer.
    """
    if content.size < RESUMED_FROM_BYTES:
        _put(connection, content, tell)
        return
    patience, known = Patience(REQUEST_PATIENCE), -1
    while True:
        offset = _offset(connection, content)
        if offset > known:  # something came through
            patience.succeeded()
        known = offset
        try:
            _send_rest(connection, content, offset, tell)
        except (ServerUnreachable, RequestRefused) as problem:
            # An offset that fits no more: somebody else sends the same file.
            broke = isinstance(problem, ServerUnreachable) or problem.code == OffsetMismatch.code
            if not broke or not patience.pause():
                raise
        else:
            return


def _offset(connection: Connection, content: Content) -> int:
    """How much of it the platform has."""
    answer = connection.request("HEAD", f"/blobs/{content.sha256}/upload")
    told = answer.headers.get("Upload-Offset", "")
    return min(int(told), content.size) if told.isdecimal() else 0


def _send_rest(connection: Connection, content: Content, offset: int, tell: OnProgress) -> None:
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(content.size - offset),
        "Upload-Offset": str(offset),
        "Upload-Length": str(content.size),
    }
    body, path = _Body(content, tell, offset), f"/blobs/{content.sha256}/upload"
    connection.request("PATCH", path, repeatable=False, content=body, headers=headers)


def _put(connection: Connection, content: Content, tell: OnProgress) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(content.size)}
    connection.request("PUT", f"/blobs/{content.sha256}", content=_Body(content, tell), headers=headers)


@dataclass(frozen=True)
class _Body:
    """A request's body that can be sent more than once."""

    content: Content
    report: OnProgress  # not "tell": httpx would take it for a file
    #: The bytes before are there already. They are read all the same: the file has to be what it was.
    offset: int = 0

    def __iter__(self) -> Iterator[bytes]:
        sent, size = 0, self.content.size
        self.report(Progress(self.content.name, self.offset, size))
        for block in self.content.blocks():
            rest = block[max(self.offset - sent, 0) :]
            sent += len(block)
            if rest:
                yield rest
                self.report(Progress(self.content.name, sent, size))
