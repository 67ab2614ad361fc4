import os
import stat
import struct
import subprocess
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.raw_zips import Raw, Unseekable, body, deflate, end, made, raw_zip, zip64

from torchyard.contracts.archives import extract, inspect
from torchyard.contracts.tree_rules import ArchiveLimits
from torchyard.errors import ArchiveRejected, StorageFull, TooLarge, TorchyardError, UnsupportedMedia


def file_of(tmp_path: Path, content: bytes) -> Path:
    archive = tmp_path / "deps.zip"
    archive.write_bytes(content)
    return archive


def tree(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def refusal(tmp_path: Path, content: bytes, limits: ArchiveLimits | None = None) -> TorchyardError:
    """What both `inspect` and `extract` refuse an archive with."""
    archive = file_of(tmp_path, content)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TorchyardError) as inspected:
        inspect(archive, limits or ArchiveLimits())
    with pytest.raises(TorchyardError) as extracted:
        extract(archive, tmp_path / "out", limits or ArchiveLimits())
    assert extracted.value.code == inspected.value.code
    assert sorted(tmp_path.rglob("*")) == before
    assert inspected.value.field == "dependencies"
    assert "\n" not in inspected.value.message
    assert len(inspected.value.message) < 300
    return inspected.value


def extraction_refusal(tmp_path: Path, content: bytes) -> TorchyardError:
    """What only `extract` can see."""
    archive = file_of(tmp_path, content)
    inspect(archive)
    with pytest.raises(TorchyardError) as extracted:
        extract(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    return extracted.value


def test_an_ordinary_zip_is_extracted_as_it_is(tmp_path: Path) -> None:
    files = {"train.py": b"print(1)\n", "data/x.csv": b"1,2\n" * 1000, "data/数据/é.txt": b"", "a b/-c": b"."}
    archive = file_of(tmp_path, made(**files))
    assert sorted(extract(archive, tmp_path / "out")) == sorted(files)
    assert tree(tmp_path / "out") == files


def test_the_summary_counts_entries_and_bytes(tmp_path: Path) -> None:
    summary = inspect(file_of(tmp_path, made(**{"a/x": b"123", "b": b"4"})))
    assert (summary.entries, summary.size, summary.folder) == (2, 4, None)
    assert [(entry.path, entry.size, entry.crc) for entry in summary.listing] == [
        ("a/x", 3, zlib.crc32(b"123")),
        ("b", 1, zlib.crc32(b"4")),
    ]


@pytest.mark.parametrize(
    ("names", "folder"),
    [
        (["p/a", "p/b/c"], "p"),
        (["p/"], "p"),
        (["p/", "p/a"], "p"),
        (["p"], None),
        (["p/a", "q/a"], None),
        ([], None),
    ],
)
def test_the_summary_names_the_one_folder_all_lies_in(
    tmp_path: Path, names: list[str], folder: str | None
) -> None:
    assert inspect(file_of(tmp_path, made(**dict.fromkeys(names, b"")))).folder == folder


def test_an_empty_zip_is_accepted(tmp_path: Path) -> None:
    assert extract(file_of(tmp_path, made()), tmp_path / "out") == []
    assert (tmp_path / "out").is_dir()


def test_a_zip_inside_a_zip_is_a_file(tmp_path: Path) -> None:
    inner = made(evil=b"x")
    archive = file_of(tmp_path, raw_zip(Raw(name=b"inner.zip", content=inner, method=0)))
    assert extract(archive, tmp_path / "out") == ["inner.zip"]
    assert tree(tmp_path / "out") == {"inner.zip": inner}


def test_a_comment_is_accepted(tmp_path: Path) -> None:
    assert inspect(file_of(tmp_path, raw_zip(Raw(), comment=b"made by hand"))).entries == 1


def test_modes_are_plain_whatever_the_zip_and_the_umask_say(tmp_path: Path) -> None:
    content = raw_zip(
        Raw(name=b"d/", content=b"", method=0, mode=stat.S_IFDIR | 0o700),
        Raw(name=b"d/run", mode=stat.S_IFREG | 0o4711),
        Raw(name=b"d/open", mode=stat.S_IFREG | 0o666),
        Raw(name=b"d/none"),
    )
    archive, out = file_of(tmp_path, content), tmp_path / "out"
    umask = os.umask(0o077)
    try:
        extract(archive, out)
    finally:
        os.umask(umask)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (out, *out.rglob("*"))}
    assert modes == {"out": 0o755, "d": 0o755, "run": 0o755, "open": 0o644, "none": 0o644}


