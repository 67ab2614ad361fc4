"""`torchyard settings`: every setting, what it is, and what it means."""

import json as json_format
import re
import subprocess
import sys
from typing import Any

from pydantic import AliasChoices, BaseModel, Field, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from torchyard.cli import programs, terminal
from torchyard.cli.access import JsonOption
from torchyard.contracts.models import Lenient
from torchyard.errors import StartRefused

#: Seconds that the worker's program may take to tell its settings.
_PATIENCE = 30
_STARS = "********"
_PASSWORD = re.compile(r"(?<=://)([^:@/\s]*):[^@/\s]+@")


class Setting(Lenient):
    """One setting of one program."""

    program: str = "worker"
    name: str
    environment: str = Field(validation_alias=AliasChoices("environment", "env"))
    value: Any = None
    default: Any = None
    description: str = ""


_SETTINGS = TypeAdapter(list[Setting])


def settings(json: JsonOption = False) -> None:
    """List every setting of the platform and the worker."""
    listed = [*_of_platform(), *_of_worker()]
    if json:
        terminal.show_json(listed)
        return
    terminal.show_table(
        ("PROGRAM", "VARIABLE", "VALUE", "DEFAULT", "MEANING"),
        [
            (one.program, one.environment, _text(one.value), _text(one.default), one.description)
            for one in listed
        ],
    )


def _of_platform() -> list[Setting]:
    kind: type[BaseModel] = programs.load("torchyard.settings").Settings
    try:
        present = kind()
    except ValidationError as problem:
        first = problem.errors()[0]
        name = "_".join(str(part) for part in first["loc"])
        raise StartRefused(f"the setting {_variable(name)} can't be used: {first['msg']}") from problem
    values = present.model_dump(mode="json")
    return [
        Setting(
            program="platform",
            name=name,
            environment=_variable(name),
            value=_starred(getattr(present, name), values[name]),
            default=_default(field),
            description=field.description or "",
        )
        for name, field in kind.model_fields.items()
    ]


def _of_worker() -> list[Setting]:
    command = [sys.executable, "-P", "-m", "torchyard_worker", "settings", "--json"]
    try:
        told = subprocess.run(
            command, capture_output=True, timeout=_PATIENCE, check=True, stdin=subprocess.DEVNULL
        )
        return _SETTINGS.validate_json(told.stdout)
    except (subprocess.SubprocessError, OSError, ValidationError) as problem:
        said = getattr(problem, "stderr", None) or str(problem).encode()
        lines = said.decode(errors="replace").strip().splitlines()
        terminal.tell(
            f"torchyard: the worker's settings can't be listed: {lines[-1] if lines else 'no reason given'}"
        )
        return []


def _variable(name: str) -> str:
    return f"TORCHYARD_{name.upper()}"


def _starred(value: Any, shown: Any) -> Any:
    if isinstance(value, SecretStr):
        return _STARS
    return _PASSWORD.sub(rf"\1:{_STARS}@", shown) if isinstance(shown, str) else shown


def _default(field: FieldInfo) -> Any:
    value = field.get_default(call_default_factory=True, validated_data={})
    return TypeAdapter(Any).dump_python(value, mode="json")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json_format.dumps(value)
