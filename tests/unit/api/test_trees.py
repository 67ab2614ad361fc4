"""A tree of dependencies over HTTP: asked for, uploaded in bundles, taken, and named by a job."""

import hashlib
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.factories import make_zip

from torchyard.contracts.bundles import bundled
from torchyard.services.context import Context
from torchyard.services.reconciling import Reconciler
from torchyard.testing import FixedClock

SCRIPT = b"print('hi')\n"
FILES = {"data/a.csv": b"1,2", "data/b.csv": b"3,4", "empty.txt": b"", "再.txt": b"3,4"}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest(files: dict[str, bytes], *directories: str) -> Any:
    entries = [
        {"path": path, "sha256": digest(content), "size": len(content)} for path, content in files.items()
    ]
    return {"entries": [*entries, *({"path": path} for path in directories)]}


def bundle(*contents: bytes) -> bytes:
    return b"".join(bundled((digest(one), len(one), [one]) for one in contents))


def offer(api: TestClient, files: dict[str, bytes], *directories: str) -> Any:
    return api.post("/api/v1/trees", json=manifest(files, *directories))


def taken(api: TestClient, files: dict[str, bytes]) -> str:
    """The SHA-256 of a tree whose files were uploaded."""
    api.post("/api/v1/blobs", content=bundle(*files.values()))
    answer = offer(api, files).json()
    assert answer["missing"] == []
    return str(answer["sha256"])


def submit(api: TestClient, sha256: str, script: bytes = SCRIPT) -> Any:
    api.put(f"/api/v1/blobs/{digest(script)}", content=script)
    job = {
        "script": {"sha256": digest(script), "name": "train.py"},
        "dependencies": {"sha256": sha256, "name": "src"},
    }
    return api.post("/api/v1/jobs", json=job)


def test_only_the_files_that_are_missing_are_asked_for(api: TestClient) -> None:
    asked = offer(api, FILES, "nothing/")

    assert asked.status_code == 200
    assert asked.json()["missing"] == [digest(content) for content in (b"1,2", b"3,4", b"")]
    sha256 = asked.json()["sha256"]
    assert api.head(f"/api/v1/trees/{sha256}").status_code == 404

    stored = api.post("/api/v1/blobs", content=bundle(*set(FILES.values())))
    assert (stored.status_code, stored.json()) == (201, {"files": 3, "size": 6})
    changed = FILES | {"data/a.csv": b"9,9"}
    assert offer(api, changed, "nothing/").json()["missing"] == [digest(b"9,9")]
    assert offer(api, FILES, "nothing/").json() == {"sha256": sha256, "missing": []}
    assert api.head(f"/api/v1/trees/{sha256}").status_code == 200
    assert offer(api, FILES, "nothing/").json() == {"sha256": sha256, "missing": []}


def test_a_job_names_a_tree_as_it_names_a_zip(api: TestClient) -> None:
    sha256 = taken(api, FILES)

    job = submit(api, sha256)

    assert job.status_code == 201
    assert job.json()["spec"]["dependencies"] == {"sha256": sha256, "name": "src"}
    again = api.post(f"/api/v1/jobs/{job.json()['id']}/run-again")
    assert again.json()["spec"]["dependencies"]["sha256"] == sha256


def test_an_empty_tree_is_one(api: TestClient) -> None:
    answer = offer(api, {}, "empty/").json()

    assert answer["missing"] == []
    assert submit(api, answer["sha256"]).status_code == 201


def test_a_tree_that_was_only_uploaded_as_a_file_is_no_dependency(api: TestClient) -> None:
    document = b'{"torchyard_tree":1,"entries":[{"path":"a","sha256":"' + b"0" * 64 + b'"}]}'
    api.put(f"/api/v1/blobs/{digest(document)}", content=document)

    answer = submit(api, digest(document))

    assert (answer.status_code, answer.json()["code"]) == (422, "archive_invalid")


