import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from torchyard.adapters.directory_objects import CHUNK_BYTES, DirectoryObjects
from torchyard.errors import DigestMismatch

CONTENT = b"import torch\n"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "blobs"


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def open_files(root: Path) -> int:
    """How many descriptors of this process lead to files below `root`."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += descriptor.readlink().is_relative_to(root)
    return count


def test_a_blob_is_a_read_only_file_in_directories_of_its_owner_alone(root: Path) -> None:
    DirectoryObjects(root).put([CONTENT])
    path = root / SHA256[:2] / SHA256[2:]
    assert files(root) == [path]
    assert path.stat().st_mode & 0o777 == 0o400
    assert {directory.stat().st_mode & 0o777 for directory in (root, root / "tmp", path.parent)} == {0o700}


def test_an_upload_is_invisible_until_it_is_whole(root: Path) -> None:
    store = DirectoryObjects(root)

    def chunks() -> Iterator[bytes]:
        yield CONTENT
        assert not store.exists(SHA256)
        (upload,) = files(root)
        assert upload.parent == root / "tmp"
        assert upload.stat().st_mode & 0o777 == 0o600

    store.put(chunks())
    assert store.exists(SHA256)


def test_a_refused_upload_leaves_no_file(root: Path) -> None:
    with pytest.raises(DigestMismatch):
        DirectoryObjects(root).put([CONTENT], expected="0" * 64)
    assert files(root) == []


def test_a_new_store_finds_the_blobs_of_the_last(root: Path) -> None:
    DirectoryObjects(root).put([CONTENT])
    assert b"".join(DirectoryObjects(root).read(SHA256)) == CONTENT


def test_only_old_leftovers_are_removed_at_the_start(root: Path) -> None:
    DirectoryObjects(root).put([CONTENT])
    old, young = root / "tmp" / "old", root / "tmp" / "young"
    for path, age_seconds in ((old, 25 * 3600), (young, 23 * 3600)):
        path.write_bytes(b"half")
        os.utime(path, (time.time(), time.time() - age_seconds))
    assert DirectoryObjects(root).exists(SHA256)
    assert not old.exists()
    assert young.exists()


def test_a_local_copy_of_an_old_blob_is_no_leftover(root: Path) -> None:
    store = DirectoryObjects(root)
    store.put([CONTENT])
    os.utime(root / SHA256[:2] / SHA256[2:], (0, 0))
    with store.local_copy(SHA256) as path:
        DirectoryObjects(root)
        assert path.read_bytes() == CONTENT
    assert list((root / "tmp").iterdir()) == []


def test_chunks_are_of_limited_size(root: Path) -> None:
    store = DirectoryObjects(root)
    sha256, _ = store.put([b"x" * (2 * CHUNK_BYTES + 1)])
    assert [len(chunk) for chunk in store.read(sha256)] == [CHUNK_BYTES, CHUNK_BYTES, 1]


def test_a_reader_that_gives_up_keeps_no_file_open(root: Path) -> None:
    store = DirectoryObjects(root)
    store.put([CONTENT])
    store.read(SHA256)
    next(store.read(SHA256))
    assert open_files(root) == 0


def test_the_same_blob_may_be_put_by_many_at_once(root: Path) -> None:
    store, results = DirectoryObjects(root), []
    barrier = threading.Barrier(8)

    def put() -> None:
        barrier.wait()
        results.append(store.put([CONTENT], expected=SHA256))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(SHA256, len(CONTENT))] * 8
    assert files(root) == [root / SHA256[:2] / SHA256[2:]]
