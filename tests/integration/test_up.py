"""`torchyard up`, which is what `make run` runs: one command, from nothing to a served platform, and back."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import IO

import httpx
from tests.servers import free_port
from tests.stack import PATIENCE, RUNTIMES
from tests.terminal import TORCHYARD
from tests.waiting import eventually

ENDLESS = b"""
import subprocess, sys
print("on")
subprocess.run([sys.executable, "-c", "import signal; signal.pause()"])
"""


class Up:
    """A running `torchyard up`; a context manager that sends Ctrl-C at its end."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TORCHYARD_")},
            "TORCHYARD_HOME": str(home),
            "TORCHYARD_PORT": str(port),
            "TORCHYARD_WORKER_RUNTIMES": str(RUNTIMES),
        }
        self.said = ""

    def __enter__(self) -> "Up":
        self.process = subprocess.Popen(
            [TORCHYARD, "up"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=PATIENCE)
        self.said += rest

    def until(self, pattern: str) -> str:
        """What it says up to the first line that matches."""
        stdout = self.process.stdout
        assert stdout is not None
        lines: IO[str] = stdout
        for line in lines:
            self.said += line
            if re.search(pattern, line):
                return self.said
        raise AssertionError(f"it ended without {pattern!r}:\n{self.said}")

    def client(self) -> httpx.Client:
        token = (self.home / "token").read_text().strip()
        return httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60
        )


def processes_with(text: str) -> list[str]:
    """Command lines and environments of living processes that speak of `text`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if entry.name.isdecimal() and text.encode() in told and int(entry.name) != os.getpid():
            found.append(told.decode(errors="replace").replace("\0", " ")[:200])
    return found


def test_the_first_start_shows_a_job_and_the_second_keeps_it(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    with Up(home, port) as first:
        said = first.until("The first job is")
        with first.client() as api:
            jobs = api.get("/jobs").json()["items"]
            answer = httpx.get(f"{first.url}/api/v1/jobs")
        page, code = re.search(r"browser +(\S+)#sign-in=(\S+)", said).groups()
        with httpx.Client() as browser:
            assert '<div id="root">' in browser.get(page).text
            assert browser.post(f"{page}api/v1/session", json={"token": code}).json()["name"] == "admin"

    assert f"Torchyard serves at {first.url}" in said
    assert (home / "token").read_text().strip() in said
    assert (home / "token").stat().st_mode & 0o777 == 0o600
    assert "Linear(in_features=2" in said
    assert "The first job is succeeded." in said
    assert answer.status_code == 401
    assert first.process.returncode == 0
    assert first.said.endswith("stopped\n")
    assert processes_with(str(home)) == []

    with Up(home, port) as second:
        said = second.until("stop +Ctrl-C")
        with second.client() as api:
            assert api.get("/jobs").json()["items"] == jobs

    assert "The first job" not in second.said
    assert (home / "token").read_text().strip() not in second.said


def test_ctrl_c_ends_a_running_job_and_leaves_nothing_running(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    (home / "worker").mkdir(parents=True, mode=0o700)  # not a first start: no example
    with Up(home, port) as up:
        up.until("stop +Ctrl-C")
        with up.client() as api:
            job_id = api.post("/jobs", files={"script": ("endless.py", ENDLESS)}).json()["id"]
            eventually(
                lambda: api.get(f"/jobs/{job_id}/logs/stdout.log").content == b"on\n",
                seconds=PATIENCE,
                every=0.1,
            )

    assert processes_with(str(home)) == []
    with Up(home, port) as again:
        again.until("stop +Ctrl-C")
        with again.client() as api:
            job = api.get(f"/jobs/{job_id}").json()
    assert (job["state"], job["reason"]) == ("failed", "worker_lost")


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    with httpx.Client(), Up(tmp_path / "one", free_port()) as first:
        first.until("stop +Ctrl-C")
        with Up(tmp_path / "two", int(first.url.rsplit(":", 1)[1])) as second:
            second.process.wait(PATIENCE)

    assert second.process.returncode == 1
    assert re.fullmatch(r"torchyard: port \d+ of 127.0.0.1 is in use; .*TORCHYARD_PORT.*\n", second.said)


def test_a_platform_that_is_killed_is_started_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "worker").mkdir(parents=True, mode=0o700)
    with Up(home, free_port()) as up:
        up.until("stop +Ctrl-C")
        children = Path(f"/proc/{up.process.pid}/task/{up.process.pid}/children").read_text().split()
        (platform,) = [
            pid for pid in children if b"torchyard.main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        os.kill(int(platform), signal.SIGKILL)
        up.until("the platform ended .* starting it again")

        def answers() -> bool:
            try:
                return httpx.get(f"{up.url}/readyz").is_success
            except httpx.TransportError:
                return False

        eventually(answers, seconds=PATIENCE, every=0.1)
