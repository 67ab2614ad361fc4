"""One node's settings: references put in, and checked as those of a job or a dataset."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from torchyard.contracts.graphs import DatasetSettings, Graph, Node, NodeKind
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import split_paths
from torchyard.contracts.workflows import Problem
from torchyard.domain import macros
from torchyard.domain.refusals import code_of, dotted, sentence_of
from torchyard.domain.substitution import is_secret, names_in, put_in
from torchyard.errors import FieldInvalid

_OUTPUTS = ".outputs"
_ENVIRONMENT = "environment"
#: Fields that name uploaded files; nothing is put in there.
_FILES = frozenset({"script", "dependencies", "files"})
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: Characters of a reference that a sentence repeats.
_SHOWN = 80

Place = tuple[str | int, ...]


class Fault(NamedTuple):
    """What is wrong at one place of a node's settings."""

    place: Place
    code: str
    message: str


class Settled(NamedTuple):
    """A node's settings as its job gets them, and what is wrong with them."""

    settings: dict[str, Any]
    problems: list[Problem]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What references may stand for.

    Attributes:
        values: Parameters' values as texts.
        missing: Parameters without a value; what refers to them can't be checked yet.
        times: What time macros go by.
        nodes: The names of all nodes.
    """

    values: Mapping[str, str]
    missing: Collection[str]
    times: macros.Times
    nodes: Collection[str]


class NamedFile(NamedTuple):
    """An uploaded file that a node names."""

    node: str
    field: str
    sha256: str


def settle(node: Node, sources: Sources, upstream: Collection[str]) -> Settled:
    """The node's settings with everything put in, in the types of a job's or a dataset's fields.

    Args:
        node: The node.
        sources: What references may stand for.
        upstream: The nodes that an edge leads from to this one.
    """
    reading = _Reading(node, sources, upstream)
    settings = {
        name: value if name in _FILES else reading.read(value, (name,))
        for name, value in node.settings.items()
    }
    model = JobCreate if node.kind is NodeKind.PYTORCH else DatasetSettings
    found: list[Fault] = []
    try:
        checked = model.model_validate(settings)
    except ValidationError as problem:
        found += [_fault(one) for one in problem.errors(include_url=False, include_input=False)]
    else:
        settings = checked.model_dump(mode="json", exclude_unset=True)
        found += (
            _job_faults(checked, upstream) if isinstance(checked, JobCreate) else _dataset_faults(checked)
        )
    judged = [fault for fault in found if not any(_overlap(fault.place, open_) for open_ in reading.open)]
    return Settled(settings, [_problem(node, fault) for fault in (*reading.found, *judged)])


def files_of(graph: Graph) -> Iterator[NamedFile]:
    """The uploaded files that the nodes name, as far as they can be read."""
    for node in graph.nodes:
        for place, file in _files(node):
            sha256 = file.get("sha256") if isinstance(file, dict) else None
            if isinstance(sha256, str) and _DIGEST.fullmatch(sha256):
                yield NamedFile(node.name, f"settings.{place}.sha256", sha256)


def _files(node: Node) -> list[tuple[str, Any]]:
    if node.kind is NodeKind.PYTORCH:
        return [(name, node.settings.get(name)) for name in ("script", "dependencies")]
    listed = node.settings.get("files")
    return [
        (f"files.{number}", file) for number, file in enumerate(listed if isinstance(listed, list) else [])
    ]


@dataclass
class _Reading:
    """Puts in what a node's texts refer to; notes what is wrong, and what can't be known yet."""

    node: Node
    sources: Sources
    upstream: Collection[str]
    found: list[Fault] = field(default_factory=list)
    #: Texts that could not be completed: whether they fit their field is not known.
    open: list[Place] = field(default_factory=list)

    def read(self, value: Any, place: Place) -> Any:
        if isinstance(value, str):
            return self._text(value, place) if "${" in value else value
        if isinstance(value, dict):
            return {name: self.read(inner, (*place, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.read(inner, (*place, number)) for number, inner in enumerate(value)]
        return value

    def _text(self, text: str, place: Place) -> str:
        kept = is_secret if self.node.kind is NodeKind.PYTORCH and place[0] == _ENVIRONMENT else None
        names = sorted(name for name in names_in(text) if kept is None or not kept(name))
        values = {name: self._value(name, place) for name in names}
        known = {name: value for name, value in values.items() if value is not None}
        if len(known) == len(values):
            try:
                return put_in(text, known, field=str(place[0]), keep=kept)
            except FieldInvalid as problem:
                self.found.append(Fault(place, problem.code, problem.message))
        self.open.append(place)
        return text

    def _value(self, name: str, place: Place) -> str | None:
        """What the name stands for; None if there is nothing, which is then noted, or nothing yet."""
        if name in self.sources.values:
            return self.sources.values[name]
        if name in self.sources.missing:
            return None
        try:
            value = macros.value_of(name, self.sources.times)
            return self._outputs(name) if value is None else value
        except FieldInvalid as problem:
            self.found.append(Fault(place, problem.code, problem.message))
            return None

    def _outputs(self, name: str) -> str:
        upstream = name.removesuffix(_OUTPUTS)
        if upstream == name or upstream not in self.sources.nodes:
            raise _unknown(name)
        if upstream not in self.upstream:
            raise FieldInvalid(
                say("outputs_need_edge", name=name, node=upstream), code="outputs_without_edge"
            )
        return f"inputs/{upstream}"


def _unknown(name: str) -> FieldInvalid:
    if is_secret(name):
        return FieldInvalid(
            say("secret_misplaced", name=name[:_SHOWN]),
            code="secret_not_allowed",
        )
    return FieldInvalid(
        say("no_parameter_named", name=name[:_SHOWN], escaped="$${", mark="${"), code="parameter_unknown"
    )


def _job_faults(job: JobCreate, upstream: Collection[str]) -> Iterator[Fault]:
    both = sorted(job.inputs.keys() & set(upstream))
    if both:
        yield Fault(("inputs",), "inputs_invalid", say("input_from_node", name=both[0]))


def _dataset_faults(dataset: DatasetSettings) -> Iterator[Fault]:
    try:
        paths = split_paths(dataset.paths)
    except PydanticCustomError as problem:
        yield Fault(("paths",), problem.type, problem.message())
        return
    if not paths and not dataset.files:
        yield Fault(("paths",), "dataset_empty", "name at least one path or file")
    taken: dict[str, str] = {}
    for number, file in enumerate(dataset.files):
        if taken.setdefault(file.name, file.sha256) != file.sha256:
            yield Fault(
                ("files", number, "name"), "dependency_conflict", say("files_same_name", name=file.name)
            )


def _fault(found: Any) -> Fault:
    if found["type"] == "missing" and found["loc"] == ("script",):
        return Fault(("script",), "script_missing", "it has no script")
    return Fault(found["loc"], code_of(found["type"]), sentence_of(found))


def _problem(node: Node, fault: Fault) -> Problem:
    return Problem(
        code=fault.code, message=fault.message, node=node.name, field=dotted(("settings", *fault.place))
    )


def _overlap(place: Place, other: Place) -> bool:
    """Whether one of the places lies in the other."""
    return all(one == two for one, two in zip(place, other, strict=False))
