"""A zip's own tables, read strictly: every byte belongs to one entry, and both headers of an entry agree.

Python's `zipfile` repairs what it reads (it renames `../x`, cuts names at NUL, lets entries overlap, reads
past junk), and so do other readers, each in its way. Here a zip has one reading or is refused. The layout is
that of PKWARE's APPNOTE 6.3, sections 4.3 to 4.5.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from torchyard.contracts.sayings import say
from torchyard.errors import ArchiveRejected, UnsupportedMedia

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")

#: The version of the layout that is known here, 6.3.
_VERSION = 63
_MAX_COMMENT = 0xFFFF
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF

_ENCRYPTED, _DESCRIPTOR, _UTF8 = 1 << 0, 1 << 3, 1 << 11
#: Bits 1 and 2 tell how hard deflate tried.
_KNOWN_FLAGS = _DESCRIPTOR | _UTF8 | 1 << 1 | 1 << 2
#: Bits that change what an entry is; in both headers they must be the same.
_DECISIVE_FLAGS = _ENCRYPTED | _DESCRIPTOR | _UTF8

_EXTRA_ZIP64, _EXTRA_UNICODE_PATH = 0x0001, 0x7075

#: What other archives begin with; a tar says so at byte 257.
_OTHER_FORMATS = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_TAR_MAGIC_AT = 257

_AGAIN = say("hint_zip_again_with")


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Where a zip's central directory lies, and how many entries it announces."""

    offset: int
    size: int
    count: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """One entry as the central directory tells it, before its name is judged."""

    name: bytes
    flags: int
    method: int
    crc: int
    compressed_size: int
    size: int
    #: The Unix mode, 0 where the zip has none.
    mode: int
    #: Where its local header begins.
    offset: int
    #: A second name, in the Info-ZIP extra field.
    unicode_name: bytes | None


@dataclass(frozen=True, kw_only=True)
class Span:
    """The bytes of the file that belong to one entry."""

    record: Record
    #: Where its compressed bytes begin.
    data: int
    #: Behind its compressed bytes; only a data descriptor may follow.
    end: int


def shown(name: bytes | str) -> str:
    """A name from an archive, safe and short enough for a message."""
    text = name if isinstance(name, str) else name.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= 80 else f"{text[:50]}…{text[-25:]}")


def rejected(kind: str, message: str, *, hint: str | None = None) -> ArchiveRejected:
    """The error that refuses an archive, with code `archive_<kind>`."""
    return ArchiveRejected(message, code=f"archive_{kind}", field="dependencies", hint=hint)


