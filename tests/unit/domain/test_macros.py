"""The examples are those of TI-ONE's manual: a run at 16:00 on 8 August 2016, in Shanghai."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchyard.domain.macros import MACROS, Times, value_of
from torchyard.errors import FieldInvalid

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2016, 8, 8, 16, tzinfo=SHANGHAI)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("previous", "macro", "expected"),
    [
        (at(2016, 8, 7, 16), "YYYYMMDD", "20160807"),
        (at(2016, 8, 7, 16), "YYYYMMDD+1", "20160808"),
        (at(2016, 8, 7, 16), "YYYYMMDDHH", "2016080700"),
        (at(2016, 8, 7, 16), "YYYYMMDDHHFF", "201608070000"),
        (at(2016, 8, 5, 16), "YYYYMMDD", "20160805"),
        (at(2016, 8, 1, 16), "YYYYMMDD", "20160801"),
        (at(2016, 7, 8, 16), "YYYYMMDD", "20160701"),
        (at(2016, 8, 8, 15), "YYYYMMDDHH", "2016080815"),
        (at(2016, 8, 8, 13), "YYYYMMDDHH", "2016080813"),
        (at(2016, 8, 8, 13), "YYYYMMDDHH-14", "2016080723"),
        (at(2016, 8, 8, 15, 50), "YYYYMMDDHHFF", "201608081550"),
        (at(2016, 8, 8, 15, 50), "YYYYMMDDHHFF+5", "201608081555"),
        (at(2016, 8, 8, 15, 30), "YYYYMMDDHHFF", "201608081530"),
    ],
)
def test_a_scheduled_run_is_for_the_period_before(previous: datetime, macro: str, expected: str) -> None:
    assert value_of(macro, Times(NOW, SHANGHAI, previous)) == expected


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("date", "2016-08-08"),
        ("date-1", "2016-08-07"),
        ("date+1", "2016-08-09"),
        ("date-8", "2016-07-31"),
        ("hour", "16"),
        ("hour-16", "00"),
        ("YYYYMMDD", "20160807"),
        ("YYYYMMDD+1", "20160808"),
        ("YYYYMMDDHH", "2016080815"),
        ("YYYYMMDDHHFF", "201608081559"),
        ("YYYYMMDDHHFF-1", "201608081558"),
    ],
)
def test_without_a_schedule_the_period_is_the_macros_smallest_unit(macro: str, expected: str) -> None:
    assert value_of(macro, Times(NOW, SHANGHAI)) == expected


def test_days_are_those_of_the_time_zone() -> None:
    assert value_of("date", Times(datetime(2016, 8, 8, 23, tzinfo=UTC), SHANGHAI)) == "2016-08-09"


def test_a_day_is_a_day_when_the_clocks_change_and_hours_really_pass() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    monday = Times(datetime(2026, 3, 30, 0, tzinfo=berlin), berlin, datetime(2026, 3, 29, 0, tzinfo=berlin))

    assert value_of("YYYYMMDD", monday) == "20260329"
    assert value_of("YYYYMMDDHH+2", monday) == "2026032903"


@pytest.mark.parametrize(
    "name", ["", "dates", "date+", "date 1", "date+1.5", "yyyymmdd", "YYYYMM", "date+1234567"]
)
def test_other_names_are_no_macros(name: str) -> None:
    assert value_of(name, Times(NOW, SHANGHAI)) is None


@given(
    macro=st.sampled_from(sorted(MACROS)),
    offset=st.integers(-999_999, 999_999),
    moment=st.datetimes(timezones=st.just(UTC)),
)
def test_a_macro_has_a_value_or_is_refused(macro: str, offset: int, moment: datetime) -> None:
    try:
        value = value_of(f"{macro}{offset:+}", Times(moment, SHANGHAI))
    except FieldInvalid as problem:
        assert problem.code == "macro_out_of_range"  # noqa: PT017 - or there is a value
    else:
        length = {"date": 10, "hour": 2}.get(macro, len(macro))
        assert value is not None
        assert len(value) == length
