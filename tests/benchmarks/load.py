"""`make bench ARGS=--load`: the API with many jobs in the database, beside the same API with none.

Real platforms with real workers; the jobs that were there before are written straight into the tables. With
`--postgres`, Postgres instead of SQLite. Two platforms are asked turn and turn about, one over an empty
database and one over a full one, so that whatever else the machine does hits both.
"""

import http.client
import itertools
import json
import random
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine, insert, text
from tests.servers import postgres
from tests.stack import RUNTIME, Stack
from tests.waiting import eventually

from torchyard.contracts.jobs import FileRef, JobSpec, Resources
from torchyard.storage.database import Database
from torchyard.storage.tables import AttemptRow, BlobRow, EventRow, JobRow, UserRow

SUBMITS = 1_000
CLIENTS = 4
QUEUED = 10_000
FINISHED = 100_000
#: Requests of each kind, on each side; of those that wait for a worker, a tenth.
ASKED = 300
OWNERS = 20
SCRIPT = b"print('hello')\n"
GOAL_PER_SECOND, GOAL_RATIO = 300, 2.0
#: More GPUs than the bench's worker has.
NEVER = 1_024
_CHUNK = 5_000


def main(*, on_postgres: bool) -> None:
    """Measure, and print a table."""
    title = f"the API under load, {'Postgres' if on_postgres else 'SQLite'}"
    print(f"{title:56} {'loaded':>10} {'empty':>10} {'ratio':>7}   goal")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="torchyard-bench-load-")))
        places = Places(folder, stack.enter_context(postgres()) if on_postgres else None)
        for figures in (submitting, behind_a_queue, beside_what_ended):
            for line in figures(places):
                print(line, flush=True)


@dataclass
class Places:
    """Homes and databases, one after the other."""

    folder: Path
    server: str | None
    count: int = 0

    def stack(self) -> tuple[Stack, str]:
        """A stack that is not started yet, and the URL of its empty database."""
        self.count += 1
        home = self.folder / f"home-{self.count}"
        if self.server is None:
            return Stack(home), f"sqlite:///{home / 'torchyard.db'}"
        with create_engine(self.server, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f"CREATE DATABASE load_{self.count}"))
        url = self.server.replace("/postgres?", f"/load_{self.count}?")
        return Stack(home, TORCHYARD_DATABASE_URL=url), url


class Client:
    """A client with one open connection; the standard library's takes the least of the machine."""

    def __init__(self, stack: Stack) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", stack.port)
        self._headers = stack.headers

    def get(self, path: str) -> Any:
        self._line.request("GET", f"/api/v1{path}", headers=self._headers)
        return self._answer()

    def submit(self, **settings: Any) -> str:
        files = {"script": ("script.py", SCRIPT)}
        form = httpx.Request("POST", "http://x", files=files, data={"spec": json.dumps(settings)})
        kind = {"Content-Type": form.headers["Content-Type"]}
        self._line.request("POST", "/api/v1/jobs", form.read(), self._headers | kind)
        return str(self._answer()["id"])

    def submit_large(self) -> str:
        """One that has to wait."""
        return self.submit(resources={"gpus": NEVER})

    def submit_and_see_taken(self) -> None:
        """One that can start at once, until its worker has it."""
        path = f"/jobs/{self.submit()}/events/stream"
        self._line.request("GET", f"/api/v1{path}", headers=self._headers)
        with self._line.getresponse() as events:
            assert any(b'"state":"staging"' in line for line in events)
        self._line.close()  # the rest of the stream is nobody's

    def _answer(self) -> Any:
        answer = self._line.getresponse()
        body = answer.read()
        assert answer.status < 300, body
        return json.loads(body)


