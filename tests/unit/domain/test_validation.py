from datetime import UTC, datetime
from typing import Any

import pytest

from torchyard.contracts.graphs import Graph
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.workflows import Problem
from torchyard.domain.node_settings import files_of
from torchyard.domain.validation import MAX_PROBLEMS, problems, resolved
from torchyard.errors import WorkflowInvalid

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCRIPT = {"sha256": "a" * 64, "name": "train.py"}


def node(name: str = "train", **fields: Any) -> dict[str, Any]:
    """A node that can run, but for what the test says; `settings` go over those of a script."""
    return {"name": name, **fields, "settings": {"script": SCRIPT, **fields.get("settings", {})}}


def dataset(name: str = "data", **settings: Any) -> dict[str, Any]:
    return {"name": name, "kind": "dataset", "settings": settings}


def edge(source: str, target: str, **fields: Any) -> dict[str, Any]:
    return {"source": source, "target": target, **fields}


def graph(*nodes: dict[str, Any], **parts: Any) -> Graph:
    return Graph.model_validate({"nodes": nodes, **parts})


def found(graph: Graph, **more: Any) -> list[Problem]:
    return problems(graph, now_macros=NOW, **more)


def told(graph: Graph, **more: Any) -> list[tuple[str, str | None, str | None]]:
    return [(one.code, one.node, one.field) for one in found(graph, **more)]


def settled(*nodes: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """What the job of the last of the nodes gets."""
    return resolved(graph(*nodes, **parts), {}, NOW)[nodes[-1]["name"]]


@pytest.mark.parametrize("name", ["a", "A-b_1", "-", "训练", "Größe", "обучение", "a" * 64])
def test_a_name_has_letters_of_any_script_digits_and_hyphens(name: str) -> None:
    assert told(graph(node(name))) == []


@pytest.mark.parametrize(
    "name", ["", "a b", "a.b", "a/b", "..", "a" * 65, "a\n", "A\u030a", "𠀀" * 64, "${x}"]
)
def test_other_names_are_told(name: str) -> None:
    assert told(graph(node(name))) == [("name_invalid", name, "name")]


def test_a_name_is_one_nodes_alone() -> None:
    assert told(graph(node(), node(), node())) == [("name_duplicate", "train", "name")]


@pytest.mark.parametrize(
    ("edges", "problem"),
    [
        ([edge("a", "x")], ("edge_to_nowhere", "a", "edges.0.target")),
        ([edge("a", "b"), edge("x", "a")], ("edge_to_nowhere", "a", "edges.1.source")),
        ([edge("a", "a")], ("edge_to_itself", "a", "edges.0")),
        ([edge("a", "b"), edge("a", "b", when="failure")], ("edge_duplicate", "b", "edges.1")),
        ([edge("a", "b"), edge("b", "a")], ("cycle", "a", "edges")),
    ],
)
def test_an_edge_that_can_not_be_is_told(edges: list[Any], problem: Any) -> None:
    assert told(graph(node("a"), node("b"), edges=edges)) == [problem]


def test_the_nodes_of_every_circle_are_named_and_no_others() -> None:
    edges = [edge(*pair) for pair in ("ab", "bc", "ca", "cd", "de", "ed", "ef", "ga")]

    circles = found(graph(*map(node, "abcdefg"), edges=edges))

    assert [one.message for one in circles] == [
        "these nodes wait for each other: a → b → c → a",
        "these nodes wait for each other: d → e → d",
    ]


def test_a_circle_of_thousands_is_told_in_short() -> None:
    names = [f"n{number}" for number in range(3000)]
    edges = [edge(*pair) for pair in zip(names, [*names[1:], names[0]], strict=True)]

    (circle,) = found(graph(*map(node, names), edges=edges))

    assert circle.message.endswith("n9 → … → n0")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"script": None}, ("field_invalid", "settings.script")),
        ({"arguments": "'"}, ("arguments_invalid", "settings.arguments")),
        ({"resources": {"cpus": 0}}, ("field_invalid", "settings.resources.cpus")),
        ({"resources": {"cpus": "two"}}, ("field_invalid", "settings.resources.cpus")),
        ({"environment": {"PATH": "x"}}, ("env_not_allowed", "settings.environment")),
        ({"dependency_paths": "http://x"}, ("s3_uri_invalid", "settings.dependency_paths")),
        ({"surprise": 1}, ("field_unknown", "settings.surprise")),
        ({"arguments": "${lr"}, ("parameter_unknown", "settings.arguments")),
        ({"arguments": "${lr}"}, ("parameter_unknown", "settings.arguments")),
        ({"arguments": "${none.outputs}"}, ("parameter_unknown", "settings.arguments")),
        ({"arguments": "${secrets.KEY}"}, ("secret_not_allowed", "settings.arguments")),
        ({"environment": {"A": "${lr}"}}, ("parameter_unknown", "settings.environment.A")),
        ({"resources": {"cpus": "${lr}"}}, ("parameter_unknown", "settings.resources.cpus")),
        ({"arguments": "${YYYYMMDD-999999}"}, ("macro_out_of_range", "settings.arguments")),
    ],
)
def test_settings_that_no_job_could_have_are_told_once(settings: dict[str, Any], problem: Any) -> None:
    code, field = problem

    assert told(graph(node(settings=settings))) == [(code, "train", field)]


