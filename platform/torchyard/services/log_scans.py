"""What was found out about logs, kept in memory so that a large one is looked through once as it grows."""

import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torchyard.domain.log_scanning import START, LinePattern, Mark, Match, View, step
from torchyard.errors import Unavailable

#: Scans that are kept; one of a log of 1 GiB has 4,096 marks, half a megabyte.
KEPT = 64
#: Scans that go on at once; each may keep a core busy.
AT_ONCE = 4
#: Seconds of looking in one request.
PATIENCE = 2.0
#: Bytes before a mark by which a log is known again: one may have been sent anew, and differ.
_KNOWN = 64


class Scan:
    """One log, looked through for one pattern, as far as there was time."""

    def __init__(self, pattern: LinePattern) -> None:
        self.pattern = pattern
        self.lock = threading.Lock()
        self._marks = [START]
        self._known = b""

    def look(self, view: View, expired: Callable[[], bool]) -> "Seen":
        """Go on where the last look ended, until the log's end or until the time is up."""
        last = self._marks[-1]
        if last.offset > view.stable or _before(view, last.offset) != self._known:
            self._marks = [START]
        self._marks += _steps(view, self._marks[-1], self.pattern, expired, final=False)
        self._known = _before(view, self._marks[-1].offset)
        # The rest changes with what is still to come: it is looked at, but not kept.
        rest = _steps(view, self._marks[-1], self.pattern, expired, final=True)
        return Seen(view, self.pattern, [*self._marks, *rest])


def _before(view: View, offset: int) -> bytes:
    start = max(0, offset - _KNOWN)
    return view.read(start, offset - start) if offset else b""


def _steps(
    view: View, mark: Mark, pattern: LinePattern, expired: Callable[[], bool], *, final: bool
) -> Iterator[Mark]:
    while not expired() and (seen := step(view, mark, pattern, final=final, expired=expired)):
        mark = seen.behind
        yield mark


@dataclass(frozen=True)
class Seen:
    """What a look through a log told: marks over the bytes that were seen; the rest is read again."""

    view: View
    pattern: LinePattern
    marks: list[Mark]

    @property
    def end(self) -> Mark:
        """Behind all that was seen."""
        return self.marks[-1]

    @property
    def complete(self) -> bool:
        """Whether all was seen."""
        return self.end.offset >= self.view.size

    @property
    def lines(self) -> int:
        """Lines that were seen; the last one may have no end."""
        return self.end.lines + (self.end.offset > self.end.line_start)

    def block_at(self, offset: int) -> int:
        """The number of the block that holds the byte."""
        return max(0, bisect_right(self.marks, offset, key=lambda mark: mark.offset) - 1)

    def block_of_line(self, line: int) -> int:
        """The number of the block in which the line begins."""
        ends = line - 1
        found = bisect_right(self.marks, ends - 1, key=lambda mark: mark.lines) - 1 if ends else 0
        return max(0, found)

    def block(self, number: int) -> bytes:
        """The bytes between a mark and the next one."""
        if number + 1 >= len(self.marks):
            return b""
        start, end = self.marks[number].offset, self.marks[number + 1].offset
        return self.view.read(start, end - start)

    def matches_in(self, number: int) -> list[Match]:
        """The matches that begin between a mark and the next one."""
        if number + 1 >= len(self.marks):
            return []
        here, behind = self.marks[number], self.marks[number + 1]
        if here.matches == behind.matches:
            return []
        seen = step(self.view, here, self.pattern, final=True, before=behind.offset)
        return list(seen.found) if seen else []

    def forward(self, start: int, stop: int) -> Iterator[Match]:
        """Matches that begin at `start` or behind it, before `stop`."""
        for number in range(self.block_at(start), len(self.marks) - 1):
            if self.marks[number].offset >= stop:
                return
            yield from (match for match in self.matches_in(number) if start <= match.offset < stop)

    def backward(self, start: int, stop: int) -> Iterator[Match]:
        """The same, the last one first."""
        for number in range(self.block_at(stop), -1, -1):
            inside = (match for match in reversed(self.matches_in(number)) if start <= match.offset < stop)
            yield from inside
            if self.marks[number].offset <= start:
                return

    def number_of(self, match: Match) -> int:
        """Which of all matches it is, from 1."""
        block = self.block_at(match.offset)
        before = sum(one.offset < match.offset for one in self.matches_in(block))
        return self.marks[block].matches + before + 1


@dataclass(frozen=True)
class LogScans:
    """The scans that are kept, the one used last at the end."""

    _scans: OrderedDict[object, Scan] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))

    @contextmanager
    def looking(
        self, log: object, pattern: LinePattern, view: View, *, patience: float = PATIENCE
    ) -> Iterator[Seen]:
        """What is known of a log, looked through as far as `patience` seconds allow.

        Args:
            log: What the log is known by.
            pattern: What to look for.
            view: The log's bytes.
            patience: Seconds.

        Raises:
            Unavailable: `busy`: many others are searching.
        """
        if not self._places.acquire(timeout=patience):
            raise Unavailable("many searches are going on", code="busy", hint="try again in some seconds")
        try:
            scan = self._scan((log, pattern.key), pattern)
            deadline = time.monotonic() + patience
            if not scan.lock.acquire(timeout=patience):
                raise Unavailable("many searches are going on", code="busy", hint="try again in some seconds")
            try:
                seen = scan.look(view, lambda: time.monotonic() > deadline)
            finally:
                scan.lock.release()
            yield seen
        finally:
            self._places.release()

    def _scan(self, key: object, pattern: LinePattern) -> Scan:
        with self._lock:
            scan = self._scans.pop(key, None) or Scan(pattern)
            self._scans[key] = scan
            if len(self._scans) > KEPT:
                self._scans.popitem(last=False)
        return scan
