"""A workflow's file, read: what it says, the files it writes out, and where everything stands."""

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from torchyard.contracts.graphs import Edge, Graph, GraphSettings, Node, Parameter, ParameterType
from torchyard.contracts.models import as_clause
from torchyard.contracts.notifications import NotificationCreate
from torchyard.contracts.schedules import ScheduleSettings
from torchyard.contracts.workflow_files import (
    FILES,
    GPU_MODEL,
    MAX_FILE_BYTES,
    NODE_KEYS,
    ONE_FILE,
    PATH_LISTS,
    RESOURCES,
    TEXT_MAPS,
    TEXTS,
    UNKNOWN,
    VERSION,
    Beside,
    OpenedFile,
    Path,
    WorkflowFile,
)
from torchyard.contracts.workflows import Layout, WorkflowCreate
from torchyard.contracts.yaml_text import Fields, Items, Leaf, Place, Value, invalid, plain, read

M = TypeVar("M", bound=BaseModel)
_KEYS = (
    "torchyard",
    "name",
    "description",
    "parameters",
    "settings",
    "nodes",
    "edges",
    "schedule",
    "notifications",
    "layout",
)
_SCHEDULE_TEXTS = frozenset({"cron", "time_zone", "starts_at", "ends_at"})
_REUSE = {True: "on", False: "off"}


def opened(data: bytes) -> OpenedFile:
    """Read a workflow's file.

    Mistakes of the graph are no mistakes of the file: those are told where graphs are checked.

    Raises:
        WorkflowFileInvalid: It is none; with `line` and `column`, wherever one is to blame.
    """
    if len(data) > MAX_FILE_BYTES:
        raise invalid(None, f"the file has {len(data)} bytes; at most {MAX_FILE_BYTES} are read")
    return _Opening(
        _fields(read(data), "a workflow's file has to be a mapping, with `torchyard: 1` first")
    ).done()


