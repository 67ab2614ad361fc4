"""Where files of several sources meet: one path has one content, else both sources are named."""

from collections.abc import Callable, Iterable
from pathlib import Path

from torchyard.contracts.sayings import say
from torchyard.errors import Conflict
from torchyard_worker.locating import Landing
from torchyard_worker.spooling import INPUTS, OUTPUTS


def arrange(landings: Iterable[Landing], work: Path, owner: Callable[[str], str]) -> list[Landing]:
    """The landings, each object once, if none of them clashes with another by its path alone.

    Where two of one size have the same path, both are kept: only their bytes can tell.

    Args:
        landings: All of the job's.
        work: The script's directory with what is in it already.
        owner: Who put the file with this path there, for people.

    Raises:
        Conflict: `dependency_conflict`: two sources name one path.
    """
    arrangement = _Arrangement()
    for landing in landings:
        arrangement.add(landing)
    arrangement.check(work, owner)
    return arrangement.kept


def conflict(place: str, one: str, other: str) -> Conflict:
    """Two sources name one path."""
    return Conflict(say("from_two_sources", place=place, one=one, other=other), code="dependency_conflict")


class _Arrangement:
    def __init__(self) -> None:
        self.kept: list[Landing] = []
        self._files: dict[str, Landing] = {}
        self._folders: dict[str, Landing] = {}

    def add(self, landing: Landing) -> None:
        """Take one more, unless it is the very object that lands there already."""
        twin = self._files.get(landing.place)
        if twin is not None and landing.found is not None and twin.found is not None:
            if twin.found.identity == landing.found.identity:
                return
            if twin.found.size != landing.found.size:
                raise conflict(landing.place, twin.uri, landing.uri)
        self.kept.append(landing)
        if landing.found is not None:
            self._files.setdefault(landing.place, landing)
        for folder in _folders(landing):
            self._folders.setdefault(folder, landing)

    def check(self, work: Path, owner: Callable[[str], str]) -> None:
        """Go on only if files and directories keep out of each other's way."""
        for place, landing in self._files.items():
            if place in self._folders:
                raise conflict(place, landing.uri, say("folder_of", giver=self._folders[place].uri))
            if place in {OUTPUTS, INPUTS}:
                raise conflict(place, landing.uri, say("folder_of_jobs", folder=place))
            if not _has_room(work / place, landing):
                raise conflict(place, owner(place), landing.uri)
        for folder, landing in self._folders.items():
            if (work / folder).exists() and not (work / folder).is_dir():
                raise conflict(folder, owner(folder), say("folder_of", giver=landing.uri))


def _folders(landing: Landing) -> list[str]:
    """The directories that a landing needs."""
    parts = landing.place.split("/")
    count = len(parts) if landing.found is not None else len(parts) + 1
    return ["/".join(parts[:end]) for end in range(1, count)]


def _has_room(place: Path, landing: Landing) -> bool:
    """Whether nothing is there, or what may be the same file."""
    size = landing.found.size if landing.found is not None else None
    return not place.exists() or (place.is_file() and place.stat().st_size == size)
