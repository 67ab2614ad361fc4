"""The graph a person draws: nodes, edges and parameters; what a workflow's versions and its runs hold.

A draft may hold any mistake that a person can make while drawing: names are not checked here, nor whether an
edge leads anywhere, nor the settings of a node. `domain.validation` finds all of that at once, and only what
has no mistake runs.
"""

import itertools
import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue
from pydantic_core import PydanticCustomError

from torchyard.contracts.jobs import FileRef, Text, plain_text
from torchyard.contracts.models import Strict

MAX_NODES = 5_000
MAX_EDGES = 20_000
MAX_PARAMETERS = 200
MAX_CHOICES = 1_000
MAX_CONCURRENT_RUNS = 100
#: Levels of lists and objects in a node's settings; a job's own have two.
_MAX_DEPTH = 6

Name = Annotated[Text, Field(max_length=200)]
#: A parameter's value: text, a number, or yes or no.
Scalar = bool | int | float | Annotated[Text, Field(max_length=10_000)]


class NodeKind(StrEnum):
    """What a node does."""

    #: Runs a script as a job.
    PYTORCH = "pytorch"
    #: Names data that the nodes below it find in `inputs/<its name>/`.
    DATASET = "dataset"


class When(StrEnum):
    """How the upstream node has to end for an edge to let the downstream node start."""

    SUCCESS = "success"
    FAILURE = "failure"
    ALWAYS = "always"


class ReuseMode(StrEnum):
    """Whether an earlier result may stand in for running a node."""

    OFF = "off"
    ON = "on"


class ParameterType(StrEnum):
    """What a parameter's values are."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    #: One of a list of texts or numbers.
    CHOICE = "choice"


class FailurePolicy(StrEnum):
    """What a run does once a node has failed."""

    #: Branches that don't depend on it go on.
    FINISH_INDEPENDENT = "finish_independent"
    #: What runs ends; nothing starts but what an edge of the failed node asks for on `failure` or `always`.
    START_NOTHING_NEW = "start_nothing_new"


class WhenBusy(StrEnum):
    """What happens to a run that is asked for while as many as allowed are going on."""

    QUEUE = "queue"
    REFUSE = "refuse"


def _storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Settings that every database and every JSON reader can hold."""
    level: list[Any] = [value]
    for _ in range(_MAX_DEPTH):
        inside = [inner for outer in level for inner in _parts(outer)]
        for inner in inside:
            if isinstance(inner, str):
                plain_text(inner)
            elif isinstance(inner, float) and not math.isfinite(inner):
                raise PydanticCustomError("number_not_finite", "must not hold NaN or an infinite number")
        level = [inner for inner in inside if isinstance(inner, dict | list)]
    if level:
        raise PydanticCustomError(
            "settings_too_deep", "must not be nested deeper than {depth} levels", {"depth": _MAX_DEPTH}
        )
    return value


def _parts(value: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return itertools.chain(value.keys(), value.values()) if isinstance(value, dict) else value


class Reuse(Strict):
    """When a node's earlier result stands in for running it again."""

    mode: ReuseMode = Field(ReuseMode.OFF, description="`on`: a success with the same content is reused.")
    max_age_seconds: int | None = Field(
        None, ge=1, le=10**9, description="Only a success that ended within this time; any if left out."
    )


class Node(Strict):
    """One box of a graph."""

    name: Name = Field(
        description="Unique in the graph: 1 to 64 letters (of any script), digits, _ and -. The nodes below "
        "find its outputs in `inputs/<name>/`."
    )
    kind: NodeKind = Field(NodeKind.PYTORCH, description="What it does.")
    skip: bool = Field(False, description="Leave it out; what depends on it goes on without its outputs.")
    reuse: Reuse = Field(Reuse(), description="When an earlier result stands in for running it.")
    settings: Annotated[
        dict[str, JsonValue],
        Field(
            description="`pytorch`: a job's fields (JobCreate). `dataset`: those of DatasetSettings. "
            "Every text in it may refer to `${parameters}`, also where a number is wanted."
        ),
        AfterValidator(_storable),
    ] = {}


class DatasetSettings(Strict):
    """What a `dataset` node names: at least one path or file."""

    paths: Annotated[
        Text,
        Field(
            max_length=200_000,
            description="`s3://…` and `cos://…`, separated by commas, as `dependency_paths`.",
        ),
    ] = ""
    files: list[FileRef] = Field([], max_length=1_000, description="Files that were uploaded as blobs.")
    check: bool = Field(
        True, description="Make sure that everything is there before anything below it starts."
    )


class Edge(Strict):
    """An order between two nodes, and the way of the first one's outputs to the second."""

    source: Name = Field(description="The upstream node's name.")
    target: Name = Field(description="The downstream node's name.")
    when: When = Field(When.SUCCESS, description="How the upstream node has to end.")


class Parameter(Strict):
    """A named value that the settings of nodes refer to as `${name}`."""

    name: Name = Field(description="1 to 64 ASCII letters, digits and _, not beginning with a digit.")
    type: ParameterType = Field(ParameterType.STRING, description="What its values are.")
    default: Scalar | None = Field(
        None, description="Its value unless a run says otherwise; none: has to be said."
    )
    choices: list[Scalar] = Field([], max_length=MAX_CHOICES, description="For `choice`: the values allowed.")
    description: Annotated[Text, Field(max_length=1_000, description="A hint for people.")] = ""


class GraphSettings(Strict):
    """How a workflow's runs are carried out."""

    parallelism: int | None = Field(
        None,
        ge=1,
        le=MAX_NODES,
        description="Nodes that run at once at most, in a run; no limit if left out.",
    )
    concurrent_runs: int = Field(
        1, ge=1, le=MAX_CONCURRENT_RUNS, description="Runs of it that go on at once."
    )
    when_busy: WhenBusy = Field(WhenBusy.QUEUE, description="What happens to a run beyond that number.")
    on_failure: FailurePolicy = Field(
        FailurePolicy.FINISH_INDEPENDENT, description="What a run does when a node fails."
    )
    time_zone: Annotated[
        Text, Field(max_length=100, description="IANA name; time macros and schedule go by it.")
    ] = "UTC"


class Graph(Strict):
    """Everything that decides what a run does. Where boxes stand is kept apart, in the layout."""

    nodes: list[Node] = Field([], max_length=MAX_NODES, description="The boxes.")
    edges: list[Edge] = Field([], max_length=MAX_EDGES, description="The arrows.")
    parameters: list[Parameter] = Field([], max_length=MAX_PARAMETERS, description="In the order people see.")
    settings: GraphSettings = Field(GraphSettings(), description="How its runs are carried out.")
