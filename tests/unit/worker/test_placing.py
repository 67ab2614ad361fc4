from pathlib import Path

import pytest
from tests.full_disk import FULL_DISK_BYTES, small_disk

from torchyard_worker import placing


def nothing() -> None:
    """Let it go on."""


@pytest.mark.parametrize("content", [b"", b"content", bytes(range(256)) * 5000])
def test_a_copy_is_a_file_of_its_own(tmp_path: Path, content: bytes) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    source.chmod(0o400)

    placing.copy(source, target, nothing)

    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o644
    target.write_bytes(b"changed")
    assert source.read_bytes() == content


def test_nothing_is_overwritten_or_followed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_text("new")
    (tmp_path / "there").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")

    for name in ("there", "link"):
        with pytest.raises(FileExistsError):
            placing.copy(source, tmp_path / name, nothing)

    assert (tmp_path / "there").read_text() == "old"
    assert not (tmp_path / "elsewhere").exists()


def test_what_is_moved_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    (tmp_path / "there").write_text("old")
    (tmp_path / "dangling").symlink_to("nowhere")

    for name in ("there", "dangling"):
        with pytest.raises(FileExistsError):
            placing.move(tmp_path / "source", tmp_path / name)
    assert placing.move(tmp_path / "source", tmp_path / "target")

    assert (tmp_path / "there").read_text() == "old"
    assert (tmp_path / "target").read_text() == "new"


def test_between_two_file_systems_it_is_copied_too(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one file system only")
    source = tmp_path / "source"
    source.write_bytes(b"x" * 100_000)
    target = memory / f"torchyard-{tmp_path.name}-{id(source)}"
    try:
        assert not placing.move(source, target)
        placing.copy(source, target, nothing)
        assert target.read_bytes() == source.read_bytes()
    finally:
        target.unlink(missing_ok=True)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x" * 2 * FULL_DISK_BYTES)

    with small_disk(tmp_path / "disk") as disk, pytest.raises(OSError, match=r"No space left|File too large"):
        placing.copy(source, disk / "target", nothing)
