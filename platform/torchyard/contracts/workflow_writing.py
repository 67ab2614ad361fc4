"""A workflow as the text of its file: everything in one order, and nothing that goes without saying."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from torchyard.contracts.graphs import (
    DatasetSettings,
    Edge,
    Graph,
    Node,
    NodeKind,
    Parameter,
    ParameterType,
    Reuse,
    ReuseMode,
    When,
)
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.notifications import NotificationCreate, Outcomes
from torchyard.contracts.schedules import ScheduleSettings
from torchyard.contracts.workflow_files import (
    FILES,
    MAX_TEXT_BYTES,
    MAX_TEXTS_BYTES,
    ONE_FILE,
    VERSION,
    WorkflowFile,
    edges_to,
    in_order,
    is_exact,
)
from torchyard.contracts.workflows import Layout
from torchyard.contracts.yaml_text import OneLine, OneLineList, is_block, write

_FIRST = ("script", "dependencies", "dependency_paths", "arguments", "environment", "inputs", "requirements")
_ORDER = {
    name: number
    for number, name in enumerate(
        dict.fromkeys((*_FIRST, *JobCreate.model_fields, *DatasetSettings.model_fields))
    )
}
#: What each line of a text costs in a file, indented.
_INDENTATION = 10


def written(file: WorkflowFile, contents: Mapping[str, bytes] | None = None) -> str:
    """The file's text.

    Args:
        file: What it is to say.
        contents: Files by their SHA-256. Those that are text are written out, within limits; everything
            else is named by its SHA-256.
    """
    graph, texts = in_order(file.graph), _Texts(contents or {})
    nodes = {node.name: node for node in graph.nodes}
    unique = len(nodes) == len(graph.nodes)
    edges = edges_to(graph)
    loose = [edge for edge in graph.edges if not unique or edge.target not in nodes]
    parts: dict[str, Any] = {
        "torchyard": VERSION,
        "name": file.name,
        "description": file.description,
        "parameters": _parameters(graph.parameters),
        "settings": _said(graph.settings),
        "nodes": {name: _node(node, edges.get(name, []), texts) for name, node in nodes.items()}
        if unique
        else [_said(node) for node in graph.nodes],
        "edges": [OneLine(_said(edge)) for edge in loose],
        "schedule": _schedule(file.schedule),
        "notifications": [_notification(one) for one in file.notifications],
        "layout": _layout(file.layout, graph),
    }
    return write({name: part for name, part in parts.items() if part not in ("", None, {}, [])})


class _Texts:
    """Decides which files are written out."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._left = MAX_TEXTS_BYTES

    def of(self, sha256: str) -> str | None:
        """The file's text, if it is written out."""
        content = self._contents.get(sha256)
        if content is None or len(content) > MAX_TEXT_BYTES:
            return None
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return None
        size = len(content) + _INDENTATION * text.count("\n")
        if size > self._left or not (is_block(text) or not text):
            return None
        self._left -= size
        return text


def _node(node: Node, edges: list[Edge], texts: _Texts) -> dict[str, Any]:
    found: dict[str, Any] = {} if node.kind is NodeKind.PYTORCH else {"kind": str(node.kind)}
    if is_exact(node.settings):
        found["settings"] = _sorted(node.settings)
    else:
        for name in sorted(node.settings, key=lambda one: (_ORDER.get(one, len(_ORDER)), one)):
            found[name] = _setting(name, node.settings[name], texts)
    if edges:
        found["needs"] = OneLineList(_need(edge) for edge in edges)
    if node.skip:
        found["skip"] = True
    if node.reuse != Reuse():
        found["reuse"] = _reuse(node.reuse)
    return found


def _setting(name: str, value: Any, texts: _Texts) -> Any:
    if name in ONE_FILE and value is not None:
        return _file(value, texts)
    if name == FILES:
        return [_file(one, texts) for one in value]
    if isinstance(value, dict):
        short = len(value) <= 4 and not any(isinstance(one, dict | list) for one in value.values())
        short = short and not any(isinstance(one, str) and "\n" in one for one in value.values())
        return OneLine(_sorted(value)) if short else _sorted(value)
    return _sorted(value)


def _file(value: Mapping[str, str], texts: _Texts) -> dict[str, Any]:
    text = texts.of(value["sha256"])
    if text is None:
        return OneLine(name=value["name"], sha256=value["sha256"])
    return {"name": value["name"], "text": text}


def _sorted(value: Any) -> Any:
    """A setting in an order that does not depend on how it was stored."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    if isinstance(value, list):
        return [_sorted(one) for one in value]
    return value


def _need(edge: Edge) -> Any:
    return edge.source if edge.when is When.SUCCESS else OneLine(node=edge.source, when=str(edge.when))


def _reuse(reuse: Reuse) -> Any:
    if reuse.max_age_seconds is None:
        return True
    mode = {} if reuse.mode is ReuseMode.ON else {"mode": str(reuse.mode)}
    return OneLine(mode, max_age_seconds=reuse.max_age_seconds)


def _parameters(parameters: list[Parameter]) -> Any:
    named = {one.name: one for one in parameters}
    if len(named) == len(parameters) and all(map(_is_typed, parameters)):
        return {name: OneLine(_parameter(one)) for name, one in named.items()}
    return [OneLine(_said(one)) for one in parameters]


def _is_typed(parameter: Parameter) -> bool:
    """Whether the default of a text is one, so that it is read back as it was."""
    return parameter.type is not ParameterType.STRING or isinstance(parameter.default, str | None)


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {"type": str(parameter.type)} | {
        name: value for name, value in _said(parameter).items() if name not in {"name", "type"}
    }


def _schedule(schedule: ScheduleSettings | None) -> dict[str, Any] | None:
    return None if schedule is None else _said(schedule)


def _notification(webhook: NotificationCreate) -> dict[str, Any]:
    # Not `on`, which older readers of YAML take for yes.
    when = {} if webhook.on is Outcomes.BOTH else {"when": str(webhook.on)}
    return OneLine({"url": webhook.url}, **when)


def _layout(layout: Layout, graph: Graph) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = dict.fromkeys(node.name for node in graph.nodes)
    others = sorted(layout.positions.keys() - names.keys())
    ordered = [*(name for name in names if name in layout.positions), *others]
    if ordered:
        places = ((name, layout.positions[name]) for name in ordered)
        found["positions"] = {name: OneLineList([_short(at.x), _short(at.y)]) for name, at in places}
    if layout.viewport is not None:
        view = layout.viewport
        found["viewport"] = OneLineList(map(_short, (view.x, view.y, view.zoom)))
    return found


def _short(number: float) -> int | float:
    return int(number) if number.is_integer() else number


def _said(value: BaseModel) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(value.model_dump_json(exclude_defaults=True))
    return said
