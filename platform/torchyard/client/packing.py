"""What of a directory goes along with a script."""

import os
import stat
from collections import Counter
from pathlib import Path

from torchyard.client.ignoring import OURS, Ignored
from torchyard.contracts.tree_rules import ArchiveLimits
from torchyard.errors import InvalidInput

#: What belongs to tools and not to the script.
_SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        ".torchyard",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
    }
)
#: What the platform takes, and how many of the files that are too much are named.
_LIMITS = ArchiveLimits()
_NAMED = 5


def contents(directory: Path) -> list[str]:
    """The paths that go along, relative to the directory and sorted; empty directories end with a slash.

    What version control, caches and venvs keep there stays behind, and what `.torchyardignore` names, or
    `.gitignore` if there is no such file.

    Raises:
        InvalidInput: It holds a symbolic link, a socket or the like, or a name that is no UTF-8; or a rule
            about what to leave out can't be understood.
    """
    found: list[str] = []
    ignored = Ignored(directory)
    for root, folders, files in os.walk(directory, onerror=_fail):
        place = Path(root)
        inside = "" if place == directory else f"{place.relative_to(directory).as_posix()}/"
        folders[:] = [
            name for name in folders if not (_skipped(place / name) or ignored.holds(f"{inside}{name}/"))
        ]
        kept = [
            name
            for name in files
            if not (name.endswith(".pyc") or name == OURS or ignored.holds(f"{inside}{name}"))
        ]
        found += [_checked(place / name, directory) for name in kept]
        for name in folders:
            _checked(place / name, directory)
        if not folders and not kept and place != directory:
            found.append(f"{_checked(place, directory)}/")
    return sorted(found)


def check_sizes(directory: Path, entries: list[str], limits: ArchiveLimits = _LIMITS) -> None:
    """Refuse what the platform would refuse after the upload.

    Raises:
        InvalidInput: `dependencies_too_large`, with the largest files named; or `too_many_files`.
    """
    hint = f"name what is not needed in {OURS}, or put large data where dependency paths find it"
    if len(entries) > limits.entries:
        fullest = Counter(name.partition("/")[0] for name in entries if "/" in name).most_common(1)
        where = f", {fullest[0][1]} of them in {fullest[0][0]}/" if fullest else ""
        raise InvalidInput(
            f"{directory} holds {len(entries)} files{where}; {limits.entries} are allowed",
            code="too_many_files",
            field="dependencies",
            hint=hint,
        )
    sizes = {name: (directory / name).stat().st_size for name in entries if not name.endswith("/")}
    total = sum(sizes.values())
    if total > limits.extracted_bytes:
        largest = sorted(sizes, key=lambda name: -sizes[name])[:_NAMED]
        raise InvalidInput(
            f"{directory} holds {total} bytes; {limits.extracted_bytes} are allowed. The largest files: "
            + ", ".join(f"{name} ({sizes[name]} bytes)" for name in largest),
            code="dependencies_too_large",
            field="dependencies",
            hint=hint,
        )


def _fail(problem: OSError) -> None:
    raise problem


def _skipped(path: Path) -> bool:
    return path.name in _SKIPPED or (path / "pyvenv.cfg").is_file()


def _checked(path: Path, directory: Path) -> str:
    name = path.relative_to(directory).as_posix()
    kind = path.lstat().st_mode
    if stat.S_ISLNK(kind):
        raise _refused(
            name,
            "link_not_allowed",
            "is a symbolic link",
            "replace it by the file it points to, or remove it",
        )
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise _refused(name, "kind_not_allowed", "is neither a file nor a directory", "remove it")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise _refused(ascii(name), "name_not_utf8", "has a name that is not UTF-8", "rename it") from None
    return name


def _refused(name: str, code: str, what: str, hint: str) -> InvalidInput:
    return InvalidInput(
        f"{name} {what}, which dependencies must not hold", code=code, field="dependencies", hint=hint
    )
