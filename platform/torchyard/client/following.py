"""Streams of the platform that outlive their connections: nothing lost, nothing twice."""

from collections.abc import Iterator
from typing import Any

import httpx

from torchyard.client.connection import AWAY, FOLLOW_PATIENCE, Connection
from torchyard.client.patience import Patience
from torchyard.client.problems import nonsense
from torchyard.client.sse import EventParser, ServerEvent
from torchyard.errors import RequestRefused


def follow(connection: Connection, path: str, params: dict[str, Any]) -> Iterator[ServerEvent]:
    """The stream's events until its `end`, pings included; the connection is renewed as often as it breaks.

    Raises:
        RequestRefused: The platform has no such stream (any more).
        ServerUnreachable: It stayed away.
    """
    patience = Patience(FOLLOW_PATIENCE)
    last: str | None = None
    while True:
        headers = {"Accept": "text/event-stream"} | ({} if last is None else {"Last-Event-ID": last})
        try:
            with connection.stream(path, params=params, headers=headers) as answer:
                for event in _events(answer):
                    patience.succeeded()
                    last = event.id if event.id is not None else last
                    yield event
                    if event.name == "end":
                        return
            lost: Exception = ConnectionError("it ended before the end")
        except (httpx.TransportError, RequestRefused) as problem:
            if not is_passing(problem):
                raise
            lost = problem
        connection.wait_for_return(patience, lost)


def follow_bytes(
    connection: Connection, path: str, params: dict[str, Any], start: int = 0
) -> Iterator[bytes]:
    """A file's bytes from `start` to the end that it has now, in blocks.

    Raises:
        RequestRefused: There is no such file.
        ServerUnreachable: The platform stayed away.
    """
    patience = Patience(FOLLOW_PATIENCE)
    while True:
        try:
            with connection.stream(
                path, params=params, headers={"Range": f"bytes={start}-"} if start else {}
            ) as answer:
                if start and answer.status_code != httpx.codes.PARTIAL_CONTENT:
                    raise nonsense(answer, "a range of bytes")
                for block in answer.iter_raw():
                    patience.succeeded()
                    start += len(block)
                    yield block
        except (httpx.TransportError, RequestRefused) as problem:
            if _is_all_read(problem):
                return
            if not is_passing(problem):
                raise
            lost = problem
        else:
            return
        connection.wait_for_return(patience, lost)


def is_passing(problem: Exception) -> bool:
    """Whether trying again may help."""
    return not isinstance(problem, RequestRefused) or problem.status in AWAY


def _is_all_read(problem: Exception) -> bool:
    unsatisfiable = httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE
    return isinstance(problem, RequestRefused) and problem.status == unsatisfiable


def _events(answer: httpx.Response) -> Iterator[ServerEvent]:
    if not answer.headers.get("content-type", "").startswith("text/event-stream"):
        raise nonsense(answer, "a stream of events")
    parser = EventParser()
    for chunk in answer.iter_raw():
        yield from parser.feed(chunk)
