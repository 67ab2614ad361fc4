import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from torchyard.contracts.graphs import Parameter
from torchyard.contracts.sweeps import MAX_METRICS_BYTES, SweepCreate
from torchyard.domain.sweeping import combinations, metrics_of
from torchyard.errors import FieldInvalid

PARAMETERS = TypeAdapter(list[Parameter]).validate_python(
    [
        {"name": "lr", "type": "number"},
        {"name": "seed", "type": "integer"},
        {"name": "model", "type": "string"},
        {"name": "augment", "type": "boolean"},
        {"name": "optimizer", "type": "choice", "choices": ["adam", "sgd", 1]},
    ]
)


def swept(parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return combinations(SweepCreate.model_validate({"parameters": parameters}).parameters, PARAMETERS)


def code_of(parameters: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(FieldInvalid) as refused:
        swept(parameters)
    return refused.value.code, refused.value.field or ""


def test_every_combination_is_made_and_the_first_parameter_changes_slowest() -> None:
    found = swept({"lr": [0.1, 0.01], "seed": {"start": 1, "stop": 5, "step": 1}})
    assert [tuple(one.values()) for one in found] == list(itertools.product([0.1, 0.01], [1, 2, 3, 4, 5]))
    assert [list(one) for one in found] == [["lr", "seed"]] * 10


def test_steps_of_a_tenth_do_not_drift() -> None:
    found = [one["lr"] for one in swept({"lr": {"start": 0.1, "stop": 1, "step": 0.1}})]
    assert found == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]


@given(
    st.decimals(-100, 100, places=3), st.decimals("0.001", 10, places=3), st.integers(0, 50), st.booleans()
)
def test_a_range_holds_exactly_its_steps_and_its_stop(
    start: Decimal, step: Decimal, steps: int, down: bool
) -> None:
    step = -step if down else step
    written = {"start": float(start), "stop": float(start + step * steps), "step": float(step)}
    assert [one["lr"] for one in swept({"lr": written})] == [
        float(start + step * number) for number in range(steps + 1)
    ]


def test_whole_numbers_stay_whole_also_downwards() -> None:
    found = [one["seed"] for one in swept({"seed": {"start": 5, "stop": 0, "step": -2}})]
    assert found == [5, 3, 1]
    assert {type(one) for one in found} == {int}


def test_a_stop_that_no_step_leads_to_is_not_passed() -> None:
    assert [one["lr"] for one in swept({"lr": {"start": 0, "stop": 1, "step": 0.4}})] == [0.0, 0.4, 0.8]


def test_one_value_goes_to_every_run() -> None:
    assert swept({"model": "cnn", "seed": [1, 2]}) == [
        {"model": "cnn", "seed": 1},
        {"model": "cnn", "seed": 2},
    ]


def test_a_thousand_runs_are_made_and_one_more_is_refused_with_the_number() -> None:
    assert len(swept({"seed": {"start": 1, "stop": 1000, "step": 1}})) == 1000
    with pytest.raises(FieldInvalid, match="would make 1,001 runs") as refused:
        swept({"seed": {"start": 1, "stop": 1001, "step": 1}})
    assert refused.value.code == "sweep_too_large"


@pytest.mark.parametrize("step", [1e-300, 1, 5e-324])
def test_what_nobody_could_count_to_is_refused_at_once(step: float) -> None:
    with pytest.raises(FieldInvalid, match="more than 1,000,000,000 runs"):
        swept({"lr": {"start": 0, "stop": 1.7e308, "step": step}})


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"size": [1]}, "parameter_unknown"),
        ({"seed": [1.5]}, "parameter_invalid"),
        ({"seed": [True]}, "parameter_invalid"),
        ({"seed": {"start": 1, "stop": 2, "step": 0.5}}, "parameter_invalid"),
        ({"lr": ["fast"]}, "parameter_invalid"),
        ({"lr": [True]}, "parameter_invalid"),
        ({"model": [1]}, "parameter_invalid"),
        ({"augment": [1]}, "parameter_invalid"),
        ({"augment": ["yes"]}, "parameter_invalid"),
        ({"seed": [1, "1"]}, "sweep_value_twice"),
        ({"optimizer": ["lion"]}, "parameter_invalid"),
        ({"optimizer": [True]}, "parameter_invalid"),
        ({"seed": []}, "sweep_empty"),
        ({"seed": {"start": 1, "stop": 5, "step": 0}}, "sweep_range_invalid"),
        ({"seed": {"start": 1, "stop": 5, "step": -1}}, "sweep_range_invalid"),
        ({"seed": [1, 2, 1]}, "sweep_value_twice"),
    ],
)
def test_what_can_not_be_swept_is_refused_with_the_parameter_named(
    parameters: dict[str, Any], code: str
) -> None:
    assert code_of(parameters) == (code, f"parameters.{next(iter(parameters))}")


def test_yes_and_one_are_two_values() -> None:
    assert len(swept({"augment": [True, False], "optimizer": ["adam", 1]})) == 4


def test_metrics_are_the_numbers_of_a_flat_object() -> None:
    assert metrics_of(b'{"loss": 0.25, "epochs": 3}') == {"loss": 0.25, "epochs": 3}
    assert metrics_of(b"{}") == {}


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[1]", b"3", b'{"a": "1"}', b'{"a": true}', b'{"a": {"b": 1}}', b'{"a": NaN}',
     b'{"a": 1e999}', b'{"a": null}', b"[" * 50_000, b'{"a": 1' + b"0" * 400 + b"}",
     b'{"a": 1' + b"0" * 5_000 + b"}", b'{"a": 1}' + b" " * MAX_METRICS_BYTES],
)  # fmt: skip
def test_anything_else_has_no_metrics(content: bytes) -> None:
    assert metrics_of(content) is None


def test_a_name_that_can_not_be_sent_is_replaced() -> None:
    assert metrics_of(b'{"\\ud800": 1}') == {"?": 1}


def test_a_text_is_taken_for_the_number_that_is_wanted() -> None:
    assert swept({"seed": ["1", 2], "lr": "0.5"}) == [{"seed": 1, "lr": 0.5}, {"seed": 2, "lr": 0.5}]
