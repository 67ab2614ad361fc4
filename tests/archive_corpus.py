"""Archives as an attacker makes them: for each kind of attack what the API and the worker must answer."""

import io
import stat
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.raw_zips import Raw, deflate, end, made, raw_zip

MIB = 1024 * 1024


@dataclass(frozen=True)
class Case:
    """One archive, and the exact answer to it.

    Attributes:
        name: What it tries.
        content: Its bytes.
        status: The API's, when it is submitted with a script.
        code: The API's; that of the worker's refusal too, unless `worker_code` is another.
        worker_code: None if the worker takes it too.
    """

    name: str
    content: bytes
    status: int
    code: str | None
    worker_code: str | None

    def __str__(self) -> str:
        return self.name


def refused(name: str, content: bytes, code: str, status: int = 422) -> Case:
    return Case(name, content, status, code, code)


def named(name: str | bytes) -> bytes:
    return raw_zip(Raw(name=name if isinstance(name, bytes) else name.encode()))


def _paths() -> Iterator[Case]:
    for name in ("../../x", "..\\..\\x", "a/../../x", "./x", "a//x"):
        yield refused(f"zip slip {name}", named(name), "archive_path_escape")
    for name in ("/etc/cronx", "C:\\x", "c:x", "\\\\host\\share\\x", "//host/share/x"):
        yield refused(f"absolute path {name}", named(name), "archive_path_absolute")


def _kinds() -> Iterator[Case]:
    for kind, mode in (
        ("symbolic link", stat.S_IFLNK),
        ("character device", stat.S_IFCHR),
        ("block device", stat.S_IFBLK),
        ("FIFO", stat.S_IFIFO),
        ("socket", stat.S_IFSOCK),
    ):
        link = raw_zip(Raw(name=b"link", content=b"/etc/passwd", mode=mode | 0o777))
        yield refused(kind, link, "archive_special_file")
    for bit, mode in (("setuid", 0o4755), ("setgid", 0o2755), ("sticky", 0o1777)):
        yield Case(f"{bit} bit", raw_zip(Raw(name=b"tool", mode=stat.S_IFREG | mode)), 201, None, None)


def _sizes() -> Iterator[Case]:
    bomb = made(**{"zeros.bin": bytes(50 * MIB)})
    yield refused("ratio bomb", bomb, "archive_too_large", 413)
    lie = raw_zip(Raw(content=bytes(50 * MIB), size=100))
    yield Case("ratio bomb that announces 100 bytes", lie, 201, None, "archive_too_large")
    large = raw_zip(Raw(name=b"a", size=3 << 30), Raw(name=b"b", size=3 << 30))
    yield refused("announces 6 GiB", large, "archive_too_large", 413)


def _overlaps() -> Iterator[Case]:
    kernel = Raw(name=b"00", content=bytes(50 * MIB))
    local = kernel.local()
    central = b"".join(replace(kernel, name=b"%02d" % number).central(0) for number in range(21))
    whole = local + central + end(21, len(central), len(local))
    yield refused(f"{len(whole) // 1000} kB that hold 1 GB by overlapping", whole, "archive_overlap")
    first, second = Raw(name=b"a"), Raw(name=b"b")
    quoting = replace(first, data=b"\x00" + second.local(), size=50 * MIB)
    quoted = quoting.local()
    both = quoting.central(0) + second.central(len(quoted) - len(second.local()))
    yield refused(
        "an entry inside another", quoted + both + end(2, len(both), len(quoted)), "archive_overlap"
    )


def _counts() -> Iterator[Case]:
    inner = made(**{"deeper.zip": made(evil=b"x")})
    yield Case("a zip in a zip in a zip", made(**{"inner.zip": inner}), 201, None, None)
    yield refused("announces 60,000 entries", end(60_000, 0, 0), "archive_too_many_entries")
    empty = [Raw(name=b"%05d" % number, method=0, content=b"") for number in range(20_001)]
    yield refused("20,001 empty files", raw_zip(*empty), "archive_too_many_entries")
    folders = made(
        **{f"{number}/x": b"" for number in range(10_001)} | {f"{n}y/{n}/x": b"" for n in range(5_001)}
    )
    yield refused("20,003 folders that are only implied", folders, "archive_too_many_entries")


