"""How far a script is, by the epochs and bars it prints."""

from dataclasses import dataclass

from torchyard.domain.printed_numbers import Bar, Count, Line

#: Bars that are told apart, and full rounds of others after which one that stands still is not looked at.
_MAX_BARS, _MAX_IDLE = 20, 3


@dataclass(frozen=True)
class How:
    """How far: `done` of `total`; the seconds that its bar told, or that its pace lets expect, since `at`."""

    done: float
    total: float
    seconds_left: float | None
    at: int

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return min(1.0, max(0.0, self.done / self.total))


@dataclass
class _Drawn:
    bar: Bar
    idle: int = 0


class Advance:
    """Follows the lines of one script."""

    def __init__(self) -> None:
        self._epoch: Count | None = None
        self._from_zero = False
        #: How many epochs are done, and when that and the beginning were heard of.
        self._done = 0.0
        self._within = 0.0
        self._first: tuple[float, int] | None = None
        self._bars: dict[tuple[str, float], _Drawn] = {}
        self._at = -1

    def add(self, line: Line, at: int) -> None:
        """Take in what a line says, and when it arrived."""
        if not (line.bar or line.epoch or line.batch):
            return
        self._at = at
        if line.epoch and line.epoch.done.is_integer():
            self._enter(line.epoch, finished=bool(line.numbers) and not (line.batch or line.bar))
        if line.bar:
            self._draw(line.bar)
        if line.batch and line.batch.total:
            self._within = min(1.0, line.batch.done / line.batch.total)
        if self._first is None and self._counted():
            self._first = (self._position(), at)

    def _enter(self, epoch: Count, *, finished: bool) -> None:
        if self._epoch is None or epoch.done != self._epoch.done:
            self._within = 0.0
        self._from_zero = self._from_zero or epoch.done == 0
        total = epoch.total if epoch.total else self._epoch.total if self._epoch else None
        self._epoch = Count(epoch.done, total)
        begun = epoch.done if self._from_zero else epoch.done - 1
        self._done = begun
        if finished:
            self._within = 1.0

    def _counted(self) -> bool:
        return bool(self._epoch and self._epoch.total)

    def _position(self) -> float:
        return self._done + self._within

    def _draw(self, bar: Bar) -> None:
        # An inner and an outer bar may both have no label.
        key = (bar.label, bar.total)
        drawn = self._bars.get(key)
        if drawn is None:
            if len(self._bars) >= _MAX_BARS:
                self._bars.pop(next(iter(self._bars)))
            self._bars[key] = _Drawn(bar)
        else:
            drawn.bar, drawn.idle = bar, 0
        if bar.done >= bar.total:
            for other, one in self._bars.items():
                one.idle += other != key

    def how(self) -> How | None:
        """How far it is: by epochs if their number is known, else by the outermost bar that is not full."""
        if self._epoch and self._epoch.total:
            done = min(self._position(), self._epoch.total)
            return How(done, self._epoch.total, self._expected(done, self._epoch.total), self._at)
        live = [one.bar for one in self._bars.values() if one.idle < _MAX_IDLE]
        chosen = next((bar for bar in live if bar.done < bar.total), live[-1] if live else None)
        if chosen is not None:
            return How(chosen.done, chosen.total, chosen.seconds_left, self._at)
        return None

    def _expected(self, done: float, total: float) -> float | None:
        """Seconds for the rest, if they take as long as what was seen."""
        if done >= total:
            return 0.0
        if self._first is None or self._first[1] < 0 or self._at <= self._first[1]:
            return None
        passed, seconds = done - self._first[0], (self._at - self._first[1]) / 1000
        return round(seconds / passed * (total - done), 1) if passed > 0 and seconds >= 1 else None
