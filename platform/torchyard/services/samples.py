"""What attempts use: taken in as records beside their logs, told as columns."""

import math
from collections.abc import Iterator

from sqlalchemy.orm import Session

from torchyard.contracts.jobs import JobSpec
from torchyard.contracts.logs import RecordName
from torchyard.contracts.samples import GPU_SAMPLE, MAX_RECORD_BYTES, SAMPLE, GpuSamples, Samples
from torchyard.contracts.sayings import say
from torchyard.domain.sampling import GpuSample, Sample, aligned, thinned
from torchyard.errors import NotFound, TooLarge
from torchyard.services.context import Context
from torchyard.storage import jobs
from torchyard.storage.tables import AttemptRow


def append(ctx: Context, attempt_id: str, name: RecordName, offset: int, data: bytes) -> None:
    """Take in a part of a record.

    Raises:
        OffsetMismatch: The record continues elsewhere.
        StorageFull: No space is left.
        TooLarge: Nothing that was measured takes so much.
    """
    if offset + len(data) > MAX_RECORD_BYTES:
        raise TooLarge(f"a record may have {MAX_RECORD_BYTES} bytes")
    ctx.logs.append(attempt_id, name, offset, data, [])


def locate(session: Session, job_id: str, number: int | None = None) -> tuple[JobSpec, AttemptRow]:
    """What the job asked for, and its attempt; the latest, unless one is named.

    Raises:
        NotFound: `job_not_found` or `attempt_not_found`.
    """
    record, found = jobs.find(session, job_id), jobs.attempts(session, job_id)
    if record is None or not found:
        raise NotFound("there is no job with this id", code="job_not_found")
    rows = {row.number: row for row, _ in found}
    row = rows.get(number if number is not None else max(rows))
    if row is None:
        raise NotFound(say("no_such_attempt", attempt=number), code="attempt_not_found")
    return JobSpec.model_validate(record.job.spec), row


def get(ctx: Context, spec: JobSpec, row: AttemptRow) -> Samples:
    """What the attempt used."""
    samples = thinned(list(_samples(ctx, row.id)))
    times = [sample.until for sample in samples]
    gpus = aligned(_gpus(ctx, row.id), times, len(row.gpus))
    return Samples(
        attempt=row.number,
        started_at=row.started_at,
        cpus=spec.resources.cpus,
        memory_limit_mb=spec.resources.memory_mb,
        seconds=[round(one, 2) for one in times],
        cpu_cores=[round(one.cores, 3) for one in samples],
        cpu_cores_min=[round(one.cores_min, 3) for one in samples],
        cpu_cores_max=[round(one.cores_max, 3) for one in samples],
        memory_mb=[round(one.memory, 1) for one in samples],
        memory_mb_min=[round(one.memory_min, 1) for one in samples],
        memory_mb_max=[round(one.memory_max, 1) for one in samples],
        gpus=[
            GpuSamples(uuid=uuid, percent=percent, memory_mb=memory)
            for uuid, (percent, memory) in zip(row.gpus, gpus, strict=True)
        ],
    )


def _samples(ctx: Context, attempt_id: str) -> Iterator[Sample]:
    last = 0.0
    for record in SAMPLE.iter_unpack(_whole(ctx, attempt_id, RecordName.SAMPLES, SAMPLE.size)):
        sample = Sample._make(record)
        # What a full disk or a torn write left is no number, or out of order.
        if sample.until > last and all(map(math.isfinite, sample)):
            last = sample.until
            yield sample


def _gpus(ctx: Context, attempt_id: str) -> Iterator[GpuSample]:
    data = _whole(ctx, attempt_id, RecordName.GPUS, GPU_SAMPLE.size)
    return map(GpuSample._make, GPU_SAMPLE.iter_unpack(data))


def _whole(ctx: Context, attempt_id: str, name: RecordName, size: int) -> bytes:
    """The file, up to its last whole record."""
    data = ctx.logs.read(attempt_id, name, 0, MAX_RECORD_BYTES)
    return data[: len(data) - len(data) % size]
