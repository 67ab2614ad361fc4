"""A workflow's run on its way to its end: a line for each change, and what came of it."""

import sys
from datetime import datetime

import typer
from rich.cells import cell_len, set_cell_size
from rich.text import Text

from torchyard.cli import exits, terminal
from torchyard.cli.wording import duration, short, since
from torchyard.client import Client
from torchyard.contracts.runs import (
    NODE_ENDED,
    RUN_ENDED,
    NodeState,
    Run,
    RunDetail,
    RunEvent,
    RunState,
)
from torchyard.errors import RequestRefused

_MOST_WIDE = 30
#: States that are told in the words of their events.
_EXPLAINED = frozenset({NodeState.FAILED, NodeState.UPSTREAM_FAILED, NodeState.CANCELLED, NodeState.REUSED})


def followed(client: Client, run: RunDetail, *, after: int = 0, quiet: bool = False) -> RunDetail:
    """Show the run until it has ended; Ctrl-C leaves it alone, unless it is to be stopped too.

    Args:
        client: The platform.
        run: The run.
        after: The number of the last event that was shown.
        quiet: Whether lines go to stderr, as stdout is for a program.

    Raises:
        typer.Exit: It was left alone.
    """
    follower = _Follower(client, run, after, quiet=quiet)
    try:
        follower.to_the_end()
    except KeyboardInterrupt:
        _detach(client, run)
        follower.to_the_end()
    return client.runs.get(run.id)


def show_summary(run: RunDetail) -> None:
    """Show how every node of the run stands, and the run itself."""
    terminal.show_line()
    terminal.show_table(
        ("NODE", "STATE", "DURATION", "TRIES", "JOB", "HOW IT ENDED"),
        [
            (
                node.name,
                terminal.state_text(node.state, unreachable=node.unreachable),
                since(node.started_at, node.finished_at) if node.started_at else "-",
                str(node.attempts),
                short(node.job) if node.job else "-",
                node.sentence or "",
            )
            for node in run.nodes
        ],
    )
    took = f" in {since(run.started_at, run.finished_at)}" if run.started_at else ""
    terminal.show_line("run ", short(run.id), " ", terminal.state_text(run.state), took)


def verdict(run: Run) -> int:
    """The exit code: 0 if it succeeded, 130 if somebody stopped it, 1 otherwise."""
    codes = {RunState.SUCCEEDED: 0, RunState.CANCELLED: exits.INTERRUPTED}
    return codes.get(run.state, exits.FAILED)


class _Follower:
    """Writes a line for each event, each once; can be stopped by Ctrl-C and go on."""

    def __init__(self, client: Client, run: RunDetail, after: int, *, quiet: bool) -> None:
        self._client = client
        self._run = run
        self._after = after
        self._quiet = quiet
        self._started: dict[str | None, datetime] = {}
        self._width = min(_MOST_WIDE, max([3, *(cell_len(node.name) for node in run.nodes)]))

    def to_the_end(self) -> None:
        for event in self._client.runs.events(self._run.id, after=self._after, follow=True):
            self._after = event.seq
            self._write(event)

    def _write(self, event: RunEvent) -> None:
        if event.state == NodeState.RUNNING:
            self._started[event.node] = event.at
        began = self._started.get(event.node)
        ended = event.state in NODE_ENDED or event.state in RUN_ENDED
        took = f"  {duration((event.at - began).total_seconds())}" if ended and began else ""
        told = event.node is None or event.state in _EXPLAINED
        said = f"  {event.message.removeprefix(f'{event.state}: ')}" if told else ""
        line = Text.assemble(
            f"{event.at.astimezone():%H:%M:%S}  ",
            set_cell_size(terminal.printable(event.node or "run"), self._width),
            "  ",
            terminal.state_text(event.state),
            took,
            terminal.printable(said),
        )
        if self._quiet:
            terminal.tell(line.plain)
        else:
            terminal.show_line(line)
            sys.stdout.flush()


def _detach(client: Client, run: RunDetail) -> None:
    """Leave the run alone, unless it is to be stopped too.

    Raises:
        typer.Exit: It is left alone.
    """
    terminal.tell(
        f"detached; the run goes on. Follow it again: torchyard workflow follow {short(run.id)}   "
        f"Stop it: torchyard workflow stop {short(run.id)}"
    )
    try:
        if not terminal.ask("Stop the run too?"):
            raise typer.Exit(exits.INTERRUPTED)
        client.runs.stop(run.id)
    except KeyboardInterrupt:
        raise typer.Exit(exits.INTERRUPTED) from None
    except RequestRefused as refused:
        if refused.code != "run_ended":
            raise
