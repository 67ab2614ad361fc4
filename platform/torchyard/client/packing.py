"""A directory as a zip: the same content gives the same bytes, so that it is uploaded only once."""

import contextlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from torchyard.client.ignoring import OURS, Ignored
from torchyard.contracts.archives import ArchiveLimits
from torchyard.errors import InvalidInput

#: What belongs to tools and not to the script.
_SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        ".torchyard",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    }
)
#: The zip format's first moment.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
#: Most of what compression gains, at a fraction of its time.
_LEVEL = 1
#: Bytes of a file that tell whether it shrinks, and what they must shrink to.
_SAMPLE = 256 * 1024
_WORTHWHILE = 0.9
_MODE = stat.S_IFREG | 0o644
#: What the platform takes, and how many of the files that are too much are named.
_LIMITS = ArchiveLimits()
_NAMED = 5
_DIRECTORY_MODE = stat.S_IFDIR | 0o755


@contextlib.contextmanager
def packed(directory: Path) -> Iterator[Path]:
    """A temporary zip of the directory's content, without what version control, caches and venvs keep there.

    Nor what `.torchyardignore` names, or `.gitignore` if there is no such file.

    Raises:
        InvalidInput: It holds a symbolic link, a socket or the like, or a name that is no UTF-8; it is too
            large; or a rule about what to leave out can't be understood.
    """
    entries = contents(directory)
    check_sizes(directory, entries)
    with tempfile.TemporaryDirectory(prefix="torchyard-") as place:
        target = Path(place) / "dependencies.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
            for entry in entries:
                _add(archive, directory / entry, entry)
        yield target


def contents(directory: Path) -> list[str]:
    """The paths that are packed, relative to the directory and sorted; empty directories end with a slash.

    Raises:
        InvalidInput: See `packed`.
    """
    found: list[str] = []
    ignored = Ignored(directory)
    for root, folders, files in os.walk(directory, onerror=_fail):
        place = Path(root)
        inside = "" if place == directory else f"{place.relative_to(directory).as_posix()}/"
        folders[:] = [
            name for name in folders if not (_skipped(place / name) or ignored.holds(f"{inside}{name}/"))
        ]
        kept = [
            name
            for name in files
            if not (name.endswith(".pyc") or name == OURS or ignored.holds(f"{inside}{name}"))
        ]
        found += [_checked(place / name, directory) for name in kept]
        for name in folders:
            _checked(place / name, directory)
        if not folders and not kept and place != directory:
            found.append(f"{_checked(place, directory)}/")
    return sorted(found)


def check_sizes(directory: Path, entries: list[str], limits: ArchiveLimits = _LIMITS) -> None:
    """Refuse what the platform would refuse after the upload.

    Raises:
        InvalidInput: `dependencies_too_large`, with the largest files named; or `too_many_files`.
    """
    hint = f"name what is not needed in {OURS}, or put large data where dependency paths find it"
    if len(entries) > limits.entries:
        fullest = Counter(name.partition("/")[0] for name in entries if "/" in name).most_common(1)
        where = f", {fullest[0][1]} of them in {fullest[0][0]}/" if fullest else ""
        raise InvalidInput(
            f"{directory} holds {len(entries)} files{where}; {limits.entries} are allowed",
            code="too_many_files",
            field="dependencies",
            hint=hint,
        )
    sizes = {name: (directory / name).stat().st_size for name in entries if not name.endswith("/")}
    total = sum(sizes.values())
    if total > limits.extracted_bytes:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:_NAMED]
        raise InvalidInput(
            f"{directory} holds {total} bytes; {limits.extracted_bytes} are allowed. The largest files: "
            + ", ".join(f"{name} ({sizes[name]} bytes)" for name in largest),
            code="dependencies_too_large",
            field="dependencies",
            hint=hint,
        )


def _fail(problem: OSError) -> None:
    raise problem


def _skipped(path: Path) -> bool:
    return path.name in _SKIPPED or (path / "pyvenv.cfg").is_file()


def _checked(path: Path, directory: Path) -> str:
    name = path.relative_to(directory).as_posix()
    kind = path.lstat().st_mode
    if stat.S_ISLNK(kind):
        raise _refused(
            name,
            "link_not_allowed",
            "is a symbolic link",
            "replace it by the file it points to, or remove it",
        )
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise _refused(name, "kind_not_allowed", "is neither a file nor a directory", "remove it")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise _refused(ascii(name), "name_not_utf8", "has a name that is not UTF-8", "rename it") from None
    return name


def _refused(name: str, code: str, what: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"{name} {what}, which dependencies must not hold", code=code, field="dependencies", hint=hint
    )


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.create_system = 3  # Unix, wherever this runs
    if name.endswith("/"):
        entry.external_attr = _DIRECTORY_MODE << 16
        archive.writestr(entry, b"")
        return
    entry.external_attr = _MODE << 16
    with path.open("rb") as source:
        entry.compress_type = _compression(source)
        entry.file_size = os.fstat(source.fileno()).st_size  # tells zipfile whether it needs ZIP64
        with archive.open(entry, "w") as target:
            shutil.copyfileobj(source, target, 1024 * 1024)


def _compression(source: BinaryIO) -> int:
    """Pictures, weights and archives hardly shrink; trying it on all of them would take most of the time."""
    sample = source.read(_SAMPLE)
    source.seek(0)
    shrinks = len(zlib.compress(sample, _LEVEL)) < _WORTHWHILE * len(sample)
    return zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
