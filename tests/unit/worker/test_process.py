"""`python -m torchyard_worker` as a process, with a real Valkey."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from tests.servers import ValkeyServer
from tests.unit.worker.small_platform import JOIN_TOKEN, SmallPlatform
from tests.waiting import eventually

from torchyard.contracts.runner import Cause, HeartbeatAnswer
from torchyard.contracts.topics import CANCEL_ATTEMPT, RUN_ATTEMPT
from torchyard_worker import launching, spooling
from torchyard_worker.shim import processes
from torchyard_worker.spooling import AttemptDirectory

WAITING = "import os, time\nprint('ready')\nwhile not os.path.exists('go'): time.sleep(0.01)\nprint('end')\n"

#: Starts a worker process: `started(**settings)`, each TORCHYARD_WORKER_…
Started = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def started(platform: SmallPlatform, valkey_url: str, runtimes: Path, tmp_path: Path) -> Iterator[Started]:
    running: list[subprocess.Popen[bytes]] = []
    platform.broker_url = valkey_url

    def start(**settings: str) -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "TORCHYARD_URL": platform.url,
            "TORCHYARD_WORKER_TOKEN": JOIN_TOKEN,
            "TORCHYARD_WORKER_HOME": str(tmp_path / "worker"),
            "TORCHYARD_WORKER_RUNTIMES": str(runtimes),
            **{f"TORCHYARD_WORKER_{name.upper()}": value for name, value in settings.items()},
        }
        known = len(platform.registrations)
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "torchyard_worker"], env=environment, stderr=log
            )
        running.append(process)
        eventually(
            lambda: (
                process.poll() is not None or (len(platform.registrations) > known and platform.heartbeats)
            ),
            seconds=60,
        )
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
    for directory in (tmp_path / "worker" / "attempts").glob("*"):
        launching.kill_leftovers(AttemptDirectory(directory).tag)
        spooling.remove(directory)


def send(platform: SmallPlatform, name: str, attempt_id: str) -> None:
    app = Celery("test", broker=platform.broker_url, set_as_current=False)
    try:
        app.send_task(name, args=[attempt_id], queue=platform.registered().queue, ignore_result=True)
    finally:
        app.close()


def printed(platform: SmallPlatform) -> bytes:
    return bytes(platform.logs["stdout.log"])


def events(tmp_path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


def test_a_message_runs_an_attempt_and_another_one_stops_it(
    started: Started, platform: SmallPlatform, tmp_path: Path
) -> None:
    started(cpus="3", memory_mb="1000", name="tester", gpus="none")
    attempt = str(uuid.uuid4())
    platform.offer(attempt, WAITING)

    send(platform, RUN_ATTEMPT, attempt)
    eventually(lambda: printed(platform) == b"ready\n", seconds=30)
    assert eventually(lambda: platform.heartbeats[-1].attempts) == [attempt]
    send(platform, CANCEL_ATTEMPT, attempt)

    final = eventually(platform.finished, seconds=30)
    assert final.outcome.cause is Cause.CANCELLED
    told = platform.registrations[-1]
    assert (told.name, told.cpus, told.memory_mb, told.gpus) == ("tester", 3, 1000, [])
    assert [runtime.name for runtime in told.runtimes] == ["test"]
    assert {"worker_registered", "attempt_claimed"} <= {event["event"] for event in events(tmp_path)}


def test_forged_messages_do_nothing(started: Started, platform: SmallPlatform, tmp_path: Path) -> None:
    worker = started()
    attempt = str(uuid.uuid4())
    platform.offer(attempt, "print('hi')")

    for text in ("../../etc", "", str(uuid.uuid4())):
        send(platform, RUN_ATTEMPT, text)
    send(platform, RUN_ATTEMPT, attempt)

    eventually(platform.finished, seconds=30)
    assert worker.poll() is None
    refused = {event["attempt"] for event in events(tmp_path) if event["event"] == "message_refused"}
    assert refused == {"'../../etc'", "''"}


def test_an_assigned_attempt_runs_without_any_message(started: Started, platform: SmallPlatform) -> None:
    started()
    attempt = str(uuid.uuid4())
    platform.offer(attempt, "print('hi')")

    platform.heartbeat_answer = HeartbeatAnswer(assigned=[attempt])

    eventually(platform.finished, seconds=30)
    assert printed(platform) == b"hi\n"


def test_a_heartbeat_can_cancel_as_well(started: Started, platform: SmallPlatform) -> None:
    started()
    attempt = str(uuid.uuid4())
    platform.offer(attempt, WAITING)
    platform.heartbeat_answer = HeartbeatAnswer(assigned=[attempt])
    eventually(lambda: printed(platform) == b"ready\n", seconds=30)

    platform.heartbeat_answer = HeartbeatAnswer(cancelled=[attempt])

    assert eventually(platform.finished, seconds=30).outcome.cause is Cause.CANCELLED


def test_a_worker_that_is_not_known_any_more_registers_again(
    started: Started, platform: SmallPlatform
) -> None:
    started()

    platform.token = "another"

    eventually(lambda: len(platform.registrations) == 2)
    seen = len(platform.heartbeats)
    eventually(lambda: len(platform.heartbeats) > seen)
    first, second = platform.registrations
    assert (first.worker_id, first.incarnation) == (second.worker_id, second.incarnation)


def test_a_stopped_worker_leaves_its_script_to_the_next_one(
    started: Started, platform: SmallPlatform, tmp_path: Path
) -> None:
    first = started()
    attempt = str(uuid.uuid4())
    platform.offer(attempt, WAITING)
    platform.heartbeat_answer = HeartbeatAnswer(assigned=[attempt])
    eventually(lambda: printed(platform) == b"ready\n", seconds=30)
    platform.heartbeat_answer = HeartbeatAnswer()

    first.terminate()
    assert first.wait(30) == 0
    directory = tmp_path / "worker" / "attempts" / attempt
    script = launching.script_pid(directory)
    assert script is not None
    assert processes.start_time(script) is not None

    started()
    assert platform.registrations[-1].attempts == [attempt]
    (directory / "work" / "go").touch()

    assert eventually(platform.finished, seconds=30).outcome.exit_code == 0
    assert printed(platform) == b"ready\nend\n"


def test_a_killed_worker_s_attempts_that_are_another_s_now_are_killed(
    started: Started, platform: SmallPlatform, tmp_path: Path
) -> None:
    first = started()
    attempt = str(uuid.uuid4())
    platform.offer(attempt, WAITING)
    platform.heartbeat_answer = HeartbeatAnswer(assigned=[attempt])
    eventually(lambda: printed(platform) == b"ready\n", seconds=30)
    platform.heartbeat_answer = HeartbeatAnswer()
    directory = tmp_path / "worker" / "attempts" / attempt
    script = launching.script_pid(directory)
    assert script is not None

    first.kill()
    first.wait()
    platform.stale.add(attempt)
    started()

    eventually(lambda: processes.start_time(script) is None, seconds=30)
    eventually(lambda: not directory.exists(), seconds=30)
    assert platform.finishes == []


def test_asked_to_a_stopping_worker_ends_and_reports_its_scripts(
    started: Started, platform: SmallPlatform, tmp_path: Path
) -> None:
    worker = started(stop_jobs_on_exit="true")
    attempt = str(uuid.uuid4())
    platform.offer(attempt, WAITING)
    platform.heartbeat_answer = HeartbeatAnswer(assigned=[attempt])
    eventually(lambda: printed(platform) == b"ready\n", seconds=30)
    directory = tmp_path / "worker" / "attempts" / attempt
    script = launching.script_pid(directory)
    assert script is not None

    worker.terminate()

    assert worker.wait(50) == 0
    assert processes.start_time(script) is None
    (final,) = platform.finishes
    assert (final.outcome.cause, final.outcome.detail) == (Cause.WORKER_LOST, "the worker was stopped")
    assert not directory.exists()


def test_a_broker_that_comes_back_is_consumed_again(started: Started, platform: SmallPlatform) -> None:
    with ValkeyServer() as broker:
        platform.broker_url = broker.url
        started()
        for times in (1, 2):
            broker.restart()
            attempt = str(uuid.uuid4())
            platform.offer(attempt, "print('hi')")
            send(platform, RUN_ATTEMPT, attempt)
            finished(platform, times)


def finished(platform: SmallPlatform, times: int) -> None:
    eventually(lambda: len(platform.finishes) == times, seconds=60)


def test_a_wrong_join_token_is_said_in_one_sentence(started: Started, tmp_path: Path) -> None:
    worker = started(token="wrong")

    assert worker.wait(30) == 1
    assert "the platform refuses this worker's join token" in (tmp_path / "log").read_text().splitlines()[-1]


def test_two_workers_don_t_share_a_home(started: Started, tmp_path: Path) -> None:
    started()
    second = started()

    assert second.wait(30) == 1
    assert "another worker runs in" in (tmp_path / "log").read_text()


def test_settings_are_told_without_secrets() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "torchyard_worker", "settings", "--json"],
        env={"TORCHYARD_WORKER_TOKEN": "hush", "TORCHYARD_URL": "http://there"},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout

    settings = {setting["name"]: setting for setting in json.loads(told)}
    assert settings["url"]["value"] == "http://there"
    assert settings["cpus"]["env"] == "TORCHYARD_WORKER_CPUS"
    assert b"hush" not in told
    assert all(setting["description"] for setting in settings.values())
