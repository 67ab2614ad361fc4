"""A job on its way: checked here first, its files uploaded, then created once."""

import shlex
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from torchyard.client import inputs, trees, uploading
from torchyard.client.connection import Connection
from torchyard.client.uploading import Content, OnProgress
from torchyard.contracts.jobs import FileRef, Job, JobCreate, JobSettings
from torchyard.contracts.models import as_clause
from torchyard.errors import FieldInvalid

M = TypeVar("M", bound=BaseModel)
_JOB = TypeAdapter(Job)
#: The name of a script that came as bytes.
_UNNAMED = "script.py"
#: Stands for the SHA-256 of what is named before it is read.
_NOT_YET_KNOWN = "0" * 64


def submit(
    connection: Connection,
    files: tuple[Path | str | bytes, Path | str | None],
    settings: Mapping[str, Any],
    key: str | None = None,
    on_progress: OnProgress | None = None,
) -> Job:
    """Upload what the platform lacks of the script, its dependencies and inputs, and create the job.

    Raises:
        InvalidInput: A file or setting can't be accepted as it is.
        RequestRefused: The platform says so.
        ServerUnreachable: It doesn't answer.
    """
    source, dependencies = files
    given, contents = inputs.read(settings.get("inputs") or {})
    checked = checked_settings({**settings, "inputs": given})
    script = _script(source)
    # Checked before a large directory is read, as the settings may be what is wrong.
    create = _validated(
        JobCreate, {**checked.model_dump(), "script": {"sha256": script.sha256, "name": script.name}}
    )
    if dependencies is not None:
        brought = bring_dependencies(connection, dependencies, on_progress)
        create = create.model_copy(update={"dependencies": brought})
    for content in (script, *contents):
        uploading.upload(connection, content, on_progress)
    return connection.ask(
        _JOB,
        "POST",
        "/jobs",
        repeatable=True,
        content=create.model_dump_json(exclude_defaults=True),
        headers={"Content-Type": "application/json", "Idempotency-Key": key or str(uuid.uuid4())},
    )


def checked_settings(settings: Mapping[str, Any]) -> JobSettings:
    """A job's settings, of which None means the default; arguments and dependency paths may be lists.

    Raises:
        FieldInvalid: One breaks a rule.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    arguments = given.get("arguments")
    if isinstance(arguments, Sequence) and not isinstance(arguments, str):
        given["arguments"] = shlex.join(arguments)
    paths = given.get("dependency_paths")
    if isinstance(paths, Sequence) and not isinstance(paths, str):
        given["dependency_paths"] = ",".join(paths)
    return _validated(JobSettings, given)


def _script(source: Path | str | bytes) -> Content:
    if isinstance(source, bytes):
        return uploading.read(source, _UNNAMED, "script")
    path = Path(source)
    return uploading.read(path, path.name, "script")


def bring_dependencies(
    connection: Connection, dependencies: Path | str, on_progress: OnProgress | None
) -> FileRef:
    """What a job calls its dependencies, a zip or a directory, once the platform has them.

    Raises:
        InvalidInput: Something of them can't be accepted as it is.
        RequestRefused: The platform says so.
        ServerUnreachable: It doesn't answer.
    """
    path = Path(dependencies)
    if path.is_dir():
        name = path.resolve().name or "root"
        named = _validated(FileRef, {"sha256": _NOT_YET_KNOWN, "name": name})
        return named.model_copy(update={"sha256": trees.upload(connection, path, name, on_progress)})
    archive = uploading.read(path, path.name, "dependencies")
    uploading.upload(connection, archive, on_progress)
    return archive.ref


def _validated(model: type[M], values: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise FieldInvalid(f"{field}: {as_clause(first['msg'])}", field=field) from None
