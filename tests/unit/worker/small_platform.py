"""A platform of one page: the runner protocol over real HTTP, with faults on request."""

import json
import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from torchyard.contracts.bundles import bundled
from torchyard.contracts.jobs import FileRef, JobSpec
from torchyard.contracts.logs import (
    MAX_APPEND_BYTES,
    MAX_PIECES,
    PIECES_HEADER,
    Piece,
    RecordName,
    decode_pieces,
)
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
from torchyard.contracts.topics import worker_queue
from torchyard.contracts.trees import Tree, TreeEntry

JOIN_TOKEN = "join"


class Fault(Enum):
    """What may go wrong with one request."""

    #: The connection ends before anything is done.
    DROPPED = "dropped"
    #: It is done, but the answer is lost.
    ANSWER_LOST = "answer lost"
    #: 500, nothing is done.
    BROKEN = "broken"
    #: 507, nothing is done.
    FULL = "full"


#: Given a method and a path: what goes wrong with this request, if anything.
Faults = Callable[[str, str], Fault | None]


class SmallPlatform:
    """Keeps what a worker tells it, as the real one does."""

    def __init__(self) -> None:
        self.url = ""
        self.faults: Faults = lambda _method, _path: None
        #: Called after each request that was taken.
        self.answered: Callable[[], None] = lambda: None
        self.claimable: dict[str, ClaimedAttempt] = {}
        self.stale: set[str] = set()
        self.blobs: dict[str, bytes] = {}
        self.logs: dict[str, bytearray] = {"stdout.log": bytearray(), "stderr.log": bytearray()}
        self.pieces: dict[int, Piece] = {}
        self.records: dict[str, bytearray] = {name: bytearray() for name in RecordName}
        self.records_refused = False
        self.reports: dict[int, Report] = {}
        self.finishes: list[Finish] = []
        self.broker_url = "redis://127.0.0.1:1"
        self.token = ""
        self.registrations: list[RegisterRequest] = []
        self.heartbeats: list[Heartbeat] = []
        self.heartbeat_answer = HeartbeatAnswer()
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def offer(self, attempt_id: str, script: str, *, zipped: bytes | None = None, **spec: Any) -> None:
        """An attempt to be claimed; `zipped` are its dependencies, a zip or a tree."""
        dependencies = None if zipped is None else FileRef(sha256=self.keep(zipped), name="deps.zip")
        self.claimable[attempt_id] = ClaimedAttempt(
            attempt_id=attempt_id,
            job_id="5f0c1b1e-0000-4000-8000-000000000001",
            number=1,
            spec=JobSpec.model_validate(
                {
                    "name": "a job",
                    "script": FileRef(sha256=self.keep(script.encode()), name="main.py"),
                    "dependencies": dependencies,
                    "runtime": "test",
                    **spec,
                }
            ),
        )

    def keep(self, content: bytes) -> str:
        """The SHA-256 of a blob it has from now on."""
        digest = sha256(content).hexdigest()
        self.blobs[digest] = content
        return digest

    def keep_tree(self, files: dict[str, bytes], *, executable: str | None = None) -> bytes:
        """A tree of these files, which it has from now on; empty directories end with a slash."""
        entries = [
            TreeEntry(path=path)
            if path.endswith("/")
            else TreeEntry(
                path=path, sha256=self.keep(content), size=len(content), executable=path == executable
            )
            for path, content in files.items()
        ]
        return Tree(entries=entries).document()

    def messages(self) -> list[str]:
        reports = [self.reports[number] for number in sorted(self.reports)]
        return [line for report in reports for line in (*report.before, report.message)]

    def finished(self) -> Finish | None:
        return self.finishes[-1] if self.finishes else None

    def take(self, method: str, path: str, body: bytes, headers: Any) -> tuple[int, Any]:
        """Do what a request asks; status and answer."""
        with self.lock:
            self.requests.append((method, path))
            if match := re.fullmatch(r"/runner/v1/blobs/(\w+)", path):
                found = self.blobs.get(match[1])
                return (404, problem("not_found")) if found is None else (200, found)
            if path == "/runner/v1/blobs":
                return self._bundle(WantedBlobs.model_validate_json(body).sha256)
            if match := re.fullmatch(r"/runner/v1/(register|heartbeat)", path):
                return getattr(self, f"_{match[1]}")(body, headers)
            match = re.fullmatch(r"/runner/v1/attempts/([^/]+)/(\w+)(?:/(.+))?", path)
            assert match, path
            attempt_id, verb, rest = match.groups()
            if attempt_id in self.stale:
                return 409, problem("attempt_stale")
            return getattr(self, f"_{verb}")(attempt_id, rest, body, headers)

    def _bundle(self, digests: list[str]) -> tuple[int, Any]:
        if any(digest not in self.blobs for digest in digests):
            return 404, problem("not_found")
        found = ((digest, len(self.blobs[digest]), [self.blobs[digest]]) for digest in digests)
        return 200, b"".join(bundled(found))

    def _register(self, body: bytes, headers: Any) -> tuple[int, Any]:
        if headers["Authorization"] != f"Bearer {JOIN_TOKEN}":
            return 401, problem("unauthenticated")
        self.registrations.append(RegisterRequest.model_validate_json(body))
        self.token = f"token {len(self.registrations)}"
        return 200, self.registered().model_dump(mode="json")

    def registered(self) -> Registered:
        """What a worker is welcomed with."""
        worker = self.registrations[-1].worker_id
        return Registered(
            token=self.token,
            broker_url=self.broker_url,
            queue=worker_queue(worker),
            heartbeat_seconds=0.05,
            abandoned=[one for one in self.registrations[-1].attempts if one in self.stale],
        )

    def _heartbeat(self, body: bytes, headers: Any) -> tuple[int, Any]:
        if headers["Authorization"] != f"Bearer {self.token}":
            return 401, problem("unauthenticated")
        self.heartbeats.append(Heartbeat.model_validate_json(body))
        return 200, self.heartbeat_answer.model_dump(mode="json")

    def _claim(self, attempt_id: str, *_: Any) -> tuple[int, Any]:
        claimed = self.claimable.pop(attempt_id, None)
        return (409, problem("attempt_stale")) if claimed is None else (200, claimed.model_dump(mode="json"))

    def _events(self, _attempt: str, _rest: None, body: bytes, _headers: Any) -> tuple[int, Any]:
        report = Report.model_validate_json(body)
        self.reports.setdefault(report.number, report)
        return 204, None

    def _logs(self, _attempt: str, name: str, body: bytes, headers: Any) -> tuple[int, Any]:
        start, end = map(int, re.findall(r"\d+", headers["Content-Range"]))
        kept = self.logs[name]
        pieces = decode_pieces(headers.get(PIECES_HEADER, ""))
        assert end - start + 1 == len(body) <= MAX_APPEND_BYTES
        assert len(pieces) <= MAX_PIECES
        assert all(start <= piece.offset <= end for piece in pieces)
        if start > len(kept):
            return 416, problem("offset_mismatch", expected=len(kept))
        new = body[len(kept) - start :]
        self.pieces |= {piece.offset: piece for piece in pieces if new and piece.offset >= len(kept)}
        kept += new
        return 204, None

    def _records(self, _attempt: str, name: str, body: bytes, headers: Any) -> tuple[int, Any]:
        start, end = map(int, re.findall(r"\d+", headers["Content-Range"]))
        if self.records_refused:
            return 404, problem("not_found")
        kept = self.records[name]
        assert end - start + 1 == len(body) <= MAX_APPEND_BYTES
        if start > len(kept):
            return 416, problem("offset_mismatch", expected=len(kept))
        kept += body[len(kept) - start :]
        return 204, None

    def _blobs(self, _attempt: str, digest: str, body: bytes, _headers: Any) -> tuple[int, Any]:
        assert self.keep(body) == digest
        return 201, None

    def _finish(self, attempt_id: str, _rest: None, body: bytes, _headers: Any) -> tuple[int, Any]:
        final = Finish.model_validate_json(body)
        for seal in final.logs:
            kept = self.logs[seal.name]
            if (len(kept), zlib.crc32(kept)) != (seal.size, seal.crc32):
                kept.clear()
                return 409, problem("log_mismatch", log=seal.name)
        self.finishes.append(final)
        self.stale.add(attempt_id)
        return 204, None


def problem(code: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "detail": f"refused: {code}", **more}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    platform: SmallPlatform

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.platform.faults(self.command, self.path)
        if fault is Fault.DROPPED:
            self.close_connection = True
            return
        refusals = {Fault.BROKEN: (500, problem("internal")), Fault.FULL: (507, problem("storage_full"))}
        status, answer = (
            refusals[fault]
            if fault in refusals
            else self.platform.take(self.command, self.path, body, self.headers)
        )
        self.platform.answered()
        if fault is Fault.ANSWER_LOST:
            self.close_connection = True
            return
        content = (
            answer if isinstance(answer, bytes) else b"" if answer is None else json.dumps(answer).encode()
        )
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[SmallPlatform]:
    """A platform that answers while the context lasts."""
    platform = SmallPlatform()
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    platform.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield platform
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
