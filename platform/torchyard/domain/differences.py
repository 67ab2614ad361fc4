"""What differs between two graphs: between versions, before a save that is refused, between two runs.

Nodes and parameters are known by their names, edges by their ends. In which order nodes and edges are listed
makes no difference; in which order parameters are listed people see.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torchyard.contracts.graphs import Edge, Graph
from torchyard.contracts.workflows import Change, Difference, FieldChange, PartChange

_Parts = dict[tuple[str, int], dict[str, Any]]


def difference(
    before: Graph,
    after: Graph,
    *,
    named_before: int | str | None = None,
    named_after: int | str | None = None,
) -> Difference:
    """What has to change in one graph to make the other of it.

    Args:
        before: The one.
        after: The other.
        named_before: The version or run that the one belongs to.
        named_after: That of the other.
    """
    return Difference(before=named_before, after=named_after, changes=list(_changes(before, after)))


def same(one: Graph, other: Graph) -> bool:
    """Whether the graphs do the same."""
    return one.model_dump_json() == other.model_dump_json() or next(_changes(one, other), None) is None


def field_changes(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> list[FieldChange]:
    """The fields that differ between two objects, by dotted paths; lists are compared as a whole."""
    changes: list[FieldChange] = []
    for name in dict.fromkeys((*before, *after)):
        one, other = before.get(name), after.get(name)
        field = f"{path}{name}"
        if isinstance(one, dict) and isinstance(other, dict):
            changes += field_changes(one, other, f"{field}.")
        elif not _equal(one, other):
            changes.append(FieldChange(field=field, before=one, after=other))
    return changes


def _changes(before: Graph, after: Graph) -> Iterator[PartChange]:
    one, other = before.model_dump(mode="json"), after.model_dump(mode="json")
    yield from _parts("node", _by_name(one["nodes"]), _by_name(other["nodes"]))
    yield from _parts("edge", _by_ends(before.edges), _by_ends(after.edges))
    parameters = _by_name(one["parameters"]), _by_name(other["parameters"])
    yield from _parts("parameter", *parameters)
    yield from _reordered(*parameters)
    fields = field_changes(one["settings"], other["settings"])
    if fields:
        yield PartChange(part="settings", name="settings", change=Change.CHANGED, fields=fields)


def _by_name(parts: Iterable[dict[str, Any]]) -> _Parts:
    return _numbered(
        (part["name"], {key: value for key, value in part.items() if key != "name"}) for part in parts
    )


def _by_ends(edges: Iterable[Edge]) -> _Parts:
    return _numbered((f"{edge.source} → {edge.target}", {"when": edge.when.value}) for edge in edges)


def _numbered(parts: Iterable[tuple[str, dict[str, Any]]]) -> _Parts:
    """Parts by name; a draft may have a name twice, so it is told which one of that name it is."""
    seen: Counter[str] = Counter()
    found: _Parts = {}
    for name, part in parts:
        found[name, seen[name]] = part
        seen[name] += 1
    return found


def _parts(part: str, before: _Parts, after: _Parts) -> Iterator[PartChange]:
    for (name, count), now in after.items():
        earlier = before.get((name, count))
        if earlier is None:
            yield PartChange(part=part, name=name, change=Change.ADDED)
            continue
        fields = field_changes(earlier, now)
        if fields:
            yield PartChange(part=part, name=name, change=Change.CHANGED, fields=fields)
    for key in before:
        if key not in after:
            yield PartChange(part=part, name=key[0], change=Change.REMOVED)


def _reordered(before: _Parts, after: _Parts) -> Iterator[PartChange]:
    earlier = [name for name, count in before if (name, count) in after]
    now = [name for name, count in after if (name, count) in before]
    if earlier != now:
        order = FieldChange(field="order", before=list(earlier), after=list(now))
        yield PartChange(part="settings", name="parameters", change=Change.CHANGED, fields=[order])


def _equal(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; 1 and true are not, nor 1 and 1.0."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    return type(one) is type(other) and bool(one == other)
