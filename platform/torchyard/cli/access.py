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

#: The longest name of a workflow.
_MAX_NAME = 200

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
    if _is_whole_id(wanted.lower()):
        return wanted.lower()
    found: dict[str, str] = {}
    if 0 < len(wanted) <= _MAX_NAME:
        found = {one.id: one.name for one in client.workflows.all(wanted) if one.name == wanted}
    if _is_prefix(wanted):
        found |= {one.id: one.name for one in client.workflows.all(id_prefix=wanted.lower())}
    return _the_one(found, f"workflow {wanted!r}", "torchyard workflow list")


def resolve_run(client: Client, prefix: str) -> str:
    """The id of the one run whose id begins like this.

    Raises:
        InvalidInput: The prefix is too short, or fits several runs.
        NotFound: It fits no run.
    """
    if _is_whole_id(prefix.lower()):
        return prefix.lower()
    if len(prefix) < SHORTEST_PREFIX:
        raise InvalidInput(f"{prefix!r} is too short: give {SHORTEST_PREFIX} or more characters of the id")
    found: dict[str, str] = {}
    if _is_prefix(prefix):
        runs = client.runs.all(id_prefix=prefix.lower(), limit=_NAMED + 1)
        found = {one.id: one.workflow_name or one.name for one in runs}
    return _the_one(found, f"run whose id begins with {prefix}", "torchyard workflow runs")


def resolve_sweep(client: Client, workflow_id: str, prefix: str) -> str:
    """The id of the one sweep of the workflow whose id begins like this.

    Raises:
        InvalidInput: It fits several sweeps.
        NotFound: It fits none.
    """
    found = {one.id: one.name for one in client.sweeps.all(workflow_id) if one.id.startswith(prefix.lower())}
    return _the_one(found, f"sweep whose id begins with {prefix}", "torchyard workflow sweep WORKFLOW")


def resolve_webhook(client: Client, workflow_id: str, wanted: str) -> str:
    """The id of the one webhook of the workflow that has this URL, or whose id begins like this.

    Raises:
        InvalidInput: Several are meant.
        NotFound: None is.
    """
    found = {
        one.id: one.url
        for one in client.notifications.all(workflow_id)
        if one.url == wanted or (len(wanted) >= SHORTEST_PREFIX and one.id.startswith(wanted.lower()))
    }
    return _the_one(found, f"webhook {wanted!r}", "torchyard workflow notify list WORKFLOW")


def _is_whole_id(text: str) -> bool:
    return len(text) == _UUID_LENGTH and _PREFIX.fullmatch(text) is not None


def _is_prefix(text: str) -> bool:
    return SHORTEST_PREFIX <= len(text) < _UUID_LENGTH and _PREFIX.fullmatch(text.lower()) is not None


def _the_one(found: Mapping[str, str], what: str, command: str) -> str:
    if not found:
        raise NotFound(f"there is no {what}", hint=f"`{command}` lists them")
    if len(found) > 1:
        listed = ", ".join(f"{one} ({name})" for one, name in list(found.items())[:_NAMED])
        raise InvalidInput(f"there is more than one {what}: {listed}", hint="give more characters of the id")
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
