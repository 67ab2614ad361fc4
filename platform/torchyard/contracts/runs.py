"""A run as it is asked for and told: modes, states, resuming, reuse, comparing."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, JsonValue
from pydantic_core import PydanticCustomError

from torchyard.contracts.graphs import MAX_NODES, Graph, Name, NodeKind, Scalar
from torchyard.contracts.jobs import JobState, Reason, Text
from torchyard.contracts.models import Lenient, Strict, Uuid
from torchyard.contracts.sayings import Saying
from torchyard.contracts.workflows import Difference, FieldChange, PartChange


class RunState(StrEnum):
    """Where a run stands."""

    #: As many runs of its workflow as allowed are going on.
    QUEUED = "queued"
    RUNNING = "running"
    #: Every node that it was to run succeeded, was reused or was not needed.
    SUCCEEDED = "succeeded"
    #: At least one failed, or could not run because of one that did.
    FAILED = "failed"
    #: A person stopped it.
    CANCELLED = "cancelled"


RUN_ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})


class NodeState(StrEnum):
    """Where a node of a run stands."""

    #: Has no part in this run: its mode leaves it out.
    LEFT_OUT = "left_out"
    #: Waits for nodes above it, or for its turn.
    WAITING = "waiting"
    #: Its job waits for a worker.
    QUEUED = "queued"
    STAGING = "staging"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: An earlier success stands in for it.
    REUSED = "reused"
    #: The workflow says to leave it out; what depends on it goes on without its outputs.
    SKIPPED = "skipped"
    #: What it was there for did not happen: a node above it did not fail, say.
    NOT_NEEDED = "not_needed"
    #: A node that it depends on failed, was stopped, or could not run.
    UPSTREAM_FAILED = "upstream_failed"


#: Its job is under way.
NODE_STARTED = frozenset({NodeState.QUEUED, NodeState.STAGING, NodeState.RUNNING})
NODE_ENDED = frozenset(NodeState) - NODE_STARTED - {NodeState.WAITING}
#: Its outputs are there for the nodes below.
NODE_GAVE = frozenset({NodeState.SUCCEEDED, NodeState.REUSED})
#: Counts as a failure of the run.
NODE_BROKEN = frozenset({NodeState.FAILED, NodeState.UPSTREAM_FAILED})


class ModeKind(StrEnum):
    """Which nodes a run is to run."""

    ALL = "all"
    #: The named nodes and all below them.
    FROM = "from"
    #: The named nodes and all above them.
    TO = "to"
    #: The named nodes alone; one or more.
    ONLY = "only"
    #: What failed or never ran in the source run.
    UNFINISHED = "unfinished"


class Mode(Strict):
    """Which nodes a run is to run."""

    kind: ModeKind = Field(ModeKind.ALL, description="Which nodes.")
    nodes: list[Name] = Field([], max_length=MAX_NODES, description="For `from`, `to` and `only`: names.")


class Trigger(StrEnum):
    """What made a run."""

    MANUAL = "manual"
    SCHEDULE = "schedule"
    BACKFILL = "backfill"
    SWEEP = "sweep"
    #: Another run was to be run again.
    AGAIN = "again"


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time_out_of_range", "must lie in the years 1 to 9999 in UTC") from None


class RunRequest(Strict):
    """A run to start."""

    mode: Mode = Field(Mode(), description="Which nodes it is to run.")
    parameters: dict[Name, Scalar] = Field({}, description="Values other than the defaults.")
    source_run: Uuid | None = Field(
        None,
        description="Where inputs come from that it does not make; the latest run that has them if left out.",
    )
    force: bool = Field(False, description="Run every node, whatever could be reused.")
    name: Annotated[Text, Field(max_length=200, description="A name for people.")] = ""
    data_time: Annotated[AwareDatetime, AfterValidator(_in_utc)] | None = Field(
        None, description="The time that time macros go by, with its zone; now if left out."
    )


class RunCreate(RunRequest):
    """A run of a workflow's version; the latest if none is named."""

    version: int | None = Field(
        None, ge=1, le=2**53, description="The workflow's version; the latest if left out."
    )


