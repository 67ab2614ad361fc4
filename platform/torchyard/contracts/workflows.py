"""A workflow as it is saved and told: versions, layout, differences, problems, states of its nodes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue, model_validator

from torchyard.contracts.graphs import MAX_NODES, Graph, Name
from torchyard.contracts.jobs import Sha256, Text
from torchyard.contracts.models import Lenient, Strict
from torchyard.contracts.sayings import Saying, Sentence, with_saying

Title = Annotated[Text, Field(min_length=1, max_length=200, description="The workflow's name, for people.")]
Description = Annotated[Text, Field(max_length=10_000, description="What it is for.")]


class Position(Strict):
    """Where a box stands on the canvas, in its own units."""

    x: float = Field(ge=-(10**7), le=10**7, description="To the right.")
    y: float = Field(ge=-(10**7), le=10**7, description="Downwards.")


class Viewport(Position):
    """What part of the canvas is on screen."""

    zoom: float = Field(1, gt=0, le=100, description="1 is the natural size.")


class Layout(Strict):
    """Where things stand on the canvas; no part of what a workflow does, and of no version."""

    positions: dict[Name, Position] = Field({}, max_length=MAX_NODES, description="By node name.")
    viewport: Viewport | None = Field(None, description="What was on screen last.")


class WorkflowCreate(Strict):
    """A workflow to make."""

    name: Title
    description: Description = ""
    graph: Graph = Field(Graph(), description="Its first version; may hold mistakes.")
    layout: Layout = Field(Layout(), description="Where things stand.")


class WorkflowSave(Strict):
    """What a person saves. A graph that differs from the latest version makes a new one."""

    name: Title | None = Field(None, description="Another name; it stays if left out.")
    description: Description | None = Field(None, description="Another description; it stays if left out.")
    graph: Graph = Field(description="The graph; may hold mistakes.")
    layout: Layout | None = Field(None, description="Where things stand; it stays if left out.")
    message: Annotated[
        Text, Field(max_length=1_000, description="What was changed, for the list of versions.")
    ] = ""


class WorkflowPatch(Strict):
    """What a workflow is to be called; neither makes a version."""

    name: Title | None = Field(None, description="Another name; it stays if left out.")
    description: Description | None = Field(None, description="Another description; it stays if left out.")


class WorkflowCopy(Strict):
    """A copy to make of a workflow's latest version."""

    name: Title | None = Field(
        None, description="The copy's name; that of the workflow with a remark if left out."
    )


class Problem(Lenient):
    """A mistake in a graph; one without any can run."""

    code: str = Field(description="Stable, for programs.")
    message: str = Field(description="One sentence.")
    saying: Saying | None = Field(None, description="The same for other languages.")
    node: str | None = Field(None, description="The node's name, if one is to blame.")
    field: str | None = Field(
        None, description="Dotted path below the node (`settings.arguments`), or the graph."
    )

    _with_saying = model_validator(mode="before")(with_saying)

    @property
    def sentence(self) -> str:
        """The sentence, for all languages."""
        return self.message if self.saying is None else Sentence(self.message, self.saying)


class NodeStatus(StrEnum):
    """How a node of a workflow stands before the next run."""

    #: Something has to be mended first.
    NOT_CONFIGURED = "not_configured"
    #: Never succeeded, and nothing hinders it.
    READY = "ready"
    #: Settings, code or inputs changed since its last success, or those of a node above it.
    STALE = "stale"
    #: Its last success is what it would do again.
    UP_TO_DATE = "up_to_date"


class NodeSummary(Lenient):
    """A node's present and past, for the canvas."""

    name: str = Field(description="The node's name.")
    status: NodeStatus = Field(description="How it stands before the next run.")
    stale_because: list[str] = Field([], description="What changed: fields, or names of nodes above it.")
    stale_sayings: list[Saying | None] = Field(
        [], description="The same for other languages, in the same order; null for a node."
    )
    last_run: str | None = Field(None, description="The latest run that it had a part in.")
    last_job: str | None = Field(None, description="The latest of its jobs.")
    last_state: str | None = Field(None, description="Its state in that run (NodeState).")


