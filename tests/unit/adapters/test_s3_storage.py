"""A storage that misbehaves: what is said of it, and where nothing is ever sent."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from torchyard.adapters.s3_storage import S3Storage
from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.storage_paths import parse
from torchyard.errors import CursorInvalid, Forbidden, NotFound, TorchyardError, Unavailable

SECRET = "canary-of-the-secret"
PATH = parse("s3://data/dir/file.csv")
Answer = tuple[int, dict[str, str], bytes]


class Misbehaving:
    """A server that gives every request the same answer."""

    def __init__(self) -> None:
        self.answer: Answer = (200, {}, b"")
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(misbehaving) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                misbehaving.requests.append(f"{self.command} {self.path}")
                status, headers, body = misbehaving.answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def storage() -> Iterator[Misbehaving]:
    server = Misbehaving()
    yield server
    server.close()


@pytest.fixture
def elsewhere() -> Iterator[Misbehaving]:
    server = Misbehaving()
    yield server
    server.close()


def make_access(endpoint: str | None, **fields: str) -> StorageAccess:
    return StorageAccess.model_validate(
        {
            "name": "lab",
            "kind": "s3",
            "endpoint": endpoint,
            "region": "us-east-1",
            "addressing": "path",
            "access_key_id": "canary-of-the-id",
            "secret_access_key": SECRET,
            "allowed": ["data"],
            **fields,
        }
    )


def problems(access: StorageAccess, cursor: str | None = None) -> list[TorchyardError]:
    """What a look for a file and a listing are refused with."""
    storage = S3Storage()
    with pytest.raises(TorchyardError) as found:
        storage.find(access, PATH)
    with pytest.raises(TorchyardError) as listed:
        storage.listing(access, PATH, cursor)
    return [found.value, listed.value]


def xml(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>signed with {SECRET}</Message></Error>".encode()


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ((403, {}, xml("AccessDenied")), Forbidden, "dependency_forbidden"),
        ((403, {}, xml("SignatureDoesNotMatch")), Forbidden, "dependency_forbidden"),
        ((401, {}, b""), Forbidden, "dependency_forbidden"),
        ((404, {}, xml("NoSuchBucket")), NotFound, "dependency_not_found"),
        ((400, {}, xml("AuthorizationHeaderMalformed")), Unavailable, "dependency_unavailable"),
        ((500, {}, xml("InternalError")), Unavailable, "dependency_unavailable"),
        ((503, {}, xml("SlowDown")), Unavailable, "dependency_unavailable"),
        ((418, {}, b"I am no storage"), Unavailable, "dependency_unavailable"),
    ],
)
def test_refusals_name_bucket_and_key_and_nothing_that_was_signed(
    storage: Misbehaving, answer: Answer, kind: type[TorchyardError], code: str
) -> None:
    storage.answer = answer

    for problem in problems(make_access(storage.url)):
        assert (type(problem), problem.code) == (kind, code)
        assert "data" in problem.message
        told = f"{problem.message} {problem.hint} {problem.extra} {problem.__cause__}"
        assert "canary" not in told
        assert "Signature" not in told


def test_no_answer_at_all_is_said_to_be_unavailable() -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        for problem in problems(make_access(f"http://127.0.0.1:{taken.getsockname()[1]}")):
            assert (type(problem), problem.code) == (Unavailable, "dependency_unavailable")


def test_an_answer_that_is_no_xml_is_said_to_be_unavailable(storage: Misbehaving) -> None:
    storage.answer = (200, {}, b"<html>welcome to the hotel")

    with pytest.raises(Unavailable):
        S3Storage().listing(make_access(storage.url), PATH, None)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_never_followed(storage: Misbehaving, elsewhere: Misbehaving, status: int) -> None:
    location = {"Location": f"{elsewhere.url}/latest/meta-data/", "x-amz-bucket-region": "eu-west-1"}
    storage.answer = (status, location, xml("TemporaryRedirect"))

    for problem in problems(make_access(storage.url)):
        assert type(problem) is Unavailable

    assert storage.requests
    assert elsewhere.requests == []


def test_a_cursor_that_the_storage_does_not_know_is_refused(storage: Misbehaving) -> None:
    storage.answer = (400, {}, xml("InvalidArgument"))

    assert isinstance(problems(make_access(storage.url), cursor="forged")[1], CursorInvalid)


@pytest.mark.parametrize("endpoint", ["http://[::1", "http://:80:80", "https://..."])
def test_an_endpoint_that_is_none_is_said_to_be_unavailable(endpoint: str) -> None:
    for problem in problems(make_access(endpoint)):
        assert problem.code == "dependency_unavailable"


def test_nothing_of_our_own_environment_is_used(
    storage: Misbehaving, elsewhere: Misbehaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, elsewhere.url)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "canary-of-the-session")
    storage.answer = (404, {}, b"")

    problems(make_access(storage.url))

    assert storage.requests
    assert elsewhere.requests == []


def test_a_connection_that_was_set_up_anew_is_used_at_once(storage: Misbehaving) -> None:
    looking = S3Storage()
    access = make_access(storage.url)
    storage.answer = (403, {}, b"")
    with pytest.raises(Forbidden):
        looking.find(access, PATH)
    storage.answer = (200, {"ETag": '"abc"'}, b"12345")

    found = looking.find(access.model_copy(update={"region": "eu-west-1"}), PATH)

    assert (found.size, found.etag) == (5, "abc")
