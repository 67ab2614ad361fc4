"""Runs as the API tells them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph
from torchyard.contracts.jobs import JobState, Waiting
from torchyard.contracts.runs import (
    NODE_STARTED,
    RUN_ENDED,
    Mode,
    NodeAttempt,
    NodeRun,
    NodeState,
    Run,
    RunDetail,
    RunEnd,
    RunEvent,
    RunState,
)
from torchyard.contracts.sayings import Sentence, reread, say, spoken
from torchyard.domain import planning
from torchyard.domain.planning import Plan
from torchyard.errors import NotFound
from torchyard.services.context import Context
from torchyard.storage import run_nodes, runs


def describe(ctx: Context, session: Session, run_id: str) -> RunDetail:
    """The run with its graph and nodes.

    Raises:
        NotFound: `run_not_found`.
    """
    record = _record(session, run_id)
    graph, rows = runs.graph_of(session, run_id), run_nodes.rows(session, run_id)
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
    return RunDetail(**_members(record, counts), graph=graph, nodes=_nodes(ctx, session, graph, rows))


def brief(session: Session, run_id: str) -> Run:
    """The run without its nodes.

    Raises:
        NotFound: `run_not_found`.
    """
    return Run(**_members(_record(session, run_id), runs.counts(session, [run_id])[run_id]))


def page(
    session: Session, wanted: runs.RunFilter, *, before: tuple[datetime, str] | None, limit: int
) -> list[Run]:
    """Runs, newest first; from behind `before` (creation time and id) on."""
    records = runs.page(session, wanted, before=before, limit=limit)
    counts = runs.counts(session, [record.id for record in records])
    return [Run(**_members(record, counts[record.id])) for record in records]


def attempts_of(session: Session, run_id: str, name: str) -> list[NodeAttempt]:
    """The node's tries, first to last; those whose jobs were deleted are left out.

    Raises:
        NotFound: `run_not_found`, `node_not_found`.
    """
    _record(session, run_id)
    if run_nodes.standing(session, run_id, name) is None:
        raise node_not_found(name)
    return [
        NodeAttempt(
            number=row.number,
            job=row.job_id,
            state=JobState(job.state),
            settings=row.settings,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )
        for row, job in run_nodes.tries(session, run_id, name)
        if job is not None
    ]


def events_of(session: Session, run_id: str, *, after: int = 0, limit: int | None = None) -> list[RunEvent]:
    """The run's events with a number above `after`.

    Raises:
        NotFound: `run_not_found`.
    """
    _record(session, run_id)
    return [
        RunEvent(seq=row.seq, at=row.at, node=row.node, state=row.state, job=row.job_id, message=row.message)
        for row in runs.events(session, run_id, after=after, limit=limit)
    ]


def end(session: Session, run_id: str) -> RunEnd | None:
    """How the run ended; None while it goes on.

    Raises:
        NotFound: `run_not_found`.
    """
    run = _record(session, run_id)
    state = RunState(run.state)
    return RunEnd(state=state, sentence=run.sentence or "") if state in RUN_ENDED else None


def node_not_found(name: str) -> NotFound:
    """The refusal of a node that the run does not have."""
    return NotFound(say("run_without_node", node=name[:80]), code="node_not_found")


def run_not_found() -> NotFound:
    """The refusal of a run that there is not."""
    return NotFound("there is no run with this id", code="run_not_found")


def _record(session: Session, run_id: str) -> Row[Any]:
    record = runs.record(session, run_id)
    if record is None:
        raise run_not_found()
    return record


def _members(run: Row[Any], counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "workflow": run.workflow_id,
        "workflow_name": run.workflow_name,
        "version": run.version,
        "number": run.number,
        "owner": run.owner,
        "state": RunState(run.state),
        **spoken(_sentence(run)),
        "stop_requested": run.stop_requested_at is not None,
        "trigger": run.trigger,
        "mode": Mode.model_validate(run.mode),
        "parameters": run.parameters,
        "data_time": run.data_time,
        "source_run": run.source_run,
        "again_of": run.again_of,
        "sweep": run.sweep_id,
        "counts": counts,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
    }


def _sentence(run: Row[Any]) -> str | None:
    if run.state == RunState.QUEUED:
        return say("run_queued")
    return reread(run.sentence, run.saying)


def _nodes(ctx: Context, session: Session, graph: Graph, rows: list[Row[Any]]) -> list[NodeRun]:
    if not rows:
        return []
    states = {row.name: NodeState(row.state) for row in rows}
    there, run_id = set(states.values()), rows[0].run_id
    waits: dict[str, str | None] = dict.fromkeys(states, None)
    queued: dict[str, Waiting] = {}
    if NodeState.WAITING in there:
        plan = Plan.of(graph)
        waits |= {name: planning.why_waiting(plan, states, name) for name in _in(states, NodeState.WAITING)}
    if NodeState.QUEUED in there:
        attempts = run_nodes.queued_attempts(session, run_id)
        queued = {name: one for name, attempt in attempts.items() if (one := ctx.queue.why(attempt))}
        waits |= {name: _of_wait(one) for name, one in queued.items()}
    silent = run_nodes.out_of_sight(session, run_id) if there & NODE_STARTED else set()
    ends = run_nodes.script_ends(session, run_id)
    return [
        _node(row, waits[row.name] or reread(row.sentence, row.saying), queued.get(row.name), silent, ends)
        for row in rows
    ]


def _of_wait(waiting: Waiting) -> str:
    return Sentence(waiting.explanation, waiting.saying) if waiting.saying else waiting.explanation


def _in(states: Mapping[str, NodeState], state: NodeState) -> list[str]:
    return [name for name, one in states.items() if one is state]


def _node(
    row: Row[Any],
    sentence: str | None,
    waiting: Waiting | None,
    silent: set[str],
    ends: Mapping[str, datetime],
) -> NodeRun:
    return NodeRun(
        name=row.name,
        kind=row.kind,
        state=row.state,
        unreachable=row.job_id in silent,
        reason=row.reason,
        **spoken(sentence),
        position=waiting.position if waiting else None,
        job=row.job_id,
        attempts=row.attempts,
        reused_from=row.reused_from,
        inputs_from={name: source["run"] for name, source in row.inputs_from.items()},
        created_at=row.created_at,
        started_at=row.started_at,
        # Of a reused node, the job's times are those of another run.
        script_ended_at=None if row.reused_from else ends.get(row.job_id),
        finished_at=row.finished_at,
    )
