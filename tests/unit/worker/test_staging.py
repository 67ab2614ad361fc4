"""What a script finds, what is told from it afterwards, and how it all goes away."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.worker.small_platform import Fault, SmallPlatform

from torchyard.contracts.runner import ClaimedAttempt
from torchyard.errors import NotFound, Unavailable
from torchyard_worker import spooling, staging
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.collecting import ArtifactLimits, Collector
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.spooling import AttemptDirectory

ATTEMPT = "3f2b8f38-0000-4000-8000-000000000002"


def nothing() -> None:
    """Let it go on."""


@pytest.fixture
def cache(tmp_path: Path, api: PlatformApi) -> BlobCache:
    return BlobCache(tmp_path / "blobs", api, max_bytes=1000)


@pytest.fixture
def claimed(platform: SmallPlatform) -> ClaimedAttempt:
    platform.offer(ATTEMPT, "print('hi')")
    return platform.claimable[ATTEMPT]


@pytest.fixture
def staged(tmp_path: Path, claimed: ClaimedAttempt, cache: BlobCache) -> Iterator[AttemptDirectory]:
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)
    staging.stage(directory, claimed, cache, nothing)
    yield directory
    spooling.remove(directory.path)


@pytest.fixture
def held() -> Iterator[HeldAttempt]:
    one = HeldAttempt(ATTEMPT)
    yield one
    one.close()


def test_a_staged_directory_holds_the_script_and_places_for_the_rest(
    staged: AttemptDirectory, claimed: ClaimedAttempt
) -> None:
    assert (staged.work / "main.py").read_text() == "print('hi')"
    assert (staged.work / "main.py").stat().st_mode & 0o777 == 0o644
    assert (staged.work / "outputs").is_dir()
    assert (staged.work / "inputs").is_dir()
    assert staged.claimed() == claimed
    assert staged.path.stat().st_mode & 0o777 == 0o700
    assert spooling.left_over(staged.path.parent) == [ATTEMPT]


def test_a_script_s_copy_is_its_own(
    staged: AttemptDirectory, claimed: ClaimedAttempt, cache: BlobCache
) -> None:
    (staged.work / "main.py").write_text("changed")

    with cache.blob(claimed.spec.script.sha256, nothing) as blob:
        assert blob.read_text() == "print('hi')"


def test_what_is_new_or_changed_is_told_from_what_was_staged(staged: AttemptDirectory) -> None:
    work = staged.work
    (work / "outputs" / "deep").mkdir()
    (work / "outputs" / "deep" / "a.txt").write_text("a")
    (work / "model.pth").write_text("m")
    (work / "__pycache__").mkdir()
    (work / "__pycache__" / "main.pyc").write_text("c")
    os.mkfifo(work / "fifo")

    assert staging.changed_files(staged) == ["model.pth", "outputs/deep/a.txt"]

    (work / "main.py").write_text("print('ho')")
    assert staging.changed_files(staged) == ["main.py", "model.pth", "outputs/deep/a.txt"]


def test_a_directory_without_a_written_claim_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "attempts" / "half" / "work").mkdir(parents=True)

    assert spooling.left_over(tmp_path / "attempts") == []
    assert not (tmp_path / "attempts" / "half").exists()


def test_what_a_script_made_unwritable_is_removed(staged: AttemptDirectory) -> None:
    locked = staged.work / "locked" / "inner"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    locked.chmod(0)
    locked.parent.chmod(0o500)

    spooling.remove(staged.path)

    assert not staged.path.exists()


def test_a_long_path_gets_a_short_link_that_goes_with_it(tmp_path: Path, claimed: ClaimedAttempt) -> None:
    directory = spooling.create(tmp_path / ("long" * 20) / ATTEMPT, claimed)

    link = directory.temporary
    assert len(str(link)) < 75
    (link / "file").write_text("x")
    assert (directory.path / "tmp" / "file").read_text() == "x"

    spooling.remove(directory.path)
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (40_000, "40 kB"), (5 * 10**9, "5.0 GB")],
)
def test_sizes_are_told_as_people_read_them(size: int, words: str) -> None:
    assert staging.in_bytes(size) == words


def test_a_blob_is_fetched_once(cache: BlobCache, platform: SmallPlatform) -> None:
    digest = platform.keep(b"content")

    def read() -> None:
        with cache.blob(digest, nothing) as blob:
            assert blob.read_bytes() == b"content"

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [path for _, path in platform.requests] == [f"/runner/v1/blobs/{digest}"]


def test_a_damaged_blob_is_not_kept(cache: BlobCache, platform: SmallPlatform, tmp_path: Path) -> None:
    digest = platform.keep(b"content")
    platform.blobs[digest] = b"c0ntent"

    with pytest.raises(Unavailable), cache.blob(digest, nothing):
        pass

    assert list((tmp_path / "blobs").iterdir()) == []


def test_a_download_that_breaks_off_leaves_nothing(
    cache: BlobCache, platform: SmallPlatform, tmp_path: Path
) -> None:
    digest = platform.keep(b"content")
    platform.faults = lambda _method, _path: Fault.DROPPED

    with pytest.raises(Unavailable), cache.blob(digest, nothing):
        pass

    assert list((tmp_path / "blobs").iterdir()) == []


def test_a_blob_the_platform_has_lost_is_named(cache: BlobCache) -> None:
    with pytest.raises(NotFound), cache.blob("0" * 64, nothing):
        pass


def test_the_least_recently_used_blobs_make_room(
    cache: BlobCache, platform: SmallPlatform, tmp_path: Path
) -> None:
    first, second, third = (platform.keep(letter * 400) for letter in (b"a", b"b", b"c"))
    for age, digest in ((300, first), (200, second)):
        with cache.blob(digest, nothing) as blob:
            pass
        os.utime(blob, (10**9 - age, 10**9 - age))
    with cache.blob(first, nothing), cache.blob(third, nothing):
        pass

    assert {path.name for path in (tmp_path / "blobs").iterdir()} == {first, third}


def test_a_blob_in_use_stays(cache: BlobCache, platform: SmallPlatform) -> None:
    first, second = platform.keep(b"a" * 800), platform.keep(b"b" * 800)

    with cache.blob(first, nothing) as used:
        os.utime(used, (1, 1))
        with cache.blob(second, nothing):
            pass
        assert used.exists()


def collector(api: PlatformApi, **limits: int) -> Collector:
    return Collector(api, ArtifactLimits(**{"count": 10, "file_bytes": 1000, "total_bytes": 2000, **limits}))


def test_artifacts_are_uploaded_what_was_meant_to_be_kept_first(
    staged: AttemptDirectory, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    (staged.work / "a.txt").write_text("a")
    (staged.work / "outputs" / "z.txt").write_text("z")

    kept, messages = collector(api).collect(held, staged)

    assert [(file.path, file.size, platform.blobs[file.sha256]) for file in kept] == [
        ("outputs/z.txt", 1, b"z"),
        ("a.txt", 1, b"a"),
    ]
    assert messages == []


def test_what_the_platform_has_is_not_sent(
    staged: AttemptDirectory, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    platform.keep(b"known")
    (staged.work / "a.txt").write_text("known")

    kept, _ = collector(api).collect(held, staged)

    assert [file.path for file in kept] == ["a.txt"]
    assert not any(method == "PUT" for method, _ in platform.requests)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"count": 1}, "more than 1 files"),
        ({"file_bytes": 9}, "larger than 9 B"),
        ({"total_bytes": 9}, "in all"),
    ],
)
def test_what_is_over_a_limit_is_named(
    staged: AttemptDirectory, api: PlatformApi, held: HeldAttempt, limits: dict[str, int], reason: str
) -> None:
    (staged.work / "outputs" / "small").write_text("s")
    (staged.work / "large").write_text("l" * 10)

    kept, messages = collector(api, **limits).collect(held, staged)

    assert [file.path for file in kept] == ["outputs/small"]
    (message,) = messages
    assert message.startswith("not kept as artifacts (")
    assert reason in message
    assert message.endswith("): large")


def test_what_can_t_be_kept_is_named(
    staged: AttemptDirectory, platform: SmallPlatform, api: PlatformApi, held: HeldAttempt
) -> None:
    (staged.work / "link").symlink_to("/etc/passwd")
    (staged.work / "folder").symlink_to("/etc")
    Path(os.fsdecode(os.fsencode(staged.work) + b"/\xff")).touch()
    (staged.work / "line\nbreak").touch()

    kept, messages = collector(api).collect(held, staged)

    assert kept == []
    names, links = sorted(messages)
    assert names.endswith("or longer than 1024 characters): 'line\\nbreak', '\\udcff'")
    assert links == "not kept as artifacts (symbolic links): folder, link"
    assert not any(method == "PUT" for method, _ in platform.requests)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(staged: AttemptDirectory, api: PlatformApi, held: HeldAttempt) -> None:
    (staged.work / "secret").touch(mode=0)

    kept, messages = collector(api).collect(held, staged)

    assert (kept, messages) == ([], ["not kept as artifacts (can't be read: Permission denied): secret"])
