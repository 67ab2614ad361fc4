"""`make bench ARGS=--starts`: what a user feels of a script's start and end, and what an idle machine costs.

Beside each figure is what does the least of the same work, turn and turn about on the same machine: plain
`python -u script.py`, and Celery alone, whose worker runs the script in a subprocess.
"""

import contextlib
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from celery import Celery
from redis import Redis
from tests.benchmarks.figures import Figure, pss_mib, table
from tests.servers import ValkeyServer
from tests.stack import REPOSITORY, RUNTIME, RUNTIMES, Stack

PYTHON = RUNTIMES / RUNTIME / "bin" / "python"
HELLO = "print('hello')\n"
LENET = (REPOSITORY / "tests" / "integration" / "scripts" / "lenet.py").read_text()
REPEAT = 15
JOBS = 200
#: Scripts that run at once, on both sides.
AT_ONCE = 2
IDLE_SECONDS = 10.0
_CELERY_WORKER = f"""
import subprocess, sys
from celery import Celery
from redis import Redis
app = Celery(broker=sys.argv[1])
redis = Redis.from_url(sys.argv[1])
@app.task(name="run", ignore_result=True)
def run(python, script):
    with subprocess.Popen([python, "-u", script], stdout=subprocess.PIPE) as process:
        redis.lpush("first", process.stdout.read(1))
        process.stdout.read()
    redis.lpush("ended", process.returncode)
app.worker_main(["worker", "--pool=threads", "--concurrency={AT_ONCE}", "--loglevel=error",
                 "--without-gossip", "--without-mingle", "--without-heartbeat"])
"""


def main() -> list[Figure]:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="torchyard-bench-") as folder:
        place = Path(folder)
        limits = {"TORCHYARD_WORKER_CPUS": str(AT_ONCE)}
        with Stack(place / "home", **limits) as stack, CeleryAlone(place) as celery:
            warm_up(stack, celery)
            return table("scripts start and end", figures(stack, celery))


def figures(stack: Stack, celery: "CeleryAlone") -> Iterator[Figure]:
    yield from idle(stack)
    yield from lenet(stack)
    yield from hello(stack, celery)
    yield from throughput(stack, celery)


def lenet(stack: Stack) -> Iterator[Figure]:
    rounds = [(by_hand(LENET), through(stack, LENET)) for _ in range(REPEAT)]
    (hand_first, hand_end), (_, first, end) = (
        [*zip(*side, strict=True)] for side in zip(*rounds, strict=True)
    )
    plain = "python -u"
    yield Figure(
        "LeNet: POST → first line at an SSE reader", ms(first), "ms", ms(hand_first), plain, "≤ 0.05"
    )
    yield Figure("LeNet: POST → end seen", ms(end), "ms", ms(hand_end), plain, "≤ 0.08")


def hello(stack: Stack, celery: "CeleryAlone") -> Iterator[Figure]:
    rounds = [(celery.first(), through(stack, HELLO)) for _ in range(REPEAT)]
    alone = ms([one for one, _ in rounds])
    accepted, first, end = (ms(column) for column in zip(*(ours for _, ours in rounds), strict=True))
    yield Figure("hello: POST → accepted", accepted, "ms")
    yield Figure("hello: POST → first line at an SSE reader", first, "ms", alone, "Celery alone", "≤ 4")
    yield Figure("hello: POST → end seen", end, "ms")


def throughput(stack: Stack, celery: "CeleryAlone") -> Iterator[Figure]:
    alone = JOBS / celery.seconds_for(JOBS)
    accepted, took = seconds_for(stack, JOBS)
    yield Figure(f"{JOBS} hello jobs: accepted", JOBS / accepted, "/s")
    yield Figure(
        f"{JOBS} hello jobs, {AT_ONCE} at a time: ended", JOBS / took, "/s", alone, "Celery alone", "≥ 0.35"
    )


def seconds_for(stack: Stack, count: int) -> tuple[float, float]:
    """Until so many small jobs from four clients are accepted, and have ended, in the order they came in."""
    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        submitted = list(pool.map(client_of(stack), range(count)))
    accepted = time.perf_counter() - start
    with stack.api() as api:
        for job_id in submitted[-2 * AT_ONCE :]:
            for _ in follow(api, job_id):
                pass
        took = time.perf_counter() - start
        states = {api.get(f"/jobs/{job_id}").json()["state"] for job_id in submitted}
    assert states == {"succeeded"}, states
    return accepted, took


def idle(stack: Stack) -> Iterator[Figure]:
    """All processes together, with torch loaded."""
    ((memory, cpu),) = at_rest(stack.pids)
    yield Figure(f"idle memory (PSS) of {len(stack.pids())} processes", memory, "MiB", goal="≤ 330")
    yield Figure("idle CPU", cpu, "%", goal="≤ 1")


