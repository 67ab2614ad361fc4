"""The worker's end of the runner protocol; `torchyard.contracts.runner` describes it."""

import http
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from torchyard import errors
from torchyard.contracts import bundles
from torchyard.contracts.logs import PIECES_HEADER, LogName, Piece, RecordName, encode_pieces
from torchyard.contracts.models import Lenient
from torchyard.contracts.runner import (
    ClaimedAttempt,
    Finish,
    Heartbeat,
    HeartbeatAnswer,
    Registered,
    RegisterRequest,
    Report,
    WantedBlobs,
)
from torchyard.contracts.sayings import received, say

#: Connections that are kept open. The one used last is used next, and with a heartbeat every five seconds no
#: server has closed that one yet.
_KEPT_OPEN = 64
_CHUNK_BYTES = 64 * 1024
_BY_CODE: dict[str, type[errors.TorchyardError]] = {
    "attempt_stale": errors.AttemptStale,
    "log_mismatch": errors.LogMismatch,
}
_BY_STATUS: dict[int, type[errors.TorchyardError]] = {
    http.HTTPStatus.UNAUTHORIZED: errors.Unauthenticated,
    http.HTTPStatus.FORBIDDEN: errors.Forbidden,
    http.HTTPStatus.NOT_FOUND: errors.NotFound,
    http.HTTPStatus.REQUEST_TIMEOUT: errors.Unavailable,
    http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE: errors.TooLarge,
    http.HTTPStatus.TOO_MANY_REQUESTS: errors.Unavailable,
    http.HTTPStatus.INSUFFICIENT_STORAGE: errors.StorageFull,
}


