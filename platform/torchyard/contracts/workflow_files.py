"""A workflow as one YAML file that a person can read and write.

    torchyard: 1
    name: MNIST
    parameters:
      lr: {type: number, default: 0.1}
    nodes:
      data:
        kind: dataset
        paths: s3://lab/mnist/
      train:
        script: train.py
        arguments: --lr ${lr}
        resources: {gpus: 1}
        needs: [data]
      report:
        script: {name: report.py, text: "print('done')"}
        needs: [{node: train, when: always}]

A file of a node is a path beside the YAML; or `{name, text}`, its content; or `{name, sha256}`, one that was
uploaded. A node's other keys are the fields of its settings (a job's, or a dataset's), and `kind`, `needs`,
`skip` and `reuse`. Where a setting is a text, `007` and `no` are taken as they are written.

What only a draft holds has forms that say exactly what the API's JSON says: settings below `settings:` of a
node; nodes and parameters as a list; edges that lead to no node under `edges:`. In which order edges are
listed makes no difference, so that order is not kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pydantic import JsonValue

from torchyard.contracts.graphs import Edge, Graph, Node
from torchyard.contracts.jobs import FileRef
from torchyard.contracts.notifications import NotificationCreate
from torchyard.contracts.schedules import ScheduleSettings
from torchyard.contracts.workflows import Layout
from torchyard.contracts.yaml_text import Place

#: The version of the format.
VERSION = 1
MAX_FILE_BYTES = 1024 * 1024
#: A longer file is named by its SHA-256, not written out; so is one beyond the sum.
MAX_TEXT_BYTES = 64 * 1024
MAX_TEXTS_BYTES = 256 * 1024
#: Keys of a node that are no settings of its own; `settings` holds them exactly as they are.
NODE_KEYS = frozenset({"kind", "needs", "skip", "reuse", "settings"})
#: Settings that name one uploaded file, or several.
ONE_FILE = frozenset({"script", "dependencies"})
FILES = "files"
#: Settings that are texts, and those whose every value is one.
TEXTS = frozenset({"name", "dependency_paths", "arguments", "requirements", "runtime", "paths"})
TEXT_MAPS = frozenset({"environment", "inputs"})
#: Texts that may be written as a list.
PATH_LISTS = frozenset({"dependency_paths", "paths"})
RESOURCES, GPU_MODEL = "resources", "gpu_model"
#: Stands for the SHA-256 of a file that is named by its path.
UNKNOWN = "0" * 64


@dataclass(frozen=True)
class WorkflowFile:
    """What a file says."""

    name: str
    graph: Graph
    description: str = ""
    layout: Layout = field(default_factory=Layout)
    schedule: ScheduleSettings | None = None
    #: Webhooks without their keys: those are made anew wherever the file goes.
    notifications: tuple[NotificationCreate, ...] = ()


class Beside(NamedTuple):
    """A file that is named by its path, relative to the YAML file's directory.

    Attributes:
        node: The node that names it.
        setting: The setting: `script`, `dependencies` or `files`.
        number: Its place in `files`.
        path: The path as it is written.
        name: The name that the script finds it under; the path's own if None.
        place: Where it is written.
    """

    node: str
    setting: str
    number: int
    path: str
    name: str | None
    place: Place


#: A place of a graph: `nodes`, a node's name, a setting, …
Path = tuple[str, ...]


@dataclass(frozen=True)
class OpenedFile:
    """A file that was read.

    Attributes:
        file: What it says; files that are named by their paths have the SHA-256 `UNKNOWN`.
        texts: The files that are written out in it, by SHA-256.
        beside: Those that are named by their paths.
        places: Where things are written.
    """

    file: WorkflowFile
    texts: Mapping[str, bytes]
    beside: Sequence[Beside]
    places: Mapping[Path, Place]

    def completed(self, found: Mapping[Beside, FileRef]) -> WorkflowFile:
        """What it says, with the files that are named by their paths known by their SHA-256."""
        named: dict[str, list[tuple[Beside, FileRef]]] = {}
        for one, ref in found.items():
            named.setdefault(one.node, []).append((one, ref))
        nodes = [_with_files(node, named.get(node.name, ())) for node in self.file.graph.nodes]
        return replace(self.file, graph=self.file.graph.model_copy(update={"nodes": nodes}))

    def place_of(self, node: str | None, where: str | None) -> Place | None:
        """Where a node's field, or one of the graph, is written; or else what is nearest around it.

        Args:
            node: The node, if it is one's.
            where: A dotted path below the node (`settings.arguments`), or the graph.
        """
        parts = tuple((where or "").split("."))
        if node is not None and parts[0] == "edges":
            parts = ("needs",)
        if node is not None:
            path: Path = ("nodes", node, *(parts[1:] if parts[0] == "settings" else parts))
        else:
            path = self._of_graph(parts)
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path)

    def _of_graph(self, parts: Path) -> Path:
        """The graph lists its parameters; the file may have them by name."""
        parameters = self.file.graph.parameters
        if parts[0] != "parameters" or parts[:2] in self.places or not parts[1].isdecimal():
            return parts
        return ("parameters", parameters[int(parts[1])].name, *parts[2:])


def _with_files(node: Node, found: Sequence[tuple[Beside, FileRef]]) -> Node:
    settings = dict(node.settings)
    for one, ref in found:
        value: JsonValue = ref.model_dump()
        if one.setting == FILES:
            listed = settings[FILES]
            assert isinstance(listed, list)
            value = [*listed[: one.number], value, *listed[one.number + 1 :]]
        settings[one.setting] = value
    return node.model_copy(update={"settings": settings}) if found else node


def in_order(graph: Graph) -> Graph:
    """The graph with its edges in a file's order: by the nodes that they lead to, the others last."""
    names = [node.name for node in graph.nodes]
    if len(set(names)) < len(names):
        return graph
    place = {name: number for number, name in enumerate(names)}
    edges = sorted(graph.edges, key=lambda edge: place.get(edge.target, len(place)))
    return graph.model_copy(update={"edges": edges})


def edges_to(graph: Graph) -> dict[str, list[Edge]]:
    """The edges by the nodes that they lead to."""
    found: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        found.setdefault(edge.target, []).append(edge)
    return found


def is_exact(settings: Mapping[str, JsonValue]) -> bool:
    """Whether settings can only be written as they are, below `settings:`, to be read back the same."""
    return any(name in NODE_KEYS or not _is_plain(name, value) for name, value in settings.items())


def _is_plain(name: str, value: JsonValue) -> bool:
    if name in ONE_FILE:
        return value is None or _is_file(value)
    if name == FILES:
        return isinstance(value, list) and all(map(_is_file, value))
    if name in TEXTS:
        return isinstance(value, str) or value is None
    if name in TEXT_MAPS and isinstance(value, dict):
        return all(isinstance(one, str) or one is None for one in value.values())
    if name == RESOURCES and isinstance(value, dict):
        return isinstance(value.get(GPU_MODEL), str) or value.get(GPU_MODEL) is None
    return True


def _is_file(value: JsonValue) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"name", "sha256"}
        and all(isinstance(part, str) for part in value.values())
    )
