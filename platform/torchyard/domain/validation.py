"""What is wrong with a graph: all of it at once, each with the node and the field that are to blame.

A graph with problems can be saved, and does not run.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

from torchyard.contracts.graphs import Edge, Graph
from torchyard.contracts.inputs import input_name
from torchyard.contracts.sayings import say
from torchyard.contracts.workflows import Problem
from torchyard.domain import parameters as defining
from torchyard.domain.macros import Times
from torchyard.domain.node_settings import Sources, settle
from torchyard.domain.timetables import zone_of
from torchyard.errors import FieldInvalid, WorkflowInvalid

#: Problems told at once; behind them stands how many more there are.
MAX_PROBLEMS = 1_000
#: Nodes of a circle that its sentence names.
_NAMED = 10


class _Examined(NamedTuple):
    settings: dict[str, dict[str, Any]]
    problems: list[Problem]


def problems(
    graph: Graph,
    *,
    parameters: Mapping[str, Any] | None = None,
    now_macros: datetime,
    previous: datetime | None = None,
    only: Collection[str] | None = None,
) -> list[Problem]:
    """All mistakes of a graph; it can run if there is none.

    Args:
        graph: The graph.
        parameters: What a run is given; None while there is to be none: then a parameter may lack a value.
        now_macros: What time macros go by: a run's data time.
        previous: The due time before it, of a schedule's run.
        only: The nodes whose settings count, for a run of a part; all if None.
    """
    return _short(_examine(graph, parameters, _times(graph, now_macros, previous), only).problems)


def resolved(
    graph: Graph,
    values: Mapping[str, Any],
    data_time: datetime,
    *,
    previous: datetime | None = None,
    only: Collection[str] | None = None,
) -> dict[str, dict[str, Any]]:
    """The nodes' settings by their names, with everything put in: what their jobs get.

    A dataset's are those of `DatasetSettings`. Nodes that are skipped keep theirs as they were drawn.

    Args:
        graph: The graph.
        values: What the run is given, or all its values.
        data_time: What time macros go by.
        previous: The due time before it, of a schedule's run.
        only: The nodes that are wanted; all if None.

    Raises:
        WorkflowInvalid: It has mistakes, all of which are told.
    """
    examined = _examine(graph, values, _times(graph, data_time, previous), only)
    if examined.problems:
        raise refusal(examined.problems)
    return examined.settings


def drafted(
    graph: Graph,
    values: Mapping[str, Any],
    data_time: datetime,
    *,
    previous: datetime | None = None,
    only: Collection[str],
) -> dict[str, dict[str, Any]]:
    """As `resolved`, of a graph that may have mistakes: without the nodes that have any."""
    examined = _examine(graph, values, _times(graph, data_time, previous), only)
    wrong = {problem.node for problem in examined.problems}
    return {name: found for name, found in examined.settings.items() if name in only and name not in wrong}


def refusal(found: list[Problem]) -> WorkflowInvalid:
    """The refusal to run a graph with these problems."""
    first = found[0]
    told = first.sentence if first.node is None else say("of_node", node=first.node, problem=first.sentence)
    return WorkflowInvalid(
        say("and_more", first=told, more=len(found) - 1) if len(found) > 1 else told,
        field=first.field,
        errors=[problem.model_dump(mode="json") for problem in _short(found)],
    )


def _short(found: list[Problem]) -> list[Problem]:
    if len(found) <= MAX_PROBLEMS:
        return found
    more = say("problems_unlisted", count=len(found) - MAX_PROBLEMS)
    return [*found[:MAX_PROBLEMS], Problem(code="more_problems", message=more, field="nodes")]


def _times(graph: Graph, data_time: datetime, previous: datetime | None) -> Times:
    try:
        return Times(data_time, zone_of(graph.settings.time_zone), previous)
    except FieldInvalid:
        return Times(data_time, ZoneInfo("UTC"), previous)


def _examine(
    graph: Graph, given: Mapping[str, Any] | None, times: Times, only: Collection[str] | None
) -> _Examined:
    run = defining.of_run(graph.parameters, given)
    found = [*_general(graph), *defining.definition_problems(graph.parameters), *run.problems]
    if given is not None:
        wanted = sorted({one.name for one in graph.parameters if one.default is None} & run.missing)
        found += [defining.missing_problem(name) for name in wanted if name not in given]
    found += [*_names(graph), *_edges(graph), *_circles(graph)]
    sources = Sources(
        values={name: defining.text_of(value) for name, value in run.values.items()},
        missing=run.missing,
        times=times,
        nodes={node.name for node in graph.nodes},
    )
    upstream: dict[str, set[str]] = {}
    for edge in graph.edges:
        upstream.setdefault(edge.target, set()).add(edge.source)
    settings = {}
    for node in graph.nodes:
        settings[node.name] = dict(node.settings)
        if not node.skip and (only is None or node.name in only):
            settings[node.name], wrong = settle(node, sources, upstream.get(node.name, ()))
            found += wrong
    return _Examined(settings, found)


def _general(graph: Graph) -> Iterator[Problem]:
    if not graph.nodes:
        yield Problem(code="graph_empty", message="there is no node to run", field="nodes")
    elif all(node.skip for node in graph.nodes):
        yield Problem(
            code="all_skipped", message="every node is skipped, so nothing would run", field="nodes"
        )
    try:
        zone_of(graph.settings.time_zone)
    except FieldInvalid as problem:
        yield Problem(code=problem.code, message=problem.message, field="settings.time_zone")


def _names(graph: Graph) -> Iterator[Problem]:
    for name, count in Counter(node.name for node in graph.nodes).items():
        if count > 1:
            message = say("name_taken", name=name[:80], number=count)
            yield Problem(code="name_duplicate", message=message, node=name, field="name")
        wrong = _name_fault(name)
        if wrong is not None:
            yield Problem(code="name_invalid", message=wrong, node=name, field="name")


def _name_fault(name: str) -> str | None:
    try:
        normal = input_name(name)
    except PydanticCustomError as problem:
        return problem.message()
    return None if name == normal else f"{name!r} has to be written in Unicode's composed form (NFC)"


def _edges(graph: Graph) -> Iterator[Problem]:
    names = {node.name for node in graph.nodes}
    seen: set[tuple[str, str]] = set()
    for number, edge in enumerate(graph.edges):
        yield from _loose_ends(edge, number, names)
        blamed = edge.target if edge.target in names else None
        if edge.source == edge.target:
            message = say("edge_circle", node=edge.source[:80])
            yield Problem(code="edge_to_itself", message=message, node=blamed, field=f"edges.{number}")
        elif (edge.source, edge.target) in seen:
            message = say("edge_twice", source=edge.source[:80], target=edge.target[:80])
            yield Problem(code="edge_duplicate", message=message, node=blamed, field=f"edges.{number}")
        seen.add((edge.source, edge.target))


def _loose_ends(edge: Edge, number: int, names: Collection[str]) -> Iterator[Problem]:
    ends = {"source": edge.source, "target": edge.target}
    there = next((name for name in ends.values() if name in names), None)
    for end, name in ends.items():
        if name not in names:
            message = say(f"edge_{end}_missing", node=name[:80])
            yield Problem(code="edge_to_nowhere", message=message, node=there, field=f"edges.{number}.{end}")


def _circles(graph: Graph) -> Iterator[Problem]:
    for circle in _found_circles(_steps(graph)):
        named = [*circle[:_NAMED], "…"] if len(circle) > _NAMED else circle
        message = say("nodes_in_circle", nodes=" → ".join([*named, circle[0]]))
        yield Problem(code="cycle", message=message, node=circle[0], field="edges")


def _steps(graph: Graph) -> dict[str, list[str]]:
    steps: dict[str, list[str]] = {node.name: [] for node in graph.nodes}
    for edge in graph.edges:
        if edge.source in steps and edge.target in steps and edge.source != edge.target:
            steps[edge.source].append(edge.target)
    return steps


def _found_circles(steps: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """A circle of each knot of nodes that depend on each other, by a depth-first search; rarely two."""
    done: set[str] = set()
    told: set[str] = set()
    for start in steps:
        path = {} if start in done else {start: iter(steps[start])}  # in order, with what is left to be tried
        while path:
            name, left = next(reversed(path.items()))
            step = next(left, None)
            if step is None:
                done.add(name)
                del path[name]
            elif step in path and step not in told:
                names = list(path)
                circle = names[names.index(step) :]
                told.update(circle)
                yield circle
            elif step not in path and step not in done:
                path[step] = iter(steps[step])
