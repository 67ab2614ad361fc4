"""Sweeps: one run for each combination of parameter values, and what came out of them."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import Graph, Scalar
from torchyard.contracts.runs import ModeKind, NodeState, RunRequest, RunState, Trigger
from torchyard.contracts.sweeps import Sweep, SweepCreate, SweepDetail, SweepRun
from torchyard.domain import parameters, sweeping, validation
from torchyard.errors import NotFound, RunEnded
from torchyard.services import runs, sources, workflows
from torchyard.services.context import Context
from torchyard.services.users import User
from torchyard.storage import run_nodes, sweeps
from torchyard.storage import runs as stored_runs
from torchyard.storage.workflow_tables import SweepRow


def create(ctx: Context, session: Session, workflow_id: str, wanted: SweepCreate, owner: User) -> str:
    """Make a sweep and all its runs; its id.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
        FieldInvalid: See `domain.sweeping.combinations`.
        TorchyardError: See `runs.create`.
    """
    if not stored_runs.lock_workflow(session, workflow_id):
        raise NotFound("there is no workflow with this id", code="workflow_not_found")
    version, graph = graph_of(session, workflow_id, wanted.version)
    combined = sweeping.combinations(wanted.parameters, graph.parameters)
    now = ctx.clock.now()
    sweep = SweepRow(
        id=str(uuid.uuid4()),
        workflow_id=workflow_id,
        owner_id=owner.id,
        name=wanted.name,
        parameters=wanted.model_dump(mode="json")["parameters"],
        runs=len(combined),
        created_at=now,
    )
    session.add(sweep)
    session.flush()
    requests = [_request(wanted, values, now) for values in combined]
    wishes = [
        runs.Wish(
            graph=graph,
            request=request,
            trigger=Trigger.SWEEP,
            workflow_id=workflow_id,
            version=version,
            sweep_id=sweep.id,
        )
        for request in requests
    ]
    for place, wish in enumerate(wishes, 1):
        run_id = runs.create(ctx, session, wish, owner)
        if runs.find(session, run_id).state == RunState.QUEUED:
            # So do all others.
            _make_alike(ctx, session, run_id, wishes[place:])
            break
    return sweep.id


def _make_alike(ctx: Context, session: Session, run_id: str, wishes: Sequence[runs.Wish]) -> None:
    """Make runs that differ from one that waits in nothing but the values of their parameters."""
    if not wishes:
        return
    graph, states = wishes[0].graph, run_nodes.states(session, run_id)
    chosen = {name for name, state in states.items() if state is not NodeState.LEFT_OUT}
    whole = wishes[0].request.mode.kind is ModeKind.ALL
    copies = []
    for wish in wishes:
        given, data_time = wish.request.parameters, wish.request.data_time or ctx.clock.now()
        settings = validation.resolved(
            graph, given, data_time, only=None if whole else chosen | sources.datasets(graph)
        )
        runs.check_runtimes(ctx, session, graph, settings)
        values = parameters.of_run(graph.parameters, given).values
        copies.append(sweeps.Copy(str(uuid.uuid4()), values, settings))
    sweeps.copy_run(session, run_id, copies)


def graph_of(session: Session, workflow_id: str, number: int | None) -> tuple[int, Graph]:
    """A version of a workflow, the latest if none is named: its number and its graph.

    Raises:
        NotFound: `workflow_not_found`, `version_not_found`.
    """
    _, row = workflows.latest(session, workflow_id)
    if number is not None and number != row.number:
        row = workflows.version_of(session, workflow_id, number)
    return row.number, workflows.graph_of(row)


def get(ctx: Context, session: Session, sweep_id: str) -> SweepDetail:
    """The sweep with what came out of its runs.

    Raises:
        NotFound: `sweep_not_found`.
    """
    record = _find(session, sweep_id)
    rows, metrics = sweeps.runs_of(session, sweep_id), _metrics(ctx, session, sweep_id)
    now = ctx.clock.now()
    return SweepDetail(
        **_told(record, Counter(row.state for row in rows)),
        results=[_result(row, record.sweep.parameters, metrics.get(row.id, {}), now) for row in rows],
    )


def page(
    session: Session, workflow_id: str, *, before: tuple[datetime, str] | None, limit: int
) -> list[Sweep]:
    """The workflow's sweeps, newest first; from behind `before` (creation time and id) on.

    Raises:
        NotFound: `workflow_not_found`.
    """
    workflows.latest(session, workflow_id)
    records = sweeps.page(session, workflow_id, before=before, limit=limit)
    counts = sweeps.counts(session, [record.sweep.id for record in records])
    return [Sweep(**_told(record, counts[record.sweep.id])) for record in records]


def stop(ctx: Context, session: Session, sweep_id: str, by: User) -> None:
    """Stop all runs of the sweep that have not ended.

    Raises:
        NotFound: `sweep_not_found`.
    """
    sweep = _find(session, sweep_id).sweep
    # Nothing begins meanwhile, and locks are taken in one order everywhere.
    stored_runs.lock_workflow(session, sweep.workflow_id)
    for run_id in sorted(sweeps.open_runs(session, sweep_id)):
        with suppress(RunEnded):
            runs.stop(ctx, session, run_id, by)


def _request(wanted: SweepCreate, values: Mapping[str, Scalar], now: datetime) -> RunRequest:
    return RunRequest(
        mode=wanted.mode,
        parameters=dict(values),
        source_run=wanted.source_run,
        force=wanted.force,
        name=wanted.name,
        data_time=wanted.data_time or now,
    )


def _metrics(ctx: Context, session: Session, sweep_id: str) -> dict[str, dict[str, dict[str, float]]]:
    """The numbers that nodes left, by run and node."""
    left: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for file in sweeps.metrics(session, sweep_id):
        left[file.run_id, file.node].append(file.sha256)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (run_id, node), digests in left.items():
        numbers = _numbers(ctx, digests[0]) if len(digests) == 1 else None
        if numbers is not None:
            found.setdefault(run_id, {})[node] = numbers
    return found


def _numbers(ctx: Context, sha256: str) -> dict[str, float] | None:
    try:
        return sweeping.metrics_of(b"".join(ctx.objects.read(sha256)))
    except NotFound:
        return None


def _result(
    row: Row[Any], swept: Mapping[str, Any], metrics: dict[str, dict[str, float]], now: datetime
) -> SweepRun:
    lasted = ((row.finished_at or now) - row.started_at).total_seconds() if row.started_at else None
    return SweepRun(
        run=row.id,
        number=row.number,
        parameters={name: row.parameters.get(name) for name in swept},
        state=RunState(row.state),
        sentence=row.sentence,
        seconds=lasted,
        metrics=metrics,
    )


def _told(record: sweeps.SweepRecord, counts: Mapping[str, int]) -> dict[str, Any]:
    sweep = record.sweep
    return {
        "id": sweep.id,
        "workflow": sweep.workflow_id,
        "name": sweep.name,
        "owner": record.owner,
        "parameters": sweep.parameters,
        "runs": sweep.runs,
        "counts": dict(counts),
        "created_at": sweep.created_at,
    }


def _find(session: Session, sweep_id: str) -> sweeps.SweepRecord:
    record = sweeps.find(session, sweep_id)
    if record is None:
        raise NotFound("there is no sweep with this id", code="sweep_not_found")
    return record
