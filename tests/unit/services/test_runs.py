"""What a run does, on both databases: edges, skipping, policies, concurrency, stopping, partial modes."""

from typing import Any

import pytest
from tests.driving import Driver
from tests.factories import admin, stored
from tests.graphs import graph, node

from torchyard.contracts.jobs import FileRef, Reason
from torchyard.contracts.runner import Cause
from torchyard.contracts.runs import Run, RunAgain, RunEvent, RunState, Trigger
from torchyard.errors import (
    BlobNotUploaded,
    FieldInvalid,
    NotFound,
    RunEnded,
    RunNotEnded,
    RunRefused,
    RuntimeUnknown,
    SourceMissing,
    WorkflowInvalid,
)
from torchyard.services import jobs, run_views, runs
from torchyard.services.context import Context
from torchyard.storage import retention
from torchyard.storage.runs import RunFilter


@pytest.fixture
def driver(ctx: Context) -> Driver:
    return Driver(ctx)


@pytest.fixture
def script(ctx: Context) -> FileRef:
    return stored(ctx, b"print('hi')\n")


def events(driver: Driver, run_id: str) -> list[RunEvent]:
    with driver.ctx.db.read() as session:
        return run_views.events_of(session, run_id)


def page(driver: Driver, **wanted: Any) -> list[Run]:
    with driver.ctx.db.read() as session:
        return run_views.page(session, RunFilter(**wanted), before=None, limit=10)


def again(driver: Driver, run_id: str, **wanted: Any) -> str:
    owner = admin(driver.ctx)
    with driver.ctx.db.write() as session:
        made = runs.run_again(driver.ctx, session, run_id, RunAgain.model_validate(wanted), owner)
    driver.engine.look()
    return made


def test_nodes_run_once_what_is_above_them_has_succeeded(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("b", script), node("a", script)], ("a", "b")))
    assert driver.states(run) == {"b": "waiting", "a": "queued"}
    assert driver.node(run, "b").sentence == "Waits for a."

    driver.take(run, "a")
    assert driver.states(run)["a"] == "running"
    driver.end(run, "a")
    assert driver.states(run) == {"b": "queued", "a": "succeeded"}
    driver.end(run, "b")

    ended = driver.get(run)
    assert (ended.state, ended.sentence) == (RunState.SUCCEEDED, "Done: 2 succeeded.")
    assert ended.finished_at is not None
    assert ended.counts == {"succeeded": 2}
    assert driver.node(run, "a").sentence
    assert driver.node(run, "a").attempts == 1


def test_every_change_of_state_is_an_event_numbered_without_gaps(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script), node("b", script)], ("a", "b")))
    driver.end(run, "a")
    driver.end(run, "b", 1)

    told = events(driver, run)
    assert [event.seq for event in told] == list(range(1, len(told) + 1))
    assert [(event.node, event.state) for event in told] == [
        (None, "running"),
        *(("a", state) for state in ("queued", "staging", "running", "succeeded")),
        *(("b", state) for state in ("queued", "staging", "running", "failed")),
        (None, "failed"),
    ]
    assert all(event.job for event in told if event.node)


def test_a_job_of_a_run_names_it(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script)]))
    job_id = driver.node(run, "a").job
    assert job_id is not None

    with driver.ctx.db.read() as session:
        job = jobs.get(driver.ctx, session, job_id)

    assert (job.run, job.node, job.name) == (run, "a", "a")


@pytest.mark.parametrize(
    ("when", "exit_code", "state"),
    [
        ("success", 0, "queued"),
        ("success", 1, "upstream_failed"),
        ("failure", 0, "not_needed"),
        ("failure", 1, "queued"),
        ("always", 0, "queued"),
        ("always", 1, "queued"),
    ],
)
def test_an_edge_says_how_its_source_has_to_end(
    driver: Driver, script: FileRef, when: str, exit_code: int, state: str
) -> None:
    run = driver.start(graph([node("a", script), node("b", script)], ("a", "b", when)))
    driver.end(run, "a", exit_code)

    assert driver.states(run)["b"] == state


