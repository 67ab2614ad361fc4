"""Schedules: when a workflow runs by itself, and the runs that are made when it is due.

Each due time makes one run, also after a crash and with several platforms: the run and the next due time are
written in one transaction, with the workflow locked, and only one run can be made for a time.
"""

import contextlib
from datetime import datetime
from itertools import islice

import structlog
from pydantic import JsonValue
from sqlalchemy.orm import Session

from torchyard.contracts.runs import RunRequest, Trigger
from torchyard.contracts.schedules import (
    PREVIEWED,
    Overlap,
    Preview,
    Schedule,
    ScheduleSettings,
    Times,
)
from torchyard.domain import parameters
from torchyard.domain.timetables import MOST_COUNTED, Timetable, check_cron, in_utc, zone_of
from torchyard.domain.validation import refusal
from torchyard.errors import FieldInvalid, InvalidInput, NotFound, RunEnded, TorchyardError, Unavailable
from torchyard.services import checking, runs, users, workflows
from torchyard.services.context import SCHEDULES_TOPIC, Context
from torchyard.services.users import User
from torchyard.storage import runs as stored_runs
from torchyard.storage import schedules
from torchyard.storage.database import after_commit
from torchyard.storage.workflow_tables import ScheduleRow

log = structlog.get_logger()

#: Seconds after which a schedule that could not be carried out is looked at again.
_PAUSE_AFTER_FAILURE = 5.0


def put(
    ctx: Context,
    session: Session,
    workflow_id: str,
    settings: ScheduleSettings,
    owner: User,
    *,
    may_be_over: bool = False,
) -> Schedule:
    """Set the workflow's schedule, or replace it.

    Args:
        ctx: What the use cases work with.
        session: The writing transaction.
        workflow_id: The workflow.
        settings: When it is due, and what runs then.
        owner: Whose the runs are.
        may_be_over: Set it even if nothing will ever be due.

    Raises:
        NotFound: `workflow_not_found`.
        FieldInvalid: `cron_invalid`, `time_zone_unknown`, `time_invalid`, or `schedule_never`.
        WorkflowInvalid: A parameter is unknown, or a value does not fit.
    """
    _lock_workflow(session, workflow_id)
    graph = workflows.graph_of(workflows.latest(session, workflow_id)[1])
    timetable = _timetable(settings, graph.settings.time_zone)
    wrong = parameters.of_run(graph.parameters, settings.parameters).problems
    if wrong:
        raise refusal(wrong)
    now, earlier = ctx.clock.now(), schedules.find(session, workflow_id, lock=True)
    last_at = earlier.last_at if earlier else None
    next_at = timetable.next(max(now, last_at) if last_at else now)
    if next_at is None and not may_be_over:
        raise FieldInvalid(
            "is never due between now, its start and its end", code="schedule_never", field="ends_at"
        )
    row = ScheduleRow(
        workflow_id=workflow_id,
        owner_id=owner.id,
        cron=" ".join(settings.cron.split()),
        time_zone=timetable.zone.key,
        starts_at=timetable.starts_at,
        ends_at=timetable.ends_at,
        overlap=settings.overlap,
        paused=settings.paused,
        parameters=dict(settings.parameters),
        next_at=None if settings.paused else next_at,
        last_at=last_at,
        last_result=earlier.last_result if earlier else None,
        created_at=now,
    )
    return _saved(ctx, session, session.merge(row))


def get(ctx: Context, session: Session, workflow_id: str) -> Schedule:
    """The workflow's schedule.

    Raises:
        NotFound: `workflow_not_found`, `schedule_not_found`.
    """
    workflows.latest(session, workflow_id)
    return _told(ctx, session, _find(session, workflow_id))


def pause(ctx: Context, session: Session, workflow_id: str, *, paused: bool) -> Schedule:
    """Have nothing run by itself any more, or again. What would have been due meanwhile is left out.

    Raises:
        NotFound: `workflow_not_found`, `schedule_not_found`.
    """
    _lock_workflow(session, workflow_id)
    row = _find(session, workflow_id, lock=True)
    if row.paused is not paused:
        row.paused = paused
        now = ctx.clock.now()
        row.next_at = None if paused else timetable_of(row).next(max(now, row.last_at or now))
    return _saved(ctx, session, row)


def remove(session: Session, workflow_id: str) -> None:
    """Forget the workflow's schedule; its runs go on.

    Raises:
        NotFound: `workflow_not_found`, `schedule_not_found`.
    """
    _lock_workflow(session, workflow_id)
    _find(session, workflow_id, lock=True)
    schedules.remove(session, workflow_id)


def preview(ctx: Context, times: Times) -> Preview:
    """The next times of a schedule, also of one that is not set.

    Raises:
        FieldInvalid: `cron_invalid`, `time_zone_unknown`, `time_invalid`.
    """
    timetable = _timetable(times, "UTC")
    return Preview(time_zone=timetable.zone.key, next=_next(timetable, ctx.clock.now()))


def timetable_of(row: ScheduleRow) -> Timetable:
    """When the schedule is due."""
    return Timetable(row.cron, zone_of(row.time_zone), row.starts_at, row.ends_at)


def make_due(ctx: Context) -> float | None:
    """Make the runs that are due; in how many seconds the next ones are, if there are any."""
    with ctx.db.read() as session:
        due = schedules.due(session, ctx.clock.now())
    failed = [workflow_id for workflow_id in due if not _tried(ctx, workflow_id)]
    with ctx.db.read() as session:
        coming = schedules.next_due(session)
    if coming is None:
        return None
    return max(_PAUSE_AFTER_FAILURE if failed else 0.0, (coming - ctx.clock.now()).total_seconds())


