"""`torchyard up`: starts everything on one machine, keeps it running, and ends it in order."""

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from shlex import quote

import httpx

from torchyard.client import Client
from torchyard.contracts.logs import LogName
from torchyard.embedded.children import Child, Children, Program, Stopped, guarded, pause, spawn
from torchyard.embedded.preflight import claimed
from torchyard.embedded.valkey import embedded_valkey
from torchyard.errors import StartRefused, TorchyardError
from torchyard.listening import usable_port
from torchyard.settings import Settings, load

#: Seconds a child may take until it answers; a slow machine's first start is well within.
START_LIMIT = 60.0
#: Seconds the worker has to end the scripts it runs, which themselves get their grace time.
WORKER_PATIENCE = 60.0
PLATFORM_PATIENCE = 15.0


def up() -> int:
    """Serve until SIGINT, SIGTERM or SIGHUP, and leave nothing running.

    Returns:
        The process's exit code.

    Raises:
        StartRefused: Something is in the way; in one sentence.
    """
    settings = load()
    settings = settings.model_copy(update={"home": settings.home.absolute()})
    with claimed(settings.home), guarded():
        machine = _Machine(settings)
        try:
            machine.serve()
        except Stopped:
            _say("stopping; Ctrl-C again to hurry")
        except OSError as problem:
            if problem.errno != errno.ENOSPC:
                raise
            raise StartRefused(f"no space is left in {settings.home}") from problem
        finally:
            machine.stop()
    _say("stopped")
    return 0