def test_a_name_without_the_utf8_flag_is_read_as_utf8_if_it_is(tmp_path: Path) -> None:
    archive = file_of(tmp_path, raw_zip(Raw(name="é.txt".encode(), flags=0)))
    assert extract(archive, tmp_path / "out") == ["é.txt"]


def test_a_second_name_that_agrees_is_accepted(tmp_path: Path) -> None:
    extra = struct.pack("<2HBL", 0x7075, 5 + 5, 1, 0) + b"a.txt"
    assert inspect(file_of(tmp_path, raw_zip(Raw(extra=extra)))).entries == 1


@pytest.mark.parametrize("wide", [False, True])
def test_a_zip_written_as_a_stream_is_accepted(tmp_path: Path, wide: bool) -> None:
    stream = Unseekable()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.txt", "w", force_zip64=wide) as file,
    ):
        file.write(b"hello" * 1000)
    assert extract(file_of(tmp_path, stream.written), tmp_path / "out") == ["x.txt"]
    assert tree(tmp_path / "out") == {"x.txt": b"hello" * 1000}


def test_a_data_descriptor_without_signature_is_accepted(tmp_path: Path) -> None:
    entry = Raw(flags=1 << 3, local_sizes=(0, 0, 0))
    content = raw_zip(replace(entry, descriptor=struct.pack("<3L", *entry.facts)), Raw(name=b"b"))
    assert inspect(file_of(tmp_path, content)).entries == 2


def test_a_zip64_end_is_accepted(tmp_path: Path) -> None:
    assert inspect(file_of(tmp_path, zip64(Raw(), Raw(name=b"b")))).entries == 2


def test_zip64_sizes_are_accepted(tmp_path: Path) -> None:
    entry = Raw(method=0)
    sizes = struct.pack("<2HQQ", 1, 16, 5, 5)
    local = replace(entry, local_extra=sizes, local_sizes=(entry.facts[0], 0xFFFFFFFF, 0xFFFFFFFF)).local()
    central = struct.pack(
        "<4s6H3L5H2L",
        b"PK\x01\x02", 0x0314, 45, 1 << 11, 0, 0, 0, entry.facts[0], 0xFFFFFFFF, 0xFFFFFFFF, 5, 32, 0, 0xFFFF,
        0, 0, 0xFFFFFFFF,
    )  # fmt: skip
    central += b"a.txt" + struct.pack("<2HQQQL", 1, 28, 5, 5, 0, 0)
    archive = file_of(tmp_path, local + central + end(1, len(central), len(local)))
    assert extract(archive, tmp_path / "out") == ["a.txt"]


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "../../x",
        "a/../b",
        "a/..",
        "..",
        "..\\x",
        "..\\..\\x",
        "./a",
        "a/./b",
        "a//b",
        "a\\\\b",
        ".",
        "a//",
    ],
)
def test_a_path_that_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    assert refusal(tmp_path, raw_zip(Raw(name=name.encode()))).code == "archive_path_escape"


@pytest.mark.parametrize(
    "name", ["/etc/cronx", "//x", "\\x", "\\\\host\\share\\x", "C:\\x", "c:/x", "c:x", "/"]
)
def test_an_absolute_path_is_refused(tmp_path: Path, name: str) -> None:
    problem = refusal(tmp_path, raw_zip(Raw(name=name.encode())))
    assert problem.code == "archive_path_absolute"
    assert repr(name) in problem.message


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK, 0o150000]
)
def test_a_special_file_is_refused(tmp_path: Path, kind: int) -> None:
    content = raw_zip(Raw(name=b"link", content=b"/etc/passwd", mode=kind | 0o777))
    assert refusal(tmp_path, content).code == "archive_special_file"


