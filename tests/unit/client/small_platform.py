"""A small server in a thread that speaks the API's shapes, and can lose connections on purpose."""

import base64
import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.factories import make_zip

from torchyard.contracts.bundles import unbundled
from torchyard.contracts.trees import Tree

TOKEN = "ty_small"
Piece = tuple[str | None, bytes]


def make_job(**fields: Any) -> dict[str, Any]:
    script = {"sha256": "0" * 64, "name": "train.py"}
    return {
        "id": str(uuid.uuid4()),
        "name": "train.py",
        "owner": "admin",
        "state": "queued",
        "attempt": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "spec": {"name": "train.py", "script": script, "runtime": "torch-test"},
        **fields,
    }


class SmallPlatform:
    """What the server knows, and how it shall behave; all of it may be set by a test."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.workers: list[dict[str, Any]] = []
        self.blobs: dict[str, bytes] = {}
        self.trees: dict[str, Tree] = {}
        #: Whether it loses what was uploaded.
        self.forgetful = False
        self.created: dict[str, str] = {}
        self.logs: dict[tuple[str, int], list[Piece]] = {}
        self.events: list[dict[str, Any]] = []
        self.artifacts: dict[str, bytes] = {}
        #: What a submitted job becomes once its log was followed to the end.
        self.outcome: dict[str, Any] = {"state": "succeeded", "exit_code": 0}
        #: Bytes after which the next answers break off.
        self.breaks: list[int] = []
        #: Requests whose answer is lost, by method.
        self.lost: list[str] = []
        #: The next answers, by method and path, instead of the real ones: status and problem.
        self.problems: dict[tuple[str, str], tuple[int, Any]] = {}
        #: Streams end only when this is set.
        self.released = threading.Event()
        self.released.set()
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    def __enter__(self) -> "SmallPlatform":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def asked(self, method: str, path: str = "") -> list[str]:
        """The paths of requests with this method that hold `path`."""
        return [seen for kind, seen, _ in self.requests if kind == method and path in seen]

    def job(self, job_id: str) -> dict[str, Any]:
        return next(job for job in self.jobs if job["id"] == job_id)

    def log(self, name: str, attempt: int = 1) -> bytes:
        return b"".join(data for _, data in self.logs.get((name, attempt), []))

    def frames(self, name: str, attempt: int, start: int) -> Iterator[bytes]:
        """The log as events, from a byte offset on."""
        offset = 0
        for stream, data in self.logs.get((name, attempt), []):
            rest = data[max(start - offset, 0) :]
            first, offset = max(offset, start), offset + len(data)
            if rest:
                chunk = {"offset": first, "stream": stream, "time_ms": 1} | _encoded(rest)
                yield b": ping\n\n" + _frame(chunk, offset)


def _encoded(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _frame(data: Any, identity: int) -> bytes:
    return f"id: {identity}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _handler(platform: SmallPlatform) -> type[BaseHTTPRequestHandler]:
    verbs = {f"do_{method}": _Handler.route for method in ("GET", "POST", "PUT", "HEAD", "DELETE")}
    return type("Handler", (_Handler,), {"state": platform, **verbs})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # for a client that was not closed
    state: SmallPlatform

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def route(self) -> None:
        parts = urlsplit(self.path)
        self.query = parse_qs(parts.query)
        path = unquote(parts.path).removeprefix("/api/v1")
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.state.requests.append((self.command, path, dict(self.headers)))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._problem(401, code="unauthenticated", detail="A valid token or session is needed.")
            return
        if (self.command, path) in self.state.problems:
            status, problem = self.state.problems.pop((self.command, path))
            self._problem(status, **problem) if isinstance(problem, dict) else self._raw(
                status, problem, "text/html"
            )
            return
        kind, *rest = path.strip("/").split("/")
        self._dispatch(kind, rest)

    def _dispatch(self, kind: str, rest: list[str]) -> None:
        if kind == "blobs":
            self._blob(rest[0]) if rest else self._bundle()
        elif kind == "trees":
            self._tree(rest)
        elif kind == "workers":
            self._workers(rest)
        elif not rest:
            {"jobs": self._jobs, "runtimes": self._nothing}[kind]()
        elif not any(job["id"] == rest[0] for job in self.state.jobs):
            self._problem(404, code="job_not_found", detail="there is no job with this id")
        else:
            self._job(self.state.job(rest[0]), rest[1:])

    def _workers(self, rest: list[str]) -> None:
        if not rest:
            self._json(200, self.state.workers)
            return
        worker = next(worker for worker in self.state.workers if worker["id"] == rest[0])
        worker["draining"] = json.loads(self.body)["drain"]
        self._json(200, worker)

    def _nothing(self) -> None:
        self._json(200, [])

    def _blob(self, sha256: str) -> None:
        there = sha256 in self.state.blobs
        if self.command == "PUT":
            assert hashlib.sha256(self.body).hexdigest() == sha256
            self.state.blobs[sha256] = self.body
            self._json(200 if there else 201, {})
        else:
            self._raw(200 if there else 404, b"", "text/plain")

    def _bundle(self) -> None:
        for sha256, content in unbundled([self.body]):
            self.state.blobs[sha256] = b"".join(content)
            assert hashlib.sha256(self.state.blobs[sha256]).hexdigest() == sha256
        self._json(201, {})

    def _tree(self, rest: list[str]) -> None:
        if rest:
            self._raw(200 if rest[0] in self.state.trees else 404, b"", "text/plain")
            return
        tree = Tree.model_validate_json(self.body)
        sha256 = hashlib.sha256(tree.document()).hexdigest()
        missing = [file for file in tree.files() if file not in self.state.blobs]
        if self.state.forgetful:
            missing = list(tree.files())
        if not missing:
            self.state.trees[sha256] = tree
        self._json(200, {"sha256": sha256, "missing": missing})

    def _jobs(self) -> None:
        if self.command == "POST":
            self._create()
            return
        first, limit = int(self.query.get("cursor", ["0"])[0]), int(self.query["limit"][0])
        states = self.query.get("state")
        prefix = self.query.get("id_prefix", [""])[0]
        jobs = [
            job
            for job in self.state.jobs
            if (not states or job["state"] in states) and job["id"].startswith(prefix)
        ]
        more = first + limit < len(jobs)
        self._json(
            200, {"items": jobs[first : first + limit], "next_cursor": str(first + limit) if more else None}
        )

    def _create(self) -> None:
        sent, key = json.loads(self.body), self.headers["Idempotency-Key"]
        if key in self.state.created:
            self._json(200, self.state.job(self.state.created[key]))
            return
        defaults = {"runtime": "torch-test", "name": sent["script"]["name"]}
        job = make_job(name=sent.get("name") or sent["script"]["name"], spec=defaults | sent)
        self.state.jobs.insert(0, job)
        self.state.created[key] = job["id"]
        self._json(201, job)

    def _job(self, job: dict[str, Any], rest: list[str]) -> None:
        simple: dict[tuple[str, str], Callable[[], None]] = {
            ("GET", ""): lambda: self._json(200, job),
            ("GET", "events"): lambda: self._json(200, self.state.events),
            ("GET", "attempts"): lambda: self._json(200, []),
            ("GET", "artifacts"): lambda: self._json(200, self._listed()),
            ("GET", "artifacts.zip"): lambda: self._raw(
                200, make_zip(dict(self.state.artifacts)), "text/plain"
            ),
            ("GET", "events/stream"): lambda: self._event_stream(job),
            ("POST", "cancel"): lambda: self._cancel(job),
            ("POST", "run-again"): lambda: self._json(201, make_job(run_again_of=job["id"])),
            ("DELETE", ""): lambda: self._raw(204, b"", "text/plain"),
        }
        if (self.command, "/".join(rest)) in simple:
            simple[self.command, "/".join(rest)]()
        elif rest[0] == "artifacts":
            self._file(self.state.artifacts["/".join(rest[1:])])
        elif rest[-1] == "stream":
            self._log_stream(job, rest[1])
        else:
            self._file(self.state.log(rest[1], self._attempt(job)))

    def _attempt(self, job: dict[str, Any]) -> int:
        return int(self.query.get("attempt", [job["attempt"]])[0])

    def _listed(self) -> list[Any]:
        return [
            {
                "path": path,
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "media_type": "text/plain",
                "attempt": 1,
            }
            for path, data in self.state.artifacts.items()
        ]

    def _cancel(self, job: dict[str, Any]) -> None:
        self.state.outcome = {"state": "cancelled", "sentence": "Cancelled while it ran."}
        self.state.released.set()
        self._json(200, job)

    def _file(self, data: bytes) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if start and start >= len(data):
            self._problem(416, code="range_not_satisfiable", detail="behind the end")
            return
        self._raw(206 if start else 200, data[start:], "text/plain")

    def _event_stream(self, job: dict[str, Any]) -> None:
        after = int(self.headers.get("Last-Event-ID", "0"))
        frames = [_frame(event, event["seq"]) for event in self.state.events if event["seq"] > after]
        self._stream(frames, job)

    def _log_stream(self, job: dict[str, Any], name: str) -> None:
        start = int(self.headers.get("Last-Event-ID") or self.query["offset"][0])
        self._stream(self.state.frames(name, self._attempt(job), start), job)

    def _stream(self, frames: Any, job: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        wire = b"".join(frames)
        if self.state.breaks:
            self.wfile.write(wire[: self.state.breaks.pop(0)])
        else:
            self.wfile.write(wire)
            self.wfile.flush()
            self.state.released.wait()
            job.update(self.state.outcome)
            self.wfile.write(b"event: end\ndata: {}\n\n")
        self.close_connection = True

    def _json(self, status: int, value: Any) -> None:
        self._raw(status, json.dumps(value).encode(), "application/json")

    def _problem(self, status: int, **problem: Any) -> None:
        self._raw(status, json.dumps({"status": status, **problem}).encode(), "application/problem+json")

    def _raw(self, status: int, body: bytes, kind: str) -> None:
        if self.command in self.state.lost:
            self.state.lost.remove(self.command)
            self.close_connection = True
            return
        whole = len(body)
        if self.command == "GET" and kind == "text/plain" and self.state.breaks:
            body = body[: self.state.breaks.pop(0)]
            self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(whole))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
