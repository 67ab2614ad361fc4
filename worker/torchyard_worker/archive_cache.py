"""Dependencies that go from job to job: each tree belongs to one job at a time, and is never shared.

$TORCHYARD_WORKER_HOME/archives/<sha256>/
    <name>/         an unpacked archive, or a tree's files, waiting for the next job
    <name>.json     what each of its files has to look like; without it, the tree is not complete
"""

import contextlib
import os
import stat
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from torchyard.contracts import archives
from torchyard_worker import spooling
from torchyard_worker.open_files import in_use
from torchyard_worker.shim import processes, spool
from torchyard_worker.spooling import AttemptDirectory

log = structlog.get_logger()

#: In an attempt's directory: which tree `work/` was made of.
_TREE = "tree.json"
#: Below both, unpacking or copying anew takes no longer than putting back does.
_WORTH_FILES, _WORTH_BYTES = 500, 16 * 1024 * 1024
#: Seconds to wait for a tree that an ended job is about to give back, at most.
_PATIENCE = 2.0
#: Longer than a tick of the clock that file systems use: what is written later has another time.
_TICK_NS = 20_000_000

Marks = dict[str, list[int]]


@dataclass(frozen=True)
class _Kept:
    """A tree that waits for its next job."""

    sha256: str
    name: str
    bytes: int


class ArchiveCache:
    """Trees of unpacked archives; the least recently used go when there are too many bytes.

    A job gets a tree by a rename, and with it the right to change whatever it likes. When the job has ended,
    what it added is removed; if it left every file of the archive as it was, the tree waits for the next
    job, else it goes. So no two jobs ever have a file in common.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory.absolute()
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._returning: Counter[str] = Counter()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        #: Least recently used first.
        self._kept = self._found()

    def take(self, sha256: str, directory: AttemptDirectory) -> int | None:
        """Make a kept tree the attempt's `work/`, which is still empty.

        Returns:
            How many files it holds; None if no tree of this archive is kept.
        """
        kept = self._next(sha256)
        if kept is None:
            return None
        place = self._directory / sha256
        record = spool.read_json(str(place), f"{kept.name}.json") or {}
        (place / f"{kept.name}.json").unlink(missing_ok=True)
        try:
            (place / kept.name).rename(directory.work)
        except OSError as problem:  # a script or a person has been here
            log.warning("kept_archive_lost", sha256=sha256, reason=problem.strerror)
            return None
        if not record or _marks(directory.work) != record["marks"]:
            log.warning("kept_archive_changed", sha256=sha256)
            spooling.remove_tree(directory.work)
            directory.work.mkdir()
            return None
        _note(directory, sha256, record["marks"], record["bytes"])
        return sum(1 for mark in record["marks"].values() if stat.S_ISREG(mark[0]))

    def unpack(self, archive: Path, sha256: str, directory: AttemptDirectory) -> int:
        """Unpack an archive into the attempt's `work/`, which is still empty, to be kept afterwards.

        Returns:
            How many files it holds.

        Raises:
            ArchiveRejected: It is refused.
            TooLarge: So is one that is too large when unpacked.
        """
        files = len(archives.extract(archive, directory.work))
        self.keep_later(sha256, directory)
        return files

    def keep_later(self, sha256: str, directory: AttemptDirectory) -> None:
        """Have what was just put into the attempt's `work/` kept afterwards, if that is worth it."""
        marks = _marks(directory.work)
        sizes = [mark[2] for mark in marks.values() if stat.S_ISREG(mark[0])]
        if len(sizes) >= _WORTH_FILES or sum(sizes) >= _WORTH_BYTES:
            _wait_for_the_clock(marks)
            _note(directory, sha256, marks, sum(sizes))

    @contextlib.contextmanager
    def returning(self, directory: AttemptDirectory) -> Iterator[None]:
        """Have the attempt's tree back when the context ends well; who asks for it meanwhile waits for it."""
        record = directory.read(_TREE)
        if record is None:
            yield
            return
        sha256 = record["sha256"]
        with self._changed:
            self._returning[sha256] += 1
        try:
            yield
            kept = self._put_back(directory, record)
            with self._changed:
                self._kept += [kept] if kept else []
        finally:
            with self._changed:
                self._returning[sha256] -= 1
                self._changed.notify_all()
        self._make_room()

    def _next(self, sha256: str) -> _Kept | None:
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while True:
                found = next((kept for kept in reversed(self._kept) if kept.sha256 == sha256), None)
                if found is not None:
                    self._kept.remove(found)
                    return found
                left = deadline - time.monotonic()
                if not self._returning[sha256] or left <= 0:
                    return None
                self._changed.wait(left)

    def _put_back(self, directory: AttemptDirectory, record: dict[str, Any]) -> _Kept | None:
        """The attempt's tree, back in place; None if it can't be given to another job."""
        kept = _Kept(record["sha256"], uuid.uuid4().hex, record["bytes"])
        place = self._directory / kept.sha256
        place.mkdir(exist_ok=True, mode=0o700)
        tree = place / kept.name
        try:
            directory.work.rename(tree)
            # In this order: what was moved out of reach, and is in nobody's hands, stays as it is found.
            if in_use(tree, record["since"]):
                log.warning("archive_still_in_use", sha256=kept.sha256, attempt=directory.path.name)
            elif _clean(tree, record["marks"]):
                spool.write_json(str(place), f"{kept.name}.json", {**record, "boot": processes.boot_id()})
                return kept
        except OSError as problem:
            log.warning("archive_not_kept", sha256=kept.sha256, reason=problem.strerror)
        _remove(tree)
        return None

    def _make_room(self) -> None:
        with self._changed:
            too_many = sum(kept.bytes for kept in self._kept) - self._max_bytes
            gone = []
            while too_many > 0:
                gone.append(self._kept.pop(0))
                too_many -= gone[-1].bytes
        for kept in gone:
            (self._directory / kept.sha256 / f"{kept.name}.json").unlink(missing_ok=True)
            _remove(self._directory / kept.sha256 / kept.name)

    def _found(self) -> list[_Kept]:
        """What an earlier process left whole; everything else is removed."""
        records = sorted(self._directory.glob("*/*.json"), key=lambda path: path.stat().st_mtime_ns)
        kept = [found for path in records if (found := _read(path)) is not None]
        names = {(one.sha256, one.name) for one in kept}
        for path in self._directory.glob("*/*"):
            if (path.parent.name, path.name.removesuffix(".json")) not in names:
                _remove(path)
        return kept


