"""What a script finds when it starts: its files put into place, and later told from what it made."""

import filecmp
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from torchyard.contracts import archives
from torchyard.contracts.jobs import FileRef
from torchyard.contracts.runner import ClaimedAttempt
from torchyard.errors import Conflict
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.spooling import INPUTS, OUTPUTS, AttemptDirectory

_MANIFEST = "manifest.json"
#: What Python writes beside modules; no one's work.
_CACHES = "__pycache__"


def stage(
    directory: AttemptDirectory, claimed: ClaimedAttempt, cache: BlobCache, keep_going: Callable[[], None]
) -> str:
    """Put the script and its dependencies into place.

    Returns:
        What was staged, in words.

    Raises:
        ArchiveRejected: The zip is refused.
        TooLarge: So is one that is too large when unpacked.
        Conflict: `dependency_conflict`: the zip has another file in the place of the script or of `outputs`.
        NotFound: The platform has lost a blob.
        Unavailable: The platform is away.
    """
    spec = claimed.spec
    told = []
    with cache.blob(spec.script.sha256, keep_going) as script:
        told.append(f"{spec.script.name} ({in_bytes(script.stat().st_size)})")
        if spec.dependencies is not None:
            with cache.blob(spec.dependencies.sha256, keep_going) as archive:
                told.append(_unpack(archive, spec.dependencies, directory.work))
        _place_script(script, directory.work / spec.script.name, spec.dependencies)
    for name in (OUTPUTS, INPUTS):
        _make_folder(directory.work / name, spec.dependencies)
    manifest = {path: _mark(found) for path, found in files_below(directory.work)}
    directory.write(_MANIFEST, manifest)
    return " and ".join(told)


def changed_files(directory: AttemptDirectory) -> list[str]:
    """Paths of what the script left: all of `outputs/`, and elsewhere what is new or was changed."""
    manifest = directory.read(_MANIFEST) or {}
    return sorted(
        path
        for path, found in files_below(directory.work)
        if path.startswith(f"{OUTPUTS}/") or manifest.get(path) != _mark(found)
    )


def files_below(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every regular file and symbolic link below `root`, by its relative path, but for Python's caches."""
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name != _CACHES]
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for name in (*names, *links):
            path = Path(folder, name)
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                yield str(path.relative_to(root)), found


def in_bytes(size: int) -> str:
    """A size as people read it: `312 B`, `1.2 kB`, `40 MB`."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if unit != "B" and amount < 9.95 else f"{amount:.0f} {unit}"


def _unpack(archive: Path, dependencies: FileRef, work: Path) -> str:
    paths = archives.extract(archive, work)
    files = f"{len(paths)} file{'s' if len(paths) != 1 else ''}"
    return f"{dependencies.name} ({files}, {in_bytes(archive.stat().st_size)})"


def _place_script(blob: Path, place: Path, dependencies: FileRef | None) -> None:
    if place.exists():
        if not (place.is_file() and filecmp.cmp(blob, place, shallow=False)):
            raise _conflict(dependencies, place.name, "the script; the script always keeps its own name")
        return
    shutil.copyfile(blob, place)
    place.chmod(0o644)


def _make_folder(place: Path, dependencies: FileRef | None) -> None:
    try:
        place.mkdir(exist_ok=True)
    except FileExistsError:
        raise _conflict(dependencies, place.name, f"the directory {place.name}/ of every job") from None


def _conflict(dependencies: FileRef | None, name: str, other: str) -> Conflict:
    archive = dependencies.name if dependencies else "the archive"
    return Conflict(f"{name} in {archive} takes the name of {other}", code="dependency_conflict")


def _mark(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns]