def submitting(places: Places) -> Iterator[str]:
    """Submits by some clients at once, beside a worker that has nothing to do."""
    stack, _ = places.stack()
    with stack:
        lines = threading.local()

        def one(_: int) -> float:
            if not hasattr(lines, "client"):
                lines.client = Client(stack)
            start = time.perf_counter()
            lines.client.submit_large()
            return time.perf_counter() - start

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(one, range(SUBMITS // 5)))  # warm
            start = time.perf_counter()
            took = list(pool.map(one, range(SUBMITS)))
            rate = SUBMITS / (time.perf_counter() - start)
    name = f"submits accepted, {CLIENTS} clients at once, idle worker"
    yield f"{name:56} {rate:8.0f}/s {'':10} {'':7}   ≥ {GOAL_PER_SECOND}/s"
    yield f"{'one of them, p50 / p99':56} {percentile(took, 50):7.1f} / {percentile(took, 99):.1f} ms"


def behind_a_queue(places: Places) -> Iterator[str]:
    """One more submit, and its way to a worker, beside many that can't start."""
    (full, url), (empty, _) = places.stack(), places.stack()
    with full, empty:
        fill(url, QUEUED, waiting=True)
        full.stop("platform")
        full.start_platform()
        last = Client(full).get("/jobs?limit=1")["items"][0]["id"]
        eventually(lambda: "scheduler" not in explanation(full, last), seconds=120)
        clients = [Client(full), Client(empty)]
        yield compared(f"{QUEUED:,} queued: a submit, p99", turn_about(clients, Client.submit_large), 99)
        taken = turn_about(clients, Client.submit_and_see_taken, count=ASKED // 10)
        yield compared(f"{QUEUED:,} queued: POST → taken by the worker, p50", taken, 50)


def explanation(stack: Stack, job_id: str) -> str:
    return str(Client(stack).get(f"/jobs/{job_id}")["waiting"]["explanation"])


def beside_what_ended(places: Places) -> Iterator[str]:
    """Reading beside many that ended; the other side has as many as a page shows."""
    (full, url), (empty, small) = places.stack(), places.stack()
    with full, empty:
        fill(url, FINISHED, waiting=False)
        fill(small, 100, waiting=False)
        clients = [Client(full), Client(empty)]
        for what in ("", "?state=failed", "?owner=owner-1", "?state=queued&state=running"):
            took = turn_about(clients, lambda client, what=what: client.get(f"/jobs{what}"))
            yield compared(f"{FINISHED:,} finished: GET /jobs{what}, p99", took, 99)
        chance = random.Random(1)
        ids = {client: [job["id"] for job in client.get("/jobs?limit=100")["items"]] for client in clients}
        took = turn_about(clients, lambda client: client.get(f"/jobs/{chance.choice(ids[client])}"))
        yield compared(f"{FINISHED:,} finished: GET /jobs/ID, p99", took, 99)


def turn_about(
    clients: Sequence[Client], ask: Callable[[Client], object], *, count: int = ASKED
) -> list[list[float]]:
    """Seconds that each answer took, of each client."""
    took: list[list[float]] = [[] for _ in clients]
    for number in range(count + 10):
        for client, seconds in zip(clients, took, strict=True):
            start = time.perf_counter()
            ask(client)
            if number >= 10:  # warm
                seconds.append(time.perf_counter() - start)
    return took


def compared(name: str, took: list[list[float]], share: int) -> str:
    loaded, empty = (percentile(seconds, share) for seconds in took)
    return f"{name:56} {loaded:7.1f} ms {empty:7.1f} ms {loaded / empty:6.2f}x   ≤ {GOAL_RATIO:g}x"


def percentile(seconds: list[float], share: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[share - 1] * 1000


def fill(url: str, count: int, *, waiting: bool) -> None:
    """Write jobs into the database, as if they had been submitted over the last days by many."""
    database, chance = Database(url), random.Random(count)
    with database.engine.begin() as connection:
        owners = [{"id": str(uuid.uuid4()), "name": f"owner-{number}"} for number in range(OWNERS)]
        now = datetime.now(UTC)
        connection.execute(insert(UserRow), [one | {"role": "user", "created_at": now} for one in owners])
        connection.execute(insert(BlobRow), {"sha256": "0" * 64, "size": 1, "used_at": now})
    # The oldest of those that wait has waited for hours.
    moments = (now - timedelta(seconds=(4 if waiting else 5) * number) for number in range(count, 0, -1))
    jobs = (job(at, chance.choice(owners)["id"], chance, waiting=waiting) for at in moments)
    while some := list(itertools.islice(jobs, _CHUNK)):
        with database.engine.begin() as connection:
            for table, rows in zip((JobRow, AttemptRow, EventRow), zip(*some, strict=True), strict=True):
                flat = list(itertools.chain.from_iterable(rows))
                connection.execute(insert(table), flat)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    database.close()


def job(
    at: datetime, owner: str, chance: random.Random, *, waiting: bool
) -> tuple[list[dict[str, Any]], ...]:
    """A job's rows, its attempt's and its events'."""
    asked = Resources(gpus=NEVER - chance.randrange(8), cpus=chance.choice([1, 2, 4]), memory_mb=4096)
    script = FileRef(sha256="0" * 64, name="train.py")
    spec = JobSpec(name="train.py", script=script, runtime=RUNTIME, resources=asked)
    state = "waiting" if waiting else chance.choice(["succeeded"] * 4 + ["failed"])
    job_id, end = str(uuid.uuid4()), None if waiting else at + timedelta(seconds=3)
    same = {
        "owner_id": owner,
        "reason": "script_error" if state == "failed" else None,
        "sentence": None if waiting else "The script ended.",
        "exit_code": None if waiting else int(state == "failed"),
        "created_at": at,
        "finished_at": end,
    }
    row = {
        "id": job_id,
        "name": spec.name,
        "searchable": "train.py train.py",
        "state": "queued" if waiting else state,
        "spec": json.loads(spec.model_dump_json()),
        "script_sha256": script.sha256,
        "attempt": 1,
        "events": 3,
    }
    attempt = {
        "id": str(uuid.uuid4()),
        "job_id": job_id,
        "number": 1,
        "state": state,
        "runtime": RUNTIME,
        "gpu_count": asked.gpus,
        "cpus": asked.cpus,
        "memory_mb": asked.memory_mb,
        "gpus": [],
        "near": [],
        "reports": 0,
    }
    event = {"job_id": job_id, "at": at, "attempt": 1, "state": row["state"], "message": "as it went"}
    return [row | same], [attempt | same], [event | {"seq": number} for number in (1, 2, 3)]
