"""The processes of `up`, with real ones: a Valkey, and a program that leaves another behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import eventually

#: Seconds that a slow machine may take for anything here.
PATIENCE = 30

#: Starts a Valkey and a program that starts another one in a session of its own, then keeps them running.
DRIVER = '''
import os, sys
from pathlib import Path
from torchyard.embedded.children import Children, Program, Stopped, guarded
from torchyard.embedded.valkey import embedded_valkey

home = Path(sys.argv[1])
leave = """
import signal, subprocess
print(subprocess.Popen(["sleep", "600"], start_new_session=True).pid, flush=True)
signal.pause()
"""
leaver = [sys.executable, "-c", leave]
with guarded():
    children = Children(lambda line: print(line, flush=True))
    try:
        children.start(embedded_valkey(home).program)
        children.start(Program("the leaver", leaver, dict(os.environ), home / "leaver.log", patience=5.0))
        children.watch()
    except Stopped:
        print("stopped", flush=True)
    finally:
        children.stop()
'''


def lives(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def children_of(parent: int) -> dict[str, int]:
    """The children's pids, by the names of their programs."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            head, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == parent:
                found[head.partition("(")[2]] = int(stat.parent.name)
    return found


class Up:
    """The driver, and the processes it has started."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process = subprocess.Popen(
            ["env", "--default-signal", sys.executable, "-c", DRIVER, str(home)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        eventually(self.left_behind, seconds=PATIENCE)
        eventually(self.valkey, seconds=PATIENCE)

    def left_behind(self) -> list[int]:
        log = self.home / "leaver.log"
        return [int(line) for line in log.read_text().split()] if log.exists() else []

    def valkey(self) -> int | None:
        return children_of(self.process.pid).get("valkey-server")

    def all(self) -> list[int]:
        return [*children_of(self.process.pid).values(), *self.left_behind()]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path)
    with started.process:
        yield started
        started.process.kill()
    for pid in started.left_behind():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all_of_them_and_what_they_left_behind(up: Up, number: signal.Signals) -> None:
    pids = up.all()
    up.process.send_signal(number)
    assert up.process.wait(30) == 0
    assert [pid for pid in pids if lives(pid)] == []


def test_killed_itself_it_takes_its_children_along(up: Up) -> None:
    pids = list(children_of(up.process.pid).values())
    assert len(pids) == 2
    up.process.kill()
    eventually(lambda: not any(lives(pid) for pid in pids), seconds=PATIENCE)


def test_a_child_that_dies_is_started_again_and_its_orphan_is_kept_for_the_end(up: Up) -> None:
    first = up.valkey()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    eventually(lambda: up.valkey() not in {None, first}, seconds=PATIENCE)
    pids = up.all()
    up.process.send_signal(signal.SIGINT)
    output, _ = up.process.communicate(timeout=30)
    assert "Valkey ended (signal SIGKILL); starting it again in 1 s" in output
    assert [pid for pid in pids if lives(pid)] == []


def test_no_password_is_on_a_command_line_or_in_a_file(up: Up) -> None:
    pid = up.valkey()
    assert b"requirepass" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert not [path for path in up.home.rglob("*") if path.is_file() and b"requirepass" in path.read_bytes()]
