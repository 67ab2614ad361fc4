"""What a run of a graph does next: order, which nodes a mode selects, what may start, how it ends.

Everything here is a function of the graph and the nodes' states alone: asked again after a crash, it gives
the same answer.
"""

import heapq
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from torchyard.contracts.graphs import Edge, FailurePolicy, Graph, When
from torchyard.contracts.runs import (
    NODE_BROKEN,
    NODE_ENDED,
    NODE_STARTED,
    Mode,
    ModeKind,
    NodeState,
    RunState,
)
from torchyard.contracts.sayings import say
from torchyard.errors import FieldInvalid

#: Upstream states with which a `success` edge lets its target go on.
_PASSED = frozenset({NodeState.SUCCEEDED, NodeState.REUSED, NodeState.SKIPPED})
#: What counts as done for a run of what is unfinished.
_DONE = _PASSED | {NodeState.NOT_NEEDED}


@dataclass(frozen=True)
class Plan:
    """A graph without mistakes, prepared for questions.

    Attributes:
        order: All names, each behind those it depends on; else as in the graph.
        above: The edges that lead to a node.
        below: The edges that lead away from it.
        skipped: Nodes that are left out; what depends on them goes on.
        parallelism: Nodes that may be under way at once, None for any number.
        on_failure: What happens once a node has failed.
    """

    order: tuple[str, ...]
    above: Mapping[str, tuple[Edge, ...]]
    below: Mapping[str, tuple[Edge, ...]]
    skipped: frozenset[str]
    parallelism: int | None
    on_failure: FailurePolicy

    @classmethod
    def of(cls, graph: Graph) -> "Plan":
        """The plan of a graph in which names are unique, edges lead somewhere, and none leads back."""
        above: dict[str, list[Edge]] = {node.name: [] for node in graph.nodes}
        below: dict[str, list[Edge]] = {node.name: [] for node in graph.nodes}
        for edge in graph.edges:
            above[edge.target].append(edge)
            below[edge.source].append(edge)
        return cls(
            order=tuple(in_order(graph)[0]),
            above={name: tuple(edges) for name, edges in above.items()},
            below={name: tuple(edges) for name, edges in below.items()},
            skipped=frozenset(node.name for node in graph.nodes if node.skip),
            parallelism=graph.settings.parallelism,
            on_failure=graph.settings.on_failure,
        )


#: Nodes that a sentence names.
_NAMED = 3


class Settled(NamedTuple):
    """What becomes of a node that does not start."""

    state: NodeState
    sentence: str


class Decision(NamedTuple):
    """What a run does now.

    Attributes:
        start: Nodes to start, in this order.
        settled: Nodes that end without being started.
        ended: How the run ends, if nothing is left to be done once that is carried out.
    """

    start: tuple[str, ...]
    settled: Mapping[str, Settled]
    ended: RunState | None


def in_order(graph: Graph) -> tuple[list[str], list[str]]:
    """Names so that each stands behind those it depends on, else as in the graph; and those in a circle.

    Kahn, Topological sorting of large networks, 1962, with a heap in place of the set. Edges to or from
    names that there are not are passed over.
    """
    position = {node.name: number for number, node in reversed(list(enumerate(graph.nodes)))}
    waits = dict.fromkeys(position, 0)
    below: dict[str, list[str]] = {name: [] for name in position}
    for edge in graph.edges:
        if edge.source in position and edge.target in position:
            waits[edge.target] += 1
            below[edge.source].append(edge.target)
    free = [(position[name], name) for name, count in waits.items() if not count]
    heapq.heapify(free)
    order = []
    while free:
        _, name = heapq.heappop(free)
        order.append(name)
        for target in below[name]:
            waits[target] -= 1
            if not waits[target]:
                heapq.heappush(free, (position[target], target))
    placed = set(order)
    return order, [name for name in position if name not in placed]


def select(plan: Plan, mode: Mode, earlier: Mapping[str, NodeState] | None = None) -> frozenset[str]:
    """The nodes that a mode runs.

    Args:
        plan: The graph's.
        mode: Which nodes are wanted.
        earlier: The nodes' states in the source run, for `unfinished`.

    Raises:
        FieldInvalid: `node_unknown`: it names a node that there is not; `nodes_missing`: it names none.
    """
    if mode.kind is ModeKind.ALL:
        return frozenset(plan.order)
    if mode.kind is ModeKind.UNFINISHED:
        states = earlier or {}
        return frozenset(name for name in plan.order if states.get(name) not in _DONE)
    unknown = [name for name in mode.nodes if name not in plan.above]
    if unknown:
        raise FieldInvalid(say("no_such_node", node=unknown[0]), code="node_unknown", field="mode.nodes")
    if not mode.nodes:
        raise FieldInvalid("name the nodes to run", code="nodes_missing", field="mode.nodes")
    if mode.kind is ModeKind.FROM:
        return below(plan, mode.nodes)
    if mode.kind is ModeKind.TO:
        return above(plan, mode.nodes)
    return frozenset(mode.nodes)


def below(plan: Plan, names: Iterable[str]) -> frozenset[str]:
    """The named nodes, and all that depend on them."""
    return _reached(names, {name: [edge.target for edge in edges] for name, edges in plan.below.items()})


