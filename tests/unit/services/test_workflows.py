"""Workflows on both databases: what is saved, who wins, what stays."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from tests.factories import admin, stored, submit

from torchyard.contracts.graphs import Graph
from torchyard.contracts.runs import RunState
from torchyard.contracts.workflows import (
    GraphCheck,
    Layout,
    Workflow,
    WorkflowCreate,
    WorkflowPatch,
    WorkflowSave,
)
from torchyard.errors import FieldInvalid, NotFound, VersionConflict, WorkflowBusy
from torchyard.services import graphs, versions, workflows
from torchyard.services.context import Context
from torchyard.storage import blobs
from torchyard.storage.tables import JobRow
from torchyard.storage.workflow_tables import RunRow, ScheduleRow, VersionBlobRow
from torchyard.storage.workflows import WorkflowFilter

UNKNOWN = "00000000-0000-0000-0000-000000000000"


def graph(*names: str, **settings: Any) -> Graph:
    """Nodes that can run, one below the other."""
    script = {"sha256": "a" * 64, "name": "train.py"}
    return Graph.model_validate(
        {
            "nodes": [{"name": name, "settings": {"script": script, **settings}} for name in names],
            "edges": [{"source": one, "target": two} for one, two in itertools.pairwise(names)],
        }
    )


def make(ctx: Context, *names: str, name: str = "MNIST", **more: Any) -> Workflow:
    wish = WorkflowCreate(name=name, graph=graph(*names), **more)
    user = admin(ctx)
    with ctx.db.write() as session:
        made = workflows.create(ctx, session, wish, user)
    return get(ctx, made)


def get(ctx: Context, workflow_id: str) -> Workflow:
    with ctx.db.read() as session:
        return workflows.get(ctx, session, workflow_id)


def save(ctx: Context, workflow: Workflow, graph: Graph, *, base: int | None = None, **more: Any) -> int:
    wish = WorkflowSave(graph=graph, **more)
    return versions.save(ctx, workflow.id, workflow.version if base is None else base, wish, admin(ctx))


def add_run(ctx: Context, workflow: Workflow, state: RunState, *, minutes: int = 0) -> str:
    at = ctx.clock.now() + timedelta(minutes=minutes)
    run_id = f"{minutes:08}-{workflow.id[9:]}"
    with ctx.db.write() as session:
        row = RunRow(id=run_id, workflow_id=workflow.id, owner_id=admin_id(ctx), name="", graph={}, mode={})
        row.parameters, row.trigger, row.force, row.data_time = {}, "manual", False, at
        row.state, row.events, row.attention, row.created_at = state, 0, False, at
        session.add(row)
    return run_id


def admin_id(ctx: Context) -> str:
    with ctx.db.read() as session:
        return session.scalars(select(workflows.WorkflowRow.owner_id)).first() or ""


@contextmanager
def counted(ctx: Context) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_one: Any, _two: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    event.listen(ctx.db.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(ctx.db.engine, "before_cursor_execute", note)


def test_a_workflow_is_told_as_it_was_made(ctx: Context) -> None:
    layout = Layout.model_validate({"positions": {"训练": {"x": 1, "y": -2.5}}, "viewport": {"x": 0, "y": 0}})

    made = make(ctx, "训练", "eval", description="what for", layout=layout)

    assert (made.name, made.description, made.version, made.owner) == ("MNIST", "what for", 1, "admin")
    assert (made.graph, made.layout, made.saved_by) == (graph("训练", "eval"), layout, "admin")
    assert [(one.code, one.node) for one in made.problems] == [
        ("blob_not_uploaded", "训练"),
        ("blob_not_uploaded", "eval"),
    ]


def test_odd_settings_are_kept_as_they_are(ctx: Context) -> None:
    odd = {"a": [1, 1.5, True, None, "𠀀 训练", {"b": -0.0}], "": 10**300, "c": [[[[1]]]], "${x}": "${"}
    kept = Graph.model_validate({"nodes": [{"name": "⚠ draft", "settings": odd}]})
    user = admin(ctx)
    with ctx.db.write() as session:
        made = workflows.create(ctx, session, WorkflowCreate(name="☃", graph=kept), user)

    assert get(ctx, made).graph == kept


def test_a_graph_with_mistakes_is_saved_and_they_are_told(ctx: Context) -> None:
    made = make(ctx, "a", "a")

    assert {one.code for one in made.problems} == {"name_duplicate", "edge_to_itself", "blob_not_uploaded"}


def test_what_does_something_else_is_a_new_version(ctx: Context) -> None:
    made = make(ctx, "a")

    assert save(ctx, made, graph("a", "b"), message="two of them", name="Other") == 2

    saved = get(ctx, made.id)
    assert (saved.version, saved.graph, saved.name) == (2, graph("a", "b"), "Other")
    with ctx.db.read() as session:
        listed = versions.page(session, made.id, before=None, limit=10)
        first = versions.get(ctx, session, made.id, 1)
    assert [(one.number, one.message, one.nodes) for one in listed] == [(2, "two of them", 2), (1, "", 1)]
    assert first.graph == graph("a")


def test_the_same_graph_saved_again_is_no_new_version(ctx: Context) -> None:
    made = make(ctx, "a", "b")
    turned = made.graph.model_copy(update={"nodes": made.graph.nodes[::-1]})
    layout = Layout.model_validate({"positions": {"a": {"x": 1, "y": 1}}})

    assert save(ctx, made, made.graph, layout=layout, description="new") == 1
    assert save(ctx, made, turned) == 1

    saved = get(ctx, made.id)
    assert (saved.version, saved.layout, saved.description) == (1, layout, "new")


def test_a_save_over_somebody_elses_is_refused_with_both_differences(ctx: Context) -> None:
    made = make(ctx, "a")
    save(ctx, made, graph("a", "theirs"))

    with pytest.raises(VersionConflict) as refusal:
        save(ctx, made, graph("a", "yours"), base=1)

    told = refusal.value.extra
    assert told["current"] == 2
    assert (told["theirs"]["before"], told["theirs"]["after"]) == (1, 2)
    assert [one["name"] for one in told["theirs"]["changes"]] == ["theirs", "a → theirs"]
    assert {(one["name"], one["change"]) for one in told["yours"]["changes"]} == {
        ("yours", "added"),
        ("theirs", "removed"),
        ("a → yours", "added"),
        ("a → theirs", "removed"),
    }
    assert get(ctx, made.id).graph == graph("a", "theirs")


def test_a_save_that_is_sent_again_after_a_lost_answer_is_no_conflict(ctx: Context) -> None:
    made = make(ctx, "a")

    assert save(ctx, made, graph("b"), base=1) == 2
    assert save(ctx, made, graph("b"), base=1) == 2


def test_a_version_that_never_was_is_no_base(ctx: Context) -> None:
    made = make(ctx, "a")

    with pytest.raises(FieldInvalid) as refusal:
        save(ctx, made, graph("b"), base=5)

    assert refusal.value.code == "version_unknown"


def test_of_all_who_save_at_once_exactly_one_wins(ctx: Context) -> None:
    made, savers = make(ctx, "a"), 6
    together = threading.Barrier(savers)
    winners: list[int] = []
    refusals: list[VersionConflict] = []

    def go(number: int) -> None:
        together.wait()
        try:
            save(ctx, made, graph("a", f"n{number}"), base=1)
        except VersionConflict as refusal:
            refusals.append(refusal)
        else:
            winners.append(number)

    threads = [threading.Thread(target=go, args=(number,)) for number in range(savers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(winners) == 1
    assert [one.extra["current"] for one in refusals] == [2] * (savers - 1)
    assert all(one.extra["yours"]["changes"] for one in refusals)
    assert get(ctx, made.id).graph == graph("a", f"n{winners[0]}")


def test_a_version_comes_back_as_a_new_one(ctx: Context) -> None:
    made = make(ctx, "a")
    save(ctx, made, graph("b"))

    assert versions.restore(ctx, made.id, 1, 2, message="", author=admin(ctx)) == 3

    assert get(ctx, made.id).graph == made.graph
    with ctx.db.read() as session:
        listed = versions.page(session, made.id, before=None, limit=10)
        difference = versions.compare(session, made.id, 1, 2)
    assert [one.restored_from for one in listed] == [1, None, None]
    assert [(one.name, one.change) for one in difference.changes] == [("b", "added"), ("a", "removed")]
    with pytest.raises(VersionConflict):
        versions.restore(ctx, made.id, 2, 1, message="", author=admin(ctx))


def test_versions_are_paged_newest_first(ctx: Context) -> None:
    made = make(ctx, "a")
    for number in range(2, 5):
        save(ctx, made, graph(f"n{number}"), base=number - 1)

    with ctx.db.read() as session:
        assert [one.number for one in versions.page(session, made.id, before=None, limit=2)] == [4, 3]
        assert [one.number for one in versions.page(session, made.id, before=3, limit=5)] == [2, 1]


def test_a_layout_and_a_name_make_no_version(ctx: Context) -> None:
    made = make(ctx, "a")
    layout = Layout.model_validate({"positions": {"gone": {"x": 1, "y": 2}}})
    with ctx.db.write() as session:
        workflows.lay_out(session, made.id, layout)
        workflows.change(session, made.id, WorkflowPatch(name="Neu"))

    told = get(ctx, made.id)

    assert (told.version, told.layout, told.name, told.description) == (1, layout, "Neu", "")


def test_a_copy_is_a_workflow_of_its_own(ctx: Context) -> None:
    made = make(ctx, "a", name="n" * 200, description="d")
    save(ctx, made, graph("a", "b"))
    user = admin(ctx)
    with ctx.db.write() as session:
        copied = workflows.copy(ctx, session, made.id, None, user)
        named = workflows.copy(ctx, session, made.id, "mine", user)

    copy = get(ctx, copied)

    assert (copy.version, copy.graph, copy.description) == (1, graph("a", "b"), "d")
    assert copy.name == "n" * 193 + " (copy)"
    assert get(ctx, named).name == "mine"


def test_the_list_is_one_query_with_outline_and_the_latest_run(ctx: Context) -> None:
    first, second = make(ctx, "a", "b", name="erste"), make(ctx, name="zweite", description="MiXeD")
    add_run(ctx, first, RunState.FAILED, minutes=1)
    latest = add_run(ctx, first, RunState.RUNNING, minutes=2)
    with ctx.db.write() as session:
        row = ScheduleRow(workflow_id=second.id, owner_id=admin_id(ctx), cron="0 0 * * *", time_zone="UTC")
        row.overlap, row.paused, row.parameters, row.created_at = "skip", False, {}, ctx.clock.now()
        session.add(row)

    with counted(ctx) as sent, ctx.db.read() as session:
        listed = {one.name: one for one in workflows.page(session, WorkflowFilter(), before=None, limit=10)}

    assert len([statement for statement in sent if statement.startswith("SELECT")]) == 1
    assert (listed["erste"].last_run, listed["erste"].last_run_state) == (latest, "running")
    assert (listed["erste"].nodes, listed["erste"].scheduled) == (2, False)
    outline = listed["erste"].outline
    assert outline is not None
    assert [(node.name, node.settings) for node in outline.nodes] == [("a", {}), ("b", {})]
    assert len(outline.edges) == 1
    assert (listed["zweite"].last_run, listed["zweite"].scheduled) == (None, True)
    with ctx.db.read() as session:
        assert [
            one.name for one in workflows.page(session, WorkflowFilter(text="mixed"), before=None, limit=10)
        ] == ["zweite"]
        assert workflows.page(session, WorkflowFilter(text="100%"), before=None, limit=10) == []


def test_the_list_is_paged_and_shows_no_picture_of_a_large_one(ctx: Context) -> None:
    names = [f"n{number}" for number in range(workflows.MOST_NODES + 1)]
    layout = Layout.model_validate({"positions": {"n0": {"x": 1, "y": 1}}})
    for number in range(3):
        make(ctx, *names, name=str(number), layout=layout)

    with ctx.db.read() as session:
        first = workflows.page(session, WorkflowFilter(), before=None, limit=2)
        rest = workflows.page(session, WorkflowFilter(), before=(first[1].updated_at, first[1].id), limit=2)

    assert len({one.id for one in (*first, *rest)}) == 3
    assert all(one.outline is None and one.layout == Layout() and one.nodes == len(names) for one in first)


def test_a_workflow_goes_with_its_ended_runs_and_its_jobs_stay(ctx: Context) -> None:
    made = make(ctx, "a")
    run_id = add_run(ctx, made, RunState.SUCCEEDED)
    job = submit(ctx)
    with ctx.db.write() as session:
        session.get_one(JobRow, job.id).run_id = run_id
    with ctx.db.write() as session:
        workflows.delete(session, made.id)

    with pytest.raises(NotFound):
        get(ctx, made.id)
    with ctx.db.read() as session:
        assert session.get(RunRow, run_id) is None
        assert session.get(JobRow, job.id) is not None


@pytest.mark.parametrize("state", [RunState.QUEUED, RunState.RUNNING])
def test_a_workflow_whose_runs_go_on_is_not_deleted(ctx: Context, state: RunState) -> None:
    made = make(ctx, "a")
    add_run(ctx, made, state)

    with pytest.raises(WorkflowBusy), ctx.db.write() as session:
        workflows.delete(session, made.id)


def test_what_there_is_not_is_not_found(ctx: Context) -> None:
    made = make(ctx, "a")
    with ctx.db.write() as session:
        for call in (
            lambda: workflows.get(ctx, session, UNKNOWN),
            lambda: workflows.latest(session, UNKNOWN),
            lambda: workflows.delete(session, UNKNOWN),
            lambda: workflows.lay_out(session, UNKNOWN, Layout()),
            lambda: versions.page(session, UNKNOWN, before=None, limit=1),
            lambda: versions.get(ctx, session, UNKNOWN, 1),
        ):
            with pytest.raises(NotFound) as refusal:
                call()
            assert refusal.value.code == "workflow_not_found"
        with pytest.raises(NotFound) as refusal:
            versions.get(ctx, session, made.id, 2)
    assert refusal.value.code == "version_not_found"


def kept(ctx: Context, workflow: Workflow) -> set[tuple[int, str]]:
    with ctx.db.read() as session:
        rows = session.scalars(select(VersionBlobRow).where(VersionBlobRow.workflow_id == workflow.id))
        return {(row.number, row.sha256) for row in rows}


def test_files_that_a_version_names_stay(ctx: Context) -> None:
    file = stored(ctx, b"print()\n")
    made = make(ctx, "a")
    save(ctx, made, graph("a", "b", script=file.model_dump()))

    assert kept(ctx, made) == {(2, file.sha256)}
    assert get(ctx, made.id).problems == []
    with ctx.db.write() as session:
        assert blobs.remove_unused(session, ctx.clock.now() + timedelta(days=9), limit=9) == []
        workflows.delete(session, made.id)
        assert blobs.remove_unused(session, ctx.clock.now() + timedelta(days=9), limit=9) == [file.sha256]


def test_a_file_that_was_uploaded_later_stays_from_the_next_save_on(ctx: Context) -> None:
    made = make(ctx, "a", "b")
    content = b"print('later')\n"
    late = stored(ctx, content)
    save(ctx, made, graph("a", script=late.model_dump()))
    with ctx.db.write() as session:
        session.query(VersionBlobRow).delete()

    save(ctx, made, graph("a", script=late.model_dump()), base=2)

    assert kept(ctx, made) == {(2, late.sha256)}


def test_a_graph_is_checked_without_saving_it(ctx: Context) -> None:
    file = stored(ctx, b"x = 1\n")
    wanted = Graph.model_validate(
        {
            "nodes": [
                {"name": "a", "settings": {"script": file.model_dump(), "arguments": "${lr}"}},
                {"name": "b", "settings": {"script": {"sha256": "b" * 64, "name": "b.py"}}},
            ],
            "parameters": [{"name": "lr"}],
        }
    )
    with ctx.db.read() as session:
        draft = graphs.check(ctx, session, GraphCheck(graph=wanted))
        run = graphs.check(ctx, session, GraphCheck(graph=wanted, parameters={}))

    assert [(one.code, one.node, one.field) for one in draft.problems] == [
        ("blob_not_uploaded", "b", "settings.script.sha256")
    ]
    assert draft.blobs_missing == ["b" * 64]
    assert [one.code for one in run.problems] == ["parameter_missing", "blob_not_uploaded"]
