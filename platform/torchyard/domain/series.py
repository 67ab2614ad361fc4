"""Curves and progress of what a script prints, line by line."""

from torchyard.contracts.series import MAX_SERIES, Counted
from torchyard.domain.curves import Again, Curve, Point
from torchyard.domain.printed_numbers import Count, Line, Number, read_line
from torchyard.domain.printed_progress import Advance, How

_TRACEBACK = "Traceback (most recent call last)"


class Printed:
    """What was said in the lines so far."""

    def __init__(self) -> None:
        self.curves: dict[str, Curve] = {}
        #: How often curves were left out for others: what was told of them before is gone.
        self.changes = 0
        self._advance = Advance()
        self._epoch: Count | None = None
        self._first_epoch: float | None = None
        #: Whether the lines show code, where an error was.
        self.in_traceback = False
        #: By a bar's label: how far it was, and the steps of the bars that were full before it.
        self._rolled: dict[tuple[str, float], tuple[float, float]] = {}

    @property
    def progress(self) -> How | None:
        """How far the script is."""
        return self._advance.how()

    def add(self, text: str, offset: int, at: int) -> None:
        """Take in a line.

        Args:
            text: The line, without its end.
            offset: Where in the log it begins.
            at: When it arrived, in milliseconds since 1970; -1 if nobody knows.
        """
        if self._is_traceback(text):
            return
        line = read_line(text)
        if line is None:
            return
        if line.epoch:
            self._epoch = line.epoch
            if self._first_epoch is None:
                self._first_epoch = line.epoch.done
        self._advance.add(line, at)
        if line.numbers:
            self._add_numbers(line, offset, at)

    def _is_traceback(self, text: str) -> bool:
        """Whether the line shows code, where an error was."""
        if _TRACEBACK in text:
            self.in_traceback = True
        elif self.in_traceback and text and not text[0].isspace():
            self.in_traceback = False
            return True  # the error itself
        return self.in_traceback

    def _add_numbers(self, line: Line, offset: int, at: int) -> None:
        step, counts, again = self._place(line)
        for number in line.numbers:
            curve = self._curve(number, counts)
            if curve is not None:
                curve.add(Point(step, number.value, offset, at), again)

    def _place(self, line: Line) -> tuple[float, Counted, Again]:
        """At which step the line's numbers stand, and what to do with further ones at that step."""
        if line.step is not None:
            return line.step, "step", Again.SAME
        if line.batch and line.batch.total:
            again = Again.NEWER if line.bar else Again.SAME
            return self._rolled_out(line, line.batch.done, line.batch.total), "step", again
        if line.batch:
            return 0.0, "order", Again.NEXT
        if line.epoch:
            return line.epoch.done, "epoch", Again.SAME
        if self._epoch:
            return self._epoch.done, "epoch", Again.NEXT
        return 0.0, "order", Again.NEXT

    def _rolled_out(self, line: Line, done: float, total: float) -> float:
        """The step within the whole training of a step within an epoch, or of a bar that is drawn again."""
        if self._epoch and self._epoch.done.is_integer():
            first = min(1.0, self._first_epoch or 0.0)
            return (self._epoch.done - first) * total + done
        key = (line.bar.label if line.bar else "", total)
        last, before = self._rolled.get(key, (0.0, 0.0))
        if done < last:
            before += last
        if len(self._rolled) < MAX_SERIES or key in self._rolled:
            self._rolled[key] = (done, before)
        return before + done

    def _curve(self, number: Number, counts: Counted) -> Curve | None:
        """The name's curve; None if there are too many. One with a single number gives way to a new name.

        What is told of steps and of epochs under one name, such as a loss and its mean, are two curves.
        """
        name = number.name
        found = self.curves.get(name)
        if found is not None and found.total == 1 and found.begun_as == "order" != counts:
            # A setting, such as the learning rate to begin with.
            del self.curves[name]
            self.changes += 1
            found = None
        if found is not None and found.begun_as != counts:
            name = f"{name} ({counts})"
            found = self.curves.get(name)
        if found is None:
            if len(self.curves) >= MAX_SERIES and not self._make_room():
                return None
            found = self.curves[name] = Curve(name, counts, percent=number.percent)
        return found

    def _make_room(self) -> bool:
        seldom = next((name for name, curve in self.curves.items() if curve.total == 1), None)
        if seldom is None:
            return False
        del self.curves[seldom]
        self.changes += 1
        return True
