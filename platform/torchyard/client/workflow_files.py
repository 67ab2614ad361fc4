"""`client.workflow_files`: workflows as YAML files, with what lies beside them; and templates."""

import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from torchyard.client import submitting, uploading
from torchyard.client.connection import Connection as Http
from torchyard.client.uploading import OnProgress
from torchyard.contracts.jobs import FileRef
from torchyard.contracts.templates import ImportedWorkflow, Template, TemplateDetail
from torchyard.contracts.workflow_files import MAX_FILE_BYTES, UNKNOWN, Beside, OpenedFile, WorkflowFile
from torchyard.contracts.workflow_reading import opened
from torchyard.contracts.workflow_writing import written
from torchyard.contracts.yaml_text import invalid
from torchyard.errors import InvalidInput

_IMPORTED = TypeAdapter(ImportedWorkflow)
_TEMPLATES = TypeAdapter(list[Template])
_TEMPLATE = TypeAdapter(TemplateDetail)
_YAML = {"Content-Type": "application/yaml"}
_DEPENDENCIES = "dependencies"


class Located(NamedTuple):
    """A workflow's file of this machine, read."""

    path: Path
    opened: OpenedFile

    def beside(self) -> Iterator[tuple[Beside, Path]]:
        """The files that it names by their paths, and where they lie.

        Raises:
            WorkflowFileInvalid: One is not there.
        """
        for one in self.opened.beside:
            place = self.path.parent / Path(one.path).expanduser()
            fits = place.is_file() or (one.setting == _DEPENDENCIES and place.is_dir())
            if not fits:
                raise invalid(one.place, f"{one.node}: there is no file {str(place)!r}")
            yield one, place

    def offline(self) -> WorkflowFile:
        """What it says, with names but no digests of the files beside it.

        Raises:
            WorkflowFileInvalid: One is not there, or has a name that scripts can't find it under.
        """
        return self.opened.completed({one: _ref(one, place, UNKNOWN) for one, place in self.beside()})


def locate(path: Path | str) -> Located:
    """Read a workflow's file of this machine; nothing is sent.

    Raises:
        InvalidInput: It can't be read.
        WorkflowFileInvalid: It is none.
    """
    place = Path(path)
    try:
        with place.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as problem:
        raise InvalidInput(f"{place} can't be read: {problem.strerror}", code="file_unreadable") from problem
    return Located(place, opened(data))


class WorkflowFiles:
    """The verbs of workflows' files."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def load(self, path: Path | str | Located, on_progress: OnProgress | None = None) -> WorkflowFile:
        """Read a workflow's file and upload what the platform lacks of the scripts and data it names.

        `client.runs.start(client.workflow_files.load("flow.yaml").graph)` runs it without saving it.

        Args:
            path: The YAML file.
            on_progress: Called as the upload goes on.

        Raises:
            WorkflowFileInvalid: It is none, or names a file that is not there.
        """
        found = path if isinstance(path, Located) else locate(path)
        refs: dict[Beside, FileRef] = {}
        for one, place in found.beside():
            refs[one] = self._brought(one, place, on_progress)
        for sha256, content in found.opened.texts.items():
            text = uploading.Content("a text of the file", content, sha256, len(content))
            uploading.upload(self._http, text, on_progress)
        return found.opened.completed(refs)

    def import_file(
        self,
        path: Path | str,
        on_progress: OnProgress | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> ImportedWorkflow:
        """Make a workflow of a YAML file, and upload what lies beside it; see `load`."""
        return self.import_text(written(self.load(path, on_progress)), idempotency_key=idempotency_key)

    def import_text(self, text: str, *, idempotency_key: str | None = None) -> ImportedWorkflow:
        """Make a workflow of a file's text. Mistakes in its graph are told in `problems`.

        Args:
            text: The YAML; its files are written out in it, or were uploaded.
            idempotency_key: Two calls with the same key make one workflow, for a day.
        """
        headers = _YAML | {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        return self._http.ask(
            _IMPORTED, "POST", "/workflows/import", repeatable=True, content=text.encode(), headers=headers
        )

    def export(self, workflow_id: str, version: int | None = None) -> str:
        """The workflow as the text of a YAML file; the latest version if none is named."""
        params = {} if version is None else {"version": version}
        path = f"/workflows/{quote(workflow_id, safe='')}/export"
        return self._http.request("GET", path, params=params).content.decode()

    def templates(self) -> list[Template]:
        """The workflows that come with the platform, the simplest first."""
        return self._http.ask(_TEMPLATES, "GET", "/templates")

    def template(self, name: str) -> TemplateDetail:
        """A template with its file."""
        return self._http.ask(_TEMPLATE, "GET", f"/templates/{quote(name, safe='')}")

    def use(
        self,
        template: str,
        *,
        name: str | None = None,
        language: str = "en",
        idempotency_key: str | None = None,
    ) -> ImportedWorkflow:
        """Make a workflow of a template; called `name`, or as the template is in `language` (`en`, `zh`)."""
        wish: Mapping[str, Any] = {"language": language} | ({} if name is None else {"name": name})
        headers = {"Idempotency-Key": idempotency_key or str(uuid.uuid4())}
        path = f"/templates/{quote(template, safe='')}"
        return self._http.ask(_IMPORTED, "POST", path, repeatable=True, json=wish, headers=headers)

    def _brought(self, one: Beside, place: Path, on_progress: OnProgress | None) -> FileRef:
        named = _ref(one, place, UNKNOWN)
        if one.setting == _DEPENDENCIES:
            brought = submitting.bring_dependencies(self._http, place, on_progress)
            return brought.model_copy(update={"name": named.name})
        content = uploading.read(place, named.name, one.setting)
        uploading.upload(self._http, content, on_progress)
        return content.ref


def _ref(one: Beside, place: Path, sha256: str) -> FileRef:
    try:
        return FileRef(sha256=sha256, name=one.name or place.resolve().name or "root")
    except ValidationError as problem:
        raise invalid(one.place, f"{one.node}: {problem.errors(include_url=False)[0]['msg']}") from None
