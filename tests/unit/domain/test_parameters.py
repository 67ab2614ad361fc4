from typing import Any

import pytest

from torchyard.contracts.graphs import Parameter
from torchyard.domain.parameters import definition_problems, of_run, text_of


def parameter(**fields: Any) -> Parameter:
    return Parameter.model_validate({"name": "p", **fields})


CHOICE = {"type": "choice", "choices": ["adam", 1, 0.5]}


@pytest.mark.parametrize(
    ("fields", "given", "value"),
    [
        ({}, "x", "x"),
        ({}, "", ""),
        ({"type": "integer"}, 5, 5),
        ({"type": "integer"}, "-5", -5),
        ({"type": "integer"}, 5.0, 5),
        ({"type": "number"}, 5, 5),
        ({"type": "number"}, 1e-5, 1e-5),
        ({"type": "number"}, "1e-5", 1e-5),
        ({"type": "number"}, "3", 3),
        ({"type": "boolean"}, False, False),
        ({"type": "boolean"}, "true", True),
        (CHOICE, "adam", "adam"),
        (CHOICE, 1, 1),
        (CHOICE, "0.5", 0.5),
    ],
)
def test_a_value_takes_the_parameters_type(fields: dict[str, Any], given: Any, value: Any) -> None:
    found = of_run([parameter(**fields)], {"p": given})

    assert not found.problems
    assert found.values == {"p": value}
    assert type(found.values["p"]) is type(value)


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({}, 5),
        ({}, None),
        ({}, ["x"]),
        ({"type": "integer"}, 5.5),
        ({"type": "integer"}, True),
        ({"type": "integer"}, "5.0"),
        ({"type": "integer"}, 2**53 + 1),
        ({"type": "integer"}, "²"),
        ({"type": "number"}, "nan"),
        ({"type": "number"}, float("inf")),
        ({"type": "number"}, "1" * 60),
        ({"type": "number"}, "1e9999"),
        ({"type": "number"}, True),
        ({"type": "boolean"}, 1),
        ({"type": "boolean"}, "yes"),
        (CHOICE, "sgd"),
        (CHOICE, True),
        (CHOICE, {}),
    ],
)
def test_a_value_of_another_type_is_told(fields: dict[str, Any], given: Any) -> None:
    found = of_run([parameter(**fields)], {"p": given})

    assert [(one.code, one.field) for one in found.problems] == [("parameter_invalid", "parameters.p")]
    assert found.missing == {"p"}


def test_what_is_given_goes_over_defaults_and_what_has_no_value_is_missing() -> None:
    defined = [
        parameter(name=name, default=default) for name, default in (("a", "1"), ("b", "2"), ("c", None))
    ]

    found = of_run(defined, {"b": "given", "d": "x"})

    assert found.values == {"a": "1", "b": "given"}
    assert found.missing == {"c"}
    assert [one.code for one in found.problems] == ["parameter_unknown"]
    assert of_run(defined, found.values).values == found.values


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (5, "5"), (0.1, "0.1"), (1e-05, "1e-05"), ("x", "x")],
)
def test_a_value_is_put_in_as_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"name": ""}, "parameter_name_invalid"),
        ({"name": "1a"}, "parameter_name_invalid"),
        ({"name": "学习率"}, "parameter_name_invalid"),
        ({"name": "a" * 65}, "parameter_name_invalid"),
        ({"name": "date"}, "parameter_reserved"),
        ({"name": "YYYYMMDD"}, "parameter_reserved"),
        ({"type": "integer", "default": "x"}, "default_invalid"),
        ({"type": "number", "default": True}, "default_invalid"),
        ({"default": 5}, "default_invalid"),
        ({"type": "choice"}, "choices_missing"),
        ({"type": "choice", "choices": ["a", "a"]}, "choice_duplicate"),
        ({"type": "choice", "choices": ["a"], "default": "b"}, "default_invalid"),
        ({"choices": ["a"]}, "choices_not_allowed"),
    ],
)
def test_a_definition_that_is_wrong_is_told(fields: dict[str, Any], code: str) -> None:
    assert [one.code for one in definition_problems([parameter(**fields)])] == [code]


def test_a_name_is_one_parameters_alone() -> None:
    found = definition_problems([parameter(), parameter(type="integer")])

    assert [(one.code, one.field) for one in found] == [("parameter_duplicate", "parameters.1.name")]
