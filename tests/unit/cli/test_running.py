import contextlib
import hashlib
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.client.small_platform import Piece, SmallPlatform, make_job

from torchyard.cli import main

PROGRAM = [sys.executable, "-P", "-m", "torchyard.cli"]
PIECES: list[Piece] = [
    ("stdout", b"epoch 1\n"),
    ("stderr", b"50%\r100%\n"),
    ("stdout", b"\xff\0 raw"),
]
Captured = pytest.CaptureFixture[bytes]


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "train.py"
    path.write_text("print('hi')\n")
    return str(path)


def test_output_arrives_byte_for_byte_on_its_own_stream(
    platform: SmallPlatform, script: str, capfdbinary: Captured
) -> None:
    platform.logs["stdout.log", 1] = PIECES
    assert main(["run", script, "--", "--epochs", "3", "two words"]) == 0
    assert capfdbinary.readouterr() == (b"epoch 1\n\xff\0 raw", b"50%\r100%\n")
    assert platform.jobs[0]["spec"]["arguments"] == "--epochs 3 'two words'"


def test_every_option_reaches_the_job(platform: SmallPlatform, script: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data.txt").write_text("data")
    options = (
        "--gpus 1 --gpu-model H200 --cpus 3 --memory-mb 512 --timeout 60 --grace 5 --name n --runtime torch-x"
    )
    code = main(
        [
            *("run", script, "--deps", str(tmp_path / "src"), *options.split(), "-e", "A=1=2", "--env", "B="),
            *("--dep", "s3://data/cifar/", "--dep", "cos://other/a,s3://data/b"),
            *("--retries", "2", "--retries-after-loss", "1"),
        ]
    )
    assert code == 0
    spec = platform.jobs[0]["spec"]
    assert spec["environment"] == {"A": "1=2", "B": ""}
    assert spec["resources"] == {
        "gpus": 1,
        "gpu_model": "H200",
        "cpus": 3,
        "memory_mb": 512,
        "timeout_seconds": 60,
    }
    assert (spec["grace_seconds"], spec["name"], spec["runtime"]) == (5, "n", "torch-x")
    assert spec["dependencies"]["name"] == "src"
    assert spec["dependency_paths"] == "s3://data/cifar/,cos://other/a,s3://data/b"
    assert spec["retries"] == {"after_failure": 2, "after_loss": 1}


def test_inputs_are_named_by_the_beginning_of_a_job_s_id(platform: SmallPlatform, script: str) -> None:
    giver = "3f2a0b1c-0000-4000-8000-000000000001"
    platform.jobs = [make_job(id=giver, state="succeeded")]
    assert main(["run", script, "--input", "train=job:3f2a0", "--input", f"again=job:{giver}"]) == 0
    assert platform.jobs[0]["spec"]["inputs"] == {"train": f"job:{giver}", "again": f"job:{giver}"}
    assert main(["run", script, "--input", "train=3f2a0"]) == 2


def test_inputs_come_from_storages_and_files_too(
    platform: SmallPlatform, script: str, tmp_path: Path
) -> None:
    file = tmp_path / "a,b.csv"
    file.write_text("1,2")
    giver = "3f2a0b1c-0000-4000-8000-000000000001"
    platform.jobs = [make_job(id=giver, state="failed")]
    words = ("data=s3://lab/x/", f"data={file}", "model=job:3f2a?", "空=none")

    assert main(["run", script, *(word for text in words for word in ("--input", text))]) == 0

    sha256 = hashlib.sha256(b"1,2").hexdigest()
    assert platform.blobs[sha256] == b"1,2"
    assert platform.jobs[0]["spec"]["inputs"] == {
        "data": f"s3://lab/x/,blob:{sha256}/a,b.csv",
        "model": f"job:{giver}?",
        "空": "none",
    }


@pytest.mark.parametrize("wrong", ["data", "data=", "data=missing.csv", "data=."])
def test_an_input_that_names_nothing_is_refused(platform: SmallPlatform, script: str, wrong: str) -> None:
    assert main(["run", script, "--input", wrong]) == 2
    assert platform.jobs == []


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        ({"state": "succeeded", "exit_code": 0, "sentence": "The script ended with exit code 0."}, 0, b""),
        ({"state": "failed", "exit_code": 3, "reason": "script_error", "sentence": "It exited."}, 3, b""),
        (
            {
                "state": "failed",
                "reason": "signaled",
                "signal": 11,
                "sentence": "The script was ended by SIGSEGV, a crash.",
            },
            139,
            b"The script was ended by SIGSEGV, a crash.\n",
        ),
        (
            {
                "state": "failed",
                "reason": "signaled",
                "signal": 40,
                "sentence": "The script was ended by signal 40.",
            },
            168,
            b"The script was ended by signal 40.\n",
        ),
        (
            {"state": "failed", "exit_code": 1, "reason": "out_of_memory", "sentence": "No memory."},
            1,
            b"No memory.\n",
        ),
        (
            {"state": "failed", "exit_code": 7, "reason": "timeout", "sentence": "Too long."},
            1,
            b"Too long.\n",
        ),
        ({"state": "failed", "reason": "worker_lost", "sentence": "It is gone."}, 1, b"It is gone.\n"),
        ({"state": "cancelled", "sentence": "Cancelled."}, 130, b"Cancelled.\n"),
    ],
)
def test_the_exit_code_is_the_script_s_own(
    platform: SmallPlatform,
    script: str,
    capfdbinary: Captured,
    outcome: dict[str, Any],
    code: int,
    said: bytes,
) -> None:
    platform.outcome = outcome
    assert main(["run", script]) == code
    assert capfdbinary.readouterr() == (b"", said)


