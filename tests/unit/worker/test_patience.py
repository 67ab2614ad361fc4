import re

import pytest

from torchyard.errors import DependencyFailed
from torchyard_worker.patience import Patience, Setbacks


class PassingError(Exception):
    pass


class Flaky:
    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.calls = 0
        self.pauses: list[float] = []

    def call(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise PassingError("away")
        return "there"

    def asked(self, patience: Patience) -> str:
        return patience.persist(self.call, (PassingError,), self.pauses.append, "s3://b/k")


def test_what_passes_is_waited_for_longer_each_time() -> None:
    flaky = Flaky(4)

    assert flaky.asked(Patience()) == "there"

    assert flaky.calls == 5
    for pause, longest in zip(flaky.pauses, (1, 4, 16, 64), strict=True):
        assert longest / 2 <= pause <= longest


def test_five_failures_are_enough() -> None:
    flaky = Flaky(5)

    with pytest.raises(DependencyFailed, match=r"^away, tried 5 times: s3://b/k$") as refusal:
        flaky.asked(Patience())

    assert refusal.value.code == "dependency_unavailable"
    assert flaky.calls == 5


def test_no_try_begins_after_the_time_is_up() -> None:
    flaky = Flaky(5)

    with pytest.raises(DependencyFailed, match="tried once"):
        flaky.asked(Patience(seconds=0.1))

    assert flaky.pauses == []


def test_other_failures_are_final() -> None:
    flaky = Flaky(1)

    with pytest.raises(PassingError):
        Patience().persist(flaky.call, (KeyError,), flaky.pauses.append, "s3://b/k")

    assert flaky.calls == 1


def test_every_wait_is_told_with_its_reason() -> None:
    told: list[tuple[int, str]] = []

    Flaky(2).asked(Patience(tries=3, first_delay=0.2, tell=lambda *one: told.append(one)))

    assert [number for number, _ in told] == [1, 2]
    for _, sentence in told:
        assert re.fullmatch(r"away: s3://b/k; trying again in 0\.\d s", sentence), sentence


def test_the_last_failure_is_told_by_the_error_alone() -> None:
    told: list[tuple[int, str]] = []

    with pytest.raises(DependencyFailed):
        Flaky(1).asked(Patience(tries=1, tell=lambda *one: told.append(one)))

    assert told == []


def test_of_many_setbacks_those_that_last_longer_are_news() -> None:
    setbacks = Setbacks()
    for number, sentence in ((1, "first"), (1, "another"), (2, "second"), (1, "late")):
        setbacks.note(number, sentence)

    assert setbacks.news() == ["first", "second"]
    assert setbacks.news() == []
