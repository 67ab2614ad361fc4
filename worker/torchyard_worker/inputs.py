"""Files of other jobs, put into `inputs/<name>/` before the script starts."""

import filecmp
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from torchyard.contracts.inputs import job_of_input
from torchyard.contracts.runner import ClaimedAttempt, InputFile
from torchyard.errors import Conflict
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.wording import in_files


def place(claimed: ClaimedAttempt, folder: Path, blobs: BlobCache, keep_going: Callable[[], None]) -> str:
    """Put the job's inputs into place; each file is the job's own copy.

    Args:
        claimed: The attempt.
        folder: Its `inputs/`.
        blobs: Where the files come from.
        keep_going: Called before each chunk that is fetched; what it raises ends this.

    Returns:
        What was put there, in words.

    Raises:
        Conflict: `dependency_conflict`: the dependencies hold something else in the place of one of these.
        NotFound: The platform has lost a blob.
        Unavailable: The platform is away.
    """
    sources = claimed.spec.inputs
    counts = dict.fromkeys(sources, 0)
    for name in counts:
        _make(folder / name, folder)
    for file in claimed.inputs:
        with blobs.blob(file.sha256, keep_going) as blob:
            _copy(blob, _target(file, folder), folder)
        counts[file.name] += 1
    told = (
        f"inputs/{name} ({in_files(counts[name])} of job {job_of_input(sources[name])})" for name in counts
    )
    return " and ".join(told)


def _target(file: InputFile, folder: Path) -> Path:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:  # it was a script that chose it
        raise Conflict(f"the input {file.path!r} would lie outside inputs/", code="dependency_conflict")
    return folder / file.name / path


def _copy(blob: Path, target: Path, folder: Path) -> None:
    _make(target.parent, folder)
    if target.exists():
        if not (target.is_file() and filecmp.cmp(blob, target, shallow=False)):
            raise _conflict(target, folder)
        return
    shutil.copyfile(blob, target)
    target.chmod(0o644)


def _make(place: Path, folder: Path) -> None:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _conflict(place, folder) from None


def _conflict(place: Path, folder: Path) -> Conflict:
    name = place.relative_to(folder.parent)
    return Conflict(
        f"{name} is in the dependencies, and in an input of the job too", code="dependency_conflict"
    )
