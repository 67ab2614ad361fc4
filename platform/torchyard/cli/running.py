"""`torchyard run`: a job from here to its exit code."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from torchyard import client as sdk
from torchyard.cli import exits, following, terminal
from torchyard.cli.access import connect, resolve
from torchyard.cli.announcing import announce
from torchyard.cli.following import Follower
from torchyard.cli.wording import short
from torchyard.contracts.inputs import NOTHING, job_source
from torchyard.contracts.jobs import TERMINAL, Job, JobState, Reason
from torchyard.errors import RequestRefused

ScriptArgument = Annotated[Path, typer.Argument(metavar="SCRIPT", help="The script to run.")]
WordsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="-- ARGUMENTS", help="The script's own command line.")
]
DepsOption = Annotated[
    Path | None, typer.Option("--deps", metavar="DIR|ZIP", help="Files to lay beside the script.")
]
DepOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dep",
        metavar="s3://BUCKET/KEY",
        help="A file or directory (KEY/) in S3 or COS to copy beside the script; may be repeated.",
    ),
]
EnvOption = Annotated[
    list[str] | None,
    typer.Option("--env", "-e", metavar="NAME=VALUE", help="An environment variable; may be repeated."),
]


InputOption = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="NAME=SOURCE",
        help="What lies in inputs/NAME/: what an ended job left (job:ID), a file or directory in S3 or COS "
        "(s3://BUCKET/KEY), or a file that is uploaded; may be repeated.",
    ),
]


RequirementsOption = Annotated[
    Path | None,
    typer.Option("--requirements", "-r", metavar="FILE", help="Packages to install for this job alone."),
]


def run(
    ctx: typer.Context,
    script: ScriptArgument,
    words: WordsArgument = None,
    deps: DepsOption = None,
    dep: DepOption = None,
    gpus: Annotated[int | None, typer.Option(help="GPUs. [default: 0]")] = None,
    gpu_model: Annotated[str | None, typer.Option(help="Part of the GPU model's name.")] = None,
    cpus: Annotated[int | None, typer.Option(help="CPU cores. [default: 1]")] = None,
    memory_mb: Annotated[int | None, typer.Option(help="Memory in MiB. [default: 2048]")] = None,
    timeout: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="Wall time limit; 0 is none. [default: 86400]")
    ] = None,
    runtime: Annotated[str | None, typer.Option(help="The runtime; see `torchyard runtimes`.")] = None,
    env: EnvOption = None,
    inputs: InputOption = None,
    requirements: RequirementsOption = None,
    retries: Annotated[
        int | None, typer.Option(help="Further attempts if the script fails. [default: 0]")
    ] = None,
    retries_after_loss: Annotated[
        int | None, typer.Option(help="Further attempts if its worker is lost while it runs. [default: 0]")
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name for people. [default: the script's]")] = None,
    grace: Annotated[
        int | None, typer.Option(metavar="SECONDS", help="Time between SIGTERM and SIGKILL. [default: 30]")
    ] = None,
    cold: Annotated[
        bool, typer.Option("--cold", help="Start an interpreter for the script alone, which takes longer.")
    ] = False,
    ignore_warnings: Annotated[
        bool, typer.Option("--ignore-warnings", help="Submit a script that does not compile.")
    ] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Submit, print the id, and return.")] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print the job as JSON when it has ended; its output goes to stderr."),
    ] = False,
) -> None:
    """Run a script, show its output, and exit with its exit code.

    Ctrl-C detaches: the job goes on, unless you say that it shall not.
    """
    resources = {
        "gpus": gpus,
        "gpu_model": gpu_model,
        "cpus": cpus,
        "memory_mb": memory_mb,
        "timeout_seconds": timeout,
    }
    again = {"after_failure": retries, "after_loss": retries_after_loss}
    settings: dict[str, Any] = {
        "dependencies": deps,
        "dependency_paths": dep,
        "arguments": words,
        "environment": dict(_variable(text) for text in env or []),
        "resources": {field: value for field, value in resources.items() if value is not None},
        "runtime": runtime,
        "requirements": None if requirements is None else _text(requirements),
        "retries": {field: value for field, value in again.items() if value is not None},
        "name": name,
        "grace_seconds": grace,
        "warm": False if cold else None,
        "ignore_warnings": ignore_warnings,
    }
    with connect(ctx) as client:
        settings["inputs"] = _inputs(client, inputs or [])
        job = _submit(client, script, settings)
        if detach:
            terminal.show_json(job) if json else terminal.show_line(job.id)
            return
        terminal.say(f"job {job.id}")
        ended = _follow(client, job, following.all_to_stderr() if json else following.streams())
    if json:
        terminal.show_json(ended)
    raise typer.Exit(_verdict(ended))


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter(f"{file} is no UTF-8 text", param_hint="--requirements") from None


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals and name not in os.environ:
        raise typer.BadParameter(
            f"{text!r} has no value, and this terminal has no such variable; write NAME=VALUE",
            param_hint="--env",
        )
    return name, value if equals else os.environ[name]


def _inputs(client: sdk.Client, texts: list[str]) -> dict[str, list[str | Path]]:
    """The inputs' sources by their names; those with one name go together."""
    found: dict[str, list[str | Path]] = {}
    for text in texts:
        name, _, source = text.partition("=")
        found.setdefault(name, []).append(_source(client, text, source))
    return found


