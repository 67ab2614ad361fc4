"""What a partial run does not make itself: from which earlier run each input comes."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Edge, Graph, NodeKind, When
from torchyard.contracts.runs import NODE_ENDED, ModeKind, NodeState, RunRequest
from torchyard.contracts.sayings import say
from torchyard.domain import planning
from torchyard.domain.planning import Plan
from torchyard.errors import SourceMissing
from torchyard.services import run_views
from torchyard.storage import run_nodes, runs

#: States in which a node gives nothing, whatever an earlier try of it left.
_WITHOUT = frozenset({NodeState.SKIPPED, NodeState.NOT_NEEDED, NodeState.UPSTREAM_FAILED})
#: Runs of a workflow that are looked at for what is unfinished.
_LOOKED_BACK = 50


class Choice(NamedTuple):
    """Which nodes a run is to run, and where it gets what it does not make.

    Attributes:
        selected: The nodes to run.
        inputs_from: By node, and by the node above it that is left out: the run and the job that gave.
    """

    selected: frozenset[str]
    inputs_from: Mapping[str, Mapping[str, Any]]


def datasets(graph: Graph) -> frozenset[str]:
    """The nodes that name data: what they give is the same in every run."""
    return frozenset(node.name for node in graph.nodes if node.kind is NodeKind.DATASET)


def choose(session: Session, graph: Graph, request: RunRequest, workflow_id: str | None) -> Choice:
    """What the request's mode means.

    Raises:
        NotFound: `run_not_found`: the source run.
        FieldInvalid: `node_unknown`, `nodes_missing`.
        SourceMissing: No run has what a chosen node needs.
    """
    plan, named = Plan.of(graph), request.source_run
    selected = planning.select(plan, request.mode, _earlier(session, request, workflow_id))
    made_of_nothing = datasets(graph) | plan.skipped
    gives: dict[str, dict[str, Any]] = {}
    known: dict[str, run_nodes.Giver | None] = {}
    for edge in planning.inputs_not_made(plan, selected):
        if edge.source in made_of_nothing:
            continue
        if edge.source not in known:
            known[edge.source] = _giver(session, edge.source, named, workflow_id)
        giver = known[edge.source]
        if giver is not None:
            gives.setdefault(edge.target, {})[edge.source] = {"run": giver.run_id, "job": giver.job_id}
        elif edge.when is When.SUCCESS:
            raise _missing(session, edge, named, workflow_id)
    return Choice(selected, gives)


def _earlier(session: Session, request: RunRequest, workflow_id: str | None) -> dict[str, NodeState]:
    """Where the nodes stood last, if that decides what is to run: in the source run, if one is named."""
    source = request.source_run
    if source is not None and runs.find(session, source) is None:
        raise run_views.run_not_found()
    if request.mode.kind is not ModeKind.UNFINISHED:
        return {}
    if source is not None:
        return run_nodes.states(session, source)
    latest = runs.latest(session, workflow_id, limit=_LOOKED_BACK) if workflow_id else []
    if not latest:
        raise SourceMissing(say("nothing_unfinished"), field="mode")
    # A run of a part says nothing of what it left out: the run before it does.
    found: dict[str, NodeState] = {}
    for run_id in latest:
        states = run_nodes.states(session, run_id)
        found = {name: state for name, state in states.items() if state is not NodeState.LEFT_OUT} | found
        if not states.keys() - found.keys():
            break
    return found


def check_kept(session: Session, run_id: str, plan: Plan, names: Collection[str]) -> None:
    """Refuse to run nodes of a run again that need what was removed since.

    Args:
        session: The transaction.
        run_id: The run.
        plan: Its graph's.
        names: The nodes that are to run again.

    Raises:
        SourceMissing: What a node above them left is gone, and that node is not run again.
    """
    needed = [
        edge
        for name in plan.order
        if name in names and name not in plan.skipped
        for edge in plan.above[name]
        if edge.source not in names and edge.source not in plan.skipped
    ]
    wanted = {name for edge in needed for name in (edge.source, edge.target)}
    rows = {row.name: row for row in run_nodes.rows(session, run_id, wanted)} if wanted else {}
    jobs = [(edge, _job_of(rows[edge.target], rows[edge.source])) for edge in needed]
    kept = run_nodes.keeping(session, {job for _, job in jobs if job is not None})
    for edge, job in jobs:
        if job is not None and job not in kept:
            left_out = rows[edge.source].state == NodeState.LEFT_OUT
            raise SourceMissing(
                say("source_gone", node=edge.target, source=edge.source),
                hint=say("hint_new_run_of" if left_out else "hint_resume_too", node=edge.source),
                field="nodes",
                node=edge.target,
                upstream=edge.source,
            )


def _job_of(node: Row[Any], above: Row[Any]) -> str | None:
    """The job whose outputs the node gets from the one above it; None if that gives none, or has yet to."""
    state = NodeState(above.state)
    if state is NodeState.LEFT_OUT:
        giver = node.inputs_from.get(above.name)
        return str(giver["job"]) if giver else None
    return above.job_id if state in NODE_ENDED - _WITHOUT else None


def _giver(
    session: Session, name: str, named: str | None, workflow_id: str | None, *, kept: bool = True
) -> run_nodes.Giver | None:
    if named is not None:
        return run_nodes.giver(session, name, run_id=named, kept=kept)
    return run_nodes.giver(session, name, workflow_id=workflow_id, kept=kept) if workflow_id else None


def _missing(session: Session, edge: Edge, named: str | None, workflow_id: str | None) -> SourceMissing:
    removed = _giver(session, edge.source, named, workflow_id, kept=False) is not None
    what = "removed" if removed else "nowhere"
    return SourceMissing(
        say(f"source_{what}_in_run" if named else f"source_{what}", node=edge.target, source=edge.source),
        hint=say("hint_run_too", node=edge.source),
        field="mode",
        node=edge.target,
        upstream=edge.source,
    )