class _Machine:
    """The parts of one `up`, in the order of their start."""

    def __init__(self, settings: Settings) -> None:
        port = usable_port(settings.host, settings.port)
        self._settings = settings.model_copy(update={"port": port})
        self._children = Children(_say)
        self._stopping = threading.Event()
        self._example = threading.Thread(target=self._show_example, name="example", daemon=True)
        self._home = settings.home
        self._token = settings.home / "token"
        if not self._token.exists():
            self._home.chmod(0o700)
        self._worker_environment = self._environment_of_worker()
        self._first = not Path(self._worker_environment["TORCHYARD_WORKER_HOME"]).exists()

    def serve(self) -> None:
        """Start all of it, and keep it running.

        Raises:
            Stopped: Somebody asked to stop.
        """
        platform = self._children.start(self._platform(self._broker()))
        self._wait(platform, self._answers)
        self._build_runtime()
        before = self._registrations()
        worker = self._children.start(self._worker())
        self._wait(worker, lambda: self._registrations() != before)
        self._greet()
        if self._first:
            self._example.start()
        self._children.watch()

    def stop(self) -> None:
        """End all of it."""
        self._stopping.set()
        self._children.stop()
        if self._example.is_alive():
            self._example.join(2.0)  # its server is gone, so it has nothing to wait for

    def _broker(self) -> str:
        if self._settings.broker_url is not None:
            return self._settings.broker_url.get_secret_value()
        valkey = embedded_valkey(self._home)
        self._children.start(valkey.program)
        return valkey.url

    def _build_runtime(self) -> None:
        into = self._worker_environment["TORCHYARD_WORKER_RUNTIMES"]
        words = ["torchyard_worker.runtimes", "build", self._settings.default_runtime, "--into", into]
        builder = spawn(_python(*words), dict(os.environ), errors=subprocess.PIPE)
        try:
            while builder.poll() is None:
                pause(1.0)
        finally:
            builder.terminate()
        _, complaint = builder.communicate()
        if builder.returncode:
            lines = complaint.decode(errors="replace").strip().splitlines()
            raise StartRefused(
                lines[-1] if lines else f"the runtime {self._settings.default_runtime} was not built"
            )

    def _platform(self, broker_url: str) -> Program:
        settings = self._settings
        return Program(
            name="the platform",
            command=_python("torchyard.main"),
            environment=os.environ
            | {
                "TORCHYARD_HOME": str(self._home),
                "TORCHYARD_HOST": settings.host,
                "TORCHYARD_PORT": str(settings.port),
                "TORCHYARD_BROKER_URL": broker_url,
                "PYTHONUNBUFFERED": "1",
            },
            log=self._home / "platform.log",
            patience=PLATFORM_PATIENCE,
        )

    def _environment_of_worker(self) -> dict[str, str]:
        """Nothing of the platform's own settings; what the operator set for the worker comes first."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TORCHYARD_") or name.startswith("TORCHYARD_WORKER_")
        }
        return {
            "TORCHYARD_URL": self._settings.url,
            "TORCHYARD_WORKER_TOKEN_FILE": str(self._home / "worker-token"),
            "TORCHYARD_WORKER_HOME": str(self._home / "worker"),
            "TORCHYARD_WORKER_RUNTIMES": str(self._home / "runtimes"),
            "TORCHYARD_WORKER_STOP_JOBS_ON_EXIT": "true",
            "PYTHONUNBUFFERED": "1",
        } | kept

    def _worker(self) -> Program:
        return Program(
            name="the worker",
            command=_python("torchyard_worker"),
            environment=self._worker_environment,
            log=self._home / "worker.log",
            patience=WORKER_PATIENCE,
        )

    def _wait(self, child: Child, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_LIMIT
        name, log = child.program.name, child.program.log
        while not there():
            if child.ended:
                raise StartRefused(f"{name} did not start: {child.last_line()} (all of it is in {log})")
            if time.monotonic() > deadline:
                raise StartRefused(f"{name} did not answer within {START_LIMIT:.0f} s; see {log}")
            pause(0.05)

    def _answers(self) -> bool:
        return self._get("/readyz") is not None

    def _registrations(self) -> list[tuple[str, str]]:
        """Changes when a worker registers."""
        told = self._get("/api/v1/workers")
        return (
            sorted((worker["id"], worker["registered_at"]) for worker in told.json())
            if told is not None
            else []
        )

    def _get(self, path: str) -> httpx.Response | None:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str) -> httpx.Response | None:
        token = self._token.read_text().strip() if self._token.exists() else ""
        try:
            with httpx.Client(trust_env=False, timeout=5.0) as client:
                answer = client.request(
                    method, self._settings.url + path, headers={"Authorization": f"Bearer {token}"}
                )
        except httpx.TransportError:
            return None
        return answer if answer.is_success else None

    def _greet(self) -> None:
        url, program = self._settings.url, quote(_shown(Path(sys.executable).parent / "torchyard"))
        bearer = f'-H "Authorization: Bearer $(cat {quote(_shown(self._token))})"'
        _say(f"\nTorchyard serves at {url}")
        if self._first:
            _say(f"  token     {self._token.read_text().strip()}  (shown this once; kept in {self._token})")
        link = self._ask("POST", "/api/v1/session/links")
        if link is not None:
            _say(f"  browser   {url}/#sign-in={link.json()['code']}  (good once, for 15 minutes)")
        _say(f"  sign in   later with the token in {self._token}")
        _say(f"  terminal  {program} run train.py")
        _say(f"  curl      curl {bearer} -F script=@train.py {url}/api/v1/jobs")
        _say(f"  logs      {self._home / 'platform.log'}, {self._home / 'worker.log'}")
        _say("  stop      Ctrl-C\n")

    def _show_example(self) -> None:
        """Submit the bundled example and repeat its output, while the main thread goes on watching."""
        try:
            with (
                resources.as_file(resources.files("torchyard") / "examples" / "first_job.py") as script,
                Client(self._settings.url, self._token.read_text().strip()) as client,
            ):
                job = client.submit(script=script)
                _say(f"A first job, {script.name}, was submitted for you: {job.id}")
                for chunk in client.logs(job.id, LogName.STDOUT, follow=True):
                    sys.stdout.write(chunk.text or "")
                    sys.stdout.flush()
                _say(f"The first job is {client.wait(job.id).state}. Submit your own, or stop with Ctrl-C.")
        except TorchyardError as problem:
            if not self._stopping.is_set():
                _say(f"the first job can't be shown: {problem.message}")


def _python(*words: str) -> list[str]:
    # -P: a file here that is named like a module must not be taken for it
    return [sys.executable, "-P", "-m", *words]


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
