"""Trees of dependencies: what lies where, under which SHA-256; the files themselves are blobs of their own.

A tree is a blob too: a JSON document that begins in a way no zip does, and that is the same for the same
files. So a job names a tree as it names a zip, by one SHA-256.
"""

import hashlib

from pydantic import Field, ValidationError

from torchyard.contracts.jobs import Sha256
from torchyard.contracts.models import MAX_COUNT, Lenient, Strict
from torchyard.contracts.sayings import say
from torchyard.contracts.tree_rules import ArchiveLimits, Entry, check_name, check_tree, too_many
from torchyard.contracts.zip_structure import rejected, shown
from torchyard.errors import ArchiveRejected, TooLarge

_LIMITS = ArchiveLimits()
#: The largest document: as much as a zip's own directory may take.
MAX_TREE_BYTES = _LIMITS.directory_bytes
#: What every tree begins with: the version of its layout.
_START = b'{"torchyard_tree":1,'


class TreeEntry(Strict):
    """A file, or a directory."""

    path: str = Field(description="Relative to the script's folder, with `/`; a directory's ends with `/`.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of the file; left out for a directory.")
    size: int = Field(0, ge=0, le=MAX_COUNT, description="Bytes of the file.")
    executable: bool = Field(False, description="Whether the file may be executed.")

    @property
    def is_directory(self) -> bool:
        """Whether it is one."""
        return self.path.endswith("/")


class Tree(Strict):
    """Files that are laid beside a script; directories are listed only if they are empty."""

    entries: list[TreeEntry] = Field(description="Files, and empty directories.")

    def files(self) -> dict[str, int]:
        """SHA-256 and size of every file, each content once."""
        return {entry.sha256: entry.size for entry in self.entries if entry.sha256 is not None}

    def digest(self) -> str:
        """The SHA-256 of the document."""
        return hashlib.sha256(self.document()).hexdigest()

    def document(self) -> bytes:
        """The blob that is this tree."""
        ordered = Tree(entries=sorted(self.entries, key=lambda entry: entry.path))
        return _START + ordered.model_dump_json(exclude_defaults=True).encode()[1:]


class TreeAnswer(Lenient):
    """What became of a tree that was offered."""

    sha256: Sha256 = Field(description="The tree's SHA-256, by which a job names it as `dependencies`.")
    missing: list[Sha256] = Field(
        description="Files to be uploaded first; the tree is to be offered again then. If there are none, "
        "jobs can use it."
    )


def is_tree(head: bytes) -> bool:
    """Whether a blob that begins like this is a tree."""
    return head.startswith(_START)


def read_tree(document: bytes) -> Tree:
    """The tree that a blob is, judged by `check`.

    Raises:
        ArchiveRejected: It is none, or see `check`.
        TooLarge: See `check`.
    """
    if not is_tree(document) or len(document) > MAX_TREE_BYTES:
        raise rejected("invalid", say("no_tree"))
    try:
        tree = Tree.model_validate_json(b"{" + document[len(_START) :])
    except ValidationError:
        raise rejected("invalid", say("tree_damaged")) from None
    check(tree)
    return tree


def check(tree: Tree, limits: ArchiveLimits = _LIMITS) -> None:
    """Judge a tree by the rules of archives.

    Raises:
        ArchiveRejected: `archive_path_escape`, `archive_path_absolute`, `archive_bad_name`,
            `archive_duplicate_name`, `archive_too_many_entries` or `archive_invalid`.
        TooLarge: `archive_too_large`.
    """
    count, size = len(tree.entries), sum(entry.size for entry in tree.entries)
    if count > limits.entries:
        raise too_many(count, limits)
    if size > limits.extracted_bytes:
        raise TooLarge(
            say("dependencies_over_size", bytes=size, most=limits.extracted_bytes),
            code="archive_too_large",
            field="dependencies",
            hint=say("hint_data_in_storage"),
        )
    sizes: dict[str, int] = {}
    for entry in tree.entries:
        check_name(entry.path, limits)
        if entry.sha256 is None:
            if not entry.is_directory or entry.size or entry.executable:
                raise rejected("invalid", say("entry_neither", name=shown(entry.path)))
        elif entry.is_directory:
            raise rejected("invalid", say("entry_both", name=shown(entry.path)))
        elif sizes.setdefault(entry.sha256, entry.size) != entry.size:
            raise _two_sizes(entry, sizes[entry.sha256])
    check_tree([_entry(entry) for entry in tree.entries], limits)


def check_size(entry: TreeEntry, size: int) -> None:
    """Refuse a file that is announced with another size than its blob has.

    Raises:
        ArchiveRejected: `archive_invalid`.
    """
    if entry.size != size:
        raise _two_sizes(entry, size)


def _two_sizes(entry: TreeEntry, size: int) -> ArchiveRejected:
    return rejected(
        "invalid",
        say("entry_two_sizes", name=shown(entry.path), bytes=entry.size, size=size),
    )


def _entry(entry: TreeEntry) -> Entry:
    return Entry(
        path=entry.path.removesuffix("/"),
        is_directory=entry.is_directory,
        executable=entry.executable,
        size=entry.size,
        crc=0,
    )
