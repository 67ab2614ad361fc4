"""A job's requirements: the lines that it may have, and what is wrong with others."""

import re
from dataclasses import dataclass
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from torchyard.contracts.sayings import say

MAX_REQUIREMENTS_BYTES = 64 * 1024
#: The name under which they are looked for in a zip.
REQUIREMENTS_FILE = "requirements.txt"

_TOO_LONG = say("bytes_at_most", bytes=MAX_REQUIREMENTS_BYTES)
_COMMENT = re.compile(r"(^|\s+)#.*$")


class RequirementsInvalid(ValueError):
    """A line can't be accepted; the message names it, and knows what it says."""


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


def plain_requirements(text: str) -> list[str]:
    """The requirements in the text of a requirements file, without comments.

    Only plain ones are allowed, with extras, versions and markers: an option, URL or path would choose for
    the worker where packages come from, or have it read a file of its own.

    Raises:
        RequirementsInvalid: A line is something else, or the text is too long.
    """
    if len(text.encode(errors="surrogatepass")) > MAX_REQUIREMENTS_BYTES:
        raise RequirementsInvalid(_TOO_LONG)
    return [_checked(line) for line in _lines(text)]


def requirements_in(content: bytes) -> list[str]:
    """The requirements in a requirements file, as `plain_requirements` gives them.

    Args:
        content: The file's bytes; `MAX_REQUIREMENTS_BYTES` and one more of it are enough.

    Raises:
        RequirementsInvalid: It is no UTF-8, or a line is not allowed, or it is too long.
    """
    if len(content) > MAX_REQUIREMENTS_BYTES:
        raise RequirementsInvalid(_TOO_LONG)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RequirementsInvalid(say("not_utf8")) from None
    return plain_requirements(text)


def _lines(text: str) -> list[_Line]:
    """The lines that say something; one that ends with a backslash goes on in the next."""
    found, begun, number = [], "", 0
    for count, raw in enumerate(text.splitlines(), start=1):
        number = number or count
        line = _COMMENT.sub("", raw.expandtabs())
        begun += line.removesuffix("\\")
        if line.endswith("\\"):
            continue
        if begun.strip():
            found.append(_Line(number, begun.strip()))
        begun, number = "", 0
    return [*found, _Line(number, begun.strip())] if begun.strip() else found


def _checked(line: _Line) -> str:
    code = _fault(line.text)
    if code is not None:
        told = say(code, line=repr(line.text[:80]))
        raise RequirementsInvalid(say("on_line", line=line.number, problem=told))
    return line.text


def _fault(text: str) -> str | None:
    """Which sentence says what is wrong with it."""
    if text.startswith("-"):
        return "requirement_is_option"
    if " --" in text:
        return "requirement_has_option"
    if not text.isprintable():
        return "requirement_unprintable"
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return _misread(text)
    return None if requirement.url is None else "requirement_names_url"


def _misread(text: str) -> str:
    if "://" in text:
        return "requirement_is_url"
    if "/" in text or "\\" in text or text.startswith("."):
        return "requirement_is_path"
    return "requirement_malformed"


def _installable(text: str) -> str:
    try:
        plain_requirements(text)
    except RequirementsInvalid as problem:
        told = {"problem": problem.args[0], "says": "stated"}
        raise PydanticCustomError("requirements_invalid", "{problem}", told) from None
    return text


RequirementsText = Annotated[
    str,
    Field(
        description="The text of a requirements file: packages that are installed for this job alone, before "
        "the script starts. Plain requirements and comments, without options, URLs and paths."
    ),
    AfterValidator(_installable),
]
