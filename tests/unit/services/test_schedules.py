import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from tests.factories import admin
from tests.flows import end, make_workflow, runs_of

from torchyard.contracts.runs import RunState, Trigger
from torchyard.contracts.schedules import Schedule, ScheduleSettings
from torchyard.contracts.workflows import WorkflowSave
from torchyard.errors import FieldInvalid, NotFound, WorkflowInvalid
from torchyard.services import schedules, versions, workflows
from torchyard.services.context import SCHEDULES_TOPIC, Context
from torchyard.storage.workflow_tables import RunNodeRow, RunRow
from torchyard.testing import FixedClock

HOURLY = {"cron": "0 * * * *"}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def put(ctx: Context, workflow_id: str, **settings: Any) -> Schedule:
    owner = admin(ctx)
    wanted = ScheduleSettings.model_validate({**HOURLY, **settings})
    with ctx.db.write() as session:
        return schedules.put(ctx, session, workflow_id, wanted, owner)


def get(ctx: Context, workflow_id: str) -> Schedule:
    with ctx.db.read() as session:
        return schedules.get(ctx, session, workflow_id)


def advance(ctx: Context, **time: float) -> float | None:
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(timedelta(**time).total_seconds())
    return schedules.make_due(ctx)


@pytest.fixture
def workflow(ctx: Context) -> str:
    return make_workflow(ctx, arguments="--day ${date} --before ${YYYYMMDDHH}")


def test_a_due_time_makes_a_run_for_it(ctx: Context, workflow: str) -> None:
    assert put(ctx, workflow).next[0] == NOON + timedelta(hours=1)
    assert schedules.make_due(ctx) == 3600
    assert advance(ctx, hours=1) == 3600
    (run,) = runs_of(ctx, workflow)
    assert run.trigger is Trigger.SCHEDULE
    assert run.data_time == NOON + timedelta(hours=1)
    assert get(ctx, workflow).last_result == "Made run 1."


def test_macros_go_by_the_due_time_and_by_the_one_before(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, cron="0 3,21 * * *")
    advance(ctx, hours=15)
    with ctx.db.read() as session:
        (run,) = session.scalars(select(RunRow).where(RunRow.workflow_id == workflow))
        assert run.data_time == datetime(2026, 1, 2, 3, tzinfo=UTC)
        assert run.previous_time == datetime(2026, 1, 1, 21, tzinfo=UTC)
        settings = session.scalar(select(RunNodeRow.settings).where(RunNodeRow.run_id == run.id))
    assert settings is not None
    assert settings["arguments"] == "--day 2026-01-02 --before 2026010121"


def test_each_due_time_makes_one_run(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, overlap="queue")
    for _ in range(3):
        advance(ctx, hours=1)
        schedules.make_due(ctx)
    assert [run.data_time.hour for run in runs_of(ctx, workflow)] == [13, 14, 15]


def test_several_platforms_make_one_run_together(ctx: Context, workflow: str) -> None:
    put(ctx, workflow)
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(3600)
    barrier = threading.Barrier(4)

    def one_of_them() -> None:
        barrier.wait(30)
        schedules.make_due(ctx)

    threads = [threading.Thread(target=one_of_them) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs_of(ctx, workflow)) == 1


class Killed(BaseException):
    """The process is gone."""


def killed_at_commit(ctx: Context) -> Iterator[None]:
    def die(_connection: object) -> None:
        raise Killed

    event.listen(ctx.db.engine, "commit", die)
    try:
        yield
    finally:
        event.remove(ctx.db.engine, "commit", die)


def test_a_platform_that_dies_right_before_its_commit_leaves_the_run_to_its_successor(
    ctx: Context, workflow: str
) -> None:
    put(ctx, workflow)
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(3600)
    dying = killed_at_commit(ctx)
    next(dying)
    with pytest.raises(Killed):
        schedules.make_due(ctx)
    dying.close()
    assert runs_of(ctx, workflow) == []
    schedules.make_due(ctx)
    schedules.make_due(ctx)
    assert len(runs_of(ctx, workflow)) == 1