class PlatformApi:
    """One client for all threads; every call has its time limits.

    All calls raise `Unavailable` while the platform can't be reached or fails, `Unauthenticated` when it
    wants this worker to register again, and `RequestRefused` for what it won't take.
    """

    def __init__(self, url: str, *, connect_timeout: float, request_timeout: float) -> None:
        address = urllib3.util.parse_url(url)
        self._path = f"{(address.path or '').rstrip('/')}/runner/v1"
        # No session of a client around it: four requests of each job would take several times as long.
        self._pool = urllib3.connection_from_url(url, maxsize=_KEPT_OPEN, retries=False)
        self._timeout = urllib3.Timeout(connect=connect_timeout, read=request_timeout)
        # A new connection sends under the time limit for connecting, which is no measure for a file.
        self._file_timeout = urllib3.Timeout(connect=request_timeout, read=request_timeout)
        self._headers: dict[str, str] = {}

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def register(self, request: RegisterRequest, join_token: str) -> Registered:
        """Introduce this worker; its further calls carry the token that it gets.

        Raises:
            Unauthenticated: The join token is wrong.
        """
        response = self._send(
            "POST", "/register", value=request, headers={"Authorization": f"Bearer {join_token}"}
        )
        registered = Registered.model_validate_json(response.data)
        self._headers = {"Authorization": f"Bearer {registered.token}"}
        return registered

    def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        """Say that this worker lives, and hear what it may have missed."""
        return HeartbeatAnswer.model_validate_json(self._send("POST", "/heartbeat", value=beat).data)

    def claim(self, attempt_id: str) -> ClaimedAttempt:
        """Take the attempt.

        Raises:
            AttemptStale: It is not to be had (any more).
        """
        return ClaimedAttempt.model_validate_json(self._send("POST", f"/attempts/{attempt_id}/claim").data)

    def report(self, attempt_id: str, event: Report) -> None:
        """Tell of an event.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
        """
        self._send("POST", f"/attempts/{attempt_id}/events", value=event)

    def append(self, attempt_id: str, name: LogName, offset: int, data: bytes, pieces: list[Piece]) -> None:
        """Send what the script printed, and the pieces that begin in it.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            OffsetMismatch: The log continues at another offset.
        """
        headers = {
            "Content-Range": f"bytes {offset}-{offset + len(data) - 1}/*",
            "Content-Type": "application/octet-stream",
        }
        if pieces:
            headers[PIECES_HEADER] = encode_pieces(pieces)
        self._send("PATCH", f"/attempts/{attempt_id}/logs/{name}", content=data, headers=headers)

    def append_record(self, attempt_id: str, name: RecordName, offset: int, data: bytes) -> None:
        """Send what was measured.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            OffsetMismatch: The record continues at another offset.
            StorageFull: The platform has no space left.
        """
        headers = {
            "Content-Range": f"bytes {offset}-{offset + len(data) - 1}/*",
            "Content-Type": "application/octet-stream",
        }
        self._send("PATCH", f"/attempts/{attempt_id}/records/{name}", content=data, headers=headers)

    def has_blob(self, sha256: str) -> bool:
        """Whether the platform has these bytes already."""
        try:
            self._send("HEAD", f"/blobs/{sha256}")
        except errors.NotFound:
            return False
        return True

    @contextmanager
    def get_blob(self, sha256: str) -> Iterator[Iterator[bytes]]:
        """A blob's bytes, in chunks, while the context lasts.

        Raises:
            NotFound: The platform has no such blob.
        """
        with self._streamed("GET", f"/blobs/{sha256}") as chunks:
            yield chunks

    @contextmanager
    def get_blobs(self, digests: list[str]) -> Iterator[Iterator[tuple[str, Iterator[bytes]]]]:
        """SHA-256 and bytes of small blobs, one after the other, while the context lasts.

        Raises:
            NotFound: The platform lacks one of them.
        """
        with self._streamed("POST", "/blobs", value=WantedBlobs(sha256=digests)) as chunks:
            try:
                yield bundles.unbundled(chunks)
            except errors.Malformed as problem:
                raise errors.Unavailable("the platform's answer was damaged or cut off") from problem

    def put_blob(self, attempt_id: str, sha256: str, size: int, chunks: Iterable[bytes]) -> None:
        """Send a file that an attempt left.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            TooLarge: The platform takes no file of this size.
            StorageFull: The platform has no space left.
        """
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        path = f"/attempts/{attempt_id}/blobs/{sha256}"
        self._send("PUT", path, content=_Sent(chunks), headers=headers)

    def finish(self, attempt_id: str, final: Finish) -> None:
        """Report the attempt's end.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            LogMismatch: A log, named in `extra`, has to be sent again from its start.
        """
        self._send("POST", f"/attempts/{attempt_id}/finish", value=final)

    def _send(
        self,
        method: str,
        path: str,
        *,
        value: Lenient | None = None,
        content: "bytes | _Sent | None" = None,
        headers: dict[str, str] | None = None,
    ) -> urllib3.BaseHTTPResponse:
        with self._reaching():
            response = self._request(
                method, path, content if value is None else value, headers or {}, whole=True
            )
        if response.status == http.HTTPStatus.INSUFFICIENT_STORAGE and content is None:
            # What is only to be written down is said until there is space for it: nobody else knows it.
            raise errors.Unavailable("the platform has no space left")
        _check(response)
        return response

    @contextmanager
    def _streamed(self, method: str, path: str, value: Lenient | None = None) -> Iterator[Iterator[bytes]]:
        """The answer's body in chunks, while the context lasts."""
        with self._reaching():
            response = self._request(method, path, value, {}, whole=False)
            try:
                _check(response)
                yield response.stream(_CHUNK_BYTES)
            finally:
                response.close()  # one that was read to its end has gone back to the others

    def _request(
        self,
        method: str,
        path: str,
        body: "Lenient | bytes | _Sent | None",
        headers: dict[str, str],
        *,
        whole: bool,
    ) -> urllib3.BaseHTTPResponse:
        timeout = self._file_timeout if isinstance(body, _Sent) else self._timeout
        headers = self._headers | headers
        if isinstance(body, Lenient):
            body, headers = body.model_dump_json().encode(), headers | {"Content-Type": "application/json"}
        return self._pool.urlopen(
            method,
            self._path + path,
            body,
            headers,
            redirect=False,
            timeout=timeout,
            preload_content=whole,
        )

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as problem:
            raise errors.Unavailable(
                f"the platform does not answer: {str(problem) or type(problem).__name__}"
            ) from problem
        except _Unreadable as problem:
            raise problem.cause from None


class _Unreadable(Exception):
    """A file that was to be sent can't be read."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _Sent:
    """Chunks of a file; what goes wrong with it is not to be taken for a fault of the connection."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._chunks
        except OSError as problem:
            raise _Unreadable(problem) from problem


def _check(response: urllib3.BaseHTTPResponse) -> None:
    if http.HTTPStatus.OK <= response.status < http.HTTPStatus.MULTIPLE_CHOICES:
        return
    problem = _problem(response)
    code, sentence = str(problem.get("code", "")), str(problem.get("detail", ""))
    if saying := problem.get("saying"):
        sentence = received({"text": sentence, "saying": saying})
    if response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and "expected" in problem:
        raise errors.OffsetMismatch(int(problem["expected"]))
    kind = _BY_CODE.get(code) or _BY_STATUS.get(response.status)
    if kind is None and response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = errors.Unavailable
    sentence = sentence or say("platform_answered", status=response.status)
    if kind is not None:
        raise kind(sentence, **({"log": problem["log"]} if "log" in problem else {}))
    raise errors.RequestRefused(sentence, status=response.status, code=code or None)


def _problem(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
