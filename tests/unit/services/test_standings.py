"""How a workflow's nodes stand before the next run, and why they are stale."""

from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event
from tests.driving import Driver
from tests.factories import RUNTIME, admin, register, stored, with_storage
from tests.graphs import dataset, graph, node

from torchyard.contracts.graphs import Graph
from torchyard.contracts.sayings import Saying
from torchyard.contracts.secrets import SecretValue
from torchyard.contracts.storage_paths import parse
from torchyard.contracts.workflows import NodeSummary
from torchyard.errors import NotFound
from torchyard.services import connections, secrets, standings
from torchyard.services.context import Context
from torchyard.testing import MemoryBuckets


@pytest.fixture
def driver(ctx: Context) -> Driver:
    return Driver(with_storage(ctx, MemoryBuckets({("data", "cifar/a.bin"): b"aaaa"})))


def chain(
    ctx: Context, *, lr: float = 0.1, make: bytes = b"make\n", paths: str = "s3://data/cifar/", **train: Any
) -> Graph:
    """data → make → train → report."""
    nodes = [
        dataset("data", paths=paths),
        node("make", stored(ctx, make)),
        node("train", stored(ctx, b"train\n"), **{"arguments": "--lr ${lr}", **train}),
        node("report", stored(ctx, b"report\n")),
    ]
    arrows = [("data", "make"), ("make", "train"), ("train", "report")]
    return graph(nodes, *arrows, parameters=[{"name": "lr", "type": "number", "default": lr}])


def marks(driver: Driver) -> dict[str, str]:
    """What a worker tells of what it fetched."""
    with driver.ctx.db.read() as session:
        (access,) = connections.resolve(driver.ctx, session, "s3://data/")
    paths = [parse(text) for text in ("s3://data/cifar/", "s3://data/cifar/a.bin")]
    found = {str(path): driver.ctx.buckets.fingerprint(access, path) for path in paths}
    return {path: mark for path, mark in found.items() if mark is not None}


def done(driver: Driver, workflow: str, files: dict[str, bytes] | None = None, **request: Any) -> str:
    run = driver.start(workflow=workflow, **request)
    while queued := [name for name, state in driver.states(run).items() if state == "queued"]:
        for name in queued:
            driver.end(run, name, files=files, fetched=marks(driver))
    driver.ctx.clock.advance(1)  # type: ignore[attr-defined]  # the tests' clock
    return run


def summaries(driver: Driver, workflow: str) -> dict[str, NodeSummary]:
    with driver.ctx.db.read() as session:
        return {one.name: one for one in standings.of_workflow(driver.ctx, session, workflow)}


def stale(driver: Driver, workflow: str) -> dict[str, list[str]]:
    return {
        name: one.stale_because
        for name, one in summaries(driver, workflow).items()
        if one.status == "stale" or one.stale_because
    }


