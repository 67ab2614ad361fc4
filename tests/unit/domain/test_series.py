"""From lines to curves and progress."""

import math

import pytest

from torchyard.contracts.series import MAX_POINTS, MAX_SERIES
from torchyard.domain.series import Printed


def printed(*lines: str, every_ms: int = 1000) -> Printed:
    reading = Printed()
    for number, line in enumerate(lines):
        reading.add(line, number * 100, number * every_ms)
    return reading


def points(reading: Printed, name: str) -> list[tuple[float, float]]:
    return [(point.step, point.value) for point in reading.curves[name].points()]


def test_batches_of_epochs_follow_each_other() -> None:
    reading = printed(
        "Train Epoch: 1 [0/600 (0%)]\tLoss: 2.3",
        "Train Epoch: 1 [300/600 (50%)]\tLoss: 2.1",
        "Test set: Average loss: 1.5, Accuracy: 98/100 (98%)",
        "Train Epoch: 2 [0/600 (0%)]\tLoss: 1.9",
        "Test set: Average loss: 1.2, Accuracy: 99/100 (99%)",
    )

    assert points(reading, "Loss") == [(0, 2.3), (300, 2.1), (600, 1.9)]
    assert points(reading, "Test set Average loss") == [(1, 1.5), (2, 1.2)]
    assert reading.curves["Test set Accuracy"].percent
    assert reading.curves["Test set Accuracy"].counts == "epoch"


def test_a_line_without_a_place_belongs_to_the_epoch_before_it() -> None:
    reading = printed("Epoch 1/3", "loss: 0.5", "Epoch 2/3", "loss: 0.4")

    assert points(reading, "loss") == [(1, 0.5), (2, 0.4)]


def test_several_numbers_in_an_epoch_go_by_their_order() -> None:
    reading = printed("Epoch 1/3", "loss: 0.5", "loss: 0.4", "Epoch 2/3", "loss: 0.3")

    assert points(reading, "loss") == [(1, 0.5), (2, 0.4), (3, 0.3)]
    assert reading.curves["loss"].changes == 1


def test_a_summary_of_an_earlier_step_is_no_point() -> None:
    reading = printed("step 1 loss 3", "step 2 loss 1", "step 3 loss 2", "step 2 loss 1", "step 4 loss 5")

    assert points(reading, "loss") == [(1, 3), (2, 1), (3, 2), (4, 5)]


def test_a_training_that_begins_again_goes_by_order() -> None:
    reading = printed("step 1 loss 3", "step 2 loss 1", "step 1 loss 3", "step 2 loss 2", "step 3 loss 1")

    assert points(reading, "loss") == [(1, 3), (2, 1), (3, 3), (4, 2), (5, 1)]


def test_what_every_process_prints_counts_once() -> None:
    reading = printed("[rank0]: step 1 loss 3", "[rank1]: step 1 loss 3", "[rank0]: step 2 loss 2")

    assert points(reading, "loss") == [(1, 3), (2, 2)]


def test_steps_and_epochs_of_one_name_are_two_curves() -> None:
    bar = "Epoch {}/2: 50%|█  | {}/2 [00:01<00:01, 1it/s, loss={}]"
    reading = printed(bar.format(1, 1, 4), bar.format(1, 2, 3), "Epoch 1/2 loss: 3.5", bar.format(2, 1, 2))

    assert points(reading, "loss") == [(1, 4), (2, 3), (3, 2)]
    assert points(reading, "loss (epoch)") == [(1, 3.5)]


def test_a_bar_that_is_drawn_again_tells_the_newest_number() -> None:
    reading = printed(
        " 10%|█  | 1/10 [00:01<00:09, 1it/s, loss=3]",
        " 10%|█  | 1/10 [00:01<00:09, 1it/s, loss=2]",
        "100%|███| 10/10 [00:10<00:00, 1it/s, loss=1]",
        " 10%|█  | 1/10 [00:01<00:09, 1it/s, loss=0.5]",
    )

    assert points(reading, "loss") == [(1, 2), (10, 1), (11, 0.5)]


