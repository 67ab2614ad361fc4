"""What the API promises of itself: everything needs a token, and everything is described."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

OPEN = {"/healthz", "/readyz", "/api/v1/session"}


@pytest.fixture
def document(api: TestClient) -> Any:
    return api.get("/api/v1/openapi.json").json()


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_route_but_health_and_sign_in_needs_a_token(anonymous: TestClient, document: Any) -> None:
    paths = {(path, method) for path, method, _ in operations(document)}
    runner = {
        ("/runner/v1/register", "post"),
        ("/runner/v1/heartbeat", "post"),
        ("/runner/v1/attempts/x/claim", "post"),
        ("/runner/v1/attempts/x/events", "post"),
        ("/runner/v1/attempts/x/logs/stdout.log", "patch"),
        (f"/runner/v1/attempts/x/blobs/{'0' * 64}", "put"),
        (f"/runner/v1/blobs/{'0' * 64}", "get"),
        ("/runner/v1/attempts/x/finish", "post"),
    }
    for path, method in sorted(paths | runner | {("/api/v1/openapi.json", "get")}):
        if path in OPEN and not (path == "/api/v1/session" and method != "post"):
            continue
        url = path.replace("{sha256}", "0" * 64).replace("{name}", "stdout.log")
        answer = anonymous.request(method, url, headers={"Authorization": "Bearer wrong"})
        assert answer.status_code in {401, 422}, (method, path, answer.status_code)
        if method == "get" or "runner" not in path:
            assert answer.status_code == 401, (method, path)


def test_the_document_is_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1")


def test_every_operation_says_what_it_does_and_which_errors_it_gives(document: Any) -> None:
    for path, method, operation in operations(document):
        assert operation["description"], (method, path)
        if path in OPEN:
            continue
        assert {"401", "403", "503"} <= operation["responses"].keys(), (method, path)
        if "{" in path and "blobs" not in path and method != "put":
            assert "404" in operation["responses"], (method, path)


def test_every_parameter_is_described(document: Any) -> None:
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", []):
            described = parameter.get("description") or parameter["name"] == "name"
            assert described, (method, path, parameter["name"])


def test_every_field_is_described(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        for field, definition in schema.get("properties", {}).items():
            assert definition.get("description"), f"{name}.{field}"


def test_every_error_is_declared_as_a_problem(document: Any) -> None:
    for path, method, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert "application/problem+json" in response["content"], (method, path, status)


def test_every_reference_leads_somewhere(document: Any) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "$ref":
                    yield inner
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    assert set(references(document)) <= known


def test_the_open_routes_tell_nothing_but_health(anonymous: TestClient) -> None:
    assert anonymous.get("/healthz").json() == {"status": "ok"}
    assert anonymous.get("/readyz").json() == {"status": "ok"}
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert anonymous.get(path).status_code == 404
