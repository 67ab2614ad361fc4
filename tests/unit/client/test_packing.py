import os
import socket
from pathlib import Path

import pytest

from torchyard.client.packing import check_sizes, contents
from torchyard.contracts.tree_rules import ArchiveLimits
from torchyard.errors import InvalidInput


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text(f"content of {name}")
    return root


def test_what_tools_keep_there_is_left_out(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "train.py",
        "src/model.py",
        "src/model.pyc",
        "src/__pycache__/model.cpython-311.pyc",
        ".git/config",
        ".venv/lib/x.py",
        ".torchyard/token",
        "my environment/pyvenv.cfg",
        "my environment/lib/y.py",
        ".hidden",
    )
    (root / ".git" / "link").symlink_to("nowhere")
    assert contents(root) == [".hidden", "src/model.py", "train.py"]


@pytest.mark.parametrize("name", ["link.txt", "sub/linked"])
def test_a_link_is_refused_by_name(tmp_path: Path, name: str) -> None:
    root = tree(tmp_path, "real/file.txt", "sub/other.txt")
    (root / name).symlink_to(root / "real")
    with pytest.raises(InvalidInput, match=name) as refused:
        contents(root)
    assert (refused.value.code, refused.value.field) == ("link_not_allowed", "dependencies")


def test_a_socket_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("a.sock")
        with pytest.raises(InvalidInput, match=r"a\.sock"):
            contents(tmp_path)


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/\xff.txt", "w"):  # noqa: PTH123
        pass
    with pytest.raises(InvalidInput) as refused:
        contents(tmp_path)
    assert refused.value.code == "name_not_utf8"


def test_what_gitignore_names_is_left_out_by_git_s_rules(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "a.bin",
        "keep.bin",
        "data/x.csv",
        "src/data/y.csv",
        "src/model.py",
        "src/own.txt",
        "build/z",
    )
    (root / ".gitignore").write_text("*.bin\n!keep.bin\n# a comment\n\n/data/\nbuild\n")
    (root / "src" / ".gitignore").write_text("own.txt\n")
    (root / "build" / "link").symlink_to("nowhere")
    assert contents(root) == [".gitignore", "keep.bin", "src/.gitignore", "src/data/y.csv", "src/model.py"]


def test_our_own_ignore_file_is_asked_instead_and_not_sent(tmp_path: Path) -> None:
    root = tree(tmp_path, "weights.pt", "notes.md")
    (root / ".gitignore").write_text("*.pt\n")
    (root / ".torchyardignore").write_text("*.md\n")
    assert contents(root) == [".gitignore", "weights.pt"]


def test_a_folder_s_rules_come_after_those_above_it(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.log", "src/a.log", "src/b.log")
    (root / ".torchyardignore").write_text("*.log\n")
    (root / "src" / ".torchyardignore").write_text("!a.log\n")
    assert contents(root) == ["src/a.log"]


def test_an_ignore_rule_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / ".torchyardignore").write_text("!\n")
    with pytest.raises(InvalidInput, match="torchyardignore") as refused:
        contents(tree(tmp_path, "a"))
    assert refused.value.code == "ignore_file_invalid"


def test_too_many_bytes_are_refused_with_the_largest_files_named(tmp_path: Path) -> None:
    root = tree(tmp_path, "small", "data/large")
    (root / "data" / "large").write_bytes(b"x" * 900)
    with pytest.raises(InvalidInput, match=r"data/large \(900 bytes\), small") as refused:
        check_sizes(root, contents(root), ArchiveLimits(extracted_bytes=900))
    assert refused.value.code == "dependencies_too_large"
    assert ".torchyardignore" in str(refused.value.hint)


def test_too_many_files_are_refused_with_the_fullest_folder_named(tmp_path: Path) -> None:
    root = tree(tmp_path, "a", "data/1", "data/2", "data/3")
    with pytest.raises(InvalidInput, match="4 files, 3 of them in data/; 3 are allowed") as refused:
        check_sizes(root, contents(root), ArchiveLimits(entries=3))
    assert refused.value.code == "too_many_files"
