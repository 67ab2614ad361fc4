"""Workflows that come with the platform: files in `torchyard/templates`, with their scripts beside them."""

import hashlib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from torchyard.contracts.graphs import Graph
from torchyard.contracts.jobs import FileRef
from torchyard.contracts.templates import Template, TemplateDetail, Words
from torchyard.contracts.workflow_reading import opened
from torchyard.contracts.workflow_writing import written
from torchyard.contracts.yaml_text import plain, read
from torchyard.errors import NotFound

_INDEX, _FILE = "index.yaml", "workflow.yaml"


def all_of() -> list[Template]:
    """All templates, the simplest first."""
    return [Template.model_validate(one.model_dump()) for one in _all().values()]


def get(name: str) -> TemplateDetail:
    """A template with its graph and file; see `workflow_files.store` for the files that the graph names.

    Raises:
        NotFound: `template_not_found`.
    """
    try:
        return _all()[name]
    except KeyError:
        raise NotFound("there is no template of this name", code="template_not_found") from None


@cache
def _all() -> dict[str, TemplateDetail]:
    folder = resources.files("torchyard") / "templates"
    index = plain(read((folder / _INDEX).read_bytes()))
    assert isinstance(index, dict)
    return {
        name: _template(folder / name, name, Words.model_validate(words)) for name, words in index.items()
    }


def _template(folder: Traversable, name: str, chinese: Words) -> TemplateDetail:
    found = opened((folder / _FILE).read_bytes())
    contents = {one: (folder / one.path).read_bytes() for one in found.beside}
    refs = {
        one: FileRef(sha256=hashlib.sha256(content).hexdigest(), name=one.name or one.path)
        for one, content in contents.items()
    }
    file = found.completed(refs)
    by_digest = {refs[one].sha256: content for one, content in contents.items()}
    bare = [node.model_copy(update={"settings": {}}) for node in file.graph.nodes]
    return TemplateDetail(
        name=name,
        words={"en": Words(name=file.name, description=file.description), "zh": chinese},
        outline=Graph(nodes=bare, edges=file.graph.edges),
        layout=file.layout,
        graph=file.graph,
        yaml=written(file, {**found.texts, **by_digest}),
    )
