"""Many hands on one run: workers that end jobs, people that stop and resume, and two engines."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import event
from tests.driving import Driver
from tests.factories import admin, stored
from tests.graphs import graph, node

from torchyard.contracts.jobs import FileRef
from torchyard.contracts.runs import RunState
from torchyard.errors import AttemptStale, TorchyardError
from torchyard.services import runs
from torchyard.services.context import Context

NODES = 16


@pytest.fixture
def script(ctx: Context) -> FileRef:
    return stored(ctx, b"print('hi')\n")


def at_once(*hands: Callable[[], None]) -> list[BaseException]:
    """Does all of it at the same time; what went wrong."""
    wrong: list[BaseException] = []

    def careful(hand: Callable[[], None]) -> None:
        try:
            hand()
        except Exception as problem:  # noqa: BLE001 - told to the test's own thread
            wrong.append(problem)

    threads = [threading.Thread(target=careful, args=(hand,)) for hand in hands]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def test_jobs_that_end_at_once_start_what_is_below_them_once(ctx: Context, script: FileRef) -> None:
    driver, other = Driver(ctx), Driver(ctx)
    names = [f"n{number}" for number in range(NODES)]
    nodes = [node(name, script) for name in [*names, "last"]]
    run = driver.start(graph(nodes, *((name, "last") for name in names)))
    for name in names:
        driver.take(run, name)

    def ends(some: list[str]) -> Callable[[], None]:
        def hand() -> None:
            for name in some:
                # The same bytes of all: they wait for each other's blob.
                driver.end(run, name, files={"outputs/x": b"same"}, look=False)

        return hand

    def looks(engine: Driver) -> Callable[[], None]:
        def hand() -> None:
            for _ in range(10):
                engine.engine.look()

        return hand

    wrong = at_once(ends(names[::2]), ends(names[1::2]), looks(driver), looks(other))
    driver.engine.look()

    assert wrong == []
    assert driver.node(run, "last").attempts == 1
    driver.end(run, "last")
    assert driver.get(run).state is RunState.SUCCEEDED


def test_a_run_that_is_stopped_while_its_jobs_end_ends(ctx: Context, script: FileRef) -> None:
    driver = Driver(ctx)
    names = [f"n{number}" for number in range(NODES)]
    run = driver.start(graph([node(name, script) for name in names]))
    for name in names[::2]:
        driver.take(run, name)

    def ends() -> None:
        for name in names[::2]:
            driver.end(run, name, look=False)

    def stops() -> None:
        driver.stop(run)

    wrong = at_once(ends, stops)
    driver.engine.look()

    assert wrong == []
    assert driver.get(run).state in {RunState.CANCELLED, RunState.SUCCEEDED}
    assert set(driver.states(run).values()) <= {"succeeded", "cancelled"}


def test_two_people_who_resume_the_same_start_it_once(ctx: Context, script: FileRef) -> None:
    driver = Driver(ctx)
    names = [f"n{number}" for number in range(NODES)]
    run = driver.start(graph([node(name, script) for name in names]))
    for name in names:
        driver.end(run, name, 1)

    def resumes() -> None:
        driver.resume(run, look=False)

    wrong = at_once(resumes, resumes)
    driver.engine.look()

    # The second one may find everything under way.
    assert all(isinstance(one, TorchyardError) and not isinstance(one, AttemptStale) for one in wrong), wrong
    assert len(wrong) <= 1
    assert set(driver.states(run).values()) == {"queued"}
    assert {one.attempts for one in driver.get(run).nodes} == {2}


def test_what_happens_between_a_look_and_its_step_counts(ctx: Context, script: FileRef) -> None:
    driver = Driver(ctx)
    run = driver.start(graph([node("a", script), node("b", script)]), look=False)
    stopped = False

    def stop_b(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal stopped
        # The engine knows what it will start by now, and finds out what that takes.
        if not stopped and "FROM workers" in statement:
            stopped = True
            runs.stop_node(ctx, run, "b", admin(ctx))

    event.listen(ctx.db.engine, "before_cursor_execute", stop_b)
    try:
        driver.engine.look()
    finally:
        event.remove(ctx.db.engine, "before_cursor_execute", stop_b)

    assert stopped
    assert driver.states(run) == {"a": "queued", "b": "cancelled"}
    assert driver.node(run, "b").job is None
