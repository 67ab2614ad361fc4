"""Curves of numbers that a script printed, or wrote into TensorBoard's event files."""

from typing import Literal

from pydantic import Field

from torchyard.contracts.models import Lenient

#: Series of one attempt, and points of one series.
MAX_SERIES, MAX_POINTS = 50, 10_000

Counted = Literal["step", "epoch", "order"]


class Series(Lenient):
    """One name and its numbers, as columns of the same length."""

    name: str = Field(description="What stood before the numbers, or the tag of an event file.")
    source: Literal["printed", "tensorboard"] = Field(
        "printed", description="Whether it was printed, or read from an event file."
    )
    counts: Counted = Field(
        "step", description="What `steps` are: printed steps, printed epochs, or the order of the points."
    )
    percent: bool = Field(False, description="Whether the numbers were printed with a percent sign.")
    total: int = Field(description="How many numbers there were; of many, lows and highs are kept.")
    steps: list[float] = Field(description="Where each number stands; they grow.")
    values: list[float | None] = Field(description="Null for what was no number: nan, inf.")
    offsets: list[int] = Field(
        [], description="Where in stdout.log the line begins that each was printed in."
    )
    times: list[int | None] = Field([], description="When it arrived, in milliseconds since 1970.")


class PrintedProgress(Lenient):
    """How far a script is, by its latest `Epoch 3/10` or progress bar."""

    done: float = Field(description="Epochs or steps that are done.")
    total: float = Field(description="Of so many.")
    fraction: float = Field(ge=0, le=1, description="The share that is done.")
    seconds_left: float | None = Field(
        None, description="As its bar told it, or as the time of its epochs so far lets expect."
    )
    at: int | None = Field(None, description="When that was told, in milliseconds since 1970.")


class SeriesList(Lenient):
    """What an attempt printed in a regular way."""

    attempt: int = Field(description="Which attempt.")
    revision: str = Field(description="Changes when points changed that were told before: get all of them.")
    until: int = Field(description="Byte up to which stdout.log was looked at; the next `after`.")
    size: int = Field(description="Bytes of stdout.log.")
    complete: bool = Field(description="Whether all of it was looked at; if not, ask again.")
    series: list[Series] = Field([], description="In the order in which they first appeared.")
    progress: PrintedProgress | None = Field(None, description="How far it says it is, if it does.")


class EventScalars(Lenient):
    """The scalars of TensorBoard event files among an attempt's artifacts."""

    files: int = Field(0, description="Event files that were read.")
    series: list[Series] = []