class _Opening:
    """Takes a file apart, and gathers the files that its nodes name."""

    def __init__(self, whole: Fields) -> None:
        self._whole = whole
        self._texts: dict[str, bytes] = {}
        self._beside: list[Beside] = []
        self._places: dict[Path, Place] = {}

    def done(self) -> OpenedFile:
        """All of it."""
        self._check_version()
        _only(self._whole, _KEYS)
        nodes, edges = self._nodes()
        graph: dict[str, Any] = {
            "nodes": nodes,
            "edges": [*edges, *self._listed("edges", Edge)],
            "parameters": self._parameters(),
            "settings": self._part("settings", GraphSettings, {"time_zone"}) or {},
        }
        file = WorkflowFile(
            name=self._text("name"),
            description=self._text("description"),
            graph=_made(Graph, graph, self._whole),
            layout=self._layout(),
            schedule=self._part("schedule", ScheduleSettings, _SCHEDULE_TEXTS),
            notifications=tuple(self._notifications()),
        )
        self._check_title(file)
        self._note((), self._whole)
        return OpenedFile(file, self._texts, tuple(self._beside), self._places)

    def _check_version(self) -> None:
        version = self._whole.fields.get("torchyard")
        if version is None:
            raise invalid(self._whole.place, f"this is no workflow's file: it lacks `torchyard: {VERSION}`")
        if not isinstance(version, Leaf) or version.value() != VERSION or version.value() is True:
            raise invalid(version.place, f"this Torchyard reads files of version {VERSION}")

    def _check_title(self, file: WorkflowFile) -> None:
        if "name" not in self._whole.fields:
            raise invalid(self._whole.place, "the workflow has no `name`")
        if not file.name:
            raise invalid(self._whole.keys["name"], "the workflow's `name` is empty")
        _made(WorkflowCreate, {"name": file.name, "description": file.description}, self._whole)

    def _text(self, key: str) -> str:
        found = self._whole.fields.get(key)
        return "" if found is None else _text(found, key) or ""

    def _part(self, key: str, model: type[M], texts: set[str] | frozenset[str]) -> M | None:
        found = self._whole.fields.get(key)
        if found is None or _is_nothing(found):
            return None
        fields = _fields(found, f"`{key}` has to be a mapping")
        values = {name: _typed(name in texts, value) for name, value in fields.fields.items()}
        return _made(model, values, fields)

    def _listed(self, key: str, model: type[M]) -> list[M]:
        found = self._whole.fields.get(key)
        if found is None or _is_nothing(found):
            return []
        return [_made(model, plain(one), one) for one in _items(found, f"`{key}` has to be a list")]

    def _parameters(self) -> list[Parameter]:
        found = self._whole.fields.get("parameters")
        if not isinstance(found, Fields):
            return self._listed("parameters", Parameter)
        return [_parameter(name, value) for name, value in found.fields.items()]

    def _nodes(self) -> tuple[list[Node], list[Edge]]:
        found = self._whole.fields.get("nodes")
        if not isinstance(found, Fields):
            return self._listed("nodes", Node), []
        nodes, edges = [], []
        for name, value in found.fields.items():
            fields = _fields(value, f"the node {name[:80]!r} has to be a mapping")
            nodes.append(self._node(name, fields))
            edges += [_edge(name, one) for one in _needs(fields)]
        return nodes, edges

    def _node(self, name: str, fields: Fields) -> Node:
        settings: dict[str, JsonValue] = {}
        if "settings" in fields.fields:
            exact = _fields(fields.fields["settings"], "`settings` has to be a mapping")
            settings |= {key: plain(value) for key, value in exact.fields.items()}
        for key, value in fields.fields.items():
            if key not in NODE_KEYS:
                if key in settings:
                    raise invalid(fields.keys[key], f"{key[:80]!r} is there twice: also below `settings`")
                settings[key] = self._setting(name, key, value)
        node: dict[str, Any] = {"name": name, "settings": settings}
        node |= {key: plain(fields.fields[key]) for key in ("kind", "skip") if key in fields.fields}
        if "reuse" in fields.fields:
            node["reuse"] = _reuse(fields.fields["reuse"])
        return _made(Node, node, fields)

    def _setting(self, node: str, key: str, value: Value) -> JsonValue:
        if key in ONE_FILE:
            return None if _is_nothing(value) else self._file(node, key, 0, value)
        if key == FILES:
            listed = _items(value, "`files` has to be a list")
            return [self._file(node, key, number, one) for number, one in enumerate(listed)]
        if key in PATH_LISTS and isinstance(value, Items):
            return ",".join(_text(one, "a path") or "" for one in value.items)
        if key in TEXTS:
            return _typed(True, value)
        if isinstance(value, Fields) and (key in TEXT_MAPS or key == RESOURCES):
            return {
                name: _typed(key in TEXT_MAPS or name == GPU_MODEL, one) for name, one in value.fields.items()
            }
        return plain(value)

    def _file(self, node: str, key: str, number: int, value: Value) -> JsonValue:
        if isinstance(value, Leaf):
            return self._named_by_path(Beside(node, key, number, value.text, None, value.place))
        fields = _fields(value, "a file is a path, or {name, text}, or {name, sha256}")
        _only(fields, ("path", "name", "text", "sha256"))
        parts = {name: _text(part, name) or "" for name, part in fields.fields.items()}
        match sorted(parts):
            case ["path"] | ["name", "path"]:
                return self._named_by_path(
                    Beside(node, key, number, parts["path"], parts.get("name"), value.place)
                )
            case ["name", "text"]:
                content = parts["text"].encode()
                sha256 = hashlib.sha256(content).hexdigest()
                self._texts[sha256] = content
                return {"name": parts["name"], "sha256": sha256}
            case ["name", "sha256"]:
                return {"name": parts["name"], "sha256": parts["sha256"]}
            case _:
                raise invalid(value.place, "a file is a path, or {name, text}, or {name, sha256}")

    def _named_by_path(self, beside: Beside) -> JsonValue:
        self._beside.append(beside)
        return {"name": beside.name or PurePosixPath(beside.path).name, "sha256": UNKNOWN}

    def _notifications(self) -> Iterator[NotificationCreate]:
        found = self._whole.fields.get("notifications")
        listed = (
            () if found is None or _is_nothing(found) else _items(found, "`notifications` has to be a list")
        )
        for one in listed:
            fields = _fields(one, "a notification is {url, when}")
            _only(fields, ("url", "when"))
            values = {{"when": "on"}.get(key, key): plain(value) for key, value in fields.fields.items()}
            yield _made(NotificationCreate, values, fields)

    def _layout(self) -> Layout:
        found = self._whole.fields.get("layout")
        if found is None or _is_nothing(found):
            return Layout()
        fields = _fields(found, "`layout` has to be a mapping")
        values: dict[str, Any] = {key: plain(value) for key, value in fields.fields.items()}
        positions = fields.fields.get("positions")
        if isinstance(positions, Fields):
            values["positions"] = {
                name: _numbers(("x", "y"), at, "a position is [x, y]")
                for name, at in positions.fields.items()
            }
        if isinstance(values.get("viewport"), list):
            view = fields.fields["viewport"]
            values["viewport"] = _numbers(("x", "y", "zoom"), view, "a viewport is [x, y, zoom]")
        return _made(Layout, values, fields)

    def _note(self, path: Path, value: Value) -> None:
        """Note where everything stands, down to the parts of settings."""
        inside: list[tuple[str, Value, Place]] = []
        if isinstance(value, Fields):
            inside = [(name, one, value.keys[name]) for name, one in value.fields.items()]
        elif isinstance(value, Items):
            inside = [(str(number), one, one.place) for number, one in enumerate(value.items)]
        for name, one, place in inside:
            self._places[*path, name] = place
            if name == "settings" and path[:1] == ("nodes",) and len(path) == len(("nodes", name)):
                self._note(path, one)  # below the node itself, as other nodes have it
            self._note((*path, name), one)


