"""Ray's side of `make bench-peers`: a head on loopback and its client, told what to do through a pipe.

Runs under build/peers, where Ray is. Each line of the input is a request in JSON, each line of the output its
answer. When the input ends, however that came to be, all that was started here ends too.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ray
import requests
from ray.job_submission import JobStatus, JobSubmissionClient

#: Whatever goes to the background becomes a child of the process that has asked for this.
PR_SET_CHILD_SUBREAPER = 36
#: Clients that submit at once, as on Torchyard's side.
CLIENTS = 4
#: Seconds between two looks at a job's state, which can only be asked for; each takes a little of the CPUs.
LOOK = 0.1
#: The same while many jobs run.
RARE_LOOK = 0.5
PATIENCE = 120.0
LOOPBACK = "127.0.0.1"


def main() -> None:
    cpus = int(sys.argv[1])
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # The sockets of Ray lie deep below this, and a socket's path may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            jobs = Jobs(started_head(Path(folder), cpus))
            say(ray.__version__)
            for line in sys.stdin:
                say(answer(jobs, **json.loads(line)))
        finally:
            end_descendants()


def answer(jobs: "Jobs", ask: str, entrypoint: str = "", **more: Any) -> Any:
    if ask == "pids":
        return descendants()
    asked: dict[str, Callable[..., Any]] = {
        "through": jobs.through,
        "lags": jobs.lags,
        "seconds_for": jobs.seconds_for,
    }
    return asked[ask](entrypoint, **more)


class Jobs:
    """What a user of Ray Jobs does, with a watch in the hand."""

    def __init__(self, client: JobSubmissionClient) -> None:
        self._client = client

    def through(self, entrypoint: str, begins: str) -> tuple[float, float, float]:
        """Seconds to the accepted submission, the script's first line in the tail, and the end.

        The end is asked for again and again: the tail would tell it seconds later.
        """
        start = time.perf_counter()
        job_id = self._client.submit_job(entrypoint=entrypoint)
        accepted = time.perf_counter() - start
        with ThreadPoolExecutor(1) as pool:
            end = pool.submit(self._end_seen, job_id, LOOK)
            first = asyncio.run(self._first_seen(job_id, begins))
            return accepted, first - start, end.result() - start

    def lags(self, entrypoint: str) -> list[float]:
        """Milliseconds from each time that a script printed to its arrival in the tail."""
        return asyncio.run(self._tick_lags(self._client.submit_job(entrypoint=entrypoint)))

    def seconds_for(self, entrypoint: str, count: int) -> float:
        """Seconds from the first of so many submissions to the last one's end; each takes one CPU."""
        start = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            submitted = [
                pool.submit(self._client.submit_job, entrypoint=entrypoint, entrypoint_num_cpus=1)
                for _ in range(count)
            ]
            job_ids = [job.result() for job in submitted]
        for job_id in job_ids:
            self._end_seen(job_id, RARE_LOOK)
        return time.perf_counter() - start

    def _end_seen(self, job_id: str, every: float) -> float:
        while not (status := self._client.get_job_status(job_id)).is_terminal():
            time.sleep(every)
        assert status == JobStatus.SUCCEEDED, self._client.get_job_logs(job_id)
        return time.perf_counter()

    async def _first_seen(self, job_id: str, begins: str) -> float:
        """When the script's first line came; Ray may have printed before it."""
        seen = ""
        async with contextlib.aclosing(self._client.tail_job_logs(job_id)) as tail:
            async for piece in tail:
                seen += piece
                if begins in seen:
                    return time.perf_counter()
        raise AssertionError(f"no {begins!r} in the tail: {seen}")

    async def _tick_lags(self, job_id: str) -> list[float]:
        found, rest = [], ""
        async for piece in self._client.tail_job_logs(job_id):
            now = time.time_ns()
            *lines, rest = (rest + piece).split("\n")
            found += [(now - int(line)) / 1e6 for line in lines if line.isdigit()]
        return found


def started_head(folder: Path, cpus: int) -> JobSubmissionClient:
    """A head that takes jobs."""
    port, dashboard, agent, client_server = free_ports(4)
    os.environ["RAY_TMPDIR"] = str(folder)
    options = {
        "node-ip-address": LOOPBACK,
        "port": port,
        "num-cpus": cpus,
        "dashboard-host": LOOPBACK,
        "dashboard-port": dashboard,
        "dashboard-agent-listen-port": agent,
        "ray-client-server-port": client_server,
        "temp-dir": folder,
    }
    program = Path(sysconfig.get_path("scripts")) / "ray"
    subprocess.run(
        [program, "start", "--head", *(f"--{name}={value}" for name, value in options.items())],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=True,
    )
    return answering(f"http://{LOOPBACK}:{dashboard}")


def answering(url: str) -> JobSubmissionClient:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            client = JobSubmissionClient(url)
            client.list_jobs()
        except (ConnectionError, RuntimeError, requests.RequestException):
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK)
        else:
            return client


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [int(one.getsockname()[1]) for one in sockets]


def descendants() -> list[int]:
    reap(os.WNOHANG)  # those that were left to this process and have ended
    found = children_of(os.getpid())
    for pid in found:
        found += children_of(pid)
    return found


def reap(options: int = 0) -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, options)[0]:
            pass


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            found += [int(child) for child in children.read_text().split()]
    return found


def end_descendants() -> None:
    """`ray stop` would end every Ray of this machine, so these go by their ids, until none is left."""
    while found := descendants():
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        reap()


def say(answered: Any) -> None:
    print(json.dumps(answered), flush=True)


if __name__ == "__main__":
    main()
