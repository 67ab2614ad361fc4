"""Runs for times that have passed: one for each time at which the workflow's schedule was due."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from torchyard.contracts.runs import RunRequest, Trigger
from torchyard.contracts.sayings import say
from torchyard.contracts.schedules import (
    MAX_BACKFILL,
    Backfill,
    BackfillCreate,
    BackfillPreview,
    BackfillRun,
)
from torchyard.domain.timetables import DAILY, MOST_COUNTED, Timetable, in_utc, zone_of
from torchyard.errors import FieldInvalid, NotFound
from torchyard.services import runs, workflows
from torchyard.services.context import Context
from torchyard.services.schedules import timetable_of
from torchyard.services.users import User
from torchyard.storage import runs as stored_runs
from torchyard.storage import schedules
from torchyard.storage.workflow_tables import ScheduleRow


def preview(session: Session, workflow_id: str, wanted: BackfillCreate) -> BackfillPreview:
    """The times for which `backfill` would make a run now; it makes none.

    Raises:
        NotFound: `workflow_not_found`.
        FieldInvalid: As `backfill`.
    """
    graph = workflows.graph_of(workflows.latest(session, workflow_id)[1])
    timetable = _timetable(schedules.find(session, workflow_id), graph.settings.time_zone)
    times = _times(timetable, wanted)
    open_runs = schedules.runs_for(session, workflow_id, times)
    return BackfillPreview(
        time_zone=timetable.zone.key,
        runs=[due_at.astimezone(timetable.zone) for due_at in times if due_at not in open_runs],
        dropped=_dropped(times, open_runs),
    )


def backfill(
    ctx: Context, session: Session, workflow_id: str, wanted: BackfillCreate, owner: User
) -> Backfill:
    """Make one run for each due time of the interval, without those for which one waits or goes on.

    Raises:
        NotFound: `workflow_not_found`.
        FieldInvalid: `backfill_too_large`, `backfill_empty`, `time_invalid`.
        TorchyardError: See `runs.create`.
    """
    if not stored_runs.lock_workflow(session, workflow_id):
        raise NotFound("there is no workflow with this id", code="workflow_not_found")
    _, version = workflows.latest(session, workflow_id)
    graph, schedule = workflows.graph_of(version), schedules.find(session, workflow_id)
    timetable = _timetable(schedule, graph.settings.time_zone)
    times = _times(timetable, wanted)
    open_runs = schedules.runs_for(session, workflow_id, times)
    identity, made = str(uuid.uuid4()), []
    given = {**(schedule.parameters if schedule else {}), **wanted.parameters}
    for due_at in (due_at for due_at in times if due_at not in open_runs):
        wish = runs.Wish(
            graph=graph,
            request=RunRequest(parameters=given, data_time=due_at),
            trigger=Trigger.BACKFILL,
            workflow_id=workflow_id,
            version=version.number,
            slot=_slot(identity, due_at),
            previous=timetable.period_before(due_at) if schedule else None,
        )
        made.append(BackfillRun(data_time=due_at, run=runs.create(ctx, session, wish, owner)))
    return Backfill(id=identity, runs=made, dropped=_dropped(times, open_runs))


def _dropped(times: Iterable[datetime], open_runs: Mapping[datetime, str]) -> list[BackfillRun]:
    return [BackfillRun(data_time=due_at, run=open_runs[due_at]) for due_at in times if due_at in open_runs]


def repeat(session: Session, workflow_id: str, wanted: BackfillCreate, identity: str) -> Backfill:
    """What the back-fill with this id made when it was asked for first."""
    graph = workflows.graph_of(workflows.latest(session, workflow_id)[1])
    timetable = _timetable(schedules.find(session, workflow_id), graph.settings.time_zone)
    slots = {due_at: _slot(identity, due_at) for due_at in _times(timetable, wanted)}
    found = schedules.runs_in_slots(session, workflow_id, list(slots.values()))
    told = [BackfillRun(data_time=due_at, run=found.get(slot)) for due_at, slot in slots.items()]
    return Backfill(
        id=identity, runs=[one for one in told if one.run], dropped=[one for one in told if not one.run]
    )


def _slot(identity: str, due_at: datetime) -> str:
    return f"backfill {identity} {due_at.isoformat()}"


def _timetable(schedule: ScheduleRow | None, zone: str) -> Timetable:
    if schedule is not None:
        return timetable_of(schedule)
    try:
        return Timetable(DAILY, zone_of(zone))
    except FieldInvalid:  # a problem of the graph, told with all others
        return Timetable(DAILY, ZoneInfo("UTC"))


def _times(timetable: Timetable, wanted: BackfillCreate) -> list[datetime]:
    first = in_utc(wanted.first, timetable.zone, "from")
    last = in_utc(wanted.last, timetable.zone, "to")
    times = list(islice(timetable.between(first, last), MOST_COUNTED + 1))
    if not times:
        raise FieldInvalid("nothing was due from `from` to `to`", code="backfill_empty", field="to")
    if len(times) > MAX_BACKFILL:
        count = f"{len(times):,}" if len(times) <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
        raise FieldInvalid(
            say("backfill_over_limit", runs=count, most=MAX_BACKFILL),
            code="backfill_too_large",
            field="to",
            hint="fill it in several parts",
        )
    return times
