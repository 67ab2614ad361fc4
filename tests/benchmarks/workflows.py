"""`make bench ARGS=--workflows`: what the engine adds to the jobs of a run, and how long it thinks.

The last figure compares a run of empty scripts with the same number of jobs that are submitted one by one,
both through a real platform and worker. The others look at the engine alone, with jobs that end at once.
"""

import hashlib
import http.client
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient
from tests.driving import Driver
from tests.factories import admin, latest_attempt, stored
from tests.graphs import Arrow, drawing, graph, node
from tests.stack import Stack
from tests.waiting import eventually

from torchyard.adapters.directory_uploads import DirectoryUploads
from torchyard.api.app import create_app
from torchyard.contracts.graphs import Edge, Graph, Node
from torchyard.contracts.jobs import JobSpec
from torchyard.contracts.runner import Cause, Finish, Outcome
from torchyard.contracts.runs import NodeState, RunRequest, Trigger
from torchyard.domain import planning
from torchyard.domain.lifecycle import AttemptState
from torchyard.domain.planning import Plan
from torchyard.services import attempts, runs, submitting, users
from torchyard.services.context import Context, Limits
from torchyard.services.runs import Wish
from torchyard.services.sealing import Sealer, new_key
from torchyard.storage import attempts as stored_attempts
from torchyard.storage import run_nodes
from torchyard.storage.database import Database
from torchyard.testing import (
    FixedClock,
    LocalFanout,
    MemoryBuckets,
    MemoryLogs,
    MemoryObjects,
    RecordingDispatcher,
    RecordingWebhooks,
)

#: Nodes of the graph that is decided about.
LARGE = 5_000
RUNS = 1_000
TOKEN = "ty_bench"
#: As empty as a script may be.
EMPTY = b"pass\n"


def main(nodes: int) -> None:
    with tempfile.TemporaryDirectory(prefix="torchyard-bench-") as folder:
        for line in figures(Path(folder), nodes):
            print(line, flush=True)


def figures(folder: Path, nodes: int) -> Iterator[str]:
    yield from deciding()
    ctx = context(folder / "engine.db")
    yield from engine_alone(ctx, nodes)
    yield from listing(ctx)
    ctx.db.close()
    with Stack(folder / "home") as stack:
        yield from through_a_stack(stack, nodes)


