import pytest

from torchyard_worker import wording
from torchyard_worker.metering import Meter


def test_bytes_from_the_cache_are_done_and_tell_no_rate() -> None:
    meter = Meter(2, 300)
    meter.placed(100, known=True)

    progress = meter.progress()

    assert (progress.bytes_done, progress.files_done) == (100, 1)
    assert (progress.bytes_per_second, progress.seconds_left) == (0, None)


def test_bytes_that_came_in_vain_are_taken_back() -> None:
    meter = Meter(1, 300)
    for count in (200, -200, 300):
        meter.came(count)
    meter.placed(300, known=False)

    progress = meter.progress()

    assert (progress.bytes_done, progress.files_done, progress.seconds_left) == (300, 1, 0)
    assert progress.bytes_per_second > 0


def test_a_replaced_object_changes_the_total() -> None:
    meter = Meter(1, 300)
    meter.replaced(300, 500)

    assert meter.progress().bytes_total == 500


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12, "12 s"), (59.7, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_times_are_told_as_people_read_them(seconds: float, words: str) -> None:
    assert wording.in_seconds(seconds) == words