def test_a_second_attempt_is_followed_too(
    platform: SmallPlatform, script: str, capfdbinary: Captured
) -> None:
    platform.logs["stdout.log", 1] = []
    platform.logs["stdout.log", 2] = [("stdout", b"second")]
    platform.outcome = {"state": "succeeded", "exit_code": 0, "attempt": 2}
    assert main(["run", script]) == 0
    assert capfdbinary.readouterr().out == b"second"


def test_json_is_one_document_and_the_output_goes_aside(
    platform: SmallPlatform, script: str, capfdbinary: Captured
) -> None:
    platform.logs["stdout.log", 1] = PIECES
    assert main(["run", script, "--json"]) == 0
    out, err = capfdbinary.readouterr()
    assert json.loads(out)["state"] == "succeeded"
    assert err == b"".join(data for _, data in PIECES)


def test_detach_prints_the_id_and_follows_nothing(
    platform: SmallPlatform, script: str, capfdbinary: Captured
) -> None:
    assert main(["run", script, "--detach"]) == 0
    assert capfdbinary.readouterr().out.decode().strip() == platform.jobs[0]["id"]
    assert platform.asked("GET", "stream") == []


def test_a_variable_without_a_value_is_taken_from_here(
    platform: SmallPlatform, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEED", "7")
    assert main(["run", script, "-d", "-e", "SEED"]) == 0
    assert platform.jobs[0]["spec"]["environment"] == {"SEED": "7"}
    assert main(["run", script, "-d", "-e", "NO_SUCH_VARIABLE"]) == 2


def test_a_refusal_is_one_sentence_with_a_hint_and_every_field(
    platform: SmallPlatform, script: str, capfdbinary: Captured
) -> None:
    errors = [{"field": "a", "message": "is bad"}, {"field": "b", "message": "is \x1b[31mworse"}]
    problem = {"code": "x", "detail": "two things are wrong", "hint": "mend both", "errors": errors}
    platform.problems["POST", "/jobs"] = (422, problem)
    assert main(["run", script]) == 2
    assert capfdbinary.readouterr().err.decode() == (
        "torchyard: two things are wrong\n  a: is bad\n  b: is \ufffd[31mworse\n  mend both\n"
    )


def test_a_reader_that_goes_away_ends_it_quietly(platform: SmallPlatform, script: str) -> None:
    platform.logs["stdout.log", 1] = [("stdout", b"line\n" * 20_000) for _ in range(20)]
    with subprocess.Popen([*PROGRAM, "run", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 1
    assert platform.asked("POST", "cancel") == []


@contextlib.contextmanager
def at_a_terminal(*words: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    controller, terminal = pty.openpty()
    try:
        with subprocess.Popen(
            ["setsid", "--ctty", *PROGRAM, *words], stdin=terminal, stdout=terminal, stderr=terminal
        ) as run:
            os.close(terminal)
            yield run, controller
    finally:
        os.close(controller)


def read_until(controller: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        seen += os.read(controller, 4096)
    return seen


@pytest.mark.parametrize(("answer", "cancelled"), [(b"y\n", True), (b"\n", False), (b"\x03", False)])
def test_ctrl_c_detaches_and_asks_before_it_cancels(
    platform: SmallPlatform, script: str, answer: bytes, cancelled: bool
) -> None:
    platform.logs["stdout.log", 1] = [("stdout", b"epoch 1\n")]
    platform.events = [
        {"seq": 1, "at": "2026-01-01T00:00:00Z", "attempt": 1, "state": "running", "message": "started"}
    ]
    platform.released.clear()
    with at_a_terminal("run", script) as (run, controller):
        read_until(controller, b"epoch 1")
        os.write(controller, b"\x03")
        assert b"torchyard logs -f" in read_until(controller, b"[y/N]")
        os.write(controller, answer)
        assert run.wait() == 130
    assert bool(platform.asked("POST", "cancel")) is cancelled


def test_a_person_at_the_terminal_sees_the_way_to_the_start(platform: SmallPlatform, script: str) -> None:
    platform.events = [
        {"seq": 1, "at": "2026-01-01T00:00:00Z", "attempt": 1, "state": "running", "message": "started on w1"}
    ]
    platform.logs["stdout.log", 1] = [("stdout", b"epoch 1\n")]
    with at_a_terminal("run", script) as (run, controller):
        assert b"started on w1" in read_until(controller, b"epoch 1")
        assert run.wait() == 0
