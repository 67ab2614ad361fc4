"""`make bench ARGS=--logs`: what logs cost at speed, each figure beside the same work without a platform.

Both sides of a figure are of one run on one machine. Readers are the standard library's own and read raw
bytes: what they cost is taken from the same cores.
"""

import http.client
import json
import os
import re
import selectors
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from tests.benchmarks.figures import percentile, pss_mib
from tests.stack import RUNTIME, RUNTIMES, Stack
from tests.waiting import eventually

PYTHON = RUNTIMES / RUNTIME / "bin" / "python"
TICKS = 400
TICKING = f"""
import time
for _ in range({TICKS}):
    print(time.time_ns())
    time.sleep(0.02)
"""
#: What it prints comes a line at a time, as scripts do; how long that took is told in a file.
PRINTED = 100_000_000
PRINTING = f"""
import sys, time
begun = time.perf_counter()
line = "x" * 99
for _ in range({PRINTED} // 100):
    print(line)
open(sys.argv[1], "w").write(str(time.perf_counter() - begun))
"""
ROUNDS = 5
#: Jobs that print 1 MB a second each, a hundred lines a hundred times a second, until their file is there.
CHATTERS = 20
CHATTERING = """
import pathlib, sys, time
stop, due = pathlib.Path(sys.argv[1]), time.monotonic()
text = "\\n".join(["y" * 99] * 100)
while not stop.exists():
    print(text, flush=True)
    due = max(due + 0.01, time.monotonic() - 1)
    time.sleep(max(0, due - time.monotonic()))
"""
REQUESTS = 600
FOLLOWERS = 1_000
#: Four lines a second, until its file is there.
SLOWLY = """
import pathlib, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
signal.setitimer(signal.ITIMER_REAL, 0.25, 0.25)
while not pathlib.Path(sys.argv[1]).exists():
    print(time.time_ns())
    signal.sigwait([signal.SIGALRM])
"""
FOLLOWED_SECONDS = 10.0
LARGE = 1_000_000_000
WRITE_LARGE = f"""
import os
block = (b"z" * 99 + b"\\n") * 10_000
for _ in range({LARGE} // len(block)):
    os.write(1, block)
"""
OPENED = 100
TAIL = 64 * 1024
#: Nanoseconds since 1970, as scripts print them; nothing else in a frame has as many digits.
_TIME = re.compile(rb"[0-9]{19}")


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str
    yardstick: str
    goal: str


def main() -> None:
    """Measure, and print a table."""
    print(f"{'figure':52} {'value':>9}        {'beside':34} goal")
    with (
        tempfile.TemporaryDirectory(prefix="torchyard-bench-logs-") as folder,
        Stack(Path(folder) / "home", TORCHYARD_WORKER_CPUS=str(2 * CHATTERS)) as stack,
    ):
        ended(stack, submitted(stack, "print('warm')\n"))
        for part in (ticking, printing, chattering, followers, large):
            for figure in part(stack, Path(folder)):
                print(row(figure), flush=True)


def row(figure: Figure) -> str:
    return f"{figure.what:52} {figure.value:9.2f} {figure.unit:6} {figure.yardstick:34} {figure.goal}"


def submitted(stack: Stack, script: str, *arguments: str) -> str:
    with stack.api() as api:
        answer = api.post(
            "/jobs",
            files={"script": ("script.py", script.encode())},
            data={
                "spec": json.dumps(
                    {"arguments": " ".join(arguments), "resources": {"cpus": 1, "memory_mb": 256}}
                )
            },
        )
        answer.raise_for_status()
        return str(answer.json()["id"])


def ended(stack: Stack, job_id: str) -> dict[str, object]:
    with stack.api() as api:

        def there() -> dict[str, object] | None:
            job: dict[str, object] = api.get(f"/jobs/{job_id}").raise_for_status().json()
            return job if job["state"] in {"succeeded", "failed", "cancelled"} else None

        job = eventually(there, seconds=600, every=0.05)
    assert job["state"] == "succeeded", job
    return job


