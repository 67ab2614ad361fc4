"""A sweep: one run of a workflow for each combination of parameter values, with a common page of results."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from torchyard.contracts.graphs import MAX_PARAMETERS, Name, Scalar
from torchyard.contracts.jobs import Text
from torchyard.contracts.models import Lenient, Strict, Uuid
from torchyard.contracts.runs import Mode, RunState

#: Runs of one sweep.
MAX_SWEEP_RUNS = 1_000
#: The file name of an artifact that holds a node's metrics: a flat JSON object of numbers.
METRICS_FILE = "metrics.json"
MAX_METRICS_BYTES = 64 * 1024


class Range(Strict):
    """Numbers at equal distances; they don't drift: 0.1, 0.2, 0.3."""

    start: int | float = Field(description="The first one.")
    stop: int | float = Field(description="The last one, included if a whole number of steps leads to it.")
    step: int | float = Field(1, description="From one to the next; below 0 to count down.")


#: Several values, or one that all runs get.
SweepValues = Annotated[list[Scalar], Field(max_length=MAX_SWEEP_RUNS)] | Range | Scalar


class SweepCreate(Strict):
    """A sweep to make. The values of the parameter named first change slowest."""

    parameters: dict[Name, SweepValues] = Field(
        min_length=1,
        max_length=MAX_PARAMETERS,
        description="By parameter: values, a range (`start`, `stop` included, `step`), or one value.",
    )
    name: Annotated[Text, Field(max_length=200, description="A name for people.")] = ""
    version: int | None = Field(None, ge=1, le=2**53, description="The workflow's version; else the latest.")
    mode: Mode = Field(Mode(), description="Which nodes each run is to run.")
    source_run: Uuid | None = Field(
        None,
        description="Where inputs come from that the runs don't make; else the latest run that has them.",
    )
    force: bool = Field(False, description="Run every node, whatever could be reused.")
    data_time: datetime | None = Field(
        None, description="The time that time macros go by, with its zone; now if left out."
    )


class SweepRun(Lenient):
    """A run of a sweep, with what came out of it."""

    run: str = Field(description="The run's UUID.")
    number: int | None = Field(None, description="The run's number in its workflow.")
    parameters: dict[str, JsonValue] = Field(description="The values that the sweep gave it.")
    state: RunState = Field(description="Where it stands.")
    sentence: str | None = Field(None, description="How it ended, or why it waits.")
    seconds: float | None = Field(None, description="From its start to its end, or until now.")
    metrics: dict[str, dict[str, float]] = Field(
        {},
        description=f"By node: the numbers of its artifact `{METRICS_FILE}`, if it left exactly one that is "
        "a flat JSON object of numbers.",
    )


class Sweep(Lenient):
    """A sweep in the list."""

    id: str = Field(description="The sweep's UUID.")
    workflow: str = Field(description="The workflow's id.")
    name: str = Field(description="Its name, for people.")
    owner: str = Field(description="The name of the user who made it.")
    parameters: dict[str, JsonValue] = Field(description="The values, as they were asked for.")
    runs: int = Field(description="How many runs it made.")
    counts: dict[str, int] = Field(description="How many of its runs are in each state (RunState).")
    created_at: datetime = Field(description="When it was made.")


class SweepDetail(Sweep):
    """A sweep with all its runs, in the order of their combinations."""

    results: list[SweepRun] = Field(description="One for each run that has not been deleted.")
