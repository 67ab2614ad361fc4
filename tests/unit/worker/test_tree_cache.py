"""A tree of files goes to the next job as it was made for the first, or not at all."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.factories import make_zip
from tests.waiting import eventually

from torchyard.contracts import archives
from torchyard.contracts.jobs import FileRef, JobSpec
from torchyard.contracts.runner import ClaimedAttempt
from torchyard_worker import spooling
from torchyard_worker.open_files import in_use
from torchyard_worker.shim import spool
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.tree_cache import TreeCache

SHA256 = "a" * 64
FILES = {f"data/{number:03d}.txt": f"{number}" for number in range(600)} | {"pkg/mod.py": "A = 1"}

#: A new attempt's directory, by its number.
Attempts = Callable[[int], AttemptDirectory]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "deps.zip"
    path.write_bytes(make_zip(FILES))
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "trees"


@pytest.fixture
def cache(home: Path) -> TreeCache:
    return TreeCache(home, max_bytes=10**6)


@pytest.fixture
def attempts(tmp_path: Path) -> Attempts:
    def make(number: int) -> AttemptDirectory:
        spec = JobSpec(name="j", script=FileRef(sha256=SHA256, name="main.py"), runtime="test")
        claimed = ClaimedAttempt(attempt_id=str(number), job_id="1", number=1, spec=spec)
        return spooling.create(tmp_path / "attempts" / str(number), claimed)

    return make


def unpacked(cache: TreeCache, archive: Path, directory: AttemptDirectory, key: str = SHA256) -> None:
    archives.extract(archive, directory.work)
    cache.keep_later(key, directory.work)


def ran(cache: TreeCache, archive: Path, directory: AttemptDirectory, script: str = "") -> None:
    """A job on a freshly unpacked archive, whose script runs in its directory."""
    unpacked(cache, archive, directory)
    ended(cache, directory, script)


def ended(cache: TreeCache, directory: AttemptDirectory, script: str) -> None:
    with cache.returning(directory.work):
        subprocess.run([sys.executable, "-c", script], cwd=directory.work, check=True)


def content(directory: AttemptDirectory) -> dict[str, str]:
    work = directory.work
    return {str(path.relative_to(work)): path.read_text() for path in work.rglob("*") if path.is_file()}


def inodes(directory: AttemptDirectory) -> set[int]:
    return {path.stat().st_ino for path in directory.work.rglob("*") if path.is_file()}


def test_the_next_job_gets_the_files_of_the_last_one(
    cache: TreeCache, archive: Path, attempts: Attempts
) -> None:
    first, second = attempts(1), attempts(2)
    unpacked(cache, archive, first)
    files = inodes(first)
    ended(cache, first, "")

    assert cache.take(SHA256, second.work) == len(FILES)

    assert content(second) == FILES
    assert inodes(second) == files
    assert not first.work.exists()


def test_a_tree_belongs_to_one_job_at_a_time(cache: TreeCache, archive: Path, attempts: Attempts) -> None:
    ran(cache, archive, attempts(1))
    assert cache.take(SHA256, attempts(2).work) is not None

    assert cache.take(SHA256, attempts(3).work) is None
    third = attempts(4)
    unpacked(cache, archive, third)
    (third.work / "pkg" / "mod.py").write_text("changed")
    assert content(AttemptDirectory(third.path.with_name("2"))) == FILES


def test_what_a_script_added_does_not_reach_the_next_job(
    cache: TreeCache, archive: Path, attempts: Attempts
) -> None:
    ran(
        cache,
        archive,
        attempts(1),
        "import os; os.makedirs('outputs/deep'); open('outputs/deep/a', 'w'); open('data/new', 'w')\n"
        "os.symlink('/etc', 'data/link'); os.mkfifo('pkg/fifo'); os.mkdir('locked', 0)",
    )
    second = attempts(2)

    assert cache.take(SHA256, second.work) == len(FILES)
    assert content(second) == FILES
    assert {path.name for path in second.work.iterdir()} == {"data", "pkg"}
    assert Path("/etc/passwd").exists()


@pytest.mark.parametrize(
    "script",
    [
        "open('pkg/mod.py', 'r+').write('B')",
        "import os; os.utime('pkg/mod.py', ns=(os.stat('pkg/mod.py').st_mtime_ns,) * 2)",
        "open('pkg/x', 'w').write('A = 1'); import os; os.replace('pkg/x', 'pkg/mod.py')",
        "import os; os.remove('data/000.txt')",
        "import os; os.link('data/000.txt', '../link')",
        "import os; os.chmod('data/000.txt', 0o600)",
        "import os; os.chmod('data', 0o700)",
        "import os; os.chmod('.', 0o700)",
        "import shutil, os; shutil.rmtree('pkg'); os.symlink('/etc', 'pkg')",
        "import shutil, os; w = os.getcwd(); shutil.rmtree(w); os.symlink('/etc', w)",
        """import mmap, os
with open('pkg/mod.py', 'r+b') as file, mmap.mmap(file.fileno(), 0) as mapped:
    before = os.stat('pkg/mod.py')
    mapped[0] = 66