class AdHocRun(RunRequest):
    """A run of a graph that is not saved as a workflow."""

    graph: Graph = Field(description="What to run.")


class RunAgain(Strict):
    """A run to start that repeats another one: its graph, mode, data time, and parameters but for these."""

    parameters: dict[Name, Scalar] = Field({}, description="Values other than those of the run.")
    force: bool | None = Field(None, description="Run every node, whatever could be reused; as the run did.")
    name: Annotated[Text, Field(max_length=200)] | None = Field(
        None, description="A name for people; the run's if left out."
    )


class Resume(Strict):
    """Run nodes of a run again, inside the same run; also while the rest of it goes on."""

    nodes: list[Name] | None = Field(
        None, max_length=MAX_NODES, description="Which; what failed, was stopped or never ran if left out."
    )
    downstream: bool = Field(False, description="Also run again what is below them and had succeeded.")
    settings: "SettingsFrom" = Field(
        default_factory=lambda: SettingsFrom.FROZEN,
        description="The run's own settings, or the workflow's of today.",
    )
    overrides: dict[Name, dict[str, JsonValue]] = Field(
        {}, description="By node: settings that replace its own this once; null leaves one out."
    )


class SettingsFrom(StrEnum):
    """Which settings a resumed node runs with."""

    FROZEN = "frozen"
    TODAY = "today"


Resume.model_rebuild()


class NodeAttempt(Lenient):
    """One try of a node inside a run, with the settings it ran with."""

    number: int = Field(description="1 for the first.")
    job: str = Field(description="The job's id.")
    state: JobState = Field(description="Where its job stands.")
    settings: dict[str, JsonValue] = Field(description="After substitution, as the job got them.")
    started_at: datetime | None = Field(None, description="When its script started.")
    finished_at: datetime | None = Field(None, description="When it ended.")


class NodeRun(Lenient):
    """A node's part of a run."""

    name: str = Field(description="The node's name.")
    kind: NodeKind = Field(description="What it does.")
    state: NodeState = Field(description="Where it stands.")
    unreachable: bool = Field(False, description="True while its job's worker is silent.")
    reason: Reason | None = Field(None, description="Why it failed.")
    sentence: str | None = Field(None, description="How it ended, or why it waits, in one sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    position: int | None = Field(
        None, description="Its job's place in the queue, 1 is next; only while it is queued."
    )
    job: str | None = Field(
        None, description="Its latest job; of a reused node, the job that stands in for it."
    )
    attempts: int = Field(0, description="How often it was tried in this run.")
    reused_from: str | None = Field(None, description="The run whose result was reused.")
    inputs_from: dict[str, str] = Field(
        {}, description="Runs that inputs came from which this run did not make."
    )
    created_at: datetime | None = Field(None, description="When its latest job was queued.")
    started_at: datetime | None = Field(None, description="When its script started.")
    script_ended_at: datetime | None = Field(
        None, description="When the script of its latest attempt ended; what it left was collected since."
    )
    finished_at: datetime | None = Field(None, description="When it ended.")


