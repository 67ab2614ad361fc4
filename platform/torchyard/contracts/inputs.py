"""What a job finds in `inputs/<name>/`, as it is asked for.

A source is one of

    job:<id>        what a job left that has ended: its `outputs/`, or everything if nothing lies there
    job:<id>?       the same; an empty folder if it failed and left nothing
    none            an empty folder
    s3://bucket/key,cos://bucket/key/,blob:<sha256>/<file name>,…
                    files and directories in S3 or COS, and uploaded files; any of them, in any order

Paths follow the rules of `dependency_paths`. A file's name may hold commas: only one that a path or `blob:`
follows begins the next part, and no name can look like that.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from torchyard.contracts.file_names import plain_file_name
from torchyard.contracts.sayings import Sentence, say, telling
from torchyard.contracts.storage_paths import StoragePath, split_paths

MAX_INPUTS = 50
#: Uploaded files in one input.
MAX_FILES = 1_000
#: The source of an empty folder.
NOTHING = "none"
#: Bytes of a name that every file system takes.
_MAX_NAME_BYTES = 255

_NAME = re.compile(r"[\w-]{1,64}")
_JOB = re.compile(r"job:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(\??)")
_FILE = re.compile(r"blob:([0-9a-f]{64})/(.*)", re.DOTALL)
_NEXT_PART = re.compile(r",\s*(?=s3://|cos://|blob:[0-9a-f]{64}/|job:[0-9a-f]{8}-)")


@dataclass(frozen=True)
class NamedBlob:
    """An uploaded file, and the name it has for the script."""

    sha256: str
    name: str

    def __str__(self) -> str:
        """As it is written in a source."""
        return f"blob:{self.sha256}/{self.name}"


@dataclass(frozen=True)
class Source:
    """Where an input comes from.

    Attributes:
        job: The id of the job whose files it is, if it is one's.
        may_be_empty: Whether the input is an empty folder if that job failed and left nothing.
        paths: What comes from storages.
        files: What was uploaded.
    """

    job: str | None = None
    may_be_empty: bool = False
    paths: tuple[StoragePath, ...] = ()
    files: tuple[NamedBlob, ...] = ()


def job_source(job_id: str, *, may_be_empty: bool = False) -> str:
    """The source of what a job left."""
    return f"job:{job_id}{'?' if may_be_empty else ''}"


def data_source(paths: str = "", files: Iterable[NamedBlob] = ()) -> str:
    """The source of what lies at these paths, as in `dependency_paths`, and of uploaded files."""
    parts = [*map(str, split_paths(paths)), *map(str, files)]
    return ",".join(parts) or NOTHING


def read_source(text: str) -> Source:
    """A source as it was written.

    Raises:
        PydanticCustomError: `inputs_invalid`, `s3_uri_invalid` or `file_name_invalid`; `dependency_conflict`
            if two files have one name.
    """
    if text == NOTHING:
        return Source()
    job = _JOB.fullmatch(text)
    if job:
        return Source(job=job[1], may_be_empty=bool(job[2]))
    parts = _NEXT_PART.split(text.strip())
    paths = split_paths(",".join(part for part in parts if not part.startswith("blob:")))
    files = _files([part for part in parts if part.startswith("blob:")])
    if not paths and not files:
        raise _invalid(say("input_names_nothing"))
    return Source(paths=tuple(dict.fromkeys(paths)), files=files)


def input_name(name: str) -> str:
    """The name of an input in its one form (NFC); also that of a graph's node.

    Raises:
        PydanticCustomError: `inputs_invalid`.
    """
    normal = unicodedata.normalize("NFC", name)
    if not _NAME.fullmatch(normal) or not normal.isprintable() or len(normal.encode()) > _MAX_NAME_BYTES:
        raise PydanticCustomError(
            "inputs_invalid",
            "{name} is no allowed name: letters of any script, digits, _ and -, at most 64",
            {"name": repr(name[:80]), "says": "input_misnamed"},
        )
    return normal


def _files(parts: list[str]) -> tuple[NamedBlob, ...]:
    found: dict[str, NamedBlob] = {}
    for part in parts:
        match = _FILE.fullmatch(part)
        if match is None:
            raise _invalid(say("input_no_upload", part=repr(part[:80])))
        file = NamedBlob(match[1], plain_file_name(match[2]))
        if found.setdefault(file.name, file) != file:
            raise PydanticCustomError(
                "dependency_conflict",
                "two of its files are called {name}: {one} and {other}",
                {
                    "name": repr(file.name),
                    "one": found[file.name].sha256,
                    "other": file.sha256,
                    "says": "input_files_alike",
                },
            )
    if len(found) > MAX_FILES:
        raise _invalid(say("uploads_at_most", most=MAX_FILES))
    return tuple(found.values())


def _invalid(why: Sentence) -> PydanticCustomError:
    return PydanticCustomError("inputs_invalid", "{problem}", {"problem": why, "says": "stated"})


def _allowed(inputs: dict[str, str]) -> dict[str, str]:
    if len(inputs) > MAX_INPUTS:
        raise _invalid(say("inputs_at_most", most=MAX_INPUTS))
    allowed: dict[str, str] = {}
    for given, text in inputs.items():
        name = input_name(given)
        if name in allowed:
            raise _invalid(say("entry_twice", name=name))
        _check(name, text)
        allowed[name] = text
    return allowed


def _check(name: str, text: str) -> None:
    if not text.startswith(("job:", "s3:", "cos:", "blob:")) and text != NOTHING:
        known = "job:<id>, s3://bucket/key, cos://bucket/key, blob:<sha256>/<file name> or none"
        raise _invalid(say("input_from_nowhere", name=name, known=known))
    if text.startswith("job:") and not _JOB.fullmatch(text):
        raise _invalid(say("input_names_no_job", name=name))
    try:
        read_source(text)
    except PydanticCustomError as problem:
        context = problem.context or {}
        why = telling(problem.message(), problem.type, context)
        told = {"field": name, "problem": why, "says": "of_field"}
        raise PydanticCustomError(problem.type, "{field}: {problem}", told) from None


Inputs = Annotated[
    dict[str, str],
    Field(
        description="Data for the job, by the name of the folder in `inputs/` that it goes to: 1 to 64 "
        "letters of any script, digits, _ and -. From a job that has ended: `job:<id>`, which is what lies "
        "in its `outputs/`, or everything if nothing does; with `job:<id>?` nothing will do if it failed. "
        "Else `s3://bucket/key` and `cos://bucket/key` as in `dependency_paths`, and uploaded files as "
        "`blob:<sha256>/<file name>`; several are separated by commas. `none` is an empty folder."
    ),
    AfterValidator(_allowed),
]
