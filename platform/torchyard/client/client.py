"""The client: one verb for each thing that can be done."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client import submitting
from torchyard.client.address import find
from torchyard.client.connection import Connection, Page
from torchyard.client.connections import Connections
from torchyard.client.downloading import download, download_all
from torchyard.client.following import follow, follow_bytes
from torchyard.client.inputs import Given
from torchyard.client.notifications import Notifications
from torchyard.client.pieces import LogPiece, piece_of, pieces_of
from torchyard.client.runs import Runs
from torchyard.client.schedules import Schedules
from torchyard.client.secrets import Secrets
from torchyard.client.sweeps import Sweeps
from torchyard.client.uploading import OnProgress
from torchyard.client.users import Users
from torchyard.client.workflow_files import WorkflowFiles
from torchyard.client.workflows import Workflows
from torchyard.contracts.jobs import Artifact, Attempt, Job, JobEvent, JobState, Resources, Retries
from torchyard.contracts.logs import LogChunk, LogName
from torchyard.contracts.workers import OfferedRuntime, Worker
from torchyard.errors import NotFound

_JOB = TypeAdapter(Job)
_JOBS = TypeAdapter(Page[Job])
_ATTEMPTS = TypeAdapter(list[Attempt])
_EVENTS = TypeAdapter(list[JobEvent])
_ARTIFACTS = TypeAdapter(list[Artifact])
_WORKER = TypeAdapter(Worker)
_WORKERS = TypeAdapter(list[Worker])
_RUNTIMES = TypeAdapter(list[OfferedRuntime])


class Client:
    """A connection to one platform; use it as a context manager, or `close` it.

    Every verb raises `RequestRefused` if the platform answers with a problem, and `ServerUnreachable`
    if it doesn't answer; requests that can do no harm twice are tried again while it restarts.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        home: Path | str | None = None,
        on_interruption: Callable[[str], None] | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        Args:
            url: The platform's address; else `TORCHYARD_URL`, else `TORCHYARD_HOST` and `TORCHYARD_PORT`.
            token: Else `TORCHYARD_TOKEN`, else the file `token` in the home, for a platform of this machine.
            home: Else `TORCHYARD_HOME`, else `.torchyard`.
            on_interruption: Called with one sentence when something followed lost its connection and is
                about to be continued.

        Raises:
            InvalidInput: The URL is none.
        """
        self._connection = Connection(find(url, token, home), on_interruption)
        #: Storage connections, and what lies behind them.
        self.connections = Connections(self._connection)
        #: Your secrets, for jobs' environments.
        self.secrets = Secrets(self._connection)
        #: Who may come in, and how much of all workers their jobs hold.
        self.users = Users(self._connection)
        #: When workflows run by themselves, and runs for times that have passed.
        self.schedules = Schedules(self._connection)
        #: One run for each combination of parameter values.
        self.sweeps = Sweeps(self._connection)
        #: Webhooks that are told when a workflow's run ends.
        self.notifications = Notifications(self._connection)
        #: Runs of workflows, and of graphs that are not saved.
        self.runs = Runs(self._connection)
        #: Graphs that are saved, with their versions.
        self.workflows = Workflows(self._connection)
        #: Workflows as YAML files, and the templates that come with the platform.
        self.workflow_files = WorkflowFiles(self._connection)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    @property
    def url(self) -> str:
        """The platform's address."""
        return self._connection.address.url

    def submit(  # noqa: PLR0913 - one argument for each field of a job
        self,
        script: Path | str | bytes,
        *,
        dependencies: Path | str | None = None,
        dependency_paths: str | Sequence[str] | None = None,
        arguments: str | Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        inputs: Mapping[str, Given] | None = None,
        resources: Resources | Mapping[str, Any] | None = None,
        runtime: str | None = None,
        requirements: str | None = None,
        retries: Retries | Mapping[str, int] | None = None,
        name: str | None = None,
        grace_seconds: int | None = None,
        warm: bool | None = None,
        ignore_warnings: bool | None = None,
        idempotency_key: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Job:
        """Submit a job; files that the platform has are not sent again.

        Args:
            script: The script's path; or its source, as bytes.
            dependencies: A zip to be extracted beside the script; or a directory, of which only files are
                sent that the platform lacks.
            dependency_paths: Files and directories in S3 or COS to be copied beside the script, as
                `s3://bucket/key`; several of them, or one string that separates them by commas.
            arguments: The script's command line: words, or one string that is split as a POSIX shell does.
            environment: Environment variables for the script.
            inputs: What goes to `inputs/<name>/`: what an ended job left, as `{"train": "job:<id>"}`; files
                and directories in S3 or COS, as `"s3://bucket/key"`; files of this machine, as
                `Path("a.csv")`; or a list of paths and files.
            resources: GPUs, CPUs, memory and wall time.
            runtime: The runtime's name; the platform's default one if left out.
            requirements: The text of a requirements file: packages that are installed for this job alone.
            retries: How often it is tried again: `{"after_failure": 2}` if the script fails,
                `{"after_loss": 1}` if its worker is lost while it runs.
            name: A name for people; the script's if left out.
            grace_seconds: Seconds between SIGTERM and SIGKILL when the script is stopped; 30 if left out.
            warm: Whether the script may be forked from an interpreter with torch loaded; it may if left out.
            ignore_warnings: Submit a script that does not compile.
            idempotency_key: Two submits with the same key make one job, for a day.
            on_progress: Called as the upload goes on.

        Raises:
            InvalidInput: A file or setting can't be accepted as it is.
        """
        settings = {
            "dependency_paths": dependency_paths,
            "arguments": arguments,
            "environment": environment,
            "inputs": inputs,
            "resources": resources,
            "runtime": runtime,
            "requirements": requirements,
            "retries": retries,
            "name": name,
            "grace_seconds": grace_seconds,
            "warm": warm,
            "ignore_warnings": ignore_warnings,
        }
        return submitting.submit(
            self._connection, (script, dependencies), settings, idempotency_key, on_progress
        )

    def get(self, job_id: str) -> Job:
        """The job as it stands."""
        return self._connection.ask(_JOB, "GET", _path(job_id))

    def jobs(
        self,
        *,
        states: Iterable[JobState] = (),
        text: str | None = None,
        id_prefix: str | None = None,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """Jobs, newest first, asked for part by part as they are used.

        Args:
            states: Only jobs in one of these states; all if empty.
            text: Only jobs with this in their name, script or arguments.
            id_prefix: Only jobs whose id begins like this.
            created_after: Only jobs accepted then or later.
            created_before: Only jobs accepted earlier.
            limit: At most so many.
        """
        params: dict[str, Any] = {"state": [state.value for state in states]}
        params |= {name: value for name, value in (("text", text), ("id_prefix", id_prefix)) if value}
        params |= {
            name: moment.isoformat()
            for name, moment in (("created_after", created_after), ("created_before", created_before))
            if moment is not None
        }
        return self._connection.listed(_JOBS, "/jobs", params, limit)

    def wait(self, job_id: str) -> Job:
        """The job, once it has ended."""
        for _ in follow(self._connection, f"{_path(job_id)}/events/stream", {}):
            pass
        return self.get(job_id)

    def events(
        self, job_id: str, *, follow: bool = False, on_quiet: Callable[[], None] | None = None
    ) -> Iterator[JobEvent]:
        """What happened to the job, first to last.

        Args:
            job_id: The job.
            follow: Go on until it ends.
            on_quiet: Called while one follows and nothing happens, every 15 s.
        """
        if follow:
            return self._followed_events(job_id, on_quiet)
        told = self._connection.ask(_EVENTS, "GET", f"{_path(job_id)}/events")
        return iter(told)

    def attempts(self, job_id: str) -> list[Attempt]:
        """The job's attempts, first to last."""
        return self._connection.ask(_ATTEMPTS, "GET", f"{_path(job_id)}/attempts")

    def logs(
        self,
        job_id: str,
        name: str = LogName.STDOUT,
        *,
        follow: bool = False,
        offset: int = 0,
        attempt: int | None = None,
    ) -> Iterator[LogPiece]:
        """A log's bytes in order, each once, however often the connection breaks.

        Args:
            job_id: The job.
            name: `stdout.log`, `stderr.log` or `system.log`.
            follow: Go on until the log ends, not only to where it is now; only then do pieces of stdout.log
                tell stream and time.
            offset: The first byte wanted.
            attempt: Which attempt's; the latest one's if left out.
        """
        path = f"{_path(job_id)}/logs/{quote(name)}"
        if follow:
            # A reconnect must not land in the log of an attempt that came later.
            number = attempt if attempt is not None else self.get(job_id).attempt
            return self._followed(path, {"offset": offset, "attempt": number})
        params = {} if attempt is None else {"attempt": attempt}
        return pieces_of(follow_bytes(self._connection, path, params, offset), offset)

    def cancel(self, job_id: str) -> Job:
        """Stop the job; `RequestRefused` with code `job_ended` if it has ended."""
        return self._connection.ask(_JOB, "POST", f"{_path(job_id)}/cancel")

    def run_again(self, job_id: str) -> Job:
        """A new job with the same specification."""
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return self._connection.ask(_JOB, "POST", f"{_path(job_id)}/run-again", repeatable=True, headers=key)

    def delete(self, job_id: str) -> None:
        """Remove a job that has ended, with its logs and artifacts."""
        self._connection.request("DELETE", _path(job_id))

    def artifacts(self, job_id: str) -> list[Artifact]:
        """The files that the job left, by attempt and path."""
        return self._connection.ask(_ARTIFACTS, "GET", f"{_path(job_id)}/artifacts")

    def download(self, job_id: str, path: Artifact | str, target: Path | str) -> Path:
        """Fetch an artifact.

        Args:
            job_id: The job.
            path: The artifact, whose SHA-256 is then checked; or its path, for the latest attempt's.
            target: The file to write, or a directory to put it in under its own name.

        Returns:
            The file that was written.

        Raises:
            DigestMismatch: Other bytes came than the job left.
        """
        return download(self._connection, job_id, path, Path(target))

    def download_all(self, job_id: str, target: Path | str, *, attempt: int | None = None) -> Path:
        """Fetch all artifacts of a job as one zip, which is written to `target`.

        Args:
            job_id: The job.
            target: The file to write.
            attempt: Which attempt's; of each path the latest attempt's if left out.
        """
        return download_all(self._connection, job_id, attempt, Path(target))

    def drain(self, name: str, *, drain: bool = True) -> Worker:
        """Give a worker nothing new; or again, with `drain=False`. For administrators.

        Raises:
            NotFound: `worker_not_found`.
        """
        found = next((worker for worker in self.workers() if worker.name == name), None)
        if found is None:
            raise NotFound(f"there is no worker {name!r}", code="worker_not_found")
        return self._connection.ask(_WORKER, "PUT", f"/workers/{found.id}/drain", json={"drain": drain})

    def workers(self) -> list[Worker]:
        """All workers, with what they have and what of it is free."""
        return self._connection.ask(_WORKERS, "GET", "/workers")

    def runtimes(self) -> list[OfferedRuntime]:
        """The runtimes that jobs can use, with their real versions."""
        return self._connection.ask(_RUNTIMES, "GET", "/runtimes")

    def _followed_events(self, job_id: str, on_quiet: Callable[[], None] | None) -> Iterator[JobEvent]:
        for event in follow(self._connection, f"{_path(job_id)}/events/stream", {}):
            if event.name == "message":
                yield JobEvent.model_validate_json(event.data)
            elif event.name == "ping" and on_quiet is not None:
                on_quiet()

    def _followed(self, path: str, params: dict[str, Any]) -> Iterator[LogPiece]:
        position = params["offset"]
        for event in follow(self._connection, f"{path}/stream", params):
            if event.name != "message":
                continue
            # A proxy that drops Last-Event-ID makes the platform begin anew.
            piece = piece_of(LogChunk.model_validate_json(event.data)).behind(position)
            if piece.data:
                position = piece.end
                yield piece


def _path(job_id: str) -> str:
    return f"/jobs/{quote(job_id, safe='')}"
