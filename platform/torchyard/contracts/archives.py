"""Zip archives from outside: judged before anything is written, refused or taken exactly as they are.

Nothing is ever repaired: a tree that differs from what the zip says would be a bug that nobody sees.
"""

import errno
import os
import re
import stat
import unicodedata
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from torchyard.contracts.zip_structure import (
    DEFLATED,
    Record,
    Span,
    find_directory,
    locate,
    read_records,
    rejected,
    shown,
)
from torchyard.errors import ArchiveRejected, StorageFull, TooLarge, TorchyardError

_MIB = 1024 * 1024
_CHUNK = 256 * 1024
_PLAIN_MODE, _EXECUTABLE_MODE, _DIRECTORY_MODE = 0o644, 0o755, 0o755

_DRIVE = re.compile(r"[A-Za-z]:")
#: Control characters, line and paragraph separators, and marks that turn the direction of text around.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, kw_only=True)
class ArchiveLimits:
    """How much an archive may hold."""

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
    """One file or directory of an accepted archive."""

    #: Relative, with `/` between its parts.
    path: str
    is_directory: bool
    executable: bool
    #: Bytes, extracted.
    size: int
    #: CRC-32 of the content.
    crc: int


@dataclass(frozen=True, kw_only=True)
class ArchiveSummary:
    """What an accepted archive holds, as it says itself."""

    #: How many files and directories are listed.
    entries: int
    #: Bytes of all files together, extracted.
    size: int
    #: The one folder everything lies in, if there is one: its files then import as `folder.module`.
    folder: str | None
    #: The listed files and directories, in the order of the archive's bytes.
    listing: tuple[Entry, ...]


def inspect(archive: Path, limits: ArchiveLimits = _DEFAULT_LIMITS) -> ArchiveSummary:
    """Judge an archive by its tables alone; nothing is inflated.

    Raises:
        ArchiveRejected: `archive_path_escape`, `archive_path_absolute`, `archive_special_file`,
            `archive_overlap`, `archive_too_many_entries`, `archive_bad_name`, `archive_duplicate_name`,
            `archive_unsupported` or `archive_invalid`.
        TooLarge: `archive_too_large`.
        UnsupportedMedia: It is an archive, but no zip.
    """
    with archive.open("rb") as file:
        listing = tuple(entry for entry, _ in _judge(file, limits))
    roots = {entry.path.partition("/")[0] for entry in listing}
    nested = all(entry.is_directory or "/" in entry.path for entry in listing)
    return ArchiveSummary(
        entries=len(listing),
        size=sum(entry.size for entry in listing),
        folder=next(iter(roots)) if nested and len(roots) == 1 else None,
        listing=listing,
    )


def extract(archive: Path, destination: Path, limits: ArchiveLimits = _DEFAULT_LIMITS) -> list[str]:
    """Judge an archive, then write its files, checking size and CRC-32 of each.

    Modes are 0644, 0755 for what is executable and for directories; times are now. Memory does not grow with
    the archive. Whatever goes wrong, all that was written is removed again.

    Args:
        archive: The zip.
        destination: A directory that nobody else writes to; made if it is missing.
        limits: What the archive may hold.

    Returns:
        The paths of the files, relative to `destination`, in the order of the archive's bytes.

    Raises:
        ArchiveRejected: As for `inspect`; also `archive_duplicate_name` for what `destination` holds already.
        TooLarge: `archive_too_large`, also for a file that holds more than it announces.
        UnsupportedMedia: It is an archive, but no zip.
        StorageFull: No space is left.
    """
    with archive.open("rb") as file, ExitStack() as undo:
        accepted = _judge(file, limits)
        try:
            _make_directories(destination, _directories(entry for entry, _ in accepted), undo)
            for entry, span in accepted:
                content = _content(file, entry, span)
                if entry.is_directory:
                    deque(content, maxlen=0)  # empty, or refused
                    continue
                mode = _EXECUTABLE_MODE if entry.executable else _PLAIN_MODE
                _write(content, destination / entry.path, mode, undo)
        except OSError as problem:
            if (explained := _explained(problem)) is not None:
                raise explained from problem
            raise
        undo.pop_all()
    return [entry.path for entry, _ in accepted if not entry.is_directory]


