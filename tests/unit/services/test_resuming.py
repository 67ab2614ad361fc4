"""Resuming nodes inside their run: which, with what settings, and when it is refused."""

from typing import Any

import pytest
from tests.driving import Driver
from tests.factories import stored
from tests.graphs import graph, node

from torchyard.contracts.jobs import FileRef
from torchyard.contracts.runs import RunState
from torchyard.errors import (
    FieldInvalid,
    NotFound,
    ResumeRefused,
    RunRefused,
    SourceMissing,
    TorchyardError,
    WorkflowInvalid,
)
from torchyard.services import retention, run_views
from torchyard.services.context import Context
from torchyard.storage import retention as stored_retention


@pytest.fixture
def driver(ctx: Context) -> Driver:
    return Driver(ctx)


@pytest.fixture
def script(ctx: Context) -> FileRef:
    return stored(ctx, b"print('hi')\n")


def arguments(driver: Driver, run_id: str, name: str) -> list[Any]:
    with driver.ctx.db.read() as session:
        return [one.settings.get("arguments") for one in run_views.attempts_of(session, run_id, name)]


def failed_in_the_middle(driver: Driver, script: FileRef, **more: Any) -> str:
    """a → b → c and a lone d; b failed, and so the run has ended."""
    nodes = [node(name, script, arguments=f"{name} ${{n}}") for name in "abcd"]
    parameters = [{"name": "n", "default": "1"}]
    run = driver.start(graph(nodes, ("a", "b"), ("b", "c"), parameters=parameters, **more))
    driver.end_all(run, "ad")
    driver.end(run, "b", 1)
    assert driver.get(run).state is RunState.FAILED
    return run


def test_what_failed_runs_again_and_what_is_below_it_follows(driver: Driver, script: FileRef) -> None:
    run = failed_in_the_middle(driver, script)
    before = driver.node(run, "b").job

    driver.resume(run)

    assert driver.states(run) == {"a": "succeeded", "b": "queued", "c": "waiting", "d": "succeeded"}
    resumed = driver.get(run)
    assert (resumed.state, resumed.finished_at, resumed.sentence) == (RunState.RUNNING, None, None)
    assert driver.node(run, "b").job != before
    assert driver.node(run, "b").attempts == 2
    driver.end_all(run, "bc")
    assert driver.get(run).state is RunState.SUCCEEDED
    assert driver.inputs(run, "c") == {"b": f"job:{driver.node(run, 'b').job}"}


