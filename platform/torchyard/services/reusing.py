"""Reusing results: what decides a node's result is found out, and an earlier one looked for.

Only results of runs of the same workflow are reused, and never anything but a success. What was found out is
kept with every node that starts, whether it may be reused or not: a later run can be compared with it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from torchyard.contracts import fingerprints
from torchyard.contracts.connections import StorageAccess
from torchyard.contracts.graphs import DatasetSettings, Reuse
from torchyard.contracts.inputs import Source, read_source
from torchyard.contracts.jobs import JobCreate
from torchyard.contracts.runner import Runtime
from torchyard.contracts.sayings import say
from torchyard.contracts.storage_paths import StoragePath, split_paths
from torchyard.domain import reusing, substitution
from torchyard.domain.reusing import Case, Facts, Verdict
from torchyard.errors import TorchyardError
from torchyard.services import connections, inputs
from torchyard.services.context import Context
from torchyard.storage import reusing as stored
from torchyard.storage import workers
from torchyard.storage.tables import JobRow, WorkerRow
from torchyard.storage.workflow_tables import RunRow


@dataclass(frozen=True, kw_only=True)
class Known:
    """What was found out of a node.

    Attributes:
        components: What decides its result, field by field.
        unknown: What could not be found out, in words; None if everything is known.
    """

    components: Mapping[str, str]
    unknown: str | None = None

    @property
    def key(self) -> str | None:
        """What equal results have in common; None if not everything is known."""
        return reusing.key(self.components)


def of_job(
    ctx: Context, owner_id: str, settings: Mapping[str, Any], given: Mapping[str, str], *, ask: bool
) -> Known:
    """Find out what decides the result of a node that runs a script.

    Args:
        ctx: What the use cases work with.
        owner_id: Whose run it is.
        settings: What its job gets.
        given: The sources of its `inputs/` that come from the nodes above it, by their names.
        ask: Whether storages are asked now; if not, the worker will tell what it fetched.
    """
    job = JobCreate.model_validate(settings)
    sources = sources_of(job, given)
    paths = [*split_paths(job.dependency_paths), *(path for one in sources.values() for path in one.paths)]
    with ctx.db.read() as session:
        facts = local_facts(ctx, session, owner_id, job, sources.values())
        asked = _accesses(ctx, session, paths if ask else [])
    marks, unknown = _marks(ctx, asked)
    known = Facts(runtime=facts.runtime, secrets=facts.secrets, left=facts.left, marks=marks)
    return Known(components=reusing.of_job(job, sources, known), unknown=unknown)


def of_dataset(ctx: Context, settings: Mapping[str, Any]) -> Known:
    """Find out what a node that names data gives; storages are asked, if the workflow says so."""
    dataset = DatasetSettings.model_validate(settings)
    with ctx.db.read() as session:
        asked = _accesses(ctx, session, split_paths(dataset.paths) if dataset.check else [])
    marks, unknown = _marks(ctx, asked)
    return Known(components=reusing.of_dataset(dataset, marks), unknown=unknown)


def sources_of(job: JobCreate, given: Mapping[str, str]) -> dict[str, Source]:
    """Where the folders in a node's `inputs/` come from, its own ones and those of the nodes above it."""
    return {name: read_source(text) for name, text in {**job.inputs, **given}.items()}


def local_facts(
    ctx: Context, session: Session, owner_id: str, job: JobCreate, sources: Iterable[Source]
) -> Facts:
    """What can be found out without asking a storage."""
    named = substitution.secrets_named(job.environment.values())
    return Facts(
        runtime=runtime_of(session, job.runtime or ctx.limits.default_runtime),
        secrets=stored.secrets_set(session, owner_id, named),
        left=left_by(session, (source.job for source in sources if source.job is not None)),
    )


