"""`torchyard workflow run`, and what is done with runs."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from torchyard.cli import exits, terminal, workflow_problems
from torchyard.cli.access import (
    JsonOption,
    RunArgument,
    connect,
    resolve_run,
    resolve_workflow,
)
from torchyard.cli.run_following import followed, show_summary, verdict
from torchyard.cli.running import uploads_shown
from torchyard.cli.wording import short, since
from torchyard.client import Client
from torchyard.client.workflow_files import Located, locate
from torchyard.contracts.graphs import Graph
from torchyard.contracts.jobs import JobSettings
from torchyard.contracts.runs import NODE_BROKEN, ModeKind, NodeState, Run, RunDetail, SettingsFrom
from torchyard.contracts.workflows import Problem
from torchyard.domain import planning
from torchyard.errors import FieldInvalid, RequestRefused

#: Runs that are listed when nothing else is asked for.
_RECENT = 20

ParameterOption = Annotated[
    list[str] | None,
    typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="A parameter's value; may be repeated."),
]
NodesOption = list[str] | None
DetachOption = Annotated[
    bool, typer.Option("--detach", "-d", help="Start it, print the run's id, and return.")
]


def run(
    ctx: typer.Context,
    workflow: Annotated[
        str, typer.Argument(metavar="FILE|WORKFLOW", help="A YAML file, or a saved workflow's id or name.")
    ],
    parameter: ParameterOption = None,
    start_from: Annotated[
        NodesOption, typer.Option("--from", metavar="NODE", help="This node and all below it.")
    ] = None,
    up_to: Annotated[
        NodesOption, typer.Option("--to", metavar="NODE", help="This node and all above it.")
    ] = None,
    only: Annotated[NodesOption, typer.Option("--only", metavar="NODE", help="This node alone.")] = None,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="What failed or never ran in the source run.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Where inputs come from that the run doesn't make. [default: latest]"
        ),
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="A saved workflow's version. [default: the latest]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run every node, whatever could be reused.")] = False,
    name: Annotated[str | None, typer.Option(help="A name for people.")] = None,
    detach: DetachOption = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print the run as JSON when it has ended; the rest goes to stderr.")
    ] = False,
) -> None:
    """Run a workflow, show what happens, and exit with 0 if it succeeded.

    A file is run without being saved; of what it names only that is sent which the platform lacks.
    Ctrl-C detaches: the run goes on, unless you say that it shall not.
    """
    given = given_parameters(parameter)
    wanted: dict[str, Any] = {
        "parameters": given,
        "mode": _mode(start_from, up_to, only, unfinished=unfinished),
        "force": force,
        "version": version,
        "name": name,
    }
    with connect(ctx) as client:
        wanted["source_run"] = resolve_run(client, source) if source else None
        started = _start(client, workflow, {key: value for key, value in wanted.items() if value is not None})
        _show(client, started, detach=detach, json=json)


def follow(ctx: typer.Context, run_id: RunArgument, json: JsonOption = False) -> None:
    """Show a run until it ends; then how each of its nodes stands."""
    with connect(ctx) as client:
        found = client.runs.get(resolve_run(client, run_id))
        _show(client, found, json=json)


def resume(
    ctx: typer.Context,
    run_id: RunArgument,
    node: Annotated[
        NodesOption,
        typer.Option("--node", "-n", metavar="NODE", help="Which. [default: what failed or never ran]"),
    ] = None,
    downstream: Annotated[
        bool, typer.Option("--downstream", help="Also what is below them and had succeeded.")
    ] = False,
    today: Annotated[
        bool, typer.Option("--today", help="With the workflow's settings of today, not the run's own.")
    ] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="With the settings of this YAML file.")
    ] = None,
    detach: DetachOption = False,
    json: JsonOption = False,
) -> None:
    """Run nodes again inside the same run, and show what happens."""
    with connect(ctx) as client:
        identity = resolve_run(client, run_id)
        wanted: dict[str, Any] = {"nodes": node} if node else {}
        wanted |= {"downstream": True} if downstream else {}
        wanted |= {"settings": SettingsFrom.TODAY} if today else {}
        located = locate(file) if file is not None else None
        if located is not None:
            wanted["overrides"] = _overrides(client, client.runs.get(identity), located, wanted)
        shown = max((event.seq for event in client.runs.events(identity)), default=0)
        with _mistakes_told(located):
            resumed = client.runs.resume(identity, **wanted)
        _show(client, resumed, after=shown, detach=detach, json=json)


def again(
    ctx: typer.Context,
    run_id: RunArgument,
    parameter: ParameterOption = None,
    force: Annotated[bool, typer.Option("--force", help="Run every node, whatever could be reused.")] = False,
    name: Annotated[str | None, typer.Option(help="A name for people. [default: the run's]")] = None,
    detach: DetachOption = False,
    json: JsonOption = False,
) -> None:
    """Start a new run of the same frozen graph, with the run's parameters but for those given."""
    wanted: dict[str, Any] = {"parameters": given_parameters(parameter)}
    wanted |= {"force": True} if force else {}
    wanted |= {"name": name} if name is not None else {}
    with connect(ctx) as client:
        identity = resolve_run(client, run_id)
        with _mistakes_told(None):
            started = client.runs.again(identity, **wanted)
        _show(client, started, detach=detach, json=json)


def stop(
    ctx: typer.Context,
    run_id: RunArgument,
    node: Annotated[str | None, typer.Option("--node", "-n", help="Only this node.")] = None,
    json: JsonOption = False,
) -> None:
    """Stop a run, or one node of it; the scripts get SIGTERM, and SIGKILL after their grace time."""
    with connect(ctx) as client:
        stopped = client.runs.stop(resolve_run(client, run_id), node)
    terminal.show_json(stopped) if json else terminal.show_line(f"{short(stopped.id)} was asked to stop")


