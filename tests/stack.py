"""A whole Torchyard of real processes for tests: Valkey, platform and worker, each killable by itself."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from tests.servers import ValkeyServer, free_port
from tests.waiting import eventually

REPOSITORY = Path(__file__).parent.parent
RUNTIMES = Path(os.environ.get("TORCHYARD_TEST_RUNTIMES", REPOSITORY / ".torchyard" / "runtimes"))
RUNTIME = "torch-2.13-cpu"
#: Seconds a process may take to start or end on a machine that is busy with other tests.
PATIENCE = 90.0


class Stack:
    """Valkey, platform and worker over one home; a context manager."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.valkey = ValkeyServer()
        self._settings = settings
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "Stack":
        self.valkey.start()
        try:
            self.start_platform()
            self.start_worker()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in [name for name in self._processes if name != "platform"]:
            self.stop(name)
        self.stop("platform")
        self.valkey.kill()
        self._end_scripts()

    def _end_scripts(self) -> None:
        """A script outlives its worker; one that a failed test left must not outlive the test too."""
        for told in self.home.glob("*/attempts/*/shim.json"):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                os.kill(json.loads(told.read_text())["pid"], signal.SIGKILL)

    @property
    def token(self) -> str:
        return (self.home / "token").read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @contextlib.contextmanager
    def api(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=f"{self.url}/api/v1", headers=self.headers, timeout=60) as client:
            yield client

    def start_platform(self) -> None:
        self._start(
            "platform",
            "torchyard.main",
            TORCHYARD_HOME=str(self.home),
            TORCHYARD_PORT=str(self.port),
            TORCHYARD_BROKER_URL=self.valkey.url,
        )
        eventually(self._ready, seconds=PATIENCE)

    def start_worker(self, runtimes: Path = RUNTIMES, *, name: str = "worker") -> None:
        before = self._registrations()
        self._start(
            name,
            "torchyard_worker",
            TORCHYARD_URL=self.url,
            TORCHYARD_WORKER_TOKEN_FILE=str(self.home / "worker-token"),
            TORCHYARD_WORKER_HOME=str(self.home / name),
            TORCHYARD_WORKER_NAME=name,
            TORCHYARD_WORKER_RUNTIMES=str(runtimes),
        )
        eventually(lambda: self._alive(name) and self._registrations() != before, seconds=PATIENCE)

    def send(self, name: str, number: int) -> None:
        """Send a process a signal that does not end it."""
        self._processes[name].send_signal(number)

    def stop(self, name: str, number: int = signal.SIGTERM) -> int | None:
        """End a process and wait for it; its exit code."""
        process = self._processes.pop(name, None)
        if process is None:
            return None
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)  # one that a test stopped could not hear it
        try:
            return process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def environment(self, **more: str) -> dict[str, str]:
        """What a program of a user of this stack finds in its environment."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("TORCHYARD_")}
        return own | {"TORCHYARD_URL": self.url, "TORCHYARD_TOKEN": self.token} | more

    def pids(self) -> list[int]:
        """All processes of the stack and what they have started."""
        found = [*(process.pid for process in self._processes.values()), self.valkey.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def peak_memory(self, name: str) -> int:
        """The most memory that a process ever had in use, in bytes."""
        status = Path(f"/proc/{self._processes[name].pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024

    def log_of(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(errors="replace")

    def _start(self, name: str, module: str, **environment: str) -> None:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = {key: value for key, value in os.environ.items() if not key.startswith("TORCHYARD_")}
        with (self.home / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                env=own | self._settings | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _alive(self, name: str) -> bool:
        assert self._processes[name].poll() is None, (
            f"{name} ended at its start:\n{self.log_of(name)[-4000:]}"
        )
        return True

    def _ready(self) -> bool:
        self._alive("platform")
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz").is_success
        return False

    def _registrations(self) -> list[Any]:
        with self.api() as api:
            return [(worker["id"], worker["registered_at"]) for worker in api.get("/workers").json()]
