"""Graphs for tests, drawn in a few words."""

from typing import Any

from torchyard.contracts.graphs import Graph
from torchyard.contracts.jobs import FileRef

Arrow = tuple[str, str] | tuple[str, str, str]


def node(name: str, script: FileRef | dict[str, str], **settings: Any) -> dict[str, Any]:
    """A node that runs a script; `skip` and `reuse` are its own, everything else its settings."""
    own = {field: settings.pop(field) for field in ("skip", "reuse") if field in settings}
    file = script.model_dump() if isinstance(script, FileRef) else script
    return {"name": name, "settings": {"script": file, **settings}, **own}


def dataset(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "kind": "dataset", "settings": settings}


def drawing(nodes: list[dict[str, Any]], *arrows: Arrow, **more: Any) -> dict[str, Any]:
    """A graph as JSON; an arrow is (source, target) or (source, target, when)."""
    edges = [dict(zip(("source", "target", "when"), arrow, strict=False)) for arrow in arrows]
    return {"nodes": nodes, "edges": edges, **more}


def graph(nodes: list[dict[str, Any]], *arrows: Arrow, **more: Any) -> Graph:
    return Graph.model_validate(drawing(nodes, *arrows, **more))
