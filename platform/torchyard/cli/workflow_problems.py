"""What is wrong with a workflow's file: all of it, with line and column, before anything is sent."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from torchyard.cli import terminal
from torchyard.client.workflow_files import Located
from torchyard.contracts.graphs import Graph, NodeKind
from torchyard.contracts.workflows import Problem
from torchyard.domain import scripts, validation
from torchyard.errors import ScriptInvalid


class Found(NamedTuple):
    """A problem, and where it stands."""

    line: int | None
    column: int | None
    problem: Problem

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {"line": self.line, "column": self.column, **self.problem.model_dump()}


def problems_of(located: Located, parameters: Mapping[str, Any] | None = None) -> list[Found]:
    """All mistakes of the file's graph and scripts, from top to bottom; a run's, if there are parameters.

    Raises:
        WorkflowFileInvalid: It names a file that is not there.
    """
    graph = located.offline().graph
    wrong = validation.problems(graph, parameters=parameters, now_macros=datetime.now(UTC))
    return placed(located, [*wrong, *_scripts(located, graph)])


def placed(located: Located | None, problems: Iterable[Problem]) -> list[Found]:
    """The problems with their places in the file, from top to bottom."""
    found = []
    for one in problems:
        place = located.opened.place_of(one.node, one.field) if located else None
        found.append(Found(place.line, place.column, one) if place else Found(None, None, one))
    return sorted(found, key=lambda one: (one.line or 0, one.column or 0))


def show(found: Iterable[Found], file: Path | None) -> None:
    """Say what is wrong, one line each, as compilers do."""
    for line, column, problem in found:
        where = ":".join(str(part) for part in (file, line, column) if part is not None)
        parts = (where, problem.node, problem.field, f"{problem.message} [{problem.code}]")
        terminal.tell(": ".join(part for part in parts if part))


def _scripts(located: Located, graph: Graph) -> Iterator[Problem]:
    """What is wrong with the scripts that lie here."""
    runs = {
        node.name: node
        for node in graph.nodes
        if node.kind is NodeKind.PYTORCH and not node.skip and not node.settings.get("ignore_warnings")
    }
    beside = {one.node: place for one, place in located.beside() if one.setting == "script"}
    for name, node in runs.items():
        script = node.settings.get("script")
        if not isinstance(script, dict):
            continue
        text = located.opened.texts.get(str(script.get("sha256")))
        source = beside[name].read_bytes() if name in beside else text
        try:
            if source is not None:
                scripts.check(source, str(script.get("name")))
        except ScriptInvalid as wrong:
            yield Problem(code=wrong.code, message=wrong.message, node=name, field="settings.script")
