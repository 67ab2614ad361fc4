"""The fence of a shim: a script that would be started elsewhere ends before that."""

import signal
from pathlib import Path
from typing import Any

import pytest
from tests.unit.worker.conftest import Launched
from tests.unit.worker.small_platform import SmallPlatform
from tests.unit.worker.test_runner import ATTEMPT, WAITING, Worker
from tests.waiting import eventually

from torchyard.contracts.jobs import JobState
from torchyard.contracts.runner import Cause
from torchyard_worker.attempts import AttemptsInHand
from torchyard_worker.launching import Shim
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.shim import fence, spool

ENDLESS = "import signal\nprint('ready')\nwhile True: signal.pause()\n"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{ENDLESS}"
#: Seconds: longer than any test may take.
LONG = 3600.0


@pytest.fixture
def worker(tmp_path: Path, runtimes: Path, api: PlatformApi) -> Worker:
    return Worker(tmp_path / "worker", runtimes, api)


def ended(shim: Shim, directory: Path) -> dict[str, Any]:
    eventually(shim.ended, seconds=60)
    facts = spool.read_json(str(directory), spool.EXIT)
    assert facts is not None, (directory / spool.SHIM_LOG).read_text()
    return facts


def ready(directory: Path) -> None:
    log = directory / spool.STDOUT
    eventually(lambda: log.exists() and b"ready" in log.read_bytes(), seconds=60)


def printed(platform: SmallPlatform) -> bytes:
    return bytes(platform.logs["stdout.log"])


def offer(platform: SmallPlatform, script: str, *, running: float | None) -> None:
    """An attempt with a fence until its script runs, and with one of `running` seconds from then on."""
    platform.offer(ATTEMPT, script)
    fences = {"start_fence_seconds": LONG, "fence_seconds": running}
    platform.claimable[ATTEMPT] = platform.claimable[ATTEMPT].model_copy(update=fences)


def confirmed(directory: Path) -> float:
    first, second = fence._TWICE.unpack((directory / fence.CONFIRMED).read_bytes())
    assert first == second
    return float(first)


def test_a_script_ends_when_nothing_was_confirmed_for_too_long(launched: Launched, directory: Path) -> None:
    fence.begin(str(directory), fence.now())
    shim = launched(ENDLESS, fence_seconds=LONG)
    ready(directory)

    fence.renew(str(directory), fence.now() - LONG)

    facts = ended(shim, directory)
    assert (facts["cause"], facts["fenced"], facts["signal"]) == ("worker_lost", True, signal.SIGTERM)


def test_one_that_is_found_late_is_killed_at_once(launched: Launched, directory: Path) -> None:
    fence.begin(str(directory), fence.now())
    shim = launched(STUBBORN, fence_seconds=LONG, grace_seconds=600)
    ready(directory)

    fence.renew(str(directory), fence.now() - 2 * LONG)

    facts = ended(shim, directory)
    assert (facts["cause"], facts["signal"]) == ("worker_lost", signal.SIGKILL)


def test_the_fence_leaves_a_script_less_time_than_its_own_grace(launched: Launched, directory: Path) -> None:
    fence.begin(str(directory), fence.now())
    shim = launched(STUBBORN, fence_seconds=2, grace_seconds=600)

    facts = ended(shim, directory)

    assert (facts["cause"], facts["signal"]) == ("worker_lost", signal.SIGKILL)


def test_nothing_is_started_behind_a_fence_that_is_over(launched: Launched, directory: Path) -> None:
    fence.begin(str(directory), fence.now() - LONG)

    facts = ended(launched("open('ran', 'w')", fence_seconds=LONG), directory)

    assert (facts["cause"], facts["fenced"]) == ("worker_lost", True)
    assert "started_ms" not in facts
    assert not (directory / "work" / "ran").exists()


def test_a_script_whose_directory_was_taken_away_ends(launched: Launched, directory: Path) -> None:
    fence.begin(str(directory), fence.now())
    shim = launched(ENDLESS, fence_seconds=LONG)
    ready(directory)

    (directory / fence.CONFIRMED).unlink()

    assert ended(shim, directory)["cause"] == "worker_lost"


