import json
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.unit.client.small_platform import SmallPlatform, make_job

from torchyard.cli import main
from torchyard.cli.app import app

Captured = pytest.CaptureFixture[bytes]
IDS = ("3f2a0000-0000-4000-8000-000000000001", "3f2a1111-0000-4000-8000-000000000002")
COMMANDS = sorted(command.callback.__name__ for command in app.registered_commands if command.callback)


@pytest.fixture
def two_jobs(platform: SmallPlatform) -> SmallPlatform:
    ended = {
        "state": "succeeded",
        "started_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:01:30Z",
    }
    waiting = {"waiting": {"position": 2, "explanation": "needs 2 GPUs"}}
    platform.jobs = [
        make_job(id=IDS[0], name="a\x1b[2Jb", created_at="2026-01-02T00:00:00Z", **ended),
        make_job(id=IDS[1], **waiting),
    ]
    return platform


def told(capfdbinary: Captured) -> str:
    return capfdbinary.readouterr().out.decode()


def test_a_unique_prefix_names_a_job(two_jobs: SmallPlatform, capfdbinary: Captured) -> None:
    assert main(["show", "3F2A1", "--json"]) == 0
    shown = json.loads(told(capfdbinary))
    assert (shown["job"]["id"], shown["attempts"], shown["events"]) == (IDS[1], [], [])


def test_a_whole_id_is_not_looked_up(two_jobs: SmallPlatform) -> None:
    assert main(["cancel", IDS[1]]) == 0
    assert two_jobs.asked("GET") == []


@pytest.mark.parametrize(
    ("prefix", "code", "said"),
    [
        ("3f2a", 2, IDS[1]),
        ("3f2", 2, "4 or more"),
        ("ffff", 1, "no job's id begins with ffff"),
        ("train.py", 2, "no job's id"),
    ],
)
def test_a_prefix_that_does_not_name_one_job_is_refused(
    two_jobs: SmallPlatform, capfdbinary: Captured, prefix: str, code: int, said: str
) -> None:
    assert main(["cancel", prefix]) == code
    out, err = capfdbinary.readouterr()
    assert out == b""
    assert said in err.decode()
    assert two_jobs.asked("POST") == []


def test_jobs_are_listed_without_anything_a_terminal_would_obey(
    two_jobs: SmallPlatform, capfdbinary: Captured
) -> None:
    assert main(["ps"]) == 0
    lines = told(capfdbinary).splitlines()
    assert lines[0].split() == ["ID", "NAME", "STATE", "REASON", "WORKER", "AGE", "DURATION"]
    assert "3f2a0000" in lines[1]
    assert "a\ufffd[2Jb" in lines[1]
    assert "1 min 30 s" in lines[1]
    assert "needs 2 GPUs" in lines[2]


def test_without_options_open_jobs_are_listed_however_old(
    platform: SmallPlatform, capfdbinary: Captured
) -> None:
    oldest = make_job(state="running", created_at="2020-01-01T00:00:00Z")
    platform.jobs = [make_job(state="succeeded") for _ in range(30)] + [oldest]
    assert main(["ps", "--json"]) == 0
    listed = json.loads(told(capfdbinary))
    assert len(listed) == 21
    assert listed[-1]["id"] == oldest["id"]
    assert main(["ps", "--state", "running", "--json"]) == 0
    assert [job["id"] for job in json.loads(told(capfdbinary))] == [oldest["id"]]
    assert main(["ps", "--all", "--limit", "25", "--json"]) == 0
    assert len(json.loads(told(capfdbinary))) == 25


@pytest.mark.parametrize("follow", [[], ["-f"]])
def test_a_log_is_written_as_one_file(
    two_jobs: SmallPlatform, capfdbinary: Captured, follow: list[str]
) -> None:
    two_jobs.logs["stdout.log", 1] = [("stdout", b"one\n"), ("stderr", b"\xfftwo\n")]
    two_jobs.logs["stderr.log", 1] = [(None, b"\xfftwo\n")]
    assert main(["logs", *follow, "3f2a0"]) == 0
    assert main(["logs", *follow, "3f2a0", "stderr.log"]) == 0
    assert capfdbinary.readouterr() == (b"one\n\xfftwo\n\xfftwo\n", b"")


def test_artifacts_are_fetched_with_their_folders(
    two_jobs: SmallPlatform, tmp_path: Path, capfdbinary: Captured
) -> None:
    two_jobs.artifacts = {"model.pth": b"weights", "outputs/plots/loss.png": b"picture"}
    assert main(["artifacts", "3f2a0", "--download", str(tmp_path)]) == 0
    assert (tmp_path / "outputs/plots/loss.png").read_bytes() == b"picture"
    capfdbinary.readouterr()
    assert main(["artifacts", "3f2a0", "--json"]) == 0
    assert [one["path"] for one in json.loads(told(capfdbinary))] == list(two_jobs.artifacts)


def test_artifacts_are_fetched_as_one_zip(
    two_jobs: SmallPlatform, tmp_path: Path, capfdbinary: Captured
) -> None:
    two_jobs.artifacts = {"model.pth": b"weights", "outputs/loss.png": b"picture"}
    two_jobs.breaks = [40]
    assert main(["artifacts", "3f2a0", "--zip", str(tmp_path / "all.zip")]) == 0
    assert capfdbinary.readouterr().out == b""
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == two_jobs.artifacts
    assert [path.name for path in tmp_path.iterdir()] == ["all.zip"]