def _names() -> Iterator[Case]:
    for what, name in (
        ("NUL", b"a.py\0.txt"),
        ("control character", b"a\x07b"),
        ("line feed", b"a\nb"),
        ("terminal command", b"a\x1b[2J"),
        ("right-to-left override", "a\u202egpj.py".encode()),
        ("bidirectional isolate", "a\u2066b".encode()),
        ("invalid UTF-8", b"\xff\xfe.txt"),
        ("backslash", b"a\\b"),
        ("over-long part", b"x" * 201),
        ("over-long path", b"/".join([b"d" * 60] * 5)),
        ("over-deep path", b"/".join([b"d"] * 33)),
    ):
        yield refused(f"name with {what}", named(name), "archive_bad_name")
    other = struct.pack("<2HBL", 0x7075, 5 + 4, 1, 0) + b"evil"
    yield refused("two names for one entry", raw_zip(Raw(extra=other)), "archive_bad_name")
    for what, names in (
        ("one name twice", ("a", "a")),
        ("names equal but for case", ("README", "readme")),
        ("names equal but for normalisation", ("\u00e9", "e\u0301")),
        ("names equal after folding", ("straße", "STRASSE")),
        ("a file and a directory of one name", ("a", "a/")),
        ("a file where a folder is implied", ("a/b", "a")),
    ):
        twins = raw_zip(*(Raw(name=name.encode(), content=b"", method=0) for name in names))
        yield refused(what, twins, "archive_duplicate_name")


def _odd_zips() -> Iterator[Case]:
    plain = raw_zip(Raw())
    for what, content in (
        ("encrypted", raw_zip(Raw(flags=1))),
        ("strongly encrypted", raw_zip(Raw(flags=1 << 6))),
        ("one of several disks", end(0, 0, 0, disk=1)),
        ("an entry on another disk", raw_zip(Raw(disk=1))),
        ("method bzip2", raw_zip(Raw(method=12))),
        ("method lzma", raw_zip(Raw(method=14))),
        ("local name unlike the central one", raw_zip(Raw(local_name=b"b.txt"))),
        ("local sizes unlike the central ones", raw_zip(Raw(local_sizes=(Raw().facts[0], 7, 99)))),
        ("data before", b"#!/bin/sh\n" + raw_zip(Raw(offset=10))),
        ("data between", raw_zip(Raw(), gap=b"hidden")),
        ("data behind", plain + b"x"),
    ):
        yield refused(what, content, "archive_unsupported")


def _others() -> Iterator[Case]:
    for mode in ("w", "w:gz", "w:bz2", "w:xz"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=mode) as archive:  # type: ignore[call-overload]
            archive.addfile(tarfile.TarInfo("a.txt"))
        yield refused(f"tar ({mode})", packed.getvalue(), "unsupported_media", 415)
    yield refused("7z", b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(100), "unsupported_media", 415)
    yield refused("rar", b"Rar!\x1a\x07\x01\x00" + bytes(100), "unsupported_media", 415)
    whole = made(**{"a.txt": b"hello" * 100, "b.txt": b"world"})
    for what, content in (
        ("no zip", b"print('hi')\n"),
        ("empty", b""),
        ("cut in its directory", whole[:-30]),
        ("cut after its first bytes", whole[:40]),
        ("its middle missing", whole[:40] + whole[44:]),
    ):
        yield refused(what, content, "archive_invalid")
    damaged = raw_zip(Raw(name=b"a", crc=1))
    yield Case("content unlike its checksum", damaged, 201, None, "archive_invalid")
    stream = raw_zip(Raw(name=b"a", data=deflate(b"hello")[:-1]))
    yield Case("content that ends early", stream, 201, None, "archive_invalid")
    large = Raw(name=b"a", content=bytes(MIB), data=deflate(bytes(MIB)) + b"x" * 50)
    yield Case("bytes behind a large content", raw_zip(large), 201, None, "archive_invalid")


CASES = [*_paths(), *_kinds(), *_sizes(), *_overlaps(), *_counts(), *_names(), *_odd_zips(), *_others()]
