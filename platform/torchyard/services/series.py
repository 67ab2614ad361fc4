"""Curves and progress of an attempt: of what it printed, and of the event files it left."""

import math

from pydantic import ValidationError

from torchyard.contracts.logs import RecordName
from torchyard.contracts.series import EventScalars, PrintedProgress, Series, SeriesList
from torchyard.domain.curves import Curve
from torchyard.domain.printed_progress import How
from torchyard.services import logs
from torchyard.services.context import Context
from torchyard.services.logs import LogRef


def get(ctx: Context, ref: LogRef, *, after: int | None = None) -> SeriesList:
    """The series of an attempt, as far as there was time to read its output.

    Args:
        ctx: The context.
        ref: The attempt's stdout.log.
        after: Only numbers whose lines begin at this byte or behind it.

    Raises:
        Unavailable: `busy`: many others are being read.
    """
    # Asked first: what was printed before the end is seen below.
    final = logs.end(ctx, ref) is not None
    view, known = logs.view(ctx, ref)
    with ctx.printed_logs.looking(
        known, view, lambda start, end: ctx.logs.pieces(ref.attempt_id, start, end), final=final
    ) as reading:
        printed = reading.printed
        curves = [_told(curve, -1 if after is None else after - 1) for curve in printed.curves.values()]
        changes = printed.changes + sum(curve.changes for curve in printed.curves.values())
        recorded = ctx.logs.size(ref.attempt_id, RecordName.SCALARS)
        events = _scalars(ctx, ref) if recorded and after is None else []
        return SeriesList(
            attempt=ref.attempt,
            revision=f"{reading.restarts}.{changes}.{recorded}",
            until=reading.offset,
            size=view.size,
            complete=reading.caught_up,
            series=[
                *(curve for curve in curves if curve.steps or after is None),
                *events,
            ],
            progress=_progress(printed.progress),
        )


def _told(curve: Curve, after: int) -> Series:
    points = curve.points(after)
    return Series(
        name=curve.name,
        counts=curve.counts,
        percent=curve.percent,
        total=curve.total,
        steps=[point.step for point in points],
        values=[point.value if math.isfinite(point.value) else None for point in points],
        offsets=[point.offset for point in points],
        times=[point.at if point.at >= 0 else None for point in points],
    )


def _progress(how: How | None) -> PrintedProgress | None:
    if how is None:
        return None
    return PrintedProgress(
        done=how.done,
        total=how.total,
        fraction=how.fraction,
        seconds_left=how.seconds_left,
        at=how.at if how.at >= 0 else None,
    )


def _scalars(ctx: Context, ref: LogRef) -> list[Series]:
    """What the worker read of event files; nothing while it is still being sent."""
    size = ctx.logs.size(ref.attempt_id, RecordName.SCALARS)
    try:
        found = EventScalars.model_validate_json(ctx.logs.read(ref.attempt_id, RecordName.SCALARS, 0, size))
    except ValidationError:
        return []
    return [series.model_copy(update={"source": "tensorboard"}) for series in found.series]
