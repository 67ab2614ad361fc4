"""How commands reach the platform, and which job they mean."""

import re
from typing import Annotated

import typer

from torchyard.cli import terminal
from torchyard.client import Client
from torchyard.errors import InvalidInput, NotFound

#: Characters of an id below which a prefix says too little.
SHORTEST_PREFIX = 4
_UUID_LENGTH = 36
_PREFIX = re.compile(r"[0-9a-f-]+")
#: Jobs that a prefix fits which are named in the refusal.
_NAMED = 5

JobArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A job's id, or the first 4 or more characters of it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def connect(ctx: typer.Context) -> Client:
    """A client of the platform that the command line, the environment or the home names."""
    url = ctx.find_root().obj
    return Client(url, on_interruption=terminal.say)


def resolve(client: Client, prefix: str) -> str:
    """The id of the one job whose id begins like this.

    Raises:
        InvalidInput: The prefix is none, too short, or fits several jobs.
        NotFound: It fits no job.
    """
    prefix = prefix.lower()
    if not _PREFIX.fullmatch(prefix):
        raise InvalidInput(f"{prefix!r} is no job's id", hint="`torchyard ps` lists the jobs")
    if len(prefix) >= _UUID_LENGTH:
        return prefix
    if len(prefix) < SHORTEST_PREFIX:
        raise InvalidInput(f"{prefix!r} is too short: give {SHORTEST_PREFIX} or more characters of the id")
    found = list(client.jobs(id_prefix=prefix, limit=_NAMED + 1))
    if not found:
        raise NotFound(f"no job's id begins with {prefix}", hint="`torchyard ps --all` lists the jobs")
    if len(found) > 1:
        listed = ", ".join(f"{job.id} ({job.name})" for job in found[:_NAMED])
        raise InvalidInput(f"several jobs' ids begin with {prefix}: {listed}", hint="give more characters")
    return found[0].id
