"""Sizes and times as people read them."""

from torchyard.contracts.jobs import StagingProgress
from torchyard.contracts.sayings import Sentence, say


def in_bytes(size: float) -> str:
    """A size: `312 B`, `1.2 kB`, `40 MB`."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.1f} {unit}" if unit != "B" and amount < 9.95 else f"{amount:.0f} {unit}"


def in_files(count: int) -> Sentence:
    """A number of files: `1 file`, `20 files`."""
    return say("files", count=count)


def in_seconds(seconds: float) -> Sentence:
    """A duration: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return say("short_seconds", seconds=f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return say("short_seconds", seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return say("short_minutes", minutes=minutes, seconds=rest)
    return say("short_hours", hours=minutes // 60, minutes=minutes % 60)


def in_facts(progress: StagingProgress) -> dict[str, str]:
    """How far a fetch is, as the facts of a sentence."""
    return {
        "done": in_bytes(progress.bytes_done),
        "total": in_bytes(progress.bytes_total),
        "files_done": str(progress.files_done),
        "files": in_files(progress.files_total),
        "rate": in_bytes(progress.bytes_per_second),
    }


def in_names(names: list[str], most: int) -> tuple[str, str]:
    """The first of these, and how many more there are, if there are: `a, b`, ` and 3 more`."""
    more = say("and_others", count=len(names) - most) if len(names) > most else ""
    return ", ".join(names[:most]), more


def cut(line: str, most: int) -> str:
    """The line; one that is longer is a text that knows no more what it says."""
    return line if len(line) <= most else line[:most]


def message_of(problem: Exception) -> str:
    """An exception's message, which may know what it says."""
    said = problem.args[0] if problem.args else None
    return said if isinstance(said, Sentence) else str(problem)
