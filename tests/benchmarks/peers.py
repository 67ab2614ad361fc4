"""`make bench-peers`: the same scripts through Torchyard and through Ray Jobs, turn and turn about.

Both run the runtime's interpreter, on the same two CPUs. Ray is spared what it need not do: it takes the
script from where it lies, while Torchyard is sent it anew each time. Prints a table, with the versions and
the machine under it.
"""

import hashlib
import importlib.metadata
import json
import os
import secrets
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.benchmarks import logs, starts
from tests.benchmarks.figures import Figure, percentile, table
from tests.benchmarks.logs import TICKING, TICKS, Follower
from tests.benchmarks.starts import AT_ONCE, HELLO, LENET, PYTHON
from tests.stack import PATIENCE, REPOSITORY, Stack
from tests.waiting import eventually

PEERS = REPOSITORY / "build" / "peers" / "bin" / "python"
ROUNDS = 5
JOBS = 50
#: Percent of a core in a look of so many seconds: above what a side takes that has nothing to do.
QUIET, LOOK = 15.0, 0.5
#: How each script's own output begins: Ray may print before it.
BEGINS = {HELLO: "hello", LENET: "LeNet("}
#: Who reaches a Ray head may run what they like as its user: it listens on loopback alone, which by itself it
#: does on other systems only, and it wants a token, as Torchyard does. It tells its makers nothing.
RAY_SETTINGS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
}


#: Seconds from submitting to the answer, to the first line that a follower sees, and to the end.
Steps = tuple[float, float, float]


class Side(Protocol):
    """A platform that runs scripts."""

    def through(self, script: str) -> Steps:
        """Submit a script, and follow it to its end."""

    def lags(self) -> list[float]:
        """Milliseconds from each time that the ticking script prints to its arrival at a follower."""

    def seconds_for(self, count: int) -> float:
        """Seconds from the first of so many small jobs' submissions to the last one's end."""

    def pids(self) -> list[int]:
        """All its processes."""


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="torchyard-bench-") as folder:
        place = Path(folder)
        with (
            Stack(place / "home", TORCHYARD_WORKER_CPUS=str(AT_ONCE)) as stack,
            RayJobs(place) as ray,
        ):
            ours = Torchyard(stack)
            warm_up(ours, ray)
            table("the same scripts", figures(ours, ray), ("Torchyard", "Ray Jobs", ""))
            print(f"\n{versions(ray)}\n{machine()}")


def figures(ours: Side, ray: Side) -> Iterator[Figure]:
    yield from idle(ours, ray)
    for name, script in (("hello", HELLO), ("LeNet", LENET)):
        yield from start_and_end(
            name, [(turn(script, ours, ray), turn(script, ray, ours)) for _ in range(ROUNDS)]
        )
    yield from lag(ours, ray)
    yield from throughput(ours, ray)


def idle(ours: Side, ray: Side) -> Iterator[Figure]:
    """Ours has torch loaded, Ray has not."""
    settle(ours, ray)
    (own_memory, own_cpu), (rays_memory, rays_cpu) = starts.at_rest(ours.pids, ray.pids)
    yield Figure("idle memory (PSS) of all processes", own_memory, "MiB", rays_memory)
    yield Figure("idle CPU, of one core", own_cpu, "%", rays_cpu)


def turn(script: str, side: Side, other: Side) -> Steps:
    settle(side, other)
    return side.through(script)


def settle(*sides: Side) -> None:
    """Wait until what the last job left behind has ended: it would take the CPUs from the next one's turn."""
    eventually(
        lambda: max(starts.cpu_percent(LOOK, *(side.pids for side in sides))) < QUIET, seconds=PATIENCE
    )


def start_and_end(name: str, rounds: Sequence[tuple[Steps, Steps]]) -> Iterator[Figure]:
    own, rays = ([starts.ms(step) for step in zip(*side, strict=True)] for side in zip(*rounds, strict=True))
    for step, value, yardstick in zip(
        ("accepted", "first line followed", "end seen"), own, rays, strict=True
    ):
        yield Figure(f"{name}: submit → {step}", value, "ms", yardstick)


def lag(ours: Side, ray: Side) -> Iterator[Figure]:
    own, rays = ours.lags(), ray.lags()
    assert len(own) == len(rays) == TICKS
    for share in (50, 99):
        yield Figure(
            f"a line printed → followed, p{share}", percentile(own, share), "ms", percentile(rays, share)
        )


def throughput(ours: Side, ray: Side) -> Iterator[Figure]:
    own, rays = (JOBS / side.seconds_for(JOBS) for side in (ours, ray))
    yield Figure(f"{JOBS} hello jobs, {AT_ONCE} at a time", own, "/s", rays)


def warm_up(*sides: Side) -> None:
    """The first job of a fresh machine reads torch from disk; the comparison is not about that."""
    for side in sides:
        side.through(HELLO)
        side.through(LENET)


class Torchyard:
    """Our own side."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def through(self, script: str) -> Steps:
        return starts.through(self._stack, script)

    def lags(self) -> list[float]:
        return logs.lags(Follower(self._stack, logs.submitted(self._stack, TICKING)))

    def seconds_for(self, count: int) -> float:
        return starts.seconds_for(self._stack, count)[1]

    def pids(self) -> list[int]:
        return self._stack.pids()


class RayJobs:
    """A Ray head and its client, in a process of their own environment; a context manager."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._log = place / "ray.log"

    def __enter__(self) -> "RayJobs":
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [PEERS, "-P", Path(__file__).with_name("ray_jobs.py"), str(AT_ONCE)],
                env=environment | RAY_SETTINGS | {"RAY_AUTH_TOKEN": secrets.token_hex(32)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            self.version = str(self._answer())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()  # on this it ends all that it started
        self._process.wait()
        self._process.stdout.close()

    def through(self, script: str) -> Steps:
        accepted, first, end = self._ask(
            "through", entrypoint=self._entrypoint(script), begins=BEGINS[script]
        )
        return accepted, first, end

    def lags(self) -> list[float]:
        return [float(each) for each in self._ask("lags", entrypoint=self._entrypoint(TICKING))]

    def seconds_for(self, count: int) -> float:
        return float(self._ask("seconds_for", entrypoint=self._entrypoint(HELLO), count=count))

    def pids(self) -> list[int]:
        return [int(pid) for pid in self._ask("pids")]

    def _entrypoint(self, script: str) -> str:
        path = self._place / f"{hashlib.sha256(script.encode()).hexdigest()}.py"
        path.write_text(script)
        return shlex.join([str(PYTHON), "-u", str(path)])

    def _ask(self, ask: str, **more: str | int) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"ask": ask} | more) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"Ray's side ended:\n{self._log.read_text(errors='replace')[-4000:]}"
        return json.loads(line)


def versions(ray: RayJobs) -> str:
    said = "import platform, torch; print(f'Python {platform.python_version()}, torch {torch.__version__}')"
    runtime = subprocess.run([PYTHON, "-c", said], check=True, capture_output=True, text=True).stdout.strip()
    return f"Torchyard {importlib.metadata.version('torchyard')}, Ray {ray.version}; scripts: {runtime}"


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = os.getloadavg()[1]
    return f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB; load of the last 5 minutes: {busy:.1f}"


if __name__ == "__main__":
    main()
