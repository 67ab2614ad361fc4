"""What was there instead of a file that a script did not find, in words."""

from torchyard.contracts.jobs import JobSpec
from torchyard.contracts.runner import MissingFile

#: Characters of one name in the sentence.
_MAX_SHOWN = 80


def what_was_there(missing: MissingFile, spec: JobSpec) -> str:
    """The part of the sentence that tells where the file is, or what lies where it was looked for."""
    if missing.found_at:
        return _found(missing, spec)
    if missing.outside:
        return (
            "it is no path below the script's own folder, where the job's files are; give the file with the "
            f"job and open it by its name alone; {_holds(missing)}"
        )
    return _holds(missing)


def _found(missing: MissingFile, spec: JobSpec) -> str:
    first, *others = (_shown(path) for path in missing.found_at)
    archive = f" of {spec.dependencies.name}" if missing.in_archive and spec.dependencies else ""
    more = f" (and at {' and '.join(others)})" if others else ""
    return f"it lies at {first}{archive}{more}, seen from the script's folder"


def _holds(missing: MissingFile) -> str:
    place = f"the folder {_shown(missing.folder)}" if missing.folder else "the script's folder"
    lacks = f"there is no folder {_shown(missing.lacking)}; " if missing.lacking else ""
    if not missing.holds:
        return f"{lacks}{place} is empty"
    names = ", ".join(_shown(name) for name in missing.holds)
    more = f" and {missing.more} more" if missing.more else ""
    return f"{lacks}{place} holds {names}{more}"


def _shown(name: str) -> str:
    name = "".join(char if char.isprintable() else "\ufffd" for char in name)
    return f"'{name if len(name) <= _MAX_SHOWN else f'…{name[1 - _MAX_SHOWN :]}'}'"
