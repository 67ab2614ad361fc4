"""Points that come one after the other and are kept as a curve of bounded size."""

import math
from array import array
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import NamedTuple

from torchyard.contracts.series import MAX_POINTS, Counted


class Point(NamedTuple):
    """One number, and where it was printed."""

    step: float
    value: float
    #: Where in stdout.log its line begins.
    offset: int
    #: When it arrived, in milliseconds since 1970; -1 if nobody knows.
    at: int
    #: 1 for the curve's first.
    ordinal: int = 0


class Again(Enum):
    """What another number for the same step means."""

    #: It was printed twice, as by every process of a distributed training.
    SAME = "same"
    #: A progress bar was drawn again.
    NEWER = "newer"
    #: Nothing was said about steps: there are several in an epoch.
    NEXT = "next"


class Curve:
    """The numbers of one name, each with its step; steps grow.

    Of many points, the lowest and the highest of each few are kept. Where steps don't grow, as they begin
    again, the points' order counts instead.

    Args:
        name: What was printed before the numbers.
        counts: What its steps are.
        percent: Whether a percent sign was printed behind them.
    """

    def __init__(self, name: str, counts: Counted, *, percent: bool) -> None:
        self.name, self.percent = name, percent
        self.begun_as = counts
        self.counts: Counted = counts
        #: Numbers in all.
        self.total = 0
        #: How often points changed that were told before.
        self.changes = 0
        self._steps, self._values = array("d"), array("d")
        self._offsets, self._times, self._ordinals = array("q"), array("q"), array("q")
        #: Points that two kept ones stand for, halved; and what came since the last two.
        self._stride = 1
        self._waiting: list[Point] = []
        self._waited = 0
        self._last: Point | None = None
        self._back: Point | None = None

    def add(self, point: Point, again: Again) -> None:
        """Take in the next number.

        Args:
            point: The number.
            again: What it means if the step is not a new one.
        """
        if self.counts == "order" or self._last is None or point.step > self._last.step:
            self._back = None
            self._append(point)
        elif point.step == self._last.step and self._back is None:
            self._repeat(point, again)
        else:
            self._return(point)

    def _repeat(self, point: Point, again: Again) -> None:
        if again is Again.NEXT:
            self._go_by_order()
            self._append(point)
        elif again is Again.NEWER and self._stride == 1:
            last = len(self._steps) - 1
            self._values[last], self._offsets[last], self._times[last] = point.value, point.offset, point.at

    def _return(self, point: Point) -> None:
        """An earlier step: the training begins again, if a second one follows; else a summary named it."""
        before, self._back = self._back, point
        if before is not None and before.step < point.step:
            self._back = None
            self._go_by_order()
            self._append(before)
            self._append(point)

    def _go_by_order(self) -> None:
        if self.counts != "order":
            self.counts = "order"
            self.changes += 1

    def _append(self, point: Point) -> None:
        self.total += 1
        point = point._replace(ordinal=self.total)
        self._last = point
        if self._stride == 1:
            self._keep([point])
        else:
            self._waiting = _ends([*self._waiting, point])
            self._waited += 1
            if self._waited >= 2 * self._stride:
                self._keep(self._waiting)
                self._waiting, self._waited = [], 0
        if len(self._steps) >= MAX_POINTS:
            self._thin_out()

    def _keep(self, points: Iterable[Point]) -> None:
        for point in points:
            self._steps.append(point.step)
            self._values.append(point.value)
            self._offsets.append(point.offset)
            self._times.append(point.at)
            self._ordinals.append(point.ordinal)

    def _thin_out(self) -> None:
        kept = list(self._kept(0))
        for column in (self._steps, self._values, self._offsets, self._times, self._ordinals):
            del column[:]
        for at in range(0, len(kept), 4):
            self._keep(_ends(kept[at : at + 4]))
        self._stride *= 2

    def _kept(self, first: int) -> Iterator[Point]:
        columns = (self._steps, self._values, self._offsets, self._times, self._ordinals)
        return map(Point._make, zip(*(column[first:] for column in columns), strict=True))

    def points(self, after: int = -1) -> list[Point]:
        """The points whose lines begin behind a byte offset, with the steps that count.

        Args:
            after: The offset.
        """
        first = len(self._offsets)
        while first and self._offsets[first - 1] > after:
            first -= 1
        found = list(self._kept(first))
        newest = [*self._waiting, *([self._last] if self._last and self._stride > 1 else [])]
        known = {point.ordinal for point in found}
        found += [one for one in newest if one.offset > after and one.ordinal not in known]
        found = sorted({one.ordinal: one for one in found}.values(), key=lambda one: one.ordinal)
        if self.counts == "order":
            return [point._replace(step=float(point.ordinal)) for point in found]
        return found


def _ends(points: list[Point]) -> list[Point]:
    """The lowest and the highest, in their order; a gap, if there is nothing else."""
    numbers = [point for point in points if math.isfinite(point.value)] or points[:1]
    ends = {min(numbers, key=lambda point: point.value), max(numbers, key=lambda point: point.value)}
    return sorted(ends, key=lambda point: point.ordinal)
