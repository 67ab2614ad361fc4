import hashlib
from typing import Any

import pytest
from sqlalchemy import select
from tests.factories import admin
from tests.flows import carry_out, end, make_workflow, runs_of

from torchyard.contracts.runs import RunState, Trigger
from torchyard.contracts.sweeps import SweepCreate, SweepDetail
from torchyard.errors import FieldInvalid, NotFound
from torchyard.services import sweeps, workflows
from torchyard.services.context import Context
from torchyard.storage import runs
from torchyard.storage.workflow_tables import RunBlobRow, RunNodeRow

PARAMETERS = [
    {"name": "lr", "type": "number", "default": 0.1},
    {"name": "seed", "type": "integer"},
    {"name": "model", "default": "cnn"},
]


@pytest.fixture
def workflow(ctx: Context) -> str:
    return make_workflow(
        ctx, arguments="--lr ${lr} --seed ${seed}", parameters=PARAMETERS, settings={"concurrent_runs": 100}
    )


def sweep(ctx: Context, workflow_id: str, **parameters: Any) -> SweepDetail:
    owner, wanted = admin(ctx), SweepCreate.model_validate({"parameters": parameters, "name": "rates"})
    with ctx.db.write() as session:
        sweep_id = sweeps.create(ctx, session, workflow_id, wanted, owner)
    return get(ctx, sweep_id)


def get(ctx: Context, sweep_id: str) -> SweepDetail:
    with ctx.db.read() as session:
        return sweeps.get(ctx, session, sweep_id)


def test_a_sweep_makes_one_run_for_each_combination(ctx: Context, workflow: str) -> None:
    made = sweep(ctx, workflow, lr=[0.1, 0.01], seed={"start": 1, "stop": 5, "step": 1})
    assert made.runs == 10
    found = runs_of(ctx, workflow)
    assert [run.id for run in found] == [one.run for one in made.results]
    assert {run.sweep for run in found} == {made.id}
    assert {run.trigger for run in found} == {Trigger.SWEEP}
    assert found[0].parameters == {"lr": 0.1, "seed": 1, "model": "cnn"}
    assert [one.parameters for one in made.results][:2] == [{"lr": 0.1, "seed": 1}, {"lr": 0.1, "seed": 2}]
    assert [one.number for one in made.results] == list(range(1, 11))


def test_its_results_hold_state_duration_and_what_was_left_as_metrics(ctx: Context, workflow: str) -> None:
    made = sweep(ctx, workflow, seed=[1, 2, 3])
    good, bad, nested = (one.run for one in made.results)
    end(ctx, good, left={"outputs/metrics.json": b'{"loss": 0.25, "epochs": 3}', "outputs/model.pt": b"x"})
    end(ctx, bad, exit_code=1, left={"metrics.json": b'{"loss": "nan"}'})
    told = {one.run: one for one in get(ctx, made.id).results}
    assert told[good].state is RunState.SUCCEEDED
    assert told[good].metrics == {"train": {"loss": 0.25, "epochs": 3}}
    assert told[good].seconds == 0
    assert told[bad].state is RunState.FAILED
    assert told[bad].metrics == {}
    assert get(ctx, made.id).counts == {"succeeded": 1, "failed": 1, "running": 1}
    end(ctx, nested, left={"metrics.json": b'{"loss": 1}', "outputs/metrics.json": b'{"loss": 2}'})
    assert get(ctx, made.id).results[2].metrics == {}


def test_metrics_whose_file_is_gone_are_left_out(ctx: Context, workflow: str) -> None:
    made = sweep(ctx, workflow, seed=[1])
    content = b'{"loss": 0.25}'
    end(ctx, made.results[0].run, left={"outputs/metrics.json": content})
    ctx.objects.delete(hashlib.sha256(content).hexdigest())
    assert get(ctx, made.id).results[0].metrics == {}


