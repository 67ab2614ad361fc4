"""Workflows as files over HTTP, and through the Python client; and the templates."""

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.unit.api.conftest import TOKEN
from tests.waiting import eventually

from torchyard.client import Client
from torchyard.contracts.workflow_reading import opened
from torchyard.errors import RequestRefused, WorkflowFileInvalid

URL = "/api/v1/workflows"
YAML = {"Content-Type": "application/yaml"}
FILE = """\
torchyard: 1
name: 夜间训练
description: Trains.
parameters:
  lr: {type: number, default: 0.1}
nodes:
  data:
    kind: dataset
    paths: s3://lab/mnist/
  train:
    script:
      name: train.py
      text: |
        import sys
        \tprint(sys.argv)
    arguments: --lr ${lr}
    needs: [data]
schedule:
  cron: 30 2 * * *
  time_zone: Asia/Shanghai
  overlap: queue
notifications:
  - {url: 'https://example.org/hook', when: failure}
layout:
  positions:
    data: [0, 0]
    train: [240, 0]
"""
SCRIPT = b"import sys\n\tprint(sys.argv)\n"


@pytest.fixture
def client(app: FastAPI) -> Iterator[Client]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", TOKEN) as connected:
        yield connected
    server.should_exit = True
    thread.join()


def imported(api: TestClient, text: str = FILE, **headers: str) -> Any:
    return api.post(f"{URL}/import", content=text.encode(), headers={**YAML, **headers})


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_what_is_imported_is_exported_again_byte_for_byte(api: TestClient) -> None:
    answer = imported(api)
    made = answer.json()

    assert answer.status_code == 201, answer.text
    assert (answer.headers["Location"], answer.headers["ETag"]) == (f"{URL}/{made['id']}", '"1"')
    assert (made["name"], made["version"], made["problems"]) == ("夜间训练", 1, [])
    assert [one["url"] for one in made["notifications"]] == ["https://example.org/hook"]
    assert made["notifications"][0]["secret"].startswith("whsec_")
    assert api.get(f"/api/v1/blobs/{hashlib.sha256(SCRIPT).hexdigest()}").content == SCRIPT

    exported = api.get(f"{URL}/{made['id']}/export")
    assert exported.text == FILE
    assert exported.headers["Content-Type"] == "application/yaml"
    assert exported.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''%E5%A4%9C")
    assert api.get(f"{URL}/{made['id']}/schedule").json()["next"]
    assert "secret" not in exported.text


def test_another_version_can_be_exported(api: TestClient) -> None:
    made = imported(api).json()
    graph = {**made["graph"], "nodes": made["graph"]["nodes"][:1], "edges": []}
    api.put(f"{URL}/{made['id']}", json={"graph": graph}, headers={"If-Match": '"1"'}).raise_for_status()

    assert "train.py" not in api.get(f"{URL}/{made['id']}/export").text
    assert "train.py" in api.get(f"{URL}/{made['id']}/export", params={"version": 1}).text
    assert code(api.get(f"{URL}/{made['id']}/export", params={"version": 3})) == (404, "version_not_found")
    assert code(api.get(f"{URL}/nowhere/export")) == (404, "workflow_not_found")