@pytest.mark.parametrize(
    "name",
    [
        b"a.py\0.txt", b"a\x1b[31m", b"a\nb", b"a\x7f", "a\u0085".encode(), "a\u202egpj.py".encode(),
        "a\u2066b".encode(), "a\u2028b".encode(), b"\xff\xfe", b"\xd6\xd0.txt", b"a\\b", b"x" * 201,
        b"/".join([b"d" * 60] * 5), b"/".join([b"d"] * 33), "a\x80".encode("latin-1"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flags", [0, 1 << 11])
def test_a_bad_name_is_refused(tmp_path: Path, name: bytes, flags: int) -> None:
    problem = refusal(tmp_path, raw_zip(Raw(name=name, flags=flags)))
    assert problem.code == "archive_bad_name"
    assert problem.message.isprintable()


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, raw_zip(Raw(name=b""))).code == "archive_path_escape"


def test_two_names_for_one_entry_are_refused(tmp_path: Path) -> None:
    extra = struct.pack("<2HBL", 0x7075, 5 + 4, 1, 0) + b"evil"
    assert refusal(tmp_path, raw_zip(Raw(extra=extra))).code == "archive_bad_name"


@pytest.mark.parametrize(
    "names",
    [
        ["a", "a"],
        ["README", "readme"],
        ["stra\u00dfe", "STRASSE"],
        ["\u00e9", "e\u0301"],
        ["a", "a/"],
        ["a", "a/b"],
        ["a/b/c", "a/b"],
        ["d/", "d/"],
        ["D/x", "d/y"],
    ],
)
def test_names_that_are_one_somewhere_are_refused(tmp_path: Path, names: list[str]) -> None:
    entries = [Raw(name=name.encode(), content=b"", method=0) for name in names]
    assert refusal(tmp_path, raw_zip(*entries)).code == "archive_duplicate_name"
    assert refusal(tmp_path, raw_zip(*reversed(entries))).code == "archive_duplicate_name"


def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    content = made(a=os.urandom(600), b=os.urandom(600))
    problem = refusal(tmp_path, content, ArchiveLimits(extracted_bytes=1000))
    assert isinstance(problem, TooLarge)
    assert problem.code == "archive_too_large"
    assert "1200 bytes" in problem.message


def test_a_ratio_bomb_is_refused_by_what_it_announces(tmp_path: Path) -> None:
    problem = refusal(tmp_path, made(zeros=bytes(17 * 1024 * 1024)))
    assert isinstance(problem, TooLarge)
    assert problem.code == "archive_too_large"


def test_few_zeros_are_no_bomb(tmp_path: Path) -> None:
    assert inspect(file_of(tmp_path, made(zeros=bytes(15 * 1024 * 1024)))).entries == 1


def test_a_file_that_holds_more_than_it_announces_is_stopped(tmp_path: Path) -> None:
    content = raw_zip(Raw(content=bytes(50_000_000), size=100))
    problem = extraction_refusal(tmp_path, content)
    assert isinstance(problem, TooLarge)
    assert problem.code == "archive_too_large"


def test_entries_that_share_bytes_are_refused(tmp_path: Path) -> None:
    first, second = Raw(name=b"a"), Raw(name=b"b")
    same = raw_zip(first, replace(first, name=b"b", offset=0))
    assert refusal(tmp_path, same).code == "archive_overlap"
    quoting = replace(first, data=b"\x00" + second.local(), size=50_000_000)
    local = quoting.local()
    central = quoting.central(0) + second.central(len(local) - len(second.local()))
    nested = local + central + end(2, len(central), len(local))
    assert refusal(tmp_path, nested).code == "archive_overlap"


def test_an_entry_that_reaches_into_the_next_by_its_local_name_is_refused(tmp_path: Path) -> None:
    local = Raw(name=b"a", local_extra=b"\0\0\4\0xxxx").local()[:-4]
    content = local + (central := Raw(name=b"a").central(0)) + end(1, len(central), len(local))
    assert refusal(tmp_path, content).code == "archive_overlap"


def test_a_bomb_of_one_kernel_is_refused_as_overlap(tmp_path: Path) -> None:
    kernel = Raw(name=b"0", content=bytes(20_000_000))
    local = kernel.local()
    central = b"".join(replace(kernel, name=b"%d" % number).central(0) for number in range(50))
    assert refusal(tmp_path, local + central + end(50, len(central), len(local))).code == "archive_overlap"


def test_too_many_entries_are_refused_before_they_are_read(tmp_path: Path) -> None:
    # There is no directory at all: only the end was looked at.
    assert refusal(tmp_path, end(20_001, 0, 0)).code == "archive_too_many_entries"
    huge = bytes(9 * 1024 * 1024)
    assert refusal(tmp_path, huge + end(1, len(huge), 0)).code == "archive_too_many_entries"


def test_too_many_implied_directories_are_refused(tmp_path: Path) -> None:
    content = made(**{f"{number}/{number}/x": b"" for number in range(6)})
    assert refusal(tmp_path, content, ArchiveLimits(entries=11)).code == "archive_too_many_entries"
    assert inspect(file_of(tmp_path, content), ArchiveLimits(entries=12)).entries == 6


def _unsupported() -> Iterator[tuple[str, bytes]]:
    entry = Raw()
    facts = entry.facts
    streamed = Raw(flags=1 << 3, local_sizes=(0, 0, 0))
    yield "encrypted", raw_zip(Raw(flags=1))
    yield "strongly encrypted", raw_zip(Raw(flags=1 << 6))
    yield "masked", raw_zip(Raw(flags=1 << 13))
    central = raw_zip(entry).index(b"PK\x01\x02")
    yield "newer layout", raw_zip(entry)[: central + 6] + b"\x64" + raw_zip(entry)[central + 7 :]
    yield "bzip2", raw_zip(Raw(method=12))
    yield "lzma", raw_zip(Raw(method=14))
    yield "other part", raw_zip(Raw(disk=1))
    yield "data before", b"#!/bin/sh\n" + raw_zip(entry)
    yield "data before, offsets shifted", b"#!/bin/sh\n" + raw_zip(replace(entry, offset=10))
    yield "data before an empty zip", b"xx" + raw_zip()
    yield "data behind", raw_zip(entry) + b"x"
    yield "data in between", raw_zip(entry, gap=b"hidden")
    yield "data before the first entry", b"hidden" + _moved(entry, 6)
    yield "other local name", raw_zip(Raw(local_name=b"b.txt"))
    yield "other local size", raw_zip(Raw(local_sizes=(facts[0], facts[1], 99)))
    yield "other local crc", raw_zip(Raw(local_sizes=(1, facts[1], facts[2])))
    yield "no descriptor", raw_zip(streamed)
    yield "wrong descriptor", raw_zip(replace(streamed, descriptor=struct.pack("<3L", 1, 2, 3)))
    yield "long descriptor", raw_zip(replace(streamed, descriptor=bytes(25)))
    yield "several parts", end(0, 0, 0, disk=1)
    yield "two ends", zip64(entry, short=(2, 0xFFFFFFFF, 0xFFFFFFFF))
    wide = zip64(entry)
    yield "several parts, zip64", wide[:-26] + b"\2" + wide[-25:]
    yield "data between the ends", wide[:-42] + b"x" + wide[-42:]
    end64 = wide.index(b"PK\x06\x06")
    yield "zip64 end in another part", wide[: end64 + 16] + b"\1" + wide[end64 + 17 :]


def _moved(entry: Raw, by: int) -> bytes:
    local, _ = body(entry)
    central = entry.central(by)
    return local + central + end(1, len(central), len(local) + by)


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in _unsupported()])
def test_what_readers_disagree_about_is_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, content).code == "archive_unsupported"


