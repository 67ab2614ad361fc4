"""A job's requirements, installed into its venv before the script starts.

uv installs from a cache that all jobs of this worker share, and from wheels alone: so no code of a job runs
that could write to that cache. What uv can't find or would have to build is pip's, in the job's own home.
What an earlier job with the same requirements left as it was installed is taken from there.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from torchyard.contracts.requirements import (
    MAX_REQUIREMENTS_BYTES,
    REQUIREMENTS_FILE,
    RequirementsInvalid,
    requirements_in,
)
from torchyard.contracts.runner import Cause, ClaimedAttempt
from torchyard.contracts.sayings import Sentence, say
from torchyard.errors import DependencyFailed, RequirementsFailed, TorchyardError
from torchyard_worker.attempts import HeldAttempt, Stopped, StopWish
from torchyard_worker.job_venv import JobVenv
from torchyard_worker.package_cache import PackageCache
from torchyard_worker.package_trees import Packages, PackageTrees
from torchyard_worker.tree_cache import TreeCache
from torchyard_worker.waiting import readable
from torchyard_worker.wording import in_names, message_of

log = structlog.get_logger()

#: In the attempt's directory: what is to be installed.
_FILE = "requirements.txt"
#: Packages named in one line of system.log, and characters of a resolver's reason.
_NAMES_TOLD, _MAX_REASON = 40, 600
#: In uv's answer: what pip may know better, with its own configuration and able to build.
_FOR_PIP = re.compile(
    r"was not found in|no version|only the following versions|no usable wheels|no wheels with|has no wheels"
    r"|building from source is disabled|Failed to fetch|error sending request|client error|[Nn]etwork"
)
#: In either's answer: an index did not answer, or with an error of its own, however often it was asked.
_AWAY = re.compile(r"error sending request|HTTP status server error|dns error|timed out|Retry\(total=0")
#: In pip's answer: an index did answer, and nothing will change by asking again.
_ANSWERED = re.compile(r"conflicting dependencies|from versions: (?!none)")
#: pip names every version that there ever was; the last ones will do.
_VERSIONS, _VERSIONS_TOLD = re.compile(r"from versions: ([^)]*)"), 5
_CAUSE = re.compile(r"^ *cause: ", re.MULTILINE)
_ADDED_BY_UV = re.compile(r"^ \+ (\S+)==(\S+)$", re.MULTILINE)
_ADDED_BY_PIP = re.compile(r"^Successfully installed (.+)$", re.MULTILINE)
#: In uv's answer to what it would do: something has to be fetched, which it does not know yet.
_TO_FETCH = re.compile(r"^Would download ", re.MULTILINE)


@dataclass(frozen=True)
class Requirements:
    """What a job wants.

    Attributes:
        lines: Each a plain requirement.
        source: Where they stand, in words.
    """

    lines: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Installation:
    """Where and with what a job's requirements are installed.

    Attributes:
        held: The attempt; it may be stopped meanwhile.
        folder: A directory of the attempt in which the installers' files may lie.
        environment: The script's variables.
        cache: What was fetched before.
        kept: What was installed before.
        seconds: The longest time it may take; 0 is for ever.
    """

    held: HeldAttempt
    folder: Path
    environment: Mapping[str, str]
    cache: PackageCache
    kept: TreeCache
    seconds: int


@dataclass(frozen=True)
class _Done:
    """What uv was asked to do, and what came of it."""

    code: int
    said: str
    taken: bool = False

    @property
    def added(self) -> Packages:
        return _ADDED_BY_UV.findall(self.said)


def wanted(claimed: ClaimedAttempt, work: Path) -> Requirements:
    """The requirements of the job's field and of the file at the top of its zip.

    Raises:
        RequirementsFailed: A line is not allowed, or the file is no text.
    """
    spec = claimed.spec
    sources: dict[Sentence, bytes] = {say("requirements_of_job"): spec.requirements.encode()}
    file = work / REQUIREMENTS_FILE
    if spec.dependencies is not None and file.is_file():
        with file.open("rb") as opened:
            source = say("file_in_archive", path=REQUIREMENTS_FILE, archive=spec.dependencies.name)
            sources[source] = opened.read(MAX_REQUIREMENTS_BYTES + 1)
    lines: list[str] = []
    for source, content in sources.items():
        try:
            lines += requirements_in(content)
        except RequirementsInvalid as problem:
            told = say("requirements_refused", source=source, problem=message_of(problem))
            raise RequirementsFailed(told) from None
    return Requirements(tuple(lines), _joined([source for source, content in sources.items() if content]))


def _joined(sources: list[Sentence]) -> str:
    return say("both_sources", one=sources[0], other=sources[1]) if len(sources) > 1 else "".join(sources)


def install(requirements: Requirements, venv: JobVenv, installation: Installation) -> Sentence:
    """Install them; what was done, in words.

    Raises:
        RequirementsFailed: They can't be had, or not together with the runtime; with the resolver's reason.
        DependencyFailed: `dependency_unavailable`: the package index is away.
        Stopped: The attempt is to end.
        Detached: The worker stops.
        AttemptStale: The attempt is not this worker's any more.
    """
    started = time.monotonic()
    file = installation.folder / _FILE
    file.write_text("".join(f"{line}\n" for line in requirements.lines))
    done = _by_uv(requirements, file, venv, installation)
    if done.code:
        added = _by_pip(file, venv, installation, done.said)
    else:
        installation.cache.used(name for name, _ in done.added)
        added = [f"{name} {version}" for name, version in done.added]
    took = f"{time.monotonic() - started:.1f}"
    if not added:
        return say("requirements_there", source=requirements.source, seconds=took)
    names, more = in_names(added, _NAMES_TOLD)
    facts = {"source": requirements.source, "seconds": took, "names": names, "more": more}
    if done.taken:
        return say("requirements_taken", count=len(added), **facts)
    return say("requirements_installed", **facts)


def were_wanted(folder: Path) -> bool:
    """Whether anything was to be installed for the attempt with this directory."""
    return (folder / _FILE).exists()


def _by_uv(requirements: Requirements, file: Path, venv: JobVenv, installation: Installation) -> _Done:
    """What uv can do; where there is no uv, it can do nothing.

    Raises:
        RequirementsFailed: pip could do no more.
    """
    program = venv.path / "bin" / "uv"
    if not program.exists():
        return _Done(1, "")
    options = ["--no-build", "--no-progress", "--link-mode", "copy", "--requirement", str(file)]
    install = [str(program), "pip", "install", *options]
    trees = PackageTrees(
        installation.kept, installation.cache, venv, requirements.lines, installation.environment
    )
    with installation.cache.installing() as cache:
        cached = {**installation.environment, "UV_CACHE_DIR": str(cache)}
        done = _taken(trees, install, cached, installation)
        if done is None:
            done = _Done(*_run(install, cached, installation))
            if not done.code:
                trees.keep_later(done.added)
    if done.code and not _FOR_PIP.search(done.said):
        raise RequirementsFailed(_reason_of_uv(done.said))
    return done


def _taken(
    trees: PackageTrees, install: list[str], environment: Mapping[str, str], installation: Installation
) -> _Done | None:
    """What uv would do, if it can't, or if an earlier job had it do the same; else None."""
    if not trees.is_likely():
        return None
    planned = _Done(*_run([*install, "--dry-run"], environment, installation), taken=True)
    to_fetch = _TO_FETCH.search(planned.said)
    return planned if planned.code or (not to_fetch and trees.take(planned.added)) else None


