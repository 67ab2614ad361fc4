"""What a beginner brings, as it is, through both doors: REST as curl speaks it, and the terminal."""

import contextlib
import json
import random
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.factories import make_zip
from tests.stack import PATIENCE, Stack
from tests.terminal import TORCHYARD
from tests.waiting import eventually

SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Ended:
    """How a job ended, and the two streams it wrote."""

    job: Any
    stdout: bytes
    stderr: bytes


Door = Callable[..., Ended]


def wait(stack: Stack, job_id: str, *states: str) -> Any:
    wanted = states or ("succeeded", "failed", "cancelled")
    with stack.api() as api:
        return eventually(
            lambda: job if (job := api.get(f"/jobs/{job_id}").json())["state"] in wanted else None,
            seconds=PATIENCE,
        )


def log(stack: Stack, job_id: str, name: str) -> bytes:
    with stack.api() as api:
        return api.get(f"/jobs/{job_id}/logs/{name}").content


def submit(stack: Stack, script: str, *, zipped: bytes | None = None, **spec: Any) -> str:
    files = {"script": (script, (SCRIPTS / script).read_bytes())}
    if zipped is not None:
        files["dependencies"] = ("deps.zip", zipped)
    with stack.api() as api:
        answer = api.post("/jobs", files=files, data={"spec": json.dumps(spec)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def through_rest(stack: Stack, script: str, tmp_path: Path, **more: Any) -> Ended:
    job = wait(stack, submit(stack, script, **more))
    whole, stderr = log(stack, job["id"], "stdout.log"), log(stack, job["id"], "stderr.log")
    # No script here writes to both streams in one breath, so that taking stderr out leaves stdout.
    stdout = whole.replace(stderr, b"") if stderr else whole
    return Ended(job, stdout, stderr)


def through_the_terminal(
    stack: Stack, script: str, tmp_path: Path, *, zipped: bytes | None = None, arguments: str = ""
) -> Ended:
    name = uuid.uuid4().hex
    command = [TORCHYARD, "run", str(SCRIPTS / script), "--name", name]
    if zipped is not None:
        (tmp_path / "deps.zip").write_bytes(zipped)
        command += ["--deps", str(tmp_path / "deps.zip")]
    done = subprocess.run(
        [*command, "--", *arguments.split()],
        env=stack.environment(),
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    job = named(stack, name)
    assert done.returncode == (0 if job["state"] == "succeeded" else job["exit_code"])
    return Ended(job, done.stdout, done.stderr)


def named(stack: Stack, name: str) -> Any:
    with stack.api() as api:
        return api.get("/jobs", params={"text": name}).json()["items"][0]


@pytest.fixture(params=["rest", "terminal"])
def door(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> Door:
    entry = through_rest if request.param == "rest" else through_the_terminal
    return lambda script, **more: entry(stack, script, tmp_path, **more)


def points() -> bytes:
    chance = random.Random(1)
    rows = [(chance.random(), chance.random()) for _ in range(64)]
    return make_zip(
        {
            "features.py": (SCRIPTS / "features.py").read_bytes(),
            "data/points.csv": "\n".join(f"{x},{y},{2 * x - y}" for x, y in rows),
        }
    )


def artifacts(stack: Stack, job: Any) -> dict[str, int]:
    with stack.api() as api:
        return {one["path"]: one["size"] for one in api.get(f"/jobs/{job['id']}/artifacts").json()}


def test_a_net_prints_itself(door: Door) -> None:
    ended = door("lenet.py")

    assert ended.job["state"] == "succeeded"
    assert ended.stdout.startswith(b"LeNet(\n  (conv1): Conv2d(1, 6, kernel_size=(5, 5), stride=(1, 1))\n")
    assert ended.stderr == b""


def test_a_training_on_data_from_the_zip_saves_its_model(door: Door, stack: Stack) -> None:
    ended = door("train.py", zipped=points(), arguments="--epochs 3 --lr 0.05")

    assert ended.job["state"] == "succeeded", ended
    losses = [float(line.rsplit(b" ", 1)[1]) for line in ended.stdout.splitlines()]
    assert len(losses) == 3
    assert losses[-1] < losses[0]
    assert artifacts(stack, ended.job).keys() == {"model.pth"}
    with stack.api() as api:
        saved = api.get(f"/jobs/{ended.job['id']}/artifacts/model.pth")
    assert saved.content.startswith(b"PK")
    assert len(saved.content) == artifacts(stack, ended.job)["model.pth"]


def test_a_script_that_raises_fails_with_its_exception_and_line(door: Door) -> None:
    ended = door("raises.py")

    assert (ended.job["state"], ended.job["reason"], ended.job["exit_code"]) == ("failed", "script_error", 1)
    assert "RuntimeError" in ended.job["sentence"]
    assert "line 7 of raises.py" in ended.job["sentence"]
    assert ended.stdout == b"multiplying (3, 4)\n"
    assert b"Traceback (most recent call last):" in ended.stderr
    assert b"weights @ torch.zeros(3)" in ended.stderr


def test_an_exit_code_of_its_own_is_kept(door: Door) -> None:
    ended = door("exits.py")

    assert (ended.job["state"], ended.job["exit_code"]) == ("failed", 3)
    assert ended.stdout == b"giving up\n"
    assert ended.stderr.startswith(b"not converged\n")


def test_a_million_lines_all_arrive(door: Door) -> None:
    ended = door("million.py")

    assert ended.job["state"] == "succeeded"
    assert ended.stdout == b"".join(b"%d\n" % number for number in range(1_000_000))


def test_a_running_script_is_cancelled_over_rest(stack: Stack) -> None:
    job_id = submit(stack, "waits.py")
    wait(stack, job_id, "running")

    with stack.api() as api:
        assert api.post(f"/jobs/{job_id}/cancel").status_code == 200

    ended = wait(stack, job_id)
    assert ended["state"] == "cancelled"
    assert log(stack, job_id, "stdout.log") == b"waiting\n"
    assert "cancelled" in log(stack, job_id, "system.log").decode()


@contextlib.contextmanager
def waiting_script(stack: Stack, name: str) -> Iterator["subprocess.Popen[bytes]"]:
    """`torchyard run` of a script that goes on until it is stopped; killed in the end if it is there."""
    command = [TORCHYARD, "run", str(SCRIPTS / "waits.py"), "--name", name]
    with subprocess.Popen(
        command,
        env=stack.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_running_script_is_cancelled_from_the_terminal(stack: Stack) -> None:
    name = uuid.uuid4().hex
    with waiting_script(stack, name) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"waiting\n"
        job = named(stack, name)
        subprocess.run(
            [TORCHYARD, "cancel", job["id"]], env=stack.environment(), check=True, timeout=PATIENCE
        )
        following.wait(PATIENCE)

    assert following.returncode == 130
    assert wait(stack, job["id"])["state"] == "cancelled"


def test_ctrl_c_in_the_terminal_detaches_and_the_job_goes_on(stack: Stack) -> None:
    name = uuid.uuid4().hex
    with waiting_script(stack, name) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"waiting\n"
        following.send_signal(signal.SIGINT)
        following.wait(PATIENCE)

    job = named(stack, name)
    assert job["state"] == "running"
    with stack.api() as api:
        api.post(f"/jobs/{job['id']}/cancel")
    wait(stack, job["id"])
