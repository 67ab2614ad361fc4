"""What every log store does: in memory, and in a directory."""

import tempfile
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.full_disk import FULL_DISK_BYTES, small_disk

from torchyard.adapters.directory_logs import DirectoryLogs
from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.errors import OffsetMismatch, StorageFull
from torchyard.ports import LogStore
from torchyard.testing import MemoryLogs

OUT, ERR = LogName.STDOUT, LogName.STDERR
KINDS = ["memory", "directory", "directory, reopened"]


class ReopenedLogs:
    """A store that is made anew for every call, as after a restart."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __getattr__(self, name: str) -> object:
        return getattr(DirectoryLogs(self._root), name)


def make_store(kind: str, root: Path) -> LogStore:
    if kind == "memory":
        return MemoryLogs()
    store: LogStore = DirectoryLogs(root) if kind == "directory" else ReopenedLogs(root)  # type: ignore[assignment]
    return store


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    return make_store(request.param, tmp_path / "logs")


@pytest.fixture(params=["memory", "directory"])
def small_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogStore]:
    if request.param == "memory":
        yield MemoryLogs(capacity=FULL_DISK_BYTES)
    else:
        with small_disk(tmp_path / "disk") as disk:
            yield DirectoryLogs(disk / "logs")


@pytest.fixture
def attempt() -> str:
    return str(uuid4())


def piece(offset: int, stream: Stream = Stream.STDOUT, time_ms: int = 1_700_000_000_000) -> Piece:
    return Piece(offset, stream, time_ms)


def whole(store: LogStore, attempt: str, name: LogName = OUT) -> bytes:
    return store.read(attempt, name, 0, 2**40)


def test_a_log_nobody_wrote_is_empty(store: LogStore, attempt: str) -> None:
    assert store.size(attempt, OUT) == 0
    assert store.read(attempt, OUT, 0, 10) == b""
    assert store.seal(attempt, OUT) == 0
    assert store.pieces(attempt, 0, 10) == []
    store.truncate(attempt, OUT)
    store.delete(attempt)


def test_bytes_are_appended_and_read_back(store: LogStore, attempt: str) -> None:
    assert store.append(attempt, OUT, 0, b"epoch 1\n", [piece(0)]) == 8
    assert store.append(attempt, OUT, 8, b"\xff\x00\r", [piece(8)]) == 11
    assert store.size(attempt, OUT) == 11
    assert whole(store, attempt) == b"epoch 1\n\xff\x00\r"
    assert store.read(attempt, OUT, 6, 3) == b"1\n\xff"
    assert store.read(attempt, OUT, 11, 5) == store.read(attempt, OUT, 99, 5) == b""
    assert store.seal(attempt, OUT) == zlib.crc32(b"epoch 1\n\xff\x00\r")


def test_logs_and_attempts_are_apart(store: LogStore, attempt: str) -> None:
    other = str(uuid4())
    store.append(attempt, OUT, 0, b"out", [piece(0)])
    store.append(attempt, ERR, 0, b"error", [])
    store.append(other, OUT, 0, b"another", [piece(0)])
    assert whole(store, attempt) == b"out"
    assert whole(store, attempt, ERR) == b"error"
    assert whole(store, other) == b"another"


def test_what_was_received_before_changes_nothing(store: LogStore, attempt: str) -> None:
    store.append(attempt, OUT, 0, b"abcdef", [piece(0), piece(3)])
    assert store.append(attempt, OUT, 0, b"abcdef", [piece(0), piece(3)]) == 6
    assert store.append(attempt, OUT, 2, b"cd", [piece(3)]) == 6
    assert store.append(attempt, OUT, 6, b"", []) == 6
    assert whole(store, attempt) == b"abcdef"
    assert store.pieces(attempt, 0, 6) == [piece(0), piece(3)]


def test_an_overlapping_append_adds_only_what_is_new(store: LogStore, attempt: str) -> None:
    store.append(attempt, OUT, 0, b"abcd", [piece(0)])
    assert store.append(attempt, OUT, 2, b"cdefgh", [piece(3), piece(4), piece(6)]) == 8
    assert whole(store, attempt) == b"abcdefgh"
    assert store.pieces(attempt, 0, 8) == [piece(0), piece(4), piece(6)]


@pytest.mark.parametrize("data", [b"x", b""])
def test_a_gap_is_refused_with_the_offset_to_continue_at(store: LogStore, attempt: str, data: bytes) -> None:
    store.append(attempt, OUT, 0, b"abcd", [piece(0)])
    with pytest.raises(OffsetMismatch) as caught:
        store.append(attempt, OUT, 5, data, [piece(5)])
    assert caught.value.expected == 4
    assert whole(store, attempt) == b"abcd"


def test_pieces_that_cover_a_range_are_found(store: LogStore, attempt: str) -> None:
    pieces = [
        piece(0),
        piece(10, Stream.STDERR, 1_700_000_000_001),
        piece(20, Stream.STDOUT, 2**50),
        piece(30, Stream.STDERR, 0),
    ]
    store.append(attempt, OUT, 0, b"x" * 40, pieces)
    assert store.pieces(attempt, 0, 40) == pieces
    assert store.pieces(attempt, 0, 10) == pieces[:1]
    assert store.pieces(attempt, 9, 11) == pieces[:2]
    assert store.pieces(attempt, 10, 11) == pieces[1:2]
    assert store.pieces(attempt, 15, 30) == pieces[1:3]
    assert store.pieces(attempt, 39, 1000) == pieces[3:]
    assert (
        store.pieces(attempt, 40, 1000)
        == store.pieces(attempt, 20, 20)
        == store.pieces(attempt, 30, 20)
        == []
    )


def test_pieces_outside_the_bytes_are_not_kept(store: LogStore, attempt: str) -> None:
    store.append(attempt, OUT, 0, b"abcd", [piece(0), piece(4), piece(900)])
    store.append(attempt, OUT, 4, b"efgh", [piece(6)])
    assert store.pieces(attempt, 0, 8) == [piece(0), piece(6)]


def test_a_truncated_log_is_sent_again_from_the_start(store: LogStore, attempt: str) -> None:
    store.append(attempt, OUT, 0, b"wrong bytes", [piece(0), piece(5)])
    store.append(attempt, ERR, 0, b"kept", [])
    store.truncate(attempt, OUT)
    assert store.size(attempt, OUT) == 0
    assert store.pieces(attempt, 0, 100) == []
    with pytest.raises(OffsetMismatch) as caught:
        store.append(attempt, OUT, 11, b"!", [])
    assert caught.value.expected == 0
    store.append(attempt, OUT, 0, b"right", [piece(0, Stream.STDERR)])
    assert whole(store, attempt) == b"right"
    assert store.seal(attempt, OUT) == zlib.crc32(b"right")
    assert store.pieces(attempt, 0, 100) == [piece(0, Stream.STDERR)]
    assert whole(store, attempt, ERR) == b"kept"


def test_a_deleted_attempt_has_no_logs_and_may_begin_anew(store: LogStore, attempt: str) -> None:
    store.append(attempt, OUT, 0, b"out", [piece(0)])
    store.append(attempt, ERR, 0, b"error", [])
    store.delete(attempt)
    assert store.size(attempt, OUT) == store.size(attempt, ERR) == 0
    assert store.pieces(attempt, 0, 3) == []
    assert store.append(attempt, OUT, 0, b"new", [piece(0)]) == 3
    assert whole(store, attempt) == b"new"


def test_a_full_disk_is_told_and_nothing_was_added(small_store: LogStore, attempt: str) -> None:
    start = b"x" * (FULL_DISK_BYTES // 2)
    small_store.append(attempt, OUT, 0, start, [piece(0)])
    for _ in range(3):
        with pytest.raises(StorageFull):
            small_store.append(attempt, OUT, len(start), b"y" * FULL_DISK_BYTES, [piece(len(start))])
        assert small_store.size(attempt, OUT) == len(start)
        assert small_store.pieces(attempt, 0, 2 * FULL_DISK_BYTES) == [piece(0)]
    # What fits is added, and what a failed append said about the bytes behind it is forgotten.
    small_store.append(attempt, OUT, len(start), b"z" * 10, [piece(len(start), Stream.STDERR)])
    assert small_store.read(attempt, OUT, len(start) - 1, 100) == b"x" + b"z" * 10
    assert small_store.pieces(attempt, len(start), 2 * FULL_DISK_BYTES) == [piece(len(start), Stream.STDERR)]
    assert small_store.seal(attempt, OUT) == zlib.crc32(start + b"z" * 10)


def test_many_threads_may_send_the_same_and_other_logs(store: LogStore, attempt: str) -> None:
    content = bytes(range(256)) * 4
    attempts = [attempt, attempt, str(uuid4()), str(uuid4())]

    def send(to: str) -> None:
        for offset in range(0, len(content), 64):
            store.append(to, OUT, offset, content[offset : offset + 64], [piece(offset)])

    threads = [threading.Thread(target=send, args=(to,)) for to in attempts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for to in attempts:
        assert whole(store, to) == content
        assert store.pieces(to, 0, len(content)) == [piece(offset) for offset in range(0, len(content), 64)]
        assert store.seal(to, OUT) == zlib.crc32(content)


@given(
    content=st.binary(max_size=300),
    cuts=st.sets(st.integers(0, 299), max_size=20),
    sends=st.lists(st.tuples(st.integers(0, 320), st.integers(0, 80)), max_size=40),
    checks=st.sets(st.integers(0, 40), max_size=5),
)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_arrives_in_whatever_order_the_bytes_are_the_scripts(
    kind: str, content: bytes, cuts: set[int], sends: list[tuple[int, int]], checks: set[int]
) -> None:
    every = [piece(cut, list(Stream)[cut % 2], cut) for cut in sorted({0, *cuts}) if cut < len(content)]
    with tempfile.TemporaryDirectory() as directory:
        store, attempt, size = make_store(kind, Path(directory)), str(uuid4()), 0
        for turn, (offset, length) in enumerate([*sends, (0, len(content))]):
            data = content[offset : offset + length]
            inside = [one for one in every if offset <= one.offset < offset + len(data)]
            if offset > size:
                with pytest.raises(OffsetMismatch) as caught:
                    store.append(attempt, OUT, offset, data, inside)
                assert caught.value.expected == size
                continue
            size = max(size, offset + len(data))
            assert store.append(attempt, OUT, offset, data, inside) == size
            if turn in checks:
                assert store.seal(attempt, OUT) == zlib.crc32(content[:size])
        assert whole(store, attempt) == content
        assert store.seal(attempt, OUT) == zlib.crc32(content)
        assert store.pieces(attempt, 0, len(content)) == every
