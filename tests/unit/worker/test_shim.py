"""The shim, started as the worker starts it."""

import ast
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.full_disk import FULL_DISK_BYTES, small_disk
from tests.unit.worker.conftest import Launched
from tests.waiting import eventually

import torchyard_worker.shim
from torchyard.contracts.runner import Cause
from torchyard_worker import launching
from torchyard_worker.launching import Shim
from torchyard_worker.shim import processes, spool

#: Prints that it is there, and waits for a signal that ends it.
WAITING = "import signal\nprint('ready')\nwhile True: signal.pause()\n"
#: Prints that it is there; what it does on SIGTERM follows.
WARNED = (
    "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
    "print('ready')\nsignal.sigwait([signal.SIGTERM])\n"
)


def read(directory: Path, name: str) -> bytes:
    path = directory / name
    return path.read_bytes() if path.exists() else b""


def ended(shim: Shim, directory: Path) -> dict[str, Any]:
    eventually(shim.ended, seconds=60)
    facts = spool.read_json(str(directory), spool.EXIT)
    assert facts is not None, read(directory, spool.SHIM_LOG).decode()
    return facts


def ready(directory: Path) -> None:
    eventually(lambda: b"ready\n" in read(directory, spool.STDOUT), seconds=60)


def records(directory: Path) -> list[tuple[int, int, bool]]:
    index = read(directory, spool.INDEX)
    size = spool.RECORD.size
    return [spool.unpack_record(index[at : at + size]) for at in range(0, len(index), size)]


def test_both_streams_are_kept_in_order_of_arrival(launched: Launched, directory: Path) -> None:
    shim = launched(
        "import os, sys\n"
        "def say(stream, text):\n"
        "    stream.write(text)\n"
        "    while text not in open(os.environ['SPOOL'] + '/stdout.log').read(): pass\n"
        "say(sys.stdout, 'one\\n'); say(sys.stderr, 'two\\n'); say(sys.stdout, 'three\\n')\n"
    )

    ended(shim, directory)
    assert read(directory, spool.STDOUT) == b"one\ntwo\nthree\n"
    assert read(directory, spool.STDERR) == b"two\n"
    told = records(directory)
    assert [(offset, is_stderr) for offset, _, is_stderr in told] == [(0, False), (4, True), (8, False)]
    assert sorted(time for _, time, _ in told) == [time for _, time, _ in told]


def test_a_stream_that_is_written_to_all_the_time_stays_in_order_with_the_other(
    launched: Launched, directory: Path
) -> None:
    """A pipe that is left alone for a while is read before what comes to the other one meanwhile."""
    shim = launched(
        "import os, time\n"
        "log = os.environ['SPOOL'] + '/stdout.log'\n"
        "for n in range(60):\n"
        "    for m in range(40): os.write(1, b'%d.%d\\n' % (n, m))\n"
        "    time.sleep(0.0002 * (n % 3))\n"
        "    os.write(2, b'error %d\\n' % n)\n"
        "    while b'error %d\\n' % n not in open(log, 'rb').read()[-200:]: pass\n"
    )

    ended(shim, directory)
    expected = [
        line for n in range(60) for line in [*(b"%d.%d" % (n, m) for m in range(40)), b"error %d" % n]
    ]
    assert read(directory, spool.STDOUT).splitlines() == expected


def test_lines_of_two_streams_are_not_torn_apart(launched: Launched, directory: Path) -> None:
    shim = launched("import sys\nfor n in range(200): print('out', n); print('err', n, file=sys.stderr)")

    ended(shim, directory)
    lines = read(directory, spool.STDOUT).splitlines()
    assert sorted(lines) == sorted([b"%s %d" % (kind, n) for n in range(200) for kind in (b"out", b"err")])


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_script_s(launched: Launched, directory: Path, code: int) -> None:
    facts = ended(launched(f"import sys; sys.exit({code})"), directory)

    assert (facts["cause"], facts["exit_code"], facts["signal"]) == ("exited", code, None)
    assert facts["started_ms"] <= facts["ended_ms"]
    assert facts["peak_rss_bytes"] > 2**20


def test_a_signal_that_ends_the_script_is_told(launched: Launched, directory: Path) -> None:
    facts = ended(launched("import os; os.kill(os.getpid(), 11)"), directory)

    assert (facts["cause"], facts["exit_code"], facts["signal"]) == ("exited", None, signal.SIGSEGV)


