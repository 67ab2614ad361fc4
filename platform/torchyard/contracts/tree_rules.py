"""What a tree of files from outside may be, whether it comes as a zip or as a list of files."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from torchyard.contracts.sayings import say
from torchyard.contracts.zip_structure import rejected, shown
from torchyard.errors import ArchiveRejected

_MIB = 1024 * 1024

_DRIVE = re.compile(r"[A-Za-z]:")
#: Control characters, line and paragraph separators, and marks that turn the direction of text around.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """How much an archive, or a listed tree, may hold."""

    #: Bytes of all files together, extracted.
    extracted_bytes: int = 4096 * _MIB
    #: Files and directories listed; and as many directories that are only implied by paths.
    entries: int = 20_000
    #: Extracted bytes per byte of the archive …
    ratio: int = 200
    #: … which is looked at only above this size: small files of zeros are common.
    ratio_from_bytes: int = 16 * _MIB
    path_bytes: int = 240
    #: Bytes of one file or directory name.
    component_bytes: int = 200
    #: Names in one path.
    depth: int = 32
    #: Bytes of the zip's own directory.
    directory_bytes: int = 8 * _MIB


_DEFAULT_LIMITS = ArchiveLimits()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file or directory."""

    #: Relative, with `/` between its parts.
    path: str
    is_directory: bool
    executable: bool
    #: Bytes, extracted.
    size: int
    #: CRC-32 of the content.
    crc: int


def check_name(name: str, limits: ArchiveLimits = _DEFAULT_LIMITS) -> None:
    """Refuse a path that leads elsewhere, or that some machine can't have; a directory's ends with a slash.

    Raises:
        ArchiveRejected: `archive_path_escape`, `archive_path_absolute` or `archive_bad_name`.
    """
    path = name.removesuffix("/")
    _check_path(name, path)
    if len(name.encode()) > limits.path_bytes:
        raise bad_name(name, say("name_over_bytes", bytes=limits.path_bytes))
    parts = path.split("/")
    if len(parts) > limits.depth:
        raise bad_name(name, say("name_too_deep", depth=limits.depth))
    if max(len(part.encode()) for part in parts) > limits.component_bytes:
        raise bad_name(name, say("name_part_over_bytes", bytes=limits.component_bytes))


def _check_path(name: str, path: str) -> None:
    hidden = _HIDDEN.search(name)
    if hidden:
        raise bad_name(name, say("name_with_character", character=f"U+{ord(hidden[0]):04X}"))
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        raise rejected(
            "path_absolute",
            say("path_is_absolute", name=shown(name)),
            hint=say("hint_relative_paths"),
        )
    if {"", ".", ".."} & set(re.split(r"[/\\]", path)):
        raise rejected(
            "path_escape",
            say("path_leads_out", name=shown(name)),
            hint=say("hint_paths_inside"),
        )
    if "\\" in name:
        raise bad_name(name, say("name_with_backslash"))


def bad_name(name: bytes | str, problem: str) -> ArchiveRejected:
    """The error for a name that has this problem."""
    return rejected(
        "bad_name",
        say("entry_misnamed", name=shown(name), problem=problem),
        hint=say("hint_entry_name"),
    )


def directories(entries: Iterable[Entry]) -> set[str]:
    """All directories of a tree, those that are only implied by a path too."""
    found: set[str] = set()
    for entry in entries:
        path = entry.path if entry.is_directory else entry.path.rpartition("/")[0]
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


def check_tree(entries: list[Entry], limits: ArchiveLimits = _DEFAULT_LIMITS) -> None:
    """Refuse names that are one on some file system: equal but for case or for how accents are written.

    Raises:
        ArchiveRejected: `archive_duplicate_name` or `archive_too_many_entries`.
    """
    implied = directories(entries) - {entry.path for entry in entries if entry.is_directory}
    if len(implied) > limits.entries:
        raise too_many(len(entries) + len(implied), limits)
    known: dict[str, str] = {}
    for path in chain((entry.path for entry in entries), sorted(implied)):
        key = _key(path)
        if key in known:
            raise _twice(known[key], path)
        known[key] = path


def _twice(one: str, other: str) -> ArchiveRejected:
    if one == other:
        message = say("entry_twice", name=shown(one))
    else:
        message = say("entries_alike", one=shown(one), other=shown(other))
    return rejected("duplicate_name", message, hint=say("hint_one_of_two"))


def _key(path: str) -> str:
    # Unicode 15, D145: canonical caseless matching.
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def too_many(count: int, limits: ArchiveLimits) -> ArchiveRejected:
    """The error for so many files and directories."""
    return rejected(
        "too_many_entries",
        say("entries_at_most", count=count, most=limits.entries, mib=limits.directory_bytes // _MIB),
        hint=say("hint_pack_files"),
    )
