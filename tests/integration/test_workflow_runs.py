"""Runs against a real stack: order, data from node to node, failure and resume, a platform that is killed."""

import hashlib
import json
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.graphs import drawing, node
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

from torchyard.client import Client
from torchyard.contracts.graphs import Graph

ENDED = {"succeeded", "failed", "cancelled"}


def uploaded(stack: Stack, source: str, name: str = "main.py") -> dict[str, str]:
    sha256 = hashlib.sha256(source.encode()).hexdigest()
    with stack.api() as api:
        api.put(f"/blobs/{sha256}", content=source.encode()).raise_for_status()
    return {"sha256": sha256, "name": name}


def started(stack: Stack, graph: dict[str, Any], **more: Any) -> str:
    with stack.api() as api:
        answer = api.post("/runs", json={"graph": graph, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def run_of(stack: Stack, run_id: str) -> Any:
    with stack.api() as api:
        return api.get(f"/runs/{run_id}").raise_for_status().json()


def ended(stack: Stack, run_id: str, seconds: float = PATIENCE) -> Any:
    return eventually(
        lambda: run if (run := run_of(stack, run_id))["state"] in ENDED else None, seconds=seconds
    )


def states(run: Any) -> dict[str, str]:
    return {one["name"]: one["state"] for one in run["nodes"]}


def log(stack: Stack, run: Any, name: str) -> str:
    job_id = next(one["job"] for one in run["nodes"] if one["name"] == name)
    with stack.api() as api:
        return api.get(f"/jobs/{job_id}/logs/stdout.log").text


MAKE = "open('outputs/number.txt', 'w').write('{}')\n"
ADD = """
import pathlib
numbers = [int(path.read_text()) for path in sorted(pathlib.Path('inputs').glob('*/number.txt'))]
print(sum(numbers))
pathlib.Path('outputs/number.txt').write_text(str(sum(numbers)))
"""


def test_a_graph_of_three_nodes_runs_in_order_and_data_goes_along(stack: Stack) -> None:
    graph = drawing(
        [
            node("add", uploaded(stack, ADD)),
            node("one", uploaded(stack, MAKE.format(1))),
            node(
                "数据",
                uploaded(stack, MAKE.format("${n}").replace("'${n}'", "__import__('sys').argv[1]")),
                arguments="${n}",
            ),
        ],
        ("one", "add"),
        ("数据", "add"),
        parameters=[{"name": "n", "type": "integer", "default": 5}],
    )
    run = ended(stack, started(stack, graph, parameters={"n": 41}))

    assert run["state"] == "succeeded", run
    assert states(run) == {"add": "succeeded", "one": "succeeded", "数据": "succeeded"}
    assert log(stack, run, "add") == "42\n"
    last = next(one for one in run["nodes"] if one["name"] == "add")
    assert all(last["created_at"] >= one["finished_at"] for one in run["nodes"] if one["name"] != "add")


def test_a_follower_of_a_run_sees_every_change_once(stack: Stack) -> None:
    graph = drawing([node("a", uploaded(stack, "print(1)\n"))])
    run_id = started(stack, graph)
    seen, end = [], None
    with httpx.stream(
        "GET", f"{stack.url}/api/v1/runs/{run_id}/events/stream", headers=stack.headers, timeout=PATIENCE
    ) as answer:
        name = "message"
        for line in answer.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: ") and name == "end":
                end = json.loads(line.removeprefix("data: "))
            elif line.startswith("data: "):
                seen.append(json.loads(line.removeprefix("data: ")))

    assert [event["seq"] for event in seen] == list(range(1, len(seen) + 1))
    assert [event["state"] for event in seen if event["node"] == "a"] == [
        "queued",
        "staging",
        "running",
        "succeeded",
    ]
    assert [event["state"] for event in seen if event["node"] is None] == ["running", "succeeded"]
    assert end == {"state": "succeeded", "sentence": "Done: 1 succeeded."}


def test_a_failed_node_is_resumed_with_another_script(stack: Stack) -> None:
    broken = uploaded(stack, "raise SystemExit(3)\n")
    graph = drawing(
        [
            node("make", uploaded(stack, MAKE.format(7))),
            node("bad", broken),
            node("add", uploaded(stack, ADD)),
        ],
        ("make", "bad"),
        ("bad", "add"),
        ("make", "add"),
    )
    run_id = started(stack, graph)
    first = ended(stack, run_id)
    assert states(first) == {"make": "succeeded", "bad": "failed", "add": "upstream_failed"}
    mended = uploaded(stack, MAKE.format(3))

    with stack.api() as api:
        answer = api.post(f"/runs/{run_id}/resume", json={"overrides": {"bad": {"script": mended}}})
        assert answer.status_code == 200, answer.text
        run = ended(stack, run_id)
        tries = api.get(f"/runs/{run_id}/nodes/bad/attempts").json()

    assert states(run) == {"make": "succeeded", "bad": "succeeded", "add": "succeeded"}
    assert log(stack, run, "add") == "10\n"
    assert [(one["number"], one["state"], one["settings"]["script"]) for one in tries] == [
        (1, "failed", broken),
        (2, "succeeded", mended),
    ]


def test_a_run_that_is_stopped_stops_its_scripts(stack: Stack) -> None:
    waits = uploaded(stack, "import signal\nprint('here', flush=True)\nwhile True: signal.pause()\n")
    run_id = started(stack, drawing([node("a", waits), node("b", waits)], ("a", "b")))
    eventually(lambda: states(run_of(stack, run_id))["a"] == "running", seconds=PATIENCE)

    with stack.api() as api:
        api.post(f"/runs/{run_id}/stop").raise_for_status()
    run = ended(stack, run_id)

    assert (run["state"], states(run)) == ("cancelled", {"a": "cancelled", "b": "cancelled"})


def test_a_run_through_the_python_client(stack: Stack) -> None:
    broken, add = uploaded(stack, "raise SystemExit(3)\n"), uploaded(stack, MAKE.format(3))
    graph = Graph.model_validate(drawing([node("a", broken), node("b", add)], ("a", "b")))
    with Client(stack.url, stack.token) as client:
        run = client.runs.start(graph, name="by hand")
        assert client.runs.wait(run.id).state == "failed"
        client.runs.resume(run.id, nodes=["a"], overrides={"a": {"script": add}})
        told = list(client.runs.events(run.id, follow=True))

        assert client.runs.get(run.id).state == "succeeded"
        assert told == list(client.runs.events(run.id))
        assert [one.state for one in client.runs.attempts(run.id, "a")] == ["failed", "succeeded"]
        assert run.id in [one.id for one in client.runs.all(limit=10)]
        again = client.runs.again(run.id)
        client.runs.stop(again.id)
        assert client.runs.wait(again.id).state in {"cancelled", "failed"}
        client.runs.delete(again.id)


def killed_in_the_middle(stack: Stack, folder: Path, nodes: int, times: int) -> None:
    """Runs of a graph whose scripts write their names into one file; the platform is killed in each."""
    for turn in range(times):
        killed_once(stack, folder / f"ran-{turn}.txt", nodes, 1 + turn * (nodes - 2) // max(1, times - 1))


def killed_once(stack: Stack, file: Path, nodes: int, after: int) -> None:
    # One write of a short line at the end of a file is whole, whoever else writes.
    script = f"import sys, time\ntime.sleep(0.1)\nopen({str(file)!r}, 'a').write(sys.argv[1] + '\\n')\n"
    ref = uploaded(stack, script)
    names = [f"n{number}" for number in range(nodes)]
    arrows = [(names[number // 2], names[number]) for number in range(1, nodes)]
    run_id = started(stack, drawing([node(name, ref, arguments=name) for name in names], *arrows))
    eventually(lambda: file.exists() and len(file.read_text().split()) >= after, seconds=PATIENCE)
    stack.stop("platform", signal.SIGKILL)
    stack.start_platform()
    run = ended(stack, run_id, seconds=nodes * 20)

    assert run["state"] == "succeeded", run
    assert set(states(run).values()) == {"succeeded"}
    assert sorted(file.read_text().split()) == sorted(names)
    assert {one["attempts"] for one in run["nodes"]} == {1}


@pytest.mark.timeout(600)
def test_a_run_survives_a_platform_that_is_killed_and_each_node_runs_once(
    own_stack: Stack, tmp_path: Path
) -> None:
    # The scripts may run as a user of their own.
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o777)
    killed_in_the_middle(own_stack, folder, nodes=8, times=2)
