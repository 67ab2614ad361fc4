"""How commands reach the platform, and which job they mean."""

import re
from collections.abc import Mapping
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

#: The latest runs, among which one is looked for by the beginning of its id.
_MOST_RUNS = 5_000

WorkflowArgument = Annotated[
    str,
    typer.Argument(metavar="WORKFLOW", help="Its id, the first 4 or more characters of it, or its name."),
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run's id, or the first 4 or more characters of it.")
]
JobArgument = Annotated[
    str, typer.Argument(metavar="ID", help="A job's id, or the first 4 or more characters of it.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def connect(ctx: typer.Context) -> Client:
    """A client of the platform that the command line, the environment or the home names."""
    url = ctx.find_root().obj
    return Client(url, on_interruption=terminal.say)


def resolve_workflow(client: Client, wanted: str) -> str:
    """The id of the one workflow that is called this, or whose id begins like this.

    Raises:
        InvalidInput: Several are meant.
        NotFound: None is.
    """
    if _is_whole_id(wanted):
        return wanted
    found = {
        one.id: one.name
        for one in client.workflows.all()
        if one.name == wanted or (len(wanted) >= SHORTEST_PREFIX and one.id.startswith(wanted.lower()))
    }
    return _the_one(found, f"a workflow {wanted!r}", "torchyard workflow list")


def resolve_run(client: Client, prefix: str) -> str:
    """The id of the one run whose id begins like this.

    Raises:
        InvalidInput: The prefix is too short, or fits several runs.
        NotFound: It fits no run.
    """
    if _is_whole_id(prefix):
        return prefix
    if len(prefix) < SHORTEST_PREFIX:
        raise InvalidInput(f"{prefix!r} is too short: give {SHORTEST_PREFIX} or more characters of the id")
    runs = client.runs.all(limit=_MOST_RUNS)
    found = {one.id: one.name for one in runs if one.id.startswith(prefix.lower())}
    return _the_one(found, f"a run whose id begins with {prefix}", "torchyard workflow runs")


def resolve_sweep(client: Client, workflow_id: str, prefix: str) -> str:
    """The id of the one sweep of the workflow whose id begins like this.

    Raises:
        InvalidInput: It fits several sweeps.
        NotFound: It fits none.
    """
    found = {one.id: one.name for one in client.sweeps.all(workflow_id) if one.id.startswith(prefix.lower())}
    return _the_one(found, f"a sweep whose id begins with {prefix}", "torchyard workflow sweep WORKFLOW")


def _is_whole_id(text: str) -> bool:
    return len(text) == _UUID_LENGTH and _PREFIX.fullmatch(text) is not None


def _the_one(found: Mapping[str, str], what: str, command: str) -> str:
    if not found:
        raise NotFound(f"there is not {what}", hint=f"`{command}` lists them")
    if len(found) > 1:
        listed = ", ".join(f"{one} ({name})" for one, name in list(found.items())[:_NAMED])
        raise InvalidInput(f"there is more than {what}: {listed}", hint="give more characters of the id")
    return next(iter(found))


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
