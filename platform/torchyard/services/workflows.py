"""Workflows: making, telling, naming and deleting them. What is saved of them is `versions`'."""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph
from torchyard.contracts.sayings import say
from torchyard.contracts.workflows import (
    Layout,
    Workflow,
    WorkflowCreate,
    WorkflowListed,
    WorkflowPatch,
)
from torchyard.errors import NotFound, WorkflowBusy
from torchyard.services.context import Context
from torchyard.services.graphs import digests_of, problems_of
from torchyard.services.users import User
from torchyard.storage import runs, workflows
from torchyard.storage.workflow_tables import VersionRow, WorkflowRow
from torchyard.storage.workflows import WorkflowFilter

#: Nodes and edges of a workflow that the list shows a small picture of.
MOST_NODES, _MOST_EDGES = 100, 400
_COPIED = " (copy)"
_MAX_NAME = 200


def create(ctx: Context, session: Session, wish: WorkflowCreate, owner: User) -> str:
    """Make a workflow with a first version; its id."""
    now = ctx.clock.now()
    row = WorkflowRow(
        id=str(uuid.uuid4()),
        owner_id=owner.id,
        name=wish.name,
        description=wish.description,
        searchable=searchable(wish.name, wish.description),
        version=1,
        layout=json.loads(wish.layout.model_dump_json()),
        last_parameters={},
        runs=0,
        created_at=now,
        updated_at=now,
        **shown(wish.graph),
    )
    workflows.add(session, row)
    add_version(session, row.id, 1, NewVersion(wish.graph, owner), now)
    return row.id


def copy(ctx: Context, session: Session, workflow_id: str, name: str | None, owner: User) -> str:
    """Make another workflow of the latest version; its id.

    Raises:
        NotFound: `workflow_not_found`.
    """
    row, version = latest(session, workflow_id)
    wish = WorkflowCreate(
        name=name or row.name[: _MAX_NAME - len(_COPIED)] + _COPIED,
        description=row.description,
        graph=graph_of(version),
        layout=Layout.model_validate(row.layout),
    )
    return create(ctx, session, wish, owner)


def latest(session: Session, workflow_id: str) -> tuple[WorkflowRow, VersionRow]:
    """The workflow and its latest version.

    Raises:
        NotFound: `workflow_not_found`.
    """
    found = _latest(session, workflow_id)
    return found.workflow, found.version


def version_of(session: Session, workflow_id: str, number: int) -> VersionRow:
    """One version of a workflow.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    return signed_version(session, workflow_id, number)[0]


def signed_version(session: Session, workflow_id: str, number: int) -> tuple[VersionRow, str]:
    """One version of a workflow, and the name of who saved it; raises as `version_of`."""
    found = workflows.version(session, workflow_id, number)
    if found is None:
        find(session, workflow_id)
        raise NotFound(say("no_such_version", version=number), code="version_not_found")
    return found


def graph_of(version: VersionRow) -> Graph:
    """The version's graph."""
    return Graph.model_validate(version.graph)


def get(ctx: Context, session: Session, workflow_id: str, number: int | None = None) -> Workflow:
    """The workflow with its latest version.

    Args:
        ctx: The context.
        session: The transaction.
        workflow_id: The workflow.
        number: Another version to show in its place: the one that was just saved.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    row, version, owner, saved_by = _latest(session, workflow_id)
    if number is not None and number != version.number:
        version, saved_by = signed_version(session, workflow_id, number)
    graph = graph_of(version)
    return Workflow(
        id=row.id,
        name=row.name,
        description=row.description,
        owner=owner,
        version=version.number,
        graph=graph,
        layout=Layout.model_validate(row.layout),
        problems=problems_of(ctx, session, graph),
        last_parameters=row.last_parameters,
        created_at=row.created_at,
        updated_at=version.created_at,
        saved_by=saved_by,
    )


def page(
    session: Session, wanted: WorkflowFilter, *, before: tuple[datetime, str] | None, limit: int
) -> list[WorkflowListed]:
    """Workflows, those saved last first; from behind `before` (time of the save and id) on."""
    found = workflows.page(session, wanted, before=before, limit=limit, most_nodes=MOST_NODES)
    return [
        WorkflowListed(
            **record._replace(
                outline=Graph.model_validate(record.outline) if record.outline else None,  # type: ignore[arg-type]
                layout=Layout.model_validate((record.outline and record.layout) or {}),  # type: ignore[arg-type]
            )._asdict()
        )
        for record in found
    ]


def change(session: Session, workflow_id: str, wish: WorkflowPatch) -> None:
    """Give the workflow another name or description.

    Raises:
        NotFound: `workflow_not_found`.
    """
    row = find(session, workflow_id, lock=True)
    row.name = row.name if wish.name is None else wish.name
    row.description = row.description if wish.description is None else wish.description
    row.searchable = searchable(row.name, row.description)


def lay_out(session: Session, workflow_id: str, layout: Layout) -> None:
    """Note where things stand; makes no version.

    Raises:
        NotFound: `workflow_not_found`.
    """
    find(session, workflow_id, lock=True).layout = json.loads(layout.model_dump_json())


def delete(session: Session, workflow_id: str) -> None:
    """Remove the workflow with its versions and runs; the runs' jobs stay.

    Raises:
        NotFound: `workflow_not_found`.
        WorkflowBusy: Runs of it have not ended.
    """
    find(session, workflow_id, lock=True)
    going_on = runs.count(session, workflow_id)
    if going_on:
        raise WorkflowBusy(say("runs_go_on", count=going_on), hint="stop them first")
    workflows.remove(session, workflow_id)


def find(session: Session, workflow_id: str, *, lock: bool = False) -> WorkflowRow:
    """The workflow, without its graph; with `lock` nobody else changes it until the transaction ends.

    Raises:
        NotFound: `workflow_not_found`.
    """
    row = workflows.find(session, workflow_id, lock=lock)
    if row is None:
        raise _no_workflow()
    return row


@dataclass(frozen=True)
class NewVersion:
    """A version to add, with all that is told of it."""

    graph: Graph
    author: User
    message: str = ""
    restored_from: int | None = None


def add_version(session: Session, workflow_id: str, number: int, new: NewVersion, at: datetime) -> None:
    """Add a version; those of the files that it names stay that were uploaded."""
    row = VersionRow(
        workflow_id=workflow_id,
        number=number,
        graph=json.loads(new.graph.model_dump_json()),
        nodes=len(new.graph.nodes),
        author_id=new.author.id,
        message=new.message,
        restored_from=new.restored_from,
        created_at=at,
    )
    workflows.add_version(session, row, digests_of(new.graph), at)


def _latest(session: Session, workflow_id: str) -> workflows.LatestRecord:
    found = workflows.latest(session, workflow_id)
    if found is None:
        raise _no_workflow()
    return found


def _no_workflow() -> NotFound:
    return NotFound("there is no workflow with this id", code="workflow_not_found")


def searchable(name: str, description: str) -> str:
    """What the list's text filter looks in."""
    return f"{name} {description}".lower()


def shown(graph: Graph) -> dict[str, Any]:
    """What the list shows of a graph."""
    small = len(graph.nodes) <= MOST_NODES and len(graph.edges) <= _MOST_EDGES
    bare = Graph(nodes=[node.model_copy(update={"settings": {}}) for node in graph.nodes], edges=graph.edges)
    outline = json.loads(bare.model_dump_json(exclude_defaults=True)) if small else None
    return {"nodes": len(graph.nodes), "outline": outline}
