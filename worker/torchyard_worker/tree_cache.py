"""Trees of files that go from job to job: each belongs to one job at a time, and is never shared.

$TORCHYARD_WORKER_HOME/trees/<key>/
    <name>/         dependencies or installed packages, waiting for the next job
    <name>.json     what each of its files has to look like; without it, the tree is not complete

Beside a tree that a job has lies what is known of it: <attempt>/work.json, <attempt>/venv.json.
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

from torchyard_worker import spooling
from torchyard_worker.open_files import in_use
from torchyard_worker.shim import processes, spool

log = structlog.get_logger()

#: Below both, making it anew takes no longer than putting back does.
_WORTH_FILES, _WORTH_BYTES = 500, 16 * 1024 * 1024
#: Seconds to wait for a tree that an ended job is about to give back, at most.
_PATIENCE = 2.0
#: Longer than a tick of the clock that file systems use: what is written later has another time.
_TICK_NS = 20_000_000

Marks = dict[str, list[int]]


@dataclass(frozen=True)
class _Kept:
    """A tree that waits for its next job."""

    key: str
    name: str
    bytes: int


class TreeCache:
    """Trees by keys that say what is in them; the least recently used go when there are too many bytes.

    A job gets a tree by a rename, and with it the right to change whatever it likes. When the job has ended,
    what it added is removed; if it left every file of the tree as it was, the tree waits for the next job,
    else it goes. So no two jobs ever have a file in common.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory.absolute()
        self._max_bytes = max_bytes
        self._changed = threading.Condition()
        self._returning: Counter[str] = Counter()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        #: Least recently used first.
        self._kept = self._found()

    def has(self, beginning: str) -> bool:
        """Whether a tree waits, or is about to, whose key begins like this."""
        with self._changed:
            keys = [*(kept.key for kept in self._kept), *self._returning]
            return any(key.startswith(beginning) for key in keys)

    def take(self, key: str, place: Path) -> int | None:
        """Make a kept tree the directory `place` of an attempt, where nothing or an empty one is.

        Returns:
            How many files it holds; None if no tree of this key is kept.
        """
        kept = self._next(key)
        if kept is None:
            return None
        shelf = self._directory / key
        record = spool.read_json(str(shelf), f"{kept.name}.json") or {}
        (shelf / f"{kept.name}.json").unlink(missing_ok=True)
        try:
            (shelf / kept.name).rename(place)
        except OSError as problem:  # a script or a person has been here
            log.warning("kept_tree_lost", key=key, reason=problem.strerror)
            return None
        if not record or marks(place) != record["marks"]:
            log.warning("kept_tree_changed", key=key)
            spooling.remove_tree(place)
            place.mkdir()
            return None
        _note(place, key, record["marks"], record["bytes"])
        return sum(1 for mark in record["marks"].values() if stat.S_ISREG(mark[0]))

    def keep_later(self, key: str, place: Path, own: Marks | None = None) -> None:
        """Have what was just put into `place` of an attempt kept afterwards, if that is worth it.

        Args:
            key: Says what it is; no two trees of one key differ.
            place: The directory.
            own: What was there before. Its files are the attempt's alone; if they have changed, the tree is
                not one that others could have.
        """
        own, found = own or {}, marks(place)
        if any(found.get(path) != mark for path, mark in own.items()):
            return
        tree = {path: mark for path, mark in found.items() if path not in own or stat.S_ISDIR(mark[0])}
        sizes = [mark[2] for mark in tree.values() if stat.S_ISREG(mark[0])]
        if len(sizes) >= _WORTH_FILES or sum(sizes) >= _WORTH_BYTES:
            _wait_for_the_clock(tree)
            _note(place, key, tree, sum(sizes))

    @contextlib.contextmanager
    def returning(self, place: Path) -> Iterator[None]:
        """Have the attempt's tree back when the context ends well; who asks for it meanwhile waits for it."""
        record = spool.read_json(str(place.parent), _beside(place))
        if record is None:
            yield
            return
        key = record["key"]
        with self._changed:
            self._returning[key] += 1
        try:
            yield
            kept = self._put_back(place, record)
            with self._changed:
                self._kept += [kept] if kept else []
        finally:
            with self._changed:
                self._returning -= Counter((key,))
                self._changed.notify_all()
        self._make_room()

    def _next(self, key: str) -> _Kept | None:
        deadline = time.monotonic() + _PATIENCE
        with self._changed:
            while True:
                found = next((kept for kept in reversed(self._kept) if kept.key == key), None)
                if found is not None:
                    self._kept.remove(found)
                    return found
                left = deadline - time.monotonic()
                if not self._returning[key] or left <= 0:
                    return None
                self._changed.wait(left)

    def _put_back(self, place: Path, record: dict[str, Any]) -> _Kept | None:
        """The attempt's tree, back on its shelf; None if it can't be given to another job."""
        kept = _Kept(record["key"], uuid.uuid4().hex, record["bytes"])
        shelf = self._directory / kept.key
        shelf.mkdir(exist_ok=True, mode=0o700)
        tree = shelf / kept.name
        try:
            place.rename(tree)
            # In this order: what was moved out of reach, and is in nobody's hands, stays as it is found.
            if in_use(tree, record["since"]):
                log.warning("tree_still_in_use", key=kept.key, attempt=place.parent.name)
            elif _clean(tree, record["marks"]):
                spool.write_json(str(shelf), f"{kept.name}.json", {**record, "boot": processes.boot_id()})
                return kept
        except OSError as problem:
            log.warning("tree_not_kept", key=kept.key, reason=problem.strerror)
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
            (self._directory / kept.key / f"{kept.name}.json").unlink(missing_ok=True)
            _remove(self._directory / kept.key / kept.name)

    def _found(self) -> list[_Kept]:
        """What an earlier process left whole; everything else is removed."""
        records = sorted(self._directory.glob("*/*.json"), key=lambda path: path.stat().st_mtime_ns)
        kept = [found for path in records if (found := _read(path)) is not None]
        names = {(one.key, one.name) for one in kept}
        for path in self._directory.glob("*/*"):
            if (path.parent.name, path.name.removesuffix(".json")) not in names:
                _remove(path)
        return kept


