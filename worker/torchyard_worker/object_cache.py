"""Objects the worker has fetched from storages: whole, checked, and bounded in size.

Where the file system can share blocks, a job gets a copy that costs nothing. Elsewhere it gets the file
itself, by a rename, and with it the right to change it: copies of a large data set would take as long as
fetching it, and twice its space. When the job has ended, a file that it left as it was comes back. So no
two jobs ever have a file in common, and what a job changed is fetched again.

Nothing here relies on an orderly end. A file is in the cache or in one attempt's directory, never in both;
what an attempt was lent is written down there, and a later process takes it back as well.
"""

import contextlib
import functools
import os
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from torchyard_worker import placing
from torchyard_worker.open_files import in_use
from torchyard_worker.shim import processes
from torchyard_worker.spooling import AttemptDirectory

log = structlog.get_logger()

#: In an attempt's directory: which objects it was lent, and what they looked like.
_LOANS = "objects.json"
#: In the cache: which start of the machine its files were written under.
_BOOT = "boot"
_PART = ".part"
#: Seconds between two looks at whether one who waits for another's download still wants it.
_LOOK_SECONDS = 0.2
#: Longer than a tick of the clock that file systems use: what is written later has another time.
_TICK_NS = 20_000_000

Fetch = Callable[[Path], None]
Mark = list[int]
#: Where in a mark size and change time stand.
_SIZE, _CHANGED = 2, 3


@dataclass
class _Use:
    """How many are about an object, and who of them has it in hand."""

    count: int = 0
    turn: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Loan:
    """Where an object is that a job has, and what it looked like."""

    name: str
    path: Path
    mark: Mark


class HeldObject:
    """A file with an object's bytes, not to be changed.

    Attributes:
        name: The object's identity.
        path: The file.
        known: Whether nothing had to be fetched for it.
        loan: What became of the file, if a job has it.
    """

    def __init__(self, name: str, path: Path, *, known: bool) -> None:
        self.name = name
        self.path = path
        self.known = known
        self.loan: Loan | None = None