def test_an_import_is_done_once_under_a_key(api: TestClient) -> None:
    first = imported(api, **{"Idempotency-Key": "k"})
    again = imported(api, **{"Idempotency-Key": "k"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["notifications"] == []
    other = imported(api, FILE.replace("夜间", "日间"), **{"Idempotency-Key": "k"})
    assert code(other) == (422, "idempotency_key_reused")


def test_what_is_no_workflow_s_file_is_refused_with_its_place(api: TestClient) -> None:
    answer = imported(api, FILE.replace("needs: [data]", "needs: [*data]"))
    assert code(answer) == (422, "workflow_file_invalid")
    assert (answer.json()["line"], answer.json()["column"]) == (17, 13)
    assert code(api.post(f"{URL}/import", content=b"a", headers={"Content-Type": "text/plain"})) == (
        415,
        "unsupported_media",
    )
    assert code(imported(api, "")) == (422, "workflow_file_invalid")
    assert code(imported(api, "a" * 70_000))[0] == 413


def test_files_by_their_paths_are_refused_with_the_way_to_bring_them(api: TestClient) -> None:
    answer = imported(api, "torchyard: 1\nname: w\nnodes:\n  a: {script: train.py}\n")

    assert code(answer) == (422, "workflow_file_invalid")
    assert "torchyard workflow import" in answer.json()["hint"]
    assert answer.json()["line"] == 4


def test_nothing_is_made_if_the_schedule_can_t_be_set(api: TestClient) -> None:
    for wrong, field in (("30 2 * * *", "schedule.cron"), ("Asia/Shanghai", "schedule.time_zone")):
        answer = imported(api, FILE.replace(wrong, "nonsense"))
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert api.get(URL).json()["items"] == []


def test_a_schedule_that_is_over_is_kept_and_told(api: TestClient) -> None:
    over = FILE.replace("  overlap: queue\n", "  ends_at: '2001-01-01T00:00:00Z'\n")
    key = {"Idempotency-Key": "k"}
    for answer in (imported(api, over, **key), imported(api, over, **key)):
        assert answer.is_success
        assert [one["code"] for one in answer.json()["warnings"]] == ["schedule_over"]
    made = answer.json()

    assert api.get(f"{URL}/{made['id']}/export").text == over
    schedule = api.get(f"{URL}/{made['id']}/schedule").json()
    assert (schedule["next"], schedule["paused"]) == ([], False)
    assert imported(api).json()["warnings"] == []


def test_a_draft_with_mistakes_is_imported_and_they_are_told(api: TestClient) -> None:
    text = "torchyard: 1\nname: w\nnodes:\n  a: {script: {name: a.py, sha256: x}, needs: [b]}\n"
    answer = imported(api, text)

    assert answer.status_code == 201
    assert {one["code"] for one in answer.json()["problems"]} == {"field_invalid", "edge_to_nowhere"}
    assert opened(api.get(f"{URL}/{answer.json()['id']}/export").content).file == opened(text.encode()).file


def test_templates_are_listed_shown_and_made_workflows_of(api: TestClient) -> None:
    listed = api.get("/api/v1/templates").json()
    assert [one["name"] for one in listed] == ["lenet", "train-evaluate-report", "learning-rates"]
    for one in listed:
        assert one["words"]["zh"]["name"]
        assert one["words"]["en"]["description"]
        assert len(one["layout"]["positions"]) == len(one["outline"]["nodes"]) > 0
        told = api.get(f"/api/v1/templates/{one['name']}").json()
        assert "sha256" not in told["yaml"]
        made = imported(api, told["yaml"]).json()
        assert made["problems"] == []
        assert api.get(f"{URL}/{made['id']}/export").text == told["yaml"]
    assert code(api.get("/api/v1/templates/none")) == (404, "template_not_found")

    made = api.post("/api/v1/templates/lenet", headers={"Idempotency-Key": "k"})
    assert (made.status_code, made.json()["name"]) == (201, "A net that prints itself")
    again = api.post("/api/v1/templates/lenet", headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
    chinese = api.post("/api/v1/templates/lenet", json={"language": "zh"}).json()
    assert (chinese["name"], chinese["problems"]) == ("打印自己的网络", [])
    assert api.post("/api/v1/templates/lenet", json={"name": "mine"}).json()["name"] == "mine"
    assert code(api.post("/api/v1/templates/none")) == (404, "template_not_found")
    assert code(api.post("/api/v1/templates/lenet", json={"nam": "x"})) == (422, "field_unknown")


def test_the_graph_of_a_template_can_be_put_into_a_workflow_at_once(api: TestClient) -> None:
    found = api.get("/api/v1/templates/train-evaluate-report").json()
    bare = [{**node, "settings": {}} for node in found["graph"]["nodes"]]
    assert bare == found["outline"]["nodes"]
    assert api.get(URL).json()["items"] == []
    made = api.post(URL, json={"name": "mine", "graph": found["graph"], "layout": found["layout"]})
    assert (made.status_code, made.json()["problems"]) == (201, [])


def test_the_client_brings_what_lies_beside_a_file(client: Client, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "helper.py").write_text("x = 1\n")
    (tmp_path / "train.py").write_text("import helper\n")
    (tmp_path / "data.bin").write_bytes(b"\x00\x01")
    file = tmp_path / "flow.yaml"
    file.write_text(
        "torchyard: 1\nname: local\nnodes:\n"
        "  data: {kind: dataset, files: [data.bin]}\n"
        "  train: {script: train.py, dependencies: src, needs: [data]}\n"
        "  twice: {script: {path: ./train.py, name: again.py}}\n"
        "  text: {script: {name: t.py, text: print(1)}}\n"
    )
    sent: list[str] = []
    loaded = client.workflow_files.load(file, lambda progress: sent.append(progress.name))
    assert client.workflows.check(loaded.graph).problems == []
    names = [dict(node.settings.get("script") or {}).get("name") for node in loaded.graph.nodes]  # type: ignore[call-overload]
    assert names == [None, "train.py", "again.py", "t.py"]

    made = client.workflow_files.import_file(file)
    assert (made.name, made.problems) == ("local", [])
    text = client.workflow_files.export(made.id)
    assert "import helper" in text
    assert opened(text.encode()).file.graph == made.graph == loaded.graph
    assert client.workflow_files.import_text(text).graph == made.graph
    assert next(one.name for one in client.workflow_files.templates()) == "lenet"
    assert client.workflow_files.template("lenet").yaml.startswith("torchyard: 1\n")
    assert client.workflow_files.use("lenet", name="mine").name == "mine"
    with pytest.raises(RequestRefused):
        client.workflow_files.use("none")

    (tmp_path / "train.py").unlink()
    with pytest.raises(WorkflowFileInvalid, match=r"line 5, column 19: train: there is no file"):
        client.workflow_files.load(file)
