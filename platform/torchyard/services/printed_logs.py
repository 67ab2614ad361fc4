"""What was read of scripts' output, kept in memory so that each line is read once as a log grows."""

import re
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torchyard.contracts.logs import Piece
from torchyard.domain.line_hints import may_say
from torchyard.domain.log_scanning import View
from torchyard.domain.printed_numbers import MAX_LINE
from torchyard.domain.series import Printed
from torchyard.errors import Unavailable

#: Logs of which what was read is kept; one takes 20 MB at the very most, and some kilobytes as a rule.
KEPT = 64
#: Logs that are read at once, and seconds of reading in one request: it takes a core, and Python's lock.
AT_ONCE = 2
PATIENCE = 0.3
#: Bytes read at once, and lines between two looks at the clock.
_BLOCK, _LINES = 256 * 1024, 200
#: Bytes before the place that was reached by which a log is known again: it may have been sent anew.
_KNOWN = 64
#: Bytes of a line that is read: a character has four at most.
_MAX_BYTES = 4 * MAX_LINE
#: A line ends where a terminal begins to write over it, too: a progress bar is a line each time it is drawn.
_LINE = re.compile(rb"[^\r\n\x08]+")
_DIGIT = re.compile(rb"\d")

#: Gives the pieces that cover a range of the log.
Pieces = Callable[[int, int], list[Piece]]


class Reading:
    """One log, read as far as there was time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._restart(0)

    def _restart(self, restarts: int) -> None:
        self.restarts = restarts
        self.printed = Printed()
        #: Where to go on: the beginning of a line, or the middle of one that is too long.
        self.offset = 0
        self._known = b""
        self._within = False
        #: Whether the last look saw all there was.
        self.caught_up = False

    def look(self, view: View, pieces: Pieces, expired: Callable[[], bool], *, final: bool) -> None:
        """Go on where the last look ended.

        Args:
            view: The log's bytes.
            pieces: When they arrived.
            expired: Whether the time is up.
            final: Whether nothing will follow, so that the last line is whole.
        """
        end = view.size if final else view.stable
        if self.offset > end or _before(view, self.offset) != self._known:
            self._restart(self.restarts + 1)
        self.caught_up = False
        while self.offset < end and not expired():
            before = self.offset
            data = view.read(self.offset, min(_BLOCK, end - self.offset))
            self._block(data, pieces, expired, final=final and self.offset + len(data) >= end)
            if self.offset == before:  # a line that has not ended yet
                self.caught_up = True
                break
        self.caught_up = self.caught_up or self.offset >= end
        self._known = _before(view, self.offset)

    def _block(self, data: bytes, pieces: Pieces, expired: Callable[[], bool], *, final: bool) -> None:
        base = self.offset
        stop = max(data.rfind(b"\n"), data.rfind(b"\r"), data.rfind(b"\x08")) + 1
        if final:
            stop = len(data)
        if stop == 0:
            if len(data) == _BLOCK:  # a line that is longer than a block
                self.offset, self._within = base + len(data), True
            return
        times = _Times(pieces, base, base + stop)
        for count, found in enumerate(_LINE.finditer(data, 0, stop), 1):
            rest_of_long = self._within and found.start() == 0
            if found.end() - found.start() <= _MAX_BYTES and not rest_of_long and self._worth(found[0]):
                offset = base + found.start()
                self.printed.add(found[0].decode(errors="replace"), offset, times.at(offset))
            if count % _LINES == 0 and expired():
                self.offset, self._within = base + found.end(), False
                return
        self.offset, self._within = base + stop, False

    def _worth(self, line: bytes) -> bool:
        if self.printed.in_traceback or b"Traceback" in line:
            return True
        return bool(_DIGIT.search(line)) and may_say(line)


class _Times:
    """When the bytes of a block arrived; asked of the store only if there is something to tell."""

    def __init__(self, pieces: Pieces, start: int, end: int) -> None:
        self._ask, self._range = pieces, (start, end)
        self._pieces: list[Piece] | None = None

    def at(self, offset: int) -> int:
        if self._pieces is None:
            self._pieces = self._ask(*self._range)
        found = bisect_right(self._pieces, offset, key=lambda piece: piece.offset) - 1
        return self._pieces[found].time_ms if found >= 0 else -1


def _before(view: View, offset: int) -> bytes:
    start = max(0, offset - _KNOWN)
    return view.read(start, offset - start) if offset else b""


@dataclass(frozen=True)
class PrintedLogs:
    """What is kept of logs, the one used last at the end."""

    _readings: OrderedDict[object, Reading] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))

    @contextmanager
    def looking(
        self, log: object, view: View, pieces: Pieces, *, final: bool, patience: float = PATIENCE
    ) -> Iterator[Reading]:
        """What is known of a log, read as far as `patience` seconds allow; nobody else has it meanwhile.

        Args:
            log: What the log is known by.
            view: Its bytes.
            pieces: When they arrived.
            final: Whether it has ended.
            patience: Seconds.

        Raises:
            Unavailable: `busy`: many others are being read.
        """
        reading = self._reading(log)
        if not reading.lock.acquire(timeout=4 * patience):
            raise Unavailable("this log is being read", code="busy", hint="try again in some seconds")
        try:
            if not self._places.acquire(timeout=4 * patience):
                raise Unavailable("many logs are being read", code="busy", hint="try again in some seconds")
            try:
                deadline = time.monotonic() + patience
                reading.look(view, pieces, lambda: time.monotonic() > deadline, final=final)
            finally:
                self._places.release()
            yield reading
        finally:
            reading.lock.release()

    def _reading(self, log: object) -> Reading:
        with self._lock:
            reading = self._readings.pop(log, None) or Reading()
            self._readings[log] = reading
            if len(self._readings) > KEPT:
                self._readings.popitem(last=False)
        return reading
