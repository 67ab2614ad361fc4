"""What decides a node's result, and whether an earlier result may stand in for running the node.

A result is known by its *components*: one short text for everything that the script could tell apart. How
much of a machine it gets, how often it is tried and what it is called are no part of that.
"""

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from torchyard.contracts.graphs import DatasetSettings, Reuse, ReuseMode
from torchyard.contracts.inputs import Source
from torchyard.contracts.jobs import JobCreate, split_arguments
from torchyard.contracts.requirements import plain_requirements
from torchyard.contracts.runner import Runtime
from torchyard.contracts.runs import Component
from torchyard.contracts.sayings import Sentence, say, saying_of
from torchyard.contracts.sentences import SENTENCES
from torchyard.contracts.storage_paths import StoragePath, split_paths
from torchyard.domain import durations
from torchyard.domain.substitution import secrets_named

Components = Mapping[str, str]

#: Part of every key: other rules make other keys.
_VERSION = 1
#: Characters of a text that are kept; of a longer one its start and its SHA-256 are.
_LONGEST, _START = 1_000, 200
#: Changed fields that a sentence names.
_NAMED = 3
_NOTHING = "nothing"
#: What a path is known by that could not be looked at.
_UNKNOWN = "?"
_FOLDER = "inputs."


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What has to be known beside a node's settings.

    Attributes:
        runtime: See `runtime_text`.
        secrets: When each secret that the environment refers to was last set.
        marks: What each storage path's content is known by.
        left: Path and SHA-256 of the files that a job gives to others, by the job's id.
    """

    runtime: str = ""
    secrets: Mapping[str, datetime] = field(default_factory=dict)
    marks: Mapping[StoragePath, str] = field(default_factory=dict)
    left: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)


class Earlier(NamedTuple):
    """A success with the same components.

    Attributes:
        run_id: The run it was in.
        number: That run's, among its workflow's.
        job_id: The job that succeeded.
        finished_at: When it did.
        kept: Whether all that it left is still there.
    """

    run_id: str
    number: int
    job_id: str
    finished_at: datetime
    kept: bool


class Verdict(NamedTuple):
    """Whether a node is run.

    Attributes:
        reused: The success that stands in for it; None: it is run.
        sentence: Why.
    """

    reused: Earlier | None
    sentence: Sentence


@dataclass(frozen=True, kw_only=True)
class Case:
    """A node that is about to start.

    Attributes:
        reuse: What the workflow says of it.
        force: Whether the run is to run everything.
        saved: Whether the run is of a saved workflow.
        unknown: What could not be found out, in words; None if everything is known.
        components: What decides its result.
    """

    reuse: Reuse
    force: bool
    saved: bool
    unknown: str | None
    components: Components

    @property
    def open(self) -> bool:
        """Whether an earlier success may stand in for it at all."""
        on = self.reuse.mode is ReuseMode.ON
        return on and not self.force and self.saved and self.unknown is None


def of_job(job: JobCreate, sources: Mapping[str, Source], facts: Facts) -> dict[str, str]:
    """The components of a node that runs a script.

    Args:
        job: Its settings, with everything put in.
        sources: Where the folders in its `inputs/` come from.
        facts: What is known beside that.
    """
    found = {"script": job.script.sha256, "script_name": job.script.name}
    if job.dependencies is not None:
        found["dependencies"] = job.dependencies.sha256
    paths = split_paths(job.dependency_paths)
    if paths:
        found["dependency_paths"] = _stored(paths, facts.marks)
    words = split_arguments(job.arguments)
    if words:
        found["arguments"] = _short(shlex.join(words))
    for name in sorted(job.environment):
        found[f"environment.{name}"] = _variable(job.environment[name], facts.secrets)
    requirements = plain_requirements(job.requirements)
    if requirements:
        found["requirements"] = _short("\n".join(requirements))
    found["runtime"] = facts.runtime
    for name in sorted(sources):
        found[f"{_FOLDER}{name}"] = _input(sources[name], facts)
    return found


def of_dataset(dataset: DatasetSettings, marks: Mapping[StoragePath, str]) -> dict[str, str]:
    """The components of a node that names data."""
    found, paths = {}, split_paths(dataset.paths)
    if paths:
        found["paths"] = _stored(paths, marks)
    if dataset.files:
        found["files"] = _files([(file.name, file.sha256) for file in dataset.files])
    return found


def key(components: Components) -> str | None:
    """SHA-256 over the components: two results with the same one can stand in for each other.

    None if it is not known what lay at a storage path.
    """
    if any(mark == _UNKNOWN for _, mark in _marked(components)):
        return None
    text = json.dumps([_VERSION, dict(components)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def runtime_text(name: str, offered: Iterable[Runtime]) -> str:
    """A runtime with the versions that workers have of it; where they differ, all of them."""
    versions = sorted({_versions(runtime) for runtime in offered})
    return f"{name}: {' | '.join(versions)}" if versions else name


def seen(components: Components) -> dict[str, str]:
    """What storage paths were known by, by path; those alone of which it could be found out."""
    return {path: mark for path, mark in _marked(components) if mark != _UNKNOWN}


def as_it_ran(components: Components, fetched: Mapping[str, str] | None, runtime: str) -> dict[str, str]:
    """The components with what a worker really had, where that is something else than was expected.

    Args:
        components: What was found out before the job was queued.
        fetched: What the storage paths were known by that were fetched; empty if one changed meanwhile. None:
            it is not told.
        runtime: The worker's, see `runtime_text`.
    """
    found = dict(components)
    name, _, versions = runtime.partition(": ")
    offered = found.get("runtime", "").removeprefix(f"{name}: ").split(" | ")
    if "runtime" in found and versions not in offered:
        found["runtime"] = runtime
    for place in found if fetched is not None else ():
        if _holds_paths(place):
            lines = found[place].split("\n")
            found[place] = "\n".join(_fetched(line, fetched or {}) for line in lines)
    return found


def compare(before: Components | None, after: Components) -> list[Component]:
    """Field by field, those that changed first."""
    earlier = before or {}
    fields = [
        Component(
            field=name,
            saying=saying_of(part_of(name)),
            before=earlier.get(name),
            after=after.get(name),
            changed=not _same(name, earlier.get(name), after.get(name)),
        )
        for name in dict.fromkeys((*after, *earlier))
    ]
    return sorted(fields, key=lambda one: not one.changed)


def changed(before: Components, after: Components) -> list[str]:
    """The names of the fields that differ."""
    return [one.field for one in compare(before, after) if one.changed]


def judge(case: Case, same: Sequence[Earlier], last: Components | None, now: datetime) -> Verdict:
    """Whether the node is run, and why.

    Args:
        case: The node.
        same: Successes with the same components, newest first.
        last: The components of its own last success; None if there was none.
        now: The time.
    """
    if not case.open:
        return Verdict(None, _closed(case))
    most = case.reuse.max_age_seconds
    young = [one for one in same if most is None or now - one.finished_at <= timedelta(seconds=most)]
    kept = next((one for one in young if one.kept), None)
    if kept is not None:
        return Verdict(kept, say("why_reused", number=kept.number))
    if young:
        return Verdict(None, say("why_artifacts_removed"))
    if same and most is not None:
        return Verdict(None, say("why_too_old", age=durations.in_words(most)))
    if last is None:
        return Verdict(None, say("why_first"))
    differs = changed(last, case.components)
    if not differs:
        return Verdict(None, say("why_not_known"))
    return Verdict(None, say("why_changed", parts=_named(differs)))


def _closed(case: Case) -> Sentence:
    if case.reuse.mode is ReuseMode.OFF:
        return say("why_reuse_off")
    if case.force:
        return say("why_forced")
    if not case.saved:
        return say("why_unsaved")
    return say("why_untold", problem=case.unknown)


def _variable(value: str, secrets: Mapping[str, datetime]) -> str:
    times = {
        name: secrets[name].isoformat() if name in secrets else "never" for name in secrets_named([value])
    }
    told = "".join(f" [{name} set {times[name]}]" for name in sorted(times))
    return _short(value) + told


def _input(source: Source, facts: Facts) -> str:
    if source.job is not None:
        return _files(facts.left.get(source.job, ()))
    lines = [_stored(source.paths, facts.marks)] if source.paths else []
    if source.files:
        lines.append(_files([(file.name, file.sha256) for file in source.files]))
    return "\n".join(lines) or _NOTHING


def _stored(paths: Iterable[StoragePath], marks: Mapping[StoragePath, str]) -> str:
    """Each path and what it is known by, in a line of its own: no path holds a line's end."""
    return "\n".join(f"{path} [{marks.get(path, _UNKNOWN)}]" for path in sorted(set(paths), key=str))


