"""Zip archives from outside: judged before anything is written, refused or taken exactly as they are.

Nothing is ever repaired: a tree that differs from what the zip says would be a bug that nobody sees.
"""

import errno
import os
import stat
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from torchyard.contracts.sayings import say
from torchyard.contracts.tree_rules import (
    ArchiveLimits,
    bad_name,
    check_name,
    check_tree,
    directories,
    too_many,
)
from torchyard.contracts.tree_rules import Entry as Entry
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

_CHUNK = 256 * 1024
_PLAIN_MODE, _EXECUTABLE_MODE, _DIRECTORY_MODE = 0o644, 0o755, 0o755
_DEFAULT_LIMITS = ArchiveLimits()


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
            _make_directories(destination, directories(entry for entry, _ in accepted), undo)
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


def read_file(archive: Path, path: str, at_most: int) -> bytes:
    """The first `at_most` bytes of one file in an archive; if that is all of it, its CRC-32 was checked.

    Raises:
        ArchiveRejected: As for `inspect`, or the file is damaged.
        TooLarge: `archive_too_large`.
        UnsupportedMedia: It is an archive, but no zip.
        KeyError: The archive holds no such file.
    """
    found = b""
    with archive.open("rb") as file:
        accepted = {entry.path: (entry, span) for entry, span in _judge(file, _DEFAULT_LIMITS)}
        for chunk in _content(file, *accepted[path]):
            found += chunk
            if len(found) >= at_most:
                break
    return found[:at_most]


def _explained(problem: OSError) -> TorchyardError | None:
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFull("no space is left to extract the zip", field="dependencies")
    if problem.errno == errno.EEXIST:
        name = Path(str(problem.filename)).name
        return rejected("duplicate_name", say("entry_place_taken", name=shown(name)))
    return None


def _judge(file: BinaryIO, limits: ArchiveLimits) -> list[tuple[Entry, Span]]:
    size = file.seek(0, os.SEEK_END)
    directory = find_directory(file, size)
    if directory.count > limits.entries or directory.size > limits.directory_bytes:
        raise too_many(directory.count, limits)
    spans = locate(file, read_records(file, directory), directory)
    _check_sizes([span.record for span in spans], size, limits)
    entries = [_entry(span.record, limits) for span in spans]
    check_tree(entries, limits)
    return list(zip(entries, spans, strict=True))


def _check_sizes(records: Iterable[Record], archive_size: int, limits: ArchiveLimits) -> None:
    total = sum(record.size for record in records)
    if total > limits.extracted_bytes:
        raise TooLarge(
            say("zip_over_size", bytes=total, most=limits.extracted_bytes),
            code="archive_too_large",
            field="dependencies",
            hint=say("hint_data_in_storage_zip"),
        )
    if total > limits.ratio_from_bytes and total > limits.ratio * archive_size:
        raise TooLarge(
            say("zip_over_ratio", times=total // archive_size, most=limits.ratio),
            code="archive_too_large",
            field="dependencies",
            hint=say("hint_zeros"),
        )


def _entry(record: Record, limits: ArchiveLimits) -> Entry:
    name = _decoded(record)
    check_name(name, limits)
    directory = _is_directory(name, record)
    return Entry(
        path=name.removesuffix("/"),
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
        raise bad_name(record.name, say("name_not_utf8")) from None
    if record.unicode_name not in {None, record.name}:
        raise bad_name(name, say("name_called_otherwise", other=shown(record.unicode_name or b"")))
    return name


def _is_directory(name: str, record: Record) -> bool:
    kind = stat.S_IFMT(record.mode)
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise rejected(
            "special_file",
            say("entry_no_file", name=shown(name)),
            hint=say("hint_zip_files_themselves"),
        )
    directory = name.endswith("/")
    if kind == (stat.S_IFREG if directory else stat.S_IFDIR) or (directory and record.size):
        raise rejected("invalid", say("entry_both", name=shown(name)))
    return directory


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
                say("entry_over_size", name=shown(entry.path), bytes=entry.size),
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
            raise rejected("invalid", "the zip is cut off", hint=say("hint_upload_again"))
        left -= len(chunk)
        yield chunk


def _inflated(chunks: Iterable[bytes], entry: Entry) -> Iterator[bytes]:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            if inflater.eof:
                raise _damaged(entry)
            left = chunk
            # At the end of the stream zlib may leave a tail that it would never take.
            while left and not inflater.eof:
                yield inflater.decompress(left, _CHUNK)
                left = inflater.unconsumed_tail
        yield inflater.flush()
    except zlib.error:
        raise _damaged(entry) from None
    if not inflater.eof or inflater.unused_data:
        raise _damaged(entry)


def _damaged(entry: Entry) -> ArchiveRejected:
    return rejected("invalid", f"{shown(entry.path)} is damaged in the zip", hint=say("hint_zip_again"))
