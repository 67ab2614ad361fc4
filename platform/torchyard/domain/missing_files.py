"""What was there instead of a file that a script did not find, in words."""

from typing import Any

from torchyard.contracts.jobs import JobSpec
from torchyard.contracts.runner import MissingFile
from torchyard.contracts.sayings import Sentence, say

#: Characters of one name in the sentence.
_MAX_SHOWN = 80


def what_was_there(missing: MissingFile, spec: JobSpec) -> Sentence:
    """The part of the sentence that tells where the file is, or what lies where it was looked for."""
    if missing.found_at:
        return _found(missing, spec)
    return say("file_outside", there=_holds(missing)) if missing.outside else _holds(missing)


def _found(missing: MissingFile, spec: JobSpec) -> Sentence:
    first, *others = (_shown(path) for path in missing.found_at)
    archive = spec.dependencies.name if missing.in_archive and spec.dependencies else None
    code = ("file_lies_in_archive" if archive else "file_lies_at") + ("_several" if others else "")
    more: dict[str, Any] = {"others": [f"'{one}'" for one in others]} if others else {}
    return say(code, place=first, **more, **({"archive": archive} if archive else {}))


def _holds(missing: MissingFile) -> Sentence:
    if missing.lacking:
        return say("folder_lacking", lacking=_shown(missing.lacking), there=_contents(missing))
    return _contents(missing)


def _contents(missing: MissingFile) -> Sentence:
    place: dict[str, Any] = {"folder": _shown(missing.folder)} if missing.folder else {}
    kind = "folder" if missing.folder else "script_folder"
    if not missing.holds:
        return say(f"{kind}_empty", **place)
    names = ", ".join(f"'{_shown(name)}'" for name in missing.holds)
    if missing.more:
        return say(f"{kind}_holds_more", **place, names=names, more=missing.more)
    return say(f"{kind}_holds", **place, names=names)


def _shown(name: str) -> str:
    name = "".join(char if char.isprintable() else "\ufffd" for char in name)
    return name if len(name) <= _MAX_SHOWN else f"…{name[1 - _MAX_SHOWN :]}"
