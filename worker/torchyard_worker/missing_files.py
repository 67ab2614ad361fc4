"""A file that a script did not find: what lies where it was looked for, and where one of its name lies."""

import ast
import difflib
import os
import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from torchyard.contracts.runner import MissingFile
from torchyard_worker import staging
from torchyard_worker.spooling import INPUTS, OUTPUTS, AttemptDirectory

_MESSAGES = (
    re.compile(
        r"FileNotFoundError: \[Errno 2\] No such file or directory: b?(?P<path>'.*?'|\".*?\")(?: -> .*)?$"
    ),
    # HDF5's, and NumPy's for text files
    re.compile(r"FileNotFoundError: \[Errno 2\] .*\bname = (?P<path>'[^']+')"),
    re.compile(r"FileNotFoundError: (?P<plain>\S.*?) not found\.?$"),
)
#: Names told of a folder, places of one name, and files that are looked at for such places.
_NAMES, _PLACES, _LOOKED_AT = 10, 3, 50_000
#: How alike names have to be to be told first.
_ALIKE = 0.6
_MAX_PATH = 1024


def look_for(directory: AttemptDirectory, exception: str | None) -> MissingFile | None:
    """What there is to say about the file that this exception misses; None if it misses none.

    Only names below the script's folder are told: links out of it are not followed.
    """
    named = _named(exception or "")
    if not named or len(named) > _MAX_PATH:
        return None
    work = directory.work
    # A path of Windows is a path of another machine.
    wanted = os.path.normpath(work / named.replace("\\", "/"))
    outside = not f"{wanted}/".startswith(f"{work}/")
    parent = work if outside else Path(wanted).parent
    folder = _deepest(work, parent)
    names = _alike(os.path.basename(wanted), _names_in(folder))  # noqa: PTH119 - of a text
    found_at = _places(work, os.path.basename(wanted))  # noqa: PTH119
    return MissingFile(
        path=named,
        outside=outside,
        found_at=found_at,
        in_archive=bool(found_at) and _from_archive(directory, found_at[0]),
        folder=_below(work, folder),
        lacking=_below(work, parent) if folder != parent else "",
        holds=names[:_NAMES],
        more=max(0, len(names) - _NAMES),
    )


def _named(exception: str) -> str | None:
    for pattern in _MESSAGES:
        found = pattern.match(exception)
        if found is None:
            continue
        if "plain" in found.groupdict():
            return found["plain"]
        try:
            return str(ast.literal_eval(found["path"]))
        except (ValueError, SyntaxError):
            return None
    return None


def _below(work: Path, folder: Path) -> str:
    return "" if folder == work else str(folder.relative_to(work))


def _deepest(work: Path, wanted: Path) -> Path:
    """The last folder on the way from `work` to `wanted` that is there, and no link."""
    folder = work
    for part in wanted.relative_to(work).parts:
        try:
            if not stat.S_ISDIR((folder / part).lstat().st_mode):
                break
        except OSError:
            break
        folder /= part
    return folder


def _names_in(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(
            f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
            for entry in islice(entries, _LOOKED_AT)
            if entry.name != "__pycache__"
        )


def _alike(wanted: str, names: list[str]) -> list[str]:
    by_case = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(wanted.casefold(), islice(by_case, 5000), n=_NAMES, cutoff=_ALIKE)
    first = [by_case[name] for name in close]
    return first + [name for name in names if name not in first]


def _places(work: Path, wanted: str) -> list[str]:
    """Where files lie whose name is the wanted one, but for its case."""
    files: Iterator[str] = (path for path, _ in islice(staging.files_below(work), _LOOKED_AT))
    found = [path for path in files if path.rpartition("/")[2].casefold() == wanted.casefold()]
    return sorted(found, key=lambda path: (path.rpartition("/")[2] != wanted, path.count("/"), path))[
        :_PLACES
    ]


def _from_archive(directory: AttemptDirectory, path: str) -> bool:
    spec = directory.claimed().spec
    if spec.dependencies is None or spec.dependency_paths or path == spec.script.name:
        return False
    return not path.startswith((f"{INPUTS}/", f"{OUTPUTS}/")) and path in staging.staged_files(directory)