def find_directory(file: BinaryIO, file_size: int) -> Directory:
    """Read the end of the zip, and nothing before it.

    Raises:
        ArchiveRejected: `archive_invalid` or `archive_unsupported`.
        UnsupportedMedia: It is an archive of another format.
    """
    start = max(0, file_size - _MAX_COMMENT - _END.size)
    tail = _read(file, start, file_size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise _no_zip(_read(file, 0, min(file_size, 512)))
    _, disk, directory_disk, count_here, count, size, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise rejected("unsupported", say("zip_with_surroundings"), hint=_AGAIN)
    end = start + at
    found = Directory(offset=offset, size=size, count=count)
    if end >= _END64_LOCATOR.size:
        locator = _read(file, end - _END64_LOCATOR.size, _END64_LOCATOR.size)
        if locator.startswith(b"PK\x06\x07"):
            end -= _END64_LOCATOR.size
            found, end = _directory64(file, locator, end, found)
            disk = directory_disk = 0
            count_here = count
    if disk or directory_disk or count_here != count:
        raise rejected("unsupported", say("zip_in_parts"), hint=say("hint_zip_whole"))
    if found.offset + found.size != end:
        raise _misplaced(found.offset + found.size > end)
    return found


def _directory64(file: BinaryIO, locator: bytes, end: int, short: Directory) -> tuple[Directory, int]:
    _, disk, at, disks = _END64_LOCATOR.unpack(locator)
    if disk or disks > 1:
        raise rejected("unsupported", say("zip_in_parts"), hint=say("hint_zip_whole"))
    if at + _END64.size != end:
        raise _misplaced(at + _END64.size > end)
    values = _END64.unpack(_read(file, at, _END64.size))
    signature, record_size, _, _, this_disk, directory_disk, count_here, count, size, offset = values
    if signature != b"PK\x06\x06" or record_size != _END64.size - 12:
        raise rejected("invalid", say("zip_end_damaged"), hint=_AGAIN)
    if this_disk or directory_disk or count_here != count:
        raise rejected("unsupported", say("zip_in_parts"), hint=say("hint_zip_whole"))
    agree = (
        short.count in {count, _FULL16}
        and short.size in {size, _FULL32}
        and short.offset in {offset, _FULL32}
    )
    if not agree:
        raise rejected("unsupported", say("zip_ends_differ"), hint=_AGAIN)
    return Directory(offset=offset, size=size, count=count), at


def _misplaced(too_far: bool) -> ArchiveRejected:
    if too_far:
        return rejected("invalid", say("zip_cut_or_damaged"), hint=say("hint_upload_again"))
    return rejected("unsupported", say("zip_with_surroundings"), hint=_AGAIN)


def _no_zip(head: bytes) -> ArchiveRejected | UnsupportedMedia:
    other = next((name for magic, name in _OTHER_FORMATS.items() if head.startswith(magic)), None)
    if head[_TAR_MAGIC_AT:].startswith(b"ustar"):
        other = "tar"
    if other:
        return UnsupportedMedia(say("archive_no_zip", kind=other), field="dependencies", hint=_AGAIN)
    if head.startswith(b"PK"):
        return rejected("invalid", say("zip_cut"), hint=say("hint_upload_again"))
    return rejected("invalid", say("no_zip"), hint=_AGAIN)


def read_records(file: BinaryIO, directory: Directory) -> list[Record]:
    """The central directory's entries, in its order.

    Raises:
        ArchiveRejected: `archive_invalid` or `archive_unsupported`.
    """
    table = _read(file, directory.offset, directory.size)
    records = list(_records(table))
    if len(records) != directory.count:
        raise rejected(
            "invalid", say("zip_count_differs", count=directory.count, listed=len(records)), hint=_AGAIN
        )
    return records


def _records(table: bytes) -> Iterator[Record]:
    at = 0
    while at < len(table):
        values = _CENTRAL.unpack_from(table, at) if at + _CENTRAL.size <= len(table) else (b"",)
        if values[0] != b"PK\x01\x02":
            raise rejected("invalid", say("zip_directory_damaged"), hint=_AGAIN)
        at += _CENTRAL.size
        name_size, extra_size, comment_size = values[10:13]
        name = table[at : at + name_size]
        extra = table[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        if at > len(table):
            raise rejected("invalid", say("zip_directory_cut"), hint=_AGAIN)
        yield _record(name, extra, values)


def _record(name: bytes, extra: bytes, values: tuple[int, ...]) -> Record:
    version, flags, method = values[2] & 0xFF, values[3], values[4]
    crc, compressed_size, size = values[7:10]
    disk, _, attributes, offset = values[13:]
    if flags & _ENCRYPTED:
        raise rejected(
            "unsupported", say("entry_encrypted", name=shown(name)), hint=say("hint_zip_no_password")
        )
    if version > _VERSION or flags & ~_KNOWN_FLAGS or method not in {STORED, DEFLATED}:
        raise rejected(
            "unsupported",
            say("entry_method", name=shown(name), method=method, flags=f"{flags:#x}"),
            hint=say("hint_zip_method"),
        )
    fields = _extra_fields(name, extra)
    size, compressed_size, offset, disk = _widen(
        name, fields.get(_EXTRA_ZIP64, b""), (size, compressed_size, offset, disk)
    )
    if disk:
        raise rejected("unsupported", say("entry_elsewhere", name=shown(name)), hint=say("hint_zip_whole"))
    if method == STORED and size != compressed_size:
        raise rejected("invalid", say("entry_stored_sizes", name=shown(name)), hint=_AGAIN)
    unicode_name = fields.get(_EXTRA_UNICODE_PATH)
    return Record(
        name=name,
        flags=flags,
        method=method,
        crc=crc,
        compressed_size=compressed_size,
        size=size,
        mode=attributes >> 16,
        offset=offset,
        unicode_name=unicode_name[5:] if unicode_name is not None else None,
    )


def _extra_fields(name: bytes, extra: bytes) -> dict[int, bytes]:
    fields: dict[int, bytes] = {}
    at = 0
    while at + 4 <= len(extra):  # fewer bytes at the end are padding
        kind, size = struct.unpack_from("<2H", extra, at)
        at += 4
        if at + size > len(extra) or kind in fields:
            raise rejected("invalid", say("entry_extra_damaged", name=shown(name)), hint=_AGAIN)
        fields[kind] = extra[at : at + size]
        at += size
    return fields


def _widen(name: bytes, wide: bytes, values: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Zip64's values for those that did not fit their short fields; they follow each other in this order."""
    size, compressed_size, offset, disk = values
    short = (
        (size, _FULL32, "Q"),
        (compressed_size, _FULL32, "Q"),
        (offset, _FULL32, "Q"),
        (disk, _FULL16, "L"),
    )
    layout = "<" + "".join(code for value, full, code in short if value == full)
    if len(wide) < struct.calcsize(layout):
        raise rejected("invalid", say("entry_lacks_sizes", name=shown(name)), hint=_AGAIN)
    found = iter(struct.unpack_from(layout, wide))
    size, compressed_size, offset, disk = (
        next(found) if value == full else value for value, full, _ in short
    )
    return size, compressed_size, offset, disk


def locate(file: BinaryIO, records: list[Record], directory: Directory) -> list[Span]:
    """Where the entries' bytes lie, in the order of the file.

    Raises:
        ArchiveRejected: `archive_overlap`; `archive_unsupported` where the two headers of an entry differ or
            bytes belong to no entry; `archive_invalid`.
    """
    ordered = sorted(records, key=lambda record: record.offset)
    _refuse_overlaps(ordered, directory)
    spans = []
    for number, record in enumerate(ordered):
        following = ordered[number + 1].offset if number + 1 < len(ordered) else directory.offset
        span = _span(file, record, following)
        _check_gap(file, span, following)
        spans.append(span)
    if (ordered[0].offset if ordered else directory.offset) != 0:
        raise rejected("unsupported", say("zip_with_head"), hint=_AGAIN)
    return spans


def _refuse_overlaps(ordered: list[Record], directory: Directory) -> None:
    for record, following in pairwise(ordered):
        # The local name may be longer than the central one; `_span` sees that.
        if record.offset + _LOCAL.size + len(record.name) + record.compressed_size > following.offset:
            raise rejected(
                "overlap",
                say("entries_overlap", one=shown(record.name), other=shown(following.name)),
                hint=_AGAIN,
            )
    if ordered and ordered[-1].offset >= directory.offset:
        raise rejected("invalid", say("entry_outside", name=shown(ordered[-1].name)), hint=_AGAIN)


def _span(file: BinaryIO, record: Record, following: int) -> Span:
    head = _read(file, record.offset, _LOCAL.size)
    signature, _, flags, method, _, _, crc, compressed_size, size, name_size, extra_size = _LOCAL.unpack(head)
    if signature != b"PK\x03\x04":
        raise rejected("invalid", say("entry_misplaced", name=shown(record.name)), hint=_AGAIN)
    name_and_extra = _read(file, record.offset + _LOCAL.size, name_size + extra_size)
    name, extra = name_and_extra[:name_size], name_and_extra[name_size:]
    if _FULL32 in {compressed_size, size}:
        wide = _extra_fields(name, extra).get(_EXTRA_ZIP64, b"")
        size, compressed_size, _, _ = _widen(name, wide, (size, compressed_size, 0, 0))
    facts = (crc, compressed_size, size)
    expected = (record.crc, record.compressed_size, record.size)
    later = flags & _DESCRIPTOR and facts == (0, 0, 0)
    same = (name, method, flags & _DECISIVE_FLAGS) == (
        record.name,
        record.method,
        record.flags & _DECISIVE_FLAGS,
    )
    if not same or not (later or facts == expected):
        raise rejected("unsupported", say("entry_two_stories", name=shown(record.name)), hint=_AGAIN)
    data = record.offset + _LOCAL.size + name_size + extra_size
    end = data + record.compressed_size
    if end > following:
        raise rejected("overlap", say("entry_overlaps", name=shown(record.name)), hint=_AGAIN)
    return Span(record=record, data=data, end=end)


def _check_gap(file: BinaryIO, span: Span, following: int) -> None:
    """Behind an entry's data comes the next entry, or first a data descriptor that tells the truth."""
    record, size = span.record, following - span.end
    if not record.flags & _DESCRIPTOR:
        if size:
            raise rejected("unsupported", say("bytes_of_nobody", name=shown(record.name)), hint=_AGAIN)
        return
    gap = _read(file, span.end, size) if size <= 24 else b""
    facts = {
        struct.pack(layout, record.crc, record.compressed_size, record.size)
        for layout in ("<3L", "<L2Q")
        if layout == "<L2Q" or max(record.compressed_size, record.size) <= _FULL32
    }
    if gap.removeprefix(b"PK\x07\x08") not in facts and gap not in facts:
        raise rejected("unsupported", say("entry_two_stories", name=shown(record.name)), hint=_AGAIN)


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        raise rejected("invalid", "the zip is cut off", hint=say("hint_upload_again"))
    return data