def test_bytes_are_kept_exactly(launched: Launched, directory: Path) -> None:
    printed = bytes(range(256)) * 3 + b"\r50%\r100%, no newline at the end"

    ended(launched(f"import os; os.write(1, {printed!r})"), directory)
    assert read(directory, spool.STDOUT) == printed


def test_a_stopped_script_may_clean_up(launched: Launched, directory: Path) -> None:
    shim = launched(f"{WARNED}print('bye')\nraise SystemExit(7)\n")
    ready(directory)

    shim.stop(Cause.CANCELLED, None)

    facts = ended(shim, directory)
    assert (facts["cause"], facts["exit_code"], facts["killed_after_grace"]) == ("cancelled", 7, False)
    assert read(directory, spool.STDOUT) == b"ready\nbye\n"


@pytest.mark.parametrize(("own_grace", "wished"), [(0.1, None), (600, 0), (600, 0.1)])
def test_a_script_that_ignores_sigterm_is_killed_after_its_grace(
    launched: Launched, directory: Path, own_grace: float, wished: float | None
) -> None:
    ignoring = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{WAITING}"
    shim = launched(ignoring, grace_seconds=own_grace)
    ready(directory)

    shim.stop(Cause.WORKER_LOST, wished)

    facts = ended(shim, directory)
    assert (facts["cause"], facts["signal"], facts["killed_after_grace"]) == (
        "worker_lost",
        signal.SIGKILL,
        True,
    )


def test_asked_again_a_script_gets_less_time(launched: Launched, directory: Path) -> None:
    shim = launched(f"{WARNED}print('not yet')\nwhile True: signal.pause()\n", grace_seconds=600)
    ready(directory)
    shim.stop(Cause.CANCELLED, None)
    eventually(lambda: b"not yet" in read(directory, spool.STDOUT))

    shim.stop(Cause.WORKER_LOST, 0)

    assert ended(shim, directory)["cause"] == "cancelled"


def test_the_time_limit_ends_the_script(launched: Launched, directory: Path) -> None:
    facts = ended(launched(WAITING, timeout_seconds=0.2), directory)

    assert (facts["cause"], facts["signal"]) == ("timeout", signal.SIGTERM)


def test_a_stop_that_comes_before_the_script_was_started_is_not_lost(
    launched: Launched, directory: Path
) -> None:
    shim = launched(WAITING)

    shim.stop(Cause.CANCELLED, None)

    assert ended(shim, directory)["cause"] == "cancelled"


def test_a_daemon_is_swept_and_holds_nothing_up(launched: Launched, directory: Path) -> None:
    shim = launched(
        "import os, signal\n"
        "reading, writing = os.pipe()\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "        os.write(writing, b'%d' % os.getpid())\n"
        "        while True: signal.pause()\n"
        "    os._exit(0)\n"
        "os.wait(); print(os.read(reading, 20).decode())\n"
    )

    facts = ended(shim, directory)
    assert facts["exit_code"] == 0
    assert facts["killed_leftovers"] == 1
    assert processes.start_time(int(read(directory, spool.STDOUT))) is None


def test_helpers_that_end_by_themselves_are_let(launched: Launched, directory: Path) -> None:
    shim = launched(
        "from multiprocessing.shared_memory import SharedMemory\n"
        "held = SharedMemory(create=True, size=10)\nprint(held.name)\n"
    )

    facts = ended(shim, directory)
    assert facts["killed_leftovers"] == 0
    assert not Path("/dev/shm", read(directory, spool.STDOUT).decode().strip()).exists()


def test_a_flood_is_kept_whole_in_constant_memory(launched: Launched, directory: Path) -> None:
    size = 64 * 2**20
    shim = launched(
        "import os, time\n"
        "for _ in range(1024): os.write(1, b'x' * 65535 + b'\\n')\n"
        "while not os.path.exists('seen'): time.sleep(0.01)\n"
    )
    eventually(lambda: len(read(directory, spool.STDOUT)) == size, seconds=60, every=0.2)
    identity = spool.read_json(str(directory), spool.SHIM)
    assert identity is not None
    status = Path(f"/proc/{identity['pid']}/status").read_text()
    (directory / "work" / "seen").touch()

    ended(shim, directory)
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak_kib < 48 * 1024


