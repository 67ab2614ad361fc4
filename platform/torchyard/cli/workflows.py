"""`torchyard workflow`: workflows that are saved, and their files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from torchyard.cli import exits, terminal, workflow_problems
from torchyard.cli.access import JsonOption, WorkflowArgument, connect, resolve_workflow
from torchyard.cli.running import uploads_shown
from torchyard.cli.wording import counted, local, short, since
from torchyard.cli.workflow_runs import ParameterOption, given_parameters
from torchyard.client.workflow_files import locate
from torchyard.contracts.templates import ImportedWorkflow
from torchyard.contracts.workflows import NodeSummary, Workflow

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow's YAML file.")]
_COLUMNS = ("ID", "NAME", "VERSION", "NODES", "LAST RUN", "SCHEDULED", "SAVED")


def validate(
    ctx: typer.Context, file: FileArgument, parameter: ParameterOption = None, json: JsonOption = False
) -> None:
    """Tell everything that is wrong with a workflow's file, with line and column; no platform is asked.

    With -p it is checked as a run with these values, so that no parameter may lack one.
    """
    del ctx
    located = locate(file)
    found = workflow_problems.problems_of(located, given_parameters(parameter) if parameter else None)
    if json:
        terminal.show_json([one.told() for one in found])
    elif found:
        workflow_problems.show(found, file)
    else:
        count = len(located.opened.file.graph.nodes)
        terminal.show_line(f"{file} is fine: {counted(count, 'node')}")
    if found:
        raise typer.Exit(exits.REFUSED)


def list_all(
    ctx: typer.Context,
    text: Annotated[str | None, typer.Option(help="Only those with this in name or description.")] = None,
    json: JsonOption = False,
) -> None:
    """List the saved workflows, those saved last first."""
    with connect(ctx) as client:
        found = list(client.workflows.all(text))
    if json:
        terminal.show_json(found)
        return
    rows = [
        (
            short(one.id),
            one.name,
            str(one.version),
            str(one.nodes),
            terminal.state_text(one.last_run_state) if one.last_run_state else "-",
            "yes" if one.scheduled else "",
            since(one.updated_at),
        )
        for one in found
    ]
    terminal.show_table(_COLUMNS, rows)


def show(ctx: typer.Context, workflow: WorkflowArgument, json: JsonOption = False) -> None:
    """Show a workflow's nodes: what is wrong with them, and what has changed since their last success."""
    with connect(ctx) as client:
        found = client.workflows.get(resolve_workflow(client, workflow))
        standing = {} if json else {one.name: one for one in client.workflows.nodes(found.id)}
    if json:
        terminal.show_json(found)
        return
    facts = {
        "id": found.id,
        "name": found.name,
        "description": found.description.strip(),
        "owner": found.owner,
        "version": str(found.version),
        "saved": f"{local(found.updated_at)} by {found.saved_by}",
        "parameters": ", ".join(f"{one.name}={one.default}" for one in found.graph.parameters),
    }
    terminal.show_facts({name: value for name, value in facts.items() if value})
    terminal.show_line()
    terminal.show_table(("NODE", "KIND", "SCRIPT", "NEEDS", "STATUS", "CHANGED"), _nodes(found, standing))
    if found.problems:
        terminal.show_line()
        rows = [(one.node or "", one.field or "", one.message) for one in found.problems]
        terminal.show_table(("NODE", "FIELD", "WHAT IS WRONG"), rows)


def _nodes(found: Workflow, standing: Mapping[str, NodeSummary]) -> list[tuple[str, ...]]:
    needs: dict[str, list[str]] = {}
    for edge in found.graph.edges:
        needs.setdefault(edge.target, []).append(edge.source)
    rows: list[tuple[str, ...]] = []
    for node in found.graph.nodes:
        script = node.settings.get("script")
        named = str(script.get("name", "")) if isinstance(script, dict) else ""
        kind = f"{node.kind} (skipped)" if node.skip else str(node.kind)
        stands = standing.get(node.name)
        status = str(stands.status).replace("_", " ") if stands else ""
        changed = ", ".join(stands.stale_because) if stands else ""
        rows.append((node.name, kind, named, ", ".join(needs.get(node.name, [])), status, changed))
    return rows


def versions(ctx: typer.Context, workflow: WorkflowArgument, json: JsonOption = False) -> None:
    """List a workflow's versions, newest first."""
    with connect(ctx) as client:
        found = list(client.workflows.versions(resolve_workflow(client, workflow)))
    if json:
        terminal.show_json(found)
        return
    terminal.show_table(
        ("VERSION", "SAVED", "BY", "NODES", "WHAT WAS CHANGED"),
        [
            (
                str(one.number),
                local(one.saved_at),
                one.saved_by,
                str(one.nodes),
                one.message or (f"version {one.restored_from} brought back" if one.restored_from else ""),
            )
            for one in found
        ],
    )


def rm(
    ctx: typer.Context,
    workflows: Annotated[list[str], typer.Argument(metavar="WORKFLOW...", help="Ids or names.")],
) -> None:
    """Remove workflows with their versions and runs, all of which have ended; the runs' jobs stay."""
    with connect(ctx) as client:
        for wanted in workflows:
            client.workflows.delete(resolve_workflow(client, wanted))
            terminal.show_line(f"{wanted} is removed")


def export(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to. [default: stdout]")
    ] = None,
    version: Annotated[int | None, typer.Option(min=1, help="[default: the latest]")] = None,
) -> None:
    """Write a workflow as a YAML file, with its scripts in it."""
    with connect(ctx) as client:
        text = client.workflow_files.export(resolve_workflow(client, workflow), version)
    if output is None:
        terminal.show_text(text)
    else:
        output.write_bytes(text.encode())
        terminal.tell(f"{output}  {counted(len(text.splitlines()), 'line')}")


def import_file(ctx: typer.Context, file: FileArgument, json: JsonOption = False) -> None:
    """Make a workflow of a YAML file, send what it names along, and print the workflow's id."""
    with connect(ctx) as client, uploads_shown() as progress:
        made = client.workflow_files.import_file(file, progress)
    _show_made(made, file, json=json)


def templates(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the workflows that come with the platform."""
    with connect(ctx) as client:
        found = client.workflow_files.templates()
    if json:
        terminal.show_json(found)
        return
    rows = [(one.name, one.words["en"].name, one.words["en"].description.strip()) for one in found]
    terminal.show_table(("TEMPLATE", "NAME", "WHAT IT SHOWS"), [(*row[:2], _line(row[2])) for row in rows])


def new(
    ctx: typer.Context,
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="See `torchyard workflow templates`.")],
    name: Annotated[str | None, typer.Option(help="The workflow's name. [default: the template's]")] = None,
    json: JsonOption = False,
) -> None:
    """Make a workflow of a template, and print the workflow's id."""
    with connect(ctx) as client:
        made = client.workflow_files.use(template, name=name)
    _show_made(made, None, json=json)


def _show_made(made: ImportedWorkflow, file: Path | None, *, json: bool) -> None:
    if json:
        terminal.show_json(made)
        return
    terminal.show_line(made.id)
    for webhook in made.notifications:
        terminal.tell(f"the key of the webhook {webhook.url}, told this once: {webhook.secret}")
    for warning in made.warnings:
        terminal.tell(f"{warning.message} [{warning.code}]")
    if made.problems:
        terminal.tell("it can't run yet:")
        located = locate(file) if file else None
        workflow_problems.show(workflow_problems.placed(located, made.problems), file)


def _line(text: str) -> str:
    return " ".join(text.split())
