"""What was, beside what is: versions, runs beside each other, why a node ran, and its tries."""

import contextlib
import json as encoding
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from torchyard.cli import terminal
from torchyard.cli.access import (
    JsonOption,
    RunArgument,
    WorkflowArgument,
    connect,
    resolve_run,
    resolve_workflow,
)
from torchyard.cli.running import uploads_shown
from torchyard.cli.wording import duration, local, short, since
from torchyard.client.workflow_files import locate
from torchyard.contracts.runs import NodeComparison, NodeState, RunComparison
from torchyard.contracts.workflows import Difference, FieldChange, PartChange, Workflow
from torchyard.errors import RequestRefused

#: Characters of a value that are shown; `--json` has all of it.
_SHOWN = 60
_DIGEST_DIGITS = 64
_DIGITS_SHOWN = 12

NodeArgument = Annotated[str, typer.Argument(metavar="NODE", help="The node's name.")]
MessageOption = Annotated[
    str, typer.Option("--message", "-m", help="What was changed, for the list of versions.")
]
BaseOption = Annotated[
    int | None,
    typer.Option(
        "--version",
        min=1,
        help="The version that it was made of; refused if there is a later. [default: the latest]",
    ),
]


def save(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A workflow's YAML file.")],
    message: MessageOption = "",
    version: BaseOption = None,
    json: JsonOption = False,
) -> None:
    """Save a YAML file's graph and layout as a version of a workflow.

    Its name, schedule and webhooks stay as they are.
    """
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        base = version or client.workflows.get(identity).version
        with uploads_shown() as progress:
            loaded = client.workflow_files.load(locate(file), progress)
        with _conflict_shown(base):
            saved = client.workflows.save(identity, base, loaded.graph, layout=loaded.layout, message=message)
    _show_saved(saved, json=json)


