"""What a script finds, what is told from it afterwards, and how it all goes away."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.factories import make_zip
from tests.unit.worker.small_platform import Fault, SmallPlatform

from torchyard.contracts.runner import ClaimedAttempt, InputFile
from torchyard.errors import Conflict, NotFound, Unavailable
from torchyard_worker import spooling, staging, wording
from torchyard_worker.attempts import AttemptsInHand, HeldAttempt
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.collecting import ArtifactLimits, Collector
from torchyard_worker.fetching import Fetcher
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.staging import Sources
from torchyard_worker.tree_cache import TreeCache

ATTEMPT = "3f2b8f38-0000-4000-8000-000000000002"


def nothing() -> None:
    """Let it go on."""


def stage(directory: AttemptDirectory, claimed: ClaimedAttempt, sources: Sources) -> list[str]:
    return staging.stage(directory, claimed, sources, nothing, lambda _message, _progress: None)


@pytest.fixture
def cache(tmp_path: Path, api: PlatformApi) -> BlobCache:
    return BlobCache(tmp_path / "blobs", api, max_bytes=1000)


@pytest.fixture
def claimed(platform: SmallPlatform) -> ClaimedAttempt:
    platform.offer(ATTEMPT, "print('hi')")
    return platform.claimable[ATTEMPT]


@pytest.fixture
def sources(tmp_path: Path, cache: BlobCache) -> Sources:
    kept = TreeCache(tmp_path / "trees", max_bytes=10**9)
    return Sources(cache, kept, Fetcher(ObjectCache(tmp_path / "objects", max_bytes=10**9)))


@pytest.fixture
def staged(tmp_path: Path, claimed: ClaimedAttempt, sources: Sources) -> Iterator[AttemptDirectory]:
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)
    stage(directory, claimed, sources)
    yield directory
    spooling.remove(directory.path)


@pytest.fixture
def held() -> Iterator[HeldAttempt]:
    one = AttemptsInHand().take(ATTEMPT)
    assert one is not None
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


def test_objects_of_a_try_that_ended_midway_are_known_to_the_next_one(
    staged: AttemptDirectory, claimed: ClaimedAttempt, cache: BlobCache, tmp_path: Path
) -> None:
    objects = ObjectCache(tmp_path / "other-objects", max_bytes=10**9)
    since = time.clock_gettime(time.CLOCK_BOOTTIME)
    with objects.holding("object", 4, lambda path: path.write_bytes(b"data"), nothing) as held:
        objects.place(held, staged.work / "data", nothing)
    objects.note(staged, {"data": held.loan} if held.loan else {}, since)

    kept = TreeCache(tmp_path / "trees", max_bytes=10**9)
    stage(staged, claimed, Sources(cache, kept, Fetcher(objects)))

    with objects.holding("object", 4, lambda path: path.write_bytes(b"data"), nothing) as held:
        assert held.known


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
    assert wording.in_bytes(size) == words


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


GIVEN = {"train": "job:5f0c1b1e-0000-4000-8000-000000000009"}


def given(platform: SmallPlatform, files: dict[str, bytes], *, zipped: bytes | None = None) -> ClaimedAttempt:
    """An attempt that gets these files of another job."""
    platform.offer(ATTEMPT, "print('hi')", zipped=zipped, inputs=GIVEN)
    inputs = [
        InputFile(name="train", path=path, sha256=platform.keep(content), size=len(content))
        for path, content in files.items()
    ]
    return platform.claimable[ATTEMPT].model_copy(update={"inputs": inputs})


def test_inputs_lie_in_their_folder_and_are_no_artifacts(
    tmp_path: Path, platform: SmallPlatform, sources: Sources
) -> None:
    claimed = given(platform, {"model.pth": b"weights", "deep/a.csv": b"1,2"})
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)

    told = stage(directory, claimed, sources)

    assert (directory.work / "inputs" / "train" / "model.pth").read_bytes() == b"weights"
    assert (directory.work / "inputs" / "train" / "deep" / "a.csv").read_bytes() == b"1,2"
    assert "inputs/train (2 files of job 5f0c1b1e-0000-4000-8000-000000000009)" in told
    assert staging.changed_files(directory) == []


def test_an_input_without_files_is_an_empty_folder(
    tmp_path: Path, platform: SmallPlatform, sources: Sources
) -> None:
    claimed = given(platform, {})
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)

    stage(directory, claimed, sources)

    assert list((directory.work / "inputs" / "train").iterdir()) == []


def test_a_script_that_writes_into_an_input_changes_no_other_job_s(
    tmp_path: Path, platform: SmallPlatform, sources: Sources
) -> None:
    claimed = given(platform, {"model.pth": b"weights"})
    for attempt in ("first", "second"):
        directory = spooling.create(tmp_path / "attempts" / attempt, claimed)
        stage(directory, claimed, sources)
        file = directory.work / "inputs" / "train" / "model.pth"
        assert file.read_bytes() == b"weights"
        with file.open("r+b") as opened:
            opened.write(b"W")


@pytest.mark.parametrize(
    "files",
    [{"inputs/train/model.pth": "other"}, {"inputs/train": "a file"}, {"inputs/train/model.pth/x": "deeper"}],
)
def test_dependencies_in_the_place_of_an_input_are_refused(
    tmp_path: Path, platform: SmallPlatform, sources: Sources, files: dict[str, bytes | str]
) -> None:
    claimed = given(platform, {"model.pth": b"weights"}, zipped=make_zip(files))
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)

    with pytest.raises(Conflict, match=r"^inputs/train") as refused:
        stage(directory, claimed, sources)

    assert refused.value.code == "dependency_conflict"


def test_the_same_file_in_the_dependencies_is_fine(
    tmp_path: Path, platform: SmallPlatform, sources: Sources
) -> None:
    zipped = make_zip({"inputs/train/model.pth": "weights"})
    claimed = given(platform, {"model.pth": b"weights"}, zipped=zipped)
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)

    stage(directory, claimed, sources)


@pytest.mark.parametrize("path", ["../../main.py", "/etc/passwd", ""])
def test_an_input_never_leaves_its_folder(
    tmp_path: Path, platform: SmallPlatform, sources: Sources, path: str
) -> None:
    claimed = given(platform, {path: b"x"})
    directory = spooling.create(tmp_path / "attempts" / ATTEMPT, claimed)

    with pytest.raises(Conflict):
        stage(directory, claimed, sources)


def test_a_folder_that_can_t_be_read_is_passed_over(staged: AttemptDirectory) -> None:
    (staged.work / "locked").mkdir(mode=0)
    (staged.work / "new").touch()

    assert staging.changed_files(staged) == ["new"]


def collector(api: PlatformApi, blobs: BlobCache, **limits: int) -> Collector:
    allowed = ArtifactLimits(**{"count": 10, "file_bytes": 1000, "total_bytes": 2000, **limits})
    return Collector(api, allowed, blobs)


def test_artifacts_are_uploaded_what_was_meant_to_be_kept_first(
    staged: AttemptDirectory, platform: SmallPlatform, api: PlatformApi, cache: BlobCache, held: HeldAttempt
) -> None:
    (staged.work / "a.txt").write_text("a")
    (staged.work / "outputs" / "z.txt").write_text("z")

    kept, messages = collector(api, cache).collect(held, staged)

    assert [(file.path, file.size, platform.blobs[file.sha256]) for file in kept] == [
        ("outputs/z.txt", 1, b"z"),
        ("a.txt", 1, b"a"),
    ]
    assert messages == []


def test_what_the_platform_has_is_not_sent(
    staged: AttemptDirectory, platform: SmallPlatform, api: PlatformApi, cache: BlobCache, held: HeldAttempt
) -> None:
    platform.keep(b"known")
    (staged.work / "a.txt").write_text("known")

    kept, _ = collector(api, cache).collect(held, staged)

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
    staged: AttemptDirectory,
    api: PlatformApi,
    cache: BlobCache,
    held: HeldAttempt,
    limits: dict[str, int],
    reason: str,
) -> None:
    (staged.work / "outputs" / "small").write_text("s")
    (staged.work / "large").write_text("l" * 10)

    kept, messages = collector(api, cache, **limits).collect(held, staged)

    assert [file.path for file in kept] == ["outputs/small"]
    (message,) = messages
    assert message.startswith("not kept as artifacts (")
    assert reason in message
    assert message.endswith("): large")


def test_what_can_t_be_kept_is_named(
    staged: AttemptDirectory, platform: SmallPlatform, api: PlatformApi, cache: BlobCache, held: HeldAttempt
) -> None:
    (staged.work / "link").symlink_to("/etc/passwd")
    (staged.work / "folder").symlink_to("/etc")
    Path(os.fsdecode(os.fsencode(staged.work) + b"/\xff")).touch()
    (staged.work / "line\nbreak").touch()

    kept, messages = collector(api, cache).collect(held, staged)

    assert kept == []
    names, links = sorted(messages)
    assert names.endswith("or longer than 1024 characters): 'line\\nbreak', '\\udcff'")
    assert links == "not kept as artifacts (symbolic links): folder, link"
    assert not any(method == "PUT" for method, _ in platform.requests)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(
    staged: AttemptDirectory, api: PlatformApi, cache: BlobCache, held: HeldAttempt
) -> None:
    (staged.work / "secret").touch(mode=0)

    kept, messages = collector(api, cache).collect(held, staged)

    assert (kept, messages) == ([], ["not kept as artifacts (can't be read: Permission denied): secret"])


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        ({"lib/a.py": "", "lib/data/x": ""}, "; its modules are in lib/: import them as lib.NAME"),
        ({"__MACOSX/._a": "", "lib/a.py": ""}, "; its modules are in lib/: import them as lib.NAME"),
        ({"lib/__init__.py": "", "lib/a.py": ""}, ""),
        ({"data/x.csv": "", "data/y.csv": ""}, ""),
        ({"lib/a.py": "", "b.py": ""}, ""),
        ({"a.py": ""}, ""),
    ],
)
def test_how_to_import_what_lies_in_the_only_folder_is_said(
    platform: SmallPlatform, sources: Sources, tmp_path: Path, files: dict[str, str], hint: str
) -> None:
    claimed = given(platform, {}, zipped=make_zip(files))
    directory = spooling.create(tmp_path / "attempts" / "2", claimed)

    told = stage(directory, claimed, sources)

    assert told[1].endswith(f" B{hint})")