def _same(name: str, one: str | None, other: str | None) -> bool:
    """Whether two texts say the same; of a path that could not be looked at, no difference is known."""
    if one == other or one is None or other is None or not _holds_paths(name):
        return one == other
    before, after = one.split("\n"), other.split("\n")
    return len(before) == len(after) and all(map(_same_line, before, after))


def _same_line(one: str, other: str) -> bool:
    (path, _, mark), (named, _, known) = (line.removesuffix("]").rpartition(" [") for line in (one, other))
    return one == other or (path == named != "" and _UNKNOWN in {mark, known})


def _holds_paths(name: str) -> bool:
    return name in {"dependency_paths", "paths"} or name.startswith(_FOLDER)


def _marked(components: Components) -> list[tuple[str, str]]:
    """The storage paths in the components, each with what it is known by."""
    lines = [line for name, text in components.items() if _holds_paths(name) for line in text.split("\n")]
    found = [line.removesuffix("]").rpartition(" [") for line in lines if line.endswith("]")]
    return [(path, mark) for path, _, mark in found if path]


def _fetched(line: str, fetched: Mapping[str, str]) -> str:
    path, mark, _ = line.rpartition(" [")
    return f"{path} [{fetched.get(path) or _UNKNOWN}]" if mark else line


def _files(files: Sequence[tuple[str, str]]) -> str:
    """Files by their paths and contents, whoever made them."""
    if not files:
        return _NOTHING
    text = json.dumps(sorted(files), separators=(",", ":"))
    count = f"{len(files)} file{'s' if len(files) != 1 else ''}"
    return f"{count}, {hashlib.sha256(text.encode()).hexdigest()}"


def _versions(runtime: Runtime) -> str:
    packages = ", ".join(f"{name} {runtime.packages[name]}" for name in sorted(runtime.packages))
    cuda = f", CUDA {runtime.cuda}" if runtime.cuda else ""
    return f"Python {runtime.python}{', ' if packages else ''}{packages}{cuda}"


def _short(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_START]}… ({len(text)} characters, SHA-256 {hashlib.sha256(text.encode()).hexdigest()})"


def _named(fields: Sequence[str]) -> list[str]:
    parts = [part_of(name) for name in fields[:_NAMED]]
    return [*parts, say("more", count=len(fields) - _NAMED)] if len(fields) > _NAMED else parts


def part_of(field: str) -> str:
    """A field's name, as `compare` gives it; other languages have words for it."""
    kind, dot, name = field.partition(".")
    if f"part_{kind}" not in SENTENCES:
        return field
    return say(f"part_{kind}", name=name) if dot else say(f"part_{kind}")
