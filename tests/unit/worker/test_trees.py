"""A tree's files: fetched once, together, checked, and each job's own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.worker.small_platform import Fault, SmallPlatform

from torchyard.contracts.bundles import LARGE_BYTES
from torchyard.contracts.jobs import StagingProgress
from torchyard.errors import ArchiveRejected, Conflict, NotFound, Unavailable
from torchyard_worker import endings, spooling, staging
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.fetching import Fetcher
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.staging import Sources
from torchyard_worker.tree_cache import TreeCache

FILES = {
    "pkg/mod.py": b"A = 1",
    "数据/ä.csv": b"1,2",
    "empty.txt": b"",
    "twin.csv": b"1,2",
    "hollow/deep/": b"",
}

#: Stages a new attempt with this tree: its directory, and what was told.
Staged = Callable[[bytes], tuple[AttemptDirectory, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "worker"


@pytest.fixture
def sources(home: Path, api: PlatformApi) -> Sources:
    return Sources(
        BlobCache(home / "blobs", api, max_bytes=10**9),
        TreeCache(home / "trees", max_bytes=10**9),
        Fetcher(ObjectCache(home / "objects", max_bytes=10**9)),
    )


@pytest.fixture
def staged(home: Path, platform: SmallPlatform, sources: Sources) -> Staged:
    def stage(tree: bytes) -> tuple[AttemptDirectory, str]:
        number = str(len(list((home / "attempts").glob("*"))))
        platform.offer(number, "print('hi')", zipped=tree)
        directory = spooling.create(home / "attempts" / number, platform.claimable[number])
        told = staging.stage(directory, platform.claimable[number], sources, lambda: None, unheard)
        return directory, " and ".join(told)

    return stage


def unheard(_message: str, _progress: StagingProgress) -> None:
    """Nobody listens."""


def content(directory: AttemptDirectory) -> dict[str, bytes]:
    work = directory.work
    found = {str(path.relative_to(work)): path.read_bytes() for path in work.rglob("*") if path.is_file()}
    return {path: text for path, text in found.items() if path != "main.py"}


def asked(platform: SmallPlatform) -> list[tuple[str, str]]:
    """Requests for blobs since this was last asked."""
    found, platform.requests = platform.requests, []
    return found


def test_a_tree_lies_beside_the_script(platform: SmallPlatform, staged: Staged) -> None:
    directory, told = staged(platform.keep_tree(FILES, executable="pkg/mod.py"))

    assert content(directory) == {path: text for path, text in FILES.items() if not path.endswith("/")}
    assert (directory.work / "hollow" / "deep").is_dir()
    modes = {
        path: (directory.work / path).stat().st_mode & 0o777 for path in ("pkg", "pkg/mod.py", "twin.csv")
    }
    assert modes == {"pkg": 0o755, "pkg/mod.py": 0o755, "twin.csv": 0o644}
    assert "deps.zip (4 files, 11 B; fetched 3 files, 8 B, in " in told
    assert staging.changed_files(directory) == []


def test_many_files_come_in_one_answer(platform: SmallPlatform, staged: Staged) -> None:
    staged(platform.keep_tree({f"{number}.txt": str(number).encode() for number in range(300)}))

    assert [method for method, _ in asked(platform)] == ["GET", "GET", "POST"]


def test_only_a_changed_file_is_fetched(platform: SmallPlatform, staged: Staged) -> None:
    staged(platform.keep_tree(FILES))
    asked(platform)

    changed = FILES | {"pkg/mod.py": b"A = 2"}
    directory, told = staged(platform.keep_tree(changed))

    assert (directory.work / "pkg" / "mod.py").read_bytes() == b"A = 2"
    assert "fetched 1 file, 5 B" in told
    _, file = asked(platform)
    assert file == ("GET", f"/runner/v1/blobs/{platform.keep(b'A = 2')}")
    assert "all of them from the cache" in staged(platform.keep_tree(FILES))[1]


def test_a_large_file_comes_alone(platform: SmallPlatform, staged: Staged) -> None:
    large = os.urandom(LARGE_BYTES)
    directory, _ = staged(platform.keep_tree({"weights": large, "a": b"a", "b": b"b"}))

    assert (directory.work / "weights").read_bytes() == large
    assert ("GET", f"/runner/v1/blobs/{platform.keep(large)}") in asked(platform)


def test_a_job_that_changes_its_files_changes_nobody_else_s(platform: SmallPlatform, staged: Staged) -> None:
    tree = platform.keep_tree(FILES)
    for _ in range(2):
        directory, _ = staged(tree)
        assert (directory.work / "twin.csv").read_bytes() == b"1,2"
        (directory.work / "twin.csv").write_bytes(b"mine")
        assert (directory.work / "数据" / "ä.csv").read_bytes() == b"1,2"


def test_the_next_job_with_the_same_tree_gets_the_last_one_s_files(
    platform: SmallPlatform, sources: Sources, staged: Staged
) -> None:
    tree = platform.keep_tree({f"{number}.txt": b"x" for number in range(500)})
    first, _ = staged(tree)
    inode = (first.work / "7.txt").stat().st_ino
    with sources.kept.returning(first.work):
        pass

    second, told = staged(tree)

    assert (second.work / "7.txt").stat().st_ino == inode
    assert "deps.zip (500 files, kept from an earlier job)" in told


def test_a_file_that_the_platform_has_lost_is_told(platform: SmallPlatform, staged: Staged) -> None:
    tree = platform.keep_tree(FILES)
    del platform.blobs[platform.keep(b"A = 1")]

    with pytest.raises(NotFound):
        staged(tree)


def test_a_file_that_came_damaged_is_not_kept(platform: SmallPlatform, staged: Staged, home: Path) -> None:
    tree, digest = platform.keep_tree(FILES), platform.keep(b"A = 1")
    platform.blobs[digest] = b"A = 7"
    with pytest.raises(Unavailable):
        staged(tree)
    assert not (home / "blobs" / digest).exists()

    platform.keep(b"A = 1")
    assert content(staged(tree)[0])["pkg/mod.py"] == b"A = 1"


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(
    platform: SmallPlatform, staged: Staged, home: Path
) -> None:
    tree, cached = platform.keep_tree(FILES), home / "blobs" / platform.keep(b"A = 1")
    staged(tree)
    cached.chmod(0o600)
    cached.write_bytes(b"A = 7")

    with pytest.raises(Unavailable):
        staged(tree)

    assert content(staged(tree)[0])["pkg/mod.py"] == b"A = 1"


def test_an_answer_that_breaks_off_is_asked_for_again(
    platform: SmallPlatform, staged: Staged, home: Path
) -> None:
    tree = platform.keep_tree(FILES)
    platform.faults = lambda method, _path: Fault.ANSWER_LOST if method == "POST" else None
    with pytest.raises(Unavailable):
        staged(tree)
    platform.faults = lambda _method, _path: None

    assert content(staged(tree)[0])["pkg/mod.py"] == b"A = 1"
    assert not list((home / "blobs").glob("*.part"))


def test_staging_again_in_the_same_directory_begins_anew(
    platform: SmallPlatform, staged: Staged, sources: Sources
) -> None:
    directory, _ = staged(platform.keep_tree(FILES))

    staging.stage(directory, directory.claimed(), sources, lambda: None, unheard)

    assert content(directory)["pkg/mod.py"] == b"A = 1"


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a\0b", "A/../b"])
def test_a_tree_that_breaks_a_rule_is_refused_here_too(
    platform: SmallPlatform, staged: Staged, path: str
) -> None:
    with pytest.raises(ArchiveRejected) as refused:
        staged(platform.keep_tree({path: b"x"}))

    outcome = endings.not_started(refused.value)
    assert outcome is not None
    assert outcome.cause == "archive_rejected"


@pytest.mark.parametrize(
    "files", [{"main.py": b"other"}, {"main.py/x": b""}, {"outputs": b""}, {"inputs": b""}]
)
def test_what_takes_the_place_of_the_script_or_of_a_job_s_folders_is_refused(
    platform: SmallPlatform, staged: Staged, files: dict[str, bytes]
) -> None:
    with pytest.raises(Conflict) as refused:
        staged(platform.keep_tree(files))

    assert refused.value.code == "dependency_conflict"


def test_a_tree_may_hold_the_very_script(platform: SmallPlatform, staged: Staged) -> None:
    directory, _ = staged(platform.keep_tree({"main.py": b"print('hi')"}))

    assert (directory.work / "main.py").read_bytes() == b"print('hi')"