class Workflow(Lenient):
    """A workflow with its latest version."""

    id: str = Field(description="The workflow's UUID.")
    name: str = Field(description="Its name, for people.")
    description: str = Field(description="What it is for.")
    owner: str = Field(description="The name of the user who made it.")
    version: int = Field(description="Number of the latest version; also its ETag, for `If-Match`.")
    graph: Graph = Field(description="The graph of that version.")
    layout: Layout = Field(description="Where things stood last.")
    problems: list[Problem] = Field(description="All mistakes of the latest version; none: it can run.")
    last_parameters: dict[str, JsonValue] = Field({}, description="What the latest run was given.")
    created_at: datetime = Field(description="When it was made.")
    updated_at: datetime = Field(description="When the latest version was saved.")
    saved_by: str = Field(description="Who saved it.")


class WorkflowListed(Lenient):
    """A workflow in the list."""

    id: str = Field(description="The workflow's UUID.")
    name: str = Field(description="Its name, for people.")
    description: str = Field(description="What it is for.")
    owner: str = Field(description="The name of the user who made it.")
    version: int = Field(description="Number of the latest version.")
    nodes: int = Field(description="How many nodes it has.")
    outline: Graph | None = Field(
        None, description="For a small picture: nodes without settings, and edges; none of a large one."
    )
    layout: Layout = Field(description="Where things stood last; empty if there is no outline.")
    scheduled: bool = Field(description="Whether a schedule is set that is not paused.")
    last_run: str | None = Field(None, description="Its latest run.")
    last_run_state: str | None = Field(None, description="That run's state (RunState).")
    created_at: datetime = Field(description="When it was made.")
    updated_at: datetime = Field(description="When the latest version was saved.")


class Version(Lenient):
    """A saved version; never changed."""

    number: int = Field(description="1 for the first.")
    message: str = Field(description="What was changed, in the words of who saved it.")
    saved_by: str = Field(description="The name of the user who saved it.")
    saved_at: datetime = Field(description="When it was saved.")
    restored_from: int | None = Field(None, description="The version it brought back, if it did.")
    nodes: int = Field(description="How many nodes it has.")


class VersionDetail(Version):
    """A version with its graph."""

    graph: Graph = Field(description="What was saved.")
    problems: list[Problem] = Field(description="All mistakes of it; none: it can run.")


class Change(StrEnum):
    """What became of a part."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class FieldChange(Lenient):
    """A field that differs."""

    field: str = Field(description="Dotted path below the part.")
    before: JsonValue = Field(None, description="Null if there was none.")
    after: JsonValue = Field(None, description="Null if there is none.")


class PartChange(Lenient):
    """A node, edge, parameter or setting that differs."""

    part: str = Field(description="`node`, `edge`, `parameter` or `settings`.")
    name: str = Field(description="Its name; of an edge: `source → target`.")
    change: Change = Field(description="What became of it.")
    fields: list[FieldChange] = Field([], description="What differs in one that both have.")


class Difference(Lenient):
    """What differs between two graphs."""

    before: int | str | None = Field(None, description="The version or run compared.")
    after: int | str | None = Field(None, description="The one it is compared with.")
    changes: list[PartChange] = Field(description="In the order of the graph; empty: they do the same.")


class Restore(Strict):
    """Which version to bring back."""

    message: Annotated[
        Text, Field(max_length=1_000, description="What to say of it in the list of versions.")
    ] = ""


class GraphCheck(Strict):
    """A graph to be checked without saving it."""

    graph: Graph = Field(description="The graph; may hold mistakes.")
    parameters: dict[Name, JsonValue] = Field(
        {},
        description="Values for a run; left out, it is checked as a draft, in which values may be missing.",
    )


class Checked(Lenient):
    """What is wrong with a graph."""

    problems: list[Problem] = Field(description="All mistakes; none: it can run.")
    blobs_missing: list[Sha256] = Field([], description="Files it names that have not been uploaded.")