def test_a_node_is_ready_until_it_succeeded_and_up_to_date_then(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    told = summaries(driver, workflow)
    assert {one.status for one in told.values()} == {"ready"}
    assert [one.last_run for one in told.values()] == [None] * 4

    first = driver.start(workflow=workflow)
    driver.end(first, "make", 1)
    told = summaries(driver, workflow)
    assert {name: one.status for name, one in told.items()} == {
        "data": "up_to_date",
        "make": "ready",
        "train": "ready",
        "report": "ready",
    }
    assert (told["make"].last_run, told["make"].last_state) == (first, "failed")
    assert told["make"].last_job == driver.node(first, "make").job
    second = done(driver, workflow)

    told = summaries(driver, workflow)
    assert {(one.status, one.last_run, one.last_state) for one in told.values()} == {
        ("up_to_date", second, "succeeded")
    }


def test_what_changed_is_stale_and_so_is_all_below_it(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    done(driver, workflow)
    driver.save(workflow, chain(driver.ctx, make=b"other\n"))

    assert stale(driver, workflow) == {"make": ["script"], "train": ["make"], "report": ["train"]}
    said = {name: one.stale_sayings for name, one in summaries(driver, workflow).items()}
    assert (said["make"], said["train"]) == ([Saying(code="part_script")], [None])
    driver.save(workflow, chain(driver.ctx))
    assert stale(driver, workflow) == {}


def test_a_node_that_can_not_run_leaves_what_is_below_it_stale(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    done(driver, workflow)
    driver.save(workflow, chain(driver.ctx, arguments="${nobody}"))

    told = summaries(driver, workflow)
    assert {name: one.status for name, one in told.items()} == {
        "data": "up_to_date",
        "make": "up_to_date",
        "train": "not_configured",
        "report": "stale",
    }
    assert told["report"].stale_because == ["train"]


def test_another_default_makes_stale_and_another_value_of_a_run_does_not(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    done(driver, workflow, parameters={"lr": 5})
    assert stale(driver, workflow) == {}
    driver.save(workflow, chain(driver.ctx, lr=0.2))
    assert stale(driver, workflow) == {}
    done(driver, workflow)
    assert stale(driver, workflow) == {}
    driver.save(workflow, chain(driver.ctx, lr=0.3))

    assert stale(driver, workflow) == {"train": ["arguments"], "report": ["train"]}


def test_the_time_that_passes_makes_nothing_stale(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx, arguments="--day ${date}"))
    done(driver, workflow)
    driver.ctx.clock.advance(86_400 * 3)  # type: ignore[attr-defined]

    assert stale(driver, workflow) == {}


def test_an_upstream_that_has_left_something_else_since_makes_stale(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    done(driver, workflow)
    done(driver, workflow, {"outputs/x": b"new"}, mode={"kind": "only", "nodes": ["make"]})

    assert stale(driver, workflow) == {"train": ["inputs.make"], "report": ["train"]}
    assert summaries(driver, workflow)["report"].last_state == "succeeded"


def test_data_is_stale_when_other_data_is_named_or_was_seen(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    done(driver, workflow)
    objects = driver.ctx.buckets.objects  # type: ignore[attr-defined]  # the tests' storage
    objects["data", "cifar/b.bin"] = b"b"
    assert stale(driver, workflow) == {}  # nobody looked yet
    driver.start(workflow=workflow, mode={"kind": "only", "nodes": ["data"]})

    assert stale(driver, workflow) == {"make": ["inputs.data"], "train": ["make"], "report": ["train"]}
    done(driver, workflow)
    assert stale(driver, workflow) == {}
    driver.save(workflow, chain(driver.ctx, paths="s3://data/cifar/a.bin"))
    assert stale(driver, workflow)["data"] == ["paths"]
    assert stale(driver, workflow)["make"] == ["inputs.data", "data"]


def test_what_a_worker_did_not_tell_of_makes_nothing_stale(driver: Driver) -> None:
    workflow = driver.workflow(chain(driver.ctx))
    run = driver.start(workflow=workflow)
    driver.end_all(run, ["make", "train", "report"])

    assert stale(driver, workflow) == {}


def test_a_new_edge_and_a_skipped_upstream_make_stale(driver: Driver) -> None:
    ctx = driver.ctx
    script = stored(ctx, b"print(1)\n")
    workflow = driver.workflow(graph([node("a", script), node("b", script)]))
    done(driver, workflow)
    with_edge = graph([node("a", script), node("b", script), node("c", script)], ("a", "b"), ("c", "b"))
    driver.save(workflow, with_edge)
    assert stale(driver, workflow) == {"b": ["inputs.a", "inputs.c"]}
    done(driver, workflow, {"outputs/x": b"x"})
    assert stale(driver, workflow) == {}

    skipped = graph(
        [node("a", script, skip=True), *with_edge.model_dump()["nodes"][1:]], ("a", "b"), ("c", "b")
    )
    driver.save(workflow, skipped)

    assert stale(driver, workflow) == {"b": ["inputs.a"]}


def test_secrets_and_runtimes_make_stale(driver: Driver) -> None:
    ctx, owner = driver.ctx, admin(driver.ctx)

    def set_secret() -> None:
        with ctx.db.write() as session:
            secrets.put(ctx, session, owner, "KEY", SecretValue(value=SecretStr("value")))

    set_secret()
    workflow = driver.workflow(chain(ctx, environment={"KEY": "${secrets.KEY}"}))
    done(driver, workflow)
    assert stale(driver, workflow) == {}
    set_secret()
    assert stale(driver, workflow) == {"train": ["environment.KEY"], "report": ["train"]}

    register(ctx, name="newer", runtimes=[RUNTIME.model_copy(update={"python": "3.12.0"})])

    assert stale(driver, workflow)["make"] == ["runtime"]


def test_a_reused_result_counts_as_the_last_success(driver: Driver) -> None:
    ctx = driver.ctx
    drawn = graph([node("a", stored(ctx, b"print(1)\n"), reuse={"mode": "on"})])
    workflow = driver.workflow(drawn)
    first = done(driver, workflow)
    second = done(driver, workflow)

    (told,) = summaries(driver, workflow).values()
    assert (told.status, told.last_run, told.last_state) == ("up_to_date", second, "reused")
    assert told.last_job == driver.node(first, "a").job


def test_a_draft_with_any_mistake_is_told_of(driver: Driver) -> None:
    script = stored(driver.ctx, b"print(1)\n")
    drawn = graph(
        [node("a", script), node("b", script), node("c", script), node("c", script), {"name": "d"}],
        ("a", "b"),
        ("b", "a"),
        ("nobody", "c"),
        ("d", "d"),
    )
    workflow = driver.workflow(drawn)
    with driver.ctx.db.read() as session:
        told = standings.of_workflow(driver.ctx, session, workflow)

    assert [one.name for one in told] == ["a", "b", "c", "c", "d"]
    assert [one.status for one in told][2:] == ["not_configured"] * 3


def test_a_workflow_that_there_is_not(driver: Driver) -> None:
    with driver.ctx.db.read() as session, pytest.raises(NotFound):
        standings.of_workflow(driver.ctx, session, "nobody")


def test_the_number_of_queries_does_not_grow_with_nodes(driver: Driver) -> None:
    ctx, owner = driver.ctx, admin(driver.ctx)
    with ctx.db.write() as session:
        secrets.put(ctx, session, owner, "KEY", SecretValue(value=SecretStr("value")))

    def queries(count: int) -> int:
        script = stored(ctx, b"print(1)\n")
        names = [f"n{number}" for number in range(count)]
        secret = {"KEY": "${secrets.KEY}"}
        workflow = driver.workflow(graph([node(name, script, environment=secret) for name in names]))
        # Each node's last success is in a run of its own.
        for name in names:
            done(driver, workflow, mode={"kind": "only", "nodes": [name]})
        told: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            told.append(statement)

        with ctx.db.read() as session:
            engine = session.get_bind().engine
            event.listen(engine, "before_cursor_execute", note)
            try:
                found = standings.of_workflow(ctx, session, workflow)
            finally:
                event.remove(engine, "before_cursor_execute", note)
        assert [one.status for one in found] == ["up_to_date"] * count
        assert [one.last_state for one in found] == ["succeeded"] * count
        return len(told)

    assert queries(2) == queries(7)
