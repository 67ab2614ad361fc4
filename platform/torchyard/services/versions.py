"""Versions of workflows: saving, listing, comparing and bringing them back."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph
from torchyard.contracts.sayings import say
from torchyard.contracts.workflows import Difference, Version, VersionDetail, WorkflowSave
from torchyard.domain.differences import difference, same
from torchyard.errors import FieldInvalid, VersionConflict
from torchyard.services.context import Context
from torchyard.services.graphs import digests_of, problems_of
from torchyard.services.users import User
from torchyard.services.workflows import (
    NewVersion,
    add_version,
    find,
    graph_of,
    latest,
    searchable,
    shown,
    signed_version,
    version_of,
)
from torchyard.storage import workflows
from torchyard.storage.workflow_tables import WorkflowRow


def save(ctx: Context, workflow_id: str, base: int, wish: WorkflowSave, author: User) -> int:
    """Save the workflow; a graph that does something else makes a new version. Which version it has now.

    Args:
        ctx: The context; the save has transactions of its own.
        workflow_id: The workflow.
        base: The version that was changed.
        wish: What is to be saved.
        author: Who saves.

    Raises:
        NotFound: `workflow_not_found`.
        VersionConflict: Somebody saved another graph in between; nothing is changed.
        FieldInvalid: `version_unknown`: there never was such a version.
    """
    return _save(ctx, workflow_id, _Save(base, wish, author))


def restore(ctx: Context, workflow_id: str, number: int, base: int, *, message: str, author: User) -> int:
    """Bring a version back, as a new one. Which version the workflow has now.

    Args:
        ctx: The context.
        workflow_id: The workflow.
        number: The version to bring back.
        base: The version that is known as the latest.
        message: What to say of it in the list.
        author: Who does it.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
        VersionConflict: As with `save`.
    """
    with ctx.db.read() as session:
        graph = graph_of(version_of(session, workflow_id, number))
    wish = WorkflowSave(graph=graph, message=message)
    return _save(ctx, workflow_id, _Save(base, wish, author, restored_from=number))


def page(session: Session, workflow_id: str, *, before: int | None, limit: int) -> list[Version]:
    """The workflow's versions, newest first; those before version `before`.

    Raises:
        NotFound: `workflow_not_found`.
    """
    find(session, workflow_id)
    found = workflows.versions(session, workflow_id, before=before, limit=limit)
    return [Version(**record._asdict()) for record in found]


def get(ctx: Context, session: Session, workflow_id: str, number: int) -> VersionDetail:
    """A version with its graph.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    row, saved_by = signed_version(session, workflow_id, number)
    graph = graph_of(row)
    return VersionDetail(
        number=row.number,
        message=row.message,
        saved_by=saved_by,
        saved_at=row.created_at,
        restored_from=row.restored_from,
        nodes=row.nodes,
        graph=graph,
        problems=problems_of(ctx, session, graph),
    )


def compare(session: Session, workflow_id: str, before: int, after: int) -> Difference:
    """What differs between two versions.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    one, other = (graph_of(version_of(session, workflow_id, number)) for number in (before, after))
    return difference(one, other, named_before=before, named_after=after)


@dataclass(frozen=True)
class _Save:
    """What is saved, and by whom."""

    base: int
    wish: WorkflowSave
    author: User
    restored_from: int | None = None


def _save(ctx: Context, workflow_id: str, sent: _Save) -> int:
    # Large graphs are read and compared outside of the transaction that writes: others wait for it.
    while True:
        with ctx.db.read() as session:
            row, version = latest(session, workflow_id)
        current = graph_of(version)
        unchanged = same(current, sent.wish.graph)
        # What somebody saves again after a lost answer is there already, whatever version it was made of.
        if row.version != sent.base and not unchanged:
            raise _conflict(ctx, row, current, sent)
        with ctx.db.write() as session:
            number = row.version if unchanged else row.version + 1
            if _store(ctx, session, row, number, sent):
                return number


def _store(ctx: Context, session: Session, row: WorkflowRow, number: int, sent: _Save) -> bool:
    """Write what is new; False if somebody else was quicker."""
    now, wish = ctx.clock.now(), sent.wish
    values: dict[str, Any] = {"version": number}
    if wish.name is not None or wish.description is not None:
        name = row.name if wish.name is None else wish.name
        description = row.description if wish.description is None else wish.description
        values |= {"name": name, "description": description, "searchable": searchable(name, description)}
    if wish.layout is not None:
        values["layout"] = json.loads(wish.layout.model_dump_json())
    if number != row.version:
        values |= {"updated_at": now, **shown(wish.graph)}
    if not workflows.advance(session, row.id, row.version, values):
        return False
    if number != row.version:
        new = NewVersion(wish.graph, sent.author, wish.message, sent.restored_from)
        add_version(session, row.id, number, new, now)
    else:
        # A file that was missing when the version was saved may be there now.
        workflows.keep(session, row.id, number, digests_of(wish.graph), now)
    return True


def _conflict(ctx: Context, row: WorkflowRow, current: Graph, sent: _Save) -> VersionConflict:
    with ctx.db.read() as session:
        found = workflows.version(session, row.id, sent.base)
    if found is None:
        raise FieldInvalid(
            f"the workflow never had a version {sent.base}", code="version_unknown", field="If-Match"
        )
    theirs = difference(graph_of(found[0]), current, named_before=sent.base, named_after=row.version)
    yours = difference(current, sent.wish.graph, named_before=row.version)
    return VersionConflict(
        say("saved_in_between", version=row.version, base=sent.base),
        hint=say("hint_differences"),
        current=row.version,
        theirs=theirs.model_dump(mode="json"),
        yours=yours.model_dump(mode="json"),
    )
