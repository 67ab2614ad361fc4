"""How a job ended: the facts a worker reports, made into a state, a reason and one sentence."""

import functools
import re
import signal
from dataclasses import dataclass

from torchyard.contracts.jobs import JobSpec, JobState, Reason
from torchyard.contracts.runner import Cause, Outcome
from torchyard.contracts.sayings import Sentence, say, saying_of
from torchyard.domain.gpu_memory import sizes_in
from torchyard.domain.missing_files import what_was_there
from torchyard.domain.packages import package_of

#: Characters of an exception or a detail in a sentence: the whole of it stands in the log.
_MAX_QUOTED = 300
#: Python's exit code after an exception that nobody caught.
_UNCAUGHT = 1

_MISSING_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^']+)'")
#: What libraries raise when a GPU's, the machine's or the disk's space is used up.
_GPU_OUT_OF_MEMORY = re.compile(
    r"torch\.(cuda\.)?OutOfMemoryError|(CUDA|HIP) (error: )?out of memory"
    r"|(CUBLAS|CUDNN|CUSOLVER|CUSPARSE|CUFFT)_(STATUS_)?ALLOC_FAILED"
)
_OUT_OF_MEMORY = re.compile(
    r"([\w.]*\.)?_?(Array)?MemoryError\b|.*can't allocate memory|.*Cannot allocate memory"
)
_DISK_FULL = re.compile(r"OSError: \[Errno (28|122)\]")

#: Signals that have a sentence of their own, with what they most often mean.
_EXPLAINED = frozenset({"SIGKILL", "SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE", "SIGTERM"})

_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


@dataclass(frozen=True)
class Ending:
    """How an attempt ended, for the record and for people."""

    state: JobState
    #: Only if it failed.
    reason: Reason | None
    sentence: str


def explain(outcome: Outcome, spec: JobSpec) -> Ending:
    """Why an attempt ended, in words.

    Args:
        outcome: The facts as the worker saw them.
        spec: What was asked for.
    """
    if outcome.cause is Cause.EXITED:
        return _exited(outcome, spec)
    if outcome.cause is Cause.CANCELLED:
        ran = outcome.exit_code is not None or outcome.signal is not None
        return Ending(JobState.CANCELLED, None, say("cancelled_running" if ran else "cancelled"))
    if outcome.cause is Cause.TIMEOUT:
        return _failed(Reason.TIMEOUT, _timeout(spec.resources.timeout_seconds))
    why = _why(outcome.detail)
    if outcome.cause is Cause.ARCHIVE_REJECTED and spec.dependencies:
        return _failed(
            Reason.ARCHIVE_REJECTED, say("archive_refused", archive=spec.dependencies.name, why=why)
        )
    if outcome.cause is Cause.RUNTIME_UNAVAILABLE:
        return _failed(Reason.RUNTIME_UNAVAILABLE, say("runtime_broken", runtime=spec.runtime, why=why))
    reason, code = _CAUSES[outcome.cause]
    return _failed(reason, say(code, why=why))


def _why(detail: str | None) -> str:
    text, saying = _quoted(detail), saying_of(detail)
    return say("detail", detail=Sentence(text, saying) if saying else text) if text else ""


_CAUSES: dict[Cause, tuple[Reason, str]] = {
    Cause.WORKER_LOST: (Reason.WORKER_LOST, "worker_lost"),
    Cause.ARCHIVE_REJECTED: (Reason.ARCHIVE_REJECTED, "dependencies_refused"),
    Cause.DEPENDENCY_CONFLICT: (Reason.DEPENDENCY_CONFLICT, "files_in_conflict"),
    Cause.DEPENDENCY_NOT_FOUND: (Reason.DEPENDENCY_NOT_FOUND, "path_missing"),
    Cause.DEPENDENCY_FORBIDDEN: (Reason.DEPENDENCY_FORBIDDEN, "path_forbidden"),
    Cause.DEPENDENCY_TOO_LARGE: (Reason.DEPENDENCY_TOO_LARGE, "paths_too_large"),
    Cause.DEPENDENCY_UNAVAILABLE: (Reason.DEPENDENCY_UNAVAILABLE, "dependency_away"),
    Cause.REQUIREMENTS_FAILED: (Reason.REQUIREMENTS_FAILED, "packages_failed"),
    Cause.DISK_QUOTA: (Reason.DISK_QUOTA, "disk_quota_used"),
    Cause.INTERNAL: (Reason.INTERNAL, "internal_failure"),
}