os.utime('pkg/mod.py', ns=(before.st_atime_ns, before.st_mtime_ns))
""",
    ],
    ids=[
        "written",
        "touched",
        "replaced",
        "removed",
        "linked",
        "chmod",
        "folder",
        "root",
        "link",
        "root link",
        "mmap",
    ],
)
def test_a_tree_that_a_script_changed_is_not_given_to_another(
    cache: TreeCache, archive: Path, attempts: Attempts, home: Path, script: str
) -> None:
    ran(cache, archive, attempts(1), script)

    assert cache.take(SHA256, attempts(2).work) is None
    assert list((home / SHA256).iterdir()) == []
    assert Path("/etc/passwd").exists()


def test_a_tree_that_changed_while_it_waited_is_not_given_to_anybody(
    cache: TreeCache, archive: Path, attempts: Attempts, home: Path
) -> None:
    ran(cache, archive, attempts(1))
    (tree,) = (path for path in (home / SHA256).iterdir() if path.is_dir())
    (tree / "pkg" / "mod.py").write_text("A = 2")
    second = attempts(2)

    assert cache.take(SHA256, second.work) is None
    assert list(second.work.iterdir()) == []


@pytest.mark.parametrize(
    "hold",
    [
        "f = open('pkg/mod.py')",
        "import mmap; f = open('pkg/mod.py'); m = mmap.mmap(f.fileno(), 0, access=1); f.close()",
        "pass",
    ],
    ids=["open file", "mapping", "current directory"],
)
def test_a_tree_in_the_hands_of_a_process_that_stayed_goes_to_nobody(
    cache: TreeCache, archive: Path, attempts: Attempts, hold: str
) -> None:
    first = attempts(1)
    unpacked(cache, archive, first)
    leave = "" if hold == "pass" else "import os; os.chdir('/')\n"
    code = f"{hold}\n{leave}print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=first.work, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as left:
        assert left.stdout is not None
        left.stdout.readline()
        ended(cache, first, "")
        left.communicate(b"\n")

    assert cache.take(SHA256, attempts(2).work) is None


def test_nobody_s_directory_is_not_in_use(tmp_path: Path) -> None:
    assert not in_use(tmp_path, since=time.clock_gettime(time.CLOCK_BOOTTIME))


def test_small_archives_are_unpacked_anew(cache: TreeCache, tmp_path: Path, attempts: Attempts) -> None:
    small = tmp_path / "small.zip"
    small.write_bytes(make_zip({"a.py": "1"}))
    first = attempts(1)
    ran(cache, small, first)

    assert cache.take(SHA256, attempts(2).work) is None
    assert first.work.exists()


def test_who_asks_while_a_job_ends_waits_for_its_tree(
    cache: TreeCache, archive: Path, attempts: Attempts
) -> None:
    first, second = attempts(1), attempts(2)
    unpacked(cache, archive, first)
    taken: list[int | None] = []
    asking = threading.Thread(target=lambda: taken.append(cache.take(SHA256, second.work)))
    with cache.returning(first.work):
        asking.start()
        eventually(asking.is_alive)
    asking.join()

    assert taken == [len(FILES)]


def test_a_job_whose_end_was_not_confirmed_keeps_its_tree(
    cache: TreeCache, archive: Path, attempts: Attempts
) -> None:
    first = attempts(1)
    unpacked(cache, archive, first)
    with pytest.raises(ConnectionError), cache.returning(first.work):
        raise ConnectionError

    assert content(first) == FILES
    assert cache.take(SHA256, attempts(2).work) is None


def test_the_next_process_of_the_worker_finds_what_was_kept(
    cache: TreeCache, archive: Path, attempts: Attempts, home: Path
) -> None:
    ran(cache, archive, attempts(1))
    second = attempts(2)

    assert TreeCache(home, max_bytes=10**6).take(SHA256, second.work) == len(FILES)
    assert content(second) == FILES


def test_what_an_earlier_process_left_incomplete_is_removed(
    cache: TreeCache, archive: Path, attempts: Attempts, home: Path
) -> None:
    ran(cache, archive, attempts(1))
    (record,) = (home / SHA256).glob("*.json")
    record.unlink()
    (home / SHA256 / "stray.json.new").touch()

    assert TreeCache(home, max_bytes=10**6).take(SHA256, attempts(2).work) is None
    assert list((home / SHA256).iterdir()) == []


def test_nothing_is_kept_across_a_start_of_the_machine(
    cache: TreeCache, archive: Path, attempts: Attempts, home: Path
) -> None:
    ran(cache, archive, attempts(1))
    (record,) = (home / SHA256).glob("*.json")
    kept = spool.read_json(str(record.parent), record.name) or {}
    spool.write_json(str(record.parent), record.name, {**kept, "boot": "an earlier one"})

    assert TreeCache(home, max_bytes=10**6).take(SHA256, attempts(2).work) is None


def test_the_oldest_trees_make_room(home: Path, archive: Path, attempts: Attempts) -> None:
    size = sum(len(text) for text in FILES.values())
    cache = TreeCache(home, max_bytes=size + 1)
    ran(cache, archive, attempts(1))
    second = attempts(2)
    unpacked(cache, archive, second, "b" * 64)
    ended(cache, second, "")

    assert cache.take(SHA256, attempts(3).work) is None
    assert cache.take("b" * 64, attempts(4).work) == len(FILES)
