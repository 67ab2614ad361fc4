"""What a script finds when it starts: its files put into place, and later told from what it made."""

import contextlib
import filecmp
import functools
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torchyard.contracts import archives
from torchyard.contracts.inputs import read_source
from torchyard.contracts.jobs import FileRef, JobSpec
from torchyard.contracts.runner import ClaimedAttempt
from torchyard.contracts.sayings import Sentence, say
from torchyard.contracts.storage_paths import split_paths
from torchyard.errors import Conflict
from torchyard_worker import inputs, spooling, trees
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.fetching import Fetcher, Order, Tell
from torchyard_worker.spooling import INPUTS, OUTPUTS, AttemptDirectory
from torchyard_worker.tree_cache import TreeCache
from torchyard_worker.wording import in_bytes, in_files

_MANIFEST = "manifest.json"
#: What Python writes beside modules; no one's work.
_CACHES = "__pycache__"
#: What macOS puts into zips.
_LITTER = {"__MACOSX", ".DS_Store"}


@dataclass(frozen=True)
class Sources:
    """Where the files that are staged come from."""

    blobs: BlobCache
    kept: TreeCache
    fetcher: Fetcher


def stage(
    directory: AttemptDirectory,
    claimed: ClaimedAttempt,
    sources: Sources,
    keep_going: Callable[[], None],
    tell: Tell,
) -> list[str]:
    """Put the script and its dependencies into place.

    Args:
        directory: The attempt's.
        claimed: What is asked for.
        sources: Where the files come from.
        keep_going: Raises if the job is not wanted any more.
        tell: Tells how far the fetching of files is.

    Returns:
        What was staged, each part in words.

    Raises:
        ArchiveRejected: The zip is refused.
        TooLarge: So is one that is too large when unpacked.
        Conflict: `dependency_conflict`: two sources name one path, with different content.
        DependencyFailed: Something that lies in a storage can't be had.
        NotFound: The platform has lost a blob.
        Unavailable: The platform is away.
    """
    spec = claimed.spec
    told: list[str] = []
    sources.fetcher.take_back(directory)  # what came in a try before this one
    _empty(directory.work)
    with sources.blobs.blob(spec.script.sha256, keep_going) as script:
        told.append(say("staged_source", name=spec.script.name, what=in_bytes(script.stat().st_size)))
        if spec.dependencies is not None:
            placed = _place_dependencies(directory, spec.dependencies, sources, keep_going, tell)
            what = _with_hint(placed, directory.work)
            told.append(say("staged_source", name=spec.dependencies.name, what=what))
        _place_script(script, directory.work / spec.script.name, spec.dependencies)
    for name in (OUTPUTS, INPUTS):
        _make_folder(directory.work / name, spec.dependencies)
    given = inputs.Giving(claimed, directory.work, sources.blobs, keep_going, functools.partial(_owner, spec))
    told += given.place()
    told += _fetch(directory, claimed, sources.fetcher, given.owner, keep_going, tell)
    manifest = {path: _mark(found) for path, found in files_below(directory.work)}
    directory.write(_MANIFEST, manifest)
    return told


def changed_files(directory: AttemptDirectory) -> list[str]:
    """Paths of what the script left: all of `outputs/`, and elsewhere what is new or was changed."""
    manifest = directory.read(_MANIFEST) or {}
    return sorted(
        path
        for path, found in files_below(directory.work)
        if path.startswith(f"{OUTPUTS}/") or manifest.get(path) != _mark(found)
    )


def staged_files(directory: AttemptDirectory) -> list[str]:
    """Paths of what was put beside the script, and of the script."""
    return list(directory.read(_MANIFEST) or {})


def files_below(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every regular file and symbolic link below `root`, by its relative path, but for Python's caches."""
    folders = [""]
    while folders:
        folder = folders.pop()
        for name, found in _listed(f"{root}/{folder}"):
            if stat.S_ISDIR(found.st_mode) and name != _CACHES:
                folders.append(f"{folder}{name}/")
            elif stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode):
                yield f"{folder}{name}", found


def _listed(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    """What is in a folder; by strings, as there are tens of thousands. Of one that can't be read: nothing."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                yield entry.name, entry.stat(follow_symlinks=False)


def _empty(work: Path) -> None:
    """Remove what a try left that ended because the platform was away."""
    if any(work.iterdir()):
        spooling.remove_tree(work)
        work.mkdir()


def _place_dependencies(
    directory: AttemptDirectory,
    dependencies: FileRef,
    sources: Sources,
    keep_going: Callable[[], None],
    tell: Tell,
) -> Sentence:
    kept = sources.kept.take(dependencies.sha256, directory.work)
    if kept is not None:
        return say("files_kept", files=in_files(kept))
    with sources.blobs.blob(dependencies.sha256, keep_going) as blob:
        if trees.is_tree(blob):
            told = trees.Placing(directory.work, sources.blobs, keep_going, tell).place(blob)
        else:
            count = len(archives.extract(blob, directory.work))
            told = say("files_of_size", files=in_files(count), size=in_bytes(blob.stat().st_size))
    sources.kept.keep_later(dependencies.sha256, directory.work)
    return told


def _with_hint(placed: Sentence, work: Path) -> Sentence:
    """With how to import modules that all lie in one folder: it was zipped, and not what is in it."""
    names = [name for name, _ in _listed(str(work)) if name not in _LITTER]
    inside = {name for name, _ in _listed(f"{work}/{names[0]}")} if len(names) == 1 else set()
    modules = any(name.endswith(".py") for name in inside) and "__init__.py" not in inside
    return say("with_import_hint", what=placed, folder=names[0]) if modules else placed


def _fetch(
    directory: AttemptDirectory,
    claimed: ClaimedAttempt,
    fetcher: Fetcher,
    owner: Callable[[str], str],
    keep_going: Callable[[], None],
    tell: Tell,
) -> list[str]:
    """Fetch what lies in storages, in one go; what was fetched beside the script, in words."""
    paths = split_paths(claimed.spec.dependency_paths)
    below = {name: read_source(text).paths for name, text in claimed.spec.inputs.items()}
    if paths or any(below.values()):
        fetcher.fetch(Order(paths, claimed.storage, directory, owner, tell, keep_going, below))
    return [say("dependency_path_count", count=len(paths))] if paths else []


def _owner(spec: JobSpec, path: str) -> str:
    """Who put the file with this path beside the script, for people."""
    if path == spec.script.name:
        return say("script_of_job", path=path)
    return say("file_in_archive", path=path, archive=spec.dependencies.name) if spec.dependencies else path


def _place_script(blob: Path, place: Path, dependencies: FileRef | None) -> None:
    if place.exists():
        if not (place.is_file() and filecmp.cmp(blob, place, shallow=False)):
            raise _conflict(dependencies, place.name, say("the_script"))
        return
    shutil.copyfile(blob, place)
    place.chmod(0o644)


def _make_folder(place: Path, dependencies: FileRef | None) -> None:
    try:
        place.mkdir(exist_ok=True)
    except FileExistsError:
        raise _conflict(dependencies, place.name, say("folder_of_jobs", folder=place.name)) from None


def _conflict(dependencies: FileRef | None, name: str, other: str) -> Conflict:
    archive = dependencies.name if dependencies else say("the_archive")
    return Conflict(say("name_taken_by", name=name, archive=archive, other=other), code="dependency_conflict")


def _mark(found: os.stat_result) -> list[int]:
    return [found.st_size, found.st_mtime_ns]