def _source(client: sdk.Client, text: str, source: str) -> str | Path:
    if source.startswith(("s3://", "cos://", "blob:")) or source == NOTHING:
        return source
    if source.startswith("job:"):
        job_id = source.removeprefix("job:")
        return job_source(resolve(client, job_id.removesuffix("?")), may_be_empty=job_id.endswith("?"))
    file = Path(source).expanduser()
    if not source or not file.is_file():
        raise typer.BadParameter(
            f"{text!r} names no file, job or storage; write NAME=FILE, NAME=job:ID or NAME=s3://BUCKET/KEY",
            param_hint="--input",
        )
    return file


def _submit(client: sdk.Client, script: Path, settings: dict[str, Any]) -> Job:
    try:
        with uploads_shown() as progress:
            job = client.submit(script, on_progress=progress, **settings)
    except KeyboardInterrupt:
        terminal.tell("interrupted before the platform confirmed the job")
        raise typer.Exit(exits.INTERRUPTED) from None
    return job


@contextlib.contextmanager
def uploads_shown() -> Iterator[sdk.uploading.OnProgress | None]:
    """What is called as uploads go on, so that a person at the terminal sees it."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def update(progress: sdk.Progress) -> None:
            if progress.known:
                terminal.say(f"{progress.name} is there already")
                return
            if progress.name not in tasks:
                tasks[progress.name] = shown.add_task(f"uploading {terminal.printable(progress.name)}")
            shown.update(tasks[progress.name], completed=progress.sent, total=progress.size)

        yield update


def _follow(client: sdk.Client, job: Job, sink: following.Sink) -> Job:
    follower = Follower(client, job, sink)
    try:
        if sys.stderr.isatty():
            announce(client, job)
        return follower.to_the_end()
    except KeyboardInterrupt:
        _detach(client, job)
        return follower.to_the_end()


def _detach(client: sdk.Client, job: Job) -> None:
    """Leave the job alone, unless it is to be cancelled too.

    Raises:
        typer.Exit: It is left alone.
    """
    terminal.tell(
        f"detached; the job goes on. Follow it again: torchyard logs -f {short(job.id)}   "
        f"Cancel it: torchyard cancel {short(job.id)}"
    )
    try:
        if not terminal.ask("Cancel the job too?"):
            raise typer.Exit(exits.INTERRUPTED)
        client.cancel(job.id)
    except KeyboardInterrupt:
        raise typer.Exit(exits.INTERRUPTED) from None
    except RequestRefused as refused:
        if refused.code != "job_ended":
            raise


def _verdict(job: Job) -> int:
    code = exits.of_job(job)
    by_itself = job.state is JobState.SUCCEEDED or job.reason is Reason.SCRIPT_ERROR
    if job.state in TERMINAL and job.sentence:
        # The script's own words tell a person enough; what the platform knows better is always told.
        (terminal.say if by_itself else terminal.tell)(job.sentence)
    return code
