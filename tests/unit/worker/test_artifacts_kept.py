"""What a worker sends as artifacts stays in its cache: the next job here that wants it downloads nothing."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from tests.full_disk import FULL_DISK_BYTES, small_disk
from tests.unit.worker.small_platform import SmallPlatform

from torchyard.contracts.runner import InputFile
from torchyard_worker import spooling
from torchyard_worker.attempts import AttemptsInHand, HeldAttempt
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.collecting import ArtifactLimits, Collector
from torchyard_worker.fetching import Fetcher
from torchyard_worker.object_cache import ObjectCache
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.runner import Places, Runner
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.staging import Sources
from torchyard_worker.tree_cache import TreeCache
from torchyard_worker.zygotes import Zygotes

ATTEMPT = "3f2b8f38-0000-4000-8000-000000000004"


@pytest.fixture
def held() -> Iterator[HeldAttempt]:
    one = AttemptsInHand().take(ATTEMPT)
    assert one is not None
    yield one
    one.close()


@pytest.fixture
def directory(tmp_path: Path, platform: SmallPlatform) -> AttemptDirectory:
    platform.offer(ATTEMPT, "print('hi')")
    made = spooling.create(tmp_path / "attempts" / ATTEMPT, platform.claimable[ATTEMPT])
    (made.work / "outputs").mkdir()
    return made


@pytest.fixture
def cache(tmp_path: Path, api: PlatformApi) -> BlobCache:
    return BlobCache(tmp_path / "blobs", api, max_bytes=1000)


@pytest.fixture
def collector(api: PlatformApi, cache: BlobCache) -> Collector:
    return Collector(api, ArtifactLimits(count=100, file_bytes=10**8, total_bytes=10**8), cache)


def nothing() -> None:
    """Let it go on."""


def downloads(platform: SmallPlatform) -> list[str]:
    return [
        path for method, path in platform.requests if method != "HEAD" and path.startswith("/runner/v1/blobs")
    ]


def read(cache: BlobCache, digest: str) -> bytes:
    with cache.blob(digest, nothing) as blob:
        assert blob.stat().st_mode & 0o777 == 0o400
        assert blob.stat().st_nlink == 1
        return blob.read_bytes()


def test_what_was_sent_is_not_fetched_again(
    directory: AttemptDirectory,
    held: HeldAttempt,
    collector: Collector,
    cache: BlobCache,
    platform: SmallPlatform,
) -> None:
    (directory.work / "outputs" / "model.pth").write_bytes(b"weights")

    ((kept,), _) = collector.collect(held, directory)

    assert platform.blobs[kept.sha256] == read(cache, kept.sha256) == b"weights"
    assert downloads(platform) == []


def test_what_the_platform_had_already_is_kept_too(
    directory: AttemptDirectory,
    held: HeldAttempt,
    collector: Collector,
    cache: BlobCache,
    platform: SmallPlatform,
) -> None:
    digest = platform.keep(b"weights")
    (directory.work / "outputs" / "model.pth").write_bytes(b"weights")

    collector.collect(held, directory)

    assert read(cache, digest) == b"weights"
    assert downloads(platform) == []


def test_what_a_script_left_running_changes_no_cached_file(
    directory: AttemptDirectory, held: HeldAttempt, collector: Collector, cache: BlobCache
) -> None:
    file = directory.work / "outputs" / "model.pth"
    with file.open("w+b", buffering=0) as left_open:
        left_open.write(b"weights")
        ((kept,), _) = collector.collect(held, directory)
        left_open.seek(0)
        left_open.write(b"changed")

    assert file.read_bytes() == b"changed"
    assert read(cache, kept.sha256) == b"weights"


def test_a_file_that_changes_while_it_is_sent_is_sent_as_it_was(
    directory: AttemptDirectory,
    held: HeldAttempt,
    collector: Collector,
    cache: BlobCache,
    platform: SmallPlatform,
) -> None:
    file = directory.work / "outputs" / "model.pth"
    file.write_bytes(b"weights")

    def change() -> None:
        file.write_bytes(b"changed")

    platform.answered = change  # the platform was asked whether it knows the digest

    ((kept,), messages) = collector.collect(held, directory)

    assert messages == []
    assert platform.blobs[kept.sha256] == read(cache, kept.sha256) == b"weights"
    assert kept.sha256 == sha256(b"weights").hexdigest()


def test_files_with_the_same_bytes_are_kept_once(
    directory: AttemptDirectory, held: HeldAttempt, collector: Collector, cache: BlobCache, tmp_path: Path
) -> None:
    (directory.work / "outputs" / "a").write_bytes(b"a")
    (directory.work / "outputs" / "b").write_bytes(b"a")

    (kept, _) = collector.collect(held, directory)

    assert {file.sha256 for file in kept} == {sha256(b"a").hexdigest()}
    assert read(cache, kept[0].sha256) == b"a"
    assert len(list(tmp_path.joinpath("blobs").iterdir())) == 1


def test_the_cache_s_bound_holds(
    directory: AttemptDirectory,
    held: HeldAttempt,
    collector: Collector,
    platform: SmallPlatform,
    tmp_path: Path,
) -> None:
    for number in range(9):
        (directory.work / "outputs" / f"{number}.bin").write_bytes(os.urandom(300))
    (directory.work / "outputs" / "larger.bin").write_bytes(os.urandom(1001))

    kept, messages = collector.collect(held, directory)

    assert (len(kept), messages) == (10, [])
    assert all(file.sha256 in platform.blobs for file in kept)
    cached = {path.name: path.stat().st_size for path in (tmp_path / "blobs").iterdir()}
    assert list(cached.values()) == [300] * 3
    assert cached.keys() == {file.sha256 for file in kept[6:9]}  # those of the last ones that fit


def test_a_full_disk_keeps_no_artifact_from_being_sent(
    directory: AttemptDirectory, held: HeldAttempt, api: PlatformApi, platform: SmallPlatform, tmp_path: Path
) -> None:
    content = os.urandom(FULL_DISK_BYTES * 2)
    (directory.work / "outputs" / "model.pth").write_bytes(content)
    with small_disk(tmp_path / "small") as place:
        cache = BlobCache(place / "blobs", api, max_bytes=10**9)
        limits = ArtifactLimits(count=100, file_bytes=10**8, total_bytes=10**8)

        ((kept,), messages) = Collector(api, limits, cache).collect(held, directory)

        assert list((place / "blobs").iterdir()) == []
    assert messages == []
    assert platform.blobs[kept.sha256] == content


def test_the_next_job_here_gets_what_a_job_left_without_a_download(
    api: PlatformApi, cache: BlobCache, platform: SmallPlatform, runtimes: Path, tmp_path: Path
) -> None:
    sources = Sources(
        cache,
        TreeCache(tmp_path / "trees", max_bytes=10**8),
        Fetcher(ObjectCache(tmp_path / "objects", max_bytes=10**8)),
    )
    limits = ArtifactLimits(count=100, file_bytes=10**6, total_bytes=10**7)
    places = Places(attempts=tmp_path / "attempts", runtimes=runtimes)
    zygotes = Zygotes(tmp_path / "zygotes", most=0)
    runner = Runner(api, AttemptsInHand(), sources, Collector(api, limits, cache), places, zygotes)
    giver, taker = "3f2b8f38-0000-4000-8000-000000000005", "3f2b8f38-0000-4000-8000-000000000006"

    platform.offer(giver, "open('outputs/a', 'w').write('a'); open('outputs/b', 'w').write('b')")
    runner.run(giver)
    (first,) = platform.finishes
    given = [
        InputFile(name="x", path=file.path.removeprefix("outputs/"), sha256=file.sha256, size=file.size)
        for file in first.artifacts
    ]
    script = "open('outputs/both', 'w').write(open('inputs/x/a').read() + open('inputs/x/b').read())"
    platform.offer(taker, script, inputs={"x": "job:5f0c1b1e-0000-4000-8000-000000000009"})
    platform.claimable[taker] = platform.claimable[taker].model_copy(update={"inputs": given})
    before = len(downloads(platform))
    runner.run(taker)

    (both,) = platform.finishes[1].artifacts
    assert platform.blobs[both.sha256] == b"ab"
    script_alone = [f"/runner/v1/blobs/{sha256(script.encode()).hexdigest()}"]
    assert downloads(platform)[before:] == script_alone
