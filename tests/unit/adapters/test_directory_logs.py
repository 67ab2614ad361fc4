import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from torchyard.adapters.directory_logs import OPEN_LOGS, DirectoryLogs
from torchyard.contracts.logs import LogName, Piece, Stream
from torchyard.errors import NotFound, OffsetMismatch

OUT = LogName.STDOUT


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "home" / "logs"


@pytest.fixture
def attempt() -> str:
    return str(uuid4())


def piece(offset: int, stream: Stream = Stream.STDOUT) -> Piece:
    return Piece(offset, stream, 1000)


def record(offset: int, packed: int = 2000) -> bytes:
    return struct.pack("<QQ", offset, packed)


def open_files(root: Path) -> int:
    """How many descriptors of this process lead to files below `root`."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            count += descriptor.readlink().is_relative_to(root)
    return count


def test_logs_are_plain_files_of_their_owner_alone(root: Path, attempt: str) -> None:
    logs = DirectoryLogs(root)
    logs.append(attempt, OUT, 0, b"out", [piece(0), piece(2, Stream.STDERR)])
    logs.append(attempt, LogName.STDERR, 0, b"t", [])
    directory = root / attempt
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        "stdout.log": b"out",
        "stdout.idx": record(0, 2000) + record(2, 2001),
        "stderr.log": b"t",
    }
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (root, directory)} == {0o700}


def test_looking_creates_nothing(root: Path, attempt: str) -> None:
    logs = DirectoryLogs(root)
    assert logs.size(attempt, OUT) == logs.seal(attempt, OUT) == 0
    assert logs.read(attempt, OUT, 0, 10) == b""
    assert logs.pieces(attempt, 0, 10) == []
    assert list(root.iterdir()) == []


USES: list[Callable[[DirectoryLogs, str], object]] = [
    lambda logs, attempt: logs.append(attempt, OUT, 0, b"x", []),
    lambda logs, attempt: logs.size(attempt, OUT),
    lambda logs, attempt: logs.read(attempt, OUT, 0, 1),
    lambda logs, attempt: logs.pieces(attempt, 0, 1),
    lambda logs, attempt: logs.seal(attempt, OUT),
    lambda logs, attempt: logs.truncate(attempt, OUT),
    lambda logs, attempt: logs.delete(attempt),
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "attempt_id",
    ["", ".", "..", "../outside", "/etc", "x" * 36, f"{uuid4()}/..", f"{uuid4()}\n", str(uuid4()).upper()],
)
def test_an_id_that_is_no_uuid_never_becomes_a_path(
    root: Path, attempt_id: str, use: Callable[[DirectoryLogs, str], object]
) -> None:
    logs = DirectoryLogs(root)
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "stdout.log").write_bytes(b"mine")
    with pytest.raises(NotFound) as caught:
        use(logs, attempt_id)
    assert caught.value.code == "attempt_not_found"
    assert (outside / "stdout.log").read_bytes() == b"mine"
    assert list(root.iterdir()) == []


@pytest.mark.parametrize(
    "torn", [b"", record(5), record(5) + record(7), record(7) + record(9)[:7], b"\x01", record(900)]
)
def test_index_records_that_a_crash_left_behind_the_end_do_not_count(
    root: Path, attempt: str, torn: bytes
) -> None:
    DirectoryLogs(root).append(attempt, OUT, 0, b"abcde", [piece(0), piece(3)])
    with (root / attempt / "stdout.idx").open("ab") as index:
        index.write(torn)
    logs = DirectoryLogs(root)
    assert logs.pieces(attempt, 0, 100) == [piece(0), piece(3)]
    assert logs.append(attempt, OUT, 5, b"f", []) == 6
    assert logs.append(attempt, OUT, 6, b"ghij", [piece(8, Stream.STDERR)]) == 10
    assert logs.pieces(attempt, 0, 100) == [piece(0), piece(3), piece(8, Stream.STDERR)]


def test_bytes_that_were_written_before_a_crash_need_not_be_sent_again(root: Path, attempt: str) -> None:
    DirectoryLogs(root).append(attempt, OUT, 0, b"abc", [piece(0)])
    with (root / attempt / "stdout.log").open("ab") as log:
        log.write(b"de")
    logs = DirectoryLogs(root)
    assert logs.append(attempt, OUT, 3, b"defg", [piece(6)]) == 7
    assert logs.read(attempt, OUT, 0, 100) == b"abcdefg"
    assert logs.seal(attempt, OUT) == zlib.crc32(b"abcdefg")


def test_two_processes_may_share_the_directory(root: Path, attempt: str) -> None:
    here, there = DirectoryLogs(root), DirectoryLogs(root)
    here.append(attempt, OUT, 0, b"abc", [piece(0)])
    assert there.append(attempt, OUT, 3, b"def", [piece(3)]) == 6
    assert here.read(attempt, OUT, 0, 100) == b"abcdef"
    assert here.append(attempt, OUT, 6, b"g", [piece(6)]) == 7
    assert there.pieces(attempt, 0, 100) == [piece(0), piece(3), piece(6)]
    assert here.seal(attempt, OUT) == there.seal(attempt, OUT) == zlib.crc32(b"abcdefg")


def test_a_log_that_another_process_truncated_continues_at_its_new_end(root: Path, attempt: str) -> None:
    here, there = DirectoryLogs(root), DirectoryLogs(root)
    here.append(attempt, OUT, 0, b"wrong", [piece(0)])
    assert here.seal(attempt, OUT) == zlib.crc32(b"wrong")
    there.truncate(attempt, OUT)
    with pytest.raises(OffsetMismatch) as caught:
        here.append(attempt, OUT, 5, b"!", [])
    assert caught.value.expected == 0
    there.append(attempt, OUT, 0, b"right", [piece(0)])
    assert here.append(attempt, OUT, 5, b"!", []) == 6
    assert here.seal(attempt, OUT) == zlib.crc32(b"right!")
    there.delete(attempt)
    assert here.size(attempt, OUT) == 0


def test_more_logs_than_are_kept_open_are_all_kept(root: Path) -> None:
    logs = DirectoryLogs(root)
    attempts = [str(uuid4()) for _ in range(OPEN_LOGS + 40)]
    for offset in range(3):
        for attempt in attempts:
            logs.append(attempt, OUT, offset, attempt[offset].encode(), [piece(offset)])
    assert open_files(root) == 2 * OPEN_LOGS
    for attempt in attempts:
        assert logs.read(attempt, OUT, 0, 100) == attempt[:3].encode()
        assert logs.seal(attempt, OUT) == zlib.crc32(attempt[:3].encode())
    del logs
    assert open_files(root) == 0


def test_the_checksum_follows_appends_after_a_restart(root: Path, attempt: str) -> None:
    DirectoryLogs(root).append(attempt, OUT, 0, b"a" * 3_000_000, [piece(0)])
    logs = DirectoryLogs(root)
    logs.append(attempt, OUT, 3_000_000, b"b", [])
    assert logs.seal(attempt, OUT) == zlib.crc32(b"a" * 3_000_000 + b"b")
    logs.append(attempt, OUT, 3_000_001, b"c", [])
    assert logs.seal(attempt, OUT) == zlib.crc32(b"a" * 3_000_000 + b"bc")