def _read(path: Path) -> _Kept | None:
    record = spool.read_json(str(path.parent), path.name)
    # After a crash of the machine, a file's size and times may have been saved, and its content not.
    whole = record is not None and record["boot"] == processes.boot_id() and path.with_suffix("").is_dir()
    return _Kept(path.parent.name, path.stem, record["bytes"]) if record and whole else None


def _note(directory: AttemptDirectory, sha256: str, marks: Marks, total: int) -> None:
    since = time.clock_gettime(time.CLOCK_BOOTTIME)
    directory.write(_TREE, {"sha256": sha256, "bytes": total, "since": since, "marks": marks})


def _marks(root: Path) -> Marks:
    """What everything below `root` looks like; a file that was touched in any way looks different."""
    return {"": _mark(root.lstat())} | {path: _mark(found) for path, found in _everything(str(root))}


def _mark(found: os.stat_result) -> list[int]:
    if stat.S_ISREG(found.st_mode):
        # No program can set the change time; a write, a new mode, owner, name or link all do.
        return [found.st_mode, found.st_ino, found.st_size, found.st_ctime_ns]
    return [found.st_mode, found.st_uid, found.st_gid]


def _everything(root: str) -> Iterator[tuple[str, os.stat_result]]:
    """All below `root`; by strings, as there are tens of thousands."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(f"{root}/{folder}") as entries:
            for entry in entries:
                path, found = f"{folder}{entry.name}", entry.stat(follow_symlinks=False)
                yield path, found
                if stat.S_ISDIR(found.st_mode):
                    folders.append(f"{path}/")


def _clean(root: Path, marks: Marks) -> bool:
    """Remove what was added; whether all else is as it was."""
    if _mark(root.lstat()) != marks[""]:
        return False
    return _clean_folder(str(root), marks, "") and _marks(root).keys() == marks.keys()


def _clean_folder(root: str, marks: Marks, folder: str) -> bool:
    with os.scandir(f"{root}/{folder}") as listing:
        entries = list(listing)
    return all(_clean_entry(root, marks, f"{folder}{entry.name}", entry) for entry in entries)


def _clean_entry(root: str, marks: Marks, path: str, entry: os.DirEntry[str]) -> bool:
    if path not in marks:
        _remove(Path(entry.path))
        return True
    if _mark(entry.stat(follow_symlinks=False)) != marks[path]:
        return False
    return not entry.is_dir(follow_symlinks=False) or _clean_folder(root, marks, f"{path}/")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        spooling.remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def _wait_for_the_clock(marks: Marks) -> None:
    """Until whatever is changed from now on gets another time than it has."""
    newest = max((mark[3] for mark in marks.values() if len(mark) > 3), default=0)
    time.sleep(max(0, min(newest + _TICK_NS - time.time_ns(), _TICK_NS)) / 1e9)