def at_rest(*sides: Callable[[], list[int]]) -> list[tuple[float, float]]:
    """MiB of each side's processes, shared pages counted once, and percent of a core in the same seconds."""
    cpu = cpu_percent(IDLE_SECONDS, *sides)
    memory = [sum(of_each(side(), pss_mib).values()) for side in sides]
    return list(zip(memory, cpu, strict=True))


def cpu_percent(seconds: float, *sides: Callable[[], list[int]]) -> list[float]:
    """How much of a core each side's processes take during so many seconds."""
    before = [of_each(side(), cpu_seconds) for side in sides]
    start = time.perf_counter()
    threading.Event().wait(seconds)
    after = [of_each(side(), cpu_seconds) for side in sides]
    took = time.perf_counter() - start
    return [
        100 * sum(now - was.get(pid, 0.0) for pid, now in each.items()) / took
        for was, each in zip(before, after, strict=True)
    ]


def of_each(pids: list[int], measure: Callable[[int], float]) -> dict[int, float]:
    """What is measured of each process, but of those that have ended meanwhile."""
    found = {}
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[pid] = measure(pid)
    return found


def by_hand(script: str) -> tuple[float, float]:
    """Seconds from the start to the first byte, and to the exit."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(script)
        file.flush()
        start = time.perf_counter()
        with subprocess.Popen([PYTHON, "-u", file.name], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.read(1)
            first = time.perf_counter() - start
            process.stdout.read()
            process.wait()
        return first, time.perf_counter() - start


def through(stack: Stack, script: str) -> tuple[float, float, float]:
    """Seconds from the POST to its answer, to the first line at an SSE reader, and to the end there."""
    with stack.api() as api:
        api.get("/session")  # the connection is there, as in a client that is open
        start = time.perf_counter()
        answer = api.post("/jobs", files={"script": ("script.py", script.encode())})
        answer.raise_for_status()
        accepted = time.perf_counter() - start
        first = 0.0
        for _ in follow(api, answer.json()["id"]):
            first = first or time.perf_counter() - start
        return accepted, first, time.perf_counter() - start


def follow(api: httpx.Client, job_id: str) -> Iterator[str]:
    with api.stream("GET", f"/jobs/{job_id}/logs/stdout.log/stream") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield line


def client_of(stack: Stack) -> Callable[[int], str]:
    """What submits one small job, with a connection for each thread."""
    clients = threading.local()
    form = httpx.Request("POST", stack.url, files={"script": ("script.py", HELLO.encode())})
    body = form.read()
    headers = stack.headers | {"Content-Type": form.headers["Content-Type"]}

    def submit(_: int) -> str:
        # The standard library's client: httpx would take more of the two cores than the platform does.
        if not hasattr(clients, "line"):
            clients.line = http.client.HTTPConnection("127.0.0.1", stack.port)
        clients.line.request("POST", "/api/v1/jobs", body, headers)
        return str(json.loads(clients.line.getresponse().read())["id"])

    return submit


class CeleryAlone:
    """A Valkey and a Celery worker that runs hello; a context manager."""

    def __init__(self, place: Path) -> None:
        self._script = place / "hello.py"
        self._worker = place / "celery_worker.py"
        self._valkey = ValkeyServer()

    def __enter__(self) -> "CeleryAlone":
        self._script.write_text(HELLO)
        self._worker.write_text(_CELERY_WORKER)
        self._valkey.start()
        self._app = Celery(broker=self._valkey.url)
        self._redis = Redis.from_url(self._valkey.url)
        self._process = subprocess.Popen(
            [sys.executable, self._worker, self._valkey.url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._app.close()
        self._redis.close()
        self._valkey.kill()

    def first(self) -> float:
        """Seconds from sending one to its first byte."""
        start = time.perf_counter()
        self._send()
        self._redis.blpop(["first"])
        took = time.perf_counter() - start
        self._redis.blpop(["ended"])
        return took

    def seconds_for(self, count: int) -> float:
        """Seconds from sending so many to the last one's end."""
        start = time.perf_counter()
        for _ in range(count):
            self._send()
        for _ in range(count):
            self._redis.blpop(["ended"])
        return time.perf_counter() - start

    def _send(self) -> None:
        self._app.send_task("run", args=[str(PYTHON), str(self._script)], ignore_result=True)


def warm_up(stack: Stack, celery: CeleryAlone) -> None:
    """The first job of a fresh machine reads torch from disk; the comparison is not about that."""
    for _ in range(3):
        by_hand(LENET)
        through(stack, LENET)
        celery.first()


def ms(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1000


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
