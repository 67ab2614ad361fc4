"""Which runs a sweep makes: every combination of its values, in a stable order."""

import json
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

from torchyard.contracts.graphs import Parameter, Scalar
from torchyard.contracts.sayings import say
from torchyard.contracts.sweeps import MAX_METRICS_BYTES, MAX_SWEEP_RUNS, Range, SweepValues
from torchyard.domain.parameters import fit
from torchyard.errors import FieldInvalid

#: A number of runs above this is only said to be above it.
_UNCOUNTED = 10**9


def combinations(
    wanted: Mapping[str, SweepValues], parameters: Sequence[Parameter]
) -> list[dict[str, Scalar]]:
    """The values of each run; those of the parameter named first change slowest.

    Args:
        wanted: By parameter: a list of values, a range, or one value.
        parameters: Those of the graph.

    Raises:
        FieldInvalid: `parameter_unknown`, `parameter_invalid`: a value is not of its parameter's type;
            `sweep_range_invalid`, `sweep_empty`, `sweep_value_twice`; `sweep_too_large` names the number.
    """
    known = {parameter.name: parameter for parameter in parameters}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise _refused(unknown[0], "parameter_unknown", f"there is no parameter {unknown[0]!r}")
    runs = math.prod(_count(name, values) for name, values in wanted.items())
    if runs > MAX_SWEEP_RUNS:
        named = f"{runs:,}" if runs <= _UNCOUNTED else f"more than {_UNCOUNTED:,}"
        raise FieldInvalid(
            say("sweep_over_limit", runs=named, most=f"{MAX_SWEEP_RUNS:,}"),
            code="sweep_too_large",
            field="parameters",
        )
    columns = [_checked(known[name], _values(values)) for name, values in wanted.items()]
    return [dict(zip(wanted, row, strict=True)) for row in product(*columns)]


def metrics_of(content: bytes) -> dict[str, float] | None:
    """The numbers of a file of metrics; None if it is no flat JSON object of numbers."""
    if len(content) > MAX_METRICS_BYTES:
        return None
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(_is_number(value) for value in found.values()):
        return None
    return {_storable(name): value for name, value in found.items()}


def _count(name: str, values: SweepValues) -> int:
    if isinstance(values, list):
        if not values:
            raise _refused(name, "sweep_empty", "has no values")
        return len(values)
    if not isinstance(values, Range):
        return 1
    start, stop, step = map(_exact, (values.start, values.stop, values.step))
    if not step:
        raise _refused(name, "sweep_range_invalid", "the step of a range can't be 0")
    if (stop - start) / step < 0:
        raise _refused(name, "sweep_range_invalid", "no step of this range leads from its start to its stop")
    return (stop - start) // step + 1


def _values(values: SweepValues) -> list[Scalar]:
    if isinstance(values, list):
        return values
    if not isinstance(values, Range):
        return [values]
    numbers = (values.start, values.stop, values.step)
    start, stop, step = map(_exact, numbers)
    found = [start + step * number for number in range((stop - start) // step + 1)]
    whole = isinstance(values.start, int) and isinstance(values.step, int)
    return [int(one) if whole else float(one) for one in found]


def _exact(number: float) -> Fraction:
    # The number as it was written, not the nearest one of base 2: steps of 0.1 must not drift.
    return Fraction(repr(number))


def _checked(parameter: Parameter, values: list[Scalar]) -> list[Scalar]:
    seen: dict[tuple[bool, Scalar], Scalar] = {}
    for value in values:
        fitting = fit(parameter, value)
        if fitting is None:
            raise _refused(
                parameter.name, "parameter_invalid", f"{value!r} is no value of the type {parameter.type}"
            )
        key = (isinstance(fitting, bool), fitting)
        if key in seen:
            raise _refused(parameter.name, "sweep_value_twice", f"{value!r} is there twice")
        seen[key] = fitting
    return list(seen.values())


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond all floats
        return False


def _no_number(text: str) -> float:
    raise ValueError(text)


def _storable(name: str) -> str:
    # A lone surrogate can't be sent.
    return name.encode("utf-8", "replace").decode()


def _refused(name: str, code: str, sentence: str) -> FieldInvalid:
    return FieldInvalid(f"{name}: {sentence}", code=code, field=f"parameters.{name}")
