"""Workflows over HTTP, and through the Python client."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.unit.api.conftest import JOIN_TOKEN, TOKEN
from tests.waiting import eventually

from torchyard.api.app import create_app
from torchyard.client import Client
from torchyard.contracts.graphs import Graph
from torchyard.errors import InvalidInput, RequestRefused
from torchyard.services.context import Context

SCRIPT = {"sha256": "a" * 64, "name": "train.py"}
GRAPH: dict[str, Any] = {"nodes": [{"name": "train", "settings": {"script": SCRIPT}}]}
OTHER: dict[str, Any] = {"nodes": [*GRAPH["nodes"], {"name": "eval"}]}
URL = "/api/v1/workflows"
MISSING = f"{URL}/00000000-0000-0000-0000-000000000000"


@pytest.fixture
def roomy(app: FastAPI, ctx: Context) -> Iterator[TestClient]:
    """The API with the limit that it has unless it is set up otherwise."""
    large = create_app(
        ctx, worker_token=JOIN_TOKEN, authentication=True, max_json_bytes=2**20, max_upload_bytes=2**20
    )
    with TestClient(
        large, raise_server_exceptions=False, headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        yield client


@pytest.fixture
def client(app: FastAPI) -> Iterator[Client]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", TOKEN) as opened:
        yield opened
    server.should_exit = True
    thread.join()


def made(api: TestClient, graph: Any = GRAPH, **fields: Any) -> Any:
    answer = api.post(URL, json={"name": "MNIST", "graph": graph, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def put(api: TestClient, workflow: Any, graph: Any, if_match: str | None = None, **fields: Any) -> Any:
    headers = {} if if_match is None else {"If-Match": if_match}
    return api.put(f"{URL}/{workflow['id']}", json={"graph": graph, **fields}, headers=headers)


def code(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_a_workflow_is_made_saved_and_got_with_its_etag(api: TestClient) -> None:
    answer = api.post(URL, json={"name": "MNIST", "graph": GRAPH})
    workflow = answer.json()

    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert answer.headers["Location"] == f"{URL}/{workflow['id']}"
    saved = put(api, workflow, OTHER, '"1"', message="evaluates")
    assert (saved.status_code, saved.headers["ETag"], saved.json()["version"]) == (200, '"2"', 2)
    got = api.get(f"{URL}/{workflow['id']}")
    assert (got.headers["ETag"], got.json()) == ('"2"', saved.json())
    assert [one["code"] for one in got.json()["problems"]] == ["script_missing", "blob_not_uploaded"]


@pytest.mark.parametrize(
    ("if_match", "expected"),
    [
        (None, (428, "precondition_required")),
        ("*", (422, "field_invalid")),
        ("7", (422, "field_invalid")),
        ('"x"', (422, "field_invalid")),
        ('"0"', (422, "field_invalid")),
        ('"1", "2"', (422, "field_invalid")),
        ('"99"', (422, "version_unknown")),
    ],
)
def test_a_save_says_which_version_it_changes(api: TestClient, if_match: str | None, expected: Any) -> None:
    workflow = made(api)

    assert code(put(api, workflow, OTHER, if_match)) == expected
    assert api.get(f"{URL}/{workflow['id']}").json() == workflow


def test_an_etag_that_a_proxy_weakened_will_do(api: TestClient) -> None:
    assert put(api, made(api), OTHER, 'W/"1"').json()["version"] == 2


def test_a_save_over_somebody_elses_is_refused_with_both_differences(api: TestClient) -> None:
    workflow = made(api)
    put(api, workflow, OTHER, '"1"')

    refused = put(api, workflow, {**GRAPH, "parameters": [{"name": "lr"}]}, '"1"')

    assert code(refused) == (412, "version_conflict")
    told = refused.json()
    assert told["current"] == 2
    assert [(one["part"], one["name"], one["change"]) for one in told["theirs"]["changes"]] == [
        ("node", "eval", "added")
    ]
    assert {(one["part"], one["name"], one["change"]) for one in told["yours"]["changes"]} == {
        ("node", "eval", "removed"),
        ("parameter", "lr", "added"),
    }


def test_the_same_create_under_one_key_makes_one_workflow(api: TestClient) -> None:
    key, wish = {"Idempotency-Key": "k"}, {"name": "a"}

    first, again = (api.post(URL, json=wish, headers=key) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    assert code(api.post(URL, json={"name": "b"}, headers=key)) == (422, "idempotency_key_reused")
    copies = [
        api.post(f"{URL}/{first.json()['id']}/copy", json={}, headers={"Idempotency-Key": "c"}).json()["id"]
        for _ in range(2)
    ]
    assert copies[0] == copies[1] != first.json()["id"]


def test_a_name_and_a_layout_change_without_a_version(api: TestClient) -> None:
    workflow = made(api)
    url = f"{URL}/{workflow['id']}"

    assert api.patch(url, json={"name": "neu"}).json()["name"] == "neu"
    assert api.put(f"{url}/layout", json={"positions": {"train": {"x": 1, "y": 2}}}).status_code == 204

    got = api.get(url).json()
    assert (got["version"], got["layout"]["positions"]) == (1, {"train": {"x": 1.0, "y": 2.0}})


def test_versions_are_listed_compared_and_brought_back(api: TestClient) -> None:
    workflow = made(api)
    url = f"{URL}/{workflow['id']}"
    put(api, workflow, OTHER, '"1"')

    first = api.get(f"{url}/versions", params={"limit": 1}).json()
    second = api.get(f"{url}/versions", params={"limit": 1, "cursor": first["next_cursor"]}).json()

    assert [one["number"] for one in (*first["items"], *second["items"])] == [2, 1]
    assert second["next_cursor"] is None
    assert api.get(f"{url}/versions/1").json()["graph"] == workflow["graph"]
    assert [one["name"] for one in api.get(f"{url}/difference?before=1&after=2").json()["changes"]] == [
        "eval"
    ]
    restored = api.post(f"{url}/versions/1/restore", json={}, headers={"If-Match": '"2"'})
    assert (restored.status_code, restored.headers["ETag"]) == (200, '"3"')
    assert restored.json()["graph"] == workflow["graph"]
    assert code(api.get(f"{url}/versions/9")) == (404, "version_not_found")
    cursor = api.get("/api/v1/workflows", params={"cursor": "x"})
    assert code(cursor) == (422, "cursor_invalid")


def test_the_list_is_paged_and_searched(api: TestClient) -> None:
    for number in range(3):
        made(api, name=f"Nr {number}")

    first = api.get(URL, params={"limit": 2}).json()
    rest = api.get(URL, params={"cursor": first["next_cursor"]}).json()

    assert sorted(one["name"] for one in (*first["items"], *rest["items"])) == ["Nr 0", "Nr 1", "Nr 2"]
    assert [one["name"] for one in api.get(URL, params={"text": "nr 1"}).json()["items"]] == ["Nr 1"]
    assert first["items"][0]["outline"]["nodes"][0]["settings"] == {}


def test_a_graph_is_checked_without_saving_it(api: TestClient) -> None:
    checked = api.post("/api/v1/graphs/check", json={"graph": OTHER}).json()

    assert [(one["code"], one["node"]) for one in checked["problems"]] == [
        ("script_missing", "eval"),
        ("blob_not_uploaded", "train"),
    ]
    assert checked["blobs_missing"] == ["a" * 64]


def test_what_is_deleted_is_gone(api: TestClient) -> None:
    workflow = made(api)

    assert api.delete(f"{URL}/{workflow['id']}").status_code == 204
    assert code(api.get(f"{URL}/{workflow['id']}")) == (404, "workflow_not_found")
    for method, path, body in (
        ("DELETE", "", None),
        ("PATCH", "", {}),
        ("PUT", "", {"graph": {}}),
        ("PUT", "/layout", {}),
        ("POST", "/copy", {}),
        ("GET", "/versions", None),
        ("GET", "/versions/1", None),
        ("POST", "/versions/1/restore", {}),
        ("GET", "/difference?before=1&after=1", None),
    ):
        answer = api.request(method, MISSING + path, json=body, headers={"If-Match": '"1"'})
        assert code(answer) == (404, "workflow_not_found"), (method, path)


def settings(text: str) -> str:
    return f'{{"name": "x", "graph": {{"nodes": [{{"name": "n", "settings": {{"a": {text}}}}}]}}}}'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", (400, "malformed")),
        ("[", (400, "malformed")),
        ("[]", (422, "field_invalid")),
        (settings("NaN"), (422, "field_invalid")),
        (settings("-Infinity"), (422, "field_invalid")),
        (settings("[1e999]"), (422, "field_invalid")),
        (settings('"\\ud800"'), (400, "malformed")),
        (settings('{"\\udfff": 1}'), (400, "malformed")),
        (settings('"\\u0000"'), (422, "nul_not_allowed")),
        (settings('{"\\u0000": 1}'), (422, "nul_not_allowed")),
        (settings("9" * 5000), (400, "malformed")),
        (settings("[" * 100 + "]" * 100), (422, "settings_too_deep")),
        (settings("[" * 20_000 + "]" * 20_000), (400, "malformed")),
        (settings('1, "a": 2'), (422, "field_duplicate")),
        ('{"name": "x", "graph": {"nodes": [{"name": "\\ud800"}]}}', (400, "malformed")),
        ('{"name": "x", "layout": {"positions": {"a": {"x": NaN, "y": 0}}}}', (422, "field_invalid")),
        ('{"name": ""}', (422, "field_invalid")),
        ('{"name": "x", "owner": "me"}', (422, "field_unknown")),
    ],
)
def test_what_can_not_be_stored_is_refused(api: TestClient, body: str, expected: Any) -> None:
    assert code(api.post(URL, content=body, headers={"Content-Type": "application/json"})) == expected


def test_what_is_no_json_is_not_read(api: TestClient) -> None:
    assert code(api.post(URL, content="name: x", headers={"Content-Type": "application/yaml"})) == (
        415,
        "unsupported_media",
    )


def test_odd_values_are_kept_as_they_are(api: TestClient) -> None:
    odd = {"a": [1, 1.5, True, None, "𠀀 训练", {"b": -0.0}], "": 10**30, "a.b": {}, "c": [[[[1]]]]}
    graph = {"nodes": [{"name": "⚠ draft", "settings": odd}]}

    assert made(api, graph)["graph"]["nodes"][0]["settings"] == odd


def test_the_largest_graph_is_saved_told_and_compared(roomy: TestClient) -> None:
    nodes = [{"name": f"n{number}", "settings": {"arguments": "x y " * 24}} for number in range(5000)]
    edges = [{"source": f"n{number}", "target": f"n{number + 1}"} for number in range(4999)]
    graph = {"nodes": nodes, "edges": edges}
    assert 900_000 < len(json.dumps(graph)) < 2**20

    workflow = made(roomy, graph)

    assert len(workflow["problems"]) == 1001
    assert put(roomy, workflow, {**graph, "edges": []}, '"1"').json()["version"] == 2
    assert code(put(roomy, workflow, {"nodes": nodes[:9]}, '"1"')) == (412, "version_conflict")
    assert roomy.get(URL).json()["items"][0]["outline"] is None
    more = {"nodes": [{"name": str(number)} for number in range(5001)]}
    assert code(roomy.post(URL, json={"name": "x", "graph": more})) == (422, "field_invalid")


def test_the_client_makes_saves_and_compares_workflows(client: Client) -> None:
    verbs = client.workflows
    made = verbs.create("MNIST", GRAPH, description="d")
    assert verbs.create("k", idempotency_key="k").id == verbs.create("k", idempotency_key="k").id

    saved = verbs.save(made.id, made.version, Graph.model_validate(OTHER), message="more")

    assert (saved.version, saved.graph) == (2, Graph.model_validate(OTHER))
    with pytest.raises(RequestRefused) as refusal:
        verbs.save(made.id, 1, {"nodes": []})
    assert (refusal.value.code, refusal.value.extra["current"]) == ("version_conflict", 2)
    assert [one.number for one in verbs.versions(made.id)] == [2, 1]
    assert verbs.version(made.id, 1).graph == made.graph
    assert [one.name for one in verbs.difference(made.id, 1, 2).changes] == ["eval"]
    assert verbs.restore(made.id, 1, 2).version == 3
    assert verbs.change(made.id, name="neu").name == "neu"
    verbs.lay_out(made.id, {"positions": {"train": {"x": 1, "y": 1}}})
    copy = verbs.copy(made.id)
    assert (copy.name, copy.layout) == ("neu (copy)", verbs.get(made.id).layout)
    assert {one.name for one in verbs.all("neu")} == {"neu", "neu (copy)"}
    verbs.delete(copy.id)
    assert [one.name for one in verbs.all("neu")] == ["neu"]
    assert [one.code for one in verbs.check({}).problems] == ["graph_empty"]
    wanting = {"nodes": [], "parameters": [{"name": "lr"}]}
    assert [one.code for one in verbs.check(wanting, {}).problems] == ["graph_empty", "parameter_missing"]
    with pytest.raises(InvalidInput):
        verbs.create("", {"nodes": [{}]})