def test_a_missing_script_is_told() -> None:
    assert told(graph({"name": "train"})) == [("script_missing", "train", "settings.script")]


def test_everything_wrong_is_told_at_once() -> None:
    wrong = graph(
        {"name": "a b"},
        node("c", settings={"arguments": "${x} ${y}", "resources": {"cpus": 0}}),
        dataset("d"),
        edges=[edge("c", "e")],
        parameters=[{"name": "1"}],
        settings={"time_zone": "Mars/Olympus"},
    )

    assert [one.code for one in found(wrong)] == [
        "time_zone_unknown",
        "parameter_name_invalid",
        "name_invalid",
        "edge_to_nowhere",
        "script_missing",
        "parameter_unknown",
        "parameter_unknown",
        "field_invalid",
        "dataset_empty",
    ]


@pytest.mark.parametrize("zone", ["", "..", "/etc/passwd", "America", "Mars/Olympus", "localtime"])
def test_a_time_zone_has_to_be_known(zone: str) -> None:
    assert told(graph(node(), settings={"time_zone": zone})) == [
        ("time_zone_unknown", None, "settings.time_zone")
    ]


def test_thousands_of_problems_are_told_in_short() -> None:
    listed = found(graph(*({"name": f"n{number}"} for number in range(MAX_PROBLEMS + 7))))

    assert len(listed) == MAX_PROBLEMS + 1
    assert (listed[-1].code, listed[-1].message) == ("more_problems", "7 more problems are not listed")


@pytest.mark.parametrize("text", ["a", 5, None, [], {"sha256": 5}, {"sha256": "A" * 64}])
def test_a_graph_is_read_whatever_its_settings_hold(text: Any) -> None:
    for kind in ("pytorch", "dataset"):
        names = ("script", "dependencies", "files", "paths", "environment", "inputs", "resources")
        odd = graph({"name": "n", "kind": kind, "settings": dict.fromkeys(names, text)})
        assert found(odd)
        assert list(files_of(odd)) == []


@pytest.mark.parametrize(
    ("settings", "code", "field"),
    [
        ({}, "dataset_empty", "settings.paths"),
        ({"paths": " , "}, "dataset_empty", "settings.paths"),
        ({"paths": "/etc"}, "s3_uri_invalid", "settings.paths"),
        ({"paths": "s3://${secrets.X}/"}, "secret_not_allowed", "settings.paths"),
        ({"script": SCRIPT}, "field_unknown", "settings.script"),
        (
            {"files": [SCRIPT, {**SCRIPT, "sha256": "b" * 64}]},
            "dependency_conflict",
            "settings.files.1.name",
        ),
        ({"files": [{**SCRIPT, "name": "../x"}]}, "file_name_invalid", "settings.files.0.name"),
    ],
)
def test_a_dataset_that_names_no_data_is_told(settings: dict[str, Any], code: str, field: str) -> None:
    assert told(graph(dataset(**settings))) == [(code, "data", field)]


def test_a_dataset_names_paths_or_files() -> None:
    assert told(graph(dataset(paths="s3://data/x"), dataset("b", files=[SCRIPT]))) == []


def test_what_has_nothing_to_run_is_told() -> None:
    assert told(graph()) == [("graph_empty", None, "nodes")]
    assert told(graph(node(skip=True))) == [("all_skipped", None, "nodes")]


def test_what_is_skipped_may_be_unfinished() -> None:
    unfinished = {"name": "later", "skip": True, "settings": {"arguments": "${nothing}"}}

    assert told(graph(node(), unfinished)) == []
    assert resolved(graph(node(), unfinished), {}, NOW)["later"] == unfinished["settings"]


def test_for_a_part_only_its_settings_count() -> None:
    half = graph(node(), {"name": "unfinished"})

    assert told(half, only={"train"}) == []
    assert [one.code for one in found(half, only={"unfinished"})] == ["script_missing"]


def test_a_parameter_without_a_value_is_wrong_for_a_run_only() -> None:
    wanting = graph(
        node(settings={"arguments": "${lr}", "resources": {"cpus": "${cpus}"}}),
        dataset(paths="${bucket}"),
        parameters=[{"name": "lr"}, {"name": "cpus", "type": "integer"}, {"name": "bucket"}],
    )

    assert told(wanting) == []
    assert told(wanting, parameters={"lr": "1"}) == [
        ("parameter_missing", None, "parameters.bucket"),
        ("parameter_missing", None, "parameters.cpus"),
    ]
    assert told(wanting, parameters={"lr": "1", "cpus": 0, "bucket": "x"}) == [
        ("field_invalid", "train", "settings.resources.cpus"),
        ("s3_uri_invalid", "data", "settings.paths"),
    ]


