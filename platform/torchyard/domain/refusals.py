"""What pydantic finds wrong with a value, under codes and in sentences of our own."""

from collections.abc import Mapping
from typing import Any

from torchyard.contracts.models import as_clause
from torchyard.contracts.sayings import say, telling

#: Pydantic's codes that we promise under names of our own; other codes of its own mean `field_invalid`.
_CODES = {"extra_forbidden": "field_unknown", "missing": "field_missing"}
_OURS = {
    "arguments_invalid",
    "dependency_conflict",
    "env_not_allowed",
    "file_name_invalid",
    "inputs_invalid",
    "nul_not_allowed",
    "requirements_invalid",
    "s3_uri_invalid",
    "secret_invalid",
    "settings_too_deep",
    "time_invalid",
    "webhook_url_invalid",
}
#: Those of pydantic's for which we have words of our own, as its would not help who never heard of it.
_SAID_BY_US = {"extra_forbidden", "missing"}
#: Characters of one field's name: no answer is a multiple of its request.
MAX_NAME = 200


def code_of(kind: str) -> str:
    """The stable code of a finding of this type."""
    return kind if kind in _OURS else _CODES.get(kind, "field_invalid")


def sentence_of(found: Mapping[str, Any]) -> str:
    """What is wrong, in words that follow the field's name."""
    kind = found["type"]
    text = str(found["msg"]) if kind in _OURS else as_clause(found["msg"])
    code = kind if kind in _OURS else f"rule_{kind}"
    return say(code) if kind in _SAID_BY_US else telling(text, code, found.get("ctx") or {})


def dotted(place: tuple[str | int, ...]) -> str:
    """A field's place as a dotted path."""
    return ".".join(str(part)[:MAX_NAME] for part in place)
