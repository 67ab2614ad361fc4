"""A job's requirements: the lines that it may have, and what is wrong with others."""

import re
from dataclasses import dataclass
from typing import Annotated

from packaging.requirements import InvalidRequirement, Requirement
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

MAX_REQUIREMENTS_BYTES = 64 * 1024
#: The name under which they are looked for in a zip.
REQUIREMENTS_FILE = "requirements.txt"

_TOO_LONG = f"at most {MAX_REQUIREMENTS_BYTES} bytes are allowed"
_COMMENT = re.compile(r"(^|\s+)#.*$")


class RequirementsInvalid(ValueError):
    """A line can't be accepted; the message names it."""


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
        raise RequirementsInvalid("it is no UTF-8") from None
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
    shown = repr(line.text[:80])
    if line.text.startswith("-"):
        raise RequirementsInvalid(
            f"line {line.number}: the option {shown} is not allowed, only requirements are"
        )
    if " --" in line.text:
        raise RequirementsInvalid(f"line {line.number}: {shown} has an option, which is not allowed")
    if not line.text.isprintable():
        raise RequirementsInvalid(f"line {line.number}: {shown} has characters that can't be printed")
    try:
        requirement = Requirement(line.text)
    except InvalidRequirement:
        raise RequirementsInvalid(f"line {line.number}: {_why(line.text, shown)}") from None
    if requirement.url is not None:
        raise RequirementsInvalid(f"line {line.number}: {shown} names a URL, which is not allowed")
    return line.text


def _why(text: str, shown: str) -> str:
    if "://" in text:
        return f"{shown} is a URL, which is not allowed: name a package"
    if "/" in text or "\\" in text or text.startswith("."):
        return f"{shown} is a path, which is not allowed: name a package"
    return f"{shown} is no requirement such as 'pandas>=2' or 'torchmetrics[image]==1.4'"


def _installable(text: str) -> str:
    try:
        plain_requirements(text)
    except RequirementsInvalid as problem:
        raise PydanticCustomError("requirements_invalid", "{problem}", {"problem": str(problem)}) from None
    return text


RequirementsText = Annotated[
    str,
    Field(
        description="The text of a requirements file: packages that are installed for this job alone, before "
        "the script starts. Plain requirements and comments, without options, URLs and paths."
    ),
    AfterValidator(_installable),
]
