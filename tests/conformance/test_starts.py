"""A script behaves the same whichever way it is started: by hand, under a shim, or forked from a zygote."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.stack import PATIENCE, RUNTIME, RUNTIMES
from tests.waiting import eventually

from torchyard_worker import job_venv, launching, runtimes
from torchyard_worker.launching import Shim
from torchyard_worker.runtimes import InstalledRuntime
from torchyard_worker.shim import spool
from torchyard_worker.zygotes import MODULES, Zygote

ADDRESS = re.compile(r"0x[0-9a-f]+")
CASES = Path(__file__).parent / "starts"
#: Takes START_METHOD.
MULTIPROCESSES = CASES / "multiprocessing" / "starts_processes.py"
#: What the cases need beside them.
BESIDE = {"helper.py": "LOADED_FROM = __file__\n\ndef double(number):\n    return 2 * number\n"}


@dataclass(frozen=True)
class Ended:
    """How a script ended, and what it left; paths and numbers of its own run are the same words in all."""

    code: int
    out: str
    err: str
    files: dict[str, str]


@dataclass(frozen=True)
class Place:
    """An attempt's directory with a script in it, and the variables it gets."""

    path: Path
    python: Path
    environment: dict[str, str]

    def ended(self, code: int, out: bytes, err: bytes) -> Ended:
        work = self.path / "work"
        left = {
            str(file.relative_to(work)): "" if file.suffix == ".pyc" else self.plain(file.read_bytes())
            for file in sorted(work.rglob("*"))
            if file.is_file()
        }
        return Ended(code, self.plain(out), self.plain(err), left)

    def plain(self, data: bytes) -> str:
        text = data.decode(errors="backslashreplace").replace(str(self.path), "<here>")
        return ADDRESS.sub("0x…", text)


@pytest.fixture(scope="module")
def installed() -> InstalledRuntime:
    return runtimes.read(RUNTIMES / RUNTIME)


@pytest.fixture(scope="module")
def zygote(installed: InstalledRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    found = Zygote(tmp_path_factory.mktemp("zygote") / "home", installed, MODULES)
    yield found
    found.close()


@pytest.fixture
def place(installed: InstalledRuntime, tmp_path: Path) -> Callable[..., Place]:
    def make(name: str, source: bytes, **variables: str) -> Place:
        path = tmp_path / name
        work = path / "work"
        for folder in (work / "outputs", path / "home", path / "tmp"):
            folder.mkdir(parents=True)
        for file, content in BESIDE.items():
            (work / file).write_text(content)
        (work / "main.py").write_bytes(source)
        venv = job_venv.make(path / "venv", installed)
        environment = {
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "2",
            "PATH": f"{path}/venv/bin:/usr/bin:/bin",
            "HOME": f"{path}/home",
            "TMPDIR": f"{path}/tmp",
            "CUDA_VISIBLE_DEVICES": "",
            "TORCHYARD_OUTPUTS": str(work / "outputs"),
            "WORD": "zwei Wörter",
            **variables,
        }
        return Place(path, venv.python, environment)

    return make


def by_hand(place: Place) -> Ended:
    done = subprocess.run(
        # As a terminal starts it, whatever signals the tests were started without.
        ["env", "--default-signal", place.python, "main.py", "a b", "--c=ü"],
        cwd=place.path / "work",
        env=place.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return place.ended(done.returncode, done.stdout, done.stderr)


def under_a_shim(place: Place, launch: Callable[[Path], Shim]) -> Ended:
    order = {
        "argv": [str(place.python), "main.py", "a b", "--c=ü"],
        "cwd": str(place.path / "work"),
        "env": place.environment,
        "timeout_seconds": 0,
        "grace_seconds": 5,
    }
    spool.write_json(str(place.path), spool.LAUNCH, order)
    shim = launch(place.path)
    try:
        eventually(shim.ended, seconds=10 * PATIENCE)
    finally:
        shim.kill()
        shim.close()
    facts = spool.read_json(str(place.path), spool.EXIT)
    assert facts is not None, (place.path / spool.SHIM_LOG).read_text()
    code = facts["exit_code"] if facts["signal"] is None else -facts["signal"]
    out, err = (place.path / spool.STDOUT).read_bytes(), (place.path / spool.STDERR).read_bytes()
    return place.ended(code, out, err)


def three_ways(
    make: Callable[..., Place], source: bytes, installed: InstalledRuntime, zygote: Zygote, **variables: str
) -> tuple[Ended, Ended, Ended]:
    hand, cold, warm = (make(name, source, **variables) for name in ("hand", "cold", "warm"))
    return (
        by_hand(hand),
        under_a_shim(cold, lambda path: launching.launch(path, installed.interpreter)),
        under_a_shim(warm, zygote.launch),
    )


def assert_same(ended: Ended, hand: Ended) -> None:
    """A shim's stdout.log has both streams, whose lines may come in another order."""
    assert ended.err.splitlines() == hand.err.splitlines()
    assert sorted(ended.out.splitlines()) == sorted((hand.out + hand.err).splitlines())
    assert ended.files == hand.files
    assert ended.code == hand.code


@pytest.mark.parametrize("case", sorted(file.stem for file in CASES.glob("*.py")))
def test_a_script_can_t_tell_how_it_was_started(
    place: Callable[..., Place], installed: InstalledRuntime, zygote: Zygote, case: str
) -> None:
    hand, cold, warm = three_ways(place, (CASES / f"{case}.py").read_bytes(), installed, zygote)

    assert_same(cold, hand)
    assert_same(warm, hand)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_its_processes_can_t_tell_either(
    place: Callable[..., Place], installed: InstalledRuntime, zygote: Zygote, method: str
) -> None:
    source = MULTIPROCESSES.read_bytes()
    hand, cold, warm = three_ways(place, source, installed, zygote, START_METHOD=method)

    assert_same(cold, hand)
    assert_same(warm, hand)


def test_no_two_scripts_draw_the_same_numbers(place: Callable[..., Place], zygote: Zygote) -> None:
    source = (
        b"import random, numpy, torch\nprint(random.random(), numpy.random.rand(), torch.rand(1).item())\n"
    )

    one, other = (under_a_shim(place(name, source), zygote.launch) for name in ("one", "other"))

    assert all(a != b for a, b in zip(one.out.split(), other.out.split(), strict=True))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_script_that_is_another_user_s_can_still_import(
    place: Callable[..., Place], installed: InstalledRuntime, zygote: Zygote
) -> None:
    if runtimes.first_private_parent(installed.interpreter):
        pytest.skip("the runtime lies where other users can't go")
    source = (
        b"import os\nos.setgid(65534)\nos.setuid(65534)\nimport sklearn.svm, torch.fft\nprint('imported')\n"
    )

    ended = under_a_shim(place("warm", source), zygote.launch)

    assert (ended.out, ended.code) == ("imported\n", 0)
