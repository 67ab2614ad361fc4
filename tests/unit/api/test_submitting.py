import hashlib
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.factories import make_zip, register

from torchyard.services.context import Context

SCRIPT = b"print('hi')\n"


def send(
    api: TestClient, *, script: Any = SCRIPT, name: str = "train.py", zipped: bytes | None = None, **more: Any
) -> Any:
    files = {"script": (name, script)}
    if zipped is not None:
        files["dependencies"] = ("deps.zip", zipped)
    return api.post("/api/v1/jobs", files=files, **more)


def jobs(api: TestClient) -> list[Any]:
    return list(api.get("/api/v1/jobs").json()["items"])


def test_one_form_submits_a_job(api: TestClient) -> None:
    answer = send(api, zipped=make_zip({"data.csv": "1,2"}), data={"spec": '{"arguments": "--lr 0.1"}'})

    assert answer.status_code == 201
    job = answer.json()
    assert job["state"] == "queued"
    assert job["spec"]["arguments"] == "--lr 0.1"
    assert job["spec"]["dependencies"]["name"] == "deps.zip"
    assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
    assert api.get(answer.headers["Location"]).json() == job


def test_json_submits_a_job_of_uploaded_blobs(api: TestClient) -> None:
    sha256 = hashlib.sha256(SCRIPT).hexdigest()
    assert api.head(f"/api/v1/blobs/{sha256}").status_code == 404
    assert api.put(f"/api/v1/blobs/{sha256}", content=SCRIPT).status_code == 201
    assert api.put(f"/api/v1/blobs/{sha256}", content=SCRIPT).status_code == 200
    assert api.head(f"/api/v1/blobs/{sha256}").headers["Content-Length"] == str(len(SCRIPT))
    assert api.get(f"/api/v1/blobs/{sha256}").content == SCRIPT

    answer = api.post("/api/v1/jobs", json={"script": {"sha256": sha256, "name": "train.py"}})

    assert answer.status_code == 201
    assert answer.json()["spec"]["script"] == {"sha256": sha256, "name": "train.py"}


def test_a_file_larger_than_a_json_body_may_be_is_uploaded_without_a_type(api: TestClient) -> None:
    large = bytes(1024 * 1024)

    answer = api.put(f"/api/v1/blobs/{hashlib.sha256(large).hexdigest()}", content=large)

    assert (answer.status_code, answer.json()["size"]) == (201, len(large))


def test_bytes_with_another_digest_are_refused_and_not_kept(api: TestClient) -> None:
    sha256 = hashlib.sha256(SCRIPT).hexdigest()

    answer = api.put(f"/api/v1/blobs/{sha256}", content=b"something else")

    assert (answer.status_code, answer.json()["code"]) == (422, "digest_mismatch")
    assert api.head(f"/api/v1/blobs/{sha256}").status_code == 404


def test_a_replay_is_answered_200_with_the_same_job(api: TestClient) -> None:
    key = {"Idempotency-Key": "once"}

    first, second = send(api, headers=key), send(api, headers=key)
    other = send(api, headers=key, script=b"print('other')")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(jobs(api)) == 1


def test_running_again_twice_under_one_key_makes_one_job(api: TestClient) -> None:
    first = send(api).json()["id"]
    key = {"Idempotency-Key": "again"}

    again = [api.post(f"/api/v1/jobs/{first}/run-again", headers=key) for _ in range(2)]

    assert [answer.status_code for answer in again] == [201, 200]
    assert again[0].json()["id"] == again[1].json()["id"] != first
    assert len(jobs(api)) == 2


def test_a_refused_create_frees_its_key(api: TestClient) -> None:
    key = {"Idempotency-Key": "once"}

    assert send(api, headers=key, script=b"").status_code == 422
    assert send(api, headers=key).status_code == 201


