"""`make bench`: what a user feels, beside what `python script.py` costs in the same run on the same machine.

Prints a table and writes the same figures to build/bench.json. Nothing here fails for being slow:
figures are to be looked at, tests are to pass.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
from tests.benchmarks import load, packages, placement, s3, web, workflows
from tests.stack import REPOSITORY, RUNTIME, RUNTIMES, Stack

PYTHON = RUNTIMES / RUNTIME / "bin" / "python"
SCRIPTS = {
    "hello": "print('hello')\n",
    "LeNet": (REPOSITORY / "tests" / "integration" / "scripts" / "lenet.py").read_text(),
}
TICKS = 200
TICKING = f"""
import time
for _ in range({TICKS}):
    print(time.time_ns())
    time.sleep(0.02)
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str
    yardstick: float | None = None
    yardstick_is: str = ""
    goal: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, help="runs of each script; the median counts")
    parser.add_argument("--jobs", type=int, default=50, help="small jobs for the throughput")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "build" / "bench.json")
    parser.add_argument("--s3", action="store_true", help="fetching from S3 instead, beside `aws s3 cp`")
    parser.add_argument("--packages", action="store_true", help="a job's packages instead, beside pip")
    parser.add_argument("--workflows", action="store_true", help="the engine that carries runs out instead")
    parser.add_argument("--web", action="store_true", help="the web app in Chromium instead")
    parser.add_argument("--load", action="store_true", help="the API beside many jobs instead")
    parser.add_argument("--postgres", action="store_true", help="with Postgres, for --load")
    parser.add_argument("--placement", action="store_true", help="a simulated day of placing instead")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated day")
    parser.add_argument("--nodes", type=int, default=500, help="nodes of a run, for --workflows")
    options = parser.parse_args()
    others = (
        (options.s3, s3.main),
        (options.packages, packages.main),
        (options.web, web.main),
        (options.load, lambda: load.main(on_postgres=options.postgres)),
        (options.placement, lambda: placement.main(options.seed)),
        (options.workflows, lambda: workflows.main(options.nodes)),
    )
    for wanted, figures_of in others:
        if wanted:
            figures_of()
            return
    figures: list[Figure] = []
    with (
        tempfile.TemporaryDirectory(prefix="torchyard-bench-") as folder,
        Stack(Path(folder) / "home") as stack,
    ):
        warm_up(stack)
        for figure in measured(stack, options.repeat, options.jobs):
            figures.append(figure)
            print(row(figure), flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    print(f"\nwritten to {options.output}")


def measured(stack: Stack, repeat: int, jobs: int) -> Iterator[Figure]:
    print(f"{'figure':44} {'value':>11}       {'yardstick':>10}   {'difference':>10}   goal")
    yield from idle(stack)
    for name, script in SCRIPTS.items():
        yield from latency(stack, name, script, repeat)
    yield from lag(stack)
    yield from throughput(stack, jobs)


def row(figure: Figure) -> str:
    line = f"{figure.what:44} {figure.value:11.1f} {figure.unit:5}"
    if figure.yardstick is None:
        return f"{line} {'':10}   {'':10}   {figure.goal}"
    difference = f"{figure.value - figure.yardstick:+10.1f}"
    return f"{line} {figure.yardstick:10.1f}   {difference}   {figure.goal} ({figure.yardstick_is})"


def latency(stack: Stack, name: str, script: str, repeat: int) -> Iterator[Figure]:
    """POST to accepted, first line and end, turn and turn about with plain Python."""
    plain, through = [], []
    for _ in range(repeat):
        plain.append(by_hand(script))
        through.append(by_torchyard(stack, script))
    accepted, first, end = (median(through, index) for index in range(3))
    plain_first, plain_end = (median(plain, index) for index in range(2))
    yield Figure(f"{name}: POST → accepted", accepted, "ms")
    yield Figure(
        f"{name}: POST → first line at an SSE reader",
        first,
        "ms",
        plain_first,
        "python -u → first byte",
        "+300 ms",
    )
    yield Figure(f"{name}: POST → end seen", end, "ms", plain_end, "python → exit", "+300 ms")


def median(rows: list[tuple[float, ...]], index: int) -> float:
    return statistics.median(row[index] for row in rows) * 1000


def by_hand(script: str) -> tuple[float, ...]:
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


def by_torchyard(stack: Stack, script: str) -> tuple[float, ...]:
    with stack.api() as api:
        api.get("/session")  # the connection is there, as in a client that is open
        start = time.perf_counter()
        job_id = submit(api, script)
        accepted = time.perf_counter() - start
        first = 0.0
        for event in follow(api, job_id):
            if not first:
                first = time.perf_counter() - start
            assert event
        return accepted, first, time.perf_counter() - start


def submit(api: httpx.Client, script: str) -> str:
    answer = api.post("/jobs", files={"script": ("script.py", script.encode())})
    answer.raise_for_status()
    return str(answer.json()["id"])


def follow(api: httpx.Client, job_id: str) -> Iterator[dict[str, object]]:
    with api.stream("GET", f"/jobs/{job_id}/logs/stdout.log/stream") as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def lag(stack: Stack) -> Iterator[Figure]:
    """From a script's print to an SSE reader, and to a reader of a plain pipe."""
    through: list[float] = []
    with stack.api() as api:
        for event in follow(api, submit(api, TICKING)):
            now = time.time_ns()
            through += [(now - int(tick)) / 1e6 for tick in str(event.get("text", "")).split()]
    plain = []
    with subprocess.Popen([PYTHON, "-u", "-c", TICKING], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        plain = [(time.time_ns() - int(line)) / 1e6 for line in process.stdout]
    assert len(through) == len(plain) == TICKS
    for name, share, goal in (("p50", 50, ""), ("p99", 99, "100 ms")):
        ours, pipe = percentile(through, share), percentile(plain, share)
        yield Figure(f"a printed line → SSE reader, {name}", ours, "ms", pipe, "through a pipe", goal)


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def throughput(stack: Stack, jobs: int) -> Iterator[Figure]:
    """Small jobs from four clients at once."""
    clients = threading.local()
    form = httpx.Request("POST", stack.url, files={"script": ("script.py", SCRIPTS["hello"].encode())})
    body = form.read()
    headers = stack.headers | {"Content-Type": form.headers["Content-Type"]}

    def one(_: int) -> str:
        # The standard library's client: httpx would take more of the two cores than the platform does.
        if not hasattr(clients, "line"):
            clients.line = http.client.HTTPConnection("127.0.0.1", stack.port)
        clients.line.request("POST", "/api/v1/jobs", body, headers)
        return str(json.loads(clients.line.getresponse().read())["id"])

    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        submitted = list(pool.map(one, range(jobs)))
    accepted = time.perf_counter() - start
    with stack.api() as api:
        for job_id in submitted:
            for _event in follow(api, job_id):
                pass
    took = time.perf_counter() - start
    yield Figure(f"{jobs} small jobs: accepted", jobs / accepted, "/s", goal="≥ 100/s")
    yield Figure(f"{jobs} small jobs: ended", jobs / took, "/s")


def idle(stack: Stack) -> Iterator[Figure]:
    """Memory of all processes together, shared pages counted once."""
    pids = stack.pids()
    yield Figure(f"idle memory (PSS) of {len(pids)} processes", sum(map(pss_mib, pids)), "MiB")
    before = sum(map(cpu_seconds, pids))
    start = time.perf_counter()
    threading.Event().wait(5.0)
    used = sum(map(cpu_seconds, pids)) - before
    yield Figure("idle CPU", 100 * used / (time.perf_counter() - start), "%")


def pss_mib(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def warm_up(stack: Stack) -> None:
    """The first job of a fresh machine reads torch from disk; the comparison is not about that."""
    for script in SCRIPTS.values():
        by_hand(script)
        by_torchyard(stack, script)


if __name__ == "__main__":
    main()
