import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.factories import ended_with

from torchyard.contracts import archives
from torchyard.services.context import Context
from torchyard.services.zipping import zipped

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
FILES = {"outputs/deep/a.txt": b"a" * 1000, "加权.csv": b"1,2\n", "plot.png": PNG, "empty": b""}


def test_all_artifacts_come_as_one_zip(api: TestClient, ctx: Context, tmp_path: Path) -> None:
    job = ended_with(ctx, FILES)

    answer = api.get(f"/api/v1/jobs/{job.id}/artifacts.zip")

    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''train.py-{job.id[:8]}.zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        assert packed.testzip() is None
        assert {name: packed.read(name) for name in packed.namelist()} == FILES
    (tmp_path / "all.zip").write_bytes(answer.content)
    assert archives.inspect(tmp_path / "all.zip").entries == len(FILES)


def test_the_zip_of_a_job_that_left_nothing_is_empty(api: TestClient, ctx: Context) -> None:
    job = ended_with(ctx, {})

    answer = api.get(f"/api/v1/jobs/{job.id}/artifacts.zip")

    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == []


def test_the_zip_holds_one_attempt_s_files_if_that_is_named(api: TestClient, ctx: Context) -> None:
    job = ended_with(ctx, {"a": b"1"})

    first = api.get(f"/api/v1/jobs/{job.id}/artifacts.zip?attempt=1")
    second = api.get(f"/api/v1/jobs/{job.id}/artifacts.zip?attempt=2")

    assert zipfile.ZipFile(io.BytesIO(first.content)).namelist() == ["a"]
    assert zipfile.ZipFile(io.BytesIO(second.content)).namelist() == []


def test_a_job_that_is_not_there_has_no_zip(api: TestClient) -> None:
    assert api.get("/api/v1/jobs/nobody/artifacts.zip").json()["code"] == "job_not_found"


def test_a_zip_is_made_chunk_by_chunk_whatever_its_files_size() -> None:
    chunk = b"x" * 1024 * 1024
    asked: list[str] = []

    def read(name: str) -> Iterator[bytes]:
        asked.append(name)
        return iter([chunk] * 64)

    parts = zipped([("large", 64 * len(chunk))], read, None)
    assert asked == []
    largest = max(len(part) for part in parts)

    assert len(chunk) <= largest < 2 * len(chunk)


def test_a_file_of_more_than_4_gib_has_room_for_its_size() -> None:
    header = next(zipped([("huge", 5 * 2**30)], lambda _name: iter([b"x"]), None))

    assert header[30:38] == b"huge\x01\x00\x10\x00"  # its name, then the ZIP64 field of 16 bytes


@pytest.mark.parametrize(
    ("path", "content", "shown_as"),
    [
        ("a.txt", b"text", "text/plain; charset=utf-8"),
        ("data.CSV", b"1,2", "text/plain; charset=utf-8"),
        ("metrics.json", b"{}", "text/plain; charset=utf-8"),
        ("run.log", b"<script>alert(1)</script>", "text/plain; charset=utf-8"),
        ("plot.png", PNG, "image/png"),
        ("photo.jpeg", b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        ("moving.gif", b"GIF89a" + b"\0" * 20, "image/gif"),
        ("small.webp", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
    ],
)
def test_pictures_and_texts_are_shown(
    api: TestClient, ctx: Context, path: str, content: bytes, shown_as: str
) -> None:
    job = ended_with(ctx, {path: content})

    shown = api.get(f"/api/v1/jobs/{job.id}/artifacts/{path}?preview=true")
    saved = api.get(f"/api/v1/jobs/{job.id}/artifacts/{path}")

    assert shown.content == saved.content == content
    assert shown.headers["Content-Type"] == shown_as
    assert shown.headers["Content-Disposition"].startswith("inline; ")
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert saved.headers["Content-Disposition"].startswith("attachment; ")
    for answer in (shown, saved):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert api.get(f"/api/v1/jobs/{job.id}/artifacts").json()[0]["preview"] is True


@pytest.mark.parametrize(
    ("path", "content", "listed"),
    [
        ("page.html", b"<script>alert(1)</script>", False),
        ("page.xhtml", b"<html/>", False),
        ("drawing.svg", b"<svg onload='alert(1)'/>", False),
        ("model.pth", b"PK", False),
        ("none", b"text", False),
        ("lying.png", b"<html>", True),
        ("lying.gif", PNG, True),
        ("empty.png", b"", True),
    ],
)
def test_anything_else_is_only_downloaded(
    api: TestClient, ctx: Context, path: str, content: bytes, listed: bool
) -> None:
    job = ended_with(ctx, {path: content})

    answer = api.get(f"/api/v1/jobs/{job.id}/artifacts/{path}?preview=true")

    assert answer.content == content
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    assert api.get(f"/api/v1/jobs/{job.id}/artifacts").json()[0]["preview"] is listed


def test_a_range_of_what_is_shown_is_sent(api: TestClient, ctx: Context) -> None:
    job = ended_with(ctx, {"run.log": b"0123456789"})

    part = api.get(f"/api/v1/jobs/{job.id}/artifacts/run.log?preview=true", headers={"Range": "bytes=2-4"})

    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["Content-Disposition"].startswith("inline; ")
