"""Commands about machines: workers, their runtimes, and what runs here."""

import os
import sys
from typing import Annotated

import typer

from torchyard.cli import programs, terminal
from torchyard.cli.access import JsonOption, connect
from torchyard.cli.wording import since
from torchyard.client import Worker
from torchyard.contracts.runner import Runtime


def workers(
    ctx: typer.Context,
    drain: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Give this worker nothing new; what it has goes on."),
    ] = None,
    resume: Annotated[str | None, typer.Option(metavar="NAME", help="Give this worker jobs again.")] = None,
    json: JsonOption = False,
) -> None:
    """List the workers, with what they have and what of it is free; or take one out of use, and back."""
    with connect(ctx) as client:
        if drain is not None:
            client.drain(drain)
        if resume is not None:
            client.drain(resume, drain=False)
        found = client.workers()
    if json:
        terminal.show_json(found)
        return
    columns = ("NAME", "HEARD OF", "JOBS", "CPUS FREE", "MEMORY FREE", "GPUS", "RUNTIMES")
    terminal.show_table(columns, [_row(worker) for worker in found])
    for worker in found:
        for note in worker.isolation_notes:
            terminal.say(f"{worker.name}: {note}")


def runtimes(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the runtimes that jobs can use, and their versions."""
    with connect(ctx) as client:
        found = client.runtimes()
    if json:
        terminal.show_json(found)
        return
    rows = [
        (f"{offered.name} (default)" if offered.default else offered.name, worker, _versions(runtime))
        for offered in found
        for worker, runtime in sorted(offered.workers.items())
    ]
    terminal.show_table(("RUNTIME", "WORKER", "VERSIONS"), rows)


def up() -> None:
    """Start everything on this machine. Ctrl-C stops all of it.

    That is Valkey, the platform and a worker; all state is under TORCHYARD_HOME.
    """
    raise typer.Exit(programs.start("torchyard.embedded", "up"))


def serve() -> None:
    """Start the platform alone: API, scheduler and logs."""
    raise typer.Exit(programs.start("torchyard.main", "serve"))


def worker() -> None:
    """Start a worker alone, in place of this process."""
    # -P: a file here that is named like a module must not be taken for it.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "torchyard_worker"])  # noqa: S606 - no shell is wanted


def _row(worker: Worker) -> tuple[str, ...]:
    return (
        worker.name,
        _heard_of(worker),
        str(worker.attempts),
        f"{worker.free_cpus} of {worker.cpus}",
        f"{worker.free_memory_mb} of {worker.memory_mb} MiB",
        ", ".join(gpu.model for gpu in worker.gpus) or "none",
        ", ".join(runtime.name for runtime in worker.runtimes),
    )


def _heard_of(worker: Worker) -> str:
    if not worker.reachable:
        return f"silent for {since(worker.seen_at)}"
    return f"{since(worker.seen_at)} ago" + (", draining" if worker.draining else "")


def _versions(runtime: Runtime) -> str:
    packages = ", ".join(f"{name} {version}" for name, version in sorted(runtime.packages.items()))
    return f"Python {runtime.python}, {packages}" + (f", CUDA {runtime.cuda}" if runtime.cuda else "")
