"""Two runs beside each other: graphs, parameters, and node by node what it got and how it went."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import DatasetSettings, NodeKind
from torchyard.contracts.jobs import JobSettings
from torchyard.contracts.logs import LogName
from torchyard.contracts.runs import MetricComparison, NodeComparison, NodeState, RunComparison
from torchyard.contracts.workflows import Change, FieldChange, PartChange
from torchyard.domain import differences
from torchyard.errors import NotFound, Unavailable
from torchyard.services import logs, runs, series
from torchyard.services.context import Context
from torchyard.storage import reusing as stored
from torchyard.storage import runs as stored_runs

#: Nodes of a run whose output is looked through for numbers: an answer has to come in time.
_MAX_CURVES = 50
_FILES = ("script", "dependencies")
#: Settings that are compared as part of the environment.
_AROUND = ("runtime", "requirements")
_JOB, _DATASET = (model().model_dump(mode="json") for model in (JobSettings, DatasetSettings))


def compare(ctx: Context, before: str, after: str) -> RunComparison:
    """What differs between two runs, and the last values of their curves beside each other.

    Raises:
        NotFound: `run_not_found`.
    """
    with ctx.db.read() as session:
        found = _differences(session, before, after)
        jobs = [_jobs(session, run_id) for run_id in (before, after)]
    # Outputs are read without a transaction: that may take a while.
    lasts = [{name: _last_values(ctx, job) for name, job in one.items()} for one in jobs]
    nodes = [
        node.model_copy(update={"metrics": _metrics(*(one.get(node.name, {}) for one in lasts))})
        for node in found.nodes
    ]
    return found.model_copy(update={"nodes": nodes})


def _jobs(session: Session, run_id: str) -> dict[str, str]:
    """The nodes' latest jobs, also those that stand in for them."""
    found = {name: row.job_id for name, row in stored.nodes(session, run_id).items() if row.job_id}
    return dict(islice(found.items(), _MAX_CURVES))


def _last_values(ctx: Context, job_id: str) -> dict[str, float]:
    """The last number of each curve of the job's latest attempt; none while it can't be read."""
    try:
        with ctx.db.read() as session:
            ref = logs.locate(session, job_id, LogName.STDOUT)
        found = series.get(ctx, ref).series
    except (NotFound, Unavailable):
        return {}
    lasts = {
        one.name: next((value for value in reversed(one.values) if value is not None), None) for one in found
    }
    return {name: value for name, value in lasts.items() if value is not None}


def _metrics(before: Mapping[str, float], after: Mapping[str, float]) -> list[MetricComparison]:
    names = dict.fromkeys((*before, *after))
    return [MetricComparison(name=name, before=before.get(name), after=after.get(name)) for name in names]


def _differences(session: Session, before: str, after: str) -> RunComparison:
    one, other = runs.find(session, before), runs.find(session, after)
    graphs = stored_runs.graph_of(session, before), stored_runs.graph_of(session, after)
    sides = _Side(session, before), _Side(session, after)
    names = dict.fromkeys((*sides[0].nodes, *sides[1].nodes))
    return RunComparison(
        before=before,
        after=after,
        graph=differences.difference(*graphs, named_before=before, named_after=after),
        parameters=list(_parameters(one.parameters, other.parameters)),
        nodes=[_node(name, *sides) for name in names],
    )


class _Side:
    """One of the runs."""

    def __init__(self, session: Session, run_id: str) -> None:
        self.nodes = stored.nodes(session, run_id)
        self._workers = stored.workers_of_run(session, run_id)

    def state(self, name: str) -> NodeState | None:
        """Where the node ended."""
        return NodeState(self.nodes[name].state) if name in self.nodes else None

    def seconds(self, name: str) -> float | None:
        """How long its script ran; None of one that was reused."""
        row = self.nodes.get(name)
        if row is None or row.job_id is None or row.state == NodeState.REUSED:
            return None
        if row.started_at is None or row.finished_at is None:
            return None
        return float((row.finished_at - row.started_at).total_seconds())

    def settings(self, name: str) -> dict[str, Any]:
        """What it got, files and environment left out."""
        whole = self._whole(name)
        return {field: value for field, value in whole.items() if field not in {*_FILES, *_AROUND}}

    def code(self, name: str) -> dict[str, Any]:
        """Its files by their SHA-256."""
        whole = self._whole(name)
        files = {field: whole[field] for field in _FILES if isinstance(whole.get(field), dict)}
        return {field: file.get("sha256") for field, file in files.items()}

    def environment(self, name: str) -> dict[str, Any]:
        """Runtime with its versions, packages, worker."""
        row = self.nodes.get(name)
        if row is None:
            return {}
        found = {
            "runtime": row.components.get("runtime") or row.settings.get("runtime"),
            "requirements": row.settings.get("requirements") or None,
            "worker": self._workers.get(row.job_id),
        }
        return {field: value for field, value in found.items() if value is not None}

    def _whole(self, name: str) -> dict[str, Any]:
        """The settings, with what was left out as it is then."""
        row: Row[Any] | None = self.nodes.get(name)
        if row is None:
            return {}
        defaults = _DATASET if row.kind == NodeKind.DATASET else _JOB
        return {
            **defaults,
            **{field: _filled(defaults.get(field), value) for field, value in row.settings.items()},
        }


def _filled(default: Any, value: Any) -> Any:
    return {**default, **value} if isinstance(default, dict) and isinstance(value, dict) else value


def _node(name: str, before: _Side, after: _Side) -> NodeComparison:
    both = name in before.nodes and name in after.nodes
    return NodeComparison(
        name=name,
        state_before=before.state(name),
        state_after=after.state(name),
        seconds_before=before.seconds(name),
        seconds_after=after.seconds(name),
        settings=_changes(before.settings(name), after.settings(name)) if both else [],
        code=_changes(before.code(name), after.code(name)) if both else [],
        environment=_changes(before.environment(name), after.environment(name)) if both else [],
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[FieldChange]:
    return differences.field_changes(before, after)


def _parameters(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[PartChange]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield PartChange(part="parameter", name=name, change=Change.REMOVED)
        elif name not in before:
            yield PartChange(part="parameter", name=name, change=Change.ADDED)
        else:
            fields = differences.field_changes({"value": before[name]}, {"value": after[name]})
            if fields:
                yield PartChange(part="parameter", name=name, change=Change.CHANGED, fields=fields)