def deciding() -> Iterator[str]:
    """Half of a large graph has ended; what starts now?"""
    chance = random.Random(4)
    names = [f"n{number}" for number in range(LARGE)]
    edges = [
        Edge(source=names[source], target=names[target])
        for target in range(10, LARGE)
        for source in sorted({chance.randrange(max(0, target - 200), target) for _ in range(3)})
    ]
    plan = Plan.of(Graph(nodes=[Node(name=name) for name in names], edges=edges))
    states = dict.fromkeys(names, NodeState.WAITING) | dict.fromkeys(
        plan.order[: LARGE // 2], NodeState.SUCCEEDED
    )
    took = statistics.median(milliseconds(lambda: planning.decide(plan, states)) for _ in range(51))
    yield f"deciding in a graph of {LARGE} nodes and {len(edges)} edges: {took:.1f} ms (≤ 20 ms)"


def engine_alone(ctx: Context, nodes: int) -> Iterator[str]:
    """The time spent in the engine while a run goes from its start to its end; jobs take none."""
    script, admin_id = stored(ctx, b""), admin(ctx).id
    shapes: dict[str, list[Arrow]] = {
        "all at once": [],
        "one after the other": [(f"n{number - 1}", f"n{number}") for number in range(1, nodes)],
    }
    for shape, arrows in shapes.items():
        driver = Driver(ctx)
        drawn = graph([node(f"n{number}", script) for number in range(nodes)], *arrows)
        start = time.perf_counter()
        run_id = driver.start(drawn, look=False)
        created = (time.perf_counter() - start) * 1000
        thought = Watch()
        with thought:
            driver.engine.look()
        for number in range(nodes):
            end_at_once(driver, run_id, f"n{number}")
            with thought:
                driver.engine.look()
        assert driver.get(run_id).state == "succeeded"
        yield f"{nodes} nodes, {shape}: created in {created:.0f} ms; engine per node: {thought.of(nodes)}"
    inserted = Watch()
    for _ in range(nodes):
        spec = JobSpec(name="plain", script=script, runtime="torch-test")
        with inserted, ctx.db.write() as session:
            submitting.insert(ctx, session, spec, admin_id)
    yield f"of which inserting a job takes, in a transaction of its own: {inserted.of(nodes)}"


class Watch:
    """Adds up what is done within it."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self._from = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._from[0]
        self.cpu += time.process_time() - self._from[1]

    def of(self, count: int) -> str:
        return f"{self.wall / count * 1000:.1f} ms, {self.cpu / count * 1000:.1f} ms of CPU"


def end_at_once(driver: Driver, run_id: str, name: str) -> None:
    """As a worker would, without looking at all others in the queue."""
    ctx = driver.ctx
    with ctx.db.read() as session:
        node = run_nodes.standing(session, run_id, name)
    assert node is not None
    attempt_id = latest_attempt(ctx, str(node.job_id)).attempt.id
    with ctx.db.write() as session:
        placed = {"worker_id": driver.worker.id, "gpus": [], "announced_at": ctx.clock.now()}
        stored_attempts.move(session, attempt_id, AttemptState.ASSIGNED, **placed)
        attempts.claim(ctx, session, driver.worker, attempt_id)
        done = Finish(outcome=Outcome(cause=Cause.EXITED, exit_code=0))
        attempts.finish(ctx, session, driver.worker, attempt_id, done)


def listing(ctx: Context) -> Iterator[str]:
    """Runs of ten nodes each, over HTTP in the same process."""
    script, owner = stored(ctx, b""), admin(ctx)
    drawn = graph([node(f"n{number}", script) for number in range(10)])
    wish = Wish(graph=drawn, request=RunRequest(), trigger=Trigger.MANUAL)
    assert isinstance(ctx.clock, FixedClock)
    for _ in range(RUNS):
        ctx.clock.advance(1)
        with ctx.db.write() as session:
            runs.create(ctx, session, wish, owner)
    with ctx.db.write() as session:
        users.set_token(ctx, session, users.administrator(ctx, session), TOKEN)
    app = create_app(
        ctx, worker_token="", authentication=True, max_json_bytes=1 << 20, max_upload_bytes=1 << 20
    )
    with TestClient(app, headers={"Authorization": f"Bearer {TOKEN}"}) as api:

        def all_of_them() -> list[bytes]:
            first = api.get("/api/v1/runs", params={"limit": 500}).content
            cursor = first.rpartition(b'"next_cursor":"')[2].removesuffix(b'"}').decode()
            return [first, api.get("/api/v1/runs", params={"limit": 500, "cursor": cursor}).content]

        assert [len(json.loads(part)["items"]) for part in all_of_them()] == [500, 500]
        listed = Watch()
        for _ in range(10):
            with listed:
                all_of_them()
    yield f"{RUNS} runs of 10 nodes listed, as two pages: {listed.of(10)} (≤ 100 ms)"


def through_a_stack(stack: Stack, nodes: int) -> Iterator[str]:
    """A run, and as many jobs by themselves; turn and turn about, the shorter time of each counts."""
    ref = {"sha256": hashlib.sha256(EMPTY).hexdigest(), "name": "empty.py"}
    with stack.api() as api:
        api.put(f"/blobs/{ref['sha256']}", content=EMPTY).raise_for_status()
    job_by_job(stack, ref, 10)
    alone, together = [], []
    for _ in range(2):
        alone.append(job_by_job(stack, ref, nodes))
        together.append(as_a_run(stack, ref, nodes))
    more = (min(together) - min(alone)) / nodes * 1000
    yield (
        f"{nodes} empty scripts: {min(together):.1f} s as a run, {min(alone):.1f} s as jobs; "
        f"{more:+.1f} ms per node (≤ 20 ms)"
    )


def as_a_run(stack: Stack, ref: dict[str, str], nodes: int) -> float:
    drawn = drawing([node(f"n{number}", ref) for number in range(nodes)])
    start = time.perf_counter()
    with stack.api() as api:
        answer = api.post("/runs", json={"graph": drawn})
        answer.raise_for_status()
        run_id = answer.json()["id"]
        with api.stream("GET", f"/runs/{run_id}/events/stream") as events:
            for _ in events.iter_lines():
                pass
        took = time.perf_counter() - start
        assert api.get(f"/runs/{run_id}").json()["counts"] == {"succeeded": nodes}
    return took


def job_by_job(stack: Stack, ref: dict[str, str], nodes: int) -> float:
    body, headers = json.dumps({"script": ref}), stack.headers | {"Content-Type": "application/json"}
    start = time.perf_counter()
    # The standard library's client takes the least of the machine.
    line = http.client.HTTPConnection("127.0.0.1", stack.port)
    for _ in range(nodes):
        line.request("POST", "/api/v1/jobs", body, headers)
        job = json.loads(line.getresponse().read())
    with stack.api() as api:
        with api.stream("GET", f"/jobs/{job['id']}/events/stream") as events:
            for _ in events.iter_lines():
                pass
        open_jobs = {"state": ["queued", "staging", "running"]}
        eventually(lambda: not api.get("/jobs", params=open_jobs).json()["items"], seconds=600)
    return time.perf_counter() - start


def context(path: Path) -> Context:
    database = Database(f"sqlite:///{path}")
    database.migrate()
    return Context(
        db=database,
        objects=MemoryObjects(),
        uploads=DirectoryUploads(path.with_name("uploads"), max_bytes=1 << 30),
        logs=MemoryLogs(),
        buckets=MemoryBuckets(),
        webhooks=RecordingWebhooks(),
        sealer=Sealer([new_key()]),
        dispatcher=RecordingDispatcher(),
        fanout=LocalFanout(),
        clock=FixedClock(datetime(2026, 1, 1, tzinfo=UTC)),
        limits=Limits(
            default_runtime="torch-test",
            max_script_bytes=1 << 20,
            session_lifetime=timedelta(days=1),
            unreachable_after=timedelta(seconds=15),
            lost_after=timedelta(seconds=60),
            resend_after=timedelta(seconds=10),
        ),
        broker_url="redis://127.0.0.1:1",
    )


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000
