import pytest

from torchyard.errors import DependencyFailed
from torchyard_worker.patience import Patience


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