def _invalid() -> Iterator[tuple[str, bytes]]:
    whole = made(**{"a.txt": b"hello", "b.txt": b"world" * 100})
    entry = Raw()
    local, central = body(entry)
    wide = zip64(entry)
    end64 = wide.index(b"PK\x06\x06")
    yield "empty", b""
    yield "text", b"no zip at all"
    yield "cut", whole[:-30]
    yield "cut end", whole[:-1]
    yield "head only", whole[:100]
    yield "middle missing", whole[:50] + whole[60:]
    yield "count too low", local + central + end(0, len(central), len(local))
    yield "count too high", local + central + end(2, len(central), len(local))
    yield "directory of junk", b"x" * 50 + end(1, 50, 0)
    yield "directory cut", local + central[:-1] + end(1, len(central) - 1, len(local))
    yield "directory too short", local + central[:20] + end(1, 20, len(local))
    yield "no local header", raw_zip(Raw(offset=2))[2:]
    yield "offset outside", raw_zip(Raw(offset=10**6))
    yield "local header reaches behind the end", local[:28] + b"\xff\xff" + raw_zip(entry)[30:]
    yield "stored with two sizes", raw_zip(Raw(method=0, size=6))
    yield "damaged extra field", raw_zip(Raw(extra=b"\1\0\xff\0"))
    yield "extra field twice", raw_zip(Raw(extra=b"\x99\x99\0\0" * 2))
    yield "zip64 sizes missing", raw_zip(Raw(size=0xFFFFFFFF))
    yield "directory with content", raw_zip(Raw(name=b"a/"))
    yield "directory that is a file", raw_zip(Raw(name=b"a/", content=b"", mode=stat.S_IFREG | 0o644))
    yield "file that is a directory", raw_zip(Raw(mode=stat.S_IFDIR | 0o755))
    yield "zip64 end elsewhere", wide[:-34] + struct.pack("<Q", 10**9) + wide[-26:]
    yield "zip64 end damaged", wide[:end64] + b"xx" + wide[end64 + 2 :]
    yield "zip64 end of another size", wide[: end64 + 4] + b"\xff" + wide[end64 + 5 :]


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in _invalid()])
def test_a_damaged_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    problem = refusal(tmp_path, content)
    assert isinstance(problem, ArchiveRejected)
    assert problem.code in {"archive_invalid", "archive_unsupported"}


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\x01", "rar"),
        (bytes(257) + b"ustar\x00", "tar"),
    ],
)
def test_other_archives_are_told_apart(tmp_path: Path, head: bytes, name: str) -> None:
    problem = refusal(tmp_path, head + bytes(500))
    assert isinstance(problem, UnsupportedMedia)
    assert name in problem.message


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param(Raw(crc=1), id="other checksum"),
        pytest.param(Raw(size=6), id="less than announced"),
        pytest.param(Raw(data=deflate(b"hello") + b"x"), id="bytes behind the stream"),
        pytest.param(Raw(data=deflate(b"hello") + b"x" * 10**6), id="many bytes behind the stream"),
        pytest.param(
            Raw(content=bytes(10**6), data=deflate(bytes(10**6)) + b"x"), id="bytes behind a large stream"
        ),
        pytest.param(Raw(data=deflate(b"hello")[:-1]), id="cut stream"),
        pytest.param(Raw(data=b"\xff\xff\xff"), id="no stream"),
        pytest.param(Raw(name=b"d/", content=b"", data=b"\xff\xff"), id="junk in a directory"),
    ],
)
def test_damaged_content_is_refused_and_all_is_removed(tmp_path: Path, entry: Raw) -> None:
    content = raw_zip(Raw(name=b"one"), Raw(name=b"x/y/two"), entry, Raw(name=b"three"))
    assert extraction_refusal(tmp_path, content).code == "archive_invalid"