def restore(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    number: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="The version to bring back.")],
    message: MessageOption = "",
    json: JsonOption = False,
) -> None:
    """Bring a version of a workflow back, as a new one."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        latest = client.workflows.get(identity).version
        saved = client.workflows.restore(identity, number, latest, message=message)
    _show_saved(saved, json=json)


def diff(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    before: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="The one version.")],
    after: Annotated[
        int | None, typer.Argument(metavar="[VERSION]", min=1, help="The other. [default: the latest]")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Tell what differs between two versions of a workflow."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        other = after or client.workflows.get(identity).version
        found = client.workflows.difference(identity, before, other)
    if json:
        terminal.show_json(found)
    elif not found.changes:
        terminal.show_line(f"versions {before} and {other} do the same")
    else:
        _show_changes(f"VERSION {before}", f"VERSION {other}", _changed(found.changes))


def explain(ctx: typer.Context, run_id: RunArgument, node: NodeArgument, json: JsonOption = False) -> None:
    """Tell why a node ran or was reused, field by field against its last success."""
    with connect(ctx) as client:
        found = client.runs.explain(resolve_run(client, run_id), node)
    if json:
        terminal.show_json(found)
        return
    terminal.show_line(Text(terminal.printable(f"{found.node}: {found.sentence}")))
    if not found.components:
        return
    terminal.show_line()
    if found.compared_run is None:
        terminal.show_table(
            ("FIELD", "THIS RUN"), [(one.field, _brief(one.after)) for one in found.components]
        )
        return
    rows = [
        ("changed" if one.changed else "", one.field, *_two(one.before, one.after, whole=one.changed))
        for one in found.components
    ]
    terminal.show_table(("", "FIELD", f"RUN {short(found.compared_run)}", "THIS RUN"), rows)


def compare(
    ctx: typer.Context,
    before: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's id, or its first 4 or more characters.")
    ],
    after: Annotated[str, typer.Argument(metavar="RUN", help="Another run's.")],
    json: JsonOption = False,
) -> None:
    """Put two runs beside each other: states and durations, and all that differs."""
    with connect(ctx) as client:
        found = client.runs.compare(resolve_run(client, before), resolve_run(client, after))
    if json:
        terminal.show_json(found)
        return
    one, other = (f"RUN {short(run)}" for run in (found.before, found.after))
    terminal.show_table(("NODE", one, "", other, ""), [_beside(node) for node in found.nodes])
    numbers = [
        (f"{node.name}, {metric.name}", _number(metric.before), _number(metric.after))
        for node in found.nodes
        for metric in node.metrics
    ]
    if numbers:
        terminal.show_line()
        terminal.show_table(("LAST VALUE", one, other), numbers)
    differing = list(_differing(found))
    terminal.show_line()
    if differing:
        _show_changes(one, other, differing)
    else:
        terminal.show_line("graphs, parameters, settings, code and environments are the same")


def attempts(ctx: typer.Context, run_id: RunArgument, node: NodeArgument, json: JsonOption = False) -> None:
    """List the tries of a node in a run; --json has the settings that each ran with."""
    with connect(ctx) as client:
        found = client.runs.attempts(resolve_run(client, run_id), node)
    if json:
        terminal.show_json(found)
        return
    earlier: dict[str, Any] = {}
    rows: list[tuple[str | Text, ...]] = []
    for one in found:
        changed = [
            name for name in {**earlier, **one.settings} if earlier.get(name) != one.settings.get(name)
        ]
        told = ", ".join(sorted(changed)) if earlier else ""
        took = since(one.started_at, one.finished_at) if one.started_at else "-"
        started = local(one.started_at)
        rows.append((str(one.number), short(one.job), terminal.state_text(one.state), started, took, told))
        earlier = dict(one.settings)
    terminal.show_table(("TRY", "JOB", "STATE", "STARTED", "DURATION", "OTHER SETTINGS THAN BEFORE"), rows)


@contextlib.contextmanager
def _conflict_shown(base: int) -> Iterator[None]:
    """Show both differences, if somebody saved another graph in between."""
    try:
        yield
    except RequestRefused as refused:
        if refused.code == "version_conflict":
            theirs, yours = (Difference.model_validate(refused.extra[key]) for key in ("theirs", "yours"))
            current = f"VERSION {refused.extra['current']}"
            terminal.show_line("What was saved since:")
            _show_changes(f"VERSION {base}", current, _changed(theirs.changes))
            terminal.show_line()
            terminal.show_line("What you would change of that:")
            _show_changes(current, "YOURS", _changed(yours.changes))
        raise


def _show_saved(saved: Workflow, *, json: bool) -> None:
    if json:
        terminal.show_json(saved)
        return
    terminal.show_line(f"{saved.name} is at version {saved.version}")
    for one in saved.problems:
        where = ": ".join(part for part in (one.node, one.field) if part)
        terminal.tell(f"it can't run yet: {where}: {one.message} [{one.code}]")


def _beside(node: NodeComparison) -> tuple[str | Text, ...]:
    return (
        node.name,
        _state(node.state_before),
        _seconds(node.seconds_before),
        _state(node.state_after),
        _seconds(node.seconds_after),
    )


def _state(state: NodeState | None) -> str | Text:
    return terminal.state_text(state) if state else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _differing(found: RunComparison) -> Iterable[tuple[str, str, FieldChange | None]]:
    yield from _changed(found.parameters)
    yield from _changed(found.graph.changes)
    for node in found.nodes:
        for part, changes in (
            ("settings", node.settings),
            ("code", node.code),
            ("environment", node.environment),
        ):
            yield from ((f"{node.name}, {part}", "", change) for change in changes)


def _changed(changes: Iterable[PartChange]) -> Iterable[tuple[str, str, FieldChange | None]]:
    for one in changes:
        what = one.part if one.part == one.name else f"{one.part} {one.name}"
        if not one.fields:
            yield what, str(one.change), None
        for field in one.fields:
            yield what, "", field


def _show_changes(before: str, after: str, changes: Iterable[tuple[str, str, FieldChange | None]]) -> None:
    terminal.show_table(
        ("WHAT", "FIELD", before, after),
        [
            (what, "", "", change)
            if field is None
            else (what, field.field, *_two(field.before, field.after, whole=True))
            for what, change, field in changes
        ],
    )


def _two(before: Any, after: Any, *, whole: bool) -> tuple[str, str]:
    """Two values on a line; as a whole, if that is needed to see what differs."""
    told = _brief(before), _brief(after)
    return (str(before), str(after)) if whole and told[0] == told[1] else told


def _brief(value: Any) -> str:
    """A value on a line; digests by their first digits."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else encoding.dumps(value, ensure_ascii=False)
    if len(text) == _DIGEST_DIGITS and set(text) <= set("0123456789abcdef"):
        return text[:_DIGITS_SHOWN]
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
