"""Sweeps, schedules and webhooks of a whole platform, through the Python client."""

import hashlib
import http.server
import json
import queue
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

from torchyard import Client

SCRIPT = b"""\
import json, sys
loss = float(sys.argv[1]) / 2
json.dump({"loss": loss, "seed": int(sys.argv[2])}, open("outputs/metrics.json", "w"))
"""
PARAMETERS = [
    {"name": "lr", "type": "number", "default": 1},
    {"name": "seed", "type": "integer", "default": 1},
]


@pytest.fixture
def hook() -> Iterator[tuple[str, "queue.Queue[tuple[Any, bytes]]"]]:
    """The address of a webhook, and what it gets."""
    got: queue.Queue[tuple[Any, bytes]] = queue.Queue()

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.put((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()
        thread.join()


@pytest.fixture
def open_stack(tmp_path: Path) -> Iterator[Stack]:
    """A platform that may send webhooks to this machine."""
    with Stack(tmp_path / "home", TORCHYARD_WEBHOOK_ALLOW_LOOPBACK="true") as running:
        yield running


def make_workflow(stack: Stack) -> str:
    digest = hashlib.sha256(SCRIPT).hexdigest()
    node = {
        "name": "train",
        "settings": {"script": {"sha256": digest, "name": "train.py"}, "arguments": "${lr} ${seed}"},
    }
    graph = {"nodes": [node], "parameters": PARAMETERS, "settings": {"concurrent_runs": 4}}
    with stack.api() as api:
        assert api.put(f"/blobs/{digest}", content=SCRIPT).is_success
        made = api.post("/workflows", json={"name": "rates", "graph": graph})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def test_a_sweep_leaves_a_page_of_results_and_each_end_is_told(
    open_stack: Stack, hook: tuple[str, "queue.Queue[tuple[Any, bytes]]"]
) -> None:
    workflow, (address, got) = make_workflow(open_stack), hook
    with Client(open_stack.url, open_stack.token) as client:
        added = client.notifications.add(workflow, address, "success")
        assert client.notifications.test(workflow, added.id).status == 204
        assert json.loads(got.get(timeout=PATIENCE)[1])["type"] == "test"
        made = client.sweeps.create(workflow, {"lr": [1, 0.5], "seed": {"start": 1, "stop": 2}}, name="rates")
        eventually(lambda: client.sweeps.get(made.id).counts == {"succeeded": 4}, seconds=PATIENCE, every=0.2)
        results = client.sweeps.get(made.id).results
        assert [one.metrics["train"] for one in results] == [
            {"loss": 0.5, "seed": 1},
            {"loss": 0.5, "seed": 2},
            {"loss": 0.25, "seed": 1},
            {"loss": 0.25, "seed": 2},
        ]
        assert all(one.seconds is not None for one in results)
        told = [json.loads(got.get(timeout=PATIENCE)[1]) for _ in results]
        assert {one["data"]["run"] for one in told} == {one.run for one in results}
        assert {one["type"] for one in told} == {"run.succeeded"}
        eventually(
            lambda: (
                {one.state for one in client.notifications.deliveries(workflow, added.id)} == {"delivered"}
            ),
            seconds=PATIENCE,
        )
        assert [one.id for one in client.sweeps.all(workflow)] == [made.id]
        assert client.sweeps.stop(made.id).counts == {"succeeded": 4}
        assert [one.id for one in client.notifications.all(workflow)] == [added.id]
        client.notifications.remove(workflow, added.id)


def test_a_webhook_does_not_lead_to_the_platform_s_own_machine(
    stack: Stack, hook: tuple[str, "queue.Queue[tuple[Any, bytes]]"]
) -> None:
    workflow, (address, got) = make_workflow(stack), hook
    with Client(stack.url, stack.token) as client:
        added = client.notifications.add(workflow, address)
        tested = client.notifications.test(workflow, added.id)
    assert tested.state == "failed"
    assert "127.0.0.1" in str(tested.problem)
    assert got.empty()


def test_a_scheduled_run_is_made_once_also_if_the_platform_is_killed(own_stack: Stack) -> None:
    workflow = make_workflow(own_stack)
    with Client(own_stack.url, own_stack.token) as client:
        assert len(client.schedules.preview("* * * * *").next) == 5
        told = client.schedules.set(workflow, "* * * * *", parameters={"seed": 7}, overlap="queue")
    own_stack.stop("platform", signal.SIGKILL)
    own_stack.start_platform()
    with Client(own_stack.url, own_stack.token) as client, own_stack.api() as api:

        def last() -> bool:
            return client.schedules.get(workflow).last_at is not None

        # It is due within a minute.
        eventually(last, seconds=60 + PATIENCE, every=0.2)
        own_stack.stop("platform", signal.SIGKILL)
        own_stack.start_platform()
        paused = client.schedules.pause(workflow)
        runs = api.get("/runs", params={"workflow": workflow}).json()["items"]
        due = [datetime.fromisoformat(run["data_time"]) for run in runs]
        assert len(set(due)) == len(due)
        assert told.next[0] in due
        assert paused.next == []
        assert {run["parameters"]["seed"] for run in runs} == {7}
        assert client.schedules.resume(workflow).next[0] > datetime.now(UTC)
        client.schedules.remove(workflow)


def test_times_that_have_passed_are_filled(stack: Stack) -> None:
    workflow = make_workflow(stack)
    with Client(stack.url, stack.token) as client, stack.api() as api:
        made = client.schedules.backfill(workflow, "2025-12-30", "2026-01-01", parameters={"seed": 3})
        assert [one.data_time.day for one in made.runs] == [30, 31, 1]
        states = {"succeeded"}

        def ended() -> bool:
            items = api.get("/runs", params={"workflow": workflow}).json()["items"]
            return len(items) == 3 and {run["state"] for run in items} == states

        eventually(ended, seconds=PATIENCE, every=0.2)
