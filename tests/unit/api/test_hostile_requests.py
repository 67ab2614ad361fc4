"""Whatever is sent, the answer is a problem that says what is wrong; never that something broke inside."""

import hashlib
import itertools
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from torchyard.api.app import create_app
from torchyard.services.context import Context

SCRIPT = b"print('hi')\n"
FORM = "multipart/form-data; boundary=X"


def form(*parts: tuple[str, bytes]) -> bytes:
    """Parts by the rest of their Content-Disposition, to be sent as they are."""
    head = "--X\r\nContent-Disposition: form-data; "
    return b"".join(f"{head}{rest}\r\n\r\n".encode() + data + b"\r\n" for rest, data in parts) + b"--X--\r\n"


SCRIPT_PART = ('name="script"; filename="a.py"', SCRIPT)


def problem(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def uploaded(api: TestClient) -> str:
    sha256 = hashlib.sha256(SCRIPT).hexdigest()
    assert api.put(f"/api/v1/blobs/{sha256}", content=SCRIPT).status_code == 201
    return sha256


@pytest.mark.parametrize("charset", ["utf-16", "unicode_escape", "utf-7", "punycode", "undefined", "rot13"])
@pytest.mark.parametrize(
    "part", [('name="spec"', b'{"name": "\\ud800+2AA-"}'), ('name="\\ud800+2AA-"', b"x"), SCRIPT_PART]
)
def test_a_form_is_read_as_utf_8_and_nothing_else(
    api: TestClient, charset: str, part: tuple[str, bytes]
) -> None:
    answer = api.post(
        "/api/v1/jobs",
        content=form(SCRIPT_PART, part),
        headers={"Content-Type": f"{FORM}; charset={charset}"},
    )

    assert problem(answer) == (415, "unsupported_media")


@pytest.mark.parametrize("content_type", [f"{FORM}; charset=UTF-8", "Multipart/Form-Data; boundary=X"])
def test_a_media_type_is_known_in_any_case(api: TestClient, content_type: str) -> None:
    answer = api.post("/api/v1/jobs", content=form(SCRIPT_PART), headers={"Content-Type": content_type})

    assert answer.status_code == 201


def test_a_media_type_that_only_begins_like_a_known_one_is_refused(api: TestClient) -> None:
    answer = api.post(
        "/api/v1/jobs", content=form(SCRIPT_PART), headers={"Content-Type": FORM.replace(";", "s;")}
    )

    assert problem(answer) == (415, "unsupported_media")


def test_two_specs_are_refused(api: TestClient) -> None:
    specs = [('name="spec"', b'{"name": "a"}'), ('name="spec"', b'{"name": "b"}')]

    answer = api.post("/api/v1/jobs", content=form(SCRIPT_PART, *specs), headers={"Content-Type": FORM})

    assert problem(answer) == (422, "field_duplicate")


def test_a_spec_that_is_a_large_file_is_refused(api: TestClient) -> None:
    spec = ('name="spec"; filename="spec.json"', b" " * (1024 * 1024 + 1))

    answer = api.post("/api/v1/jobs", content=form(SCRIPT_PART, spec), headers={"Content-Type": FORM})

    assert problem(answer) == (413, "too_large")


@pytest.mark.parametrize(
    "fields",
    [
        '"name": "a", "name": "b"',
        '"resources": {"gpus": 0, "gpus": 0}',
        '"environment": {"A": "1", "A": "2"}',
    ],
)
def test_json_that_names_a_field_twice_is_refused(api: TestClient, uploaded: str, fields: str) -> None:
    body = f'{{{fields}, "script": {{"sha256": "{uploaded}", "name": "a.py"}}}}'

    answer = api.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})

    assert problem(answer) == (422, "field_duplicate")


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("深" * 67, {}, "file_name_invalid"),
        ("a.py", {"environment": {"A": "x" * (64 * 1024 + 1)}}, "env_not_allowed"),
    ],
)
def test_what_no_worker_could_start_is_refused(
    api: TestClient, name: str, fields: dict[str, Any], code: str
) -> None:

    answer = api.post(
        "/api/v1/jobs",
        files={"script": (name, SCRIPT), "spec": ("spec.json", json.dumps(fields))},
    )

    assert problem(answer) == (422, code)


