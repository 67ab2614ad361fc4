"""How a job ended: the facts a worker reports, made into a state, a reason and one sentence."""

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass

from torchyard.contracts.jobs import JobSpec, JobState, Reason
from torchyard.contracts.runner import Cause, Outcome
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

_SIGNAL_HINTS = {
    "SIGKILL": "most often because the machine ran out of memory",
    "SIGSEGV": "a crash inside a compiled library",
    "SIGBUS": "most often because shared memory or a mapped file ended too early",
    "SIGABRT": "a compiled library gave up; its message is in stderr.log",
    "SIGILL": "a compiled library needs a processor instruction that this worker lacks",
    "SIGFPE": "a compiled library divided by zero",
    "SIGTERM": "something asked it to end",
}

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


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
        return Ending(JobState.CANCELLED, None, "Cancelled while it ran." if ran else "Cancelled.")
    if outcome.cause is Cause.TIMEOUT:
        return _failed(Reason.TIMEOUT, _timeout(spec.resources.timeout_seconds))
    reason, words = _CAUSES[outcome.cause]
    detail = _quoted(outcome.detail)
    return _failed(reason, words(spec) + (f": {detail}." if detail else "."))


_CAUSES: dict[Cause, tuple[Reason, Callable[[JobSpec], str]]] = {
    Cause.WORKER_LOST: (Reason.WORKER_LOST, lambda _: "The worker went away before the job had ended"),
    Cause.ARCHIVE_REJECTED: (
        Reason.ARCHIVE_REJECTED,
        lambda spec: f"{_dependencies(spec)} were refused on the worker",
    ),
    Cause.DEPENDENCY_CONFLICT: (
        Reason.DEPENDENCY_CONFLICT,
        lambda _: "Two of the job's files have the same path and different content",
    ),
    Cause.DEPENDENCY_NOT_FOUND: (
        Reason.DEPENDENCY_NOT_FOUND,
        lambda _: "One of the job's dependency paths does not exist",
    ),
    Cause.DEPENDENCY_FORBIDDEN: (
        Reason.DEPENDENCY_FORBIDDEN,
        lambda _: "One of the job's dependency paths may not be fetched",
    ),
    Cause.DEPENDENCY_TOO_LARGE: (
        Reason.DEPENDENCY_TOO_LARGE,
        lambda _: "The job's dependency paths name too much",
    ),
    Cause.DEPENDENCY_UNAVAILABLE: (
        Reason.DEPENDENCY_UNAVAILABLE,
        lambda _: "What the job depends on could not be fetched",
    ),
    Cause.RUNTIME_UNAVAILABLE: (
        Reason.RUNTIME_UNAVAILABLE,
        lambda spec: f"The worker could not start the runtime '{spec.runtime}'",
    ),
    Cause.REQUIREMENTS_FAILED: (
        Reason.REQUIREMENTS_FAILED,
        lambda _: "The packages that the job requires could not be installed",
    ),
    Cause.DISK_QUOTA: (Reason.DISK_QUOTA, lambda _: "The job used up its disk space"),
    Cause.INTERNAL: (
        Reason.INTERNAL,
        lambda _: "Torchyard itself failed to run the job, which is not the script's fault",
    ),
}


def _failed(reason: Reason, sentence: str) -> Ending:
    return Ending(JobState.FAILED, reason, sentence)


def _exited(outcome: Outcome, spec: JobSpec) -> Ending:
    if outcome.signal is not None:
        return _failed(Reason.SIGNALED, _signaled(outcome, outcome.signal, spec))
    if outcome.exit_code is None:
        return _failed(Reason.INTERNAL, "The script ended, but how it ended is not known.")
    if outcome.exit_code == 0:
        return Ending(JobState.SUCCEEDED, None, "The script ended with exit code 0.")
    # With any other code the last traceback is of an exception that was caught.
    exception = _quoted(outcome.exception) if outcome.exit_code == _UNCAUGHT else ""
    if not exception:
        return _failed(Reason.SCRIPT_ERROR, f"The script exited with code {outcome.exit_code}.")
    return _raised(exception, outcome, spec)


def _raised(exception: str, outcome: Outcome, spec: JobSpec) -> Ending:
    line = outcome.script_line
    where = f" at line {line} of {spec.script.name}" if line is not None else ""
    where = f"{where} (exit code {outcome.exit_code})"
    module = _MISSING_MODULE.match(exception)
    if module:
        return _failed(
            Reason.SCRIPT_ERROR,
            f"The script could not import '{module[1]}'{where}: {_no_such_module(module[1], outcome, spec)}.",
        )
    if _GPU_OUT_OF_MEMORY.search(exception):
        sizes = sizes_in(outcome.exception or "") or exception
        return _failed(Reason.GPU_OUT_OF_MEMORY, f"The GPU ran out of memory{where}: {sizes}.")
    if _OUT_OF_MEMORY.match(exception):
        return _failed(
            Reason.OUT_OF_MEMORY,
            f"The script ran out of memory{where}{_peak(outcome, spec)}: {exception}.",
        )
    if _DISK_FULL.match(exception):
        return _failed(Reason.DISK_QUOTA, f"The script found the disk full{where}: {exception}.")
    if outcome.missing_file is not None:
        wanted, there = outcome.missing_file.path, what_was_there(outcome.missing_file, spec)
        return _failed(Reason.SCRIPT_ERROR, f"The script found no file '{_quoted(wanted)}'{where}: {there}.")
    return _failed(Reason.SCRIPT_ERROR, f"The script raised {exception}{where}.")


def _no_such_module(module: str, outcome: Outcome, spec: JobSpec) -> str:
    if folder := outcome.archive_folder:
        where = f"the folder '{folder}'" + (f" of {spec.dependencies.name}" if spec.dependencies else "")
        return f"it lies in {where}, so import it as '{folder}.{module}', or take that folder's name away"
    package = package_of(module)
    if package is not None:
        return f"the runtime '{spec.runtime}' lacks it; add {package} to the job's requirements"
    if spec.dependencies is None:
        return (
            f"the runtime '{spec.runtime}' lacks it, and the job has no dependencies zip; add a package to "
            "its requirements, or files to such a zip"
        )
    return (
        f"neither the runtime '{spec.runtime}' nor {spec.dependencies.name} has it at its top level; if it "
        "is a package, add it to the job's requirements"
    )


def _signaled(outcome: Outcome, number: int, spec: JobSpec) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    hint = _SIGNAL_HINTS.get(name)
    peak = _peak(outcome, spec) if name == "SIGKILL" else ""
    return f"The script was ended by {name}" + (f", {hint}" if hint else "") + f"{peak}."


def _peak(outcome: Outcome, spec: JobSpec) -> str:
    if outcome.peak_memory_mb is None:
        return ""
    return f"; it used up to {outcome.peak_memory_mb} MiB and had asked for {spec.resources.memory_mb} MiB"


def _timeout(seconds: int) -> str:
    if seconds <= 0:
        return "The script ran into its time limit and was stopped."
    parts = []
    for unit, length in _UNITS:
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {unit}{'s' if count != 1 else ''}")
    return f"The script ran longer than its limit of {' '.join(parts)} and was stopped."


def _dependencies(spec: JobSpec) -> str:
    return f"The dependencies {spec.dependencies.name}" if spec.dependencies else "The dependencies"


def _quoted(text: str | None) -> str:
    line = " ".join((text or "").split()).rstrip(".")
    line = "".join(char if char.isprintable() else "\ufffd" for char in line)  # no terminal commands
    return line if len(line) <= _MAX_QUOTED else f"{line[: _MAX_QUOTED - 1]}…"
