"""What a job's storage paths were known by when they were fetched, for the platform to compare later."""

from collections.abc import Mapping, Sequence

from torchyard.contracts import fingerprints
from torchyard.contracts.fingerprints import Seen
from torchyard.contracts.storage_paths import StoragePath
from torchyard_worker.buckets import RemoteObject
from torchyard_worker.locating import Landing
from torchyard_worker.spooling import AttemptDirectory

_FILE = "fetched.json"


def note(
    directory: AttemptDirectory,
    located: Sequence[tuple[StoragePath, Sequence[Landing]]],
    replaced: Mapping[Landing, RemoteObject],
) -> None:
    """Write down what was fetched.

    Args:
        directory: The attempt's.
        located: Each path with what it named; one that is named twice stands there twice.
        replaced: What was fetched in place of an object that was replaced meanwhile.
    """
    marks: dict[str, str] = {}
    for path, landings in located:
        mark = _mark(path, landings, replaced)
        if marks.setdefault(str(path), mark) != mark:
            marks[str(path)] = ""
    directory.write(_FILE, dict(marks))


def read(directory: AttemptDirectory) -> dict[str, str] | None:
    """What was written down; None if nothing was fetched."""
    return directory.read(_FILE)


def _mark(path: StoragePath, landings: Sequence[Landing], replaced: Mapping[Landing, RemoteObject]) -> str:
    found = [(landing, replaced.get(landing, landing.found)) for landing in landings]
    first = found[0][1]
    if first is not None and path.key and first.key == path.key:
        return fingerprints.of_file(first.etag, first.size)
    return fingerprints.of_directory(
        Seen(_folder(landing, path), "", 0)
        if one is None
        else Seen(one.key.removeprefix(path.prefix), one.etag, one.size)
        for landing, one in found
    )


def _folder(landing: Landing, path: StoragePath) -> str:
    """The key of an object that makes an empty directory, without that of the whole directory."""
    return landing.uri.partition("://")[2].removeprefix(f"{path.bucket}/").removeprefix(path.prefix)
