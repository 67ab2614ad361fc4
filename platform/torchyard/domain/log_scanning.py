"""Looking through a log block by block: where its lines begin, and where a pattern matches within them.

A pattern is RE2's, so that its time is linear in what it looks at, whatever it says. It sees one line at a
time: no match spans two. Empty matches don't count, and a byte that is no UTF-8 is no character. Of a line
that is longer than a block, a match of more than `OVERLAP` bytes may be told in parts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import re2

from torchyard.errors import FieldInvalid

#: Bytes looked at in one step; what is remembered of a log has one `Mark` for each.
BLOCK = 256 * 1024
#: Bytes of a long line that two neighbouring steps both see.
OVERLAP = 4 * 1024
#: Characters of a pattern.
MAX_PATTERN = 1_000
#: Instructions of a compiled pattern: RE2's slow way, taken where a pattern has too many states, costs this
#: times the bytes.
MAX_PROGRAM = 3_000
#: Instructions times bytes in one step: about a third of a second of the slow way.
_MAX_STEPS = 48_000_000
#: Bytes that RE2 may use for one pattern; all that is compiled at a time is 128 patterns.
_MAX_MEMORY = 1024 * 1024


class Mark(NamedTuple):
    """A place in a log, and what lies before it."""

    offset: int
    #: Line ends.
    lines: int
    #: Where the line that holds the place begins.
    line_start: int
    matches: int


class Match(NamedTuple):
    """One match of a pattern; offsets in bytes, the first line is 1."""

    offset: int
    length: int
    line: int
    line_offset: int


START = Mark(0, 0, 0, 0)


@dataclass(frozen=True)
class View:
    """A log's bytes, as they are at present."""

    #: Gives at most so many bytes from an offset on: `read(offset, length)`.
    read: Callable[[int, int], bytes]
    size: int
    #: Bytes from the beginning that can't change any more; a secret behind them may be about to be masked.
    stable: int


class LinePattern:
    """What to look for.

    Args:
        pattern: A regular expression in RE2's syntax, or a plain text.
        regex: Which of the two it is.
        case: Whether upper and lower case differ.

    Raises:
        FieldInvalid: `pattern_invalid` or `pattern_too_complex`.
    """

    overlap = OVERLAP

    def __init__(self, pattern: str, *, regex: bool, case: bool) -> None:
        options = re2.Options()
        options.max_mem = _MAX_MEMORY
        options.log_errors = False
        options.never_nl = True
        options.never_capture = True
        options.case_sensitive = case
        self.key = (pattern, regex, case)
        wanted = pattern if regex else re2.escape(pattern)
        try:
            self._compiled = re2.compile(f"(?m){wanted}".encode(), options)
        except UnicodeEncodeError as wrong:
            raise FieldInvalid("the pattern is no text", code="pattern_invalid", field="pattern") from wrong
        except re2.error as wrong:
            raise FieldInvalid(
                f"the pattern can't be used: {_told(wrong)}", code="pattern_invalid", field="pattern"
            ) from wrong
        if self._compiled.programsize > MAX_PROGRAM:
            raise FieldInvalid(
                "the pattern is too complex",
                code="pattern_too_complex",
                field="pattern",
                hint="use smaller repetitions, as `x{1,10}`",
            )
        self.block = max(4 * OVERLAP, min(BLOCK, _MAX_STEPS // max(self._compiled.programsize, 1)))

    def spans(self, data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """Matches between `start` and `stop`, the empty ones too; what stands around them is context."""
        for match in self._compiled.finditer(data, start, stop):
            yield match.span()


class _NoPattern(LinePattern):
    """Matches nowhere."""

    block = BLOCK

    def __init__(self) -> None:
        self.key = ("", True, True)

    def spans(self, data: bytes, start: int, stop: int) -> Iterator[tuple[int, int]]:
        """None."""
        return iter(())


#: To count lines only.
LINES: LinePattern = _NoPattern()


@dataclass(frozen=True)
class Step:
    """What a step saw."""

    mark: Mark
    #: The log's bytes, from the one before the mark on; positions below are positions in here.
    data: bytes
    spans: list[tuple[int, int]]
    stop: int

    @property
    def behind(self) -> Mark:
        """The mark behind what was seen."""
        match = self._place(1, self.stop, self.mark.lines, self.mark.line_start)
        return Mark(
            self.mark.offset + self.stop - 1,
            match.line - 1,
            match.line_offset,
            self.mark.matches + len(self.spans),
        )

    @property
    def found(self) -> Iterator[Match]:
        """The matches."""
        at, lines, line_start = 1, self.mark.lines, self.mark.line_start
        for start, end in self.spans:
            place = self._place(at, start, lines, line_start)
            at, lines, line_start = start, place.line - 1, place.line_offset
            yield place._replace(length=end - start)

    def _place(self, at: int, start: int, lines: int, line_start: int) -> Match:
        """An empty match at `start`; `lines` and `line_start` are those of `at`, which lies before it."""
        last = self.data.rfind(b"\n", at, start)
        return Match(
            self.mark.offset + start - 1,
            0,
            lines + self.data.count(b"\n", at, start) + 1,
            self.mark.offset + last if last >= 0 else line_start,
        )


def step(
    view: View,
    mark: Mark,
    pattern: LinePattern,
    *,
    final: bool,
    expired: Callable[[], bool] = lambda: False,
    before: int | None = None,
) -> Step | None:
    """Look at the block that follows `mark`.

    Args:
        view: The log.
        mark: Where to begin.
        pattern: What to look for.
        final: Whether to go on to the log's present end; if not, only whole blocks of stable bytes count.
        expired: Whether the time is up: the step ends early then.
        before: Matches that begin here or behind it are not looked for.

    Returns:
        None if there is nothing to look at, or the time was up at once.
    """
    length = min(pattern.block, (view.size if final else view.stable) - mark.offset)
    if length <= 0 or (length < pattern.block and not final):
        return None
    # One byte on either side is context, so that `^`, `$` and `\b` are right at the edges.
    context = 1 if mark.offset else 0
    data = view.read(mark.offset - context, context + length + 1)
    data = data if context else b"\n" + data
    if len(data) < length + 1:
        return None  # the log was cut off meanwhile
    data = data if len(data) > length + 1 else data + b"\n"
    stop = until = data.rfind(b"\n", 1, length + 1) + 1
    if not stop:  # the block lies within one line
        until = length + 1
        stop = until - (pattern.overlap if length == pattern.block else 0)
    if before is not None:
        stop = min(stop, before - mark.offset + 1)
    spans, stop = _within(pattern, data, stop, until, expired)
    return Step(mark, data, spans, stop) if stop > 1 else None


def _within(
    pattern: LinePattern, data: bytes, stop: int, until: int, expired: Callable[[], bool]
) -> tuple[list[tuple[int, int]], int]:
    """Matches in `data` that begin before `stop`, and where to go on."""
    spans: list[tuple[int, int]] = []
    for start, end in pattern.spans(data, 1, until):
        if start >= stop:
            break
        if end > start:
            spans.append((start, end))
        if expired():
            return spans, end
    return spans, max(stop, spans[-1][1] if spans else 0)


def _told(wrong: re2.error) -> str:
    told = wrong.args[0] if wrong.args else b""
    text = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    return text.replace("(?m)", "", 1)
