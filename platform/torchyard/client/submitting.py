"""A job on its way: checked here first, its files uploaded, then created once."""

import contextlib
import shlex
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from torchyard.client import uploading
from torchyard.client.connection import Connection
from torchyard.client.packing import packed
from torchyard.client.uploading import Content, OnProgress
from torchyard.contracts.jobs import Job, JobCreate, JobSettings
from torchyard.errors import FieldInvalid

M = TypeVar("M", bound=BaseModel)
_JOB = TypeAdapter(Job)
#: The name of a script that came as bytes.
_UNNAMED = "script.py"


def submit(
    connection: Connection,
    files: tuple[Path | str | bytes, Path | str | None],
    settings: Mapping[str, Any],
    key: str | None = None,
    on_progress: OnProgress | None = None,
) -> Job:
    """Upload what the platform lacks of the script and its dependencies, and create the job.

    Raises:
        InvalidInput: A file or setting can't be accepted as it is.
        RequestRefused: The platform says so.
        ServerUnreachable: It doesn't answer.
    """
    source, dependencies = files
    checked = checked_settings(settings)
    script = _script(source)
    # Named before a large directory is packed, as the name may be what is wrong.
    create = _validated(
        JobCreate, {**checked.model_dump(), "script": {"sha256": script.sha256, "name": script.name}}
    )
    with _archive(dependencies) as archive:
        for content in filter(None, (script, archive)):
            uploading.upload(connection, content, on_progress)
    if archive is not None:
        create = create.model_copy(update={"dependencies": archive.ref})
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


@contextlib.contextmanager
def _archive(dependencies: Path | str | None) -> Iterator[Content | None]:
    if dependencies is None:
        yield None
        return
    path = Path(dependencies)
    if not path.is_dir():
        yield uploading.read(path, path.name, "dependencies")
        return
    with packed(path) as archive:
        yield uploading.read(archive, f"{path.resolve().name or 'root'}.zip", "dependencies")


def _validated(model: type[M], values: Mapping[str, Any]) -> M:
    try:
        return model.model_validate(values)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise FieldInvalid(f"{field}: {first['msg'][:1].lower()}{first['msg'][1:]}", field=field) from None