def test_a_full_disk_costs_output_but_not_the_script(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        (disk / "work").mkdir()
        (disk / "work" / "main.py").write_text(
            "import os\nfor _ in range(48): os.write(1, b'x' * 65536)\nprint('end')"
        )
        order = {
            "argv": [sys.executable, "main.py"],
            "cwd": str(disk / "work"),
            "env": {},
            "timeout_seconds": 0,
            "grace_seconds": 0,
        }
        spool.write_json(str(disk), spool.LAUNCH, order)
        shim = launching.launch(disk, Path(sys.executable))
        facts = ended(shim, disk)
        shim.close()
        kept = (disk / spool.STDOUT).stat().st_size

    assert facts["exit_code"] == 0
    assert 0 < kept <= FULL_DISK_BYTES
    assert kept + facts["log_lost_bytes"]["stdout.log"] == 48 * 65536 + len("end\n")


def test_the_script_gets_what_it_should_and_nothing_else(launched: Launched, directory: Path) -> None:
    code = (
        "import os, sys, json, resource\n"
        "status = open('/proc/self/status').read()\n"
        "print(json.dumps({'env': dict(os.environ), 'argv': sys.argv, 'stdin': sys.stdin.read(),\n"
        "  'leads': os.getsid(0) == os.getpid(), 'core': resource.getrlimit(resource.RLIMIT_CORE),\n"
        "  'nnp': 'NoNewPrivs:\\t1' in status, 'fds': sorted(os.listdir('/proc/self/fd'))[:4],\n"
        "  'blocked': 'SigBlk:\\t0000000000000000' in status}))\n"
    )
    shim = launched(code, "a b", "", "$HOME", env={"LANG": "C.UTF-8", "NAME": "värde\n2"})

    ended(shim, directory)
    told = json.loads(read(directory, spool.STDOUT))
    assert told.pop("fds") == ["0", "1", "2", "3"]  # the last one is the listing's own
    assert told == {
        "env": {"LANG": "C.UTF-8", "NAME": "värde\n2"},
        "argv": ["main.py", "a b", "", "$HOME"],
        "stdin": "",
        "leads": True,
        "core": [0, 0],
        "nnp": True,
        "blocked": True,
    }


@pytest.mark.parametrize("launched", ["cold"], indirect=True)
def test_an_interpreter_that_can_t_be_started_is_named(launched: Launched, directory: Path) -> None:
    facts = ended(launched("", argv=["/nowhere/python", "main.py"]), directory)

    assert facts["cause"] == "internal"
    assert "/nowhere/python could not be started: [Errno 2]" in facts["detail"]


def test_another_process_can_take_the_shim_over(launched: Launched, directory: Path) -> None:
    launched(WAITING)
    ready(directory)

    found = launching.find(directory)

    assert found is not None
    assert processes.start_time(launching.script_pid(directory) or 0) is not None
    assert not found.ended()
    found.stop(Cause.CANCELLED, None)
    assert ended(found, directory)["cause"] == "cancelled"
    found.close()


def test_a_shim_that_was_given_up_before_it_was_up_starts_nothing(
    launched: Launched, directory: Path
) -> None:
    assert launching.find(directory) is None

    shim = launched("print('started')")

    eventually(shim.ended)
    assert not (directory / spool.EXIT).exists()
    assert not (directory / spool.STDOUT).exists()


def test_a_number_that_another_process_has_now_is_not_taken_for_the_shim(directory: Path) -> None:
    me = {"pid": os.getpid(), "start": 1, "boot": processes.boot_id()}
    spool.write_json(str(directory), spool.SHIM, me)

    assert launching.find(directory) is None


def test_a_killed_shim_takes_its_script_along_and_the_rest_is_found(
    launched: Launched, directory: Path
) -> None:
    shim = launched(f"import os\nos.fork()\n{WAITING}")
    eventually(lambda: read(directory, spool.STDOUT).count(b"ready") == 2)
    script = launching.script_pid(directory)
    assert script is not None
    tag = f"SPOOL={directory}".encode()

    def family() -> list[int]:
        return [pid for pid in processes.all_pids() if tag in processes.environment_of(pid)]

    assert len(family()) == 2

    shim.kill()

    eventually(lambda: processes.start_time(script) is None)
    assert launching.kill_leftovers(tag.decode()) == 1
    eventually(lambda: not family())


def test_the_shim_is_plain_enough_for_python_3_9() -> None:
    package = Path(torchyard_worker.shim.__file__).parent
    for module in package.glob("*.py"):
        ast.parse(module.read_text(), feature_version=(3, 9))