def test_a_node_after_a_failure_gets_what_was_left_or_an_empty_folder(
    driver: Driver, script: FileRef
) -> None:
    run = driver.start(
        graph(
            [node("a", script), node("b", script), node("c", script)],
            ("a", "b", "failure"),
            ("b", "c", "always"),
        )
    )
    driver.end(run, "a", 1)
    driver.end(run, "b", 1, files={"outputs/partial.txt": b"half"})
    driver.claim(run, "c")

    assert driver.inputs(run, "b") == {"a": f"job:{driver.node(run, 'a').job}?"}
    assert [(file.name, file.path) for file in driver.claimed.inputs] == [("b", "partial.txt")]


def test_a_failure_is_told_with_its_reason_and_what_depends_on_it_fails_too(
    driver: Driver, script: FileRef
) -> None:
    run = driver.start(graph([node(name, script) for name in "abcd"], ("a", "b"), ("b", "c")))
    driver.end(run, "a", 7)
    driver.end(run, "d")

    ended = driver.get(run)
    assert ended.state is RunState.FAILED
    assert ended.sentence == f"a failed: {driver.node(run, 'a').sentence}"
    assert driver.node(run, "a").reason is Reason.SCRIPT_ERROR
    assert driver.states(run) == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "upstream_failed",
        "d": "succeeded",
    }
    assert driver.node(run, "c").reason is Reason.UPSTREAM_FAILED
    assert driver.node(run, "c").sentence == "Could not run: b, which it depends on, could not run."


def test_nothing_new_starts_after_a_failure_if_the_workflow_says_so(driver: Driver, script: FileRef) -> None:
    drawn = graph(
        [node(name, script) for name in "abcx"],
        ("b", "c"),
        ("a", "x", "failure"),
        settings={"on_failure": "start_nothing_new"},
    )
    run = driver.start(drawn)
    driver.end(run, "a", 1)
    driver.end(run, "b")

    assert driver.states(run) == {"a": "failed", "b": "succeeded", "c": "cancelled", "x": "queued"}
    driver.end(run, "x")
    assert driver.get(run).state is RunState.FAILED


def test_no_more_nodes_run_at_once_than_allowed(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abc"], settings={"parallelism": 2}))
    assert driver.states(run) == {"a": "queued", "b": "queued", "c": "waiting"}
    assert "at most 2" in str(driver.node(run, "c").sentence)

    driver.end(run, "a")

    assert driver.states(run) == {"a": "succeeded", "b": "queued", "c": "queued"}


def test_a_skipped_node_is_passed_over(driver: Driver, script: FileRef) -> None:
    run = driver.start(
        graph([node("a", script), node("b", script, skip=True), node("c", script)], ("a", "b"), ("b", "c"))
    )
    driver.end(run, "a")
    driver.claim(run, "c")

    assert driver.states(run) == {"a": "succeeded", "b": "skipped", "c": "staging"}
    assert driver.inputs(run, "c") == {"b": "none"}
    assert driver.claimed.inputs == []


def test_a_wide_graph_is_started_in_parts_until_all_of_it_runs(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(f"n{number}", script) for number in range(70)]))

    assert set(driver.states(run).values()) == {"queued"}
    assert [event.seq for event in events(driver, run)] == list(range(1, 72))


def test_a_second_run_queues_until_the_first_has_ended_oldest_first(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script)]))
    made = [driver.start(workflow=workflow) for _ in range(3)]
    assert [driver.get(run).state for run in made] == ["running", "queued", "queued"]
    assert driver.get(made[1]).sentence == "Waits for other runs of the workflow to end."
    assert [driver.get(run).number for run in made] == [1, 2, 3]

    driver.end(made[0], "a")
    assert [driver.get(run).state for run in made] == ["succeeded", "running", "queued"]
    assert driver.get(made[1]).started_at is not None
    driver.end(made[1], "a", 1)
    assert [driver.get(run).state for run in made] == ["succeeded", "failed", "running"]


def test_a_second_run_is_refused_if_the_workflow_says_so_but_a_schedules_is_not(
    driver: Driver, script: FileRef
) -> None:
    workflow = driver.workflow(
        graph([node("a", script)], settings={"when_busy": "refuse", "concurrent_runs": 2})
    )
    driver.start(workflow=workflow)
    driver.start(workflow=workflow)

    with pytest.raises(RunRefused):
        driver.start(workflow=workflow)

    queued = driver.start(workflow=workflow, trigger=Trigger.SCHEDULE)
    assert driver.get(queued).state is RunState.QUEUED