def left_by(session: Session, job_ids: Iterable[str]) -> dict[str, list[tuple[str, str]]]:
    """Path and SHA-256 of the files that jobs give to others."""
    return {
        job_id: [(path, sha256) for path, sha256, _ in files]
        for job_id, files in inputs.left_by(session, job_ids).items()
    }


def runtime_of(session: Session, name: str) -> str:
    """The runtime with the versions that workers have of it."""
    return reusing.runtime_text(name, _offered(session, name))


def decide(
    session: Session, run: RunRow, name: str, reuse: Reuse | None, known: Known, now: datetime
) -> Verdict:
    """Whether a node that is about to start is run, or an earlier success stands in for it.

    Args:
        session: The transaction in which it starts.
        run: Its run.
        name: Its name.
        reuse: What the workflow says of it; None: it is always run.
        known: What was found out.
        now: The time.
    """
    case = Case(
        reuse=reuse or Reuse(),
        force=run.force,
        saved=run.workflow_id is not None,
        unknown=known.unknown,
        components=known.components,
    )
    if not case.open or run.workflow_id is None or known.key is None:
        return reusing.judge(case, [], None, now)
    same = stored.same(session, run.workflow_id, known.key)
    last = None
    if not same:
        last = stored.last_success(session, name, workflow_id=run.workflow_id, run_id=run.id)
    return reusing.judge(case, same, last.components if last else None, now)


def note_end(
    session: Session, job: JobRow, worker: WorkerRow | None, fetched: Mapping[str, str] | None
) -> None:
    """Bring what decided a node's result to what its worker really had; its job has just ended.

    Between the moment at which a node is made ready and the one at which a worker takes its job, files in a
    storage may be replaced, and a worker with another version of the runtime may come.
    """
    known = stored.success_of(session, job.id) if job.run_id is not None else None
    if known is None or not known.components:
        return
    name = job.spec["runtime"]
    having = [
        Runtime.model_validate(one) for one in (worker.runtimes if worker else ()) if one["name"] == name
    ]
    expected = known.components.get("runtime", "")
    runtime = reusing.runtime_text(name, having) if having else expected
    found = reusing.as_it_ran(known.components, fetched, runtime)
    if found != known.components:
        stored.set_content(session, job.id, reusing.key(found), found)


def _offered(session: Session, name: str) -> list[Runtime]:
    """A runtime on the workers that are heard of; if none of these has it, on those that were."""
    having = [
        (row.unreachable, Runtime.model_validate(runtime))
        for row in workers.all_workers(session)
        for runtime in row.runtimes
        if runtime["name"] == name
    ]
    heard_of = [runtime for unreachable, runtime in having if not unreachable]
    return heard_of or [runtime for _, runtime in having]


def _accesses(
    ctx: Context, session: Session, paths: Iterable[StoragePath]
) -> dict[StoragePath, StorageAccess | str]:
    """What each path is read through; or why it can't be read."""
    found: dict[StoragePath, StorageAccess | str] = {}
    for path in dict.fromkeys(paths):
        try:
            (found[path],) = connections.resolve(ctx, session, str(path))
        except TorchyardError as problem:
            found[path] = problem.message
    return found


def _marks(
    ctx: Context, asked: Mapping[StoragePath, StorageAccess | str]
) -> tuple[dict[StoragePath, str], str | None]:
    """What each path's content is known by; and the first reason why one's is not."""
    marks: dict[StoragePath, str] = {}
    unknown = None
    for path, access in asked.items():
        mark, problem = (None, access) if isinstance(access, str) else _mark(ctx, path, access)
        if mark is not None:
            marks[path] = mark
        unknown = unknown or problem
    return marks, unknown


def _mark(ctx: Context, path: StoragePath, access: StorageAccess) -> tuple[str | None, str | None]:
    try:
        mark = ctx.buckets.fingerprint(access, path)
    except TorchyardError as problem:
        return None, problem.message
    if mark is None:
        return None, say("objects_over_limit", path=path, most=fingerprints.MAX_OBJECTS)
    return mark, None
