from datetime import UTC, datetime
from typing import Any

import pytest
from tests.factories import admin
from tests.flows import end, make_workflow, runs_of

from torchyard.contracts.runs import Trigger
from torchyard.contracts.schedules import Backfill, BackfillCreate, ScheduleSettings
from torchyard.errors import FieldInvalid, NotFound, WorkflowInvalid
from torchyard.services import backfilling, schedules
from torchyard.services.context import Context


def backfill(ctx: Context, workflow_id: str, **wanted: Any) -> Backfill:
    owner, wish = admin(ctx), BackfillCreate.model_validate(wanted)
    with ctx.db.write() as session:
        return backfilling.backfill(ctx, session, workflow_id, wish, owner)


def schedule(ctx: Context, workflow_id: str, **settings: Any) -> None:
    owner, wanted = admin(ctx), ScheduleSettings.model_validate(settings)
    with ctx.db.write() as session:
        schedules.put(ctx, session, workflow_id, wanted, owner)


@pytest.fixture
def workflow(ctx: Context) -> str:
    parameters = [
        {"name": "lr", "type": "number", "default": 0.1},
        {"name": "seed", "type": "integer", "default": 1},
    ]
    return make_workflow(ctx, arguments="--day ${date} --lr ${lr}", parameters=parameters)


def test_one_run_is_made_for_each_day_without_a_schedule(ctx: Context, workflow: str) -> None:
    made = backfill(ctx, workflow, **{"from": "2025-12-30", "to": "2026-01-01"})
    days = [
        datetime(2025, 12, 30, tzinfo=UTC),
        datetime(2025, 12, 31, tzinfo=UTC),
        datetime(2026, 1, 1, tzinfo=UTC),
    ]
    assert [one.data_time for one in made.runs] == days
    assert made.dropped == []
    found = runs_of(ctx, workflow)
    assert [run.id for run in found] == [one.run for one in made.runs]
    assert [run.data_time for run in found] == days
    assert {run.trigger for run in found} == {Trigger.BACKFILL}


def test_times_and_values_are_those_of_the_schedule(ctx: Context, workflow: str) -> None:
    schedule(
        ctx,
        workflow,
        cron="0 9 * * 1",
        time_zone="Asia/Shanghai",
        paused=True,
        parameters={"lr": 0.5, "seed": 7},
    )
    made = backfill(ctx, workflow, **{"from": "2025-12-01", "to": "2025-12-15", "parameters": {"seed": 8}})
    assert [one.data_time.isoformat() for one in made.runs] == [
        "2025-12-01T01:00:00+00:00",
        "2025-12-08T01:00:00+00:00",
        "2025-12-15T01:00:00+00:00",
    ]
    assert runs_of(ctx, workflow)[0].parameters == {"lr": 0.5, "seed": 8}


def test_times_for_which_a_run_goes_on_are_left_out_and_named(ctx: Context, workflow: str) -> None:
    first = backfill(ctx, workflow, **{"from": "2025-12-30", "to": "2025-12-31"})
    again = backfill(ctx, workflow, **{"from": "2025-12-30", "to": "2026-01-01"})
    assert again.dropped == first.runs
    assert [one.data_time.day for one in again.runs] == [1]
    run_id = first.runs[0].run
    assert run_id is not None
    end(ctx, run_id)
    third = backfill(ctx, workflow, **{"from": "2025-12-30", "to": "2026-01-01"})
    assert [one.data_time.day for one in third.runs] == [30]
    assert len(third.dropped) == 2


def test_fifty_are_made_and_one_more_is_refused_with_the_number(ctx: Context, workflow: str) -> None:
    made = backfill(ctx, workflow, **{"from": "2025-01-01", "to": "2025-02-19"})
    assert len(made.runs) == 50
    with pytest.raises(FieldInvalid, match="would make 51 runs") as refused:
        backfill(ctx, workflow, **{"from": "2025-01-01", "to": "2025-02-20"})
    assert refused.value.code == "backfill_too_large"
    with pytest.raises(FieldInvalid, match="more than 1,000 runs"):
        backfill(ctx, workflow, **{"from": "0001-01-01", "to": "9999-12-31"})


def test_an_interval_in_which_nothing_is_due_is_refused(ctx: Context, workflow: str) -> None:
    for interval in (
        {"from": "2025-12-31T01:00", "to": "2025-12-31T02:00"},
        {"from": "2026-01-02", "to": "2025-12-31"},
    ):
        with pytest.raises(FieldInvalid) as refused:
            backfill(ctx, workflow, **interval)
        assert refused.value.code == "backfill_empty"


def test_all_runs_are_made_or_none(ctx: Context, workflow: str) -> None:
    with pytest.raises(WorkflowInvalid):
        backfill(ctx, workflow, **{"from": "2025-12-30", "to": "2026-01-01", "parameters": {"lr": "fast"}})
    assert runs_of(ctx, workflow) == []


def test_a_workflow_that_there_is_not_has_no_past(ctx: Context) -> None:
    with pytest.raises(NotFound):
        backfill(ctx, "nothing", **{"from": "2025-12-30", "to": "2026-01-01"})