@pytest.mark.parametrize(("option", "there"), [("--download", "outputs/loss.png"), ("--zip", "")])
def test_a_file_that_is_there_is_not_replaced_unless_that_is_asked_for(
    two_jobs: SmallPlatform, tmp_path: Path, capfdbinary: Captured, option: str, there: str
) -> None:
    two_jobs.artifacts = {"model.pth": b"weights", "outputs/loss.png": b"picture"}
    target = tmp_path / "target"
    mine = target / there
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_bytes(b"mine")

    assert main(["artifacts", "3f2a0", option, str(target)]) == 2
    refusal = (
        f"torchyard: {mine} is there already; nothing was fetched\n  --overwrite replaces what is there\n"
    )
    assert capfdbinary.readouterr().err.decode() == refusal
    assert mine.read_bytes() == b"mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]

    assert main(["artifacts", "3f2a0", option, str(target), "--overwrite"]) == 0
    assert mine.read_bytes() != b"mine"


@pytest.mark.parametrize("path", ["../escaped", "/tmp/escaped", "a/../../escaped"])
def test_an_artifact_cannot_choose_another_place(two_jobs: SmallPlatform, tmp_path: Path, path: str) -> None:
    two_jobs.artifacts = {path: b"x"}
    target = tmp_path / "target"
    assert main(["artifacts", "3f2a0", "--download", str(target)]) == 2
    assert list(tmp_path.iterdir()) == []


def test_running_again_prints_the_new_id(two_jobs: SmallPlatform, capfdbinary: Captured) -> None:
    assert main(["rerun", "3f2a0", "--json"]) == 0
    assert json.loads(told(capfdbinary))["run_again_of"] == IDS[0]


def test_every_prefix_is_resolved_before_anything_is_removed(two_jobs: SmallPlatform) -> None:
    assert main(["rm", "3f2a0", "ffff"]) == 1
    assert two_jobs.asked("DELETE") == []
    assert main(["rm", "3f2a0", "3f2a1"]) == 0
    assert len(two_jobs.asked("DELETE")) == 2


@pytest.mark.parametrize(("status", "code"), [(400, 2), (404, 2), (409, 2), (500, 1), (507, 1)])
def test_what_the_caller_can_change_exits_with_2_and_all_else_with_1(
    platform: SmallPlatform, capfdbinary: Captured, status: int, code: int
) -> None:
    platform.problems["GET", "/workers"] = (status, {"detail": "no", "hint": "try"})
    assert main(["workers"]) == code
    assert capfdbinary.readouterr().err == b"torchyard: no\n  try\n"


def test_a_worker_is_drained_by_its_name(platform: SmallPlatform, capfdbinary: Captured) -> None:
    now = "2026-01-01T00:00:00Z"
    room = {"cpus": 4, "free_cpus": 4, "memory_mb": 1024, "free_memory_mb": 1024, "attempts": 0}
    platform.workers = [
        {"id": name[::-1], "name": name, "reachable": True, "registered_at": now, "seen_at": now, **room}
        for name in ("gpu-1", "gpu-2")
    ]

    assert main(["workers", "--drain", "gpu-2"]) == 0
    lines = told(capfdbinary).splitlines()
    assert [line.split()[0] for line in lines if "draining" in line] == ["gpu-2"]
    assert main(["workers", "--resume", "gpu-2"]) == 0
    assert "draining" not in told(capfdbinary)
    assert main(["workers", "--drain", "gpu-3"]) == 1
    assert b"no worker 'gpu-3'" in capfdbinary.readouterr().err


def test_a_platform_that_is_not_there_exits_with_3(capfdbinary: Captured) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        assert main(["--url", f"http://127.0.0.1:{taken.getsockname()[1]}", "ps"]) == 3
    assert b"torchyard up" in capfdbinary.readouterr().err


@pytest.mark.parametrize(
    "words", [["ps", "--limit", "0"], ["run"], ["nothing"], ["logs", "3f2a", "other.log"]]
)
def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    assert main(words) == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(capfdbinary: Captured, command: str) -> None:
    assert main([command, "--help"]) == 0
    text = told(capfdbinary)
    assert "Examples:\n" in text
    assert f"torchyard {command}" in text


def test_help_loads_nothing_of_the_platform() -> None:
    code = (
        "import sys; from torchyard.cli import main; main(['--help']);"
        "sys.exit(bool({'fastapi', 'sqlalchemy', 'celery', 'torchyard.settings'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: Captured) -> dict[str, Any]:
    monkeypatch.setenv("TORCHYARD_HOME", str(tmp_path))
    monkeypatch.setenv("TORCHYARD_BROKER_URL", "redis://:hunter2@broker/0")
    monkeypatch.setenv("TORCHYARD_DATABASE_URL", "postgresql://yard:hunter2@base/yard")
    monkeypatch.setenv("TORCHYARD_WORKER_TOKEN", "hunter2")
    assert main(["settings", "--json"]) == 0
    out, _ = capfdbinary.readouterr()
    assert b"hunter2" not in out
    return {one["environment"]: one for one in json.loads(out)}


def test_settings_of_platform_and_worker_are_listed_with_secrets_starred(settings: dict[str, Any]) -> None:
    assert settings["TORCHYARD_PORT"]["default"] == 8000
    assert settings["TORCHYARD_PORT"]["description"]
    assert settings["TORCHYARD_BROKER_URL"]["value"] == "********"
    assert settings["TORCHYARD_DATABASE_URL"]["value"] == "postgresql://yard:********@base/yard"
    assert settings["TORCHYARD_WORKER_CPUS"]["program"] == "worker"


def test_a_setting_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: Captured
) -> None:
    monkeypatch.setenv("TORCHYARD_PORT", "many")
    assert main(["settings"]) == 1
    assert b"TORCHYARD_PORT" in capfdbinary.readouterr().err
