import contextlib
import os
import tempfile
import threading
import time
from pathlib import Path

import pytest
from tests.full_disk import FULL_DISK_BYTES, small_disk

from torchyard_worker import placing
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.spooling import AttemptDirectory


def nothing() -> None:
    """Let it go on."""


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(tmp_path / "objects", max_bytes=10)


def keep(cache: ObjectCache, name: str, content: bytes = b"12345") -> bool:
    """Have it in hand for a moment; whether it was known."""
    with cache.holding(name, len(content), lambda path: write(path, content), nothing) as held:
        assert held.path.read_bytes() == content
        return held.known


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "objects").iterdir()} - {"boot"}


def test_the_least_recently_used_make_room(cache: ObjectCache, tmp_path: Path) -> None:
    assert [keep(cache, name) for name in ("a", "b", "a", "c")] == [False, False, True, False]

    assert names(tmp_path) == {"a", "c"}


def test_one_in_hand_stays(cache: ObjectCache, tmp_path: Path) -> None:
    keep(cache, "a")
    with cache.holding("a", 5, lambda path: write(path, b""), nothing):
        keep(cache, "b")
        keep(cache, "c")
        assert "a" in names(tmp_path)

    keep(cache, "d")
    assert "a" not in names(tmp_path)


def test_one_that_is_too_large_does_not_stay(cache: ObjectCache, tmp_path: Path) -> None:
    keep(cache, "a", b"12345678901")

    assert names(tmp_path) == set()
    assert not keep(cache, "a", b"12345678901")


def test_a_new_process_knows_what_an_old_one_kept(cache: ObjectCache, tmp_path: Path) -> None:
    keep(cache, "a")
    keep(cache, "b")
    for name, age in (("a", 1), ("b", 2)):
        os.utime(tmp_path / "objects" / name, (10**9 - age, 10**9 - age))
    (tmp_path / "objects" / "c.123.part").write_text("half")

    later = ObjectCache(tmp_path / "objects", max_bytes=10)

    assert names(tmp_path) == {"a", "b"}
    assert keep(later, "a")
    keep(later, "c")
    assert names(tmp_path) == {"a", "c"}


def test_a_fetch_that_fails_leaves_nothing(cache: ObjectCache, tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"), cache.holding("a", 4, fail, nothing):
        pass

    assert names(tmp_path) == set()
    assert not keep(cache, "a")


def test_one_that_somebody_removed_is_fetched_again(cache: ObjectCache, tmp_path: Path) -> None:
    keep(cache, "a")
    (tmp_path / "objects" / "a").unlink()

    assert not keep(cache, "a")
    assert keep(cache, "a")


def test_a_fetched_one_that_nobody_wants_any_more_is_kept(cache: ObjectCache) -> None:
    with (
        pytest.raises(TimeoutError),
        cache.holding("a", 5, lambda path: write(path, b"12345"), nothing),
    ):
        raise TimeoutError

    assert keep(cache, "a")


def lend(cache: ObjectCache, home: Path, name: str, content: bytes = b"12345") -> AttemptDirectory:
    """A job that has the object."""
    job = AttemptDirectory(home / f"job-{os.urandom(6).hex()}")
    job.work.mkdir(parents=True)
    with cache.holding(name, len(content), lambda path: write(path, content), nothing) as held:
        cache.place(held, job.work / "file", nothing)
    since = time.clock_gettime(time.CLOCK_BOOTTIME)
    cache.note(job, {"file": held.loan} if held.loan else {}, since)
    return job


def test_one_that_comes_back_while_another_job_gets_a_copy_still_counts(
    cache: ObjectCache, tmp_path: Path
) -> None:
    first = lend(cache, tmp_path, "a")
    with cache.holding("a", 5, lambda path: write(path, b"12345"), nothing) as held:
        cache.take_back(first)
        cache.place(held, tmp_path / "copy", nothing)

    keep(cache, "b")
    keep(cache, "c")

    assert names(tmp_path) == {"b", "c"}


def test_what_is_lent_does_not_count_and_comes_back_as_the_newest(cache: ObjectCache, tmp_path: Path) -> None:
    if placing.can_share(tmp_path):
        pytest.skip("nothing is lent here")
    job = lend(cache, tmp_path, "a")
    keep(cache, "b")
    keep(cache, "c")
    assert names(tmp_path) == {"b", "c"}

    cache.take_back(job)

    assert names(tmp_path) == {"a", "c"}


def test_jobs_on_another_file_system_get_copies(cache: ObjectCache, tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    with tempfile.TemporaryDirectory(dir=memory, prefix="torchyard-") as elsewhere:
        job = lend(cache, Path(elsewhere), "a")
        assert (job.work / "file").read_bytes() == b"12345"
        cache.take_back(job)

    assert names(tmp_path) == {"a"}


def test_a_full_disk_keeps_no_process_from_starting(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        ObjectCache(disk / "objects", max_bytes=10)
        (disk / "objects" / "boot").unlink()
        with contextlib.suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
            for _ in range(FULL_DISK_BYTES // 512):
                filler.write(b"x" * 512)

        later = ObjectCache(disk / "objects", max_bytes=10)
        (disk / "filler").unlink()

        assert not keep(later, "a")


def test_a_job_whose_loans_could_not_be_noted_gives_none_back(cache: ObjectCache, tmp_path: Path) -> None:
    job = lend(cache, tmp_path, "a")
    (job.path / "objects.json").unlink(missing_ok=True)

    cache.take_back(job)

    assert names(tmp_path) == ({"a"} if placing.can_share(tmp_path) else set())
    assert keep(cache, "a")  # as a copy of what the job still has


def test_who_waits_for_another_s_fetch_can_leave(cache: ObjectCache) -> None:
    fetching, going_on = threading.Event(), threading.Event()

    def fetch(path: Path) -> None:
        fetching.set()
        going_on.wait(30)
        path.write_text("12345")

    def leave() -> None:
        raise TimeoutError

    def hold() -> None:
        with cache.holding("a", 5, fetch, nothing):
            pass

    thread = threading.Thread(target=hold)
    thread.start()
    fetching.wait(30)
    with pytest.raises(TimeoutError), cache.holding("a", 5, fetch, leave):
        pass
    going_on.set()
    thread.join()

    assert keep(cache, "a")


def test_after_a_start_of_the_machine_nothing_is_trusted(cache: ObjectCache, tmp_path: Path) -> None:
    # What a crash of the machine leaves may have its size, and not its content.
    keep(cache, "a")
    (tmp_path / "objects" / "boot").write_text("an earlier one")

    later = ObjectCache(tmp_path / "objects", max_bytes=10)

    assert names(tmp_path) == set()
    assert not keep(later, "a")