def above(plan: Plan, names: Iterable[str]) -> frozenset[str]:
    """The named nodes, and all that they depend on."""
    return _reached(names, {name: [edge.source for edge in edges] for name, edges in plan.above.items()})


def inputs_not_made(plan: Plan, selected: Collection[str]) -> list[Edge]:
    """Edges by which the selected nodes get something that this run does not make."""
    return [
        edge
        for name in plan.order
        if name in selected and name not in plan.skipped
        for edge in plan.above[name]
        if edge.source not in selected
    ]


def decide(plan: Plan, states: Mapping[str, NodeState], *, stopping: bool = False) -> Decision:
    """What the run does now.

    Args:
        plan: The graph's.
        states: Where each node stands.
        stopping: Whether a person asked to stop the run: nothing starts any more.
    """
    now = dict(states)
    settled: dict[str, Settled] = {}
    ready: list[str] = []
    allowed = None if stopping else _allowed_after_failures(plan, states)
    for name in plan.order:
        if now[name] is not NodeState.WAITING:
            continue
        verdict = _verdict(plan, name, now, stopping=stopping, allowed=allowed)
        if verdict is not None:
            settled[name] = verdict
            now[name] = verdict.state
        elif all(now[edge.source] in NODE_ENDED for edge in plan.above[name]):
            ready.append(name)
    under_way = sum(state in NODE_STARTED for state in now.values())
    room = len(ready) if plan.parallelism is None else max(0, plan.parallelism - under_way)
    over = not under_way and not ready
    return Decision(tuple(ready[:room]), settled, _end(now.values(), stopping=stopping) if over else None)


def why_waiting(plan: Plan, states: Mapping[str, NodeState], name: str) -> str:
    """Why a node of a run has not started, in one sentence."""
    missing = [edge.source for edge in plan.above[name] if states[edge.source] not in NODE_ENDED]
    if missing:
        if len(missing) > _NAMED:
            return say("node_waits_for_more", names=", ".join(missing[:_NAMED]), more=len(missing) - _NAMED)
        return say("node_waits_for", names=missing)
    if plan.parallelism is not None:
        return say("node_waits_turn", limit=plan.parallelism)
    return say("node_starts_soon")


def _verdict(
    plan: Plan, name: str, now: Mapping[str, NodeState], *, stopping: bool, allowed: frozenset[str] | None
) -> Settled | None:
    """What becomes of a waiting node that will not start; None if it may yet, or may now."""
    if stopping:
        return Settled(NodeState.CANCELLED, say("node_stopped"))
    unmet = [edge for edge in plan.above[name] if now[edge.source] in NODE_ENDED and not _met(edge, now)]
    broken = [edge.source for edge in unmet if edge.when is When.SUCCESS and _broke(now[edge.source])]
    if broken:
        return Settled(NodeState.UPSTREAM_FAILED, _because(broken[0], now[broken[0]]))
    if unmet:
        source = unmet[0].source
        code = "node_not_needed_unfailed" if unmet[0].when is When.FAILURE else "node_not_needed"
        return Settled(NodeState.NOT_NEEDED, say(code, node=source))
    if allowed is not None and name not in allowed:
        return Settled(NodeState.CANCELLED, say("node_nothing_new"))
    if name in plan.skipped and all(now[edge.source] in NODE_ENDED for edge in plan.above[name]):
        return Settled(NodeState.SKIPPED, say("node_skipped"))
    return None


def _met(edge: Edge, now: Mapping[str, NodeState]) -> bool:
    state = now[edge.source]
    if state is NodeState.LEFT_OUT or edge.when is When.ALWAYS:
        return True
    return state in (_PASSED if edge.when is When.SUCCESS else NODE_BROKEN)


def _broke(state: NodeState) -> bool:
    return state in NODE_BROKEN or state is NodeState.CANCELLED


_ABOVE = {NodeState.FAILED: "node_above_failed", NodeState.CANCELLED: "node_above_stopped"}


def _because(source: str, state: NodeState) -> str:
    return say(_ABOVE.get(state, "node_above_not_run"), node=source)


def _allowed_after_failures(plan: Plan, states: Mapping[str, NodeState]) -> frozenset[str] | None:
    """What may still start where nothing new starts after a failure; None: everything."""
    if plan.on_failure is not FailurePolicy.START_NOTHING_NEW:
        return None
    failed = [name for name, state in states.items() if state is NodeState.FAILED]
    if not failed:
        return None
    asked_for = [edge.target for name in failed for edge in plan.below[name] if edge.when is not When.SUCCESS]
    return below(plan, asked_for)


def _end(states: Iterable[NodeState], *, stopping: bool) -> RunState:
    found = set(states)
    if stopping and NodeState.CANCELLED in found:
        return RunState.CANCELLED
    if found & NODE_BROKEN:
        return RunState.FAILED
    return RunState.CANCELLED if NodeState.CANCELLED in found else RunState.SUCCEEDED


def _reached(names: Iterable[str], steps: Mapping[str, list[str]]) -> frozenset[str]:
    found, open_ = set(names), list(names)
    while open_:
        for step in steps[open_.pop()]:
            if step not in found:
                found.add(step)
                open_.append(step)
    return frozenset(found)