def test_thousands_of_wrong_fields_are_answered_in_short(api: TestClient) -> None:
    answer = api.post("/api/v1/jobs", json={f"k{number}": 1 for number in range(4000)})

    assert problem(answer) == (422, "field_missing")
    assert len(answer.json()["errors"]) == 100
    assert "4000 more" in answer.json()["detail"]


def test_a_wrong_field_with_a_long_name_is_answered_in_short(api: TestClient) -> None:
    assert len(api.post("/api/v1/jobs", json={"k" * 60_000: 1}).content) < 2000


MOMENTS = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        *(({"created_after": moment}, "field_invalid") for moment in (*MOMENTS, "0.5", "20260101", "inf")),
        *(({"created_before": moment}, "field_invalid") for moment in MOMENTS),
        ({"cursor": "MDAwMS0wMS0wMVQwMDowMDowMCsyMzo1OXx4"}, "cursor_invalid"),
        ({"cursor": "OTk5OS0xMi0zMVQyMzo1OTo1OS0yMzo1OXx4"}, "cursor_invalid"),
    ],
)
def test_a_time_that_is_none_in_utc_is_refused(api: TestClient, query: dict[str, str], code: str) -> None:
    assert problem(api.get("/api/v1/jobs", params=query)) == (422, code)


@pytest.mark.parametrize("moment", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00+08:00"])
def test_a_time_may_have_any_zone_or_none(api: TestClient, moment: str) -> None:
    assert api.get("/api/v1/jobs", params={"created_after": moment}).status_code == 200


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://]", "://", ""])
def test_an_origin_that_is_no_address_is_another_sites(anonymous: TestClient, origin: str) -> None:
    anonymous.post("/api/v1/session", json={"token": "ty_test"})

    answer = anonymous.post("/api/v1/jobs/x/cancel", headers={"Origin": origin})

    assert problem(answer) == (403, "csrf")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_another_sites_page_cannot_use_a_platform_that_lets_everybody_in(
    ctx: Context, headers: dict[str, str]
) -> None:
    app = create_app(ctx, worker_token="t", authentication=False, max_json_bytes=1024, max_upload_bytes=4096)

    with TestClient(app, raise_server_exceptions=False) as client:
        assert problem(client.post("/api/v1/jobs/x/cancel", headers=headers)) == (403, "csrf")
        assert problem(client.post("/api/v1/jobs/x/cancel")) == (404, "job_not_found")
        same_site = {"Origin": "http://testserver"}
        assert problem(client.post("/api/v1/jobs/x/cancel", headers=same_site)) == (404, "job_not_found")


@pytest.mark.parametrize("path", ["/api/v1/session", "/runner/v1/register", "/runner/v1/heartbeat"])
@pytest.mark.parametrize("content_type", [FORM, "application/octet-stream"])
def test_only_uploads_may_be_large_whatever_a_body_says_it_is(
    anonymous: TestClient, path: str, content_type: str
) -> None:
    headers = {"Content-Type": content_type}
    chunks = itertools.repeat(b" " * 4096, 100)

    assert problem(anonymous.post(path, content=b" " * 65_537, headers=headers)) == (413, "too_large")
    unannounced = anonymous.post(path, content=chunks, headers=headers)
    assert unannounced.status_code in {401, 413}
    assert unannounced.json()["code"] in {"too_large", "unauthenticated"}


@pytest.mark.parametrize(("digits", "status", "code"), [(18, 413, "too_large"), (5000, 413, "too_large")])
def test_an_endless_content_length_is_too_large(api: TestClient, digits: int, status: int, code: str) -> None:
    answer = api.post("/api/v1/jobs", content=b"{}", headers={"Content-Length": "9" * digits})

    assert problem(answer) == (status, code)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/jobs", "GET, POST"),
        (f"/api/v1/blobs/{'0' * 64}", "GET, HEAD, PUT"),
        ("/api/v1/session", "DELETE, GET, POST"),
        ("/healthz", "GET"),
    ],
)
def test_a_wrong_method_is_answered_with_all_right_ones(api: TestClient, path: str, allowed: str) -> None:
    answer = api.patch(path)

    assert problem(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


def test_nobody_is_sent_to_the_host_that_a_request_names(api: TestClient) -> None:
    answer = api.get("/api/v1/jobs/", headers={"Host": "evil.example"}, follow_redirects=False)

    assert problem(answer) == (404, "not_found")
