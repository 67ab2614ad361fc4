"""The web app's page: at every address that a person may open, and nowhere that a program asks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from torchyard.api import problems, web

A_BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGE = "<!doctype html><title>Torchyard</title>"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TestClient]:
    """A server with the web app alone, of two files."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "assets" / "app-1a2b.js").write_text("let app;")
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    problems.install(app)
    web.install(app, tmp_path)
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    "address",
    [
        "/",
        "/workflows",
        "/workflows/1a2b/runs",
        "/runs/1a2b",
        "/jobs/new",
        "/jobs/1a2b/logs",
        "/settings/users",
    ],
)
def test_every_address_of_the_app_can_be_opened_anew(site: TestClient, address: str) -> None:
    answer = site.get(address, headers=A_BROWSER)
    assert (answer.status_code, answer.text) == (200, PAGE)


@pytest.mark.parametrize("address", ["/nonsense", "/a/b/c", "/healthz/x", "/apiary", "/workflow"])
def test_a_person_at_any_other_address_is_shown_the_app(site: TestClient, address: str) -> None:
    answer = site.get(address, headers=A_BROWSER)
    assert (answer.status_code, answer.text) == (404, PAGE)
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("address", ["/api", "/api/v1/nonsense", "/runner/v1/nonsense", "/assets/old-9f.js"])
def test_where_programs_ask_the_answer_is_a_problem(site: TestClient, address: str) -> None:
    answer = site.get(address, headers=A_BROWSER)
    assert answer.status_code == 404
    assert (answer.headers["content-type"], answer.json()["code"]) == (problems.MEDIA_TYPE, "not_found")


def test_a_program_at_an_unknown_address_is_told_a_problem(site: TestClient) -> None:
    assert site.get("/nonsense").json()["code"] == "not_found"
    posted = site.post("/nonsense", headers=A_BROWSER)
    assert (posted.status_code, posted.json()["code"]) == (404, "not_found")


def test_what_was_not_built_is_said(tmp_path: Path) -> None:
    app = FastAPI()
    problems.install(app)
    web.install(app, tmp_path)
    with TestClient(app) as client:
        assert client.get("/jobs", headers=A_BROWSER).json()["code"] == "web_not_built"
        assert client.get("/nonsense", headers=A_BROWSER).json()["code"] == "not_found"
