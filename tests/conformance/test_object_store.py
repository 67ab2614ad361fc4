"""What every object store does: in memory, and in a directory."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.full_disk import FULL_DISK_BYTES, small_disk

from torchyard.adapters.directory_objects import DirectoryObjects
from torchyard.errors import DigestMismatch, NotFound, StorageFull
from torchyard.ports import ObjectStore
from torchyard.testing import MemoryObjects

CONTENT = b"print('hello')\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
UNKNOWN = "0" * 64


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return MemoryObjects() if request.param == "memory" else DirectoryObjects(tmp_path / "blobs")


@pytest.fixture(params=["memory", "directory"])
def small_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    if request.param == "memory":
        yield MemoryObjects(capacity=FULL_DISK_BYTES)
    else:
        with small_disk(tmp_path / "disk") as disk:
            yield DirectoryObjects(disk / "blobs")


def test_what_was_put_is_read_back(store: ObjectStore) -> None:
    assert store.put([CONTENT[:3], b"", CONTENT[3:]]) == (SHA256, len(CONTENT))
    assert store.exists(SHA256)
    assert store.size(SHA256) == len(CONTENT)
    assert b"".join(store.read(SHA256)) == CONTENT


def test_an_empty_blob_is_a_blob(store: ObjectStore) -> None:
    sha256, size = store.put([])
    assert (sha256, size) == (hashlib.sha256().hexdigest(), 0)
    assert store.exists(sha256)
    assert list(store.read(sha256)) == []


def test_a_large_blob_comes_back_whole_in_chunks(store: ObjectStore) -> None:
    chunk = bytes(range(256)) * 1024
    sha256, size = store.put(chunk for _ in range(12))
    assert size == 12 * len(chunk)
    assert b"".join(store.read(sha256)) == chunk * 12


@pytest.mark.parametrize(
    ("start", "length"), [(0, 5), (3, 4), (3, None), (14, 100), (15, 1), (100, None), (2, 0)]
)
def test_a_part_can_be_read(store: ObjectStore, start: int, length: int | None) -> None:
    store.put([CONTENT])
    wanted = CONTENT[start:] if length is None else CONTENT[start : start + length]
    assert b"".join(store.read(SHA256, start, length)) == wanted


def test_putting_twice_is_putting_once(store: ObjectStore) -> None:
    assert store.put([CONTENT]) == store.put([CONTENT], expected=SHA256) == (SHA256, len(CONTENT))
    store.delete(SHA256)
    assert not store.exists(SHA256)


def test_other_content_than_expected_is_refused_and_not_kept(store: ObjectStore) -> None:
    with pytest.raises(DigestMismatch):
        store.put([CONTENT], expected=UNKNOWN)
    assert not store.exists(SHA256)
    assert not store.exists(UNKNOWN)


def test_an_upload_that_breaks_off_leaves_nothing(store: ObjectStore) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put(broken())
    assert not store.exists(SHA256)


USES: list[Callable[[ObjectStore, str], object]] = [
    lambda store, sha256: store.size(sha256),
    lambda store, sha256: store.read(sha256),
    lambda store, sha256: store.local_copy(sha256).__enter__(),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("sha256", [UNKNOWN, "../../etc/passwd", "", "tmp", "A" * 64, SHA256 + "\n"])
def test_a_missing_blob_is_told_at_once(
    store: ObjectStore, use: Callable[[ObjectStore, str], object], sha256: str
) -> None:
    store.put([CONTENT])
    assert not store.exists(sha256)
    with pytest.raises(NotFound) as caught:
        use(store, sha256)
    assert caught.value.code == "blob_not_found"


def test_deleting_what_is_not_there_does_nothing(store: ObjectStore) -> None:
    store.put([CONTENT])
    for sha256 in (UNKNOWN, "../../etc/passwd", ""):
        store.delete(sha256)
    assert store.exists(SHA256)


def test_a_local_copy_is_read_only_and_outlives_the_blob(store: ObjectStore) -> None:
    store.put([CONTENT])
    with store.local_copy(SHA256) as path:
        store.delete(SHA256)
        assert path.read_bytes() == CONTENT
        assert path.stat().st_mode & 0o777 == 0o400
    assert not path.exists()


def test_a_reader_finishes_what_is_deleted_meanwhile(store: ObjectStore) -> None:
    store.put([CONTENT])
    chunks = store.read(SHA256)
    store.delete(SHA256)
    assert b"".join(chunks) == CONTENT


def test_a_full_disk_is_told_and_nothing_stays_behind(small_store: ObjectStore) -> None:
    kept, _ = small_store.put([CONTENT])
    for _ in range(3):
        with pytest.raises(StorageFull):
            small_store.put(b"x" * 65536 for _ in range(2 * FULL_DISK_BYTES // 65536))
    small_store.put([b"y" * (FULL_DISK_BYTES // 2)])  # what the others took was given back: this fits
    assert b"".join(small_store.read(kept)) == CONTENT


def test_many_blobs_are_stored_at_once(store: ObjectStore) -> None:
    contents = {hashlib.sha256(text).hexdigest(): text for text in (b"", b"one", b"two" * 100_000)}
    store.put([b"one"])

    sizes = store.put_all((sha256, [text[:1], text[1:]]) for sha256, text in contents.items())

    assert sizes == {sha256: len(text) for sha256, text in contents.items()}
    assert {sha256: b"".join(store.read(sha256)) for sha256 in contents} == contents


def test_one_of_many_that_is_another_than_it_says_is_refused_and_not_kept(store: ObjectStore) -> None:
    with pytest.raises(DigestMismatch):
        store.put_all([(SHA256, [CONTENT]), (UNKNOWN, [CONTENT])])
    assert not store.exists(UNKNOWN)


def test_many_blobs_that_break_off_leave_no_half_of_one(store: ObjectStore) -> None:
    def broken() -> Iterator[bytes]:
        yield CONTENT[:3]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        store.put_all([(SHA256, broken())])
    assert not store.exists(SHA256)
