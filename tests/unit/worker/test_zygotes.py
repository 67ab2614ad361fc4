"""Zygotes and what keeps them, on a runtime without torch."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.waiting import eventually

from torchyard_worker import job_venv, runtimes
from torchyard_worker.launching import Shim
from torchyard_worker.runtimes import InstalledRuntime
from torchyard_worker.shim import processes, spool
from torchyard_worker.zygotes import Zygote, ZygoteGone, Zygotes, ZygoteUnfit

Offered = Callable[..., InstalledRuntime]


@pytest.fixture
def offered(runtimes: Path, tmp_path: Path) -> Offered:
    """A runtime with modules of its own: `offered("name", module="source")`."""

    def offer(name: str = "own", **modules: str) -> InstalledRuntime:
        packages = tmp_path / "offered" / name
        packages.mkdir(parents=True, exist_ok=True)
        for module, source in modules.items():
            (packages / f"{module}.py").write_text(source)
        base = read(runtimes)
        return InstalledRuntime(base.runtime, packages / "python", base.base, (packages,))

    return offer


def read(folder: Path) -> InstalledRuntime:
    return runtimes.read(folder / "test")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Zygote]]:
    started: list[Zygote] = []

    def make(installed: InstalledRuntime, *modules: str) -> Zygote:
        started.append(Zygote(tmp_path / f"zygote-{len(started)}", installed, modules))
        return started[-1]

    yield make
    for zygote in started:
        zygote.close()


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., Path]:
    def make(installed: InstalledRuntime, source: str, name: str = "attempt") -> Path:
        directory = tmp_path / name
        (directory / "work").mkdir(parents=True)
        (directory / "work" / "main.py").write_text(source)
        venv = job_venv.make(directory / "venv", installed)
        order = {
            "argv": [str(venv.python), "main.py"],
            "cwd": str(directory / "work"),
            "env": {"PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8", "SPOOL": str(directory)},
            "timeout_seconds": 0,
            "grace_seconds": 5,
        }
        spool.write_json(str(directory), spool.LAUNCH, order)
        return directory

    return make


def printed(shim: Shim, directory: Path) -> str:
    eventually(shim.ended, seconds=60)
    shim.close()
    facts = spool.read_json(str(directory), spool.EXIT)
    assert facts is not None, (directory / spool.SHIM_LOG).read_text()
    return (directory / spool.STDOUT).read_text()


def found(zygotes: Zygotes, installed: InstalledRuntime) -> Zygote:
    eventually(lambda: isinstance(zygotes.find(installed), Zygote), seconds=60)
    zygote = zygotes.find(installed)
    assert isinstance(zygote, Zygote)
    return zygote


def test_what_it_loaded_is_there_when_a_script_starts(
    offered: Offered, start: Callable[..., Zygote], attempt: Callable[..., Path]
) -> None:
    installed = offered(slow="import os\nLOADED_BY = os.getpid()\n")
    zygote = start(installed, "slow", "not_in_this_runtime")
    directory = attempt(installed, "import os, slow\nprint(slow.LOADED_BY, os.getppid(), os.getpid())\n")

    shim = zygote.launch(directory)
    loaded_by, parent, own = printed(shim, directory).split()

    assert "slow" in zygote.modules
    assert int(loaded_by) == zygote.pid
    assert len({loaded_by, parent, own}) == 3


def test_scripts_go_on_when_it_is_killed(
    offered: Offered, start: Callable[..., Zygote], attempt: Callable[..., Path]
) -> None:
    installed = offered()
    zygote = start(installed)
    directory = attempt(
        installed,
        "import os\nopen('here', 'w').close()\nwhile not os.path.exists('go'): pass\nprint('done')\n",
    )
    shim = zygote.launch(directory)
    eventually((directory / "work" / "here").exists, seconds=60)

    zygote.kill()
    eventually(lambda: zygote.ended(0), seconds=60)
    (directory / "work" / "go").touch()

    assert printed(shim, directory) == "done\n"
    with pytest.raises(ZygoteGone):
        zygote.launch(attempt(installed, "print('never')", "late"))
    assert not (directory.parent / "late" / spool.SHIM).exists()


def test_a_spare_that_was_killed_is_not_handed_out(
    offered: Offered, start: Callable[..., Zygote], attempt: Callable[..., Path]
) -> None:
    installed = offered()
    zygote = start(installed)
    eventually(lambda: len(processes.descendants(zygote.pid)) == 2, seconds=60)
    (spare,) = [pid for pid in processes.descendants(zygote.pid) if parent(pid) == zygote.pid]
    os.kill(spare, signal.SIGKILL)
    eventually(lambda: spare not in processes.descendants(zygote.pid), seconds=60)

    directory = attempt(installed, "print('second')")
    with pytest.raises(ZygoteGone, match="no process to give"):
        zygote.launch(directory)

    assert printed(zygote.launch(directory), directory) == "second\n"


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[1])


def test_nothing_is_left_when_the_worker_leaves(offered: Offered, start: Callable[..., Zygote]) -> None:
    zygote = start(offered())
    eventually(lambda: len(processes.descendants(zygote.pid)) == 2, seconds=60)
    below = processes.descendants(zygote.pid)

    zygote.hang_up()

    eventually(lambda: zygote.ended(0), seconds=60)
    eventually(lambda: all(processes.start_time(pid) is None for pid in below), seconds=60)


def test_one_that_loads_threads_is_unfit(offered: Offered, start: Callable[..., Zygote]) -> None:
    source = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n"

    with pytest.raises(ZygoteUnfit, match="there are 2 threads"):
        start(offered(threaded=source), "threaded")


def test_one_whose_modules_print_is_unfit(offered: Offered, start: Callable[..., Zygote]) -> None:
    with pytest.raises(ZygoteUnfit, match="importing torch prints something in this runtime: beware"):
        start(offered(noisy="import sys\nsys.stderr.write('beware\\n')\n"), "noisy")


def test_one_whose_modules_fail_says_why(offered: Offered, start: Callable[..., Zygote]) -> None:
    with pytest.raises(ZygoteUnfit, match="OSError: no such library"):
        start(offered(broken="raise OSError('no such library')\n"), "broken")


def test_two_scripts_share_neither_random_numbers_nor_secrets(
    offered: Offered, start: Callable[..., Zygote], attempt: Callable[..., Path]
) -> None:
    source = (
        "import multiprocessing, random, tempfile, uuid\n"
        "key = multiprocessing.current_process().authkey.hex()\n"
        "print(random.random(), uuid.uuid4(), key, tempfile.mkdtemp())\n"
    )
    installed = offered()
    zygote = start(installed, "random", "uuid", "tempfile", "multiprocessing")
    said = []
    for name in ("one", "two"):
        directory = attempt(installed, source, name)
        said.append(printed(zygote.launch(directory), directory).split())

    assert all(one != other for one, other in zip(*said, strict=True))


def test_one_that_died_is_replaced(offered: Offered, tmp_path: Path) -> None:
    installed = offered()
    zygotes = Zygotes(tmp_path / "zygotes", most=1, modules=())
    first = found(zygotes, installed)

    first.kill()

    eventually(lambda: first.ended(0), seconds=60)
    eventually(lambda: zygotes.find(installed) is not first, seconds=60)
    assert found(zygotes, installed).pid != first.pid
    zygotes.close()


def test_one_that_has_grown_says_so(offered: Offered, start: Callable[..., Zygote]) -> None:
    installed = offered(
        growing="import signal\nkept = []\n"
        "signal.signal(signal.SIGUSR1, lambda *_: kept.append(bytearray(b'x' * 2**27)))\n"
    )
    zygote = start(installed, "growing")
    assert not zygote.has_grown()

    os.kill(zygote.pid, signal.SIGUSR1)

    eventually(zygote.has_grown, seconds=60)


def test_the_one_not_wanted_for_the_longest_time_makes_room(offered: Offered, tmp_path: Path) -> None:
    zygotes = Zygotes(tmp_path / "zygotes", most=1, modules=())
    first = found(zygotes, offered("first"))

    second = found(zygotes, offered("second"))

    eventually(lambda: processes.start_time(first.pid) is None, seconds=60)
    assert processes.start_time(second.pid) is not None
    zygotes.close()


def test_packages_that_came_later_are_seen(offered: Offered, tmp_path: Path) -> None:
    zygotes = Zygotes(tmp_path / "zygotes", most=1, modules=("late",))
    before = found(zygotes, offered())

    after = offered(late="")

    eventually(lambda: zygotes.find(after) is not before, seconds=60)
    assert "late" in found(zygotes, after).modules
    zygotes.close()


def test_none_is_kept_where_none_is_wanted(offered: Offered, tmp_path: Path) -> None:
    zygotes = Zygotes(tmp_path / "zygotes", most=0, modules=())

    assert zygotes.find(offered()) == "this worker is set to keep no interpreter with torch loaded"