def test_a_queued_run_can_be_stopped(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script)]))
    driver.start(workflow=workflow)
    queued = driver.start(workflow=workflow)
    driver.stop(queued)

    assert (driver.get(queued).state, driver.states(queued)) == (RunState.CANCELLED, {"a": "cancelled"})


def test_stopping_a_run_stops_what_runs_and_starts_nothing(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abc"], ("a", "c")))
    driver.take(run, "a")
    driver.stop(run)

    assert driver.states(run) == {"a": "running", "b": "cancelled", "c": "cancelled"}
    assert driver.get(run).stop_requested
    assert driver.get(run).state is RunState.RUNNING
    driver.end(run, "a", cause=Cause.CANCELLED)
    assert driver.get(run).state is RunState.CANCELLED
    with pytest.raises(RunEnded):
        driver.stop(run)


def test_stopping_one_node_leaves_the_rest_alone(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abcd"], ("a", "b"), ("c", "d")))
    driver.stop_node(run, "d")
    driver.stop_node(run, "a")

    assert driver.states(run) == {"a": "cancelled", "b": "upstream_failed", "c": "queued", "d": "cancelled"}
    with pytest.raises(RunEnded):
        driver.stop_node(run, "a")
    with pytest.raises(NotFound):
        driver.stop_node(run, "nobody")
    driver.end(run, "c")
    assert driver.get(run).state is RunState.FAILED


def test_a_job_that_is_tried_again_has_not_ended_for_its_run(driver: Driver, script: FileRef) -> None:
    run = driver.start(
        graph([node("a", script, retries={"after_failure": 1}), node("b", script)], ("a", "b"))
    )
    driver.end(run, "a", 1)
    assert driver.states(run) == {"a": "queued", "b": "waiting"}
    assert driver.node(run, "a").attempts == 1
    driver.ctx.clock.advance(3600)  # type: ignore[attr-defined]  # the tests' clock
    driver.end(run, "a")

    assert driver.states(run) == {"a": "succeeded", "b": "queued"}


def test_a_run_that_has_ended_is_deleted_and_its_jobs_stay(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script)]))
    job_id = str(driver.node(run, "a").job)
    with pytest.raises(RunNotEnded), driver.ctx.db.write() as session:
        runs.delete(driver.ctx, session, run)
    driver.end(run, "a")

    with driver.ctx.db.write() as session:
        runs.delete(driver.ctx, session, run)

    with pytest.raises(NotFound):
        driver.get(run)
    with driver.ctx.db.read() as session:
        assert jobs.get(driver.ctx, session, job_id).run == run


def test_a_run_is_deleted_while_a_worker_still_ends_nothing_of_it(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script)]))
    driver.end(run, "a")
    with driver.ctx.db.write() as session:
        runs.delete(driver.ctx, session, run)

    driver.engine.look()


def test_a_run_is_repeated_with_its_frozen_graph_and_new_parameters(driver: Driver, script: FileRef) -> None:
    drawn = graph(
        [node("a", script, arguments="--lr ${lr} --n ${n} ${date}")],
        parameters=[{"name": "lr", "type": "number", "default": 0.1}, {"name": "n", "type": "integer"}],
    )
    workflow = driver.workflow(drawn)
    first = driver.start(workflow=workflow, parameters={"n": 3}, data_time="2026-05-05T00:00:00Z")
    driver.end(first, "a")
    driver.save(workflow, graph([node("b", script)]))

    second = again(driver, first, parameters={"lr": 0.5})

    run = driver.get(second)
    assert (run.trigger, run.again_of, run.version) == (Trigger.AGAIN, first, 1)
    assert run.parameters == {"lr": 0.5, "n": 3}
    assert run.graph == drawn
    with driver.ctx.db.read() as session:
        (tried,) = run_views.attempts_of(session, second, "a")
    assert tried.settings["arguments"] == "--lr 0.5 --n 3 2026-05-05"


