"""What is written where: data to stdout, everything else to stderr."""

import getpass
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter
from rich.console import Console
from rich.table import Table
from rich.text import Text

from torchyard.contracts.jobs import JobState
from torchyard.contracts.runs import NodeState
from torchyard.errors import InvalidInput, TorchyardError

_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
#: Wide enough that nothing is cut off for a program that reads our tables.
_NO_LIMIT = 10_000
_STYLES: dict[str, str] = {
    JobState.QUEUED: "yellow",
    JobState.STAGING: "cyan",
    JobState.RUNNING: "blue",
    JobState.SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "dim",
    NodeState.WAITING: "yellow",
    NodeState.REUSED: "green",
    NodeState.UPSTREAM_FAILED: "red",
}


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would take for a command."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def show_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    sys.stdout.write(_ANYTHING.dump_json(value, indent=2).decode() + "\n")
    sys.stdout.flush()


def show_table(columns: Iterable[str], rows: Iterable[Iterable[str | Text]]) -> None:
    """Write rows under headings to stdout."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    _stdout().print(table)


def show_facts(facts: Mapping[str, str | Text]) -> None:
    """Write names and values to stdout, one pair a line."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts.items():
        table.add_row(name, value if isinstance(value, Text) else Text(printable(value)))
    _stdout().print(table)


def show_line(*parts: str | Text) -> None:
    """Write one line to stdout."""
    _stdout().print(Text.assemble(*parts), soft_wrap=True)


def show_text(text: str) -> None:
    """Write a text to stdout as it is, in UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def state_text(state: str, *, unreachable: bool = False) -> Text:
    """The state of a job, a run or a node, in its colour."""
    return Text(f"{state} (unreachable)" if unreachable else str(state), style=_STYLES.get(state, "dim"))


def say(sentence: str) -> None:
    """Tell a person at the terminal what goes on, dimmed, on stderr; nobody else."""
    if sys.stderr.isatty():
        tell(sentence, style="dim")


def tell(sentence: str, style: str = "") -> None:
    """Write a line to stderr."""
    Console(stderr=True).print(Text(printable(sentence), style=style), soft_wrap=True)


def ask(question: str) -> bool:
    """Ask a person at the terminal, if there is one; anything but yes means no."""
    if not sys.stdin.isatty():
        return False
    Console(stderr=True).print(Text(f"{question} [y/N] "), end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def ask_secret(what: str) -> str:
    """A secret: from stdin, without its last line break; asked for without showing it, if that is a terminal.

    Raises:
        InvalidInput: It is no text.
    """
    if sys.stdin.isatty():
        return getpass.getpass(f"{what}: ")
    try:
        text = sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"the {what} has to be text in UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")


def show_problem(problem: TorchyardError) -> None:
    """Say in one sentence on stderr what went wrong, and what to do."""
    tell(f"torchyard: {problem.message}", style="red")
    listed = problem.extra.get("errors") or []
    for one in listed if len(listed) > 1 else []:
        tell(f"  {one.get('field')}: {one.get('message')}")
    if problem.hint:
        tell(f"  {problem.hint}")


def _stdout() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_NO_LIMIT)
