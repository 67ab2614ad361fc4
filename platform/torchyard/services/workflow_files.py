"""Workflows as files: written with the scripts of the latest version, and made of what was read."""

from dataclasses import replace
from typing import NamedTuple

from sqlalchemy.orm import Session

from torchyard.contracts.notifications import NotificationCreate, NotificationCreated
from torchyard.contracts.sayings import say
from torchyard.contracts.schedules import ScheduleSettings
from torchyard.contracts.workflow_files import MAX_TEXT_BYTES, OpenedFile, WorkflowFile
from torchyard.contracts.workflow_writing import written
from torchyard.contracts.workflows import Layout, Problem, WorkflowCreate
from torchyard.errors import FieldInvalid, InvalidInput, NotFound, WorkflowFileInvalid
from torchyard.services import blobs, graphs, notifications, schedules, workflows
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import blobs as stored_blobs
from torchyard.storage import schedules as stored_schedules


class Made(NamedTuple):
    """A workflow that was made of a file, and its webhooks with their keys."""

    id: str
    notifications: list[NotificationCreated]


def export(ctx: Context, workflow_id: str, number: int | None = None) -> tuple[str, str]:
    """The workflow's name, and its file.

    Args:
        ctx: The context.
        workflow_id: The workflow.
        number: The version; the latest if None.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    with ctx.db.read() as session:
        row, version = workflows.latest(session, workflow_id)
        if number is not None:
            version = workflows.version_of(session, workflow_id, number)
        file = WorkflowFile(
            name=row.name,
            description=row.description,
            graph=workflows.graph_of(version),
            layout=Layout.model_validate(row.layout),
            schedule=_schedule(session, workflow_id),
            notifications=_webhooks(session, workflow_id),
        )
        rows = stored_blobs.find_all(session, graphs.digests_of(file.graph))
    contents = {sha256: _content(ctx, sha256) for sha256, row in rows.items() if row.size <= MAX_TEXT_BYTES}
    there = {sha256: content for sha256, content in contents.items() if content is not None}
    return file.name, written(file, there)


def store(ctx: Context, found: OpenedFile) -> WorkflowFile:
    """Store the files that a workflow's file writes out; what it says.

    Raises:
        WorkflowFileInvalid: It names files by their paths, which lie elsewhere.
        StorageFull: No space is left.
    """
    if found.beside:
        one = found.beside[0]
        raise WorkflowFileInvalid(
            f"line {one.place.line}, column {one.place.column}: {one.node[:80]} names the file "
            f"{one.path[:200]!r}, which is not here",
            hint="`torchyard workflow import FILE` sends such files along; or write them out: {name, text}",
            line=one.place.line,
            column=one.place.column,
        )
    if found.texts:
        blobs.store_all(ctx, ((sha256, [content]) for sha256, content in found.texts.items()))
    return found.file


def renamed(file: WorkflowFile, name: str, description: str) -> WorkflowFile:
    """The file under another name and description."""
    return replace(file, name=name, description=description)


def create(ctx: Context, session: Session, file: WorkflowFile, owner: User) -> Made:
    """Make a workflow of a file, with its schedule, even if that is over by now, and webhooks.

    Raises:
        InvalidInput: The schedule can't be set.
    """
    wish = WorkflowCreate(name=file.name, description=file.description, graph=file.graph, layout=file.layout)
    workflow_id = workflows.create(ctx, session, wish, owner)
    if file.schedule is not None:
        try:
            schedules.put(ctx, session, workflow_id, file.schedule, owner, may_be_over=True)
        except InvalidInput as problem:
            field = f"schedule.{problem.field}" if problem.field else "schedule"
            raise FieldInvalid(
                f"the schedule can't be set: {problem.message}",
                code=problem.code,
                field=field,
                hint=problem.hint or say("hint_schedule_in_file"),
            ) from None
    added = [notifications.add(ctx, session, workflow_id, one) for one in file.notifications]
    return Made(workflow_id, added)


def warnings(ctx: Context, session: Session, workflow_id: str) -> list[Problem]:
    """What somebody should know who imports a workflow that can run all the same."""
    if not schedules.is_over(ctx, session, workflow_id):
        return []
    message = "the schedule is over: by it nothing is due any more"
    return [Problem(code="schedule_over", message=message, field="schedule")]


def _schedule(session: Session, workflow_id: str) -> ScheduleSettings | None:
    row = stored_schedules.find(session, workflow_id)
    if row is None:
        return None
    fields = {name: getattr(row, name) for name in ScheduleSettings.model_fields}
    return ScheduleSettings.model_validate(fields)


def _webhooks(session: Session, workflow_id: str) -> tuple[NotificationCreate, ...]:
    found = sorted(notifications.all_of(session, workflow_id), key=lambda one: (one.url, one.on))
    return tuple(NotificationCreate(url=one.url, on=one.on) for one in found)


def _content(ctx: Context, sha256: str) -> bytes | None:
    try:
        return b"".join(blobs.read(ctx, sha256))
    except NotFound:  # no version needs it any more: it is just being removed
        return None
