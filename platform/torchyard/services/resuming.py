"""Running nodes of a run again, inside the same run, also while the rest of it goes on.

A resumed node waits again, and so does what is below it and never ran; the engine does the rest. Each try is
a new job with its own settings: what a job was is never written over.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph, GraphSettings, Node
from torchyard.contracts.runs import (
    NODE_STARTED,
    RUN_ENDED,
    NodeState,
    Resume,
    RunState,
    SettingsFrom,
    Trigger,
)
from torchyard.contracts.sayings import say
from torchyard.domain import planning, validation
from torchyard.domain.planning import Plan
from torchyard.errors import FieldInvalid, ResumeRefused
from torchyard.services import checking, runs, sources, workflows
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import run_nodes
from torchyard.storage import runs as stored
from torchyard.storage.workflow_tables import RunRow

#: What failed, was stopped or never ran.
_UNDONE = frozenset({NodeState.FAILED, NodeState.UPSTREAM_FAILED, NodeState.CANCELLED})
#: What never ran because of how a node above it ended.
_NOT_RUN = frozenset({NodeState.UPSTREAM_FAILED, NodeState.NOT_NEEDED, NodeState.CANCELLED})
#: Times that the nodes are chosen anew because the run went on meanwhile.
_ATTEMPTS = 3


class _Chosen(NamedTuple):
    """Which nodes wait again.

    Attributes:
        wanted: Those that were asked for, with what is below them if that was asked for too.
        dependants: What is below them and never ran.
    """

    wanted: frozenset[str]
    dependants: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.wanted | self.dependants


def resume(ctx: Context, run_id: str, wish: Resume, by: User) -> None:
    """Have nodes of the run run again.

    Raises:
        NotFound: `run_not_found`.
        FieldInvalid: `node_unknown`, `node_left_out`, `override_unused`.
        WorkflowInvalid: With these settings they can't run; or their scripts can't.
        BlobNotUploaded: A file is not there.
        SourceMissing: What a node above them left was removed, and it is not resumed too.
        ResumeRefused: `node_busy`, `node_blocked`, `nothing_to_resume`, `run_stopping`, `resume_refused`.
        RunRefused: As many runs of the workflow as allowed are going on, and it says to refuse then.
    """
    for _ in range(_ATTEMPTS):
        with ctx.db.read() as session:
            run = runs.find(session, run_id)
            graph = stored.graph_of(session, run_id)
            plan = Plan.of(graph)
            chosen = _choose(run, plan, run_nodes.states(session, run_id), wish)
            sources.check_kept(session, run_id, plan, chosen.all)
            changed = _changed(session, run, graph, chosen.all, wish)
        # Neither scripts nor settings are looked at while everybody waits for the database.
        checking.check_files(ctx, changed.model_copy(update={"nodes": _only(changed, chosen.all)}))
        settings = _settings(run, changed, chosen.all)
        with ctx.db.write() as session:
            if _apply(ctx, session, _Change(run_id, changed, chosen, settings, wish), by):
                return
    raise ResumeRefused("the run goes on too quickly to be resumed just now", hint=say("hint_try_again"))


class _Change(NamedTuple):
    run_id: str
    graph: Graph
    chosen: _Chosen
    settings: Mapping[str, Mapping[str, Any]]
    wish: Resume


def _choose(run: RunRow, plan: Plan, states: Mapping[str, NodeState], wish: Resume) -> _Chosen:
    if run.stop_requested_at is not None and run.state not in RUN_ENDED:
        raise ResumeRefused("the run is being stopped", code="run_stopping", hint="wait for its end")
    wanted = _wanted(states, wish)
    below = planning.below(plan, wanted) - wanted
    part = frozenset(name for name, state in states.items() if state is not NodeState.LEFT_OUT)
    if wish.downstream:
        wanted |= below & part
    busy = [name for name in plan.order if name in wanted and states[name] in NODE_STARTED]
    if busy:
        raise ResumeRefused(
            say("node_is", node=busy[0], state=say(f"state_{states[busy[0]]}")),
            code="node_busy",
            hint="stop it, or wait for its end",
            node=busy[0],
        )
    unused = sorted(wish.overrides.keys() - wanted)
    if unused:
        raise FieldInvalid(
            say("node_not_resumed", node=unused[0][:80]), code="override_unused", field="overrides"
        )
    dependants = frozenset(name for name in below - wanted if states[name] in _NOT_RUN)
    chosen = _Chosen(wanted, dependants)
    if wish.nodes is not None:
        _refuse_blocked(plan, states, chosen, frozenset(wish.nodes))
    return chosen


def _wanted(states: Mapping[str, NodeState], wish: Resume) -> frozenset[str]:
    if wish.nodes is None:
        wanted = frozenset(name for name, state in states.items() if state in _UNDONE)
    else:
        wanted = frozenset(wish.nodes)
    for name in wanted:
        if name not in states:
            raise FieldInvalid(say("run_without_node", node=name[:80]), code="node_unknown", field="nodes")
        if states[name] is NodeState.LEFT_OUT:
            raise FieldInvalid(say("node_without_part", node=name), code="node_left_out", field="nodes")
    if not wanted:
        raise ResumeRefused("nothing failed, was stopped or never ran", code="nothing_to_resume")
    return wanted


def _refuse_blocked(
    plan: Plan, states: Mapping[str, NodeState], chosen: _Chosen, named: frozenset[str]
) -> None:
    """Refuse what would end at once, because of how nodes stand that are not resumed."""
    then = {**states, **dict.fromkeys(chosen.all, NodeState.WAITING)}
    settled = planning.decide(plan, then).settled
    for name in plan.order:
        if name in named and name in settled and settled[name].state is not NodeState.SKIPPED:
            raise ResumeRefused(
                say("node_cannot_run", node=name, why=settled[name].sentence),
                code="node_blocked",
                hint=say("hint_resume_above"),
                node=name,
            )


def _changed(session: Session, run: RunRow, graph: Graph, names: Collection[str], wish: Resume) -> Graph:
    """The run's graph with the settings that the nodes are to run with."""
    settings, parameters = {node.name: node.settings for node in graph.nodes}, list(graph.parameters)
    if wish.settings is SettingsFrom.TODAY:
        today = _today(session, run)
        settings |= _taken(today, graph, names)
        known = {one.name for one in parameters}
        parameters += [one for one in today.parameters if one.name not in known]
    for name, override in wish.overrides.items():
        changed = {**settings[name], **override}
        settings[name] = {field: value for field, value in changed.items() if value is not None}
    nodes = [node.model_copy(update={"settings": settings[node.name]}) for node in graph.nodes]
    return graph.model_copy(update={"nodes": nodes, "parameters": parameters})