def test_what_lies_in_the_destination_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "d").mkdir(parents=True)
    (out / "train.py").write_bytes(b"mine")
    archive = file_of(tmp_path, made(**{"d/x": b"1", "e/x": b"2", "train.py": b"other"}))
    with pytest.raises(ArchiveRejected, match=r"another 'train\.py'") as caught:
        extract(archive, out)
    assert caught.value.code == "archive_duplicate_name"
    assert tree(out) == {"train.py": b"mine"}
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["d"]


@pytest.mark.parametrize("name", ["link", "link/x"])
def test_a_link_in_the_destination_is_not_followed(tmp_path: Path, name: str) -> None:
    out, outside = tmp_path / "out", tmp_path / "outside"
    out.mkdir()
    outside.mkdir()
    (out / "link").symlink_to(outside)
    with pytest.raises(ArchiveRejected):
        extract(file_of(tmp_path, made(**{name: b"1"})), out)
    assert list(outside.iterdir()) == []


def test_an_archive_that_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    archive = file_of(tmp_path, made(a=b"1"))
    with pytest.raises(FileNotFoundError):
        extract(archive, tmp_path / "missing" / "out")
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine does not let root mount")
    try:
        archive = file_of(tmp_path, made(a=b"1", b=os.urandom(200_000)))
        with pytest.raises(StorageFull):
            extract(archive, small / "out")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_memory_does_not_grow_with_the_archive(tmp_path: Path) -> None:
    archive = file_of(tmp_path, made(zeros=bytes(40_000_000), noise=os.urandom(2_000_000)))
    tracemalloc.start()
    try:
        extract(archive, tmp_path / "out", ArchiveLimits(ratio=10_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


NAMES = st.text(st.sampled_from("abAB.-_ é数/"), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.binary(max_size=300), max_size=6))
@settings(database=None, deadline=None)
def test_an_accepted_tree_is_the_tree_that_was_zipped(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as home:
        archive = file_of(Path(home), made(**files))
        try:
            written = extract(archive, Path(home) / "out")
        except TorchyardError:
            return
        wanted = {name: content for name, content in files.items() if not name.endswith("/")}
        assert tree(Path(home) / "out") == wanted
        assert sorted(written) == sorted(wanted)


def _seeds() -> list[bytes]:
    stream = Unseekable()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", b"hello" * 20)
    return [
        made(**{"a.py": b"x = 1\n" * 30, "d/b.txt": b"2", "d/e/": b""}),
        zip64(Raw(), Raw(name=b"b/c", method=0)),
        stream.written,
        raw_zip(Raw(extra=struct.pack("<2HBL", 0x7075, 10, 1, 0) + b"a.txt", mode=0o100755), comment=b"hi"),
    ]


MUTATIONS = st.lists(
    st.tuples(
        st.sampled_from(["set", "flip", "cut", "insert", "repeat"]),
        st.integers(0, 600),
        st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 0x2E, 0x2F, 0x5C, 0xFF])),
    ),
    min_size=1,
    max_size=6,
)