@pytest.mark.parametrize(
    ("entry", "status", "code"),
    [
        ({"path": "../x"}, 422, "archive_path_escape"),
        ({"path": "/x"}, 422, "archive_path_absolute"),
        ({"path": "a\0b"}, 422, "archive_bad_name"),
        ({"path": "TWIN"}, 422, "archive_duplicate_name"),
        ({"path": "twin/x"}, 422, "archive_duplicate_name"),
        ({"size": 5 * 2**30}, 413, "archive_too_large"),
        ({"size": 2}, 422, "archive_invalid"),
        ({"sha256": None}, 422, "archive_invalid"),
        ({"size": -1}, 422, "field_invalid"),
        ({"sha256": "A" * 64}, 422, "field_invalid"),
        ({"mode": 0o4755}, 422, "field_unknown"),
    ],
)
def test_a_tree_that_breaks_a_rule_is_refused(
    api: TestClient, entry: dict[str, Any], status: int, code: str
) -> None:
    api.post("/api/v1/blobs", content=bundle(b"one"))
    tree = manifest({"twin": b"one"})
    tree["entries"].append({"path": "x", "sha256": digest(b"one"), "size": 3} | entry)

    answer = api.post("/api/v1/trees", json=tree)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_too_many_files_are_refused(api: TestClient) -> None:
    files = {str(number): b"" for number in range(20_001)}

    answer = offer(api, files)

    assert (answer.status_code, answer.json()["code"]) == (422, "archive_too_many_entries")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b'{"entries":[{"path":"\\ud800/"}]}', 400, "malformed"),
        (b'{"entries":[],"entries":[]}', 422, "field_duplicate"),
        (b"[]", 422, "field_invalid"),
        (b" " * 9 * 2**20, 413, "too_large"),
    ],
)
def test_what_is_no_tree_is_refused(api: TestClient, body: bytes, status: int, code: str) -> None:
    answer = api.post("/api/v1/trees", content=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"train.py": b"print('other')"}, "dependency_conflict"),
        ({"train.py/x": b""}, "dependency_conflict"),
        ({"requirements.txt": b"-e ."}, "requirements_invalid"),
        ({"requirements.txt": b"\xff"}, "requirements_invalid"),
    ],
)
def test_a_tree_that_does_not_go_with_the_script_is_refused(
    api: TestClient, files: dict[str, bytes], code: str
) -> None:
    answer = submit(api, taken(api, files))

    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_a_tree_may_hold_the_very_script(api: TestClient) -> None:
    assert submit(api, taken(api, {"train.py": SCRIPT, "requirements.txt": b"pandas\n"})).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"PK\x05\x06" + bytes(18), 400, "malformed"),
        (bundle(b"whole")[:-1], 400, "malformed"),
        (bundle(b"whole").replace(b"whole", b"wh0le"), 422, "digest_mismatch"),
        (bundle(*[b""] * 1001), 413, "too_large"),
    ],
)
def test_a_bundle_that_is_none_is_refused(api: TestClient, body: bytes, status: int, code: str) -> None:
    answer = api.post("/api/v1/blobs", content=body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert api.head(f"/api/v1/blobs/{digest(b'whole')}").status_code == 404


def test_an_unused_tree_goes_after_a_day_and_then_its_files(api: TestClient, ctx: Context) -> None:
    kept, unused = taken(api, {"a": b"kept", "both": b"both"}), taken(api, {"b": b"gone", "both": b"both"})
    assert submit(api, kept).status_code == 201

    for _ in range(2):
        assert isinstance(ctx.clock, FixedClock)
        ctx.clock.advance(2 * 86400)
        Reconciler(ctx).look()

    there = {
        content: api.head(f"/api/v1/blobs/{digest(content)}").status_code for content in (b"kept", b"both")
    }
    assert there == {b"kept": 200, b"both": 200}
    assert api.head(f"/api/v1/blobs/{digest(b'gone')}").status_code == 404
    assert api.head(f"/api/v1/trees/{unused}").status_code == 404
    assert api.head(f"/api/v1/trees/{kept}").status_code == 200
    assert ctx.objects.exists(digest(b"kept"))
    assert not ctx.objects.exists(digest(b"gone"))


def test_asking_for_a_tree_keeps_the_files_that_are_there(api: TestClient, ctx: Context) -> None:
    api.post("/api/v1/blobs", content=bundle(b"there"))
    assert isinstance(ctx.clock, FixedClock)
    ctx.clock.advance(23 * 3600)
    offer(api, {"a": b"there", "b": b"not yet"})
    ctx.clock.advance(23 * 3600)
    Reconciler(ctx).look()

    assert api.head(f"/api/v1/blobs/{digest(b'there')}").status_code == 200


def test_a_zip_is_still_a_zip(api: TestClient) -> None:
    zipped = make_zip({"data.csv": "1"})
    api.put(f"/api/v1/blobs/{digest(zipped)}", content=zipped)

    assert submit(api, digest(zipped)).status_code == 201
