"""The worker's end of the runner protocol; `torchyard.contracts.runner` describes it."""

import http
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import httpx

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

#: Below the 5 seconds after which common servers close an idle connection: none is closed under a request.
_KEEP_ALIVE_SECONDS = 4.0
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
        self._client = httpx.Client(
            base_url=f"{url.rstrip('/')}/runner/v1",
            timeout=httpx.Timeout(request_timeout, connect=connect_timeout),
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=64, keepalive_expiry=_KEEP_ALIVE_SECONDS
            ),
            trust_env=False,  # a proxy for the web has no business between the two
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def register(self, request: RegisterRequest, join_token: str) -> Registered:
        """Introduce this worker; its further calls carry the token that it gets.

        Raises:
            Unauthenticated: The join token is wrong.
        """
        response = self._send(
            "POST", "/register", value=request, headers={"Authorization": f"Bearer {join_token}"}
        )
        registered = Registered.model_validate_json(response.content)
        self._client.headers["Authorization"] = f"Bearer {registered.token}"
        return registered

    def heartbeat(self, beat: Heartbeat) -> HeartbeatAnswer:
        """Say that this worker lives, and hear what it may have missed."""
        return HeartbeatAnswer.model_validate_json(self._send("POST", "/heartbeat", value=beat).content)

    def claim(self, attempt_id: str) -> ClaimedAttempt:
        """Take the attempt.

        Raises:
            AttemptStale: It is not to be had (any more).
        """
        return ClaimedAttempt.model_validate_json(self._send("POST", f"/attempts/{attempt_id}/claim").content)

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
        with self._reaching(), self._client.stream("GET", f"/blobs/{sha256}") as response:
            if not response.is_success:
                response.read()
                _raise(response)
            yield response.iter_bytes()

    @contextmanager
    def get_blobs(self, digests: list[str]) -> Iterator[Iterator[tuple[str, Iterator[bytes]]]]:
        """SHA-256 and bytes of small blobs, one after the other, while the context lasts.

        Raises:
            NotFound: The platform lacks one of them.
        """
        body = WantedBlobs(sha256=digests).model_dump_json()
        headers = {"Content-Type": "application/json"}
        with (
            self._reaching(),
            self._client.stream("POST", "/blobs", content=body, headers=headers) as response,
        ):
            if not response.is_success:
                response.read()
                _raise(response)
            try:
                yield bundles.unbundled(response.iter_bytes())
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
        self._send("PUT", f"/attempts/{attempt_id}/blobs/{sha256}", content=chunks, headers=headers)

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
        content: bytes | Iterable[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        brings_files = content is not None
        if value is not None:
            content = value.model_dump_json().encode()
            headers = {"Content-Type": "application/json", **(headers or {})}
        with self._reaching():
            response = self._client.request(method, path, content=content, headers=headers)
        if response.status_code == http.HTTPStatus.INSUFFICIENT_STORAGE and not brings_files:
            # What is only to be written down is said until there is space for it: nobody else knows it.
            raise errors.Unavailable("the platform has no space left")
        if not response.is_success:
            _raise(response)
        return response

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as problem:
            raise errors.Unavailable(
                f"the platform does not answer: {str(problem) or type(problem).__name__}"
            ) from problem


def _raise(response: httpx.Response) -> NoReturn:
    problem = _problem(response)
    code, sentence = str(problem.get("code", "")), str(problem.get("detail", ""))
    if response.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and "expected" in problem:
        raise errors.OffsetMismatch(int(problem["expected"]))
    kind = _BY_CODE.get(code) or _BY_STATUS.get(response.status_code)
    if kind is None and response.is_server_error:
        kind = errors.Unavailable
    sentence = sentence or f"the platform answered {response.status_code}"
    if kind is not None:
        raise kind(sentence, **({"log": problem["log"]} if "log" in problem else {}))
    raise errors.RequestRefused(sentence, status=response.status_code, code=code or None)


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
