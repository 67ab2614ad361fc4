"""`torchyard workflow notify`: webhooks that are told when a workflow's run ends."""

from typing import Annotated

import typer

from torchyard.cli import exits, terminal
from torchyard.cli.access import JsonOption, WorkflowArgument, connect, resolve_webhook, resolve_workflow
from torchyard.cli.wording import local, short
from torchyard.contracts.notifications import Delivery, DeliveryState, Outcomes

WebhookArgument = Annotated[
    str, typer.Argument(metavar="WEBHOOK", help="Its id, the first 4 or more characters of it, or its URL.")
]
#: Messages that are listed when nothing else is asked for.
_RECENT = 20


def add(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages are sent to, by POST.")],
    on: Annotated[Outcomes, typer.Option(help="The ends of a run that it is told of.")] = Outcomes.BOTH,
    json: JsonOption = False,
) -> None:
    """Add a webhook, and print its id; the key of its signatures is told this once."""
    with connect(ctx) as client:
        made = client.notifications.add(resolve_workflow(client, workflow), url, on)
    if json:
        terminal.show_json(made)
        return
    terminal.show_line(made.id)
    terminal.tell(f"the key of its signatures, told this once: {made.secret}")


def list_all(ctx: typer.Context, workflow: WorkflowArgument, json: JsonOption = False) -> None:
    """List a workflow's webhooks, oldest first."""
    with connect(ctx) as client:
        found = client.notifications.all(resolve_workflow(client, workflow))
    if json:
        terminal.show_json(found)
        return
    rows = [(short(one.id), str(one.on), local(one.created_at), one.url) for one in found]
    terminal.show_table(("ID", "TOLD OF", "ADDED", "URL"), rows)


def rm(ctx: typer.Context, workflow: WorkflowArgument, webhook: WebhookArgument) -> None:
    """Forget a webhook, and the messages to it."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        client.notifications.remove(identity, resolve_webhook(client, identity, webhook))
    terminal.show_line(f"{webhook} is removed")


def send_test(
    ctx: typer.Context, workflow: WorkflowArgument, webhook: WebhookArgument, json: JsonOption = False
) -> None:
    """Have a test message sent at once; exits with 0 if it came through."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        sent = client.notifications.test(identity, resolve_webhook(client, identity, webhook))
    terminal.show_json(sent) if json else terminal.show_line(_became(sent))
    if sent.state is not DeliveryState.DELIVERED:
        raise typer.Exit(exits.FAILED)


def log(
    ctx: typer.Context,
    workflow: WorkflowArgument,
    webhook: WebhookArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many.")] = _RECENT,
    json: JsonOption = False,
) -> None:
    """List the messages to a webhook, newest first, and what became of them."""
    with connect(ctx) as client:
        identity = resolve_workflow(client, workflow)
        told = client.notifications.deliveries(identity, resolve_webhook(client, identity, webhook))
        found = [one for one, _ in zip(told, range(limit), strict=False)]
    if json:
        terminal.show_json(found)
        return
    rows = [
        (
            local(one.created_at),
            short(one.run) if one.run else "test",
            str(one.state),
            str(one.tries),
            str(one.status or "-"),
            local(one.next_at),
            one.problem or "",
        )
        for one in found
    ]
    terminal.show_table(("TIME", "RUN", "STATE", "TRIES", "STATUS", "NEXT TRY", "PROBLEM"), rows)


def _became(sent: Delivery) -> str:
    if sent.state is DeliveryState.DELIVERED:
        return f"{sent.state}, answered with {sent.status}"
    return f"{sent.state}: {sent.problem}" if sent.problem else str(sent.state)
