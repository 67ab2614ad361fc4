"""How an attempt ended: the shim's facts and the script's last words, as the platform is told them."""

import errno
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torchyard import errors
from torchyard.contracts.runner import Cause, Outcome
from torchyard.contracts.sayings import say
from torchyard_worker import missing_files, staging
from torchyard_worker.attempts import Stopped
from torchyard_worker.shim import spool
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.wording import cut, in_bytes, message_of

#: The part of stderr.log in which the last traceback is looked for.
_TAIL_BYTES = 64 * 1024
_MAX_EXCEPTION = 2000
#: The exit code of a Python that an exception ended.
_UNCAUGHT = 1

_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^']+)'")
_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^\s*(?:\| +)?File "(?P<file>.+)", line (?P<line>\d+)')
#: What Python prints under the frames: the exception's dotted class, and mostly a message.
_EXCEPTION = re.compile(r"^(?:[^\W\d]\w*\.)*[^\W\d]\w*(?:: .*)?$")
#: Where Python says of a program that there is no such file.
_STARTS_PROGRAMS = ("/subprocess.py", "/os.py")


@dataclass(frozen=True)
class _Raised:
    """What ended a script.

    Attributes:
        exception: The line that names it; None if there was none.
        script_line: The innermost line of the script in its traceback.
        by_subprocess: Whether it came from starting a program.
    """

    exception: str | None = None
    script_line: int | None = None
    by_subprocess: bool = False


_CAUSES: dict[type[errors.TorchyardError], Cause] = {
    errors.ArchiveRejected: Cause.ARCHIVE_REJECTED,
    errors.UnsupportedMedia: Cause.ARCHIVE_REJECTED,
    errors.TooLarge: Cause.ARCHIVE_REJECTED,
    errors.RequirementsFailed: Cause.REQUIREMENTS_FAILED,
    errors.StartRefused: Cause.RUNTIME_UNAVAILABLE,
    errors.StorageFull: Cause.DISK_QUOTA,
    errors.NotFound: Cause.INTERNAL,
    errors.RequestRefused: Cause.INTERNAL,
}
#: Causes that are errors' codes too.
_DEPENDENCY_CAUSES = {
    Cause.DEPENDENCY_CONFLICT,
    Cause.DEPENDENCY_NOT_FOUND,
    Cause.DEPENDENCY_FORBIDDEN,
    Cause.DEPENDENCY_TOO_LARGE,
    Cause.DEPENDENCY_UNAVAILABLE,
}
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_MAX_DETAIL = 2000


def not_started(problem: Exception) -> Outcome | None:
    """What kept a script from being started; None if the problem is none of the attempt's own."""
    cause = next((cause for kind, cause in _CAUSES.items() if isinstance(problem, kind)), None)
    if isinstance(problem, Stopped):
        return Outcome(cause=problem.wish.cause, detail=say("stopped_before_start"))
    if isinstance(problem, errors.TorchyardError) and problem.code in _DEPENDENCY_CAUSES:
        cause = Cause(problem.code)
    if isinstance(problem, OSError):
        cause = Cause.DISK_QUOTA if problem.errno in _NO_SPACE else Cause.INTERNAL
    return None if cause is None else Outcome(cause=cause, detail=cut(message_of(problem), _MAX_DETAIL))


def broken(problem: Exception) -> Outcome:
    """The end that an error of the worker's own brings about."""
    failed = say("worker_failed", problem=f"{type(problem).__name__}: {problem}")
    return not_started(problem) or Outcome(cause=Cause.INTERNAL, detail=cut(failed, _MAX_DETAIL))


def outcome(directory: AttemptDirectory, script_name: str) -> Outcome:
    """What exit.json tells, with the exception if one ended the script."""
    facts = directory.read(spool.EXIT)
    if facts is None:
        return _without_facts(directory)
    code = facts.get("exit_code")
    last = _last_exception(directory, script_name) if code == _UNCAUGHT else _Raised()
    return Outcome(
        cause=Cause.INTERNAL if facts["unkillable"] else Cause(facts["cause"]),
        exit_code=code,
        signal=facts.get("signal"),
        exception=last.exception,
        script_line=last.script_line,
        archive_folder=_folder_of_module(directory, last.exception),
        missing_file=None if last.by_subprocess else missing_files.look_for(directory, last.exception),
        detail=_detail(facts),
        peak_memory_mb=facts["peak_rss_bytes"] // 2**20 or None,
    )


def remarks(facts: dict[str, Any] | None) -> list[str]:
    """What else there is to say about the end, for system.log."""
    told: list[str] = []
    if facts is None:
        return told
    if facts["killed_after_grace"]:
        told.append(say("script_not_ending"))
    if left := facts["killed_leftovers"]:
        told.append(say("leftovers_killed", count=left))
    for name, lost in facts["log_lost_bytes"].items():
        if lost:
            told.append(say("log_lost", size=in_bytes(lost), name=name))
    return told


def _folder_of_module(directory: AttemptDirectory, exception: str | None) -> str | None:
    """Where a module that was not found lies all the same: in a folder beside the script."""
    missing = _MISSING_MODULE.match(exception or "")
    if missing is None:
        return None
    module = missing[1].split(".")[0]
    for path in staging.staged_files(directory):
        folder, *rest = path.split("/")
        if rest and (rest[0] == f"{module}.py" or (len(rest) > 1 and rest[0] == module)):
            return folder
    return None


def _detail(facts: dict[str, Any]) -> str | None:
    if facts["unkillable"]:
        return say("script_unkillable")
    if facts["cause"] == Cause.WORKER_LOST:
        return say("fenced_off" if facts.get("fenced") else "worker_stopped")
    return facts.get("detail")


def _without_facts(directory: AttemptDirectory) -> Outcome:
    """The shim ended without a word, as when somebody kills it."""
    try:
        said = (directory.path / spool.SHIM_LOG).read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        said = []
    if said and "No space left on device" in said[-1]:
        return Outcome(cause=Cause.DISK_QUOTA, detail=say("worker_disk_full"))
    reason = say("detail", detail=said[-1][:1000]) if said else ""
    return Outcome(cause=Cause.WORKER_LOST, detail=say("watcher_gone", why=reason))


def _last_exception(directory: AttemptDirectory, script_name: str) -> _Raised:
    """The last traceback's exception."""
    lines = _tail(directory.path / spool.STDERR)
    starts = [number for number, line in enumerate(lines) if _TRACEBACK in line]
    block = lines[starts[-1] + 1 :] if starts else _syntax_error(lines)
    ours = {script_name, str(directory.work / script_name)}
    line_number, file = None, ""
    for line in block:
        frame = _FRAME.match(line)
        if frame:
            file = frame["file"]
            line_number = int(frame["line"]) if file in ours else line_number
        elif _EXCEPTION.match(line):
            return _Raised(line[:_MAX_EXCEPTION], line_number, file.endswith(_STARTS_PROGRAMS))
    return _Raised()


def _syntax_error(lines: list[str]) -> list[str]:
    """A script that does not compile gets its place and its error, but no heading."""
    starts = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    return lines[starts[-1] :] if starts else []


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
