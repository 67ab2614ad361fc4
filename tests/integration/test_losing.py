"""Workers and platforms that go away under a running script: never two attempts of a job at once.

The script itself watches: each attempt holds a lock on one file for as long as it lives, which the kernel
takes from it at its end, and notes when it found the lock held.
"""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.test_running import attempt_of, ended, job, log, submit
from tests.stack import PATIENCE, Stack
from tests.waiting import eventually

from torchyard_worker.shim import fence, spool

#: Seconds of silence after which a worker's attempts are given up in these tests.
LOST_AFTER = 8.0

WITNESS = """
import fcntl, os, sys, time
notes = open(os.environ["NOTES"], "a", buffering=1)
attempt = os.environ["TORCHYARD_ATTEMPT"]
try:
    fcntl.flock(notes, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    notes.write(f"{attempt} at the same time as another\\n")
notes.write(f"{attempt} started\\n")
print("ready")
while attempt == "1" and not os.path.exists(os.environ["NOTES"] + ".go"): time.sleep(0.02)
notes.write(f"{attempt} ended\\n")
"""


@pytest.fixture
def impatient(tmp_path: Path) -> Iterator[Stack]:
    settings = {
        "TORCHYARD_LOST_AFTER": str(LOST_AFTER),
        "TORCHYARD_UNREACHABLE_AFTER": str(LOST_AFTER / 2),
        "TORCHYARD_RECONCILE_EVERY": "0.2",
        "TORCHYARD_RETRY_PAUSE": "1",
    }
    with Stack(tmp_path / "home", **settings) as running:
        yield running


class Witness:
    """A job whose script tells whether it ever ran twice at once."""

    def __init__(self, stack: Stack, notes: Path, **retries: int) -> None:
        self.stack = stack
        self.path = notes
        self.id = submit(stack, WITNESS, environment={"NOTES": str(notes)}, retries=retries)
        eventually(
            lambda: "1 started" in self.notes() and self.told()["state"] == "running", seconds=PATIENCE
        )

    def told(self) -> dict[str, object]:
        return dict(job(self.stack, self.id))

    def notes(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def let_go(self) -> None:
        Path(f"{self.path}.go").touch()


def fenced(directory: Path) -> bool:
    return bool((spool.read_json(str(directory), spool.EXIT) or {}).get("fenced"))


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_job_moves_to_another_worker_and_never_runs_twice_at_once(
    impatient: Stack, tmp_path: Path, number: signal.Signals
) -> None:
    stack = impatient
    stack.start_worker(name="other")
    witness = Witness(stack, tmp_path / "notes", after_loss=1)
    first = str(witness.told()["worker"])
    if number is signal.SIGKILL:
        stack.stop(first, number)
    else:
        stack.send(first, number)

    last = ended(stack, witness.id)

    assert witness.notes() == ["1 started", "2 started", "2 ended"]
    assert (last["state"], last["attempt"]) == ("succeeded", 2)
    assert last["worker"] != first
    story = log(stack, witness.id, "system.log").decode()
    assert "has been silent for" in story
    assert "queued as attempt 2 of 2 as its worker was lost while it ran" in story
    if number is signal.SIGSTOP:
        stack.send(first, signal.SIGCONT)
        eventually(lambda: not list((stack.home / first / "attempts").iterdir()), seconds=PATIENCE)
        assert job(stack, witness.id) == last


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_an_outage_of_the_platform_ends_only_scripts_that_might_be_started_elsewhere(
    impatient: Stack, tmp_path: Path, number: signal.Signals
) -> None:
    stack = impatient
    again, plain = Witness(stack, tmp_path / "again", after_loss=1), Witness(stack, tmp_path / "plain")
    directory = stack.home / "worker" / "attempts" / attempt_of(stack, again.id)
    away_since = fence.now()
    if number is signal.SIGKILL:
        stack.stop("platform", number)
    else:
        stack.send("platform", number)

    eventually(lambda: fenced(directory), seconds=PATIENCE)
    eventually(lambda: fence.now() - away_since > LOST_AFTER, seconds=PATIENCE)
    if number is signal.SIGKILL:
        stack.start_platform()
    else:
        stack.send("platform", signal.SIGCONT)

    first = ended(stack, again.id)
    plain.let_go()
    second = ended(stack, plain.id)
    assert (first["state"], first["attempt"]) == ("succeeded", 2)
    assert again.notes() == ["1 started", "2 started", "2 ended"]
    assert "lost touch with the platform" in log(stack, again.id, "system.log").decode()
    assert (second["state"], second["attempt"]) == ("succeeded", 1)
    assert plain.notes() == ["1 started", "1 ended"]


def test_a_script_that_fails_is_tried_again_with_logs_of_its_own(impatient: Stack) -> None:
    stack = impatient
    script = (
        "import os\nnumber = os.environ['TORCHYARD_ATTEMPT']\nprint('try', number)\nassert number == '2'\n"
    )
    job_id = submit(stack, script, retries={"after_failure": 1})

    last = ended(stack, job_id)

    assert (last["state"], last["attempt"], last["reason"]) == ("succeeded", 2, None)
    with stack.api() as api:
        logs = [api.get(f"/jobs/{job_id}/logs/stdout.log", params={"attempt": number}) for number in (1, 2)]
        attempts = api.get(f"/jobs/{job_id}/attempts").json()
    assert [one.text.splitlines()[0] for one in logs] == ["try 1", "try 2"]
    assert [one["state"] for one in attempts] == ["failed", "succeeded"]
    assert "queued as attempt 2 of 2, in 1 second" in log(stack, job_id, "system.log").decode()


def test_a_parameter_that_there_is_not_is_refused_and_a_literal_one_is_passed_on(stack: Stack) -> None:
    with stack.api() as api:
        refused = [
            api.post(
                "/jobs",
                files={"script": ("main.py", b"1")},
                data={"spec": json.dumps({field: "s3://bucket/${x}"})},
            ).json()
            for field in ("arguments", "dependency_paths")
        ]
    job_id = submit(stack, "import sys\nprint(sys.argv[1:])", arguments="'$${x}' '$HOME'")

    assert ended(stack, job_id)["state"] == "succeeded"
    with stack.api() as api:
        again = api.post(f"/jobs/{job_id}/run-again").json()["id"]
    assert ended(stack, again)["state"] == "succeeded"
    assert [(one["code"], one["field"]) for one in refused] == [
        ("parameter_unknown", "arguments"),
        ("parameter_unknown", "dependency_paths"),
    ]
    assert log(stack, job_id) == log(stack, again) == b"['${x}', '$HOME']\n"