def test_what_is_no_number_stays_a_gap() -> None:
    reading = printed("step 1 loss 3", "step 2 loss nan", "step 3 loss inf")

    values = [value for _, value in points(reading, "loss")]
    assert (values[0], math.isnan(values[1]), values[2]) == (3, True, math.inf)


def test_code_in_a_traceback_is_no_report() -> None:
    reading = printed(
        "Traceback (most recent call last):",
        '  File "train.py", line 12, in <module>',
        "    loss = 0.5",
        "ValueError: loss: 0.7",
        "loss: 0.3",
    )

    assert points(reading, "loss") == [(1, 0.3)]


def test_a_long_curve_keeps_its_ends_and_its_extremes() -> None:
    reading = Printed()
    count = 5 * MAX_POINTS
    for step in range(count):
        value = -7.0 if step == 12_345 else 9.0 if step == 41_234 else math.sin(step / 100)
        reading.add(f"step {step} loss {value}", step, step)

    found = points(reading, "loss")
    assert len(found) <= MAX_POINTS
    assert len(found) > MAX_POINTS / 5
    assert found[-1][0] == count - 1
    assert {(12_345, -7.0), (41_234, 9.0)} <= set(found)
    assert [step for step, _ in found] == sorted({step for step, _ in found})
    # No part of it is thinner than the others by much.
    halves = sum(step < count / 2 for step, _ in found)
    assert 0.3 < halves / len(found) < 0.7


def test_only_what_came_since_is_told_if_asked() -> None:
    reading = printed("step 1 loss 3", "step 2 loss 2", "step 3 loss 1")

    assert [point.step for point in reading.curves["loss"].points(100)] == [3]


def test_series_are_bounded_and_single_numbers_give_way() -> None:
    reading = Printed()
    for number in range(3 * MAX_SERIES):
        reading.add(f"setting{number}x: {number}", 0, 0)
    for step in range(2):
        reading.add(f"step {step} loss 1", 0, 0)

    assert len(reading.curves) == MAX_SERIES
    assert len(points(reading, "loss")) == 2


def how(*lines: str) -> tuple[float, float, float | None] | None:
    progress = printed(*lines).progress
    return progress and (progress.done, progress.total, progress.seconds_left)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], None),
        (["loss: 0.4", "Epoch 3"], None),
        (["Epoch 1/4"], (0, 4, None)),
        (["Epoch 1/4", "x", "Epoch 2/4"], (1, 4, 6)),
        (["Epoch 1/4 loss 3"], (1, 4, None)),
        (["Epoch 1/4 loss 3", "Epoch 2/4 loss 2", "Epoch 3/4 loss 1"], (3, 4, 1)),
        (["Epoch 4/4 loss 3"], (4, 4, 0)),
        (["Epoch [0/4]", "Epoch [1/4]"], (1, 4, 3)),
        (["Epoch 2/4: 50%|██| 5/10 [00:05<00:05, 1it/s]"], (1.5, 4, None)),
        (["Epoch [2/4], Step [5/10], Loss: 0.4"], (1.5, 4, None)),
        ([" 50%|██| 5/10 [00:05<00:07, 1it/s]"], (5, 10, 7)),
        # The outer of two bars counts; a download does not.
        (
            ["  0%|  | 0/3 [00:00<?, ?it/s]", " 50%|██| 5/10 [00:05<00:07, 1it/s]"],
            (0, 3, None),
        ),
        (["100%|██| 9.91M/9.91M [00:00<00:00, 18.1MB/s]"], None),
        # One that was left before it was full gives way.
        (
            [" 50%|█ | 1/2 [00:05<00:07, 1it/s]", *["val: 100%|██| 5/5 [00:05<00:00, 1it/s]"] * 3],
            (5, 5, 0),
        ),
    ],
)
def test_progress_is_that_of_epochs_or_of_the_outer_bar(
    lines: list[str], expected: tuple[float, float, float | None] | None
) -> None:
    assert how(*lines) == expected
