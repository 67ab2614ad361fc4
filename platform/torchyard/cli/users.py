"""`torchyard users`: what the jobs of each user hold, and may hold."""

import re
from typing import Annotated

import typer

from torchyard.cli import terminal
from torchyard.cli.access import JsonOption, connect
from torchyard.contracts.users import MOST_LIMIT, UserAccount, UserChanges
from torchyard.errors import InvalidInput

_NONE = "none"
_NUMBER = re.compile(r"[0-9]{1,9}")


def list_all(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the users with their quotas, and what their jobs hold; for administrators."""
    with connect(ctx) as client:
        found = client.users.all()
    if json:
        terminal.show_json(found)
        return
    terminal.show_table(("NAME", "ROLE", "GPUS HELD", "CPUS HELD"), [_row(user) for user in found])


def limit(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")],
    gpus: Annotated[
        str | None, typer.Option(metavar="N", help="The most GPUs at once, on all workers together, or none.")
    ] = None,
    cpus: Annotated[str | None, typer.Option(metavar="N", help="The same of CPU cores.")] = None,
    json: JsonOption = False,
) -> None:
    """Set how much a user's jobs hold at once; `none` is no limit. What runs goes on."""
    wished = {"max_gpus": gpus, "max_cpus": cpus}
    limits = {field: _limit(text) for field, text in wished.items() if text is not None}
    if not limits:
        raise InvalidInput("nothing is to be set", hint="give --gpus or --cpus")
    with connect(ctx) as client:
        user = client.users.change(name, UserChanges(**limits))
    if json:
        terminal.show_json(user)
        return
    gpus_held, cpus_held = _row(user)[2:]
    terminal.show_line(f"{user.name} holds {gpus_held} GPUs and {cpus_held} CPU cores")


def _limit(text: str) -> int | None:
    if text == _NONE:
        return None
    if not _NUMBER.fullmatch(text) or int(text) > MOST_LIMIT:
        raise InvalidInput(f"{text!r} is no limit", hint=f"give a number up to {MOST_LIMIT}, or {_NONE}")
    return int(text)


def _row(user: UserAccount) -> tuple[str, str, str, str]:
    role = user.role + (", disabled" if user.disabled else "")
    return user.name, role, _held(user.held_gpus, user.max_gpus), _held(user.held_cpus, user.max_cpus)


def _held(held: int, most: int | None) -> str:
    return f"{held}" if most is None else f"{held} of {most}"
