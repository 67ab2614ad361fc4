"""What a job gets from other jobs, as it is asked for."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

MAX_INPUTS = 50

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SOURCE = re.compile(r"job:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def job_of_input(source: str) -> str:
    """The id of the job that an input comes from."""
    return source.removeprefix("job:")


def _allowed(inputs: dict[str, str]) -> dict[str, str]:
    if len(inputs) > MAX_INPUTS:
        raise PydanticCustomError(
            "inputs_invalid", "at most {count} inputs are allowed", {"count": MAX_INPUTS}
        )
    for name, source in inputs.items():
        if not _NAME.fullmatch(name):
            raise PydanticCustomError(
                "inputs_invalid",
                "{name} is no allowed name: letters, digits, _ and -, at most 64",
                {"name": repr(name[:80])},
            )
        if not _SOURCE.fullmatch(source):
            raise PydanticCustomError(
                "inputs_invalid", "{name} must come from a job: write job:<id>", {"name": name}
            )
    return inputs


Inputs = Annotated[
    dict[str, str],
    Field(
        description="Artifacts of jobs that have ended, as `job:<id>`, by the name of the folder in "
        "`inputs/` that they go to: what lies in that job's `outputs/`, or everything if nothing does."
    ),
    AfterValidator(_allowed),
]