def test_what_is_confirmed_opens_the_fence_and_lifting_it_ends_all_looking(directory: Path) -> None:
    fence.begin(str(directory), fence.now() - LONG)
    watched = fence.Fence(str(directory), LONG)

    over = watched.grace_left()
    fence.renew(str(directory), fence.now())
    open_again = watched.grace_left()
    fence.renew(str(directory), fence.LIFTED)
    lifted = watched.grace_left()

    assert over is not None
    assert 0 < over <= LONG / 2
    assert (open_again, lifted, watched.look_at) == (None, None, float("inf"))


def test_a_time_that_is_just_being_written_is_not_believed(directory: Path) -> None:
    fence.begin(str(directory), fence.now())
    watched = fence.Fence(str(directory), LONG)
    assert watched.grace_left() is None

    (directory / fence.CONFIRMED).write_bytes(fence._TWICE.pack(0.0, fence.now()))

    assert watched.grace_left() is None


def test_without_a_fence_nothing_is_looked_at(directory: Path) -> None:
    watched = fence.Fence(str(directory), None)

    assert watched.grace_left() is None
    assert watched.look_at == float("inf")


def test_a_fence_is_lifted_once_the_platform_knows_that_the_script_runs(
    worker: Worker, platform: SmallPlatform
) -> None:
    offer(platform, WAITING, running=None)
    worker.in_hand.confirm(fence.now(), [])
    thread = worker.start(worker.runner.run)
    eventually(lambda: any(report.state is JobState.RUNNING for report in platform.reports.values()))

    eventually(lambda: confirmed(worker.directory) == fence.LIFTED)
    worker.in_hand.confirm(fence.now() - LONG, [ATTEMPT])
    (worker.directory / "work" / "go").touch()
    thread.join(20)

    (final,) = platform.finishes
    assert (final.outcome.cause, final.outcome.exit_code) == (Cause.EXITED, 0)


def test_a_fence_that_stays_follows_what_is_confirmed_and_says_why_it_ended_the_script(
    worker: Worker, platform: SmallPlatform
) -> None:
    offer(platform, WAITING, running=LONG)
    worker.in_hand.confirm(fence.now(), [])
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")

    later = fence.now()
    worker.in_hand.confirm(later, ["another"])
    assert confirmed(worker.directory) < later
    worker.in_hand.confirm(later, [ATTEMPT])
    assert confirmed(worker.directory) == later
    worker.in_hand.confirm(later - LONG, [ATTEMPT])
    thread.join(20)

    (final,) = platform.finishes
    assert final.outcome.cause is Cause.WORKER_LOST
    assert "lost touch with the platform" in (final.outcome.detail or "")


def test_a_script_is_not_started_before_the_platform_was_heard_of(
    worker: Worker, platform: SmallPlatform
) -> None:
    offer(platform, "print('ran')", running=None)
    worker.in_hand.confirm(fence.now() - LONG, [])
    thread = worker.start(worker.runner.run)
    eventually(lambda: worker.in_hand.claimed() == [ATTEMPT])
    eventually((worker.directory / "venv").exists)
    assert not (worker.directory / spool.LAUNCH).exists()

    worker.in_hand.confirm(fence.now(), [ATTEMPT])
    thread.join(20)

    assert printed(platform) == b"ran\n"


def test_the_next_worker_keeps_the_fence(
    worker: Worker, platform: SmallPlatform, tmp_path: Path, runtimes: Path, api: PlatformApi
) -> None:
    offer(platform, WAITING, running=LONG)
    worker.in_hand.confirm(fence.now(), [])
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    worker.stop()
    thread.join(10)

    second = Worker(tmp_path / "worker", runtimes, api)
    registered = fence.now()
    second.in_hand.confirm(registered, [ATTEMPT])
    thread = second.start(second.runner.adopt)
    eventually(lambda: confirmed(worker.directory) == registered)
    second.in_hand.confirm(registered - LONG, [ATTEMPT])
    thread.join(20)

    assert [final.outcome.cause for final in platform.finishes] == [Cause.WORKER_LOST]


def test_an_attempt_that_a_heartbeat_did_not_tell_of_is_not_confirmed_by_it() -> None:
    in_hand = AttemptsInHand()
    in_hand.confirm(5.0, [])
    held = in_hand.take("ours")
    assert held is not None

    in_hand.confirm(7.0, ["another"])
    assert held._confirmed_at == 5.0
    in_hand.confirm(8.0, ["ours"])
    assert held._confirmed_at == 8.0
    in_hand.drop(held)
