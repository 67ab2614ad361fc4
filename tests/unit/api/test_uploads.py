"""Uploads that go on where they broke off, over HTTP."""

import hashlib

import pytest
from fastapi.testclient import TestClient

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
URL = f"/api/v1/blobs/{SHA256}/upload"


def part(offset: int, length: int = len(CONTENT)) -> dict[str, str]:
    return {"Upload-Offset": str(offset), "Upload-Length": str(length)}


def there(api: TestClient) -> int:
    return int(api.head(URL).headers["Upload-Offset"])


def test_a_file_comes_in_parts_and_is_a_blob_with_the_last_byte(api: TestClient) -> None:
    assert there(api) == 0
    first = api.patch(URL, content=CONTENT[:70_000], headers=part(0))
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, "70000")
    assert (there(api), api.head(f"/api/v1/blobs/{SHA256}").status_code) == (70_000, 404)
    last = api.patch(URL, content=CONTENT[70_000:], headers=part(70_000))
    assert (last.status_code, last.json()) == (201, {"sha256": SHA256, "size": len(CONTENT)})
    assert api.get(f"/api/v1/blobs/{SHA256}").content == CONTENT
    assert there(api) == 0


def test_a_part_behind_a_gap_is_told_where_to_go_on(api: TestClient) -> None:
    api.patch(URL, content=CONTENT[:10], headers=part(0))
    refused = api.patch(URL, content=CONTENT[20:], headers=part(20))
    assert (refused.status_code, refused.json()["code"], refused.json()["expected"]) == (
        416,
        "offset_mismatch",
        10,
    )


def test_other_bytes_than_announced_are_refused_and_begin_anew(api: TestClient) -> None:
    wrong = api.patch(URL, content=CONTENT[:-1] + b"x", headers=part(0))
    assert (wrong.status_code, wrong.json()["code"], there(api)) == (422, "digest_mismatch", 0)
    longer = api.patch(URL, content=CONTENT + b"x", headers=part(0))
    assert (longer.status_code, longer.json()["field"]) == (422, "Upload-Length")


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 422), ({"Upload-Offset": "-1", "Upload-Length": "5"}, 422), (part(0, 1 << 50), 413)],
)
def test_a_part_without_its_place_is_refused(api: TestClient, headers: dict[str, str], status: int) -> None:
    assert api.patch(URL, content=b"x", headers=headers).status_code == status


def test_an_empty_file_is_one_too(api: TestClient) -> None:
    empty = hashlib.sha256().hexdigest()
    answer = api.patch(f"/api/v1/blobs/{empty}/upload", content=b"", headers=part(0, 0))
    assert (answer.status_code, answer.json()["size"]) == (201, 0)
