"""When a schedule is due: cron expressions of five fields in a time zone, as Debian's cron reads them.

Around a change of the clocks: a time that the clocks leave out is due at the first moment after the gap, one
that they show twice is due the first time; what is due every so many minutes or hours keeps its pace.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from torchyard.contracts.sayings import say
from torchyard.errors import FieldInvalid

DAILY = "0 0 * * *"
#: Missed times that are counted; of more only that is said.
MOST_COUNTED = 1_000
_FIELDS = 5
_STEP = timedelta(seconds=1)
#: The calendar's ends, as far as every time zone can write them.
_FIRST, _LAST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)
#: An hour that the clocks show twice hides, looked at from its second half, what was due in its first one.
_LONGEST_REPEAT = timedelta(hours=3)
#: Names among the zone files that are no IANA zones: the machine's own, and copies with leap seconds.
_NO_ZONES = ("localtime", "posixrules", "posix/", "right/", "Factory")


class Missed(NamedTuple):
    """What became due since somebody last looked.

    Attributes:
        latest: The latest time that was due.
        earlier: How many were due before it; at most `MOST_COUNTED`.
    """

    latest: datetime
    earlier: int


@dataclass(frozen=True)
class Timetable:
    """The times at which something is due, in UTC.

    Attributes:
        cron: Minute, hour, day of the month, month, day of the week.
        zone: The clocks it goes by.
        starts_at: The first moment that counts; None: always.
        ends_at: The last moment that counts; None: for ever.
    """

    cron: str
    zone: ZoneInfo
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times behind `moment`, in order."""
        early = self.starts_at is not None and moment < self.starts_at
        start = self.starts_at if self.starts_at is not None and early else moment
        for due in _ticks(self.cron, self.zone, start, including=early):
            if self.ends_at is not None and due > self.ends_at:
                return
            yield due

    def next(self, moment: datetime) -> datetime | None:
        """The first time behind `moment`; None if there is none."""
        return next(self.after(moment), None)

    def missed(self, since: datetime, now: datetime) -> Missed:
        """What became due from `since`, which is such a time, until `now`.

        If the timetable has changed meanwhile, `since` was due all the same.
        """
        latest = since
        end = now if self.ends_at is None else min(now, self.ends_at)
        if end > since:
            before = _ticks(self.cron, self.zone, end, back=True, including=True)
            latest = max(since, next(before, since))
        between = itertools.takewhile(lambda due: due < latest, self.after(since))
        earlier = sum(1 for _ in itertools.islice(between, MOST_COUNTED)) + (latest > since)
        return Missed(latest, min(earlier, MOST_COUNTED))

    def period_before(self, due: datetime) -> datetime:
        """The time before `due`: the run at `due` is for the period that began then."""
        return next(_ticks(self.cron, self.zone, due, back=True), due)

    def between(self, first: datetime, last: datetime) -> Iterator[datetime]:
        """The times from `first` to `last`, both included, in order; start and end don't count."""
        ticks = _ticks(self.cron, self.zone, first, including=True)
        return itertools.takewhile(lambda due: due <= last, ticks)


def check_cron(cron: str) -> None:
    """Refuse what is no cron expression.

    Raises:
        FieldInvalid: `cron_invalid`: it is none, or is never due.
    """
    if len(cron.split()) != _FIELDS:
        raise _no_cron("has to have five fields: minute, hour, day of the month, month, day of the week")
    try:
        CronSim(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as problem:
        raise _no_cron(f"can't be read: {str(problem)[:1].lower()}{str(problem)[1:]}") from None
    if next(_ticks(cron, ZoneInfo("UTC"), datetime(2000, 1, 1, tzinfo=UTC)), None) is None:
        raise _no_cron("is never due")


def zone_of(name: str, field: str = "time_zone") -> ZoneInfo:
    """The time zone with this name.

    Raises:
        FieldInvalid: `time_zone_unknown`.
    """
    try:
        if not name.startswith(_NO_ZONES):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the latter two for what is no name at all
        pass
    raise FieldInvalid(
        say("no_such_time_zone", name=name),
        code="time_zone_unknown",
        field=field,
        hint="use an IANA name, such as Asia/Shanghai or UTC",
    )


def in_utc(moment: datetime, zone: ZoneInfo, field: str) -> datetime:
    """The moment in UTC; one without a zone is meant by the clocks of `zone`.

    Raises:
        FieldInvalid: `time_invalid`: it lies at the very end of what can be written.
    """
    try:
        return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
    except (OverflowError, ValueError):
        raise FieldInvalid("lies outside of what can be written", code="time_invalid", field=field) from None


def _ticks(
    cron: str, zone: ZoneInfo, moment: datetime, *, back: bool = False, including: bool = False
) -> Iterator[datetime]:
    """The times on one side of `moment`, each once, the nearest first; itself only if `including`."""
    found = None
    try:
        start = max(_FIRST, min(_LAST, moment))
        start = (start + _LONGEST_REPEAT if back else start - _STEP).astimezone(zone)
        for tick in CronSim(cron, start, reverse=back):
            due = tick.astimezone(UTC)
            on_side = due < moment if back else due > moment
            # Several times that the clocks leave out are due at the same moment.
            if (on_side or (including and due == moment)) and due != found:
                yield due
                found = due
    except (OverflowError, ValueError):  # the calendar begins in the year 1 and ends in 9999
        return


def _no_cron(what: str) -> FieldInvalid:
    return FieldInvalid(
        f"the cron expression {what}",
        code="cron_invalid",
        field="cron",
        hint=say("hint_cron"),
    )
