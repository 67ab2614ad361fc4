"""A few hundred of the mutated archives of `make fuzz-archives`; it is the one that measures them."""

from pathlib import Path

import pytest
from tests.fuzzing.judging import judged
from tests.fuzzing.mutations import mutated

FEW = 300


@pytest.mark.parametrize("first", range(0, FEW, 50))
def test_a_mutated_archive_is_accepted_or_refused_and_stays_in_its_place(first: int, tmp_path: Path) -> None:
    numbers = range(first, first + 50)
    verdicts = {number: judged(mutated(number), tmp_path / str(number)) for number in numbers}

    assert {number: verdict.wrong for number, verdict in verdicts.items() if verdict.wrong} == {}
    assert {verdict.status // 100 for verdict in verdicts.values()} <= {2, 4}


def test_a_number_makes_the_same_archive_each_time() -> None:
    assert mutated(7) == mutated(7) != mutated(7, seed=1)