def test_a_part_of_a_workflow_takes_the_rest_from_the_latest_run_that_has_it(
    driver: Driver, script: FileRef
) -> None:
    drawn = graph([node(name, script) for name in "abc"], ("a", "b"), ("b", "c"))
    workflow = driver.workflow(drawn)
    older = driver.start(workflow=workflow)
    driver.end_all(older, "abc")
    driver.ctx.clock.advance(60)  # type: ignore[attr-defined]
    newer = driver.start(workflow=workflow)
    driver.end(newer, "a")
    driver.end(newer, "b", 1)

    part = driver.start(workflow=workflow, mode={"kind": "only", "nodes": ["b"]})

    assert driver.states(part) == {"a": "left_out", "b": "queued", "c": "left_out"}
    assert driver.node(part, "b").inputs_from == {"a": newer}
    assert driver.inputs(part, "b") == {"a": f"job:{driver.node(newer, 'a').job}"}
    driver.end(part, "b")
    assert driver.get(part).state is RunState.SUCCEEDED
    last = driver.start(workflow=workflow, mode={"kind": "from", "nodes": ["c"]}, source_run=older)
    assert driver.node(last, "c").inputs_from == {"b": older}


@pytest.mark.parametrize(
    ("mode", "selected"),
    [("from", {"b", "c"}), ("to", {"a", "b"}), ("only", {"b"}), ("all", {"a", "b", "c", "d"})],
)
def test_a_mode_runs_its_nodes_and_no_others(
    driver: Driver, script: FileRef, mode: str, selected: set[str]
) -> None:
    workflow = driver.workflow(graph([node(name, script) for name in "abcd"], ("a", "b"), ("b", "c")))
    driver.end_all(driver.start(workflow=workflow), "")
    whole = page(driver, workflow=workflow)[0].id
    driver.end_all(whole, ["a", "d", "b", "c"])

    run = driver.start(workflow=workflow, mode={"kind": mode, "nodes": ["b"]})

    assert {name for name, state in driver.states(run).items() if state != "left_out"} == selected


def test_what_failed_or_never_ran_is_run_in_a_new_run(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node(name, script) for name in "abc"], ("a", "b"), ("b", "c")))
    first = driver.start(workflow=workflow)
    driver.end(first, "a")
    driver.end(first, "b", 1)

    run = driver.start(workflow=workflow, mode={"kind": "unfinished"})

    assert driver.states(run) == {"a": "left_out", "b": "queued", "c": "waiting"}
    assert driver.node(run, "b").inputs_from == {"a": first}
    driver.end_all(run, "bc")
    # What a run of a part left out is done if it was done before.
    with pytest.raises(FieldInvalid) as refused:
        driver.start(workflow=workflow, mode={"kind": "unfinished"})
    assert refused.value.code == "nothing_to_run"
    assert driver.states(again(driver, run)) == {"a": "left_out", "b": "queued", "c": "waiting"}


def test_a_part_whose_inputs_nobody_made_is_refused_with_the_node_named(
    driver: Driver, script: FileRef
) -> None:
    drawn = graph([node("a", script), node("b", script)], ("a", "b"))
    workflow = driver.workflow(drawn)

    for wanted in ({"workflow": workflow}, {"graph": drawn}):
        with pytest.raises(SourceMissing) as refused:
            driver.start(**wanted, mode={"kind": "only", "nodes": ["b"]})  # type: ignore[arg-type]
        assert refused.value.extra == {"node": "b", "upstream": "a"}
    with pytest.raises(SourceMissing):
        driver.start(workflow=workflow, mode={"kind": "unfinished"})
    with pytest.raises(NotFound):
        driver.start(drawn, source_run="00000000-0000-4000-8000-000000000000")
    # An edge that does not need a success needs no outputs either.
    loose = graph([node("a", script), node("b", script)], ("a", "b", "always"))
    run = driver.start(loose, mode={"kind": "only", "nodes": ["b"]})
    assert driver.inputs(run, "b") == {"a": "none"}


def test_what_cannot_run_is_refused_with_everything_that_is_wrong(driver: Driver, script: FileRef) -> None:
    with pytest.raises(WorkflowInvalid) as refused:
        driver.start(graph([node("a", script, arguments="${x}"), node("a", script)], ("a", "z")))
    assert {problem["code"] for problem in refused.value.extra["errors"]} >= {
        "parameter_unknown",
        "name_duplicate",
        "edge_to_nowhere",
    }
    with pytest.raises(BlobNotUploaded) as missing:
        driver.start(graph([node("a", {"sha256": "0" * 64, "name": "x.py"})]))
    assert missing.value.extra["node"] == "a"
    with pytest.raises(RuntimeUnknown):
        driver.start(graph([node("a", script, runtime="torch-0")]))
    with pytest.raises(FieldInvalid, match="there is no node"):
        driver.start(graph([node("a", script)]), mode={"kind": "only", "nodes": ["b"]})


