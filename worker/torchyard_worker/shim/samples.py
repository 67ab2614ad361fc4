"""What the script's processes use, measured every few seconds for as long as it runs.

A record tells of the time since the one before it. They get longer as the script does, so that a job of a
week has some thousand of them: whatever was measured is in one, as mean, least and most.
"""

from __future__ import annotations

import contextlib
import os
import resource
import time

from torchyard_worker.shim import processes, spool

#: Seconds after which the first measurements are made; then they follow each other at this distance.
_FIRST_SECONDS = (1.0, 2.0)
_EVERY_SECONDS = 5.0
#: Records of one length; then they get twice as long.
_RECORDS_OF_A_LENGTH = 1000
#: A measurement that takes long is made more seldom: it may cost this share of a core.
_SHARE = 0.01
_MIB = 1024 * 1024


class Sampler:
    """Measures what descends from this process, and writes it to the spool.

    Attributes:
        due: When to measure next, as `time.monotonic` tells it.
    """

    def __init__(self, directory: str) -> None:
        path = f"{directory}/{spool.SAMPLES}"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._start = self._measured_at = time.monotonic()
        self._cpu_seconds = self._memory = 0.0
        self._count = 0
        self._kept: list[tuple[float, float, float]] = []
        self.due = self._start + _FIRST_SECONDS[0]

    def measure(self) -> bool:
        """Measure once; whether a record was written."""
        begun = time.monotonic()
        cpu_seconds, memory_bytes = processes.usage(os.getpid())
        now = time.monotonic()
        seconds = now - self._measured_at
        cores = max(0.0, cpu_seconds - self._cpu_seconds) / seconds if seconds else 0.0
        self._memory = memory_bytes / _MIB
        self._kept.append((seconds, cores, self._memory))
        self._measured_at, self._cpu_seconds = now, max(cpu_seconds, self._cpu_seconds)
        self.due = max(self._next_round(now), now + (now - begun) / _SHARE)
        return self._write(now - self._start)

    def finish(self) -> None:
        """Tell of the time since the last measurement too, once all processes have ended and been waited for.

        How much memory they had is not to be known any more: it is told as it was measured last. A script
        that was never measured has no record.
        """
        if self._count == 0 and not self._kept:
            return
        now, ended = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = now - self._measured_at
        cores = max(0.0, ended.ru_utime + ended.ru_stime - self._cpu_seconds) / seconds if seconds else 0.0
        self._kept.append((seconds, cores, self._memory))
        self._write(now - self._start, whole=False)

    def _next_round(self, now: float) -> float:
        passed = now - self._start
        for first in _FIRST_SECONDS:
            if passed < first:
                return self._start + first
        return self._start + (passed // _EVERY_SECONDS + 1) * _EVERY_SECONDS

    def _write(self, until: float, *, whole: bool = True) -> bool:
        length = _EVERY_SECONDS * 2 ** (self._count // _RECORDS_OF_A_LENGTH)
        covered = sum(seconds for seconds, _, _ in self._kept)
        # The first measurements are told at once: a script that takes seconds has a curve too.
        if whole and until > 1.5 * _EVERY_SECONDS and covered < length * 0.9:
            return False
        cores, memory = [kept[1] for kept in self._kept], [kept[2] for kept in self._kept]
        mean_cores = sum(seconds * one for seconds, one, _ in self._kept) / covered if covered else 0.0
        record = spool.SAMPLE.pack(
            until, mean_cores, min(cores), max(cores), sum(memory) / len(memory), min(memory), max(memory)
        )
        # In its own place, so that a record that found no space is written over by the next one.
        with contextlib.suppress(OSError):
            if os.pwrite(self._file, record, self._count * spool.SAMPLE.size) == spool.SAMPLE.size:
                self._count += 1
        self._kept.clear()
        return True
