"""Files on their way to the platform: only what it lacks is sent."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from torchyard.client.connection import Connection
from torchyard.contracts.jobs import FileRef
from torchyard.errors import InvalidInput, RequestRefused

_BLOCK = 1024 * 1024


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
    """Send the content as a blob.

    Raises:
        InvalidInput: The file changed meanwhile.
        RequestRefused: The platform doesn't take it.
        ServerUnreachable: It doesn't answer.
    """
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(content.size)}
    connection.request("PUT", f"/blobs/{content.sha256}", content=_Body(content, tell), headers=headers)


@dataclass(frozen=True)
class _Body:
    """A request's body that can be sent more than once."""

    content: Content
    report: OnProgress  # not "tell": httpx would take it for a file

    def __iter__(self) -> Iterator[bytes]:
        sent, size = 0, self.content.size
        self.report(Progress(self.content.name, 0, size))
        for block in self.content.blocks():
            yield block
            sent += len(block)
            self.report(Progress(self.content.name, sent, size))