def mutated(content: bytes, mutations: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(content)
    for kind, where, value in mutations:
        at = where % max(len(data), 1)
        if kind == "set":
            data[at : at + 1] = bytes([value])
        elif kind == "flip":
            data[at : at + 1] = bytes([data[at] ^ (1 << value % 8)]) if data else b""
        elif kind == "cut":
            del data[at : at + value]
        elif kind == "insert":
            data[at:at] = bytes([value])
        else:
            data[at:at] = data[at : at + value]
    return bytes(data)


@given(st.sampled_from(_seeds()), MUTATIONS)
@example(_seeds()[0], [("cut", 0, 255)])
@settings(database=None, max_examples=1000, deadline=None)
def test_a_mutated_zip_is_accepted_or_refused_and_nothing_leaves_its_place(
    seed: bytes, mutations: list[tuple[str, int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as home:
        archive = file_of(Path(home), mutated(seed, mutations))
        out = Path(home) / "out"
        try:
            written = extract(archive, out)
        except TorchyardError as problem:
            code = problem.code
            written = []
        else:
            code = "archive_accepted"
        assert code.startswith("archive_") or code == "unsupported_media"
        assert out.exists() == (code == "archive_accepted")
        assert sorted(tree(out)) == sorted(written)
        assert {path.name for path in Path(home).iterdir()} <= {"deps.zip", "out"}


def test_python_itself_would_have_repaired_what_is_refused(tmp_path: Path) -> None:
    """Shows why `zipfile` alone is not enough, on the Python that runs the tests."""
    archive = file_of(tmp_path, raw_zip(Raw(name=b"../../evil.txt")))
    with warnings.catch_warnings(), zipfile.ZipFile(archive) as opened:
        warnings.simplefilter("ignore")
        opened.extractall(tmp_path / "repaired")
    assert tree(tmp_path / "repaired") == {"evil.txt": b"hello"}
    assert refusal(tmp_path, archive.read_bytes()).code == "archive_path_escape"