def _today(session: Session, run: RunRow) -> Graph:
    if run.workflow_id is None:
        raise FieldInvalid(say("no_settings_of_today"), field="settings")
    return workflows.graph_of(workflows.latest(session, run.workflow_id)[1])


def _taken(today: Graph, graph: Graph, names: Collection[str]) -> dict[str, dict[str, Any]]:
    now = {(node.name, node.kind): node.settings for node in today.nodes}
    for node in _only(graph, names):
        if (node.name, node.kind) not in now:
            raise FieldInvalid(say("node_gone", node=node.name), code="node_unknown", field="settings")
    return {node.name: now[node.name, node.kind] for node in _only(graph, names)}


def _only(graph: Graph, names: Collection[str]) -> list[Node]:
    return [node for node in graph.nodes if node.name in names]


def _settings(run: RunRow, graph: Graph, names: frozenset[str]) -> dict[str, dict[str, Any]]:
    return validation.resolved(
        graph,
        run.parameters,
        run.data_time,
        previous=run.previous_time,
        only=names | sources.datasets(graph),
    )


def _apply(ctx: Context, session: Session, change: _Change, by: User) -> bool:
    """Have the nodes wait; False if the run went on so that others would have been chosen."""
    known = runs.find(session, change.run_id)
    if known.workflow_id is not None:
        stored.lock_workflow(session, known.workflow_id)
    digests = runs.use_blobs(ctx, session, change.graph, change.chosen.all)
    run = runs.find(session, change.run_id, lock=True)
    states = run_nodes.states(session, run.id)
    if _choose(run, Plan.of(change.graph), states, change.wish) != change.chosen:
        return False
    stored.keep(session, run.id, digests)
    names = [name for name in states if name in change.chosen.all]
    run_nodes.change(session, run.id, [_waiting(name, change.settings[name]) for name in names])
    run_nodes.forget_reused(session, run.id)
    now = ctx.clock.now()
    told = [stored.Happening(name, NodeState.WAITING, f"resumed by {by.name}") for name in names]
    if run.state in RUN_ENDED:
        told.append(_reopen(session, run, change.graph.settings, by))
    stored.tell(session, run.id, told, now, attention=True)
    runs.wake(ctx, session, run.id)
    return True


def _waiting(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    times = ("created_at", "started_at", "finished_at")
    told = ("reason", "sentence", "saying", "explanation", "explanation_saying")
    return {
        "name": name,
        "state": NodeState.WAITING,
        "settings": dict(settings),
        "components": {},
        **dict.fromkeys((*told, "reused_from", "content_key", *times)),
    }


def _reopen(session: Session, run: RunRow, settings: GraphSettings, by: User) -> stored.Happening:
    """Have a run go on that had ended, or queue if too many are going on."""
    state = RunState.RUNNING
    if run.workflow_id is not None:
        may_refuse = run.trigger in {Trigger.MANUAL, Trigger.AGAIN}
        state = runs.admit(session, run.workflow_id, settings, may_refuse=may_refuse)
    run.state, run.finished_at, run.stop_requested_at = state, None, None
    run.sentence = run.saying = None
    session.flush()
    return stored.Happening(None, state, f"resumed by {by.name}")
