import pytest

from torchyard.cli.wording import counted, duration, fetching, size
from torchyard.contracts.jobs import StagingProgress


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0.0 s"),
        (0.44, "0.4 s"),
        (12, "12 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (200_000, "2 d 7 h"),
    ],
)
def test_durations_have_one_unit_or_two(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**41, "2.0 TiB")]
)
def test_sizes_have_the_unit_that_fits(count: int, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_one_is_told_in_the_singular(number: int, words: str) -> None:
    assert counted(number, "file") == words


def test_progress_tells_rate_and_time_where_they_are_known() -> None:
    progress = StagingProgress(
        bytes_done=1024, bytes_total=4096, files_done=1, files_total=5, bytes_per_second=512, seconds_left=6
    )
    assert fetching(progress) == "1.0 KiB of 4.0 KiB, 1 of 5 files, 512 B/s, 6.0 s left"
    assert fetching(progress.model_copy(update={"bytes_per_second": 0, "seconds_left": None})) == (
        "1.0 KiB of 4.0 KiB, 1 of 5 files"
    )