def test_what_refers_to_a_missing_value_is_checked_but_for_that() -> None:
    wanting = graph(
        node(settings={"environment": {"A": "${lr}", "B": "${x}"}, "arguments": "'"}),
        parameters=[{"name": "lr"}],
    )

    assert [one.code for one in found(wanting)] == ["parameter_unknown", "arguments_invalid"]


def test_values_of_a_run_are_checked() -> None:
    typed = graph(node(), parameters=[{"name": "n", "type": "integer", "default": 1}])

    assert told(typed, parameters={"n": "x", "m": 1}) == [
        ("parameter_unknown", None, "parameters.m"),
        ("parameter_invalid", None, "parameters.n"),
    ]


def test_references_are_replaced_in_the_types_of_the_fields() -> None:
    job = settled(
        node("up"),
        node(
            settings={
                "arguments": "--lr ${lr} --day ${date-1} --data ${up.outputs} $${x}",
                "environment": {"A": "${lr} ${secrets.KEY} $${x}"},
                "resources": {"cpus": "${cpus}"},
                "ignore_warnings": "${quiet}",
            }
        ),
        edges=[edge("up", "train", when="always")],
        parameters=[
            {"name": "lr", "type": "number", "default": 0.1},
            {"name": "cpus", "type": "integer", "default": 2},
            {"name": "quiet", "type": "boolean", "default": True},
        ],
    )

    assert job == {
        "script": SCRIPT,
        "arguments": "--lr 0.1 --day 2025-12-31 --data inputs/up ${x}",
        "environment": {"A": "0.1 ${secrets.KEY} $${x}"},
        "resources": {"cpus": 2},
        "ignore_warnings": True,
    }
    assert JobCreate.model_validate(job)


def test_a_value_that_looks_like_a_reference_is_none() -> None:
    job = settled(
        node(settings={"arguments": "${a}", "environment": {"A": "${a}"}}),
        parameters=[{"name": "a", "default": "${date} ${secrets.X}"}],
    )

    assert job["arguments"] == "${date} ${secrets.X}"
    assert job["environment"] == {"A": "$${date} $${secrets.X}"}


def test_outputs_of_a_node_need_an_edge_from_it() -> None:
    nodes = node("up"), node("middle"), node(settings={"arguments": "${up.outputs}"})

    assert told(graph(*nodes, edges=[edge("up", "middle"), edge("middle", "train")])) == [
        ("outputs_without_edge", "train", "settings.arguments")
    ]


def test_file_names_are_no_place_for_references() -> None:
    named = {**SCRIPT, "name": "${date}.py"}

    assert settled(node(settings={"script": named}))["script"] == named


def test_an_input_of_the_name_of_a_node_above_is_refused() -> None:
    job = "job:00000000-0000-0000-0000-000000000000"
    above = [node("up"), node(settings={"inputs": {"up": job}})]

    assert told(graph(*above)) == []
    assert told(graph(*above, edges=[edge("up", "train")])) == [
        ("inputs_invalid", "train", "settings.inputs")
    ]


def test_a_graph_with_problems_has_no_settings() -> None:
    with pytest.raises(WorkflowInvalid) as refusal:
        resolved(graph({"name": "a"}, {"name": "b"}), {}, NOW)

    assert refusal.value.code == "workflow_invalid"
    assert refusal.value.message == "a: it has no script (and 1 more)"
    assert [one["node"] for one in refusal.value.extra["errors"]] == ["a", "b"]


def test_macros_go_by_the_graphs_time_zone_and_the_due_time_before() -> None:
    daily = graph(
        node(settings={"arguments": "${date} ${YYYYMMDD}"}), settings={"time_zone": "Asia/Shanghai"}
    )
    late, before = datetime(2026, 1, 1, 20, tzinfo=UTC), datetime(2025, 12, 30, 20, tzinfo=UTC)

    assert resolved(daily, {}, late)["train"]["arguments"] == "2026-01-02 20260101"
    assert resolved(daily, {}, late, previous=before)["train"]["arguments"] == "2026-01-02 20251231"


def test_the_files_that_nodes_name_are_found() -> None:
    named = graph(node(settings={"dependencies": {**SCRIPT, "sha256": "b" * 64}}), dataset(files=[SCRIPT]))

    assert [tuple(one) for one in files_of(named)] == [
        ("train", "settings.script.sha256", "a" * 64),
        ("train", "settings.dependencies.sha256", "b" * 64),
        ("data", "settings.files.0.sha256", "a" * 64),
    ]
