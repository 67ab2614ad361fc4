"""`torchyard connections`: the S3 and COS storage that jobs may read."""

from typing import Annotated

import typer

from torchyard.cli import terminal
from torchyard.cli.access import JsonOption, connect
from torchyard.cli.wording import local
from torchyard.contracts.connections import Addressing, StoredFile
from torchyard.contracts.storage_paths import StorageKind

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The connection's name.")]
PathArgument = Annotated[str, typer.Argument(metavar="PATH", help="s3://BUCKET/KEY or cos://BUCKET/KEY.")]


def list_all(ctx: typer.Context, json: JsonOption = False) -> None:
    """List the connections."""
    with connect(ctx) as client:
        found = client.connections.all()
    if json:
        terminal.show_json(found)
        return
    columns = ("NAME", "KIND", "ENDPOINT", "REGION", "KEY ID", "ALLOWS")
    rows = [
        (one.name, one.kind, one.endpoint or "AWS", one.region, one.access_key_id, ", ".join(one.allowed))
        for one in found
    ]
    terminal.show_table(columns, rows)


def set_up(
    ctx: typer.Context,
    name: NameArgument,
    access_key_id: Annotated[str, typer.Option("--key-id", help="The access key's id.")],
    allow: Annotated[
        list[str],
        typer.Option("--allow", metavar="BUCKET[/PREFIX/]", help="What jobs may read; may be repeated."),
    ],
    kind: Annotated[StorageKind, typer.Option(help="S3, or Tencent Cloud COS.")] = StorageKind.S3,
    region: Annotated[str | None, typer.Option(help="The region. [default: us-east-1]")] = None,
    endpoint: Annotated[
        str | None, typer.Option(metavar="URL", help="The service's address. [default: by kind and region]")
    ] = None,
    addressing: Annotated[
        Addressing | None, typer.Option(help="Where the bucket's name stands. [default: by kind]")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Set up a connection, or replace it; for administrators.

    The key's secret comes from stdin, or from a prompt that shows nothing.
    """
    wanted = {
        "kind": kind,
        "region": region,
        "endpoint": endpoint,
        "addressing": addressing,
        "access_key_id": access_key_id,
        "allowed": allow,
    }
    settings = {field: value for field, value in wanted.items() if value is not None}
    with connect(ctx) as client:
        settings["secret_access_key"] = terminal.ask_secret("secret access key")
        made = client.connections.set(name, settings)
    terminal.show_json(made) if json else terminal.show_line(f"{made.name} is set up")


def rm(ctx: typer.Context, name: NameArgument) -> None:
    """Remove a connection; for administrators. Queued jobs that need it will fail."""
    with connect(ctx) as client:
        client.connections.remove(name)
    terminal.show_line(f"{name} is removed")


def check(ctx: typer.Context, name: NameArgument, path: PathArgument, json: JsonOption = False) -> None:
    """Look what lies at a path."""
    with connect(ctx) as client:
        found = client.connections.check(name, path)
    if json:
        terminal.show_json(found)
        return
    more = " or more" if found.more else ""
    facts = {"path": found.path, "type": str(found.type), "bytes": f"{found.size}{more}"}
    facts |= {"etag": found.etag} if found.etag else {"files": f"{found.files}{more}"}
    terminal.show_facts(facts)


def browse(
    ctx: typer.Context,
    name: NameArgument,
    directory: Annotated[
        str | None, typer.Argument(metavar="DIRECTORY", help="s3://BUCKET/DIR/. [default: all allowed]")
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the folders and files in a directory."""
    with connect(ctx) as client:
        found = list(client.connections.browse(name, directory))
    if json:
        terminal.show_json(found)
        return
    terminal.show_table(("BYTES", "MODIFIED", "PATH"), [_row(entry) for entry in found])


def _row(entry: str | StoredFile) -> tuple[str, str, str]:
    if isinstance(entry, str):
        return ("", "", entry)
    return (str(entry.size), local(entry.modified_at), entry.path)
