"""What a place of unfinished uploads does. The tests of what is above it use it too: there is no fake."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from torchyard.adapters.directory_uploads import MAX_UPLOADS, DirectoryUploads
from torchyard.errors import Malformed, NotFound, OffsetMismatch
from torchyard.ports import Uploads

ONE, OTHER = "1" * 36, "2" * 36
CONTENT = bytes(range(256)) * 64
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return DirectoryUploads(tmp_path, 1 << 20)


def broken(content: bytes) -> Iterator[bytes]:
    yield content
    raise Malformed("the upload broke off")


def test_what_came_before_a_break_stays_and_the_rest_is_added(uploads: Uploads) -> None:
    assert uploads.offset(ONE, SHA256) == 0
    with pytest.raises(Malformed):
        uploads.append(ONE, SHA256, 0, broken(CONTENT[:1000]))
    assert uploads.offset(ONE, SHA256) == 1000
    assert uploads.append(ONE, SHA256, 1000, [CONTENT[1000:5000], b"", CONTENT[5000:]]) == len(CONTENT)
    assert b"".join(uploads.read(ONE, SHA256)) == CONTENT


def test_a_gap_is_refused_and_what_is_there_may_come_again(uploads: Uploads) -> None:
    uploads.append(ONE, SHA256, 0, [CONTENT[:1000]])
    with pytest.raises(OffsetMismatch) as refused:
        uploads.append(ONE, SHA256, 1001, [CONTENT[1001:]])
    assert refused.value.expected == 1000
    assert uploads.append(ONE, SHA256, 500, [CONTENT[500:2000]]) == 2000
    assert b"".join(uploads.read(ONE, SHA256)) == CONTENT[:2000]


def test_everybody_has_uploads_of_their_own_until_they_are_removed(uploads: Uploads) -> None:
    uploads.append(ONE, SHA256, 0, [CONTENT])
    assert uploads.offset(OTHER, SHA256) == 0
    uploads.remove(OTHER, SHA256)
    uploads.remove(ONE, SHA256)
    assert uploads.offset(ONE, SHA256) == 0
    with pytest.raises(NotFound):
        list(uploads.read(ONE, SHA256))


def test_what_nothing_came_to_for_long_goes(uploads: Uploads) -> None:
    uploads.append(ONE, SHA256, 0, [CONTENT])
    assert uploads.remove_older(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert uploads.remove_older(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert uploads.offset(ONE, SHA256) == 0


def test_the_oldest_go_where_somebody_has_too_many_or_too_much(tmp_path: Path) -> None:
    uploads = DirectoryUploads(tmp_path, max_bytes=10_000)
    names = [f"{number:064x}" for number in range(MAX_UPLOADS + 3)]
    for name in names:
        uploads.append(ONE, name, 0, [b"x"])
    uploads.append(OTHER, SHA256, 0, [b"x"])
    assert sum(uploads.offset(ONE, name) for name in names) == MAX_UPLOADS
    uploads.append(ONE, names[-1], 1, [bytes(10_000)])
    uploads.append(ONE, SHA256, 0, [b"x"])
    assert [name for name in names if uploads.offset(ONE, name)] == []
    assert (uploads.offset(ONE, SHA256), uploads.offset(OTHER, SHA256)) == (1, 1)


@pytest.mark.parametrize(("owner", "sha256"), [("..", SHA256), (ONE, "../x"), (ONE, "")])
def test_no_path_is_made_of_what_is_no_name(tmp_path: Path, owner: str, sha256: str) -> None:
    with pytest.raises(NotFound):
        DirectoryUploads(tmp_path, 1).append(owner, sha256, 0, [b"x"])
