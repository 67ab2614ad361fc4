"""Zips that were tampered with: the same number gives the same bytes, on every machine."""

import struct
from collections.abc import Callable
from functools import cache
from random import Random

from tests.archive_corpus import CASES
from tests.raw_zips import Raw, Unseekable, made, raw_zip, zip64, zipfile

#: Where the fields of each table lie: offset and bytes, as in PKWARE's APPNOTE 6.3, section 4.3.
_FIELDS: dict[bytes, list[tuple[int, int]]] = {
    b"PK\x03\x04": [(4, 2), (6, 2), (8, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)],
    b"PK\x01\x02": [
        (4, 2), (6, 2), (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2),
        (36, 2), (38, 4), (42, 4),
    ],
    b"PK\x05\x06": [(4, 2), (6, 2), (8, 2), (10, 2), (12, 4), (16, 4), (20, 2)],
    b"PK\x06\x06": [(4, 8), (12, 2), (14, 2), (16, 4), (20, 4), (24, 8), (32, 8), (40, 8), (48, 8)],
    b"PK\x06\x07": [(4, 4), (8, 8), (16, 4)],
    b"PK\x07\x08": [(4, 4), (8, 4), (12, 4)],
}  # fmt: skip
_EVIL_NAMES = [
    b"../../", b"..\\..\\", b"/etc/", b"C:\\", b"\\\\h\\s\\", b"a/../", b"./", b"//", b"x\0y", b"\x1b[2J",
    b"\xe2\x80\xae", b"\xff\xfe", b"con/", b"-c", b"~/", b"train.py/", b"requirements.txt",
]  # fmt: skip
#: Larger seeds would make every number slow; what they try is tried whole in the corpus.
_MAX_SEED_BYTES = 70_000


@cache
def seeds() -> tuple[bytes, ...]:
    """Zips that are well-formed, each in its way, and those of the corpus that are small."""
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", b"hello" * 20)
        archive.writestr("d/y.bin", bytes(range(256)) * 40)
    good = [
        made(**{"a.py": b"x = 1\n" * 30, "d/b.txt": b"2", "d/e/": b""}),
        made(**{f"pack/m{number}.py": b"y = %d\n" % number * 50 for number in range(40)}),
        made(**{"zeros.bin": bytes(15_000_000), "few.bin": bytes(5000)}),
        made(**{"requirements.txt": b"numpy\n", "data/数据.csv": b"1,2\n" * 500}),
        raw_zip(Raw(name=b"stored.txt", method=0, content=b"stored" * 30), Raw(name=b"b", mode=0o100755)),
        raw_zip(Raw(extra=struct.pack("<2HBL", 0x7075, 10, 1, 0) + b"a.txt"), comment=b"a comment"),
        zip64(Raw(), Raw(name=b"b/c", method=0)),
        stream.written,
    ]
    many = made(**{f"d{number % 50}/{number}.txt": b"%d" % number for number in range(5000)})
    # So often that what comes near to being accepted is as frequent as what is refused anyway.
    return (many, *(good * 8), *(case.content for case in CASES if 0 < len(case.content) <= _MAX_SEED_BYTES))


def mutated(number: int, seed: int = 0) -> bytes:
    """The archive with this number."""
    random = Random(f"{seed} {number}")
    data = bytearray(random.choice(seeds()))
    for _ in range(random.choice((1, 1, 1, 2, 2, 3, 5))):
        random.choices(_WAYS, _WEIGHTS)[0](data, random)
        if not data:
            break
    return bytes(data)


def _flip(data: bytearray, random: Random) -> None:
    for _ in range(random.choice((1, 1, 2, 8))):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set_bytes(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at : at + 4] = random.randbytes(random.randrange(1, 9))


def _cut(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    del data[at : random.choice((len(data), at + 1, at + random.randrange(1, 60)))]


def _edit_field(data: bytearray, random: Random) -> None:
    places = _tables(data)
    if not places:
        return
    at, signature = random.choice(places)
    offset, size = random.choice(_FIELDS[signature])
    field = slice(at + offset, at + offset + size)
    old = int.from_bytes(data[field], "little")
    full = 256**size - 1
    values = [0, 1, old + 1, old - 1, old * 2, old ^ 1 << random.randrange(size * 8), 20_000, 1 << 24]
    values += [full, full - 1, full >> 1, random.randrange(full + 1), len(data), random.choice(places)[0]]
    new = random.choice(values)
    data[field] = (new & full).to_bytes(size, "little")


def _rename(data: bytearray, random: Random) -> None:
    """Give an entry an evil name in both of its headers, so that these agree."""
    centrals = [at for at, signature in _tables(data) if signature == b"PK\x01\x02" and at + 46 <= len(data)]
    if not centrals:
        return
    at = random.choice(centrals)
    name = bytes(data[at + 46 : at + 46 + int.from_bytes(data[at + 28 : at + 30], "little")])
    evil = (random.choice(_EVIL_NAMES) + name)[: len(name)]
    if name:
        data[:] = data.replace(name, evil)


def _splice(data: bytearray, random: Random) -> None:
    """Put a table, with what follows it, somewhere else: from this archive or from another."""
    source = random.choice((bytes(data), random.choice(seeds())))
    cuts = [at for at, _ in _tables(source)] + [len(source)]
    first = random.randrange(len(cuts))
    part = source[cuts[first] : cuts[min(first + random.randrange(1, 3), len(cuts) - 1)]]
    at = random.choice([at for at, _ in _tables(data)] or [0])
    data[at : at + random.choice((0, 0, len(part)))] = part


def _repair(data: bytearray, random: Random) -> None:
    """Have the end tell the truth again, so that what was changed before it is reached."""
    del random
    centrals = [at for at, signature in _tables(data) if signature == b"PK\x01\x02"]
    ends = [at for at, signature in _tables(data) if signature == b"PK\x05\x06"]
    if not ends:
        return
    end, start = ends[-1], centrals[0] if centrals else ends[-1]
    count = len(centrals)
    data[end + 8 : end + 20] = struct.pack("<2H2L", count, count, end - start, start)


def _tables(data: bytes | bytearray) -> list[tuple[int, bytes]]:
    found = []
    at = data.find(b"PK")
    while at >= 0:
        signature = bytes(data[at : at + 4])
        if signature in _FIELDS:
            found.append((at, signature))
        at = data.find(b"PK", at + 1)
    return found


_WAYS: list[Callable[[bytearray, Random], None]] = [
    _flip, _set_bytes, _cut, _edit_field, _rename, _splice, _repair,
]  # fmt: skip
_WEIGHTS = [3, 2, 2, 6, 3, 3, 3]
