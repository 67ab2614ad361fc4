"""HTTP to one platform: requests that survive a lost connection, and errors in sentences."""

import contextlib
import http
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from torchyard.client.address import Address
from torchyard.client.patience import Patience
from torchyard.client.problems import nonsense, refusal
from torchyard.contracts.models import Lenient
from torchyard.errors import ServerUnreachable

T = TypeVar("T")

#: Seconds for one request; an upload's answer comes after its bytes were written to disk.
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
#: Seconds of silence after which a followed stream counts as lost; the platform pings every 15 s.
_STREAM_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
#: Seconds for which a request is tried again: a platform that restarts is back by then.
REQUEST_PATIENCE = 30.0
#: Seconds for which a follower waits for a platform to come back.
FOLLOW_PATIENCE = 600.0
#: Items in one answer when all are asked for; the most that the platform gives.
_PAGE = 500
#: Methods that do no harm when they are repeated after a lost answer.
_REPEATABLE = frozenset({"GET", "HEAD", "PUT"})
#: Answers of a platform, or of a proxy before it, that is about to be back.
AWAY = frozenset(
    {http.HTTPStatus.BAD_GATEWAY, http.HTTPStatus.SERVICE_UNAVAILABLE, http.HTTPStatus.GATEWAY_TIMEOUT}
)


class Page(Lenient, Generic[T]):
    """A part of a list, and where the next one begins."""

    items: list[T]
    next_cursor: str | None = None


class Connection:
    """One platform, over one pool of connections."""

    def __init__(self, address: Address, on_interruption: Callable[[str], None] | None = None) -> None:
        self.address = address
        self._tell = on_interruption or (lambda _sentence: None)
        self._token = address.token
        self._answered = False
        self._http = httpx.Client(
            base_url=f"{address.url}/api/v1",
            headers=_headers(address.token),
            timeout=_TIMEOUT,
            # A proxy for the world outside can't reach a platform on this machine.
            trust_env=not address.on_this_machine,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def ask(self, kind: TypeAdapter[T], method: str, path: str, **parts: Any) -> T:
        """A request's answer as a value of the contracts; see `request`."""
        answer = self.request(method, path, **parts)
        try:
            return kind.validate_json(answer.content)
        except ValidationError:
            raise nonsense(answer, "what was asked for") from None

    def listed(
        self, kind: TypeAdapter[Page[T]], path: str, params: Mapping[str, Any], limit: int | None = None
    ) -> Iterator[T]:
        """All items of a list, `limit` at most, asked for part by part as they are used; see `request`."""
        cursor: dict[str, str] = {}
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            page = self.ask(kind, "GET", path, params={**params, "limit": size, **cursor})
            yield from page.items
            left = None if left is None else left - len(page.items)
            if page.next_cursor is None:
                return
            cursor = {"cursor": page.next_cursor}

    def request(
        self, method: str, path: str, *, repeatable: bool | None = None, **parts: Any
    ) -> httpx.Response:
        """A successful answer, body and all.

        Args:
            method: The HTTP method.
            path: Behind `/api/v1`.
            repeatable: Whether the request may be sent again when its answer was lost; by the method if None.
            **parts: For httpx; a body that is streamed must give a new iterator each time.

        Raises:
            RequestRefused: The platform answered with a problem.
            ServerUnreachable: It didn't answer.
        """
        may_repeat = method in _REPEATABLE if repeatable is None else repeatable
        patience = Patience(REQUEST_PATIENCE)
        while True:
            try:
                answer = self._http.request(method, path, **parts)
            except httpx.TransportError as lost:
                if not self._may_try_again(lost, may_repeat) or not patience.pause():
                    raise self.unreachable(lost) from lost
                continue
            self._answered = True
            if not (may_repeat and _try_later(answer)) or not patience.pause():
                return self._successful(answer)

    @contextlib.contextmanager
    def stream(self, path: str, **parts: Any) -> Iterator[httpx.Response]:
        """A successful answer whose body is read as it comes. Lost connections are the caller's to handle.

        Raises:
            RequestRefused: The platform answered with a problem.
            httpx.TransportError: The connection was lost.
        """
        with self._http.stream("GET", path, timeout=_STREAM_TIMEOUT, **parts) as answer:
            self._answered = True
            if not answer.is_success:
                answer.read()
            yield self._successful(answer)

    def wait_for_return(self, patience: Patience, lost: Exception) -> None:
        """Wait before a lost stream is asked for again.

        Raises:
            ServerUnreachable: It never answered at all, or has been away for too long.
        """
        self._tell(f"the connection to {self.address.url} was lost ({_cause(lost)}); trying again")
        if not self._answered or not patience.pause():
            raise self.unreachable(lost) from lost

    def unreachable(self, lost: Exception) -> ServerUnreachable:
        """The error for a platform that doesn't answer."""
        return ServerUnreachable(
            f"{self.address.url} doesn't answer ({_cause(lost)})",
            hint="Is it running? Start it with `torchyard up`"
            if self.address.on_this_machine
            else "Is it running, and can it be reached from here? Its address is TORCHYARD_URL",
        )

    def _may_try_again(self, lost: httpx.TransportError, may_repeat: bool) -> bool:
        # A platform that was never there is told at once; one that was there is probably restarting.
        return self._answered and (may_repeat or isinstance(lost, httpx.ConnectError | httpx.ConnectTimeout))

    def _successful(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        raise refusal(answer, with_token=self._token is not None)


def _headers(token: str | None) -> dict[str, str]:
    # Positions are those of the bytes themselves, so nothing on the way may compress them.
    headers = {"Accept-Encoding": "identity"}
    return headers | {"Authorization": f"Bearer {token}"} if token else headers


def _try_later(answer: httpx.Response) -> bool:
    if answer.status_code in AWAY:
        return True
    return answer.status_code == http.HTTPStatus.CONFLICT and b'"idempotency_in_progress"' in answer.content


def _cause(lost: Exception) -> str:
    return str(lost).strip() or type(lost).__name__
