from datetime import timedelta

import pytest

from torchyard.contracts.jobs import Reason, Retries
from torchyard.domain.retrying import FAILURES, MAX_FALSE_STARTS, Ends, Retry, count, decide, survives_loss

PAUSE = timedelta(seconds=10)


def decided(ends: list[tuple[Reason | None, bool]], **asked: int) -> Retry | None:
    """What follows the last of these ends."""
    reason, ran = ends[-1]
    return decide(reason, ran, count(ends), Retries.model_validate(asked), pause=PAUSE)


@pytest.mark.parametrize("reason", sorted(FAILURES))
def test_a_failure_is_tried_again_only_as_often_as_asked(reason: Reason) -> None:
    assert decided([(reason, True)]) is None
    assert decided([(reason, True)], after_failure=2) is not None
    assert decided([(reason, True)] * 2, after_failure=2) is not None
    assert decided([(reason, True)] * 3, after_failure=2) is None


@pytest.mark.parametrize("reason", sorted(set(Reason) - FAILURES - {Reason.WORKER_LOST}))
def test_what_would_end_the_same_way_again_is_not_tried_again(reason: Reason) -> None:
    assert decided([(reason, False)], after_failure=10, after_loss=10) is None


def test_success_and_cancel_are_ends() -> None:
    assert decided([(None, True)], after_failure=10, after_loss=10) is None


def test_a_loss_of_a_running_script_is_tried_again_only_if_asked() -> None:
    lost = (Reason.WORKER_LOST, True)

    assert decided([lost]) is None
    assert decided([lost], after_failure=3) is None
    assert decided([lost], after_loss=1) is not None
    assert decided([lost, lost], after_loss=1) is None


def test_a_loss_before_the_script_ran_is_tried_again_but_not_for_ever() -> None:
    lost = (Reason.WORKER_LOST, False)

    assert decided([lost] * (MAX_FALSE_STARTS - 1)) is not None
    assert decided([lost] * MAX_FALSE_STARTS, after_failure=9, after_loss=9) is None


def test_each_kind_of_end_uses_up_its_own_retries() -> None:
    ends = [(Reason.WORKER_LOST, False), (Reason.SCRIPT_ERROR, True), (Reason.WORKER_LOST, True)]

    again = decided(ends, after_failure=2, after_loss=1)

    assert again is not None
    assert again.left == 1


def test_the_pause_doubles_up_to_ten_minutes_and_a_loss_has_none() -> None:
    pauses = [decided([(Reason.SCRIPT_ERROR, True)] * times, after_failure=10) for times in range(1, 9)]

    assert [int(again.pause.total_seconds()) for again in pauses if again] == [
        *(10, 20, 40, 80, 160, 320),
        *(600, 600),
    ]
    lost = decided([(Reason.WORKER_LOST, True)], after_loss=1)
    assert lost is not None
    assert lost.pause == timedelta()


def test_a_fence_is_needed_for_as_long_as_a_loss_would_be_made_good() -> None:
    assert not survives_loss(Ends(), Retries())
    assert survives_loss(Ends(failures=3, false_starts=2), Retries(after_loss=1))
    assert not survives_loss(Ends(losses=1), Retries(after_loss=1))
