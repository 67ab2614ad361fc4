"""A graph's parameters: whether they are well defined, and which values a run has."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from torchyard.contracts.graphs import Parameter, ParameterType, Scalar
from torchyard.contracts.sayings import say
from torchyard.contracts.workflows import Problem
from torchyard.domain.macros import MACROS

#: What every JSON reader can hold, a browser's too.
_MAX_INTEGER = 2**53
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_LONGEST_NUMBER = 50
_BOOLEANS = {"true": True, "false": False}
#: Choices that a sentence names.
_NAMED_CHOICES = 5


class Values(NamedTuple):
    """The values of a run.

    Attributes:
        values: By name, defaults included.
        missing: Names of parameters that have none.
        problems: What is wrong with what was given; a missing value is no problem yet.
    """

    values: dict[str, Scalar]
    missing: frozenset[str]
    problems: list[Problem]


def text_of(value: Scalar) -> str:
    """The value as it is put into a text: `true`, `5`, `0.1`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def of_run(parameters: Sequence[Parameter], given: Mapping[str, Any] | None = None) -> Values:
    """The values given, over the defaults.

    A text is taken for a number, or yes or no, where one is wanted: that is how a terminal gives them.
    """
    values: dict[str, Scalar] = {}
    known = {parameter.name: parameter for parameter in reversed(parameters)}
    unknown = [name for name in given or {} if name not in known]
    problems = [_wrong_value(name, "no_such_parameter", "parameter_unknown") for name in unknown]
    for name in dict.fromkeys(parameter.name for parameter in parameters):
        parameter = known[name]
        wanted = given is not None and name in given
        value = given[name] if given is not None and wanted else parameter.default
        fitting = None if value is None else fit(parameter, value)
        if fitting is not None:
            values[name] = fitting
        elif wanted:
            problems.append(
                _wrong_value(name, "parameter_must_be", "parameter_invalid", kind=_kind(parameter))
            )
    return Values(values, frozenset(known.keys() - values.keys()), problems)


def missing_problem(name: str) -> Problem:
    """The problem of a run whose parameter has no value."""
    return _wrong_value(name, "parameter_without_value", "parameter_missing")


def fit(parameter: Parameter, value: Any) -> Scalar | None:
    """The value in the parameter's type; None if it does not fit."""
    match parameter.type:
        case ParameterType.INTEGER:
            return _integer(value)
        case ParameterType.NUMBER:
            return _number(value)
        case ParameterType.BOOLEAN:
            return value if isinstance(value, bool) else _BOOLEANS.get(value) if _is_text(value) else None
        case ParameterType.CHOICE:
            return next((choice for choice in parameter.choices if _chosen(choice, value)), None)
        case _:
            return str(value) if _is_text(value) and "\x00" not in value else None


def definition_problems(parameters: Sequence[Parameter]) -> list[Problem]:
    """What is wrong with the parameters as they are defined."""
    problems: list[Problem] = []
    seen: set[str] = set()
    for place, parameter in enumerate(parameters):
        for code, field, message in _definition(parameter):
            problems.append(_wrong(code, message, place, field))
        if parameter.name in seen:
            message = say("parameter_twice", name=parameter.name[:80])
            problems.append(_wrong("parameter_duplicate", message, place, "name"))
        seen.add(parameter.name)
    return problems


def _definition(parameter: Parameter) -> Iterator[tuple[str, str, str]]:
    shown = parameter.name[:80]
    if not _NAME.fullmatch(parameter.name):
        yield "parameter_name_invalid", "name", say("parameter_misnamed", name=shown)
    elif parameter.name in MACROS:
        yield "parameter_reserved", "name", say("parameter_named_as_macro", name=shown)
    if parameter.type is ParameterType.CHOICE:
        if not parameter.choices:
            yield "choices_missing", "choices", say("choice_without_values", name=shown)
        elif len({text_of(choice) for choice in parameter.choices}) < len(parameter.choices):
            yield "choice_duplicate", "choices", say("choice_with_value_twice", name=shown)
    elif parameter.choices:
        yield "choices_not_allowed", "choices", say("values_without_choice", name=shown)
    if parameter.default is not None and fit(parameter, parameter.default) is None:
        yield "default_invalid", "default", say("default_must_be", name=shown, kind=_kind(parameter))


def _integer(value: Any) -> int | None:
    if _is_text(value) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_INTEGER:
        return None
    return value


def _number(value: Any) -> int | float | None:
    if _is_text(value):
        if len(value) > _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
            return None
        value = int(value) if _INTEGER.fullmatch(value) else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return value if abs(value) <= _MAX_INTEGER else None
    return value if abs(value) < float("inf") else None  # nor NaN, which no number is less than


def _chosen(choice: Scalar, value: Any) -> bool:
    if isinstance(choice, bool) is isinstance(value, bool) and choice == value:
        return True
    return _is_text(value) and text_of(choice) == value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _kind(parameter: Parameter) -> str:
    match parameter.type:
        case ParameterType.INTEGER:
            return say("kind_integer")
        case ParameterType.NUMBER:
            return say("kind_number")
        case ParameterType.BOOLEAN:
            return say("kind_boolean")
        case ParameterType.CHOICE:
            named = ", ".join(text_of(choice)[:40] for choice in parameter.choices[:_NAMED_CHOICES])
            more = ", …" if len(parameter.choices) > _NAMED_CHOICES else ""
            return say("kind_choice", values=f"{named}{more}")
        case _:
            return say("kind_text")


def _wrong_value(name: str, what: str, code: str, **facts: Any) -> Problem:
    return Problem(code=code, message=say(what, name=name[:80], **facts), field=f"parameters.{name[:200]}")


def _wrong(code: str, message: str, place: int, field: str) -> Problem:
    return Problem(code=code, message=message, field=f"parameters.{place}.{field}")
