"""Logs on their way over real HTTP, with faults: no byte lost, none doubled."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import pytest
from tests.unit.worker.conftest import Launched
from tests.unit.worker.small_platform import Fault, Faults, SmallPlatform
from tests.waiting import eventually

from torchyard.contracts.logs import LogName, Stream
from torchyard.contracts.runner import Finish, Outcome
from torchyard.errors import AttemptStale
from torchyard_worker.attempts import Detached, HeldAttempt
from torchyard_worker.finishing import finish
from torchyard_worker.log_files import LogFile
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.shim import spool
from torchyard_worker.shipping import Shipper
from torchyard_worker.spooling import AttemptDirectory

TALKING = (
    "import os, sys, time\n"
    "for n in range(300):\n"
    "    os.write(1 + n % 2, b'%d ' % n * 40 + b'\\n')\n"
    "    if n % 30 == 0: time.sleep(0.03)\n"
    "os.write(1, b'x' * 3_000_000)\n"
    "os.write(2, bytes(range(256)))\n"
)


@pytest.fixture
def held() -> Iterator[HeldAttempt]:
    one = HeldAttempt("0b5f3a52-0000-4000-8000-000000000001", confirmed_at=0.0)
    yield one
    one.close()


def appends_meet(*faults: Fault | None) -> Faults:
    """These faults, one after the other and again, for each append."""
    coming = cycle(faults)
    return lambda method, _path: next(coming) if method == "PATCH" else None


def spooled(directory: Path, name: str) -> bytes:
    return (directory / name).read_bytes()


def assert_all_is_there(platform: SmallPlatform, directory: Path) -> None:
    for name in ("stdout.log", "stderr.log"):
        assert platform.logs[name] == spooled(directory, name)
    index = spooled(directory, spool.INDEX)
    records = [spool.unpack_record(index[at : at + 16]) for at in range(0, len(index), 16)]
    assert [platform.pieces[offset] for offset in sorted(platform.pieces)] == [
        (offset, Stream.STDERR if is_stderr else Stream.STDOUT, time_ms)
        for offset, time_ms, is_stderr in records
    ]


@pytest.mark.parametrize(
    "faults",
    [
        (None,),
        (Fault.BROKEN, None, None),
        (None, Fault.DROPPED),
        (None, Fault.ANSWER_LOST),
        (Fault.DROPPED, Fault.BROKEN, Fault.ANSWER_LOST, None),
    ],
)
def test_every_byte_arrives_once(
    launched: Launched,
    directory: Path,
    platform: SmallPlatform,
    api: PlatformApi,
    held: HeldAttempt,
    faults: tuple[Fault | None, ...],
) -> None:
    platform.faults = appends_meet(*faults)
    shim = launched(TALKING)
    shipper = Shipper(api, held, AttemptDirectory(directory), resumed=False)

    shipper.follow(shim, lambda: None)

    assert len(platform.logs["stdout.log"]) > 3_000_000
    assert_all_is_there(platform, directory)
    finish(api, held, Finish(outcome=Outcome(cause="exited"), logs=shipper.seals()), shipper)
    assert len(platform.finishes) == 1


def test_the_first_line_is_sent_while_the_script_runs(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    shim = launched(
        "import os, time\nprint('now')\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('end')"
    )

    def go_once_seen() -> None:
        if platform.logs["stdout.log"]:
            (directory / "work" / "go").touch()

    platform.answered = go_once_seen
    Shipper(api, held, AttemptDirectory(directory), resumed=False).follow(shim, lambda: None)

    assert platform.logs["stdout.log"] == b"now\nend\n"


def test_a_platform_that_lost_its_end_of_the_log_gets_it_again(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    shim = launched("for n in range(50_000): print('line', n)")
    cut = iter([False, True, False])

    def lose_some(method: str, _path: str) -> None:
        if method == "PATCH" and next(cut, False):
            kept = platform.logs["stdout.log"]
            del kept[len(kept) // 2 :]
            platform.pieces = {at: piece for at, piece in platform.pieces.items() if at < len(kept)}

    platform.faults = lose_some
    Shipper(api, held, AttemptDirectory(directory), resumed=False).follow(shim, lambda: None)

    assert_all_is_there(platform, directory)


def test_a_log_that_differs_at_the_end_is_sent_again_from_its_start(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    shim = launched("import sys\nprint('one')\nprint('two', file=sys.stderr)")
    shipper = Shipper(api, held, AttemptDirectory(directory), resumed=False)
    shipper.follow(shim, lambda: None)
    platform.logs["stdout.log"][0:1] = b"X"

    finish(api, held, Finish(outcome=Outcome(cause="exited"), logs=shipper.seals()), shipper)

    assert platform.logs["stdout.log"] == spooled(directory, "stdout.log")
    assert len(platform.finishes) == 1


def test_a_log_that_never_fits_does_not_hold_up_the_end_for_ever(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    shim = launched("print('one')")
    shipper = Shipper(api, held, AttemptDirectory(directory), resumed=False)
    shipper.follow(shim, lambda: None)
    wrong = [seal.model_copy(update={"crc32": 1}) for seal in shipper.seals()]

    finish(api, held, Finish(outcome=Outcome(cause="exited"), logs=wrong), shipper)

    (final,) = platform.finishes
    assert final.logs == []
    assert "could not get the logs confirmed" in final.messages[0]


@pytest.mark.parametrize("sent_before", [0, 5, 1_500_000, 3_000_000])
def test_another_process_goes_on_where_the_first_one_was(
    launched: Launched,
    directory: Path,
    platform: SmallPlatform,
    api: PlatformApi,
    held: HeldAttempt,
    sent_before: int,
) -> None:
    shim = launched(TALKING)
    eventually(shim.ended)
    log_file = LogFile(directory, LogName.STDOUT)
    while (size := len(platform.logs["stdout.log"])) < sent_before:
        api.append(held.id, LogName.STDOUT, size, *log_file.read(size, min(100_000, sent_before - size), 400))
    before = len(platform.requests)

    Shipper(api, held, AttemptDirectory(directory), resumed=True).follow(shim, lambda: None)

    assert_all_is_there(platform, directory)
    assert len(platform.requests) - before < 15


def test_an_attempt_that_is_another_s_is_sent_no_further(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    platform.stale.add(held.id)
    shim = launched("print('one')")

    with pytest.raises(AttemptStale):
        Shipper(api, held, AttemptDirectory(directory), resumed=False).follow(shim, lambda: None)


def test_a_worker_that_stops_lets_go_of_a_platform_that_is_away(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    shim = launched("print('one')")

    def fail(_method: str, _path: str) -> Fault:
        held.detach()
        return Fault.BROKEN

    platform.faults = fail
    with pytest.raises(Detached):
        Shipper(api, held, AttemptDirectory(directory), resumed=False).follow(shim, lambda: None)


def test_more_pieces_than_fit_into_a_request_go_in_several(tmp_path: Path) -> None:
    (tmp_path / "stdout.log").write_bytes(b"ab" * 500)
    records = [spool.pack_record(at, 1000 + at, is_stderr=at % 2 == 1) for at in range(1000)]
    (tmp_path / spool.INDEX).write_bytes(b"".join(records))
    log_file = LogFile(tmp_path, LogName.STDOUT)

    data, pieces = log_file.read(10, 1000, 400)

    assert data == b"ab" * 200
    assert [piece.offset for piece in pieces] == list(range(10, 410))


def test_of_two_records_for_one_offset_the_later_one_holds(tmp_path: Path) -> None:
    (tmp_path / "stdout.log").write_bytes(b"abc")
    told = [(0, 1, False), (0, 2, True), (2, 3, False)]
    (tmp_path / spool.INDEX).write_bytes(
        b"".join(spool.pack_record(at, time, is_stderr=flag) for at, time, flag in told)
    )

    _, pieces = LogFile(tmp_path, LogName.STDOUT).read(0, 10, 400)

    assert pieces == [(0, Stream.STDERR, 2), (2, Stream.STDOUT, 3)]


def test_what_is_read_from_front_to_back_has_all_its_pieces(tmp_path: Path) -> None:
    (tmp_path / "stdout.log").write_bytes(b"abc" * 400)
    told = [(at, at + twice, False) for at in range(0, 1200, 3) for twice in range(1 + (at % 9 == 0))]
    (tmp_path / spool.INDEX).write_bytes(
        b"".join(spool.pack_record(at, time, is_stderr=flag) for at, time, flag in told)
    )
    log_file, whole, found = LogFile(tmp_path, LogName.STDOUT), b"", []

    for most in cycle((1, 7, 50)):
        data, pieces = log_file.read(len(whole), 101, most)
        whole, found = whole + data, found + pieces
        if not data:
            break

    assert whole == b"abc" * 400
    assert found == [(at, Stream.STDOUT, at + (at % 9 == 0)) for at in range(0, 1200, 3)]


def test_output_that_keeps_coming_goes_in_few_requests(
    launched: Launched, directory: Path, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    shim = launched("import os, time\nfor _ in range(200): os.write(1, b'x' * 10_000); time.sleep(0.005)")

    Shipper(api, held, AttemptDirectory(directory), resumed=False).follow(shim, lambda: None)

    assert_all_is_there(platform, directory)
    assert len(platform.requests) < 100
