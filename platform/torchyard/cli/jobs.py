"""Commands about jobs: list, show, cancel, run again, remove."""

from collections.abc import Iterable
from typing import Annotated

import typer

from torchyard.cli import terminal
from torchyard.cli.access import JobArgument, JsonOption, connect, resolve
from torchyard.cli.wording import duration, fetching, local, short, since, status
from torchyard.client import Client
from torchyard.contracts.jobs import TERMINAL, Attempt, Job, JobEvent, JobState

#: Ended jobs that are listed when nothing else is asked for.
_RECENT = 20
_OPEN = tuple(state for state in JobState if state not in TERMINAL)
_COLUMNS = ("ID", "NAME", "STATE", "REASON", "WORKER", "AGE", "DURATION")


def ps(
    ctx: typer.Context,
    everything: Annotated[bool, typer.Option("--all", "-a", help="All jobs.")] = False,
    state: Annotated[
        list[JobState] | None, typer.Option("--state", "-s", help="Only jobs in this state; may be repeated.")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Only jobs with this in their name, script or arguments.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="At most so many, newest first.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List jobs that have not ended, and the last 20; newest first."""
    with connect(ctx) as client:
        if everything or state or text or limit:
            jobs = list(client.jobs(states=state or (), text=text, limit=limit))
        else:
            jobs = _default(client)
    terminal.show_json(jobs) if json else _show_jobs(jobs)


def show(ctx: typer.Context, job_id: JobArgument, json: JsonOption = False) -> None:
    """Show all about a job, with its attempts and its timeline."""
    with connect(ctx) as client:
        identity = resolve(client, job_id)
        job = client.get(identity)
        attempts, events = client.attempts(identity), list(client.events(identity))
    if json:
        terminal.show_json({"job": job, "attempts": attempts, "events": events})
        return
    _show_facts(job)
    _show_attempts(attempts)
    _show_timeline(events)


def cancel(ctx: typer.Context, job_id: JobArgument, json: JsonOption = False) -> None:
    """Cancel a job. Its script gets SIGTERM, and SIGKILL after its grace time."""
    with connect(ctx) as client:
        job = client.cancel(resolve(client, job_id))
    if json:
        terminal.show_json(job)
    elif job.state is JobState.CANCELLED:
        terminal.show_line(f"{short(job.id)} is cancelled")
    else:
        terminal.show_line(f"{short(job.id)} was asked to stop; its grace time is {job.spec.grace_seconds} s")


def rerun(ctx: typer.Context, job_id: JobArgument, json: JsonOption = False) -> None:
    """Submit a job's specification again, and print the new id."""
    with connect(ctx) as client:
        job = client.run_again(resolve(client, job_id))
    terminal.show_json(job) if json else terminal.show_line(job.id)


def rm(
    ctx: typer.Context,
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Jobs that have ended.")],
) -> None:
    """Remove jobs that have ended, with their logs and artifacts."""
    with connect(ctx) as client:
        for identity in [resolve(client, job_id) for job_id in job_ids]:
            client.delete(identity)
            terminal.show_line(f"{short(identity)} is removed")


def _default(client: Client) -> list[Job]:
    found = {job.id: job for job in client.jobs(states=_OPEN)}
    found |= {job.id: job for job in client.jobs(limit=_RECENT)}
    return sorted(found.values(), key=lambda job: (job.created_at, job.id), reverse=True)


def _show_jobs(jobs: Iterable[Job]) -> None:
    rows = [
        (
            short(job.id),
            job.name,
            terminal.state_text(job.state, unreachable=job.unreachable),
            str(job.reason or (job.waiting.explanation if job.waiting else "")),
            job.worker or "",
            since(job.created_at),
            since(job.started_at, job.finished_at),
        )
        for job in jobs
    ]
    if rows:
        terminal.show_table(_COLUMNS, rows)
    else:
        terminal.say("no jobs yet; submit one with `torchyard run SCRIPT`")


def _show_facts(job: Job) -> None:
    spec = job.spec
    facts = {
        "job": job.id,
        "name": job.name,
        "owner": job.owner,
        "state": terminal.state_text(job.state, unreachable=job.unreachable),
        "waits for" if job.waiting else "ended": status(job),
        "reason": str(job.reason or ""),
        "exit code": "" if job.exit_code is None else str(job.exit_code),
        "cancelling": "yes" if job.cancel_requested and job.state not in TERMINAL else "",
        "fetching": fetching(job.progress) if job.progress else "",
        "script": f"{spec.script.name}  {spec.script.sha256}",
        "dependencies": f"{spec.dependencies.name}  {spec.dependencies.sha256}" if spec.dependencies else "",
        "from storage": spec.dependency_paths,
        "inputs": "  ".join(f"{name}={source}" for name, source in sorted(spec.inputs.items())),
        "arguments": spec.arguments,
        "environment": "  ".join(f"{name}={value}" for name, value in sorted(spec.environment.items())),
        "resources": _resources(job),
        "retries": _retries(job),
        "runtime": spec.runtime,
        "worker": job.worker or "",
        "run again of": job.run_again_of or "",
        "created": local(job.created_at),
        "started": local(job.started_at) if job.started_at else "",
        "finished": local(job.finished_at) if job.finished_at else "",
        "duration": since(job.started_at, job.finished_at) if job.started_at else "",
    }
    terminal.show_facts({name: value for name, value in facts.items() if value})


def _resources(job: Job) -> str:
    wanted = job.spec.resources
    gpus = f"{wanted.gpus} GPU" + (f" ({wanted.gpu_model})" if wanted.gpu_model else "")
    limit = duration(wanted.timeout_seconds) if wanted.timeout_seconds else "none"
    machine = f"{wanted.cpus} CPU, {wanted.memory_mb} MiB, {gpus}"
    return f"{machine}, time limit {limit}, grace {job.spec.grace_seconds} s"


def _retries(job: Job) -> str:
    asked = job.spec.retries
    parts = ((asked.after_failure, "after a failure"), (asked.after_loss, "after a loss of the worker"))
    return ", ".join(f"{count} {when}" for count, when in parts if count)


def _show_attempts(attempts: list[Attempt]) -> None:
    terminal.show_line()
    terminal.show_table(
        ("ATTEMPT", "STATE", "WORKER", "GPUS", "STARTED", "DURATION", "HOW IT ENDED"),
        [
            (
                str(attempt.number),
                terminal.state_text(attempt.state),
                attempt.worker or "",
                " ".join(attempt.gpus),
                local(attempt.started_at),
                since(attempt.started_at, attempt.finished_at),
                attempt.sentence or "",
            )
            for attempt in attempts
        ],
    )


def _show_timeline(events: list[JobEvent]) -> None:
    terminal.show_line()
    terminal.show_table(
        ("TIME", "ATTEMPT", "WHAT HAPPENED"),
        [(local(event.at), str(event.attempt), event.message) for event in events],
    )
