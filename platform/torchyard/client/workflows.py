"""`client.workflows`: graphs that are saved, with their versions."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from torchyard.client.connection import Connection as Http
from torchyard.client.connection import Page
from torchyard.contracts.graphs import Graph
from torchyard.contracts.workflows import (
    Checked,
    Difference,
    GraphCheck,
    Layout,
    NodeSummary,
    Restore,
    Version,
    VersionDetail,
    Workflow,
    WorkflowCopy,
    WorkflowCreate,
    WorkflowListed,
    WorkflowPatch,
    WorkflowSave,
)
from torchyard.errors import InvalidInput

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T", bound=BaseModel)


_WORKFLOW = TypeAdapter(Workflow)
_WORKFLOWS = TypeAdapter(Page[WorkflowListed])
_VERSION = TypeAdapter(VersionDetail)
_VERSIONS = TypeAdapter(Page[Version])
_DIFFERENCE = TypeAdapter(Difference)
_NODES = TypeAdapter(list[NodeSummary])
_CHECKED = TypeAdapter(Checked)


class Workflows:
    """The verbs of workflows; graphs are values of the contracts or plain objects in the same form."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def create(
        self,
        name: str,
        graph: Graph | Mapping[str, Any] | None = None,
        *,
        description: str = "",
        layout: Layout | Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Workflow:
        """Make a workflow. Mistakes in its graph are told in `problems`; it does not run then.

        Args:
            name: Its name, for people.
            graph: Its first version; empty if left out.
            description: What it is for.
            layout: Where things stand on the canvas.
            idempotency_key: Two calls with the same key make one workflow, for a day.

        Raises:
            InvalidInput: Something can't be a workflow's at all.
        """
        wish = _wish(
            WorkflowCreate, name=name, description=description, graph=graph or {}, layout=layout or {}
        )
        return self._ask_once(_WORKFLOW, "/workflows", wish, idempotency_key)

    def all(self, text: str | None = None, *, id_prefix: str | None = None) -> Iterator[WorkflowListed]:
        """Workflows, those saved last first, without their graphs.

        Args:
            text: Only those with this in name or description.
            id_prefix: Only those whose id begins like this.
        """
        chosen = {"text": text, "id_prefix": id_prefix}
        params = {name: value for name, value in chosen.items() if value}
        return self._http.listed(_WORKFLOWS, "/workflows", params)

    def get(self, workflow_id: str) -> Workflow:
        """The workflow with its latest version."""
        return self._http.ask(_WORKFLOW, "GET", _path(workflow_id))

    def save(
        self,
        workflow_id: str,
        version: int,
        graph: Graph | Mapping[str, Any],
        *,
        layout: Layout | Mapping[str, Any] | None = None,
        message: str = "",
    ) -> Workflow:
        """Save a graph; one that does something else makes a new version.

        `RequestRefused` with code `version_conflict` if somebody saved another one in between; both
        differences are in its `extra`.

        Args:
            workflow_id: The workflow.
            version: The version that was changed.
            graph: What it is now.
            layout: Where things stand; it stays if left out.
            message: What was changed, for the list of versions.

        Raises:
            InvalidInput: Something can't be a workflow's at all.
        """
        wish = _wish(WorkflowSave, graph=graph, layout=layout, message=message)
        return self._http.ask(
            _WORKFLOW, "PUT", _path(workflow_id), content=wish, headers=_HEADERS | _if(version)
        )

    def change(
        self, workflow_id: str, *, name: str | None = None, description: str | None = None
    ) -> Workflow:
        """Give the workflow another name or description; that makes no version."""
        wish = _wish(WorkflowPatch, name=name, description=description)
        return self._http.ask(
            _WORKFLOW, "PATCH", _path(workflow_id), repeatable=True, content=wish, headers=_HEADERS
        )

    def lay_out(self, workflow_id: str, layout: Layout | Mapping[str, Any]) -> None:
        """Note where things stand on the canvas; that makes no version."""
        content = _wish(Layout, **_fields(layout))
        self._http.request("PUT", f"{_path(workflow_id)}/layout", content=content, headers=_HEADERS)

    def copy(
        self, workflow_id: str, name: str | None = None, *, idempotency_key: str | None = None
    ) -> Workflow:
        """Make another workflow of the latest version."""
        return self._ask_once(
            _WORKFLOW, f"{_path(workflow_id)}/copy", _wish(WorkflowCopy, name=name), idempotency_key
        )

    def delete(self, workflow_id: str) -> None:
        """Remove the workflow with its versions and runs; `workflow_busy` while runs go on."""
        self._http.request("DELETE", _path(workflow_id))

    def versions(self, workflow_id: str) -> Iterator[Version]:
        """The workflow's versions, newest first."""
        return self._http.listed(_VERSIONS, f"{_path(workflow_id)}/versions", {})

    def version(self, workflow_id: str, number: int) -> VersionDetail:
        """A version with its graph."""
        return self._http.ask(_VERSION, "GET", f"{_path(workflow_id)}/versions/{number}")

    def restore(self, workflow_id: str, number: int, version: int, *, message: str = "") -> Workflow:
        """Bring version `number` back, as a new one; `version` is the one known as the latest."""
        return self._http.ask(
            _WORKFLOW,
            "POST",
            f"{_path(workflow_id)}/versions/{number}/restore",
            repeatable=True,
            content=_wish(Restore, message=message),
            headers=_HEADERS | _if(version),
        )

    def difference(self, workflow_id: str, before: int, after: int) -> Difference:
        """What differs between two versions."""
        params = {"before": before, "after": after}
        return self._http.ask(_DIFFERENCE, "GET", f"{_path(workflow_id)}/difference", params=params)

    def nodes(self, workflow_id: str) -> list[NodeSummary]:
        """How the latest version's nodes stand before the next run: what is stale, and why."""
        return self._http.ask(_NODES, "GET", f"{_path(workflow_id)}/nodes")

    def check(self, graph: Graph | Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> Checked:
        """Everything that is wrong with a graph; with `parameters`, as that of a run."""
        given = {} if parameters is None else {"parameters": dict(parameters)}
        return self._http.ask(
            _CHECKED,
            "POST",
            "/graphs/check",
            repeatable=True,
            content=_wish(GraphCheck, graph=graph, **given),
            headers=_HEADERS,
        )

    def _ask_once(self, kind: TypeAdapter[T], path: str, wish: str, key: str | None) -> T:
        headers = _HEADERS | {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._http.ask(kind, "POST", path, repeatable=True, content=wish, headers=headers)


_HEADERS = {"Content-Type": "application/json"}


def _if(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def _fields(value: BaseModel | Mapping[str, Any]) -> dict[str, Any]:
    return value.model_dump(exclude_unset=True) if isinstance(value, BaseModel) else dict(value)


def _wish(model: type[M], **fields: Any) -> str:
    """The body as JSON; what was left out is not in it."""
    try:
        value = model.model_validate({name: field for name, field in fields.items() if field is not None})
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{field}: {first['msg']}", field=field) from None
    return value.model_dump_json(exclude_unset=True)


def _path(workflow_id: str) -> str:
    return f"/workflows/{quote(workflow_id, safe='')}"