def test_of_times_that_were_missed_only_the_latest_runs_and_the_others_are_noted(
    ctx: Context, workflow: str
) -> None:
    put(ctx, workflow)
    assert advance(ctx, hours=5, minutes=30) == 1800
    (run,) = runs_of(ctx, workflow)
    assert run.data_time == NOON + timedelta(hours=5)
    told = get(ctx, workflow)
    assert told.last_at == NOON + timedelta(hours=5)
    assert told.last_result == "Made run 1. It was due 4 times before, while the platform was away."


def test_a_run_that_has_not_ended_keeps_the_next_one_from_being_made(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, overlap="skip")
    advance(ctx, hours=1)
    advance(ctx, hours=1)
    assert get(ctx, workflow).last_result == "Left out: run 1 had not ended."
    (run,) = runs_of(ctx, workflow)
    assert end(ctx, run.id).state is RunState.SUCCEEDED
    advance(ctx, hours=1)
    assert [run.data_time.hour for run in runs_of(ctx, workflow)] == [13, 15]


def test_a_run_can_wait_for_the_one_before(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, overlap="queue")
    advance(ctx, hours=1)
    advance(ctx, hours=1)
    assert [run.state for run in runs_of(ctx, workflow)] == [RunState.RUNNING, RunState.QUEUED]


def test_a_run_can_stop_the_one_before(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, overlap="cancel_old")
    advance(ctx, hours=1)
    advance(ctx, hours=1)
    first, second = runs_of(ctx, workflow)
    assert first.stop_requested
    assert not second.stop_requested
    assert get(ctx, workflow).last_result == "Made run 2, and stopped run 1."


def test_only_runs_of_the_schedule_count_as_overlapping(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, overlap="skip")
    advance(ctx, hours=1)
    (run,) = runs_of(ctx, workflow)
    end(ctx, run.id)
    advance(ctx, hours=1)
    assert len(runs_of(ctx, workflow)) == 2


def save(ctx: Context, workflow_id: str, graph: dict[str, Any]) -> None:
    author = admin(ctx)
    wish = WorkflowSave.model_validate({"graph": graph})
    versions.save(ctx, workflow_id, 1, wish, author)


def test_a_version_with_mistakes_is_not_run_and_the_schedule_goes_on(ctx: Context, workflow: str) -> None:
    put(ctx, workflow)
    with ctx.db.read() as session:
        good = workflows.graph_of(workflows.latest(session, workflow)[1]).model_dump(mode="json")
    save(ctx, workflow, {"nodes": [{"name": "train"}]})
    assert advance(ctx, hours=1) == 3600
    told = get(ctx, workflow).last_result
    assert told is not None
    assert told.startswith("Not started: train: ")
    assert runs_of(ctx, workflow) == []
    versions.save(ctx, workflow, 2, WorkflowSave.model_validate({"graph": good}), admin(ctx))
    advance(ctx, hours=1)
    assert get(ctx, workflow).last_result == "Made run 1."


def test_a_script_that_does_not_compile_is_told_too(ctx: Context) -> None:
    workflow = make_workflow(ctx, script=b"def (")
    put(ctx, workflow)
    advance(ctx, hours=1)
    assert str(get(ctx, workflow).last_result).startswith("Not started: train: ")


def test_one_broken_schedule_does_not_hold_up_the_others(ctx: Context, workflow: str) -> None:
    broken = make_workflow(ctx)
    put(ctx, broken, cron="59 * * * *")
    put(ctx, workflow)
    with ctx.db.write() as session:
        row = workflows.latest(session, broken)[1]
        row.graph = {"nodes": "of a version that nobody can read"}
    waits = advance(ctx, hours=1)
    assert len(runs_of(ctx, workflow)) == 1
    assert waits is not None
    assert waits > 0