def _tried(ctx: Context, workflow_id: str) -> bool:
    try:
        unfit = _files_problem(ctx, workflow_id)
        with ctx.db.write() as session:
            if stored_runs.lock_workflow(session, workflow_id):
                _tick(ctx, session, workflow_id, unfit)
    except Exception:  # one schedule's boundary: the others have to go on
        log.exception("schedule_failed", workflow=workflow_id)
        return False
    return True


def _files_problem(ctx: Context, workflow_id: str) -> str | None:
    """Why the files of the workflow can't be run, looked at outside any transaction."""
    try:
        with ctx.db.read() as session:
            graph = workflows.graph_of(workflows.latest(session, workflow_id)[1])
        checking.check_files(ctx, graph)
    except InvalidInput as problem:
        return problem.message
    except NotFound:  # it was deleted at this moment
        return None
    return None


def _tick(ctx: Context, session: Session, workflow_id: str, unfit: str | None) -> None:
    """Make the run that is due, and note when the next one is.

    Args:
        ctx: What the use cases work with.
        session: The writing transaction.
        workflow_id: Which workflow; it is locked.
        unfit: Why its files can't be run, if they can't.
    """
    row, now = schedules.find(session, workflow_id, lock=True), ctx.clock.now()
    if row is None or row.next_at is None or row.next_at > now:
        return  # somebody else was here first
    timetable = timetable_of(row)
    missed = timetable.missed(row.next_at, now)
    if unfit is None:
        result = _result(ctx, session, row, missed.latest, timetable.period_before(missed.latest))
    else:
        result = f"Not started: {unfit}."
    row.last_at, row.last_result = missed.latest, result + _of_missed(missed.earlier)
    row.next_at = timetable.next(now)
    log.info("schedule_due", workflow=workflow_id, due_at=missed.latest.isoformat(), result=row.last_result)


def _result(ctx: Context, session: Session, row: ScheduleRow, due_at: datetime, previous: datetime) -> str:
    """Make the run, or not; what became of it, in one sentence."""
    going_on = schedules.open_runs(session, row.workflow_id)
    numbers = ", ".join(str(run.number) for run in going_on)
    if going_on and row.overlap == Overlap.SKIP:
        return f"Left out: run {numbers} had not ended."
    owner = users.by_id(session, row.owner_id)
    try:
        with session.begin_nested():
            workflow, version = workflows.latest(session, row.workflow_id)
            wish = runs.Wish(
                graph=workflows.graph_of(version),
                request=RunRequest(parameters=row.parameters, data_time=due_at),
                trigger=Trigger.SCHEDULE,
                workflow_id=workflow.id,
                version=version.number,
                slot=f"schedule {due_at.isoformat()}",
                previous=previous,
            )
            run = stored_runs.find(session, runs.create(ctx, session, wish, owner))
    except Unavailable:
        raise
    except TorchyardError as problem:
        return f"Not started: {problem.message}."
    number = run.number if run else None
    if going_on and row.overlap == Overlap.CANCEL_OLD:
        for old in going_on:
            with contextlib.suppress(RunEnded):
                runs.stop(ctx, session, old.id, owner)
        return f"Made run {number}, and stopped run {numbers}."
    return f"Made run {number}."


def _of_missed(earlier: int) -> str:
    if not earlier:
        return ""
    count = f"more than {MOST_COUNTED:,}" if earlier >= MOST_COUNTED else str(earlier)
    return f" It was due {count} {'times' if earlier > 1 else 'time'} before, while the platform was away."


def is_over(ctx: Context, session: Session, workflow_id: str) -> bool:
    """Whether the workflow has a schedule by which nothing will ever be due, paused or not."""
    row = schedules.find(session, workflow_id)
    return row is not None and timetable_of(row).next(ctx.clock.now()) is None


def _timetable(times: Times, default_zone: str) -> Timetable:
    check_cron(times.cron)
    zone = zone_of(times.time_zone or default_zone)
    starts_at = in_utc(times.starts_at, zone, "starts_at") if times.starts_at else None
    ends_at = in_utc(times.ends_at, zone, "ends_at") if times.ends_at else None
    return Timetable(" ".join(times.cron.split()), zone, starts_at, ends_at)


def _next(timetable: Timetable, now: datetime) -> list[datetime]:
    return [due.astimezone(timetable.zone) for due in islice(timetable.after(now), PREVIEWED)]


def _saved(ctx: Context, session: Session, row: ScheduleRow) -> Schedule:
    session.flush()
    after_commit(session, lambda: ctx.fanout.wake(SCHEDULES_TOPIC))
    return _told(ctx, session, row)


def _told(ctx: Context, session: Session, row: ScheduleRow) -> Schedule:
    told_parameters: dict[str, JsonValue] = dict(row.parameters)
    return Schedule(
        workflow=row.workflow_id,
        owner=users.by_id(session, row.owner_id).name,
        cron=row.cron,
        time_zone=row.time_zone,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        overlap=Overlap(row.overlap),
        paused=row.paused,
        parameters=told_parameters,
        next=_next(timetable_of(row), ctx.clock.now()) if row.next_at else [],
        last_at=row.last_at,
        last_result=row.last_result,
        created_at=row.created_at,
    )


def _lock_workflow(session: Session, workflow_id: str) -> None:
    if not stored_runs.lock_workflow(session, workflow_id):
        raise NotFound("there is no workflow with this id", code="workflow_not_found")


def _find(session: Session, workflow_id: str, *, lock: bool = False) -> ScheduleRow:
    row = schedules.find(session, workflow_id, lock=lock)
    if row is None:
        raise NotFound("the workflow has no schedule", code="schedule_not_found")
    return row