def runs(
    ctx: typer.Context,
    workflow: Annotated[
        str | None, typer.Argument(metavar="[WORKFLOW]", help="Only its runs; of all workflows if left out.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = _RECENT,
    json: JsonOption = False,
) -> None:
    """List runs, newest first."""
    with connect(ctx) as client:
        chosen = resolve_workflow(client, workflow) if workflow else None
        found = list(client.runs.all(workflow=chosen, limit=limit))
    terminal.show_json(found) if json else _show_runs(found)


def _show(
    client: Client, run: RunDetail, *, after: int = 0, detach: bool = False, json: bool = False
) -> None:
    if detach:
        terminal.show_json(run) if json else terminal.show_line(run.id)
        return
    terminal.say(f"run {run.id}")
    ended = followed(client, run, after=after, quiet=json)
    terminal.show_json(ended) if json else show_summary(ended)
    raise typer.Exit(verdict(ended))


def _show_runs(found: list[Run]) -> None:
    terminal.show_table(
        ("ID", "WORKFLOW", "NO.", "STATE", "TRIGGER", "NODES", "AGE", "DURATION", "HOW IT ENDED"),
        [
            (
                short(one.id),
                one.workflow_name or one.name,
                str(one.number or "-"),
                terminal.state_text(one.state),
                str(one.trigger),
                ", ".join(f"{count} {state}" for state, count in one.counts.items()),
                since(one.created_at),
                since(one.started_at, one.finished_at) if one.started_at else "-",
                one.sentence or "",
            )
            for one in found
        ],
    )


def given_parameters(texts: list[str] | None) -> dict[str, str]:
    """What `-p NAME=VALUE` gave, as texts: the platform takes them in the parameters' types."""
    found = {}
    for text in texts or []:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is no NAME=VALUE", param_hint="--parameter")
        found[name] = value
    return found


def _mode(
    start_from: NodesOption, up_to: NodesOption, only: NodesOption, *, unfinished: bool
) -> dict[str, Any] | None:
    kinds = ((ModeKind.FROM, start_from), (ModeKind.TO, up_to), (ModeKind.ONLY, only))
    modes: list[dict[str, Any]] = [{"kind": kind, "nodes": nodes} for kind, nodes in kinds if nodes]
    modes += [{"kind": ModeKind.UNFINISHED}] if unfinished else []
    if len(modes) > 1:
        raise typer.BadParameter("only one of --from, --to, --only and --unfinished can be meant")
    return modes[0] if modes else None


def _start(client: Client, workflow: str, wanted: dict[str, Any]) -> RunDetail:
    """Start a run of the file, or of the saved workflow.

    Raises:
        typer.Exit: The graph has mistakes, which were told.
    """
    file = Path(workflow)
    if not (file.is_file() or file.suffix in {".yaml", ".yml"}):
        return _started(client, resolve_workflow(client, workflow), wanted, None)
    if "version" in wanted:
        raise typer.BadParameter("a file has no versions", param_hint="--version")
    located = locate(file)
    # Before a large directory is sent, as the graph may be what is wrong.
    wrong = workflow_problems.problems_of(located, wanted["parameters"])
    if wrong:
        workflow_problems.show(wrong, file)
        raise typer.Exit(exits.REFUSED)
    loaded = _loaded(client, located)
    return _started(client, loaded[0], {"name": loaded[1], **wanted}, located)


def _loaded(client: Client, located: Located) -> tuple[Graph, str]:
    with uploads_shown() as progress:
        file = client.workflow_files.load(located, progress)
    return file.graph, file.name


def _started(client: Client, what: str | Graph, wanted: dict[str, Any], located: Located | None) -> RunDetail:
    try:
        with _mistakes_told(located):
            return client.runs.start(what, **wanted)
    except KeyboardInterrupt:
        terminal.tell("interrupted before the platform confirmed the run")
        raise typer.Exit(exits.INTERRUPTED) from None


@contextlib.contextmanager
def _mistakes_told(located: Located | None) -> Iterator[None]:
    """Tell all mistakes of a graph that the platform refuses to run, with their places in the file."""
    try:
        yield
    except RequestRefused as refused:
        if refused.code != "workflow_invalid":
            raise
        wrong = [Problem.model_validate(one) for one in refused.extra.get("errors", [])]
        workflow_problems.show(workflow_problems.placed(located, wrong), located.path if located else None)
        raise typer.Exit(exits.REFUSED) from None


def _overrides(
    client: Client, run: RunDetail, located: Located, wanted: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """The settings of the file for the nodes that are resumed, where they differ from the run's.

    Raises:
        FieldInvalid: The file has no such node.
    """
    graph, _ = _loaded(client, located)
    undone = NODE_BROKEN | {NodeState.CANCELLED}
    names = set(wanted.get("nodes") or (node.name for node in run.nodes if node.state in undone))
    if wanted.get("downstream"):
        part = {node.name for node in run.nodes if node.state is not NodeState.LEFT_OUT}
        names |= planning.below(planning.Plan.of(run.graph), frozenset(names)) & part
    new = {node.name: node.settings for node in graph.nodes}
    old = {node.name: node.settings for node in run.graph.nodes}
    defaults = {**JobSettings().model_dump(mode="json"), "dependencies": None}
    found: dict[str, dict[str, Any]] = {}
    for name in sorted(names & old.keys()):
        if name not in new:
            raise FieldInvalid(f"{located.path} has no node {name!r}", field="nodes")
        if new[name] != old[name]:
            gone = {key: defaults.get(key) for key in old[name].keys() - new[name].keys()}
            found[name] = {**gone, **new[name]}
    return found
