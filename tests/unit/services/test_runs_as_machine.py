"""A run as a state machine against the real storage: whatever happens in whatever order, it ends right.

Jobs end as they like, people stop and resume, the engine is asked twice, dies in the middle of a transaction
or between two, and is replaced by a new one.
"""

import contextlib

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import event, func, select
from tests.driving import Driver
from tests.factories import stored
from tests.graphs import graph, node

from torchyard.contracts.graphs import FailurePolicy, When
from torchyard.contracts.jobs import TERMINAL
from torchyard.contracts.runner import Cause
from torchyard.contracts.runs import NODE_ENDED, NODE_STARTED, RUN_ENDED, NodeState, RunState
from torchyard.errors import TorchyardError
from torchyard.services import run_views
from torchyard.services.context import Context
from torchyard.services.run_states import RunStates
from torchyard.storage import run_nodes, runs
from torchyard.storage.tables import JobRow

NODES = 5
NAMES = [f"n{number}" for number in range(NODES)]


class Crash(BaseException):
    """The platform is killed."""


class ARun(RuleBasedStateMachine):
    """One run of a random graph."""

    ctx: Context

    @initialize(
        whens=st.lists(st.sampled_from([None, None, *When]), min_size=NODES * NODES, max_size=NODES * NODES),
        skipped=st.sets(st.sampled_from(NAMES), max_size=1),
        parallelism=st.sampled_from([None, 1, 2]),
        on_failure=st.sampled_from(FailurePolicy),
    )
    def begin(
        self,
        whens: list[When | None],
        skipped: set[str],
        parallelism: int | None,
        on_failure: FailurePolicy,
    ) -> None:
        self.driver = Driver(self.ctx)
        script = stored(self.ctx, b"print('hi')\n")
        arrows = [
            (NAMES[source], NAMES[target], str(whens[source * NODES + target]))
            for source in range(NODES)
            for target in range(source + 1, NODES)
            if whens[source * NODES + target] is not None
        ]
        drawn = graph(
            [node(name, script, skip=name in skipped) for name in NAMES],
            *arrows,
            settings={"parallelism": parallelism, "on_failure": on_failure},
        )
        self.parallelism = parallelism
        self.run = self.driver.start(drawn, look=False)
        self.seen = RunStates()
        #: What each job ended as; never to change.
        self.ended: dict[str, str] = {}
        self.resumed: set[str] = set()

    @rule(twice=st.booleans())
    def look(self, twice: bool) -> None:
        self.driver.engine.look()
        if twice:
            self.driver.engine.look()

    @rule(new=st.booleans(), after=st.integers(0, 12))
    def crash(self, new: bool, after: int) -> None:
        """The engine's transaction is cut off after some of its statements."""
        left = after

        def statement(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash

        event.listen(self.ctx.db.engine, "before_cursor_execute", statement)
        try:
            with contextlib.suppress(Crash):
                self.driver.engine.look()
        finally:
            event.remove(self.ctx.db.engine, "before_cursor_execute", statement)
        if new:
            self.driver.new_engine()

    @rule(which=st.integers(0, NODES - 1), code=st.sampled_from([0, 0, 1]), look=st.booleans())
    def end_a_job(self, which: int, code: int, look: bool) -> None:
        under_way = self.under_way()
        if under_way:
            self.driver.end(self.run, under_way[which % len(under_way)], code, look=look)

    @rule(which=st.integers(0, NODES - 1))
    def take_a_job(self, which: int) -> None:
        queued = [name for name, state in self.driver.states(self.run).items() if state == NodeState.QUEUED]
        if queued:
            self.driver.take(self.run, queued[which % len(queued)])

    @rule()
    def stop_the_run(self) -> None:
        with contextlib.suppress(TorchyardError):
            self.driver.stop(self.run, look=False)

    @rule(name=st.sampled_from(NAMES))
    def stop_a_node(self, name: str) -> None:
        with contextlib.suppress(TorchyardError):
            self.driver.stop_node(self.run, name)

    @rule(names=st.none() | st.sets(st.sampled_from(NAMES), min_size=1), downstream=st.booleans())
    def resume(self, names: set[str] | None, downstream: bool) -> None:
        with contextlib.suppress(TorchyardError):
            wanted = sorted(names) if names is not None else None
            self.driver.resume(self.run, nodes=wanted, downstream=downstream, look=False)

    @invariant()
    def each_node_has_at_most_one_open_job(self) -> None:
        open_jobs = (
            select(JobRow.node, func.count())
            .where(JobRow.run_id == self.run, JobRow.state.not_in(TERMINAL))
            .group_by(JobRow.node)
        )
        with self.ctx.db.read() as session:
            counted = dict(session.execute(open_jobs).all())
        assert all(count == 1 for count in counted.values()), counted
        assert sorted(counted) == sorted(self.under_way())
        assert self.parallelism is None or len(counted) <= self.parallelism

    @invariant()
    def what_a_job_ended_as_stays(self) -> None:
        with self.ctx.db.read() as session:
            query = select(JobRow.id, JobRow.state).where(
                JobRow.run_id == self.run, JobRow.state.in_(TERMINAL)
            )
            now = dict(session.execute(query).all())
        assert self.ended.items() <= now.items()
        self.ended = now

    @invariant()
    def a_run_that_has_ended_has_nothing_left(self) -> None:
        run = self.driver.get(self.run)
        if run.state in RUN_ENDED:
            assert {one.state for one in run.nodes} <= NODE_ENDED
            assert run.finished_at is not None
        else:
            assert run.finished_at is None

    @invariant()
    def what_was_seen_is_brought_up_to_date_by_events(self) -> None:
        with self.ctx.db.read() as session:
            run = runs.find(session, self.run)
            assert run is not None
            assert self.seen.of(session, run) == run_nodes.states(session, self.run)

    def under_way(self) -> list[str]:
        states = self.driver.states(self.run)
        return [name for name, state in states.items() if state in set(map(str, NODE_STARTED))]

    def teardown(self) -> None:
        """Whatever happened, the run ends once its jobs do, and as they did."""
        if not hasattr(self, "run"):
            return
        self.driver.new_engine().look()
        for _ in range(NODES * NODES):
            for name in self.under_way():
                stopped = self.driver.get(self.run).stop_requested
                self.driver.end(self.run, name, cause=Cause.CANCELLED if stopped else Cause.EXITED)
        run = self.driver.get(self.run)
        states = {one.state for one in run.nodes}
        assert run.state in RUN_ENDED, run
        if run.state is RunState.SUCCEEDED:
            assert not states & {NodeState.FAILED, NodeState.UPSTREAM_FAILED, NodeState.CANCELLED}
        if NodeState.FAILED in states and not run.stop_requested:
            assert run.state is RunState.FAILED
        self.events_tell_the_whole_story()

    def events_tell_the_whole_story(self) -> None:
        with self.ctx.db.read() as session:
            told = run_views.events_of(session, self.run)
        assert [one.seq for one in told] == list(range(1, len(told) + 1))
        last = {one.node: one.state for one in told}
        run = self.driver.get(self.run)
        assert last.pop(None) == run.state
        assert last == {one.name: str(one.state) for one in run.nodes}


@pytest.fixture
def machine(ctx: Context) -> type[ARun]:
    return type("ARunHere", (ARun,), {"ctx": ctx})


def test_a_run_ends_right_whatever_happens(machine: type[ARun]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
