from typing import Any

import pytest

from torchyard.contracts.graphs import Graph
from torchyard.domain.differences import difference, same

BASE: dict[str, Any] = {
    "nodes": [
        {"name": "data", "kind": "dataset", "settings": {"paths": "s3://data/x"}},
        {"name": "train", "settings": {"arguments": "--lr 1", "resources": {"cpus": 1, "gpus": 1}}},
    ],
    "edges": [{"source": "data", "target": "train"}],
    "parameters": [{"name": "a", "default": "1"}, {"name": "b"}],
    "settings": {"parallelism": 2},
}


def graph(**parts: Any) -> Graph:
    return Graph.model_validate({**BASE, **parts})


def told(after: Graph) -> list[Any]:
    return [
        (
            one.part,
            one.name,
            one.change.value,
            [(field.field, field.before, field.after) for field in one.fields],
        )
        for one in difference(graph(), after).changes
    ]


def test_a_graph_does_not_differ_from_itself() -> None:
    assert told(graph()) == []
    assert same(graph(), graph())


def test_in_which_order_nodes_and_edges_stand_makes_no_difference() -> None:
    turned = graph(nodes=BASE["nodes"][::-1])

    assert told(turned) == []
    assert same(graph(), turned)


def test_fields_of_a_node_are_compared_one_by_one() -> None:
    changed = {"name": "train", "skip": True, "settings": {"resources": {"cpus": 2, "gpus": 1}, "name": "x"}}

    assert told(graph(nodes=[BASE["nodes"][0], changed])) == [
        (
            "node",
            "train",
            "changed",
            [
                ("skip", False, True),
                ("settings.arguments", "--lr 1", None),
                ("settings.resources.cpus", 1, 2),
                ("settings.name", None, "x"),
            ],
        )
    ]


def test_a_rename_is_one_node_less_and_one_more() -> None:
    renamed = {**BASE["nodes"][1], "name": "fit"}

    assert told(graph(nodes=[BASE["nodes"][0], renamed], edges=[{"source": "data", "target": "fit"}])) == [
        ("node", "fit", "added", []),
        ("node", "train", "removed", []),
        ("edge", "data → fit", "added", []),
        ("edge", "data → train", "removed", []),
    ]


@pytest.mark.parametrize(
    ("parts", "change"),
    [
        (
            {"edges": [{"source": "data", "target": "train", "when": "always"}]},
            ("edge", "data → train", "changed", [("when", "success", "always")]),
        ),
        (
            {"parameters": [{"name": "a", "default": "2"}, {"name": "b"}]},
            ("parameter", "a", "changed", [("default", "1", "2")]),
        ),
        (
            {"parameters": [{"name": "b"}, {"name": "a", "default": "1"}]},
            ("settings", "parameters", "changed", [("order", ["a", "b"], ["b", "a"])]),
        ),
        ({"settings": {}}, ("settings", "settings", "changed", [("parallelism", 2, None)])),
        (
            {"nodes": [*BASE["nodes"], {"name": "train"}]},
            ("node", "train", "added", []),
        ),
    ],
)
def test_each_part_is_told(parts: dict[str, Any], change: Any) -> None:
    assert told(graph(**parts)) == [change]
    assert not same(graph(), graph(**parts))


def test_true_is_not_one() -> None:
    one, true = (Graph.model_validate({"nodes": [{"name": "n", "settings": {"x": [x]}}]}) for x in (1, True))

    assert not same(one, true)
