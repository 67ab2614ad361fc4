"""What lies in `inputs/<name>/` when a script starts; what of it is in storages, `fetching` puts there."""

import filecmp
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from torchyard.contracts.bundles import batches
from torchyard.contracts.inputs import Source, read_source
from torchyard.contracts.runner import ClaimedAttempt, InputFile
from torchyard.contracts.sayings import Sentence, say
from torchyard.errors import Conflict
from torchyard_worker import placing
from torchyard_worker.arranging import conflict
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.spooling import INPUTS
from torchyard_worker.wording import in_files

_MODE = 0o644


class Giving:
    """The inputs of one job, on their way into its directory."""

    def __init__(
        self,
        claimed: ClaimedAttempt,
        work: Path,
        blobs: BlobCache,
        keep_going: Callable[[], None],
        owner: Callable[[str], str],
    ) -> None:
        """Prepare; nothing is done yet.

        Args:
            claimed: The attempt.
            work: The script's directory, with the script and its dependencies.
            blobs: Where the files come from.
            keep_going: Called before each chunk that is fetched; what it raises ends this.
            owner: Who put the file with this path into `work` before, for people.
        """
        self._files = claimed.inputs
        self._sources = {name: read_source(text) for name, text in claimed.spec.inputs.items()}
        self._work = work
        self._blobs = blobs
        self._keep_going = keep_going
        self._owner = owner
        self._owners: dict[str, str] = {}

    def place(self) -> list[str]:
        """Make all folders, and put files of other jobs and uploaded ones into them, each the job's own copy.

        Returns:
            What the inputs are, in words.

        Raises:
            Conflict: `dependency_conflict`: something else is in the place of one of these.
            NotFound: The platform has lost a blob.
            Unavailable: The platform is away.
        """
        for name in self._sources:
            self._make(self._work / INPUTS / name, say("input_named", name=name))
        wanted: dict[str, list[InputFile]] = defaultdict(list)
        for file in self._files:
            wanted[file.sha256].append(file)
        sizes = {file.sha256: file.size for file in self._files}
        for batch in batches(sizes):
            with self._blobs.holding(batch):
                self._fetch({sha256: sizes[sha256] for sha256 in batch})
                for sha256 in batch:
                    for file in wanted[sha256]:
                        self._copy(self._blobs.path(sha256), file)
        return [
            say("staged_source", name=f"{INPUTS}/{name}", what=self._words(name, source))
            for name, source in self._sources.items()
        ]

    def owner(self, path: str) -> str:
        """Who put the file with this path into `work`, for people."""
        return self._owners.get(path) or self._owner(path)

    def _fetch(self, sizes: dict[str, int]) -> None:
        lacking = list(self._blobs.lacking(sizes))
        if lacking:
            self._blobs.fetch(lacking, lambda _count: self._keep_going())

    def _copy(self, blob: Path, file: InputFile) -> None:
        path = PurePosixPath(file.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:  # it was a script that chose it
            raise Conflict(say("input_outside", path=repr(file.path)), code="dependency_conflict")
        place, giver = f"{INPUTS}/{file.name}/{path}", self._giver(file)
        target = self._work / place
        self._make(target.parent, giver)
        if target.exists():
            if not (target.is_file() and filecmp.cmp(blob, target, shallow=False)):
                raise conflict(place, self.owner(place), giver)
            return
        placing.copy(blob, target, self._keep_going)
        target.chmod(_MODE)  # whatever the umask is
        self._owners[place] = giver

    def _giver(self, file: InputFile) -> Sentence:
        source = self._sources.get(file.name, Source())
        if source.job is not None:
            return say("job_named", job=source.job)
        return say("uploaded_file", path=file.path)

    def _make(self, folder: Path, giver: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            taken = next(place for place in (folder, *folder.parents) if place.exists())
            path = taken.relative_to(self._work).as_posix()
            raise conflict(path, self.owner(path), say("folder_of", giver=giver)) from None

    def _words(self, name: str, source: Source) -> Sentence:
        count = sum(1 for file in self._files if file.name == name)
        if source.job is not None:
            return say("files_of_job", files=in_files(count), job=source.job)
        files = say("uploaded_files", count=count) if count else None
        paths = say("storage_paths", count=len(source.paths)) if source.paths else None
        if files and paths:
            return say("both_inputs", files=files, paths=paths)
        return files or paths or say("input_empty")
