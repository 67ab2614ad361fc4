"""How the nodes of a workflow stand before its next run: ready, stale, or done as they are now.

No storage is asked: of what lies in S3 and COS, what was seen last counts.
"""

import itertools
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError
from sqlalchemy.orm import Session

from torchyard.contracts.graphs import DatasetSettings, Edge, Graph, Node, NodeKind, When
from torchyard.contracts.inputs import NamedBlob, Source
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.sayings import saying_of
from torchyard.contracts.storage_paths import StoragePath, split_paths
from torchyard.contracts.workflows import NodeStatus, NodeSummary
from torchyard.domain import planning, reusing, substitution, validation
from torchyard.domain.reusing import Facts
from torchyard.services import graphs, workflows
from torchyard.services import reusing as finding
from torchyard.services.context import Context
from torchyard.storage import reusing as stored
from torchyard.storage import runs
from torchyard.storage.reusing import Given, Part
from torchyard.storage.workflow_tables import RunRow

#: Runs of a workflow that are looked at for where its nodes stand.
_LOOKED_BACK = 50
_NOT_MADE = "not made yet"
_INPUT = "inputs."


def of_workflow(ctx: Context, session: Session, workflow_id: str) -> list[NodeSummary]:
    """How the nodes of the latest version stand, in the graph's order.

    Raises:
        NotFound: `workflow_not_found`.
    """
    graph = workflows.graph_of(workflows.latest(session, workflow_id)[1])
    nodes = {node.name: node for node in graph.nodes}
    past = stored.last_given(session, workflow_id, nodes.keys())
    wrong = {problem.node for problem in graphs.problems_of(ctx, session, graph)}
    changed = _Today(ctx, session, graph, past, nodes).changed()
    parts = _parts(session, workflow_id, nodes.keys())
    skipped, above = {node.name for node in graph.nodes if node.skip}, _above(graph)
    found: dict[str, NodeSummary] = {}
    for name in itertools.chain(*planning.in_order(graph)):
        because: list[str] = []
        if name in wrong:
            status = NodeStatus.NOT_CONFIGURED
        elif name not in past or name in skipped:
            status = NodeStatus.READY
        else:
            unsettled = [edge.source for edge in above[name] if _is_unsettled(found.get(edge.source))]
            because = [*(reusing.part_of(field) for field in changed.get(name, [])), *unsettled]
            status = NodeStatus.STALE if because else NodeStatus.UP_TO_DATE
        found[name] = _summary(name, status, because, parts.get(name))
    return [found[node.name] for node in graph.nodes]


def _is_unsettled(above: NodeSummary | None) -> bool:
    """Whether what is below it would get something else, once it can run."""
    return above is not None and above.status in {NodeStatus.STALE, NodeStatus.NOT_CONFIGURED}