def test_values_go_to_the_runs_and_are_checked_first(ctx: Context) -> None:
    parameters = [{"name": "lr", "type": "number", "default": 0.1}]
    workflow = make_workflow(ctx, arguments="--lr ${lr}", parameters=parameters)
    with pytest.raises(WorkflowInvalid):
        put(ctx, workflow, parameters={"lr": "fast"})
    with pytest.raises(WorkflowInvalid):
        put(ctx, workflow, parameters={"size": 1})
    put(ctx, workflow, parameters={"lr": 0.5})
    advance(ctx, hours=1)
    assert runs_of(ctx, workflow)[0].parameters == {"lr": 0.5}


def test_a_paused_schedule_makes_no_run_and_does_not_catch_up(ctx: Context, workflow: str) -> None:
    put(ctx, workflow)
    with ctx.db.write() as session:
        assert schedules.pause(ctx, session, workflow, paused=True).next == []
    assert advance(ctx, hours=5) is None
    with ctx.db.write() as session:
        told = schedules.pause(ctx, session, workflow, paused=False)
    assert told.next[0] == NOON + timedelta(hours=6)
    schedules.make_due(ctx)
    assert runs_of(ctx, workflow) == []


def test_nothing_is_due_before_the_start_or_behind_the_end(ctx: Context, workflow: str) -> None:
    put(ctx, workflow, starts_at="2026-01-01T15:00:00Z", ends_at="2026-01-01T16:00:00Z", overlap="queue")
    for _ in range(8):
        advance(ctx, hours=1)
    assert [run.data_time.hour for run in runs_of(ctx, workflow)] == [15, 16]
    told = get(ctx, workflow)
    assert told.next == []
    assert told.last_result == "Made run 2."


def test_a_schedule_that_is_never_due_is_refused(ctx: Context, workflow: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        put(ctx, workflow, ends_at="2025-12-31")
    assert refused.value.code == "schedule_never"


def test_a_schedule_goes_by_the_workflow_s_clocks_unless_it_says_otherwise(ctx: Context) -> None:
    workflow = make_workflow(ctx, settings={"time_zone": "Asia/Shanghai"})
    assert put(ctx, workflow, cron="0 9 * * *").next[0].isoformat() == "2026-01-02T09:00:00+08:00"
    told = put(ctx, workflow, cron="0 9 * * *", time_zone="America/New_York", starts_at="2026-01-05")
    assert told.next[0].isoformat() == "2026-01-05T09:00:00-05:00"
    assert told.starts_at == datetime(2026, 1, 5, 5, tzinfo=UTC)


def test_a_schedule_that_is_set_anew_does_not_repeat_a_time(ctx: Context, workflow: str) -> None:
    put(ctx, workflow)
    advance(ctx, hours=1)
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(-5)  # a platform whose clock is behind
    assert put(ctx, workflow).next[0] == NOON + timedelta(hours=1)
    with ctx.db.read() as session:
        due = schedules.schedules.find(session, workflow)
    assert due is not None
    assert due.next_at == NOON + timedelta(hours=2)


def test_setting_and_removing_a_schedule_wakes_who_waits_for_it(ctx: Context, workflow: str) -> None:
    woken: list[str] = []
    ctx.fanout.subscribe(SCHEDULES_TOPIC, lambda: woken.append("woken"))
    put(ctx, workflow)
    assert woken == ["woken"]
    with ctx.db.write() as session:
        schedules.remove(session, workflow)
    with pytest.raises(NotFound) as refused:
        get(ctx, workflow)
    assert refused.value.code == "schedule_not_found"
    assert advance(ctx, hours=2) is None


def test_a_schedule_ends_with_its_workflow(ctx: Context, workflow: str) -> None:
    put(ctx, workflow)
    with ctx.db.write() as session:
        workflows.delete(session, workflow)
    assert advance(ctx, hours=2) is None
    with ctx.db.read() as session:
        assert session.scalar(select(func.count()).select_from(RunRow)) == 0