def _failed(reason: Reason, sentence: str) -> Ending:
    return Ending(JobState.FAILED, reason, sentence)


def _exited(outcome: Outcome, spec: JobSpec) -> Ending:
    if outcome.signal is not None:
        return _failed(Reason.SIGNALED, _signaled(outcome, outcome.signal, spec))
    if outcome.exit_code is None:
        return _failed(Reason.INTERNAL, say("script_end_unknown"))
    if outcome.exit_code == 0:
        return Ending(JobState.SUCCEEDED, None, say("script_succeeded"))
    # With any other code the last traceback is of an exception that was caught.
    exception = _quoted(outcome.exception) if outcome.exit_code == _UNCAUGHT else ""
    if not exception:
        return _failed(Reason.SCRIPT_ERROR, say("script_exited", exit_code=outcome.exit_code))
    return _raised(exception, outcome, spec)


def _raised(exception: str, outcome: Outcome, spec: JobSpec) -> Ending:
    where = _where(outcome, spec)
    module = _MISSING_MODULE.match(exception)
    if module:
        advice = _no_such_module(module[1], outcome, spec)
        return _failed(
            Reason.SCRIPT_ERROR, say("module_missing", module=module[1], where=where, advice=advice)
        )
    if _GPU_OUT_OF_MEMORY.search(exception):
        sizes = sizes_in(outcome.exception or "")
        return _failed(
            Reason.GPU_OUT_OF_MEMORY,
            say("gpu_memory_full", where=where, sizes=sizes.said() if sizes else exception),
        )
    if _OUT_OF_MEMORY.match(exception):
        peak = _peak(outcome, spec)
        return _failed(Reason.OUT_OF_MEMORY, say("memory_full", where=where, peak=peak, exception=exception))
    if _DISK_FULL.match(exception):
        return _failed(Reason.DISK_QUOTA, say("disk_full", where=where, exception=exception))
    if outcome.missing_file is not None:
        wanted, there = _quoted(outcome.missing_file.path), what_was_there(outcome.missing_file, spec)
        return _failed(Reason.SCRIPT_ERROR, say("file_missing", path=wanted, where=where, there=there))
    return _failed(Reason.SCRIPT_ERROR, say("script_raised", exception=exception, where=where))


def _where(outcome: Outcome, spec: JobSpec) -> str:
    if outcome.script_line is None:
        return say("with_exit_code", exit_code=outcome.exit_code)
    return say("at_line", line=outcome.script_line, script=spec.script.name, exit_code=outcome.exit_code)


def _no_such_module(module: str, outcome: Outcome, spec: JobSpec) -> str:
    archive = spec.dependencies.name if spec.dependencies else ""
    if folder := outcome.archive_folder:
        if archive:
            return say("module_in_archive_folder", folder=folder, module=module, archive=archive)
        return say("module_in_folder", folder=folder, module=module)
    package = package_of(module)
    if package is not None:
        return say("module_of_package", runtime=spec.runtime, package=package)
    if spec.dependencies is None:
        return say("module_nowhere", runtime=spec.runtime)
    return say("module_not_in_archive", runtime=spec.runtime, archive=archive)


def _signaled(outcome: Outcome, number: int, spec: JobSpec) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    if name == "SIGKILL":
        return say("signaled_sigkill", peak=_peak(outcome, spec))
    return say(f"signaled_{name.lower()}") if name in _EXPLAINED else say("signaled", signal=name, peak="")


def _peak(outcome: Outcome, spec: JobSpec) -> str:
    if outcome.peak_memory_mb is None:
        return ""
    return say("memory_peak", used_mb=outcome.peak_memory_mb, asked_mb=spec.resources.memory_mb)


def _timeout(seconds: int) -> str:
    if seconds <= 0:
        return say("timed_out_somehow")
    parts = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(say(unit, count=count))
    limit = functools.reduce(lambda one, other: say("together", first=one, second=other), parts)
    return say("timed_out", limit=limit)


def _quoted(text: str | None) -> str:
    line = " ".join((text or "").split()).rstrip(".")
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)  # no terminal commands
    return line if len(line) <= _MAX_QUOTED else f"{line[: _MAX_QUOTED - 1]}…"
