"""Planning against random graphs, in which nodes end in any way and in any order."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.contracts.graphs import Edge, FailurePolicy, Graph, GraphSettings, Node, When
from torchyard.contracts.runs import (
    NODE_BROKEN,
    NODE_ENDED,
    NODE_STARTED,
    Mode,
    ModeKind,
    NodeState,
    RunState,
)
from torchyard.domain.planning import Decision, Plan, decide, in_order, inputs_not_made, select, why_waiting
from torchyard.errors import FieldInvalid

S = NodeState
_MOST_NODES = 8
#: How a node may end that was started; a reused one never has a job.
ENDINGS = [S.SUCCEEDED, S.SUCCEEDED, S.FAILED, S.CANCELLED, S.REUSED]


def graph(names: str, *edges: str, when: When = When.SUCCESS, skipped: str = "", **settings: object) -> Graph:
    return Graph(
        nodes=[Node(name=name, skip=name in skipped) for name in names],
        edges=[Edge(source=edge[0], target=edge[1], when=when) for edge in edges],
        settings=GraphSettings.model_validate(settings),
    )


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph without a circle, its nodes listed in any order."""
    count = draw(st.integers(1, _MOST_NODES))
    pairs = [(one, two) for one in range(count) for two in range(one + 1, count)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    edges = [
        Edge(source=f"n{one}", target=f"n{two}", when=draw(st.sampled_from(When))) for one, two in chosen
    ]
    nodes = [Node(name=f"n{number}", skip=draw(st.integers(0, 5)) == 0) for number in range(count)]
    return Graph(
        nodes=draw(st.permutations(nodes)),
        edges=edges,
        settings=GraphSettings(
            parallelism=draw(st.none() | st.integers(1, 3)), on_failure=draw(st.sampled_from(FailurePolicy))
        ),
    )


@st.composite
def modes(draw: st.DrawFn, graph: Graph) -> Mode:
    names = [node.name for node in graph.nodes]
    kind = draw(st.sampled_from(ModeKind))
    return Mode(kind=kind, nodes=draw(st.lists(st.sampled_from(names), min_size=1)))


def reached(graph: Graph, names: list[str], *, up: bool) -> set[str]:
    """The nodes and all above or below them, by asking every edge again until nothing is new."""
    found = set(names)
    while True:
        steps = [(edge.target, edge.source) if up else (edge.source, edge.target) for edge in graph.edges]
        more = {two for one, two in steps if one in found} - found
        if not more:
            return found
        found |= more


def wanted(graph: Graph, mode: Mode, earlier: Mapping[str, NodeState]) -> set[str]:
    """What a mode has to select, said as plainly as can be."""
    every = {node.name for node in graph.nodes}
    match mode.kind:
        case ModeKind.ALL:
            return every
        case ModeKind.FROM:
            return reached(graph, mode.nodes, up=False)
        case ModeKind.TO:
            return reached(graph, mode.nodes, up=True)
        case ModeKind.ONLY:
            return set(mode.nodes)
        case ModeKind.UNFINISHED:
            done = {S.SUCCEEDED, S.REUSED, S.SKIPPED, S.NOT_NEEDED}
            return {name for name in every if earlier.get(name) not in done}


@given(st.data())
def test_a_mode_selects_exactly_its_set(data: st.DataObject) -> None:
    drawn = data.draw(graphs())
    mode = data.draw(modes(drawn))
    names = [node.name for node in drawn.nodes]
    earlier = data.draw(st.dictionaries(st.sampled_from(names), st.sampled_from(sorted(NODE_ENDED))))
    plan = Plan.of(drawn)

    selected = select(plan, mode, earlier)

    assert selected == wanted(drawn, mode, earlier)
    skipped = {node.name for node in drawn.nodes if node.skip}
    assert Counter(inputs_not_made(plan, selected)) == Counter(
        edge
        for edge in drawn.edges
        if edge.target in selected and edge.source not in selected and edge.target not in skipped
    )


@given(graphs())
def test_every_node_stands_behind_those_it_depends_on(drawn: Graph) -> None:
    order, circle = in_order(drawn)

    assert circle == []
    assert sorted(order) == sorted(node.name for node in drawn.nodes)
    assert all(order.index(edge.source) < order.index(edge.target) for edge in drawn.edges)


@dataclass
class Machine:
    """A run, carried out in memory as the engine does it."""

    graph: Graph
    plan: Plan
    states: dict[str, NodeState]
    stopping: bool = False
    started: list[str] = field(default_factory=list)

    def decide(self) -> Decision:
        decision = decide(self.plan, self.states, stopping=self.stopping)
        for name, settled in decision.settled.items():
            assert self.states[name] is S.WAITING
            assert settled.state in NODE_ENDED - NODE_STARTED
            assert settled.sentence
            self.states[name] = settled.state
        for name in decision.start:
            self.check_start(name)
            self.states[name] = S.QUEUED
            self.started.append(name)
        self.check_parallelism()
        return decision

    def check_start(self, name: str) -> None:
        assert self.states[name] is S.WAITING
        assert name not in self.started
        assert not self.stopping
        assert name not in self.plan.skipped
        for edge in self.plan.above[name]:
            assert self.states[edge.source] in NODE_ENDED
            assert met(edge, self.states)
        failed = {name for name, state in self.states.items() if state is S.FAILED}
        if failed and self.plan.on_failure is FailurePolicy.START_NOTHING_NEW:
            asked = [e.target for e in self.graph.edges if e.source in failed and e.when is not When.SUCCESS]
            assert name in reached(self.graph, asked, up=False)

    def check_parallelism(self) -> None:
        limit = self.plan.parallelism
        assert limit is None or sum(state in NODE_STARTED for state in self.states.values()) <= limit

    def under_way(self) -> list[str]:
        return [name for name, state in self.states.items() if state in NODE_STARTED]


def met(edge: Edge, states: Mapping[str, NodeState]) -> bool:
    """Whether an edge whose source has ended lets its target go on, said as plainly as can be."""
    state = states[edge.source]
    if edge.when is When.ALWAYS or state is S.LEFT_OUT:
        return True
    if edge.when is When.SUCCESS:
        return state in {S.SUCCEEDED, S.REUSED, S.SKIPPED}
    return state in {S.FAILED, S.UPSTREAM_FAILED}


@st.composite
def runs(draw: st.DrawFn, *, may_stop: bool = True) -> tuple[Machine, RunState]:
    """A run from its start to its end, with everything checked on the way."""
    drawn = draw(graphs())
    plan = Plan.of(drawn)
    selected = select(plan, draw(modes(drawn)))
    machine = Machine(
        drawn, plan, {name: S.WAITING if name in selected else S.LEFT_OUT for name in plan.order}
    )
    for _ in range(4 * _MOST_NODES):
        decision = machine.decide()
        # Asked again after a crash, it has nothing to add but what is under way now.
        again = decide(plan, machine.states, stopping=machine.stopping)
        assert not again.settled
        assert plan.parallelism is not None or not again.start
        if decision.ended is not None:
            assert not decision.start
            return machine, decision.ended
        under_way = machine.under_way()
        assert under_way, "a run that has not ended has something to wait for"
        if may_stop and not machine.stopping and draw(st.integers(0, 9)) == 0:
            machine.stopping = True
            continue
        machine.states[draw(st.sampled_from(under_way))] = draw(st.sampled_from(ENDINGS))
    raise AssertionError("the run does not end")


@given(runs())
def test_a_run_ends_with_every_node_ended_and_none_started_twice(run: tuple[Machine, RunState]) -> None:
    machine, ended = run

    assert set(machine.states.values()) <= NODE_ENDED
    assert len(set(machine.started)) == len(machine.started)
    states = set(machine.states.values())
    assert ended is not RunState.SUCCEEDED or not states & (NODE_BROKEN | {S.CANCELLED})
    assert ended is not RunState.FAILED or states & NODE_BROKEN
    assert ended is not RunState.CANCELLED or S.CANCELLED in states


@given(runs(may_stop=False))
def test_exactly_what_its_edges_let_go_on_is_started(run: tuple[Machine, RunState]) -> None:
    machine, _ = run
    failed = S.FAILED in machine.states.values()
    held_back = failed and machine.plan.on_failure is FailurePolicy.START_NOTHING_NEW
    for name, state in machine.states.items():
        if state is S.LEFT_OUT:
            assert name not in machine.started
            continue
        all_met = all(met(edge, machine.states) for edge in machine.plan.above[name])
        if name in machine.plan.skipped:
            assert name not in machine.started
            assert (state is S.SKIPPED) == all_met or held_back
        elif not held_back:
            assert (name in machine.started) == all_met
        else:
            assert name not in machine.started or all_met


def test_what_was_ready_when_a_node_failed_is_not_started() -> None:
    plan = Plan.of(graph("abcd", "cd", on_failure="start_nothing_new"))
    states = {"a": S.FAILED, "b": S.RUNNING, "c": S.WAITING, "d": S.WAITING}

    decision = decide(plan, states)

    assert decision.start == ()
    assert {name: one.state for name, one in decision.settled.items()} == {
        "c": S.CANCELLED,
        "d": S.UPSTREAM_FAILED,
    }
    assert decision.ended is None


def test_what_a_failure_asks_for_starts_though_nothing_new_does() -> None:
    asked = graph("abc", "ab", "bc", when=When.FAILURE, on_failure="start_nothing_new")

    assert decide(Plan.of(asked), {"a": S.FAILED, "b": S.WAITING, "c": S.WAITING}).start == ("b",)


def test_a_skipped_node_lets_those_below_it_go_on() -> None:
    decision = decide(
        Plan.of(graph("abc", "ab", "bc", skipped="b")), {"a": S.SUCCEEDED, "b": S.WAITING, "c": S.WAITING}
    )

    assert (decision.start, decision.settled["b"].state) == (("c",), S.SKIPPED)


def test_a_failure_is_told_to_all_below_at_once() -> None:
    states = {"a": S.FAILED, "b": S.WAITING, "c": S.WAITING}

    decision = decide(Plan.of(graph("abc", "ab", "bc")), states)

    assert {name: one.state for name, one in decision.settled.items()} == dict.fromkeys(
        "bc", S.UPSTREAM_FAILED
    )
    assert decision.ended is RunState.FAILED
    assert "a, which it depends on, failed" in decision.settled["b"].sentence


def test_a_stopped_run_waits_for_what_is_under_way() -> None:
    plan, states = Plan.of(graph("abc", "ac")), {"a": S.RUNNING, "b": S.SUCCEEDED, "c": S.WAITING}

    assert decide(plan, states, stopping=True).ended is None
    assert (
        decide(plan, {**states, "a": S.CANCELLED, "c": S.CANCELLED}, stopping=True).ended
        is RunState.CANCELLED
    )


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (Mode(kind=ModeKind.FROM, nodes=["x"]), "node_unknown"),
        (Mode(kind=ModeKind.ONLY, nodes=["a", "x"]), "node_unknown"),
        (Mode(kind=ModeKind.TO), "nodes_missing"),
    ],
)
def test_a_mode_names_nodes_that_there_are(mode: Mode, code: str) -> None:
    with pytest.raises(FieldInvalid) as refusal:
        select(Plan.of(graph("a")), mode)

    assert refusal.value.code == code


def test_why_a_node_waits_is_said() -> None:
    plan = Plan.of(graph("abcdef", "ae", "be", "ce", "de", parallelism=1))
    waiting = dict.fromkeys("abcdef", S.WAITING)

    assert why_waiting(plan, waiting, "e") == "Waits for a, b, c and 1 more."
    assert "at most 1 nodes" in why_waiting(plan, waiting, "f")
