"""Workflows as YAML files: nothing is lost, nothing changes its kind, and what is wrong has its place."""

import contextlib
import hashlib
import json
import re
import string
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from torchyard.contracts import yaml_text
from torchyard.contracts.graphs import Graph, NodeKind, ParameterType, ReuseMode, When
from torchyard.contracts.jobs import FileRef
from torchyard.contracts.notifications import NotificationCreate
from torchyard.contracts.schedules import ScheduleSettings
from torchyard.contracts.workflow_files import (
    MAX_FILE_BYTES,
    MAX_TEXT_BYTES,
    UNKNOWN,
    OpenedFile,
    WorkflowFile,
    in_order,
)
from torchyard.contracts.workflow_reading import opened
from torchyard.contracts.workflow_writing import written
from torchyard.contracts.workflows import Layout
from torchyard.errors import WorkflowFileInvalid

SHA = "a" * 64
#: Texts that readers of YAML take for something else, or that its syntax could swallow.
TRAPS = (
    *(
        "on",
        "no",
        "Yes",
        "true",
        "null",
        "~",
        "",
        " ",
        "=",
        "<<",
        "1e3",
        "1_000",
        "007",
        "0x1f",
        "0o17",
        ".5",
    ),
    *(
        "12:30:45",
        "2026-01-31",
        "2026-01-31T12:00:00Z",
        ".inf",
        ".NaN",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "?",
    ),
    *(
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a",
        "'",
        '"',
        "'a",
        "{a}",
        "[a",
        "a,b",
        "${lr}",
        "--lr ${lr}",
        "---",
        "...",
    ),
    *(
        "\n",
        "a\n",
        "a\n\n",
        "\na",
        " a\n",
        "\ta\n",
        "a \n",
        "  a\n b\n",
        "a\n  \n",
        "a\r\n",
        "a\x7f\n",
        "a\x85b\n",
    ),
    *(
        "\u2028",
        "\ufeff",
        "a\n\ufeff",
        "\ud7ff\ue000",
        "\U0001f600\n",
        "\U0010ffff",
        "\ufffe",
        "1\n",
        "null\n",
        ":",
    ),
)
hostile = st.sampled_from(TRAPS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30
)
blocks = st.text(st.sampled_from("ab\n\t #:-'\"|>\u00e9\u4e2d"), max_size=20)
texts = hostile | blocks
names = st.sampled_from(("data", "train", "训练", "007", "no", "1e3", "a b")) | hostile.filter(
    lambda text: len(text) <= 200
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.booleans() | numbers | texts
values = st.recursive(
    st.none() | scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
files = st.fixed_dictionaries({"sha256": st.sampled_from((SHA, "b" * 64)) | texts, "name": texts})
known_settings: dict[str, Any] = {
    "script": files | values,
    "dependencies": files | values,
    "files": st.lists(files, max_size=2) | values,
    "paths": texts | values,
    "arguments": texts | values,
    "environment": st.dictionaries(texts, texts, max_size=3) | values,
    "resources": st.fixed_dictionaries({"gpus": st.integers(), "gpu_model": texts}) | values,
    "requirements": texts,
    **dict.fromkeys(("kind", "needs", "skip", "reuse", "settings"), values),
}
settings = st.fixed_dictionaries({}, optional=known_settings) | st.dictionaries(texts, values, max_size=3)
nodes = st.fixed_dictionaries(
    {"name": names, "settings": settings},
    optional={
        "kind": st.sampled_from(NodeKind),
        "skip": st.booleans(),
        "reuse": st.fixed_dictionaries(
            {"mode": st.sampled_from(ReuseMode)}, optional={"max_age_seconds": st.integers(1, 100)}
        ),
    },
)
parameters = st.fixed_dictionaries(
    {"name": names},
    optional={
        "type": st.sampled_from(ParameterType),
        "default": st.none() | scalars,
        "choices": st.lists(scalars, max_size=3),
        "description": texts,
    },
)
edges = st.fixed_dictionaries({"source": names, "target": names}, optional={"when": st.sampled_from(When)})


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    found = draw(st.lists(nodes, max_size=4))
    known = st.sampled_from([node["name"] for node in found]) if found else names
    more = st.fixed_dictionaries({"source": known, "target": known}, optional={"when": st.sampled_from(When)})
    graph = {
        "nodes": found,
        "edges": draw(st.lists(more | edges, max_size=4)),
        "parameters": draw(st.lists(parameters, max_size=3)),
        "settings": draw(
            st.fixed_dictionaries({}, optional={"parallelism": st.integers(1, 9), "time_zone": hostile})
        ),
    }
    return Graph.model_validate(graph)


positions = st.builds(
    lambda x, y: {"x": x, "y": y}, *[st.floats(-(10**7), 10**7) | st.integers(-(10**7), 10**7)] * 2
)
layouts = st.builds(
    lambda at, view: Layout.model_validate({"positions": at, "viewport": view}),
    st.dictionaries(names, positions, max_size=3),
    st.none() | positions.map(lambda at: {**at, "zoom": 1.25}),
)
schedules = st.builds(
    lambda **fields: ScheduleSettings.model_validate(fields),
    cron=hostile,
    time_zone=st.none() | st.just("Asia/Shanghai"),
    starts_at=st.none() | st.just(datetime(2026, 1, 31, tzinfo=UTC)) | st.just("2026-01-31"),
    ends_at=st.none() | st.just("2026-01-31"),
    paused=st.booleans(),
    parameters=st.dictionaries(names, scalars, max_size=2),
)
webhooks = st.builds(
    lambda on: NotificationCreate.model_validate({"url": "https://example.org/?a=1&b", "on": on}),
    st.sampled_from(["success", "failure", "both"]),
)
whole_files = st.builds(
    WorkflowFile,
    name=hostile.filter(lambda text: 1 <= len(text) <= 200),
    description=texts,
    graph=graphs(),
    layout=layouts,
    schedule=st.none() | schedules,
    notifications=st.lists(webhooks, max_size=2).map(tuple),
)


def plainly(file: WorkflowFile) -> dict[str, Any]:
    """The file's content in JSON, in which 1 and 1.0 and true differ."""
    return {
        "name": file.name,
        "description": file.description,
        "graph": json.dumps(in_order(file.graph).model_dump(mode="json"), sort_keys=True),
        "layout": file.layout,
        "schedule": file.schedule and file.schedule.model_dump_json(),
        "notifications": file.notifications,
    }


@given(whole_files)
def test_what_is_written_reads_back_the_same_and_is_written_the_same_again(file: WorkflowFile) -> None:
    text = written(file)
    back = opened(text.encode()).file

    assert plainly(back) == plainly(file)
    assert written(back) == text


@given(whole_files)
def test_readers_of_every_kind_agree_about_texts(file: WorkflowFile) -> None:
    text = written(file)
    both = [yaml.load(text, loader) for loader in (yaml.SafeLoader, yaml.CSafeLoader)]

    assert both[0]["name"] == both[1]["name"] == file.name
    assert both[0].get("description", "") == both[1].get("description", "") == file.description


@given(st.lists(blocks | hostile, max_size=4))
def test_scripts_come_back_byte_for_byte(sources: list[str]) -> None:
    contents = {hashlib.sha256(one.encode()).hexdigest(): one.encode() for one in sources}
    drawn = [
        {"name": f"n{number}", "settings": {"script": {"sha256": sha256, "name": "a.py"}}}
        for number, sha256 in enumerate(contents)
    ]
    file = WorkflowFile("scripts", Graph.model_validate({"nodes": drawn}))
    back = opened(written(file, contents).encode())

    assert back.file == file
    assert back.texts == {sha256: contents[sha256] for sha256 in back.texts}


def test_what_can_stand_in_a_file_as_it_is_is_written_out_and_all_else_named_by_its_digest() -> None:
    readable = [b"", b"print(1)", b"print(1)\n", b"if 1:\n\tprint(1)  \n\n\n", "print('训练')\n".encode()]
    other = [
        b"a\r\nb\n",
        b"\xef\xbb\xbfa\n",
        b"\xff\n",
        b"a\x0cb\n",
        b"\n",
        b"x = 1\n" * (MAX_TEXT_BYTES // 6 + 1),
    ]
    for content in (*readable, *other):
        sha256 = hashlib.sha256(content).hexdigest()
        node = {"name": "n", "settings": {"script": {"sha256": sha256, "name": "a.py"}}}
        text = written(WorkflowFile("w", Graph.model_validate({"nodes": [node]})), {sha256: content})
        assert (sha256 in text) is (content in other), content
        assert opened(text.encode()).file.graph.nodes[0].settings == node["settings"]


def test_no_more_is_written_out_than_a_file_may_have() -> None:
    contents = {}
    for number in range(20):
        source = f"# {number}\n".encode() + b"x = 1\n" * 8_000
        contents[hashlib.sha256(source).hexdigest()] = source
    drawn = [
        {"name": f"n{number}", "settings": {"script": {"sha256": sha256, "name": "a.py"}}}
        for number, sha256 in enumerate(contents)
    ]
    text = written(WorkflowFile("w", Graph.model_validate({"nodes": drawn})), contents)

    assert len(text) < MAX_FILE_BYTES / 2
    back = opened(text.encode())
    assert 0 < len(back.texts) < 20
    assert back.file.graph.nodes[-1].settings["script"] == drawn[-1]["settings"]["script"]  # type: ignore[index]


WHOLE = """\
torchyard: 1
name: MNIST
description: |
  Trains.
  Then evaluates.
parameters:
  lr: {type: number, default: 0.1, description: learning rate}
  optimizer: {type: choice, default: sgd, choices: [sgd, adam]}
settings:
  parallelism: 2
  time_zone: Asia/Shanghai
nodes:
  data:
    kind: dataset
    paths: s3://lab/mnist/
  train:
    script: {name: train.py, sha256: SHA}
    arguments: --lr ${lr}
    environment: {SEED: '7'}
    requirements: |
      einops
      tqdm
    resources: {gpu_model: H200, gpus: 1}
    retries: {after_failure: 2}
    needs: [data]
    reuse: {max_age_seconds: 3600}
  evaluate:
    script:
      name: evaluate.py
      text: |
        print("done")
    needs: [data, {node: train, when: always}]
    skip: true
    reuse: true
schedule:
  cron: 30 2 * * 1-5
  starts_at: '2026-01-31T00:00:00Z'
  overlap: queue
  parameters:
    lr: 0.01
notifications:
  - {url: 'https://example.org/hook', when: failure}
layout:
  positions:
    data: [0, 0]
    train: [240, -10.5]
  viewport: [0, 0, 1.5]
""".replace("SHA", SHA)


def test_a_file_is_as_a_person_would_write_it() -> None:
    found = opened(WHOLE.encode())

    assert written(found.file, found.texts) == WHOLE
    assert [(edge.source, edge.target, edge.when) for edge in found.file.graph.edges] == [
        ("data", "train", "success"),
        ("data", "evaluate", "success"),
        ("train", "evaluate", "always"),
    ]


def of(body: str) -> OpenedFile:
    return opened(f"torchyard: 1\nname: w\n{body}".encode())


def test_a_text_setting_is_taken_as_it_is_written_whatever_yaml_makes_of_it() -> None:
    node = of(
        "nodes:\n  n:\n    arguments: 007\n    name: 2026-01-31\n    runtime: 1e3\n"
        "    environment: {A: on, B: 0.10, C: , D: 12:30:45, E: 'null', F: TRUE}\n"
        "    resources: {gpus: 2, gpu_model: 200, cpus: '3'}\n"
    ).file.graph.nodes[0]

    assert node.settings == {
        "arguments": "007",
        "name": "2026-01-31",
        "runtime": "1e3",
        "environment": {"A": "on", "B": "0.10", "C": "", "D": "12:30:45", "E": "null", "F": "TRUE"},
        "resources": {"gpus": 2, "gpu_model": "200", "cpus": "3"},
    }


def test_shorter_ways_of_writing_are_understood() -> None:
    found = of(
        "parameters: {lr: 0.1, epochs: 3, fast: true, tag: 007, day: {type: string, default: 1.50}}\n"
        "nodes:\n  a: {}\n  b:\n    needs: a\n    reuse: on\n    dependency_paths: [s3://b/x, s3://b/y]\n"
    ).file.graph

    assert [(one.name, one.type, one.default) for one in found.parameters] == [
        ("lr", "number", 0.1),
        ("epochs", "integer", 3),
        ("fast", "boolean", True),
        ("tag", "string", "007"),
        ("day", "string", "1.50"),
    ]
    assert found.nodes[1].reuse.mode is ReuseMode.ON
    assert found.nodes[1].settings == {"dependency_paths": "s3://b/x,s3://b/y"}
    assert [(edge.source, edge.target) for edge in found.edges] == [("a", "b")]


def test_files_beside_it_are_told_with_their_places_and_filled_in() -> None:
    found = of(
        "nodes:\n  a:\n    script: code/train.py\n    dependencies: src/\n"
        "  b:\n    kind: dataset\n    files: [x.csv, {path: ../y.csv, name: z.csv}]\n"
    )
    assert [
        (one.node, one.setting, one.number, one.path, one.name, one.place.line) for one in found.beside
    ] == [
        ("a", "script", 0, "code/train.py", None, 5),
        ("a", "dependencies", 0, "src/", None, 6),
        ("b", "files", 0, "x.csv", None, 9),
        ("b", "files", 1, "../y.csv", "z.csv", 9),
    ]
    assert found.file.graph.nodes[0].settings["script"] == {"name": "train.py", "sha256": UNKNOWN}
    from_paths = {
        one: {"sha256": hashlib.sha256(one.path.encode()).hexdigest(), "name": one.name or "n"}
        for one in found.beside
    }
    known = found.completed({one: FileRef.model_validate(value) for one, value in from_paths.items()})
    assert known.graph.nodes[0].settings == {
        "script": from_paths[found.beside[0]],
        "dependencies": from_paths[found.beside[1]],
    }
    assert known.graph.nodes[1].settings == {"files": [from_paths[one] for one in found.beside[2:]]}


def test_a_problem_s_place_is_found_or_the_nearest_one_around_it() -> None:
    found = opened(WHOLE.encode())

    def line(node: str | None, field: str | None) -> str:
        place = found.place_of(node, field)
        assert place is not None
        return WHOLE.splitlines()[place.line - 1].strip().partition(":")[0]

    assert line("train", "settings.arguments") == "arguments"
    assert line("train", "settings.resources.gpus") == "resources"
    assert line("train", "settings.nothing.at.all") == "train"
    assert line("evaluate", "edges.2.source") == "needs"
    assert line("train", "name") == "train"
    assert line(None, "settings.time_zone") == "time_zone"
    assert line(None, "parameters.lr") == "lr"
    assert found.place_of(None, "elsewhere") is None


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("", None, None, "empty"),
        ("a: [", 2, 1, "no YAML"),
        ("torchyard: 1\nname: w\nnodes:\n\ta: 1\n", 4, 1, "no YAML"),
        ("torchyard: 1\nname: a\nname: b\n", 3, 1, "there twice; the first one is on line 2"),
        ("torchyard: 1\nname: w\nnodes:\n  a: &x {}\n  b: {}\n", 4, 6, "anchors"),
        ("torchyard: 1\nname: w\nnodes:\n  a: {}\n  b: *x\n", 5, 6, "aliases"),
        ("torchyard: 1\nname: !!str w\n", 2, 7, "tags"),
        ("torchyard: 1\nname: w\n---\na: 1\n", 3, 1, "second document"),
        ("torchyard: 1\nname: w\n? [a]\n: b\n", 3, 3, "a key has to be a text"),
        ("torchyard: 1\nname: a\x07\n", 2, 8, "U+0007"),
        ("- a\n", 1, 1, "mapping"),
        ("name: w\n", 1, 1, "lacks `torchyard: 1`"),
        ("torchyard: 2\nname: w\n", 1, 12, "version 1"),
        ("torchyard: true\nname: w\n", 1, 12, "version 1"),
        ("torchyard: 1\n", 1, 1, "no `name`"),
        ("torchyard: 1\nname: ''\n", 2, 1, "`name` is empty"),
        ("torchyard: 1\nname: [a]\n", 2, 7, "has to be a text"),
        ("torchyard: 1\nname: w\nnode: {}\n", 3, 1, "no field 'node'"),
        ("torchyard: 1\nname: w\nnodes: 5\n", 3, 8, "list"),
        ("torchyard: 1\nname: w\nnodes:\n  a: 5\n", 4, 6, "mapping"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    skip: 5\n", 5, 5, "boolean"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    kind: paper\n", 5, 5, "kind"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    script: [x]\n", 5, 13, "a file is a path"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    script: {name: x}\n", 5, 13, "a file is a path"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    script: {nam: x}\n", 5, 14, "no field 'nam'"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    needs: [{when: always}]\n", 5, 13, "name its `node`"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    needs: [{node: b, when: never}]\n", 5, 23, "when"),
        ("torchyard: 1\nname: w\nnodes:\n  a:\n    reuse: [1]\n", 5, 12, "reuse"),
        ("torchyard: 1\nname: w\nsettings: {parallelism: none}\n", 3, 12, "integer"),
        ("torchyard: 1\nname: w\nschedule: {cron: 0 * * * *, overlap: never}\n", 3, 29, "overlap"),
        ("torchyard: 1\nname: w\nnotifications: [{url: ftp://x}]\n", 3, 18, "http"),
        ("torchyard: 1\nname: w\nlayout: {positions: {a: [1]}}\n", 3, 25, "position"),
        ("torchyard: 1\nname: w\nparameters: {a: {type: list}}\n", 3, 18, "type"),
        (f"torchyard: 1\nname: w\ndescription: {'[' * 30}\n", 3, 32, "deeper"),
        (f"torchyard: 1\nname: w\ndescription: {'a' * MAX_FILE_BYTES}\n", None, None, "at most"),
    ],
)
def test_what_is_no_workflow_s_file_is_refused_with_line_and_column(
    text: str, line: int | None, column: int | None, says: str
) -> None:
    with pytest.raises(WorkflowFileInvalid) as refused:
        opened(text.encode())
    found = refused.value
    assert (found.extra.get("line"), found.extra.get("column")) == (line, column), found.message
    assert says in found.message
    assert found.code == "workflow_file_invalid"


def test_what_is_no_utf_8_is_refused_and_a_mark_at_the_beginning_is_not() -> None:
    with pytest.raises(WorkflowFileInvalid, match=re.escape("line 2, column 7")):
        opened(b"torchyard: 1\nname: \xff\n")
    assert opened(b"\xef\xbb\xbftorchyard: 1\nname: w\n").file.name == "w"


@given(st.binary(max_size=200) | st.text(string.printable, max_size=200).map(str.encode))
def test_nothing_that_is_read_fails_in_another_way(data: bytes) -> None:
    for content in (data, b"torchyard: 1\nname: w\nnodes: " + data):
        with contextlib.suppress(WorkflowFileInvalid):
            assert opened(content).file.name == "w"


def test_files_that_were_made_to_be_slow_are_not() -> None:
    for hostile_part in (
        "[" * 500_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "? " * 400_000,
        "[" + "1," * 400_000,
    ):
        with pytest.raises(WorkflowFileInvalid):
            opened(f"torchyard: 1\nname: {hostile_part}".encode())


def test_json_is_read_too() -> None:
    whole = {"torchyard": 1, "name": "w", "nodes": {"a": {"arguments": "x", "needs": []}}}
    assert opened(json.dumps(whole).encode()).file.graph.nodes[0].settings == {"arguments": "x"}


def test_plain_values_are_what_json_makes_of_them() -> None:
    found = yaml_text.plain(yaml_text.read(b"[1, -0, 1.5, 1e3, 01, true, null, ~, yes, 1_0, 9e999, +1]"))
    assert found == [1, 0, 1.5, 1000.0, "01", True, None, None, "yes", "1_0", "9e999", 1]
