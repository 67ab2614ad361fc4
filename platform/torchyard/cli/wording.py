"""Times, sizes and ids as people read them."""

from datetime import UTC, datetime

from torchyard.contracts.jobs import Job, StagingProgress

_UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0))
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float) -> str:
    """One or two units: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    for index, (unit, length) in enumerate(_UNITS):
        if seconds >= length:
            smaller, step = _UNITS[index + 1] if index + 1 < len(_UNITS) else ("s", 1.0)
            rest = int(seconds % length // step)
            return f"{int(seconds // length)} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{int(seconds)} s"


def since(moment: datetime | None, until: datetime | None = None) -> str:
    """How long ago, or how long before `until`; `-` if it never was."""
    if moment is None:
        return "-"
    return duration(((until or datetime.now(UTC)) - moment).total_seconds())


def local(moment: datetime | None) -> str:
    """The moment on this machine's clock."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else "-"


def size(count: float) -> str:
    """Bytes in the unit that fits."""
    for unit in _SIZES:
        if count < 1024 or unit == _SIZES[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """`1 secret`, `2 secrets`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def short(job_id: str) -> str:
    """The part of an id that tells jobs apart."""
    return job_id[:8]


def fetching(progress: StagingProgress) -> str:
    """How far a job's files are: `1.5 MiB of 3.0 MiB, 2 of 5 files, 500.0 KiB/s, 3.1 s left`."""
    told = [
        f"{size(progress.bytes_done)} of {size(progress.bytes_total)}",
        f"{progress.files_done} of {counted(progress.files_total, 'file')}",
    ]
    if progress.bytes_per_second:
        told.append(f"{size(progress.bytes_per_second)}/s")
    if progress.seconds_left is not None:
        told.append(f"{duration(progress.seconds_left)} left")
    return ", ".join(told)


def status(job: Job) -> str:
    """Why a job waits, or how it ended, in one sentence."""
    if job.waiting is not None:
        return f"{job.waiting.explanation} (place {job.waiting.position} in the queue)"
    return job.sentence or ""
