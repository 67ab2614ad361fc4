import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchyard.domain.timetables import MOST_COUNTED, Missed, Timetable, check_cron, in_utc, zone_of
from torchyard.errors import FieldInvalid

BERLIN = ZoneInfo("Europe/Berlin")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def berlin(cron: str, moment: str, count: int = 3) -> list[str]:
    """What is due next behind a moment of UTC, by the clocks of Berlin."""
    found = Timetable(cron, BERLIN).after(datetime.fromisoformat(moment).replace(tzinfo=UTC))
    return [due.astimezone(BERLIN).isoformat() for due in itertools.islice(found, count)]


def test_times_are_those_of_the_zone() -> None:
    found = Timetable("30 2 * * 1-5", SHANGHAI).after(datetime(2026, 1, 2, 0, tzinfo=UTC))
    assert [due.isoformat() for due in itertools.islice(found, 2)] == [
        "2026-01-04T18:30:00+00:00",
        "2026-01-05T18:30:00+00:00",
    ]


def test_a_time_that_the_clocks_leave_out_is_due_right_after_the_gap() -> None:
    assert berlin("30 2 * * *", "2026-03-28T12:00") == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-30T02:30:00+02:00",
        "2026-03-31T02:30:00+02:00",
    ]


def test_several_times_that_the_clocks_leave_out_are_due_once() -> None:
    assert berlin("0,20,40 2,3 * * *", "2026-03-28T12:00")[:2] == [
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:20:00+02:00",
    ]


def test_a_time_that_the_clocks_show_twice_is_due_the_first_time() -> None:
    assert berlin("30 2 * * *", "2026-10-24T12:00") == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
        "2026-10-27T02:30:00+01:00",
    ]


def test_in_the_second_half_of_a_repeated_hour_the_first_half_is_over() -> None:
    in_second_half = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 02:10 for the second time
    timetable = Timetable("30 2 * * *", BERLIN)
    assert timetable.next(in_second_half) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert timetable.period_before(in_second_half) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_what_is_due_every_hour_keeps_its_pace_over_a_change_of_the_clocks(day: str) -> None:
    start = datetime.fromisoformat(f"{day}T00:00").replace(tzinfo=BERLIN) - timedelta(minutes=1)
    found = list(itertools.islice(Timetable("0 * * * *", BERLIN).after(start), 8))
    assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(hours=1)}


def test_the_29th_of_february_is_due_in_leap_years() -> None:
    found = Timetable("0 0 29 2 *", ZoneInfo("UTC")).after(datetime(2096, 1, 1, tzinfo=UTC))
    assert [due.year for due in itertools.islice(found, 3)] == [2096, 2104, 2108]


def test_start_and_end_are_included_and_nothing_outside_of_them_is_due() -> None:
    first, last = datetime(2026, 1, 3, tzinfo=UTC), datetime(2026, 1, 5, tzinfo=UTC)
    timetable = Timetable("0 0 * * *", ZoneInfo("UTC"), first, last)
    assert [due.day for due in timetable.after(NOON)] == [3, 4, 5]
    assert timetable.next(last) is None


def test_the_period_of_a_run_is_the_one_before_it_is_due() -> None:
    monthly = Timetable("0 3 1 * *", ZoneInfo("UTC"))
    assert monthly.period_before(datetime(2026, 3, 1, 3, tzinfo=UTC)) == datetime(2026, 2, 1, 3, tzinfo=UTC)


def test_of_what_was_missed_the_latest_counts_and_the_others_are_counted() -> None:
    hourly = Timetable("0 * * * *", ZoneInfo("UTC"))
    assert hourly.missed(NOON, NOON) == Missed(NOON, 0)
    assert hourly.missed(NOON, NOON + timedelta(minutes=59)) == Missed(NOON, 0)
    assert hourly.missed(NOON, NOON + timedelta(hours=3, minutes=1)) == Missed(NOON + timedelta(hours=3), 3)


def test_a_year_of_missed_minutes_is_not_counted_to_its_end() -> None:
    minutely = Timetable("* * * * *", ZoneInfo("UTC"))
    away = NOON + timedelta(days=365)
    assert minutely.missed(NOON, away) == Missed(away, MOST_COUNTED)


def test_what_would_have_been_due_behind_the_end_was_not_missed() -> None:
    ended = Timetable("0 * * * *", ZoneInfo("UTC"), None, NOON + timedelta(hours=1))
    assert ended.missed(NOON, NOON + timedelta(days=1)) == Missed(NOON + timedelta(hours=1), 1)


def test_an_interval_includes_both_its_ends() -> None:
    daily = Timetable("0 0 * * *", ZoneInfo("UTC"))
    found = daily.between(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC))
    assert [due.day for due in found] == [1, 2, 3]


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_the_ends_of_the_calendar_are_no_trouble(moment: datetime) -> None:
    timetable = Timetable("0 0 * * *", BERLIN, moment, moment)
    assert timetable.next(NOON) in {None, moment}
    assert list(timetable.between(moment, moment)) in ([], [moment])
    assert timetable.period_before(moment) <= moment


@pytest.mark.parametrize(
    "cron",
    ["", "* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 30 2 *", "a b c d e",
     "@daily", "0 0 * * 8", "*/0 * * * *", "5-1 * * * *", "², * * * *", "0 0 * * L", "1,, * * * *"],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused(cron: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        check_cron(cron)
    assert refused.value.code == "cron_invalid"


@given(st.text("0123456789*/,-L#W? MONJAN²", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(cron: str) -> None:
    try:
        check_cron(cron)
    except FieldInvalid:
        return
    assert Timetable(cron, ZoneInfo("UTC")).next(NOON) is not None


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "right/UTC", "localtime", "\x00"]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(FieldInvalid) as refused:
        zone_of(name)
    assert refused.value.code == "time_zone_unknown"


def test_a_time_without_a_zone_is_meant_by_the_schedule_s_clocks() -> None:
    assert in_utc(datetime(2026, 7, 1), BERLIN, "from") == datetime(2026, 6, 30, 22, tzinfo=UTC)  # noqa: DTZ001
    with pytest.raises(FieldInvalid):
        in_utc(datetime.min, BERLIN, "from")  # noqa: DTZ901


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
@settings(max_examples=200, deadline=None)
def test_what_is_next_is_what_comes_before_everything_later(moment: datetime) -> None:
    timetable = Timetable("30 2 * * *", BERLIN)
    due = timetable.next(moment)
    assert due is not None
    assert moment < due
    assert timetable.period_before(due) <= moment
    following = timetable.next(due)
    assert following is not None
    assert timetable.period_before(following) == due
