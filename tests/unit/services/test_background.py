import threading

import pytest

from torchyard.services.background import Loop


@pytest.fixture
def calls() -> threading.Semaphore:
    """One permit for each call of a loop's work."""
    return threading.Semaphore(0)


def test_work_is_called_again_when_it_wants_to_be(calls: threading.Semaphore) -> None:
    def work() -> float:
        calls.release()
        return 0.0

    loop = Loop("eager", work, period=3600)
    loop.start()
    assert all(calls.acquire(timeout=30) for _ in range(3))
    loop.stop()


def test_work_that_wants_nothing_is_called_when_it_is_woken(calls: threading.Semaphore) -> None:
    loop = Loop("calm", calls.release, period=3600)
    loop.start()
    assert calls.acquire(timeout=30)
    loop.wake()
    assert calls.acquire(timeout=30)
    loop.stop()


def test_work_is_called_once_in_a_period_however_late_it_wants_to_be(calls: threading.Semaphore) -> None:
    def work() -> float:
        calls.release()
        return 3600.0

    loop = Loop("late", work, period=0.001)
    loop.start()
    assert all(calls.acquire(timeout=30) for _ in range(3))
    loop.stop()