def test_a_slot_is_for_one_run(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script)]))
    owner = admin(driver.ctx)
    with driver.ctx.db.write() as session:
        wish = runs.of_workflow(session, workflow, None, runs.RunRequest())
        wish = runs.Wish(**{**vars(wish), "trigger": Trigger.SCHEDULE, "slot": "2026-01-01T00:00:00+00:00"})
        runs.create(driver.ctx, session, wish, owner)

    with pytest.raises(RunRefused) as refused, driver.ctx.db.write() as session:
        runs.create(driver.ctx, session, wish, owner)

    assert refused.value.code == "slot_taken"


def test_a_node_that_cannot_be_submitted_any_more_fails_and_says_why(driver: Driver, script: FileRef) -> None:
    drawn = graph([node("a", script, environment={"KEY": "${secrets.NONE}"}), node("b", script)], ("a", "b"))
    run = driver.start(drawn)

    assert driver.states(run) == {"a": "failed", "b": "upstream_failed"}
    assert driver.get(run).state is RunState.FAILED
    assert "NONE" in str(driver.node(run, "a").sentence)
    assert driver.node(run, "a").attempts == 0


def test_runs_are_listed_newest_first_and_chosen_by_state(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script)]), name="train")
    first = driver.start(workflow=workflow)
    driver.end(first, "a")
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]
    second = driver.start(graph([node("a", script)]))

    assert [run.id for run in page(driver)] == [second, first]
    assert [run.id for run in page(driver, workflow=workflow)] == [first]
    assert [run.id for run in page(driver, states=["running"])] == [second]
    assert page(driver, workflow=workflow)[0].workflow_name == "train"
    assert page(driver, workflow=workflow)[0].counts == {"succeeded": 1}


def test_a_node_whose_worker_is_silent_is_told_to_be_out_of_reach(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script), node("b", script)]))
    driver.take(run, "a")
    with driver.ctx.db.write() as session:
        session.get_one(type(driver.worker), driver.worker.id).unreachable = True

    assert (driver.node(run, "a").unreachable, driver.node(run, "b").unreachable) == (True, False)


def test_an_engine_that_is_new_goes_on_where_the_old_one_was(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script), node("b", script)], ("a", "b")), look=False)
    driver.new_engine().look()
    driver.end(run, "a", look=False)
    driver.new_engine().look()
    driver.new_engine().look()

    assert driver.states(run) == {"a": "succeeded", "b": "queued"}
    assert driver.node(run, "b").attempts == 1


def test_a_part_takes_its_inputs_from_the_latest_run_that_still_has_them(
    driver: Driver, script: FileRef
) -> None:
    workflow = driver.workflow(graph([node("a", script), node("b", script)], ("a", "b")))
    runs_made = []
    for _ in range(2):
        run = driver.start(workflow=workflow)
        driver.end(run, "a", files={"outputs/model.pth": b"model"})
        driver.end(run, "b")
        driver.ctx.clock.advance(1)  # type: ignore[attr-defined]  # the tests' clock
        runs_made.append(run)
    first, second = runs_made
    only_b = {"kind": "only", "nodes": ["b"]}

    def remove(run: str) -> None:
        with driver.ctx.db.write() as session:
            assert retention.remove_artifacts(session, str(driver.node(run, "a").job), driver.ctx.clock.now())

    remove(second)
    part = driver.start(workflow=workflow, mode=only_b)
    assert driver.node(part, "b").inputs_from == {"a": first}
    with pytest.raises(SourceMissing, match="what it left in the source run was removed"):
        driver.start(workflow=workflow, mode=only_b, source_run=second)
    remove(first)
    with pytest.raises(SourceMissing, match="b needs what a leaves, and what it left was removed") as refused:
        driver.start(workflow=workflow, mode=only_b)
    assert refused.value.extra == {"node": "b", "upstream": "a"}
