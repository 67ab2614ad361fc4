"""A directory is sent file by file, and only what the platform lacks of it."""

import os
from pathlib import Path

import pytest
from tests.unit.client.small_platform import SmallPlatform

from torchyard.client import Client, Progress
from torchyard.contracts.bundles import LARGE_BYTES
from torchyard.contracts.trees import TreeEntry
from torchyard.errors import ArchiveRejected, InvalidInput, Unavailable

SCRIPT = b"print('hi')\n"


@pytest.fixture
def src(tmp_path: Path) -> Path:
    root = tmp_path / "src"
    (root / "empty").mkdir(parents=True)
    (root / "数据").mkdir()
    (root / "数据" / "ä.csv").write_text("1,2")
    (root / "twin.csv").write_text("1,2")
    (root / "hollow.txt").touch()
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o700)
    (root / "weights.pt").write_bytes(os.urandom(LARGE_BYTES))
    return root


def submitted(client: Client, src: Path) -> tuple[str, list[Progress]]:
    """The SHA-256 of a job's tree, and what was told of its upload."""
    told: list[Progress] = []
    job = client.submit(SCRIPT, dependencies=src, on_progress=told.append)
    assert job.spec.dependencies is not None
    return job.spec.dependencies.sha256, [one for one in told if one.name == "src"]


def test_a_directory_arrives_as_it_is(platform: SmallPlatform, client: Client, src: Path) -> None:
    sha256, told = submitted(client, src)

    tree = {entry.path: entry for entry in platform.trees[sha256].entries}
    assert tree["empty/"] == TreeEntry(path="empty/")
    assert {path: platform.blobs[entry.sha256] for path, entry in tree.items() if entry.sha256} == {
        path.relative_to(src).as_posix(): path.read_bytes() for path in src.rglob("*") if path.is_file()
    }
    assert [path for path, entry in tree.items() if entry.executable] == ["run.sh"]
    size = LARGE_BYTES + len("1,2#!/bin/sh\n")
    assert (told[0], told[-1]) == (Progress("src", 0, size), Progress("src", size, size))
    assert sorted(told, key=lambda one: one.sent) == told


def test_an_unchanged_directory_is_only_asked_for(platform: SmallPlatform, client: Client, src: Path) -> None:
    sha256, _ = submitted(client, src)
    platform.requests.clear()
    os.utime(src / "twin.csv", (1, 1))

    again, told = submitted(client, src)

    assert again == sha256
    assert platform.asked("HEAD", "/trees") == [f"/trees/{sha256}"]
    assert not platform.asked("PUT")
    assert platform.asked("POST") == ["/jobs"]
    assert [one.known for one in told] == [True]


def test_of_a_changed_directory_only_the_changed_file_is_sent(
    platform: SmallPlatform, client: Client, src: Path
) -> None:
    submitted(client, src)
    platform.requests.clear()
    (src / "twin.csv").write_text("3,4,5")
    (src / "moved.pt").write_bytes((src / "weights.pt").read_bytes())
    (src / "weights.pt").unlink()

    _, told = submitted(client, src)

    assert len(platform.asked("PUT")) == 1
    assert not platform.asked("POST", "/blobs")
    assert told[-1] == Progress("src", 5, 5)
    sent = [headers for method, _, headers in platform.requests if method == "PUT"]
    assert [headers["Content-Length"] for headers in sent] == ["5"]


def test_small_files_are_sent_together(platform: SmallPlatform, client: Client, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for number in range(1200):
        (tmp_path / "src" / str(number)).write_text(str(number))

    submitted(client, tmp_path / "src")

    assert len(platform.asked("POST", "/blobs")) == 2
    assert len(platform.blobs) == 1200 + 1


def test_an_upload_whose_answer_was_lost_is_sent_again(
    platform: SmallPlatform, client: Client, src: Path
) -> None:
    submitted(client, src)
    (src / "twin.csv").write_text("3,4")
    (src / "hollow.txt").write_text("full")
    platform.lost = ["POST", "POST"]

    sha256, told = submitted(client, src)

    assert sha256 in platform.trees
    assert told[-1] == Progress("src", 7, 7)


def test_a_file_that_changes_while_it_is_sent_is_told(
    platform: SmallPlatform, client: Client, src: Path
) -> None:
    def meddle(progress: Progress) -> None:
        if progress.name == "src":
            (src / "twin.csv").write_text("9,9")
            (src / "run.sh").unlink(missing_ok=True)

    with pytest.raises(InvalidInput, match="changed while it was uploaded") as refused:
        client.submit(SCRIPT, dependencies=src, on_progress=meddle)

    assert refused.value.code == "file_changed"
    assert not platform.jobs


@pytest.mark.parametrize("name", ["a\nb", "c\\d", "x" * 240])
def test_a_name_that_the_platform_does_not_take_is_refused_before_anything_is_sent(
    platform: SmallPlatform, client: Client, src: Path, name: str
) -> None:
    (src / name).touch()

    with pytest.raises(ArchiveRejected) as refused:
        client.submit(SCRIPT, dependencies=src)

    assert refused.value.code == "archive_bad_name"
    assert platform.requests == []


def test_a_platform_that_keeps_losing_files_is_given_up(
    platform: SmallPlatform, client: Client, src: Path
) -> None:
    platform.forgetful = True

    with pytest.raises(Unavailable):
        client.submit(SCRIPT, dependencies=src)