BAD_SPECS = [
    ('{"resources": {"gpus": -1}}', 422, "field_invalid", "resources.gpus"),
    ('{"resources": {"timeout_seconds": -1}}', 422, "field_invalid", "resources.timeout_seconds"),
    ('{"resources": {"nodes": 2}}', 422, "field_invalid", "resources.nodes"),
    ('{"resources": {"cpus": 1.5}}', 422, "field_invalid", "resources.cpus"),
    ('{"resources": {"cpus": NaN}}', 422, "field_invalid", "resources.cpus"),
    ('{"surprise": 1}', 422, "field_unknown", "surprise"),
    ('{"arguments": "--name \\"half"}', 422, "arguments_invalid", "arguments"),
    ('{"arguments": "\\u0000"}', 422, "nul_not_allowed", "arguments"),
    ('{"arguments": "' + "a " * 300 + '"}', 422, "arguments_invalid", "arguments"),
    ('{"name": "a\\u0000b"}', 422, "nul_not_allowed", "name"),
    ('{"environment": {"LD_PRELOAD": "x.so"}}', 422, "env_not_allowed", "environment"),
    ('{"environment": {"PATH": "/tmp"}}', 422, "env_not_allowed", "environment"),
    ('{"environment": {"lower": "1"}}', 422, "env_not_allowed", "environment"),
    ('{"environment": {"X": "\\u0000"}}', 422, "nul_not_allowed", "environment"),
    ('{"inputs": {"a b": "none"}}', 422, "inputs_invalid", "inputs"),
    ('{"inputs": {"x": "train.csv"}}', 422, "inputs_invalid", "inputs"),
    ('{"inputs": {"x": "s3://b"}}', 422, "s3_uri_invalid", "inputs"),
    ('{"inputs": {"x": "s3://bucket/x"}}', 403, "s3_bucket_not_allowed", "inputs.x"),
    ('{"inputs": {"x": "blob:' + "0" * 64 + '/../up"}}', 422, "file_name_invalid", "inputs"),
    ('{"inputs": {"x": "blob:' + "0" * 64 + '/a.csv"}}', 422, "blob_not_uploaded", "inputs.x"),
    ('{"inputs": {"x": "job:00000000-0000-4000-8000-000000000000"}}', 422, "input_unknown", "inputs.x"),
    ('{"runtime": "tensorflow"}', 422, "runtime_unknown", "runtime"),
    ('{"runtime": ""}', 422, "field_invalid", "runtime"),
    ("[]", 422, "field_invalid", ""),
    ("{", 400, "malformed", None),
    ("", 400, "malformed", None),
    ("[" * 30_000, 400, "malformed", None),
    ('{"resources": {"cpus": ' + "9" * 5000 + "}}", 400, "malformed", None),
    ('{"name": "\\ud800"}', 400, "malformed", None),
]


@pytest.mark.parametrize(("spec", "status", "code", "field"), BAD_SPECS)
def test_a_bad_specification_is_refused_with_code_and_field(
    api: TestClient, ctx: Context, spec: str, status: int, code: str, field: str | None
) -> None:
    register(ctx)

    answer = send(api, data={"spec": spec})

    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem.get("field")) == (status, code, field)
    assert problem["detail"]
    assert jobs(api) == []


BAD_FILES: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"script": b""}, 422, "script_empty", "script"),
    ({"script": b"print('\xff')"}, 422, "script_not_utf8", "script"),
    ({"script": b"def f(:\n"}, 422, "script_syntax_error", "script"),
    ({"script": b"print(1)\x00"}, 422, "script_syntax_error", "script"),
    ({"script": b"#" * (1024 * 1024 + 1)}, 413, "script_too_large", "script"),
    ({"name": "-c"}, 422, "file_name_invalid", "script.name"),
    ({"name": ".."}, 422, "file_name_invalid", "script.name"),
    ({"zipped": b"no zip"}, 422, "archive_invalid", None),
    ({"zipped": make_zip({"../up.py": "1"})}, 422, "archive_path_escape", None),
    ({"zipped": make_zip({"train.py": "other"})}, 422, "dependency_conflict", "dependencies"),
    ({"zipped": make_zip({"requirements.txt": "-e ."})}, 422, "requirements_invalid", "dependencies"),
]


