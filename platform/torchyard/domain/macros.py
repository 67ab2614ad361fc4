"""Time macros: `${date}`, `${hour}`, and those that name the period before, as `${YYYYMMDD}`.

    ${date}          2016-08-08      the day of the run's data time; +n and -n in days
    ${hour}          16              its hour; +n and -n in hours
    ${YYYYMMDD}      20160807        the period before; +n and -n in days
    ${YYYYMMDDHH}    2016080815      the period before; +n and -n in hours
    ${YYYYMMDDHHFF}  201608081559    the period before; +n and -n in minutes

The period is the schedule's, so of a run at a due time it is the due time before that counts. Of other runs
the period is the macro's smallest unit. A period of a day or more begins at midnight, one of a month on the
first.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from torchyard.errors import FieldInvalid

_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
_MONTHS = 12


class Times(NamedTuple):
    """What time macros go by.

    Attributes:
        data_time: The time that the run is for, aware.
        zone: The time zone in which days and hours are counted.
        previous: The schedule's due time before it, aware; None of a run without a schedule.
    """

    data_time: datetime
    zone: ZoneInfo
    previous: datetime | None = None


class _Macro(NamedTuple):
    unit: timedelta
    #: Whether it names the period before, and not the data time's own.
    before: bool
    text: Callable[[datetime], str]


_MACROS = {
    "date": _Macro(_DAY, False, lambda at: f"{at.year:04}-{at.month:02}-{at.day:02}"),
    "hour": _Macro(_HOUR, False, lambda at: f"{at.hour:02}"),
    "YYYYMMDD": _Macro(_DAY, True, lambda at: f"{at.year:04}{at.month:02}{at.day:02}"),
    "YYYYMMDDHH": _Macro(_HOUR, True, lambda at: f"{at.year:04}{at.month:02}{at.day:02}{at.hour:02}"),
    "YYYYMMDDHHFF": _Macro(
        _MINUTE, True, lambda at: f"{at.year:04}{at.month:02}{at.day:02}{at.hour:02}{at.minute:02}"
    ),
}
#: Names that no parameter may have.
MACROS = frozenset(_MACROS)
_REFERENCE = re.compile(rf"({'|'.join(sorted(_MACROS, key=len, reverse=True))})([+-][0-9]{{1,6}})?")


def value_of(name: str, times: Times) -> str | None:
    """What the macro stands for; None if the name is no macro's.

    Raises:
        FieldInvalid: `macro_out_of_range`: it lies outside the years 1 to 9999.
    """
    found = _REFERENCE.fullmatch(name)
    if found is None:
        return None
    macro, offset = _MACROS[found[1]], int(found[2] or 0)
    try:
        base = _period_before(times, macro.unit) if macro.before else times.data_time.astimezone(times.zone)
        return macro.text(_moved(base, offset, macro.unit))
    except OverflowError:
        raise FieldInvalid(f"{name!r} lies outside the years 1 to 9999", code="macro_out_of_range") from None


def _period_before(times: Times, unit: timedelta) -> datetime:
    now = times.data_time.astimezone(times.zone)
    if times.previous is None:
        return _moved(now, -1, unit)
    before = times.previous.astimezone(times.zone)
    # By the clock on the wall: a day is a day also when the clocks change.
    if now.replace(tzinfo=None) - before.replace(tzinfo=None) < _DAY:
        return before
    before = before.replace(hour=0, minute=0, second=0, microsecond=0)
    return before.replace(day=1) if _a_month_apart(before, now) else before


def _a_month_apart(before: datetime, now: datetime) -> bool:
    months = (now.year - before.year) * _MONTHS + now.month - before.month
    return months >= 1 and before.day == now.day


def _moved(at: datetime, count: int, unit: timedelta) -> datetime:
    if unit >= _DAY:
        return at + count * unit  # the same time of another day
    # Hours and minutes really pass: where the clocks change, the hour between 2 and 3 comes twice, or never.
    return (at.astimezone(UTC) + count * unit).astimezone(at.tzinfo)