@dataclass
class _Today:
    """What would decide the nodes' results if they ran now, beside what decided them last."""

    ctx: Context
    session: Session
    graph: Graph
    past: Mapping[str, Given]
    nodes: Mapping[str, Node]
    runtimes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, Mapping[str, datetime]] = field(default_factory=dict)

    def changed(self) -> dict[str, list[str]]:
        """The fields that differ, by node; of those that succeeded before and can be read."""
        makers = [given.job_id for given in self.past.values() if given.job_id is not None]
        left = finding.left_by(self.session, makers)
        above, changed = _above(self.graph), {}
        for run, parameters in stored.givers(self.session, {given.run_id for given in self.past.values()}):
            own = {name for name, given in self.past.items() if given.run_id == run.id}
            settings = self._settings(run, parameters, own)
            for name in own & settings.keys():
                recorded = self.past[name].components
                now = self._components(run, self.nodes[name], settings, above[name], left)
                changed[name] = reusing.changed(recorded, now) if now is not None else ["settings"]
        return changed

    def _settings(
        self, run: RunRow, parameters: list[dict[str, Any]], names: set[str]
    ) -> dict[str, dict[str, Any]]:
        """What the nodes would get if the run were asked for again, of today's graph."""
        before = {one["name"]: one.get("default") for one in parameters}
        today = {one.name for one in self.graph.parameters}
        values = {
            name: value
            for name, value in run.parameters.items()
            if name in today and value != before.get(name)
        }
        datasets = {node.name for node in self.graph.nodes if node.kind is NodeKind.DATASET}
        return validation.drafted(
            self.graph, values, run.data_time, previous=run.previous_time, only=names | datasets
        )

    def _components(
        self,
        run: RunRow,
        node: Node,
        settings: Mapping[str, dict[str, Any]],
        above: list[Edge],
        left: Mapping[str, list[tuple[str, str]]],
    ) -> dict[str, str] | None:
        recorded = self.past[node.name].components
        known = reusing.seen(recorded)
        try:
            if node.kind is NodeKind.DATASET:
                dataset = DatasetSettings.model_validate(settings[node.name])
                return reusing.of_dataset(dataset, _marks(split_paths(dataset.paths), known))
            job = JobCreate.model_validate(settings[node.name])
            sources = finding.sources_of(job, {})
            data = {edge.source: self._data(edge, settings) for edge in above}
            sources |= {name: source for name, source in data.items() if source is not None}
        except (ValidationError, PydanticCustomError):
            return None
        for name in data:
            known |= reusing.seen(self.past[name].components) if name in self.past else {}
        paths = [path for source in sources.values() for path in source.paths]
        facts = Facts(
            runtime=self._runtime(job.runtime or self.ctx.limits.default_runtime),
            secrets=self._secrets(run.owner_id, job.environment),
            marks=_marks([*split_paths(job.dependency_paths), *paths], known),
            left=left,
        )
        now = reusing.of_job(job, sources, facts)
        for name in (name for name, source in data.items() if source is None):
            now[f"{_INPUT}{name}"] = self._as_before(recorded, name, above)
        return now

    def _data(self, edge: Edge, settings: Mapping[str, dict[str, Any]]) -> Source | None:
        """What an edge brings; None if that is not known before it runs."""
        source = self.nodes[edge.source]
        if source.skip:
            return Source()
        if source.kind is NodeKind.DATASET:
            dataset = DatasetSettings.model_validate(settings.get(edge.source, {}))
            files = tuple(NamedBlob(file.sha256, file.name) for file in dataset.files)
            return Source(paths=tuple(split_paths(dataset.paths)), files=files)
        given = self.past.get(edge.source)
        if edge.when is not When.SUCCESS or given is None or given.job_id is None or not given.kept:
            return None
        return Source(job=given.job_id)

    def _as_before(self, recorded: Mapping[str, str], name: str, above: list[Edge]) -> str:
        """What an edge brought the last time, if it may do so again."""
        when = next(edge.when for edge in above if edge.source == name)
        again = when is not When.SUCCESS or name in self.past
        return recorded.get(f"{_INPUT}{name}", _NOT_MADE) if again else _NOT_MADE

    def _secrets(self, owner_id: str, environment: Mapping[str, str]) -> Mapping[str, datetime]:
        if not substitution.secrets_named(environment.values()):
            return {}
        if owner_id not in self.secrets:
            self.secrets[owner_id] = stored.secrets_set(self.session, owner_id)
        return self.secrets[owner_id]

    def _runtime(self, name: str) -> str:
        if name not in self.runtimes:
            self.runtimes[name] = finding.runtime_of(self.session, name)
        return self.runtimes[name]


def _marks(paths: list[StoragePath], known: Mapping[str, str]) -> dict[StoragePath, str]:
    return {path: known[str(path)] for path in paths if str(path) in known}


def _above(graph: Graph) -> dict[str, list[Edge]]:
    above: dict[str, list[Edge]] = {node.name: [] for node in graph.nodes}
    for edge in graph.edges:
        if edge.source in above and edge.target in above:
            above[edge.target].append(edge)
    return above


def _parts(session: Session, workflow_id: str, names: Set[str]) -> dict[str, Part]:
    """Where each node stands in the latest run that it has a part in."""
    latest = runs.latest(session, workflow_id, limit=_LOOKED_BACK)
    found = stored.parts(session, latest[:1])
    missing = names - found.keys()
    return stored.parts(session, latest[1:], missing) | found if missing and latest[1:] else found


def _summary(name: str, status: NodeStatus, because: list[str], part: Part | None) -> NodeSummary:
    return NodeSummary(
        name=name,
        status=status,
        stale_because=because,
        stale_sayings=[saying_of(one) for one in because],
        last_run=part.run_id if part else None,
        last_job=part.job_id if part else None,
        last_state=part.state if part else None,
    )