def marks(root: Path) -> Marks:
    """What everything below `root` looks like; a file that was touched in any way looks different."""
    return {"": _mark(root.lstat())} | {path: _mark(found) for path, found in _everything(str(root))}


def _read(path: Path) -> _Kept | None:
    record = spool.read_json(str(path.parent), path.name)
    # After a crash of the machine, a file's size and times may have been saved, and its content not.
    whole = record is not None and record["boot"] == processes.boot_id() and path.with_suffix("").is_dir()
    return _Kept(path.parent.name, path.stem, record["bytes"]) if record and whole else None


def _beside(place: Path) -> str:
    return f"{place.name}.json"


def _note(place: Path, key: str, tree: Marks, total: int) -> None:
    since = time.clock_gettime(time.CLOCK_BOOTTIME)
    record = {"key": key, "bytes": total, "since": since, "marks": tree}
    spool.write_json(str(place.parent), _beside(place), record)


def _mark(found: os.stat_result) -> list[int]:
    if stat.S_ISDIR(found.st_mode):
        return [found.st_mode, found.st_uid, found.st_gid]
    # No program can set the change time; a write, a new mode, owner, name or link all do.
    return [found.st_mode, found.st_ino, found.st_size, found.st_ctime_ns]


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


def _clean(root: Path, tree: Marks) -> bool:
    """Remove what was added; whether all else is as it was."""
    if _mark(root.lstat()) != tree[""]:
        return False
    return _clean_folder(str(root), tree, "") and marks(root).keys() == tree.keys()


def _clean_folder(root: str, tree: Marks, folder: str) -> bool:
    with os.scandir(f"{root}/{folder}") as listing:
        entries = list(listing)
    return all(_clean_entry(root, tree, f"{folder}{entry.name}", entry) for entry in entries)


def _clean_entry(root: str, tree: Marks, path: str, entry: os.DirEntry[str]) -> bool:
    if path not in tree:
        _remove(Path(entry.path))
        return True
    if _mark(entry.stat(follow_symlinks=False)) != tree[path]:
        return False
    return not entry.is_dir(follow_symlinks=False) or _clean_folder(root, tree, f"{path}/")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        spooling.remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def _wait_for_the_clock(tree: Marks) -> None:
    """Until whatever is changed from now on gets another time than it has."""
    newest = max((mark[3] for mark in tree.values() if len(mark) > 3), default=0)
    time.sleep(max(0, min(newest + _TICK_NS - time.time_ns(), _TICK_NS)) / 1e9)