def _parameter(name: str, value: Value) -> Parameter:
    if isinstance(value, Leaf):
        return _made(Parameter, {"name": name, **_inferred(value)}, value)
    fields = _fields(
        value, f"the parameter {name[:80]!r} has to be a value, or a mapping with `type` and `default`"
    )
    values: dict[str, Any] = {key: plain(part) for key, part in fields.fields.items()}
    default = fields.fields.get("default")
    if "type" not in values and isinstance(default, Leaf):
        values |= _inferred(default)
    elif values.get("type") == ParameterType.STRING and isinstance(default, Leaf):
        values["default"] = default.literal()
    if isinstance(fields.fields.get("description"), Leaf):
        values["description"] = _text(fields.fields["description"], "description")
    if "name" in values:
        raise invalid(fields.keys["name"], "a parameter's name stands before the colon")
    return _made(Parameter, {"name": name, **values}, fields)


def _inferred(default: Leaf) -> dict[str, Any]:
    """The default, with the type that it has by its looks."""
    value = default.value()
    kinds = {bool: ParameterType.BOOLEAN, int: ParameterType.INTEGER, float: ParameterType.NUMBER}
    return {"type": kinds.get(type(value), ParameterType.STRING), "default": value}


def _needs(fields: Fields) -> tuple[Value, ...]:
    found = fields.fields.get("needs")
    if found is None or _is_nothing(found):
        return ()
    return (found,) if isinstance(found, Leaf) else _items(found, "`needs` has to be a list of nodes")


def _edge(target: str, need: Value) -> Edge:
    if isinstance(need, Leaf):
        return _made(Edge, {"source": need.text, "target": target}, need)
    fields = _fields(need, "a need is a node's name, or {node, when}")
    _only(fields, ("node", "when"))
    if "node" not in fields.fields:
        raise invalid(fields.place, "a need has to name its `node`")
    values: dict[str, Any] = {"source": _text(fields.fields["node"], "node"), "target": target}
    values |= {key: plain(value) for key, value in fields.fields.items() if key == "when"}
    return _made(Edge, values, fields)


def _reuse(value: Value) -> JsonValue:
    if isinstance(value, Leaf):
        told = value.value()
        return {"mode": _REUSE[told] if isinstance(told, bool) else told}
    found = plain(value)
    if not isinstance(found, dict):
        raise invalid(value.place, "`reuse` is true, false or {max_age_seconds}")
    mode = found.get("mode", True)
    return {**found, "mode": _REUSE[mode] if isinstance(mode, bool) else mode}


def _numbers(names: tuple[str, ...], value: Value, otherwise: str) -> JsonValue:
    items = _items(value, otherwise)
    if len(items) != len(names):
        raise invalid(value.place, otherwise)
    return dict(zip(names, map(plain, items), strict=True))


def _typed(as_text: bool, value: Value) -> JsonValue:
    return value.literal() if as_text and isinstance(value, Leaf) else plain(value)


def _text(value: Value, what: str) -> str | None:
    if not isinstance(value, Leaf):
        raise invalid(value.place, f"`{what}` has to be a text")
    return value.literal()


def _fields(value: Value, otherwise: str) -> Fields:
    if not isinstance(value, Fields):
        raise invalid(value.place, otherwise)
    return value


def _items(value: Value, otherwise: str) -> tuple[Value, ...]:
    if not isinstance(value, Items):
        raise invalid(value.place, otherwise)
    return value.items


def _is_nothing(value: Value) -> bool:
    return isinstance(value, Leaf) and value.value() is None


def _only(fields: Fields, known: tuple[str, ...]) -> None:
    for name in fields.fields:
        if name not in known:
            raise invalid(
                fields.keys[name], f"there is no field {name[:80]!r} here", f"known: {', '.join(known)}"
            )


def _made(model: type[M], values: Any, written: Value) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        _refuse(problem, written)


def _refuse(problem: ValidationError, written: Value) -> NoReturn:
    found = problem.errors(include_url=False, include_input=False)[0]
    place, part = written.place, written
    for step in found["loc"]:
        if isinstance(part, Fields) and str(step) in part.fields:
            place, part = part.keys[str(step)], part.fields[str(step)]
        elif isinstance(part, Items) and isinstance(step, int) and step < len(part.items):
            part = part.items[step]
            place = part.place
    field = ".".join(str(step)[:80] for step in found["loc"])
    raise invalid(place, f"{field}: {as_clause(found['msg'])}" if field else found["msg"])
