"""Logs are read once, line by line, as they grow."""

from dataclasses import dataclass, field

from torchyard.contracts.logs import Piece, Stream
from torchyard.domain.log_scanning import View
from torchyard.services.printed_logs import KEPT, PrintedLogs

LOG = "a log"


@dataclass
class Growing:
    """A log, and who reads it."""

    data: bytes = b""
    held_back: int = 0
    pieces: list[Piece] = field(default_factory=list)
    logs: PrintedLogs = field(default_factory=PrintedLogs)
    asked: list[int] = field(default_factory=list)

    def look(self, *, final: bool = False, patience: float = 60.0) -> dict[str, list[tuple[float, float]]]:
        def read(offset: int, length: int) -> bytes:
            self.asked.append(offset)
            return self.data[offset : offset + length]

        view = View(read, len(self.data), max(0, len(self.data) - self.held_back))
        with self.logs.looking(LOG, view, lambda *_: self.pieces, final=final, patience=patience) as reading:
            self.caught_up, self.until = reading.caught_up, reading.offset
            self.times = [p.at for curve in reading.printed.curves.values() for p in curve.points()]
            return {
                name: [(point.value, point.offset) for point in curve.points()]
                for name, curve in reading.printed.curves.items()
            }


def test_lines_count_once_they_have_ended() -> None:
    log = Growing(b"loss: 3\nloss: 2")

    assert log.look() == {"loss": [(3, 0)]}
    log.data += b"5\r\nloss: 1\rnothing\n"
    assert log.look() == {"loss": [(3, 0), (25, 8), (1, 18)]}
    assert log.until == len(log.data)
    assert log.caught_up


def test_the_last_line_of_an_ended_log_needs_no_end() -> None:
    log = Growing(b"loss: 3\nloss: 2")

    assert log.look(final=True) == {"loss": [(3, 0), (2, 8)]}


def test_what_was_read_is_not_read_again() -> None:
    log = Growing(b"loss: 3\n" * 100_000)
    log.look()
    log.asked.clear()
    log.data += b"loss: 2\n"

    log.look()

    assert min(log.asked) >= 800_000 - 64


def test_a_log_that_was_sent_anew_is_read_anew() -> None:
    log = Growing(b"loss: 3\nloss: 2\n")
    log.look()
    log.data = b"loss: 7\nloss: 8\nloss: 9\n"

    assert log.look() == {"loss": [(7, 0), (8, 8), (9, 16)]}


def test_what_may_yet_be_masked_waits() -> None:
    log = Growing(b"loss: 3\nloss: 2\n", held_back=4)

    assert log.look() == {"loss": [(3, 0)]}
    assert log.look(final=True) == {"loss": [(3, 0), (2, 8)]}


def test_long_lines_are_passed_over() -> None:
    long = b"loss: 1 " + b"x" * 600_000 + b" loss: 4"
    log = Growing(b"loss: 3\n" + long + b"\nloss: 2\n")

    assert log.look() == {"loss": [(3, 0), (2, 9 + len(long))]}


def test_a_look_ends_with_its_time_and_the_next_goes_on() -> None:
    log = Growing(b"loss: 3\n" * 20_000)

    looks = 0
    found: dict[str, list[tuple[float, float]]] = {}
    while not looks or not log.caught_up:
        found = log.look(patience=0.02)
        looks += 1

    assert looks > 1
    assert found["loss"][-1] == (3, 8 * 19_999)


def test_each_number_has_its_time() -> None:
    log = Growing(b"loss: 3\nloss: 2\n", pieces=[Piece(0, Stream.STDOUT, 70), Piece(8, Stream.STDERR, 90)])

    log.look()

    assert log.times == [70, 90]


def test_only_so_many_logs_are_kept() -> None:
    logs = PrintedLogs()
    view = View(lambda offset, length: b"loss: 3\n"[offset : offset + length], 8, 8)

    for number in range(2 * KEPT):
        with logs.looking(number, view, lambda *_: [], final=False):
            pass

    assert len(logs._readings) == KEPT
