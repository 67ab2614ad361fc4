"""Two runs beside each other."""

from typing import Any

import pytest
from tests.driving import Driver
from tests.factories import stored
from tests.graphs import graph, node

from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.contracts.runs import NodeComparison, RunComparison
from torchyard.errors import NotFound
from torchyard.services import comparing, logs
from torchyard.services.context import Context


@pytest.fixture
def driver(ctx: Context) -> Driver:
    return Driver(ctx)


def compared(driver: Driver, before: str, after: str) -> RunComparison:
    return comparing.compare(driver.ctx, before, after)


def of(comparison: RunComparison, name: str) -> NodeComparison:
    return next(one for one in comparison.nodes if one.name == name)


def fields(changes: list[Any]) -> dict[str, tuple[Any, Any]]:
    return {one.field: (one.before, one.after) for one in changes}


def test_runs_are_compared_graph_by_graph_and_node_by_node(driver: Driver) -> None:
    ctx = driver.ctx
    first, second = stored(ctx, b"print(1)\n"), stored(ctx, b"print(2)\n")
    parameters = [{"name": "lr", "type": "number", "default": 0.1}]
    one = driver.start(
        graph(
            [node("a", first, arguments="--lr ${lr}"), node("b", first), node("gone", first)],
            ("a", "b"),
            parameters=[*parameters, {"name": "old", "default": "1"}],
        )
    )
    driver.take(one, "a")
    driver.ctx.clock.advance(2.5)  # type: ignore[attr-defined]  # the tests' clock
    driver.end(one, "a")
    driver.end(one, "b", 1)
    other = driver.start(
        graph(
            [
                node("new", first),
                node("b", second, resources={"cpus": 2}),
                node("a", first, arguments="--lr ${lr}", requirements="pandas==2"),
            ],
            ("a", "b"),
            parameters=[*parameters, {"name": "new", "default": "1"}],
        ),
        parameters={"lr": 0.5},
    )
    driver.end(other, "a")

    told = compared(driver, one, other)

    assert (told.before, told.after, told.graph.before, told.graph.after) == (one, other, one, other)
    assert {(change.part, change.name, str(change.change)) for change in told.graph.changes} == {
        ("node", "new", "added"),
        ("node", "gone", "removed"),
        ("node", "a", "changed"),
        ("node", "b", "changed"),
        ("parameter", "old", "removed"),
        ("parameter", "new", "added"),
    }
    assert {(one.name, str(one.change)): fields(one.fields) for one in told.parameters} == {
        ("lr", "changed"): {"value": (0.1, 0.5)},
        ("old", "removed"): {},
        ("new", "added"): {},
    }
    assert [one.name for one in told.nodes] == ["a", "b", "gone", "new"]
    a, b = of(told, "a"), of(told, "b")
    assert (a.state_before, a.state_after, a.seconds_before, a.seconds_after) == (
        "succeeded",
        "succeeded",
        2.5,
        0.0,
    )
    assert fields(a.settings) == {"arguments": ("--lr 0.1", "--lr 0.5")}
    assert (a.code, fields(a.environment)) == ([], {"requirements": (None, "pandas==2")})
    assert (b.state_before, b.state_after, b.seconds_after) == ("failed", "queued", None)
    assert fields(b.settings) == {"resources.cpus": (1, 2)}
    assert fields(b.code) == {"script": (first.sha256, second.sha256)}
    assert fields(b.environment) == {"worker": ("worker", None)}
    assert (of(told, "gone").state_after, of(told, "new").state_before) == (None, None)
    assert of(told, "gone").settings == []


def test_a_node_that_was_reused_took_no_time_and_is_of_the_same_worker(driver: Driver) -> None:
    workflow = driver.workflow(graph([node("a", stored(driver.ctx, b"print(1)\n"), reuse={"mode": "on"})]))
    one = driver.start(workflow=workflow)
    driver.take(one, "a")
    driver.ctx.clock.advance(60)  # type: ignore[attr-defined]
    driver.end(one, "a")
    other = driver.start(workflow=workflow)

    told = compared(driver, one, other)

    (a,) = told.nodes
    assert (a.seconds_before, a.seconds_after, a.state_after) == (60.0, None, "reused")
    assert (a.settings, a.code, a.environment, told.graph.changes, told.parameters) == ([], [], [], [], [])


def test_a_run_that_there_is_not(driver: Driver) -> None:
    run = driver.start(graph([node("a", stored(driver.ctx, b"print(1)\n"))]))
    for pair in ((run, "nobody"), ("nobody", run)):
        with pytest.raises(NotFound):
            compared(driver, *pair)


def test_the_last_numbers_that_nodes_printed_stand_beside_each_other(driver: Driver) -> None:
    drawn = graph([node("train", stored(driver.ctx, b"print(1)\n"))])
    runs = [driver.start(drawn) for _ in range(2)]
    for run, text in zip(
        runs, (b"loss: 0.5\nloss: 0.25\n", b"loss: 0.5\nloss: nan\nacc: 80%\nacc: 90%\n"), strict=True
    ):
        with driver.ctx.db.read() as session:
            ref = logs.locate(session, str(driver.node(run, "train").job), LogName.STDOUT)
        driver.ctx.logs.append(ref.attempt_id, LogName.STDOUT, 0, text, [Piece(0, Stream.STDOUT, 7)])
        driver.end(run, "train")

    (train,) = compared(driver, *runs).nodes

    assert [(one.name, one.before, one.after) for one in train.metrics] == [
        ("loss", 0.25, 0.5),
        ("acc", None, 90),
    ]
