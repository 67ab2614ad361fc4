"""Stands between a client and an S3 server: counts what passes, and fails on request."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """A request that came.

    Attributes:
        method: GET or HEAD.
        path: The address's path, as a person reads it.
        query: What follows it.
        range: The Range header's value; empty if there is none.
        number: How many requests for the same thing came before it.
        headers: All headers, by their names in small letters.
    """

    method: str
    path: str
    query: str
    range: str
    number: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def reads(self) -> bool:
        """Whether it asks for an object's bytes, and not for a list."""
        return self.method == "GET" and not self.query


@dataclass(frozen=True)
class Answer:
    """Answered by the proxy itself."""

    status: int
    code: str = ""
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The connection ends after so many bytes of the body."""

    after: int


@dataclass(frozen=True)
class Damaged:
    """A byte of the body is another one."""


@dataclass(frozen=True)
class Held:
    """The answer waits; after half of the body if `midway`."""

    until: threading.Event
    midway: bool = False


Fault = Answer | Cut | Damaged | Held | None


class S3Proxy:
    """What passed, and what is to go wrong."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.url = ""
        #: Given a request: what goes wrong with it, if anything.
        self.fault: Callable[[Request], Fault] = lambda _request: None
        self.requests: list[Request] = []
        #: Bytes of objects that were sent.
        self.sent = 0
        self._lock = threading.Lock()

    def note(self, method: str, target: str, headers: dict[str, str]) -> Request:
        """Count a request."""
        parts = urlsplit(target)
        asked = (method, unquote(parts.path), parts.query, headers.get("range", ""))
        with self._lock:
            number = sum(1 for one in self.requests if (one.method, one.path, one.query, one.range) == asked)
            request = Request(*asked, number, headers)
            self.requests.append(request)
            return request

    def count(self, length: int) -> None:
        """Count an object's bytes."""
        with self._lock:
            self.sent += length

    def read(self) -> list[str]:
        """Paths of the objects that were asked for, each time."""
        return [request.path for request in self.requests if request.reads]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: S3Proxy

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _pass(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = self.proxy.note(self.command, self.path, headers)
        fault = self.proxy.fault(request)
        if isinstance(fault, Answer):
            self._answer(fault)
            return
        if isinstance(fault, Held) and not fault.midway:
            fault.until.wait(30)
        # The signature is about the Host header, so the server has to see the one that the client sent.
        upstream = http.client.HTTPConnection(self.proxy.upstream.netloc, timeout=30)
        upstream.request(self.command, self.path, headers=dict(self.headers))
        with upstream.getresponse() as answer:
            body = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {
                    "server",
                    "date",
                    "connection",
                    "transfer-encoding",
                    "content-length",
                }:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else len(body)
            self.send_header("Content-Length", str(length))
            self.end_headers()
        upstream.close()
        self._send(body, fault, request)

    def _send(self, body: bytes, fault: Fault, request: Request) -> None:
        if isinstance(fault, Cut):
            body, self.close_connection = body[: fault.after], True
        if isinstance(fault, Damaged):
            body = bytes([body[0] ^ 1]) + body[1:]
        half = len(body) // 2 if isinstance(fault, Held) and fault.midway else len(body)
        self.wfile.write(body[:half])
        if isinstance(fault, Held) and fault.midway:
            self.wfile.flush()
            fault.until.wait(30)
            self.wfile.write(body[half:])
        if request.reads:
            self.proxy.count(len(body))

    def _answer(self, answer: Answer) -> None:
        told = answer.body or f"<Error><Code>{answer.code}</Code></Error>"
        body = b"" if self.command == "HEAD" else told.encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_HEAD = _pass  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxied(upstream: str) -> Iterator[S3Proxy]:
    """A proxy before an S3 server, while the context lasts."""
    proxy = S3Proxy(upstream)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