@pytest.mark.parametrize(("files", "status", "code", "field"), BAD_FILES)
def test_a_bad_file_is_refused_and_not_kept(
    api: TestClient, files: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    answer = send(api, **files)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert field is None or problem["field"] == field
    assert jobs(api) == []
    kept = hashlib.sha256(files.get("script", SCRIPT)).hexdigest()
    assert api.head(f"/api/v1/blobs/{kept}").status_code == 404


WRONG = [
    (
        {"requirements": "pandas\n--index-url x"},
        "on_line",
        {"line": 2, "problem": {"code": "requirement_is_option", "facts": {"line": "'--index-url x'"}}},
    ),
    (
        {"dependency_paths": "ftp://x/y"},
        "storage_path_wrong",
        {"path": "'ftp://x/y'", "why": {"code": "storage_path_scheme", "facts": {}}},
    ),
    (
        {"inputs": {"model": "s3://lab//y"}},
        "of_field",
        {
            "field": "model",
            "problem": {
                "code": "storage_path_wrong",
                "facts": {"path": "'s3://lab//y'", "why": {"code": "storage_path_segments", "facts": {}}},
            },
        },
    ),
    ({"inputs": {"model": "somewhere"}}, "input_from_nowhere", None),
]


@pytest.mark.parametrize(("spec", "code", "facts"), WRONG)
def test_what_is_wrong_in_a_field_is_told_for_other_languages(
    api: TestClient, spec: dict[str, Any], code: str, facts: dict[str, Any] | None
) -> None:
    said = send(api, data={"spec": json.dumps(spec)}).json()["errors"][0]["saying"]
    said = said["facts"]["problem"] if said["code"] == "stated" else said
    assert said["code"] == code
    assert facts is None or said["facts"] == facts


def test_what_is_wrong_with_a_zip_is_told_for_other_languages(api: TestClient) -> None:
    refused = send(api, zipped=make_zip({"../a.py": ""})).json()
    assert refused["saying"] == {"code": "path_leads_out", "facts": {"name": "'../a.py'"}}


def test_a_script_that_does_not_compile_is_told_with_line_and_column_and_can_be_forced(
    api: TestClient,
) -> None:
    refused = send(api, script=b"x = 1\nfor\n")
    forced = send(api, script=b"x = 1\nfor\n", data={"spec": '{"ignore_warnings": true}'})

    assert (refused.json()["line"], refused.json()["column"]) == (2, 4)
    assert "ignore_warnings" in refused.json()["hint"]
    assert refused.json()["hint_saying"] == {"code": "hint_fix_script", "facts": {}}
    assert forced.status_code == 201


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        ({"files": {"dependencies": ("d.zip", make_zip({}))}}, 422, "field_missing"),
        ({"files": {"script": ("a.py", SCRIPT), "extra": ("b.py", SCRIPT)}}, 422, "field_unknown"),
        ({"files": [("script", ("a.py", SCRIPT)), ("script", ("b.py", SCRIPT))]}, 422, "field_invalid"),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "unsupported_media"),
        ({"content": b"", "headers": {"Content-Type": "application/json"}}, 400, "malformed"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "bad_request"),
        ({"json": {"script": {"sha256": "0" * 64, "name": "a.py"}}}, 422, "blob_not_uploaded"),
        ({"json": {"script": {"sha256": "XYZ", "name": "a.py"}}}, 422, "field_invalid"),
        ({"json": {}}, 422, "field_missing"),
        ({"content": b" " * 65_537, "headers": {"Content-Type": "application/json"}}, 413, "too_large"),
        ({"files": {"script": ("a.py", b"#" * 4 * 1024 * 1024)}}, 413, "too_large"),
    ],
)
def test_a_request_that_is_no_job_is_refused(api: TestClient, request_: Any, status: int, code: str) -> None:
    answer = api.post("/api/v1/jobs", **request_)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_body_that_lies_about_its_length_is_cut_off(api: TestClient) -> None:
    chunks = (b" " * 4096 for _ in range(100))

    answer = api.post("/api/v1/jobs", content=chunks, headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_all_that_is_wrong_is_told_at_once(api: TestClient) -> None:
    answer = send(api, data={"spec": json.dumps({"resources": {"gpus": -1, "cpus": 0}, "surprise": 1})})

    assert {problem["field"] for problem in answer.json()["errors"]} == {
        "resources.gpus",
        "resources.cpus",
        "surprise",
    }
