"""A tree of dependencies: the same files are the same blob, and the rules are those of archives."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.contracts.tree_rules import ArchiveLimits
from torchyard.contracts.trees import Tree, TreeEntry, check, is_tree, read_tree
from torchyard.errors import ArchiveRejected, TooLarge

ONE, OTHER = "1" * 64, "2" * 64


def tree(*paths: str, **more: Any) -> Tree:
    """Files of three bytes, and directories."""
    return Tree(
        entries=[
            TreeEntry(path=path) if path.endswith("/") else TreeEntry(path=path, sha256=ONE, size=3, **more)
            for path in paths
        ]
    )


def refusal(*entries: dict[str, Any]) -> str:
    with pytest.raises((ArchiveRejected, TooLarge)) as refused:
        check(Tree.model_validate({"entries": entries}))
    assert refused.value.field == "dependencies"
    return refused.value.code


def test_a_tree_comes_back_from_its_document() -> None:
    given = tree("数据/ä.csv", "bin/run", "empty/", executable=True)

    document = given.document()

    assert is_tree(document)
    assert sorted(read_tree(document).entries, key=str) == sorted(given.entries, key=str)
    assert read_tree(document).files() == {ONE: 3}


def test_the_same_files_are_the_same_document_in_any_order() -> None:
    assert tree("b", "a", "c/").document() == tree("c/", "a", "b").document()
    assert tree("a").document() != tree("a", executable=True).document()


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../x", "archive_path_escape"),
        ("a/../x", "archive_path_escape"),
        ("a//x", "archive_path_escape"),
        ("./x", "archive_path_escape"),
        ("..\\x", "archive_path_escape"),
        ("", "archive_path_escape"),
        ("/etc/x", "archive_path_absolute"),
        ("\\\\host\\x", "archive_path_absolute"),
        ("C:x", "archive_path_absolute"),
        ("a\0.txt", "archive_bad_name"),
        ("a\x1b[2J", "archive_bad_name"),
        ("a\u202etxt.py", "archive_bad_name"),
        ("a\\b", "archive_bad_name"),
        ("a" * 201, "archive_bad_name"),
        ("/".join("a" * 33), "archive_bad_name"),
        ("a" * 120 + "/" + "b" * 120, "archive_bad_name"),
    ],
)
def test_a_path_that_no_archive_may_have_is_refused(path: str, code: str) -> None:
    assert refusal({"path": path, "sha256": ONE, "size": 1}) == code


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a"),
        ("A", "a"),
        ("\u00e4", "a\u0308"),
        ("stra\u00dfe", "STRASSE"),
        ("a", "a/b"),
        ("Data/x", "data/y"),
    ],
)
def test_names_that_are_one_on_some_machine_are_refused(one: str, other: str) -> None:
    both = ({"path": path, "sha256": ONE, "size": 1} for path in (one, other))
    assert refusal(*both) == "archive_duplicate_name"


def test_a_file_and_a_directory_of_one_name_are_refused() -> None:
    assert refusal({"path": "a", "sha256": ONE, "size": 1}, {"path": "a/"}) == "archive_duplicate_name"


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "a"},
        {"path": "a/", "sha256": ONE},
        {"path": "a/", "size": 1},
        {"path": "a/", "executable": True},
    ],
)
def test_what_is_neither_a_file_nor_a_directory_is_refused(entry: dict[str, Any]) -> None:
    assert refusal(entry) == "archive_invalid"


def test_one_content_with_two_sizes_is_refused() -> None:
    files = ({"path": str(size), "sha256": ONE, "size": size} for size in (1, 2))
    assert refusal(*files) == "archive_invalid"


def test_too_many_bytes_are_refused_by_what_the_files_take_together() -> None:
    assert (
        refusal(
            {"path": "a", "sha256": ONE, "size": 2**31}, {"path": "b", "sha256": OTHER, "size": 2**31 + 1}
        )
        == "archive_too_large"
    )


def test_too_many_entries_are_refused_also_those_that_paths_imply() -> None:
    with pytest.raises(ArchiveRejected) as refused:
        check(tree("a", "b", "c"), ArchiveLimits(entries=2))
    assert refused.value.code == "archive_too_many_entries"
    with pytest.raises(ArchiveRejected) as refused:
        check(tree("a/b/c/d"), ArchiveLimits(entries=2))
    assert refused.value.code == "archive_too_many_entries"


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"PK\x05\x06",
        b'{"torchyard_tree":2,"entries":[]}',
        b'{"torchyard_tree":1,"entries":[}',
        b'{"torchyard_tree":1,"entries":[],"more":1}',
        b'{"torchyard_tree":1,"entries":[{"path":"a","sha256":"ab"}]}',
        b'{"torchyard_tree":1,"entries":[{"path":"../a/"}]}',
        b'{"torchyard_tree":1,' + b" " * 9 * 2**20 + b'"entries":[]}',
    ],
)
def test_a_blob_that_is_no_tree_is_refused(document: bytes) -> None:
    with pytest.raises(ArchiveRejected):
        read_tree(document)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_paths_are_taken_or_refused(paths: list[str]) -> None:
    offered = Tree(entries=[TreeEntry(path=f"{path}x", sha256=ONE, size=1) for path in paths])
    with contextlib.suppress(ArchiveRejected):
        check(offered)
        assert read_tree(offered.document()).files() == offered.files()
