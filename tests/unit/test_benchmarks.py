"""What `make bench-peers` makes of what it measured."""

import pytest
from tests.benchmarks.figures import Figure, row
from tests.benchmarks.logs import TICKS
from tests.benchmarks.peers import JOBS, lag, start_and_end, throughput


class MadeUp:
    """A platform that takes as long as it is told to."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def through(self, script: str) -> tuple[float, float, float]:
        return self._seconds, 2 * self._seconds, 3 * self._seconds

    def lags(self) -> list[float]:
        return [1000 * self._seconds] * TICKS

    def seconds_for(self, count: int) -> float:
        return count * self._seconds

    def pids(self) -> list[int]:
        return []


def test_steps_of_a_job_stand_beside_each_other_in_milliseconds() -> None:
    rounds = [((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)), ((0.01, 0.02, 0.03), (0.4, 0.5, 0.6))] * 2
    rounds.append(((0.01, 0.02, 0.03), (0.4, 0.5, 0.6)))  # so that these are the medians

    assert [
        (step.what, step.value, step.unit, step.yardstick) for step in start_and_end("hello", rounds)
    ] == [
        ("hello: submit → accepted", 10.0, "ms", 400.0),
        ("hello: submit → first line followed", 20.0, "ms", 500.0),
        ("hello: submit → end seen", 30.0, "ms", 600.0),
    ]


def test_lags_and_jobs_a_second_stand_beside_each_other() -> None:
    ours, ray = MadeUp(0.01), MadeUp(0.5)

    assert [(each.value, each.yardstick) for each in lag(ours, ray)] == [(10.0, 500.0)] * 2
    (jobs,) = throughput(ours, ray)
    assert (jobs.value, jobs.yardstick) == (pytest.approx(100.0), pytest.approx(2.0))
    assert jobs.what.startswith(f"{JOBS} hello jobs")


def test_a_row_ends_with_the_ratio_where_there_is_nothing_else_to_say() -> None:
    assert row(Figure("jobs", 30.0, "/s", 2.0)).split() == ["jobs", "30.0", "/s", "2.0", "15.000"]
    assert row(Figure("jobs", 30.0, "/s", 2.0, "Celery", "≥ 4")).endswith("15.000   ≥ 4 (Celery)")