class ObjectCache:
    """Files named by their objects' identities; the least recently used go when there are too many bytes."""

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._changed = threading.Condition()
        #: Attempts whose loans are being taken back.
        self._returning = 0
        self._uses: dict[str, _Use] = {}
        self._loans: dict[str, Loan] = {}
        # All in one directory: file systems spread directories over the disk, which makes new files slow.
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._forget_what_may_be_broken()
        found = [(path.name, path.stat()) for path in directory.iterdir() if path.name != _BOOT]
        found.sort(key=lambda file: file[1].st_mtime_ns)
        #: Sizes, the least recently used first; kept here, as asking the disk for thousands takes long.
        self._sizes = OrderedDict((name, stat.st_size) for name, stat in found)
        self._total = sum(self._sizes.values())
        self._shares = placing.can_share(directory)

    @contextlib.contextmanager
    def holding(
        self, name: str, size: int, fetch: Fetch, keep_going: Callable[[], None]
    ) -> Iterator[HeldObject]:
        """The object in hand, while the context lasts; fetched if need be.

        Args:
            name: Its identity.
            size: Its bytes.
            fetch: Writes it, whole and checked, to a path.
            keep_going: Called while another thread has it in hand; what it raises ends the waiting.
        """
        part = self._directory / f"{name}.{uuid.uuid4().hex}{_PART}"
        try:
            with self._turn(name, keep_going):
                found = self._found(name, size, part, keep_going)
                if found is None:
                    fetch(part)
                held = HeldObject(name, found or part, known=found is not None)
                try:
                    yield held
                finally:
                    if held.path == part and held.loan is None:
                        self._keep(name, part, size)
        finally:
            part.unlink(missing_ok=True)
            self._make_room()

    def place(self, held: HeldObject, target: Path, keep_going: Callable[[], None]) -> None:
        """Make `target` the object, for a job to do with as it likes.

        Raises:
            FileExistsError: There is something.
        """
        if self._shares or not self._hand_over(held, target):
            placing.copy(held.path, target, keep_going)

    def note(self, directory: AttemptDirectory, loans: dict[str, Loan], since: float) -> None:
        """Write down in an attempt's directory what is to come back; to be done before its script starts.

        Args:
            directory: The attempt's.
            loans: All that it was lent so far, by the paths below `work/`.
            since: When the first of them got there (`CLOCK_BOOTTIME`).
        """
        if not loans:
            return
        newest = max(loan.mark[_CHANGED] for loan in loans.values())
        time.sleep(max(0, min(newest + _TICK_NS - time.time_ns(), _TICK_NS)) / 1e9)
        lent = {place: [loan.name, *loan.mark] for place, loan in loans.items()}
        with contextlib.suppress(OSError):  # a full disk: what is not noted does not come back
            directory.write(_LOANS, {"since": since, "boot": processes.boot_id(), "lent": lent})

    def remember(self, directory: AttemptDirectory) -> None:
        """Know what an attempt has that an earlier process began: other jobs get copies of it."""
        record = _record(directory)
        if record is not None:
            for place, (name, *before) in record["lent"].items():
                self._loans.setdefault(name, Loan(name, directory.work / place, before))

    def take_back(self, directory: AttemptDirectory) -> None:
        """Have back what an attempt that has ended was lent, if it left it as it was."""
        record = _record(directory)
        if record is None:
            return
        with self._changed:
            self._returning += 1
        try:
            self._take_all_back(directory, record)
        except OSError as problem:
            log.warning("objects_lost", attempt=directory.path.name, reason=problem.strerror)
        finally:
            for place, (name, *_) in record["lent"].items():
                self._forget(name, directory.work / place)
            with self._changed:
                self._returning -= 1
                self._changed.notify_all()
        self._make_room()

    def _take_all_back(self, directory: AttemptDirectory, record: dict[str, Any]) -> None:
        aside = directory.path / "aside"
        # In this order: what was moved out of reach, and is in nobody's hands, stays as it is found.
        if not aside.exists():  # else a process was killed right here
            directory.work.rename(aside)
        try:
            if in_use(aside.resolve(), record["since"]):
                log.warning("objects_still_in_use", attempt=directory.path.name)
                return
            at_home = functools.cache(lambda folder: _is_plain(aside, folder))
            for place, (name, *before) in record["lent"].items():
                # What a script moved elsewhere, leaving a link, is elsewhere for a reason.
                if at_home(os.path.dirname(place)):  # noqa: PTH120 - there are thousands
                    self._return(name, aside / place, before)
        finally:
            aside.rename(directory.work)

    def _return(self, name: str, file: Path, before: Mark) -> None:
        with self._lock, contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if name not in self._sizes and mark(file) == before:
                file.rename(self._directory / name)
                self._count(name, before[_SIZE])

    def _hand_over(self, held: HeldObject, target: Path) -> bool:
        """Whether the file itself is in its place now."""
        with self._lock:
            if not placing.move(held.path, target):
                return False
            if held.path == self._directory / held.name:
                self._total -= self._sizes.pop(held.name, 0)
            held.loan = self._loans[held.name] = Loan(held.name, target, mark(target))
        return True

    def _keep(self, name: str, part: Path, size: int) -> None:
        with self._lock:
            part.replace(self._directory / name)
            self._count(name, size)

    def _forget(self, name: str, path: Path) -> None:
        """No job has it there any more."""
        with self._lock:
            if name in self._loans and self._loans[name].path == path:
                del self._loans[name]

    def _found(self, name: str, size: int, part: Path, keep_going: Callable[[], None]) -> Path | None:
        """A file with the object's bytes, if this machine has one: the cache's, or `part` as a copy."""
        if self._have(name, size):
            return self._directory / name
        if self._copied_from_its_borrower(name, part, keep_going):
            return part
        with self._changed:
            while self._returning:
                self._changed.wait(_LOOK_SECONDS)
                keep_going()
        return self._directory / name if self._have(name, size) else None

    def _have(self, name: str, size: int) -> bool:
        """Whether it is there, whole."""
        with self._lock:
            if name not in self._sizes:
                return False
            self._sizes.move_to_end(name)
        path = self._directory / name
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == size:
                os.utime(path)
                return True
        with self._lock:
            self._total -= self._sizes.pop(name, 0)
        path.unlink(missing_ok=True)
        return False

    def _copied_from_its_borrower(self, name: str, part: Path, keep_going: Callable[[], None]) -> bool:
        """Whether a job that runs has it, as it was; then `part` is a copy."""
        loan = self._loans.get(name)
        if loan is None:
            return False
        with contextlib.suppress(FileNotFoundError):
            placing.copy(loan.path, part, keep_going)
            if mark(loan.path) == loan.mark and part.stat().st_size == loan.mark[_SIZE]:
                return True
        self._forget(name, loan.path)
        part.unlink(missing_ok=True)
        return False

    @contextlib.contextmanager
    def _turn(self, name: str, keep_going: Callable[[], None]) -> Iterator[None]:
        """One thread after the other has an object in hand."""
        with self._lock:
            use = self._uses.setdefault(name, _Use())
            use.count += 1
        try:
            while not use.turn.acquire(timeout=_LOOK_SECONDS):
                keep_going()
            try:
                yield
            finally:
                use.turn.release()
        finally:
            with self._lock:
                use.count -= 1
                if not use.count:
                    del self._uses[name]

    def _count(self, name: str, size: int) -> None:
        self._total += size - self._sizes.pop(name, 0)
        self._sizes[name] = size

    def _make_room(self) -> None:
        with self._lock:
            if self._total <= self._max_bytes:
                return
            for name in [name for name in self._sizes if name not in self._uses]:
                (self._directory / name).unlink(missing_ok=True)
                self._total -= self._sizes.pop(name)
                if self._total <= self._max_bytes:
                    return

    def _forget_what_may_be_broken(self) -> None:
        boot = self._directory / _BOOT
        # After a crash of the machine, a file's size may have been saved, and its content not.
        whole = boot.exists() and boot.read_text() == processes.boot_id()
        for path in self._directory.iterdir():
            if path.name != _BOOT and (path.suffix == _PART or not whole):
                path.unlink()
        if not whole:
            with contextlib.suppress(OSError):  # a full disk: then the next process trusts nothing either
                boot.write_text(processes.boot_id())


def _record(directory: AttemptDirectory) -> dict[str, Any] | None:
    """What an attempt was lent, if that was since the machine's start."""
    record = directory.read(_LOANS)
    return record if record is not None and record["boot"] == processes.boot_id() else None


def _is_plain(root: Path, folder: str) -> bool:
    """Whether no link leads from `root` to its folder."""
    return (root / folder).resolve() == root.resolve() / folder


def mark(path: Path) -> Mark:
    """What a file looks like; one that was touched in any way looks different."""
    found = path.lstat()
    # No program can set the change time; a write, a new mode, owner, name or link all do.
    return [found.st_mode, found.st_ino, found.st_size, found.st_ctime_ns]