def _by_pip(file: Path, venv: JobVenv, installation: Installation, said_by_uv: str) -> list[str]:
    """Names and versions of what pip installed."""
    if said_by_uv:
        log.info("uv_gave_way_to_pip", attempt=installation.held.id, said=said_by_uv[-1000:])
    words = ["install", "--no-compile", "--progress-bar", "off", "--requirement", str(file)]
    code, said = _run([str(venv.python), "-m", "pip", *words], installation.environment, installation)
    if code:
        raise _failure(said, said_by_uv)
    return [" ".join(word.rsplit("-", 1)) for words in _ADDED_BY_PIP.findall(said) for word in words.split()]


def _run(command: list[str], environment: Mapping[str, str], installation: Installation) -> tuple[int, str]:
    """Run an installer, for as long as nobody wants otherwise; its exit code and what it said."""
    held = installation.held
    end = time.monotonic() + installation.seconds if installation.seconds else None
    transcript = installation.folder / "installing.log"
    with transcript.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=installation.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ended = os.pidfd_open(process.pid)
    try:
        while ended not in readable(ended, held.fileno(), seconds=end and max(0.0, end - time.monotonic())):
            held.quiet()
            held.check()
            if end is not None and time.monotonic() >= end:
                raise Stopped(StopWish(Cause.TIMEOUT))
    finally:
        os.close(ended)
        with contextlib.suppress(ProcessLookupError):  # what it left running goes with it
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return code, transcript.read_text(errors="replace")


def _failure(by_pip: str, by_uv: str) -> TorchyardError:
    """Why neither could install them, by what both said."""
    if not _ANSWERED.search(by_pip) and _AWAY.search(by_uv + by_pip):
        why = _reason_of_uv(by_uv) if _AWAY.search(by_uv) else _reason_of_pip(by_pip)
        return DependencyFailed(say("index_away", why=why))
    return RequirementsFailed(_reason_of_pip(by_pip))


def _reason_of_uv(said: str) -> str:
    what, *causes = (text.strip() for text in _CAUSE.split(said.split("hint:")[0]))
    # The first says what was tried, the last what came in its way.
    return _sentence(": ".join(dict.fromkeys([causes[0], causes[-1]])) if causes else what)


def _reason_of_pip(said: str) -> str:
    said = _VERSIONS.sub(_last_versions, said)
    errors = [line.partition("ERROR: ")[2] for line in said.splitlines() if line.startswith("ERROR: ")]
    details = [line.strip() for line in said.splitlines() if line.startswith("    ")]
    conflict = "conflicting dependencies" in said
    return _sentence("; ".join([*errors[:1], *details] if conflict else errors[:2]) or said[-_MAX_REASON:])


def _last_versions(found: re.Match[str]) -> str:
    versions = found[1].split(", ")
    left_out = "…, " if len(versions) > _VERSIONS_TOLD else ""
    return f"from versions: {left_out}{', '.join(versions[-_VERSIONS_TOLD:])}"


def _sentence(text: str) -> str:
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= _MAX_REASON else f"{line[:_MAX_REASON]}…"
