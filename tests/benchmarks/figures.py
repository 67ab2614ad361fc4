"""What benchmarks make of what they measured."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One line of a table: a value, beside what does the least of the same work; the goal is their ratio."""

    what: str
    value: float
    unit: str
    yardstick: float | None = None
    yardstick_is: str = ""
    goal: str = ""


def table(
    title: str, figures: Iterable[Figure], columns: tuple[str, str, str] = ("value", "yardstick", "goal")
) -> list[Figure]:
    """Print each line as it comes."""
    value, yardstick, last = columns
    print(f"\n{title:52} {value:>10}       {yardstick:>10} {'ratio':>8}   {last}".rstrip())
    shown = []
    for figure in figures:
        print(row(figure), flush=True)
        shown.append(figure)
    return shown


def row(figure: Figure) -> str:
    line = f"{figure.what:52} {figure.value:10.1f} {figure.unit:5}"
    if figure.yardstick is None:
        return f"{line} {'':10} {'':8}   {figure.goal}"
    ratio = f"{figure.value / figure.yardstick:8.3f}"
    named = f"({figure.yardstick_is})" if figure.yardstick_is else ""
    return f"{line} {figure.yardstick:10.1f} {ratio}   {figure.goal} {named}".rstrip()


def percentile(values: list[float], share: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[share - 1]


def pss_mib(pid: int) -> float:
    """Memory of a process in MiB, pages shared by several divided among them."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024
