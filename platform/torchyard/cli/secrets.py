"""`torchyard secrets`: values that a job's environment refers to as `${secrets.NAME}`."""

from typing import Annotated

import typer

from torchyard.cli import exits, terminal
from torchyard.cli.access import JsonOption, connect
from torchyard.cli.wording import counted, local

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Upper-case letters, digits and _, as MY_TOKEN.")
]


def list_all(ctx: typer.Context, json: JsonOption = False) -> None:
    """List your secrets; their values are never shown."""
    with connect(ctx) as client:
        found = client.secrets.all()
    if json:
        terminal.show_json(found)
        return
    terminal.show_table(("NAME", "STORED"), [(one.name, local(one.created_at)) for one in found])


def set_value(ctx: typer.Context, name: NameArgument) -> None:
    """Store a secret, or give it another value. It comes from stdin, or from a prompt that shows nothing."""
    with connect(ctx) as client:
        client.secrets.set(name, terminal.ask_secret("value"))
    terminal.show_line(f"{name} is stored; a job's environment refers to it as ${{secrets.{name}}}")


def rm(ctx: typer.Context, name: NameArgument) -> None:
    """Remove a secret that no job needs which has not ended."""
    with connect(ctx) as client:
        client.secrets.remove(name)
    terminal.show_line(f"{name} is removed")


def rotate(ctx: typer.Context, json: JsonOption = False) -> None:
    """Encrypt everything with the platform's newest key; for administrators."""
    with connect(ctx) as client:
        done = client.secrets.rotate()
    if json:
        terminal.show_json(done)
    else:
        secrets, connections = counted(done.secrets, "secret"), counted(done.connections, "connection")
        webhooks = counted(done.webhooks, "webhook")
        terminal.show_line(f"encrypted with the newest key: {secrets}, {connections} and {webhooks}")
        for what in done.unreadable:
            terminal.tell(f"torchyard: no key opens the {what}; store it again", style="red")
    if done.unreadable:
        raise typer.Exit(exits.FAILED)
