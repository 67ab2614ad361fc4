"""An attempt's whole way, over real HTTP, with real scripts."""

import os
import signal
import threading
import time
from ast import literal_eval
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories import make_zip
from tests.unit.worker.small_platform import Fault, SmallPlatform
from tests.waiting import eventually

from torchyard.contracts.jobs import JobState
from torchyard.contracts.runner import Cause
from torchyard_worker import launching, spooling
from torchyard_worker.attempts import AttemptsInHand, StopWish
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.collecting import ArtifactLimits, Collector
from torchyard_worker.fetching import Fetcher
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.runner import Places, Runner
from torchyard_worker.runtimes import discover
from torchyard_worker.shim import processes, spool
from torchyard_worker.staging import Sources
from torchyard_worker.stock import READY
from torchyard_worker.tree_cache import TreeCache
from torchyard_worker.zygotes import Zygotes

ATTEMPT = "3f2b8f38-0000-4000-8000-000000000001"
WAITING = "import os, time\nprint('ready')\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('end')\n"


class Worker:
    """What one process of a worker has, over a home that outlives it."""

    def __init__(self, home: Path, runtimes: Path, api: PlatformApi) -> None:
        self.attempts = home / "attempts"
        self.in_hand = AttemptsInHand()
        limits = ArtifactLimits(count=100, file_bytes=10**6, total_bytes=10**7)
        self.objects = ObjectCache(home / "objects", max_bytes=10**8)
        blobs = BlobCache(home / "blobs", api, max_bytes=10**6)
        sources = Sources(
            blobs=blobs,
            kept=TreeCache(home / "trees", max_bytes=10**8),
            fetcher=Fetcher(self.objects),
        )
        places = Places(attempts=self.attempts, runtimes=runtimes)
        zygotes = Zygotes(home / "zygotes", most=0)
        self.runner = Runner(api, self.in_hand, sources, Collector(api, limits, blobs), places, zygotes)

    def start(self, call: Callable[[str], None]) -> threading.Thread:
        thread = threading.Thread(target=call, args=(ATTEMPT,))
        thread.start()
        return thread

    def stop(self) -> None:
        """End as a process does that leaves its scripts to their shims."""
        self.in_hand.close()
        self.in_hand.detach_all()
        assert self.in_hand.wait_until_empty(10)

    @property
    def directory(self) -> Path:
        return self.attempts / ATTEMPT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "worker"


@pytest.fixture
def worker(home: Path, runtimes: Path, api: PlatformApi) -> Worker:
    return Worker(home, runtimes, api)


def printed(platform: SmallPlatform) -> bytes:
    return bytes(platform.logs["stdout.log"])