class Run(Lenient):
    """A run, without its nodes."""

    id: str = Field(description="The run's UUID.")
    name: str = Field(description="A name for people; may be empty.")
    workflow: str | None = Field(None, description="The workflow's id; none for a graph that was not saved.")
    workflow_name: str | None = Field(None, description="The workflow's name.")
    version: int | None = Field(None, description="The workflow's version.")
    number: int | None = Field(None, description="1 for the workflow's first run.")
    owner: str = Field(description="The name of the user who started it, or whose schedule did.")
    state: RunState = Field(description="Where it stands.")
    sentence: str | None = Field(None, description="How it ended, or why it waits.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    stop_requested: bool = Field(False, description="True once somebody asked to stop it.")
    trigger: Trigger = Field(description="What made it.")
    mode: Mode = Field(description="Which nodes it is to run.")
    parameters: dict[str, JsonValue] = Field({}, description="All values, defaults included.")
    data_time: datetime = Field(description="The time that time macros go by.")
    source_run: str | None = Field(
        None, description="The run that was named as the source of what it does not make."
    )
    again_of: str | None = Field(None, description="The run this one repeats.")
    sweep: str | None = Field(None, description="The sweep it belongs to.")
    counts: dict[str, int] = Field({}, description="How many nodes are in each state (NodeState).")
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(None, description="When it began, having queued or not.")
    finished_at: datetime | None = Field(None, description="When it ended.")


class RunDetail(Run):
    """A run with its frozen graph and all its nodes."""

    graph: Graph = Field(description="What it runs, frozen.")
    nodes: list[NodeRun] = Field(description="All nodes, in the graph's order.")


class RunEvent(Lenient):
    """A change of state of a run or of one of its nodes."""

    seq: int = Field(description="1 for the run's first event, without gaps.")
    at: datetime = Field(description="When it happened.")
    node: str | None = Field(None, description="The node; none if the run itself changed.")
    state: str = Field(description="The new NodeState or RunState.")
    job: str | None = Field(None, description="The node's job, once it has one.")
    message: str = Field(description="What happened, in one sentence.")


class RunEnd(Lenient):
    """The last thing that a follower of a run's events is told; resumed, the run goes on all the same."""

    state: RunState = Field(description="How it ended.")
    sentence: str = Field(description="How it ended, in one sentence.")


class Component(Lenient):
    """One thing that decides whether a result can be reused."""

    field: str = Field(description="`script`, `arguments`, `inputs.<node>`, `runtime`, …")
    saying: Saying | None = Field(None, description="The field's name for other languages.")
    before: str | None = Field(None, description="What it was at the last success; files by their SHA-256.")
    after: str | None = Field(None, description="What it was this time.")
    changed: bool = Field(description="Whether the two differ.")


class Explanation(Lenient):
    """Why a node ran, or was reused."""

    node: str = Field(description="The node's name.")
    state: NodeState = Field(description="Where it stands in the run.")
    sentence: str = Field(description="The answer in one sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    compared_run: str | None = Field(None, description="The run of its last success before.")
    compared_job: str | None = Field(None, description="The job of its last success before.")
    components: list[Component] = Field([], description="Field by field; those that changed first.")


class MetricComparison(Lenient):
    """A number of a node in two runs: the last one of a curve."""

    name: str = Field(description="What stood before the numbers, or the tag of an event file.")
    before: float | None = Field(None, description="In the first run; none if it was never told there.")
    after: float | None = Field(None, description="In the second run; none if it was never told there.")


class NodeComparison(Lenient):
    """A node in two runs."""

    name: str = Field(description="The node's name.")
    state_before: NodeState | None = Field(
        None, description="Its state in the first run; none if that has no such node."
    )
    state_after: NodeState | None = Field(
        None, description="Its state in the second run; none if that has no such node."
    )
    seconds_before: float | None = Field(None, description="Of its script; none if it did not run.")
    seconds_after: float | None = Field(None, description="The same in the second run.")
    settings: list[FieldChange] = Field([], description="What differs in the settings its jobs got.")
    code: list[FieldChange] = Field([], description="What differs in script and dependencies, by SHA-256.")
    environment: list[FieldChange] = Field([], description="What differs in runtime, packages and worker.")
    metrics: list[MetricComparison] = Field(
        [], description="The last values of its curves; of the first 50 nodes."
    )


class RunComparison(Lenient):
    """Two runs beside each other."""

    before: str = Field(description="The first run's id.")
    after: str = Field(description="The second run's id.")
    graph: Difference = Field(description="What differs in the frozen graphs.")
    parameters: list[PartChange] = Field([], description="What differs in the values.")
    nodes: list[NodeComparison] = Field(description="Node by node, in the graphs' order.")