def test_all_runs_are_made_or_none(ctx: Context, workflow: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        sweep(ctx, workflow, seed={"start": 1, "stop": 1001, "step": 1})
    assert refused.value.code == "sweep_too_large"
    with pytest.raises(FieldInvalid):
        sweep(ctx, workflow, seed=[1, 2, "three"])
    assert runs_of(ctx, workflow) == []
    with ctx.db.read() as session:
        assert sweeps.page(session, workflow, before=None, limit=10) == []


def test_stopping_a_sweep_stops_all_its_runs(ctx: Context, workflow: str) -> None:
    made, other = sweep(ctx, workflow, seed=[1, 2, 3]), sweep(ctx, workflow, seed=[4])
    end(ctx, made.results[0].run)
    by = admin(ctx)
    for _ in range(2):
        with ctx.db.write() as session:
            sweeps.stop(ctx, session, made.id, by)
    carry_out(ctx)
    assert get(ctx, made.id).counts == {"succeeded": 1, "cancelled": 2}
    assert get(ctx, other.id).counts == {"running": 1}


def test_a_workflow_lists_its_sweeps_newest_first(ctx: Context, workflow: str) -> None:
    first = sweep(ctx, workflow, seed=[1, 2])
    ctx.clock.advance(1)  # type: ignore[attr-defined]
    second = sweep(ctx, workflow, seed=[3])
    with ctx.db.read() as session:
        listed = sweeps.page(session, workflow, before=None, limit=10)
    assert [(one.id, one.runs, one.counts) for one in listed] == [
        (second.id, 1, {"running": 1}),
        (first.id, 2, {"running": 2}),
    ]
    assert listed[1].parameters == {"seed": [1, 2]}


def test_a_version_can_be_chosen(ctx: Context, workflow: str) -> None:
    owner = admin(ctx)
    for version, code in ((1, None), (2, "version_not_found")):
        wanted = SweepCreate.model_validate({"parameters": {"seed": [1]}, "version": version})
        with ctx.db.write() as session:
            if code is None:
                sweeps.create(ctx, session, workflow, wanted, owner)
                continue
            with pytest.raises(NotFound) as refused:
                sweeps.create(ctx, session, workflow, wanted, owner)
            assert refused.value.code == code


def test_a_sweep_ends_with_its_workflow(ctx: Context, workflow: str) -> None:
    made = sweep(ctx, workflow, seed=[1])
    end(ctx, made.results[0].run)
    with ctx.db.write() as session:
        workflows.delete(session, workflow)
    with pytest.raises(NotFound):
        get(ctx, made.id)


def test_runs_that_wait_are_made_like_the_first(ctx: Context) -> None:
    workflow = make_workflow(
        ctx, arguments="--lr ${lr} --seed ${seed}", parameters=PARAMETERS, settings={"concurrent_runs": 2}
    )
    made = sweep(ctx, workflow, seed=[1, 2, 3, 4, 5])
    found = runs_of(ctx, workflow)
    assert [run.state for run in found] == [RunState.RUNNING] * 2 + [RunState.QUEUED] * 3
    assert [run.number for run in found] == [1, 2, 3, 4, 5]
    assert [run.id for run in found] == [one.run for one in made.results]
    assert [run.parameters["seed"] for run in found] == [1, 2, 3, 4, 5]
    own = {"id", "number", "parameters", "created_at"}
    assert found[4].model_dump(exclude=own) == found[2].model_dump(exclude=own)
    with ctx.db.read() as session:
        for run in found:
            (node,) = session.scalars(select(RunNodeRow).where(RunNodeRow.run_id == run.id))
            assert node.settings["arguments"] == f"--lr 0.1 --seed {run.parameters['seed']}"
            kept = session.scalars(select(RunBlobRow.sha256).where(RunBlobRow.run_id == run.id)).all()
            assert kept == [node.settings["script"]["sha256"]]
            assert [event.state for event in runs.events(session, run.id, after=0)] == [run.state]


def test_runs_that_wait_begin_in_their_order_and_the_workflow_counts_on(ctx: Context) -> None:
    workflow = make_workflow(ctx, parameters=PARAMETERS)
    sweep(ctx, workflow, seed=[1, 2, 3])
    ctx.clock.advance(1)  # type: ignore[attr-defined]
    later = sweep(ctx, workflow, seed=[4])
    assert later.results[0].number == 4
    for number in range(4):
        carry_out(ctx)
        states = [run.state for run in runs_of(ctx, workflow)]
        assert states[number] is RunState.RUNNING
        end(ctx, runs_of(ctx, workflow)[number].id)


def test_a_thousand_runs_are_made(ctx: Context) -> None:
    workflow = make_workflow(ctx, arguments="--seed ${seed}", parameters=PARAMETERS)
    made = sweep(ctx, workflow, seed={"start": 1, "stop": 1000, "step": 1})
    assert [one.parameters["seed"] for one in made.results] == list(range(1, 1001))
    assert made.counts == {"running": 1, "queued": 999}
