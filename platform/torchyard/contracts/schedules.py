"""When a workflow runs by itself: a schedule, its next times, and runs for times that have passed."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from torchyard.contracts.graphs import Name, Scalar
from torchyard.contracts.jobs import Text
from torchyard.contracts.models import Lenient, Strict

#: Runs of one back-fill.
MAX_BACKFILL = 50
#: Times that a preview shows.
PREVIEWED = 5
_DATE = len("2026-01-31")

Cron = Annotated[
    Text,
    Field(
        max_length=200,
        description="Five fields: minute, hour, day of the month, month, day of the week; `30 2 * * 1-5` is "
        "02:30 on working days.",
    ),
]


class Overlap(StrEnum):
    """What happens when a run is due while an earlier one of the schedule has not ended."""

    #: The new one is left out.
    SKIP = "skip"
    #: The new one waits for its turn.
    QUEUE = "queue"
    #: The earlier ones are stopped.
    CANCEL_OLD = "cancel_old"


def _first_moment(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or "-" not in value[1:]:
        raise PydanticCustomError("time_invalid", "must be an ISO 8601 time, as 2026-01-31T12:00:00Z")
    return f"{value}T00:00:00" if len(value) == _DATE else value


def _last_moment(value: Any) -> Any:
    return f"{value}T23:59:59.999999" if isinstance(value, str) and len(value) == _DATE else value


_BY_ZONE = "without a zone it is meant by the schedule's clocks"
#: A time; a date alone is its first moment.
Since = Annotated[datetime, BeforeValidator(_first_moment)]
#: A time; a date alone is its last moment. (The later validator runs first.)
Until = Annotated[datetime, BeforeValidator(_first_moment), BeforeValidator(_last_moment)]


class Times(Strict):
    """When something is due."""

    cron: Cron
    time_zone: Annotated[Text, Field(max_length=100)] | None = Field(
        None, description="IANA name of the clocks it goes by; the workflow's, or UTC, if left out."
    )
    starts_at: Since | None = Field(None, description=f"Nothing is due before; {_BY_ZONE}.")
    ends_at: Until | None = Field(None, description=f"Nothing is due later; {_BY_ZONE}.")


class ScheduleSettings(Times):
    """A schedule to set."""

    overlap: Overlap = Field(
        Overlap.SKIP, description="What happens while an earlier run of the schedule has not ended."
    )
    paused: bool = Field(False, description="Nothing runs by itself until it is resumed.")
    parameters: dict[Name, Scalar] = Field({}, description="Values other than the defaults.")


class Preview(Lenient):
    """The next times of a schedule."""

    time_zone: str = Field(description="The clocks it goes by.")
    next: list[datetime] = Field(
        description=f"At most {PREVIEWED}, the first one first, by these clocks; empty if it is over."
    )


class Schedule(Lenient):
    """When a workflow runs by itself."""

    workflow: str = Field(description="The workflow's id.")
    owner: str = Field(description="The name of the user who set it; the runs are theirs.")
    cron: str = Field(description="Minute, hour, day of the month, month, day of the week.")
    time_zone: str = Field(description="The clocks it goes by.")
    starts_at: datetime | None = Field(None, description="Nothing is due before.")
    ends_at: datetime | None = Field(None, description="Nothing is due later.")
    overlap: Overlap = Field(description="What happens while an earlier run of it has not ended.")
    paused: bool = Field(description="Whether nothing runs by itself until it is resumed.")
    parameters: dict[str, JsonValue] = Field({}, description="Values other than the defaults.")
    next: list[datetime] = Field(description="The next times, by its clocks; empty if it is paused or over.")
    last_at: datetime | None = Field(None, description="The latest time that was due.")
    last_result: str | None = Field(None, description="What became of it, in one sentence.")
    created_at: datetime = Field(description="When it was set.")


class BackfillCreate(Strict):
    """Runs to make for an interval that has passed: one for each time of the schedule; daily without one."""

    first: Since = Field(alias="from", description=f"The interval's start, included; {_BY_ZONE}.")
    last: Until = Field(alias="to", description=f"The interval's end, included; {_BY_ZONE}.")
    parameters: dict[Name, Scalar] = Field(
        {}, description="Values other than the schedule's, and than the defaults."
    )


class BackfillRun(Lenient):
    """A time of a back-fill."""

    data_time: datetime = Field(description="The time that time macros go by.")
    run: str | None = Field(description="The run's UUID; null if it has been deleted since.")


class BackfillPreview(Lenient):
    """What a back-fill would make now."""

    time_zone: str = Field(description="The clocks that its times go by.")
    runs: list[datetime] = Field(description="The times for which it would make a run, the first one first.")
    dropped: list[BackfillRun] = Field(
        description="Times that it would leave out, as a run for them waits or goes on: that one."
    )


class Backfill(Lenient):
    """What a back-fill made."""

    id: str = Field(description="The back-fill's UUID.")
    runs: list[BackfillRun] = Field(description="The runs made, the first time first.")
    dropped: list[BackfillRun] = Field(
        description="Times that were left out, as a run for them waits or goes on: that one."
    )