def _explained(problem: OSError) -> TorchyardError | None:
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull("no space is left to extract the zip", field="dependencies")
    if problem.errno == errno.EEXIST:
        name = Path(str(problem.filename)).name
        return rejected("duplicate_name", f"there is another {shown(name)} where the zip is extracted")
    return None


def _judge(file: BinaryIO, limits: ArchiveLimits) -> list[tuple[Entry, Span]]:
    size = file.seek(0, os.SEEK_END)
    directory = find_directory(file, size)
    if directory.count > limits.entries or directory.size > limits.directory_bytes:
        raise _too_many(directory.count, limits)
    spans = locate(file, read_records(file, directory), directory)
    _check_sizes([span.record for span in spans], size, limits)
    entries = [_entry(span.record, limits) for span in spans]
    _check_tree(entries, limits)
    return list(zip(entries, spans, strict=True))


def _too_many(count: int, limits: ArchiveLimits) -> ArchiveRejected:
    return rejected(
        "too_many_entries",
        f"the zip holds {count} files and directories; {limits.entries} are allowed, "
        f"listed in {limits.directory_bytes // _MIB} MiB",
        hint="pack many small files into few large ones, for example one .npz or .tar inside the zip",
    )


def _check_sizes(records: Iterable[Record], archive_size: int, limits: ArchiveLimits) -> None:
    total = sum(record.size for record in records)
    if total > limits.extracted_bytes:
        raise TooLarge(
            f"the zip extracts to {total} bytes; {limits.extracted_bytes} are allowed",
            code="archive_too_large",
            field="dependencies",
            hint="keep large data in object storage and leave it out of the zip",
        )
    if total > limits.ratio_from_bytes and total > limits.ratio * archive_size:
        raise TooLarge(
            f"the zip extracts to {total // archive_size} times its size; {limits.ratio} times is allowed",
            code="archive_too_large",
            field="dependencies",
            hint="create files of zeros in the script, not in the zip",
        )


def _entry(record: Record, limits: ArchiveLimits) -> Entry:
    name = _decoded(record)
    path = name.removesuffix("/")
    _check_path(name, path)
    if len(record.name) > limits.path_bytes:
        raise _bad_name(name, f"is longer than {limits.path_bytes} bytes")
    parts = path.split("/")
    if len(parts) > limits.depth:
        raise _bad_name(name, f"lies more than {limits.depth} levels deep")
    if max(len(part.encode()) for part in parts) > limits.component_bytes:
        raise _bad_name(name, f"has a part that is longer than {limits.component_bytes} bytes")
    directory = _is_directory(name, record)
    return Entry(
        path=path,
        is_directory=directory,
        executable=not directory and bool(record.mode & stat.S_IXUSR),
        size=record.size,
        crc=record.crc,
    )


def _decoded(record: Record) -> str:
    # A name without the UTF-8 flag is in an unnamed code page. If it is UTF-8 all the same, as macOS
    # writes it, that is what was meant; nothing else is guessed.
    try:
        name = record.name.decode()
    except UnicodeDecodeError:
        raise _bad_name(record.name, "is no UTF-8") from None
    if record.unicode_name not in {None, record.name}:
        raise _bad_name(name, f"is also called {shown(record.unicode_name or b'')}")
    return name


def _check_path(name: str, path: str) -> None:
    hidden = _HIDDEN.search(name)
    if hidden:
        raise _bad_name(name, f"holds the character U+{ord(hidden[0]):04X}")
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        raise rejected(
            "path_absolute",
            f"{shown(name)} is an absolute path",
            hint="zip with paths relative to the script's folder",
        )
    if {"", ".", ".."} & set(re.split(r"[/\\]", path)):
        raise rejected(
            "path_escape",
            f"{shown(name)} is not a plain path inside the archive",
            hint="zip from inside the folder, without '..' and './'",
        )
    if "\\" in name:
        raise _bad_name(name, "holds a backslash")