def test_a_failed_node_is_resumed_while_the_rest_still_runs(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abc"], ("a", "b")))
    driver.take(run, "c")
    driver.end(run, "a", 1)
    assert driver.get(run).state is RunState.RUNNING

    driver.resume(run, nodes=["a"])

    assert driver.states(run) == {"a": "queued", "b": "waiting", "c": "running"}


def test_what_succeeded_below_runs_again_only_if_asked_for(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abcd"], ("a", "b"), ("b", "c")))
    driver.end_all(run, "abcd")

    driver.resume(run, nodes=["a"])
    assert driver.states(run) == {"a": "queued", "b": "succeeded", "c": "succeeded", "d": "succeeded"}
    driver.end(run, "a")
    driver.resume(run, nodes=["a"], downstream=True)
    assert driver.states(run) == {"a": "queued", "b": "waiting", "c": "waiting", "d": "succeeded"}


def test_a_stopped_run_is_resumed_with_all_that_never_ran(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abc"], ("a", "b"), ("b", "c")))
    driver.end(run, "a")
    driver.stop(run)
    assert driver.states(run) == {"a": "succeeded", "b": "cancelled", "c": "cancelled"}

    driver.resume(run)

    assert driver.states(run) == {"a": "succeeded", "b": "queued", "c": "waiting"}
    assert not driver.get(run).stop_requested


def test_overrides_count_once_and_each_try_keeps_its_settings(driver: Driver, script: FileRef) -> None:
    run = failed_in_the_middle(driver, script)

    driver.resume(run, overrides={"b": {"arguments": "other ${n}"}})
    driver.end(run, "b", 1)
    driver.resume(run)

    assert arguments(driver, run, "b") == ["b 1", "other 1", "b 1"]


def test_an_override_can_leave_a_setting_out(driver: Driver, script: FileRef) -> None:
    run = failed_in_the_middle(driver, script)

    driver.resume(run, overrides={"b": {"arguments": None}})

    assert arguments(driver, run, "b") == ["b 1", None]


def test_settings_of_today_are_those_of_the_latest_version(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(
        graph([node("a", script, arguments="old ${n}")], parameters=[{"name": "n", "default": "1"}])
    )
    run = driver.start(workflow=workflow, parameters={"n": "2"})
    driver.end(run, "a", 1)
    today = [{"name": "n", "default": "1"}, {"name": "m", "default": "9"}]
    driver.save(workflow, graph([node("a", script, arguments="new ${n} ${m}")], parameters=today))

    driver.resume(run, settings="today")
    driver.end(run, "a", 1)
    driver.resume(run)

    assert arguments(driver, run, "a") == ["old 2", "new 2 9", "old 2"]
    assert driver.get(run).graph.nodes[0].settings["arguments"] == "old ${n}"


def test_another_script_is_kept_for_as_long_as_the_run(driver: Driver, script: FileRef) -> None:
    run = failed_in_the_middle(driver, script)
    mended = stored(driver.ctx, b"print('mended')\n")
    driver.resume(run, overrides={"b": {"script": mended.model_dump()}}, look=False)

    with driver.ctx.db.read() as session:
        kept = session.connection().exec_driver_sql("SELECT sha256 FROM run_blobs").scalars().all()

    assert set(kept) == {script.sha256, mended.sha256}


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"nodes": ["z"]}, "node_unknown"),
        ({"nodes": []}, "nothing_to_resume"),
        ({"nodes": ["c"]}, "node_blocked"),
        ({"overrides": {"a": {"arguments": ""}}}, "override_unused"),
        ({"overrides": {"b": {"arguments": "${z}"}}}, "workflow_invalid"),
        ({"overrides": {"b": {"nonsense": 1}}}, "workflow_invalid"),
        ({"overrides": {"b": {"script": {"sha256": "0" * 64, "name": "x.py"}}}}, "blob_not_uploaded"),
        ({"settings": "today"}, "field_invalid"),
    ],
)
def test_what_cannot_be_resumed_is_refused_and_changes_nothing(
    driver: Driver, script: FileRef, wanted: dict[str, Any], code: str
) -> None:
    run = failed_in_the_middle(driver, script)
    before = driver.get(run)

    with pytest.raises(TorchyardError) as refused:
        driver.resume(run, **wanted)

    assert refused.value.code == code
    assert driver.get(run) == before


def test_a_script_that_does_not_compile_is_no_override(driver: Driver, script: FileRef) -> None:
    run = failed_in_the_middle(driver, script)
    broken = stored(driver.ctx, b"def (:\n")

    with pytest.raises(WorkflowInvalid) as refused:
        driver.resume(run, overrides={"b": {"script": broken.model_dump()}})

    (problem,) = refused.value.extra["errors"]
    assert (problem["code"], problem["node"], problem["field"]) == (
        "script_syntax_error",
        "b",
        "settings.script",
    )


def test_a_node_that_is_under_way_is_not_resumed(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "abc"], ("a", "b")))
    driver.end(run, "a")

    for wanted in ({"nodes": ["c"]}, {"nodes": ["a"], "downstream": True}):
        with pytest.raises(ResumeRefused) as refused:
            driver.resume(run, **wanted)
        assert refused.value.code == "node_busy"
    with pytest.raises(ResumeRefused) as refused:
        driver.resume(run)
    assert refused.value.code == "nothing_to_resume"


def test_a_run_that_is_being_stopped_is_not_resumed(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "ab"]))
    driver.take(run, "a")
    driver.end(run, "b", 1)
    driver.stop(run)

    with pytest.raises(ResumeRefused) as refused:
        driver.resume(run, nodes=["b"])

    assert refused.value.code == "run_stopping"


def test_a_node_that_has_no_part_in_the_run_is_not_resumed(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node(name, script) for name in "ab"]), mode={"kind": "only", "nodes": ["a"]})

    with pytest.raises(FieldInvalid) as refused:
        driver.resume(run, nodes=["b"])
    assert refused.value.code == "node_left_out"
    with pytest.raises(NotFound):
        driver.resume("00000000-0000-4000-8000-000000000000")


def test_a_resumed_run_takes_its_turn_among_the_workflows_runs(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script)]))
    first = driver.start(workflow=workflow)
    driver.end(first, "a", 1)
    second = driver.start(workflow=workflow)

    driver.resume(first)
    assert driver.get(first).state is RunState.QUEUED
    driver.end(second, "a")

    assert driver.get(first).state is RunState.RUNNING
    assert driver.states(first) == {"a": "queued"}


