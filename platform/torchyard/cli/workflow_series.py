"""Many runs of a workflow: its schedule, back-fills and sweeps."""

import re
from typing import Annotated, Any

import typer
from rich.text import Text

from torchyard.cli import terminal
from torchyard.cli.access import JsonOption, WorkflowArgument, connect, resolve_sweep, resolve_workflow
from torchyard.cli.wording import counted, local, short
from torchyard.cli.workflow_runs import ParameterOption, given_parameters
from torchyard.contracts.schedules import BackfillPreview, BackfillRun, Overlap, Schedule
from torchyard.contracts.sweeps import SweepDetail

_NUMBER = r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_RANGE = re.compile(rf"({_NUMBER}):({_NUMBER})(?::({_NUMBER}))?")

TimeZoneOption = Annotated[
    str | None, typer.Option(metavar="ZONE", help="IANA name. [default: the workflow's]")
]


def schedule(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    cron: Annotated[
        str | None,
        typer.Argument(metavar="[CRON]", help="Minute, hour, day, month, day of the week: '30 2 * * 1-5'."),
    ] = None,
    time_zone: TimeZoneOption = None,
    start: Annotated[str | None, typer.Option(metavar="TIME", help="Nothing is due before.")] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Nothing is due later.")] = None,
    overlap: Annotated[
        Overlap | None, typer.Option(help="While an earlier run has not ended. [default: skip]")
    ] = None,
    parameter: ParameterOption = None,
    pause: Annotated[bool, typer.Option("--pause", help="Run nothing by itself any more.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Run by itself again.")] = False,
    remove: Annotated[bool, typer.Option("--rm", help="Forget the schedule.")] = False,
    json: JsonOption = False,
) -> None:
    """Show a workflow's schedule; with CRON, set it."""
    if sum((cron is not None, pause, resume, remove)) > 1:
        raise typer.BadParameter("only one of CRON, --pause, --resume and --rm can be meant")
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        if remove:
            client.schedules.remove(identity)
            terminal.show_line("the schedule is removed")
            return
        if cron is not None:
            found = client.schedules.set(
                identity,
                cron,
                time_zone=time_zone,
                starts_at=start,
                ends_at=end,
                overlap=overlap,
                parameters=given_parameters(parameter) or None,
            )
        elif pause or resume:
            found = client.schedules.pause(identity) if pause else client.schedules.resume(identity)
        else:
            found = client.schedules.get(identity)
    terminal.show_json(found) if json else _show_schedule(found)


def backfill(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    first: Annotated[str, typer.Option("--from", metavar="TIME", help="The first time or date.")],
    last: Annotated[str, typer.Option("--to", metavar="TIME", help="The last time or date, included.")],
    parameter: ParameterOption = None,
    preview: Annotated[bool, typer.Option("--preview", help="Only tell which runs it would make.")] = False,
    json: JsonOption = False,
) -> None:
    """Make one run for each time of the schedule in an interval; daily without a schedule."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        if preview:
            _show_preview(client.schedules.preview_backfill(identity, first, last), json)
            return
        made = client.schedules.backfill(identity, first, last, parameters=given_parameters(parameter))
    if json:
        terminal.show_json(made)
        return
    terminal.show_table(
        ("TIME", "RUN", ""), [*_filled(made.runs, ""), *_filled(made.dropped, "left out: goes on already")]
    )


def _show_preview(found: BackfillPreview, json: bool) -> None:
    if json:
        terminal.show_json(found)
        return
    times = [(local(time), "", "would be made") for time in found.runs]
    terminal.show_table(("TIME", "RUN", ""), [*times, *_filled(found.dropped, "left out: goes on already")])


def sweep(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUES",
            help="Values separated by commas, or numbers as START:STOP or START:STOP:STEP, STOP included; "
            "may be repeated.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
    show: Annotated[str | None, typer.Option(metavar="SWEEP", help="Show this sweep's results.")] = None,
    stop: Annotated[str | None, typer.Option(metavar="SWEEP", help="Stop this sweep's runs.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run every node, whatever could be reused.")] = False,
    json: JsonOption = False,
) -> None:
    """Make one run for each combination of parameter values; without any, list the workflow's sweeps."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        if not (parameter or show or stop):
            listed = list(client.sweeps.all(identity))
            rows = [(one.id, one.name, str(one.runs), _counts(one.counts)) for one in listed]
            terminal.show_json(listed) if json else terminal.show_table(
                ("SWEEP", "NAME", "RUNS", "STATES"), rows
            )
            return
        if stop:
            found = client.sweeps.stop(resolve_sweep(client, identity, stop))
        elif show:
            found = client.sweeps.get(resolve_sweep(client, identity, show))
        else:
            values = {key: _values(text) for key, text in given_parameters(parameter).items()}
            found = client.sweeps.create(identity, values, name=name, force=force)
    terminal.show_json(found) if json else _show_sweep(found)


def _show_schedule(found: Schedule) -> None:
    facts = {
        "cron": found.cron,
        "time zone": found.time_zone,
        "from": local(found.starts_at) if found.starts_at else "",
        "until": local(found.ends_at) if found.ends_at else "",
        "overlap": str(found.overlap),
        "paused": "yes" if found.paused else "",
        "parameters": ", ".join(f"{name}={value}" for name, value in found.parameters.items()),
        "last": f"{local(found.last_at)}: {found.last_result or ''}" if found.last_at else "",
        "next": ", ".join(one.isoformat(" ", "minutes") for one in found.next),
    }
    terminal.show_facts({name: value for name, value in facts.items() if value})


def _filled(runs: list[BackfillRun], remark: str) -> list[tuple[str, str, str]]:
    return [(local(one.data_time), short(one.run) if one.run else "-", remark) for one in runs]


def _show_sweep(found: SweepDetail) -> None:
    terminal.show_line(f"sweep {found.id}: {counted(found.runs, 'run')}, {_counts(found.counts)}")
    names = list(found.parameters)
    metrics = sorted(
        {f"{node}.{name}" for one in found.results for node, told in one.metrics.items() for name in told}
    )
    rows: list[tuple[str | Text, ...]] = []
    for one in found.results:
        told = {f"{node}.{name}": value for node, by in one.metrics.items() for name, value in by.items()}
        rows.append(
            (
                short(one.run),
                *(str(one.parameters.get(name, "")) for name in names),
                terminal.state_text(one.state),
                *(f"{told[name]:.6g}" if name in told else "" for name in metrics),
            )
        )
    terminal.show_table(("RUN", *names, "STATE", *metrics), rows)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _values(text: str) -> Any:
    found = _RANGE.fullmatch(text)
    if found is None:
        return text.split(",")
    parts = zip(("start", "stop", "step"), found.groups(), strict=True)
    return {name: _number(part) for name, part in parts if part is not None}


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch("-?[0-9]+", text) else float(text)