def _bad_name(name: bytes | str, problem: str) -> ArchiveRejected:
    return rejected(
        "bad_name", f"the name {shown(name)} {problem}", hint="rename it, and zip with UTF-8 names and '/'"
    )


def _is_directory(name: str, record: Record) -> bool:
    kind = stat.S_IFMT(record.mode)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise rejected(
            "special_file",
            f"{shown(name)} is a link or a device, not a file",
            hint="zip the files themselves: zip follows links unless it is given --symlinks",
        )
    directory = name.endswith("/")
    if kind == (stat.S_IFREG if directory else stat.S_IFDIR) or (directory and record.size):
        raise rejected("invalid", f"{shown(name)} is a file and a directory at once")
    return directory


def _directories(entries: Iterable[Entry]) -> set[str]:
    """All directories of a tree, those that are only implied by a path too."""
    found: set[str] = set()
    for entry in entries:
        path = entry.path if entry.is_directory else entry.path.rpartition("/")[0]
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found


def _check_tree(entries: list[Entry], limits: ArchiveLimits) -> None:
    """Refuse names that are one on some file system: equal but for case or for how accents are written."""
    implied = _directories(entries) - {entry.path for entry in entries if entry.is_directory}
    if len(implied) > limits.entries:
        raise _too_many(len(entries) + len(implied), limits)
    known: dict[str, str] = {}
    for path in chain((entry.path for entry in entries), sorted(implied)):
        key = _key(path)
        if key in known:
            raise _twice(known[key], path)
        known[key] = path


def _twice(one: str, other: str) -> ArchiveRejected:
    if one == other:
        message = f"{shown(one)} is in the zip twice"
    else:
        message = f"{shown(one)} and {shown(other)} are one name on some machines"
    return rejected("duplicate_name", message, hint="keep one of them, or rename one in more than its case")


def _key(path: str) -> str:
    # Unicode 15, D145: canonical caseless matching.
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _make_directories(destination: Path, directories: Iterable[str], undo: ExitStack) -> None:
    for path in (destination, *(destination / directory for directory in sorted(directories))):
        try:
            path.mkdir(_DIRECTORY_MODE)
        except FileExistsError:
            if path != destination and not stat.S_ISDIR(path.lstat().st_mode):
                raise
        else:
            undo.callback(path.rmdir)
            path.chmod(_DIRECTORY_MODE)  # whatever the umask is


def _write(chunks: Iterator[bytes], path: Path, mode: int, undo: ExitStack) -> None:
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    undo.callback(path.unlink)
    with os.fdopen(target, "wb") as out:
        os.fchmod(target, mode)  # whatever the umask is
        for chunk in chunks:
            out.write(chunk)


def _content(file: BinaryIO, entry: Entry, span: Span) -> Iterator[bytes]:
    """An entry's bytes, never more than it announces; at the end they have been checked."""
    compressed = _compressed(file, span)
    seen = crc = 0
    for chunk in _inflated(compressed, entry) if span.record.method == DEFLATED else compressed:
        seen += len(chunk)
        if seen > entry.size:
            raise TooLarge(
                f"{shown(entry.path)} holds more than the {entry.size} bytes it announces",
                code="archive_too_large",
                field="dependencies",
            )
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if (seen, crc) != (entry.size, entry.crc):
        raise _damaged(entry)


def _compressed(file: BinaryIO, span: Span) -> Iterator[bytes]:
    file.seek(span.data)
    left = span.end - span.data
    while left:
        chunk = file.read(min(left, _CHUNK))
        if not chunk:
            raise rejected("invalid", "the zip is cut off", hint="upload it again")
        left -= len(chunk)
        yield chunk


def _inflated(chunks: Iterable[bytes], entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            if inflater.eof:
                raise _damaged(entry)
            left = chunk
            while left:
                yield inflater.decompress(left, _CHUNK)
                left = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error:
        raise _damaged(entry) from None
    if not inflater.eof or inflater.unused_data:
        raise _damaged(entry)


def _damaged(entry: Entry) -> ArchiveRejected:
    return rejected("invalid", f"{shown(entry.path)} is damaged in the zip", hint="make the zip again")