def ticking(stack: Stack, _: Path) -> Iterator[Figure]:
    """From a script's print to an SSE reader, and to a reader of a plain pipe."""
    follower = Follower(stack, submitted(stack, TICKING))
    through = lags(follower)
    with subprocess.Popen([PYTHON, "-u", "-c", TICKING], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        plain = [(time.time_ns() - int(line)) / 1e6 for line in process.stdout]
    assert len(through) == len(plain) == TICKS
    for share, goal in ((50, 10), (99, 50)):
        pipe = f"{percentile(plain, share):.2f} ms through a pipe"
        what = f"a printed line → SSE reader, p{share} of {TICKS}"
        yield Figure(what, percentile(through, share), "ms", pipe, f"≤ {goal} ms")


def lags(follower: "Follower") -> list[float]:
    """Milliseconds from each line's print to its arrival, until the log ends."""
    found: list[float] = []
    while not follower.over and (data := follower.line.recv(1 << 20)):
        found += follower.take(data, time.time_ns())
    follower.line.close()
    return found


@dataclass
class Follower:
    """One SSE connection to a log, and the lags of the times that were printed into it."""

    stack: Stack
    job_id: str
    line: socket.socket = field(init=False)
    over: bool = False
    _rest: bytes = b""

    def __post_init__(self) -> None:
        self.line = socket.create_connection(("127.0.0.1", self.stack.port))
        head = (
            f"GET /api/v1/jobs/{self.job_id}/logs/stdout.log/stream HTTP/1.1",
            f"Host: 127.0.0.1:{self.stack.port}",
            *(f"{name}: {value}" for name, value in self.stack.headers.items()),
        )
        self.line.sendall("\r\n".join([*head, "", ""]).encode())

    def take(self, data: bytes, now: int) -> list[float]:
        """The lags of the lines in what has arrived."""
        whole, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        self.over = self.over or whole.startswith(b"event: end\n") or b"\nevent: end\n" in whole
        return [(now - int(line)) / 1e6 for line in _TIME.findall(whole)]


def printing(stack: Stack, folder: Path) -> Iterator[Figure]:
    """A script's time from its first line to its last, turn and turn about with a file as its stdout."""
    by_job, to_file = [], []
    told, script, log = folder / "took", folder / "printing.py", folder / "printed.log"
    script.write_text(PRINTING)
    for _ in range(ROUNDS):
        with log.open("wb") as output:
            subprocess.run([PYTHON, "-u", script, told], stdout=output, check=True)
        to_file.append(float(told.read_text()))
        ended(stack, submitted(stack, PRINTING, str(told)))
        by_job.append(float(told.read_text()))
    ours, plain = statistics.median(by_job), statistics.median(to_file)
    beside = f"{plain:.2f} s to a file, {ours:.2f} s ours"
    yield Figure(
        f"{PRINTED // 10**6} MB printed by one script: its time",
        ours / plain,
        "times",
        beside,
        "≤ 1.15 times",
    )


def chattering(stack: Stack, folder: Path) -> Iterator[Figure]:
    """What people ask for, while the platform is idle and while many scripts print."""
    stop = folder / "enough"
    idle = asked(stack)
    jobs = [submitted(stack, CHATTERING, str(stop)) for _ in range(CHATTERS)]
    with stack.api() as api:
        eventually(lambda: running(api) == CHATTERS, seconds=60)
        begun, before = time.perf_counter(), printed(api, jobs)
        busy = asked(stack)
        rate = (printed(api, jobs) - before) / (time.perf_counter() - begun) / 1e6
    stop.touch()
    for job in jobs:
        ended(stack, job)
    beside = f"{percentile(idle, 99):.1f} ms idle; {rate:.1f} MB/s came in"
    what = f"{CHATTERS} jobs printing 1 MB/s each: API GET p99"
    yield Figure(what, percentile(busy, 99), "ms", beside, "≤ 100 ms")


def running(api: httpx.Client) -> int:
    return len(api.get("/jobs", params={"state": "running", "limit": 100}).json()["items"])


def printed(api: httpx.Client, jobs: list[str]) -> int:
    """Bytes that the platform has of the jobs' logs."""
    return sum(tail(api.get(f"/jobs/{job}/logs/stdout.log", headers={"Range": "bytes=-1"})) for job in jobs)


def tail(answer: httpx.Response) -> int:
    return int(answer.headers["content-range"].rpartition("/")[2])


def asked(stack: Stack) -> list[float]:
    """Milliseconds of requests one after the other, with a short break after each."""
    line = http.client.HTTPConnection("127.0.0.1", stack.port)
    paths = ("/api/v1/jobs?limit=50", "/api/v1/workers", "/api/v1/session")
    took = []
    for number in range(REQUESTS):
        begun = time.perf_counter()
        line.request("GET", paths[number % len(paths)], headers=stack.headers)
        answer = line.getresponse()
        answer.read()
        took.append((time.perf_counter() - begun) * 1000)
        assert answer.status == 200
        time.sleep(0.02)
    return took


def followers(stack: Stack, folder: Path) -> Iterator[Figure]:
    """One follower of a log, then a thousand: how late lines are, and the memory for each."""
    stop = folder / "followed"
    job = submitted(stack, SLOWLY, str(stop))
    platform = stack.pids()[0]
    with stack.api() as api:
        eventually(lambda: running(api) == 1, seconds=60)
    single, alone = followed(stack, job, 1, lambda: pss_mib(platform))
    many, together = followed(stack, job, FOLLOWERS, lambda: pss_mib(platform))
    stop.touch()
    ended(stack, job)
    beside = f"{percentile(alone, 95):.1f} ms with one; {len(together)} lines"
    yield Figure(
        f"{FOLLOWERS} SSE followers of one log: lag p95", percentile(together, 95), "ms", beside, "≤ 500 ms"
    )
    each = (many - single) * 1024 / (FOLLOWERS - 1)
    beside = f"{single:.0f} MiB with one, {many:.0f} MiB"
    yield Figure("the platform's memory for each of them", each, "KiB", beside, "≤ 100 KiB")


def followed(stack: Stack, job_id: str, count: int, memory: Callable[[], float]) -> tuple[float, list[float]]:
    """Memory at the end, and the lags of the lines of some seconds."""
    every = selectors.DefaultSelector()
    for _ in range(count):
        one = Follower(stack, job_id)
        every.register(one.line, selectors.EVENT_READ, one)
    waiting = {key.fd for key in every.get_map().values()}

    def until(enough: Callable[[], bool]) -> list[float]:
        found: list[float] = []
        while not enough():
            for key, _ in every.select(1.0):
                found += key.data.take(key.data.line.recv(1 << 16), time.time_ns())
                waiting.discard(key.fd)
        return found

    until(lambda: not waiting)  # what was printed before counts for nobody
    end = time.perf_counter() + 1.0
    until(lambda: time.perf_counter() > end)
    end = time.perf_counter() + FOLLOWED_SECONDS
    found = until(lambda: time.perf_counter() > end)
    used = memory()
    for key in list(every.get_map().values()):
        key.data.line.close()
    every.close()
    return used, found


def large(stack: Stack, folder: Path) -> Iterator[Figure]:
    """The end of a log over HTTP, on a connection that is there; and the same bytes from a file."""
    job = submitted(stack, WRITE_LARGE)
    ended(stack, job)
    log = max(folder.glob("home/logs/*/stdout.log"), key=lambda path: path.stat().st_size)
    line = http.client.HTTPConnection("127.0.0.1", stack.port)
    over_http, by_hand = [], []
    for _ in range(OPENED):
        begun = time.perf_counter()
        line.request(
            "GET",
            f"/api/v1/jobs/{job}/logs/stdout.log",
            headers=stack.headers | {"Range": f"bytes=-{TAIL}"},
        )
        assert len(line.getresponse().read()) == TAIL
        over_http.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        handle = os.open(log, os.O_RDONLY)
        assert len(os.pread(handle, TAIL, LARGE - TAIL)) == TAIL
        os.close(handle)
        by_hand.append((time.perf_counter() - begun) * 1000)
    beside = f"{statistics.median(by_hand):.2f} ms by pread; p99 {percentile(over_http, 99):.1f} ms"
    yield Figure("the end of a log of 1 GB over HTTP", statistics.median(over_http), "ms", beside, "≤ 20 ms")
