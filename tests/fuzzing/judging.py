"""What the platform's check and the worker's extractor make of one archive, in a process of its own."""

import json
import os
import resource
import stat
import sys
import time
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torchyard.api.problems import status_of
from torchyard.contracts import archives
from torchyard.contracts.runner import Cause
from torchyard.errors import TorchyardError
from torchyard.services import jobs
from torchyard_worker import endings
from torchyard_worker.spooling import AttemptDirectory

SCRIPT = b"print('hi')\n"
SCRIPT_NAME = "train.py"
#: Memory that a process may take beyond what it has when it begins.
MAX_BYTES = 200 * 1000 * 1000
#: What does not come to an end is ended.
MAX_CPU_SECONDS = 20
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
#: What changes a directory; the path is the first argument of each.
_CHANGES = {"os.mkdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.chmod", "os.chown"}


@dataclass(frozen=True)
class Verdict:
    """How an archive fared.

    Attributes:
        status: The HTTP status that the API's check leads to; 201 if it accepts.
        code: The code of its error, or of the worker's refusal.
        extracted: Whether the worker's extractor took it too.
        wrong: What must not be: another exception, a file in the wrong place, …; None if all is well.
        seconds: What checking and extracting took.
        cpu_seconds: The same without what other processes took.
        peak_bytes: The most memory of the whole process, interpreter and libraries included.
    """

    status: int = 0
    code: str = ""
    extracted: bool = False
    wrong: str | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


def judged(content: bytes, place: Path) -> Verdict:
    """Check and extract an archive in a child that may not take more memory than allowed.

    Args:
        content: The archive.
        place: A directory that is not there yet; what is written into it stays.
    """
    place.mkdir()
    (place / "deps.zip").write_bytes(content)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _in_child(place, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        answer = answers.read()
    _, status, usage = os.wait4(child, 0)
    if not answer:
        return Verdict(wrong=f"the process ended with {os.waitstatus_to_exitcode(status)}")
    verdict = replace(Verdict(**json.loads(answer)), peak_bytes=usage.ru_maxrss * 1024)
    strays = sorted({path.name for path in place.iterdir()} - {"deps.zip", "attempt", "archives"})
    return replace(verdict, wrong=f"left {strays}") if strays and not verdict.wrong else verdict


def _in_child(place: Path, writing: int) -> None:
    # Whatever happens, this process must not go on as a copy of its parent.
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MAX_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
        strays: list[str] = []
        sys.addaudithook(_watching(place, strays))
        start = time.perf_counter()
        verdict = _judge(place)
        verdict = replace(verdict, seconds=time.perf_counter() - start, cpu_seconds=time.process_time())
        if strays and not verdict.wrong:
            verdict = replace(verdict, wrong=f"wrote to {strays[:5]}")
        os.write(writing, json.dumps(asdict(verdict)).encode())
        os._exit(0)
    except BaseException:
        os.write(writing, json.dumps(asdict(Verdict(wrong=traceback.format_exc()))).encode())
        os._exit(1)


def _watching(place: Path, strays: list[str]) -> Any:
    """A hook that hears of every file that is written or changed outside of `place`."""
    inside = f"{place}/"

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if not isinstance(flags, int) or not flags & _WRITING:
                return
        elif event in _CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, int):
            return
        name = os.path.normpath(os.fsdecode(path))
        if not f"{name}/".startswith(inside) and name != os.devnull:
            strays.append(f"{event} {name}")

    return heard


def _judge(place: Path) -> Verdict:
    archive = place / "deps.zip"
    try:
        jobs.check_dependencies(archive, SCRIPT, SCRIPT_NAME)
        status, code = 201, ""
    except TorchyardError as problem:
        status, code = status_of(type(problem)), problem.code
    attempt = AttemptDirectory(place / "attempt")
    attempt.work.mkdir(parents=True)
    try:
        archives.extract(archive, attempt.work)
    except TorchyardError as problem:
        outcome = endings.not_started(problem)
        wrong = None if outcome and outcome.cause is Cause.ARCHIVE_REJECTED else f"the worker: {problem!r}"
        if any(attempt.work.iterdir()):
            wrong = "what was refused left something behind"
        return Verdict(status, code or problem.code, False, wrong)
    if status != 201 and code not in {"dependency_conflict", "requirements_invalid"}:
        return Verdict(status, code, True, f"the worker took what the API refused with {code}")
    return Verdict(status, code, True, _wrong_in(attempt.work))


def _wrong_in(root: Path) -> str | None:
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        plain = {0o755} if stat.S_ISDIR(mode) else {0o644, 0o755} if stat.S_ISREG(mode) else set()
        if stat.S_IMODE(mode) not in plain:
            return f"{path.relative_to(root)} has the mode {mode:o}"
    return None
