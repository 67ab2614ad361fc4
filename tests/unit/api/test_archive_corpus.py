"""The exact answer of the API to each kind of archive that attacks, and nothing kept of it."""

import hashlib

import pytest
from fastapi.testclient import TestClient
from tests.archive_corpus import CASES, Case
from tests.factories import make_zip

SCRIPT = b"print('hi')\n"


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_archive_in_a_form_gets_its_exact_answer(api: TestClient, case: Case) -> None:
    files = {"script": ("train.py", SCRIPT), "dependencies": ("deps.zip", case.content)}

    answer = api.post("/api/v1/jobs", files=files)

    assert (answer.status_code, answer.json().get("code")) == (case.status, case.code), answer.text
    accepted = case.status == 201
    assert len(api.get("/api/v1/jobs").json()["items"]) == accepted
    kept = api.head(f"/api/v1/blobs/{hashlib.sha256(case.content).hexdigest()}")
    assert kept.status_code == (200 if accepted else 404)
    if not accepted:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["field"] == "dependencies"
        assert answer.json()["detail"].isprintable()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_archive_that_was_uploaded_before_gets_the_same_answer(api: TestClient, case: Case) -> None:
    named = {}
    for field, name, content in (("script", "train.py", SCRIPT), ("dependencies", "d.zip", case.content)):
        sha256 = hashlib.sha256(content).hexdigest()
        assert api.put(f"/api/v1/blobs/{sha256}", content=content).status_code in {200, 201}
        named[field] = {"sha256": sha256, "name": name}

    answer = api.post("/api/v1/jobs", json=named)

    assert (answer.status_code, answer.json().get("code")) == (case.status, case.code), answer.text


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/x", "a/b.py", "a\\b.py", "-c", "..", ".", "a\x00.py"])
def test_a_script_s_name_is_no_path_and_no_option(api: TestClient, name: str) -> None:
    sha256 = hashlib.sha256(SCRIPT).hexdigest()
    api.put(f"/api/v1/blobs/{sha256}", content=SCRIPT)

    answer = api.post("/api/v1/jobs", json={"script": {"sha256": sha256, "name": name}})

    assert answer.status_code == 422
    assert answer.json()["field"] == "script.name"
    assert answer.json()["code"] == ("nul_not_allowed" if "\x00" in name else "file_name_invalid")


@pytest.mark.parametrize("name", ["train.py/", "train.py/x"])
def test_a_folder_that_takes_the_script_s_name_is_a_clash(api: TestClient, name: str) -> None:
    files = {"script": ("train.py", SCRIPT), "dependencies": ("deps.zip", make_zip({name: ""}))}

    answer = api.post("/api/v1/jobs", files=files)

    assert (answer.status_code, answer.json()["code"]) == (422, "dependency_conflict")