def test_a_job_from_claim_to_finish(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(
        ATTEMPT,
        "import sys, numbers_from_zip\nprint(numbers_from_zip.ANSWER, sys.argv[1:])\n"
        "open('outputs/out.txt', 'w').write('o'); open('model.pth', 'w').write('m')\n"
        "open('data.csv', 'a').write('more')",
        zipped=make_zip({"numbers_from_zip.py": "ANSWER = 42", "data.csv": "1,2", "same.csv": "3"}),
        arguments="--epochs 3 'a b'",
    )

    worker.runner.run(ATTEMPT)

    assert printed(platform) == b"42 ['--epochs', '3', 'a b']\n"
    staged, started = platform.messages()
    assert staged.startswith("staged main.py (184 B)")
    assert " and deps.zip (3 files, " in staged
    assert started.startswith(
        "started: python main.py --epochs 3 'a b' (runtime test, Python 3.11.2, torch 2.13.0, pid "
    )
    assert platform.reports[1].state is JobState.RUNNING
    final = platform.finished()
    assert final is not None
    assert (final.outcome.cause, final.outcome.exit_code) == (Cause.EXITED, 0)
    assert [file.path for file in final.artifacts] == ["outputs/out.txt", "data.csv", "model.pth"]
    assert platform.blobs[final.artifacts[1].sha256] == b"1,2more"
    assert not worker.directory.exists()
    assert worker.in_hand.claimed() == []


def test_a_directory_made_ahead_serves_one_job_and_is_made_good(
    worker: Worker, platform: SmallPlatform, home: Path, runtimes: Path
) -> None:
    worker.runner.prepare(discover(runtimes))
    ahead = set((home / "ready").iterdir())
    platform.offer(ATTEMPT, "import os, sys\nprint(sys.prefix, os.listdir())\nopen('new', 'w')")

    worker.runner.run(ATTEMPT)

    prefix, found = printed(platform).decode().split(" ", 1)
    assert (prefix, sorted(literal_eval(found))) == (
        str(worker.directory / "venv"),
        ["inputs", "main.py", "outputs"],
    )
    later = set((home / "ready").iterdir())
    assert (len(ahead), len(later), len(ahead & later)) == (READY, READY, READY - 1)
    assert not worker.directory.exists()


def test_what_went_wrong_in_the_script_is_told(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, "def f():\n    raise ValueError('no')\n\n\nf()\n")

    worker.runner.run(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.exit_code == 1
    assert (final.outcome.exception, final.outcome.script_line) == ("ValueError: no", 2)


def test_an_attempt_that_is_not_to_be_had_is_left_alone(worker: Worker, platform: SmallPlatform) -> None:
    worker.runner.run(ATTEMPT)

    assert platform.finishes == []
    assert not worker.directory.exists()


def test_a_second_message_changes_nothing(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, WAITING)
    first = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")

    worker.runner.run(ATTEMPT)
    (worker.directory / "work" / "go").touch()
    first.join(10)

    assert printed(platform) == b"ready\nend\n"
    assert len(platform.finishes) == 1
    assert sum(path.endswith("/claim") for _, path in platform.requests) == 1


def test_a_claim_whose_answer_was_lost_is_given_back(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, "print('never')")
    faults = iter([Fault.ANSWER_LOST])
    platform.faults = lambda _method, path: next(faults, None) if path.endswith("/claim") else None

    worker.runner.run(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is Cause.WORKER_LOST
    assert platform.logs["stdout.log"] == b""


def test_a_cancelled_script_is_stopped(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, WAITING)
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")

    worker.in_hand.stop(ATTEMPT, StopWish(Cause.CANCELLED))
    thread.join(20)

    final = platform.finished()
    assert final is not None
    assert (final.outcome.cause, final.outcome.signal) == (Cause.CANCELLED, signal.SIGTERM)


def test_one_that_was_cancelled_before_is_not_started(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, "print('never')")
    platform.claimable[ATTEMPT] = platform.claimable[ATTEMPT].model_copy(update={"cancel_requested": True})

    worker.runner.run(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is Cause.CANCELLED
    assert platform.messages() == []


@pytest.mark.parametrize(
    ("zipped", "cause", "detail"),
    [
        (
            make_zip({"main.py": "other"}),
            Cause.DEPENDENCY_CONFLICT,
            "main.py in deps.zip takes the name of the script",
        ),
        (make_zip({"outputs": "a file"}), Cause.DEPENDENCY_CONFLICT, "outputs in deps.zip takes the name of"),
        (make_zip({"../x": "escapes"}), Cause.ARCHIVE_REJECTED, "is not a plain path"),
        (b"no zip", Cause.ARCHIVE_REJECTED, ""),
    ],
)
def test_a_zip_that_can_t_be_used_is_said_so(
    worker: Worker, platform: SmallPlatform, zipped: bytes, cause: Cause, detail: str
) -> None:
    platform.offer(ATTEMPT, "print('never')", zipped=zipped)

    worker.runner.run(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is cause
    assert detail in (final.outcome.detail or "")
    assert not worker.directory.exists()


def test_the_script_s_own_content_in_the_zip_is_fine(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, "print('me')", zipped=make_zip({"main.py": "print('me')"}))

    worker.runner.run(ATTEMPT)

    assert printed(platform) == b"me\n"


def test_a_runtime_that_is_gone_is_named(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, "print('never')", runtime="torch-9")

    worker.runner.run(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is Cause.RUNTIME_UNAVAILABLE
    assert "torch-9" in (final.outcome.detail or "")


def test_an_abandoned_attempt_is_killed_and_forgotten(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAITING}")
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    script = launching.script_pid(worker.directory)

    platform.stale.add(ATTEMPT)
    worker.in_hand.abandon(ATTEMPT)
    thread.join(20)

    assert script is not None
    assert processes.start_time(script) is None
    assert not worker.directory.exists()
    assert platform.finishes == []


def test_a_restarted_worker_takes_its_running_script_over(
    worker: Worker, platform: SmallPlatform, home: Path, runtimes: Path, api: PlatformApi
) -> None:
    platform.offer(ATTEMPT, WAITING)
    first = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    worker.stop()
    first.join(10)

    second = Worker(home, runtimes, api)
    assert spooling.left_over(second.attempts) == [ATTEMPT]
    thread = second.start(second.runner.adopt)
    eventually(lambda: second.in_hand.claimed() == [ATTEMPT])
    (worker.directory / "work" / "go").touch()
    thread.join(20)

    assert printed(platform) == b"ready\nend\n"
    assert [final.outcome.exit_code for final in platform.finishes] == [0]
    assert [report.state for report in platform.reports.values()].count(JobState.RUNNING) == 1
    assert spooling.left_over(second.attempts) == []


def test_a_script_that_ended_meanwhile_is_reported_by_the_next_worker(
    worker: Worker, platform: SmallPlatform, home: Path, runtimes: Path, api: PlatformApi
) -> None:
    platform.offer(ATTEMPT, WAITING)
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    worker.stop()
    thread.join(10)
    (worker.directory / "work" / "go").touch()
    eventually((worker.directory / spool.EXIT).exists)

    Worker(home, runtimes, api).runner.adopt(ATTEMPT)

    assert printed(platform) == b"ready\nend\n"
    assert [final.outcome.cause for final in platform.finishes] == [Cause.EXITED]


def test_a_script_whose_shim_was_killed_is_lost(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, WAITING)
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    identity = spool.read_json(str(worker.directory), spool.SHIM)
    assert identity is not None

    os.kill(identity["pid"], signal.SIGKILL)
    thread.join(20)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is Cause.WORKER_LOST
    assert printed(platform) == b"ready\n"
    eventually(lambda: processes.start_time(identity["script_pid"]) is None)


def test_what_was_claimed_and_never_started_is_lost(
    worker: Worker, platform: SmallPlatform, home: Path
) -> None:
    platform.offer(ATTEMPT, "print('never')")
    spooling.create(worker.directory, platform.claimable.pop(ATTEMPT))

    worker.runner.adopt(ATTEMPT)

    final = platform.finished()
    assert final is not None
    assert final.outcome.cause is Cause.WORKER_LOST
    assert spooling.left_over(home / "attempts") == []


def test_a_platform_that_is_away_in_between_loses_nothing(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, "open('outputs/kept', 'w').write('x')\nprint('done')")
    seen: set[str] = set()

    def every_first_try_fails(method: str, path: str) -> Fault | None:
        if f"{method} {path}" in seen or path.endswith("/claim"):
            return None
        seen.add(f"{method} {path}")
        return Fault.DROPPED

    platform.faults = every_first_try_fails
    worker.runner.run(ATTEMPT)

    assert printed(platform) == b"done\n"
    (final,) = platform.finishes
    assert [file.path for file in final.artifacts] == ["outputs/kept"]
    assert [line.split()[0] for line in platform.messages()] == ["staged", "started:"]


def test_a_platform_without_space_hears_of_the_end_when_it_has_some(
    worker: Worker, platform: SmallPlatform
) -> None:
    platform.offer(ATTEMPT, "open('large', 'w').write('x')\nprint('done')")
    seen: set[str] = set()
    there_at_the_end: list[bool] = []

    def full(method: str, path: str) -> Fault | None:
        if path.endswith("/finish"):
            there_at_the_end.append((worker.directory / "work" / "large").exists())
        first = path not in seen
        seen.add(path)
        written_down = path.endswith(("/claim", "/events", "/finish"))
        return Fault.FULL if (first and written_down) or (method == "PUT" and "/blobs/" in path) else None

    platform.faults = full
    worker.runner.run(ATTEMPT)

    assert printed(platform) == b"done\n"
    (final,) = platform.finishes
    assert (final.outcome.cause, final.outcome.exit_code) == (Cause.EXITED, 0)
    assert final.artifacts == []
    assert final.messages == ["not kept as artifacts (refused: storage_full): large"]
    assert there_at_the_end == [False, False]  # it may be what fills the disk
    assert not worker.directory.exists()


def test_temporary_files_have_a_path_that_is_short_enough_for_sockets(
    worker: Worker, platform: SmallPlatform
) -> None:
    platform.offer(
        ATTEMPT,
        "import os, socket, tempfile\n"
        "name = tempfile.mkdtemp(prefix='pymp-') + '/listener-12345678'\n"
        "socket.socket(socket.AF_UNIX).bind(name)\n"
        "print(os.environ['TMPDIR'], os.path.realpath(os.environ['TMPDIR']))\n",
    )

    worker.runner.run(ATTEMPT)

    temporary, real = printed(platform).decode().split()
    assert real == str(worker.directory / "tmp")
    assert not Path(temporary).is_symlink()


def test_the_next_job_gets_a_large_archive_as_the_last_one_left_it(
    worker: Worker, platform: SmallPlatform
) -> None:
    zipped = make_zip({f"data/{number:03d}.txt": str(number) for number in range(500)})
    script = "import os; print(len(os.listdir('data'))); open('data/new', 'w').write('n')"
    for attempt in (ATTEMPT, ATTEMPT.replace("1", "7")):
        platform.reports.clear()
        platform.logs["stdout.log"].clear()
        platform.offer(attempt, script, zipped=zipped)
        worker.runner.run(attempt)

    assert printed(platform) == b"500\n"
    assert [file.path for finish in platform.finishes for file in finish.artifacts] == ["data/new"] * 2
    assert any("deps.zip (500 files, kept from an earlier job)" in line for line in platform.messages())


def lend(worker: Worker, name: str) -> None:
    """Give the attempt's directory an object, as the fetching of its dependency paths does."""
    directory = spooling.AttemptDirectory(worker.directory)
    with worker.objects.holding(name, 4, lambda path: path.write_bytes(b"data"), lambda: None) as held:
        worker.objects.place(held, directory.work / "data", lambda: None)
    since = time.clock_gettime(time.CLOCK_BOOTTIME)
    worker.objects.note(directory, {"data": held.loan} if held.loan else {}, since)


def known(worker: Worker, name: str) -> bool:
    with worker.objects.holding(name, 4, lambda path: path.write_bytes(b"data"), lambda: None) as held:
        return held.known


@pytest.mark.parametrize("restarted", [False, True])
def test_objects_come_back_after_the_artifacts_were_collected(
    worker: Worker, platform: SmallPlatform, home: Path, runtimes: Path, api: PlatformApi, restarted: bool
) -> None:
    platform.offer(ATTEMPT, WAITING)
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    lend(worker, "object")
    if restarted:
        worker.stop()
        thread.join(10)
        worker = Worker(home, runtimes, api)
        thread = worker.start(worker.runner.adopt)
        eventually(lambda: worker.in_hand.claimed() == [ATTEMPT])
    (worker.directory / "work" / "go").touch()
    thread.join(20)

    final = platform.finished()
    assert final is not None
    # It was not there when the script started, so it is an artifact too.
    assert "data" in [artifact.path for artifact in final.artifacts]
    assert not worker.directory.exists()
    assert known(worker, "object")


def test_an_abandoned_attempt_gives_its_objects_back(worker: Worker, platform: SmallPlatform) -> None:
    platform.offer(ATTEMPT, WAITING)
    thread = worker.start(worker.runner.run)
    eventually(lambda: printed(platform) == b"ready\n")
    lend(worker, "object")

    platform.stale.add(ATTEMPT)
    worker.in_hand.abandon(ATTEMPT)
    thread.join(20)

    assert not worker.directory.exists()
    assert known(worker, "object")
