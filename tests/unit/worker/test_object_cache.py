import os
import threading
from pathlib import Path

import pytest

from torchyard_worker.object_cache import CachedObject, ObjectCache


def nothing() -> None:
    """Let it go on."""


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    return ObjectCache(tmp_path / "objects", max_bytes=10)


def hold(cache: ObjectCache, name: str, content: bytes = b"12345") -> CachedObject:
    return cache.hold(name, len(content), lambda path: path.write_bytes(content) and None, nothing)


def keep(cache: ObjectCache, name: str, content: bytes = b"12345") -> bool:
    """Whether it was known."""
    held = hold(cache, name, content)
    assert held.path.read_bytes() == content
    held.release()
    return held.known


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "objects").iterdir()}


def test_the_least_recently_used_make_room(cache: ObjectCache, tmp_path: Path) -> None:
    assert [keep(cache, name) for name in ("a", "b", "a", "c")] == [False, False, True, False]

    assert names(tmp_path) == {"a", "c"}


def test_one_in_use_stays(cache: ObjectCache, tmp_path: Path) -> None:
    held = hold(cache, "a")
    keep(cache, "b")
    keep(cache, "c")
    assert "a" in names(tmp_path)

    held.release()
    keep(cache, "d")
    assert names(tmp_path) == {"c", "d"}


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

    with pytest.raises(ValueError, match=r"^$"):
        cache.hold("a", 4, fail, nothing)

    assert names(tmp_path) == set()
    assert not keep(cache, "a")


def test_one_that_somebody_removed_is_fetched_again(cache: ObjectCache, tmp_path: Path) -> None:
    keep(cache, "a")
    (tmp_path / "objects" / "a").unlink()

    assert not keep(cache, "a")
    assert keep(cache, "a")


def test_who_waits_for_another_s_fetch_can_leave(cache: ObjectCache) -> None:
    fetching, going_on = threading.Event(), threading.Event()

    def fetch(path: Path) -> None:
        fetching.set()
        going_on.wait(30)
        path.write_text("12345")

    def leave() -> None:
        raise TimeoutError

    thread = threading.Thread(target=lambda: cache.hold("a", 5, fetch, nothing).release())
    thread.start()
    fetching.wait(30)
    with pytest.raises(TimeoutError):
        cache.hold("a", 5, fetch, leave)
    going_on.set()
    thread.join()

    assert keep(cache, "a")
