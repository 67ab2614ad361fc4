"""A tree of dependencies: its files fetched, as far as this worker lacks them, and laid beside the script."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from torchyard.contracts import bundles
from torchyard.contracts import trees as contract
from torchyard.contracts.sayings import Sentence, say
from torchyard.contracts.trees import Tree, TreeEntry
from torchyard.errors import Unavailable
from torchyard_worker.blob_cache import BlobCache
from torchyard_worker.fetching import Tell
from torchyard_worker.metering import Meter
from torchyard_worker.wording import in_bytes, in_facts, in_files, in_seconds

log = structlog.get_logger()

_PLAIN_MODE, _EXECUTABLE_MODE, _DIRECTORY_MODE = 0o644, 0o755, 0o755
_CHUNK = 1024 * 1024
#: Bytes that tell what a blob is.
_HEAD = 64
#: Seconds until the first line about how far a fetch is, and between two.
_FIRST_REPORT, _REPORTS = 1.0, 5.0


def is_tree(blob: Path) -> bool:
    """Whether a blob is a tree."""
    with blob.open("rb") as file:
        return contract.is_tree(file.read(_HEAD))


@dataclass(frozen=True)
class Placing:
    """How a tree comes into a job's directory.

    Attributes:
        work: The job's directory, which is still empty.
        blobs: Where the files come from.
        keep_going: Raises if the job is not wanted any more.
        tell: Tells how far the fetching is.
    """

    work: Path
    blobs: BlobCache
    keep_going: Callable[[], None]
    tell: Tell

    def place(self, document: Path) -> Sentence:
        """Put all of a tree into its place; what was done, in words.

        Raises:
            ArchiveRejected: The tree is refused.
            TooLarge: So is one that is too large.
            NotFound: The platform has lost a file.
            Unavailable: It does not answer, or a file was damaged here and has to be fetched again.
        """
        tree = contract.read_tree(document.read_bytes())
        sizes = tree.files()
        with self.blobs.holding(sizes):
            lacking = self.blobs.lacking(sizes)
            took = self._fetch(lacking)
            self._lay(tree)
        files = [entry for entry in tree.entries if not entry.is_directory]
        facts = {"files": in_files(len(files)), "size": in_bytes(sum(entry.size for entry in files))}
        if not lacking:
            return say("files_cached", **facts)
        size = in_bytes(sum(lacking.values()))
        facts |= {"fetched_files": in_files(len(lacking)), "fetched_size": size}
        return say("files_fetched", **facts, time=in_seconds(took))

    def _fetch(self, lacking: dict[str, int]) -> float:
        """Have all of these in the cache; seconds that it took."""
        meter = Meter(len(lacking), sum(lacking.values()))
        due = time.monotonic() + _FIRST_REPORT

        def came(count: int) -> None:
            nonlocal due
            self.keep_going()
            meter.came(count)
            if time.monotonic() >= due:
                self._report(meter)
                due = time.monotonic() + _REPORTS

        for batch in bundles.batches(lacking):
            self.blobs.fetch(batch, came)
            for sha256 in batch:
                meter.placed(lacking[sha256], known=False)
        return meter.seconds()

    def _report(self, meter: Meter) -> None:
        progress = meter.progress()
        self.tell(say("fetch_of_dependencies", **in_facts(progress)), progress)

    def _lay(self, tree: Tree) -> None:
        """Put the files into their places, each a copy of the job's own."""
        made: set[str] = {""}
        for entry in tree.entries:
            folder, _, _ = entry.path.rpartition("/")  # of a directory: itself
            self._make_directory(folder, made)
            if not entry.is_directory:
                self._copy(entry)

    def _make_directory(self, path: str, made: set[str]) -> None:
        if path in made:
            return
        self._make_directory(path.rpartition("/")[0], made)
        (self.work / path).mkdir()
        (self.work / path).chmod(_DIRECTORY_MODE)  # whatever the umask is
        made.add(path)

    def _copy(self, entry: TreeEntry) -> None:
        """A file checked once more: what lies in the cache may have lost its bytes."""
        sha256 = entry.sha256 or ""
        mode = _EXECUTABLE_MODE if entry.executable else _PLAIN_MODE
        found = hashlib.sha256()
        with self.blobs.path(sha256).open("rb") as reading, (self.work / entry.path).open("xb") as writing:
            os.fchmod(writing.fileno(), mode)  # whatever the umask is
            while chunk := reading.read(_CHUNK):
                self.keep_going()
                found.update(chunk)
                writing.write(chunk)
        if found.hexdigest() != sha256:
            log.error("blob_damaged", sha256=sha256, found=found.hexdigest())
            self.blobs.drop(sha256)
            raise Unavailable(f"{entry.path} was damaged in the worker's cache; it is fetched again")
