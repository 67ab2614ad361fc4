"""`client.schedules`: when workflows run by themselves, and runs for times that have passed."""

import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import quote

from pydantic import TypeAdapter

from torchyard.client.connection import Connection as Http
from torchyard.contracts.schedules import Backfill, BackfillPreview, Overlap, Preview, Schedule

_SCHEDULE = TypeAdapter(Schedule)
_PREVIEW = TypeAdapter(Preview)
_BACKFILL = TypeAdapter(Backfill)
_BACKFILL_PREVIEW = TypeAdapter(BackfillPreview)


class Schedules:
    """The verbs of schedules; a workflow has one at most."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(self, workflow_id: str) -> Schedule:
        """The workflow's schedule; `RequestRefused`, `schedule_not_found` if it has none."""
        return self._http.ask(_SCHEDULE, "GET", _path(workflow_id))

    def set(  # noqa: PLR0913 - one argument for each field of a schedule
        self,
        workflow_id: str,
        cron: str,
        *,
        time_zone: str | None = None,
        starts_at: date | str | None = None,
        ends_at: date | str | None = None,
        overlap: Overlap | str | None = None,
        paused: bool | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Schedule:
        """Set the workflow's schedule, or replace it.

        Args:
            workflow_id: The workflow.
            cron: Minute, hour, day of the month, month, day of the week: `30 2 * * 1-5`.
            time_zone: IANA name of the clocks it goes by; the workflow's if left out.
            starts_at: Nothing is due before; a time or a date, by the schedule's clocks if it has no zone.
            ends_at: Nothing is due later; of a date, its last moment counts.
            overlap: `skip`, `queue` or `cancel_old`: what happens while an earlier run has not ended.
            paused: Nothing runs by itself until it is resumed.
            parameters: Values other than the defaults.
        """
        body = {
            "cron": cron,
            "time_zone": time_zone,
            "starts_at": _written(starts_at),
            "ends_at": _written(ends_at),
            "overlap": overlap,
            "paused": paused,
            "parameters": parameters,
        }
        said = {name: value for name, value in body.items() if value is not None}
        return self._http.ask(_SCHEDULE, "PUT", _path(workflow_id), json=said)

    def remove(self, workflow_id: str) -> None:
        """Forget the workflow's schedule; runs that it made go on."""
        self._http.request("DELETE", _path(workflow_id))

    def pause(self, workflow_id: str) -> Schedule:
        """Have nothing run by itself until the schedule is resumed."""
        return self._http.ask(_SCHEDULE, "POST", f"{_path(workflow_id)}/pause", repeatable=True)

    def resume(self, workflow_id: str) -> Schedule:
        """Have the workflow run by itself again; what would have been due meanwhile is left out."""
        return self._http.ask(_SCHEDULE, "POST", f"{_path(workflow_id)}/resume", repeatable=True)

    def preview(
        self,
        cron: str,
        *,
        time_zone: str | None = None,
        starts_at: date | str | None = None,
        ends_at: date | str | None = None,
    ) -> Preview:
        """The next five times of a schedule, also of one that is not set."""
        body = {
            "cron": cron,
            "time_zone": time_zone,
            "starts_at": _written(starts_at),
            "ends_at": _written(ends_at),
        }
        return self._http.ask(_PREVIEW, "POST", "/schedules/preview", repeatable=True, json=body)

    def backfill(
        self,
        workflow_id: str,
        first: date | str,
        last: date | str,
        *,
        parameters: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Backfill:
        """Make one run for each due time from `first` to `last`, at most 50; daily without a schedule.

        Args:
            workflow_id: The workflow.
            first: A time or a date, by the schedule's clocks if it has no zone.
            last: Included; of a date, its last moment counts.
            parameters: Values other than the schedule's, and than the defaults.
            idempotency_key: Two calls with the same key make the runs once, for a day.
        """
        body = {"from": _written(first), "to": _written(last), "parameters": dict(parameters or {})}
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._http.ask(
            _BACKFILL, "POST", _backfills(workflow_id), repeatable=True, json=body, headers=headers
        )

    def preview_backfill(self, workflow_id: str, first: date | str, last: date | str) -> BackfillPreview:
        """For which times `backfill` would make runs now, and which it would leave out."""
        body = {"from": _written(first), "to": _written(last)}
        path = f"{_backfills(workflow_id)}/preview"
        return self._http.ask(_BACKFILL_PREVIEW, "POST", path, repeatable=True, json=body)


def _path(workflow_id: str) -> str:
    return f"/workflows/{quote(workflow_id, safe='')}/schedule"


def _backfills(workflow_id: str) -> str:
    return f"/workflows/{quote(workflow_id, safe='')}/backfills"


def _written(moment: date | str | None) -> str | None:
    return moment.isoformat() if isinstance(moment, date) else moment
