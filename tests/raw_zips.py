"""Zips byte by byte, so that each of their tables can tell whatever a test wants it to."""

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Raw:
    """One entry, byte by byte; `None` for a local value means: as in the central directory."""

    name: bytes = b"a.txt"
    content: bytes = b"hello"
    method: int = 8
    flags: int = 1 << 11
    mode: int = 0
    data: bytes | None = None
    size: int | None = None
    crc: int | None = None
    extra: bytes = b""
    disk: int = 0
    local_name: bytes | None = None
    local_extra: bytes = b""
    local_sizes: tuple[int, int, int] | None = None
    descriptor: bytes = b""
    offset: int | None = None

    @property
    def compressed(self) -> bytes:
        if self.data is not None:
            return self.data
        return deflate(self.content) if self.method == 8 else self.content

    @property
    def facts(self) -> tuple[int, int, int]:
        crc = zlib.crc32(self.content) if self.crc is None else self.crc
        return crc, len(self.compressed), len(self.content) if self.size is None else self.size

    def local(self) -> bytes:
        name = self.name if self.local_name is None else self.local_name
        facts = self.facts if self.local_sizes is None else self.local_sizes
        head = struct.pack(
            "<4s5H3L2H",
            b"PK\x03\x04", 20, self.flags, self.method, 0, 0, *facts, len(name), len(self.local_extra),
        )  # fmt: skip
        return head + name + self.local_extra + self.compressed + self.descriptor

    def central(self, offset: int) -> bytes:
        at = offset if self.offset is None else self.offset
        head = struct.pack(
            "<4s6H3L5H2L",
            b"PK\x01\x02", 0x0314, 20, self.flags, self.method, 0, 0, *self.facts, len(self.name),
            len(self.extra), 0, self.disk, 0, self.mode << 16, at,
        )  # fmt: skip
        return head + self.name + self.extra


def deflate(content: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(content) + deflater.flush()


def body(*entries: Raw) -> tuple[bytes, bytes]:
    local, central = b"", b""
    for entry in entries:
        central += entry.central(len(local))
        local += entry.local()
    return local, central


def end(count: int, size: int, offset: int, *, comment: bytes = b"", disk: int = 0) -> bytes:
    return (
        struct.pack("<4s4H2LH", b"PK\x05\x06", disk, disk, count, count, size, offset, len(comment)) + comment
    )


def raw_zip(*entries: Raw, gap: bytes = b"", comment: bytes = b"") -> bytes:
    local, central = body(*entries)
    return local + gap + central + end(len(entries), len(central), len(local) + len(gap), comment=comment)


def zip64(*entries: Raw, short: tuple[int, int, int] | None = None, count: int | None = None) -> bytes:
    local, central = body(*entries)
    count = len(entries) if count is None else count
    at = len(local) + len(central)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(central), len(local))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    return local + central + end64 + locator + end(*(short or (0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)))


def made(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


class Unseekable(io.RawIOBase):
    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.written += bytes(data)
        return len(data)