def test_a_resumed_run_is_refused_where_a_second_one_is(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script)], settings={"when_busy": "refuse"}))
    first = driver.start(workflow=workflow)
    driver.end(first, "a", 1)
    driver.start(workflow=workflow)

    with pytest.raises(RunRefused):
        driver.resume(first)

    assert driver.get(first).state is RunState.FAILED


def test_what_happens_to_an_earlier_job_does_not_touch_a_node_that_waits(
    driver: Driver, script: FileRef
) -> None:
    run = driver.start(graph([node("a", script), node("b", script)], ("a", "b")))
    driver.end(run, "a", files={"outputs/x": b"x"})
    driver.end(run, "b", files={"outputs/y": b"y"})
    driver.resume(run, nodes=["a"], downstream=True, look=False)
    # The artifacts of the first tries are removed: their jobs tell so, and have ended all the same.
    limits = driver.ctx.limits.__class__(**{**vars(driver.ctx.limits), "artifact_max_total_bytes": 0})
    retention.enforce(driver.ctx.__class__(**{**vars(driver.ctx), "limits": limits}))

    assert driver.states(run) == {"a": "waiting", "b": "waiting"}
    driver.engine.look()
    assert driver.states(run) == {"a": "queued", "b": "waiting"}


def test_a_handler_of_a_failure_runs_once_more_only_for_another_failure(
    driver: Driver, script: FileRef
) -> None:
    run = driver.start(graph([node(name, script) for name in "ab"], ("a", "b", "failure")))
    driver.end(run, "a")
    assert driver.states(run) == {"a": "succeeded", "b": "not_needed"}

    driver.resume(run, nodes=["a"])
    driver.end(run, "a", 1)

    assert driver.states(run) == {"a": "failed", "b": "queued"}


def removed(driver: Driver, run_id: str, name: str) -> None:
    """The files that the node's job left are removed, as they are too old."""
    job_id = driver.node(run_id, name).job
    assert job_id is not None
    with driver.ctx.db.write() as session:
        assert stored_retention.remove_artifacts(session, job_id, driver.ctx.clock.now())


def test_what_needs_removed_outputs_is_not_resumed(driver: Driver, script: FileRef) -> None:
    nodes = [node("a", script), node("b", script), node("c", script)]
    run = driver.start(graph(nodes, ("a", "b"), ("b", "c")))
    driver.end(run, "a", files={"outputs/model.pth": b"model"})
    driver.end(run, "b", 1)
    removed(driver, run, "a")

    with pytest.raises(SourceMissing) as refused:
        driver.resume(run)
    assert refused.value.extra == {"node": "b", "upstream": "a"}
    assert refused.value.message == "b needs what a left, and that was removed"
    assert refused.value.hint == "resume a too"
    assert driver.states(run) == {"a": "succeeded", "b": "failed", "c": "upstream_failed"}

    driver.resume(run, nodes=["a", "b"])
    driver.end_all(run, "abc")
    assert driver.get(run).state is RunState.SUCCEEDED


def test_a_part_whose_inputs_were_removed_since_is_not_resumed(driver: Driver, script: FileRef) -> None:
    workflow = driver.workflow(graph([node("a", script), node("b", script)], ("a", "b")))
    first = driver.start(workflow=workflow)
    driver.end(first, "a", files={"outputs/model.pth": b"model"})
    driver.end(first, "b")
    part = driver.start(workflow=workflow, mode={"kind": "only", "nodes": ["b"]})
    driver.end(part, "b", 1)
    removed(driver, first, "a")

    with pytest.raises(SourceMissing) as refused:
        driver.resume(part)

    assert refused.value.extra == {"node": "b", "upstream": "a"}
    assert refused.value.hint == "start a new run of a"


def test_nor_one_whose_next_job_is_under_way(driver: Driver, script: FileRef) -> None:
    run = driver.start(graph([node("a", script)]))
    driver.end(run, "a", files={"outputs/x": b"x"})
    driver.resume(run, nodes=["a"])
    driver.take(run, "a")
    limits = driver.ctx.limits.__class__(**{**vars(driver.ctx.limits), "artifact_max_total_bytes": 0})
    retention.enforce(driver.ctx.__class__(**{**vars(driver.ctx), "limits": limits}))
    driver.engine.look()

    assert driver.states(run) == {"a": "running"}
    assert driver.get(run).state is RunState.RUNNING
