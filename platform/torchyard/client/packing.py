"""A directory as a zip: the same content gives the same bytes, so that it is uploaded only once."""

import contextlib
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

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
_DIRECTORY_MODE = stat.S_IFDIR | 0o755


@contextlib.contextmanager
def packed(directory: Path) -> Iterator[Path]:
    """A temporary zip of the directory's content, without what version control, caches and venvs keep there.

    Raises:
        InvalidInput: It holds a symbolic link, a socket or the like, or a name that is no UTF-8.
    """
    entries = contents(directory)
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
    for root, folders, files in os.walk(directory, onerror=_fail):
        place = Path(root)
        folders[:] = [name for name in folders if not _skipped(place / name)]
        kept = [name for name in files if not name.endswith(".pyc")]
        found += [_checked(place / name, directory) for name in kept]
        for name in folders:
            _checked(place / name, directory)
        if not folders and not kept and place != directory:
            found.append(f"{_checked(place, directory)}/")
    return sorted(found)


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
