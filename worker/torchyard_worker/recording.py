"""Samples on their way to the platform, with what the GPUs did at the same times.

They are good to have, and never in the way: while the platform is away they wait in the spool, and one that
does not take them is not asked again.
"""

import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

from torchyard.contracts.logs import MAX_APPEND_BYTES, RecordName
from torchyard.contracts.samples import GPU_SAMPLE
from torchyard.errors import (
    AttemptStale,
    OffsetMismatch,
    StorageFull,
    TorchyardError,
    Unauthenticated,
    Unavailable,
)
from torchyard_worker.attempts import HeldAttempt
from torchyard_worker.gpu_meter import GpuMeter
from torchyard_worker.platform_api import PlatformApi
from torchyard_worker.shim import spool
from torchyard_worker.spooling import AttemptDirectory

log = structlog.get_logger()

#: Seconds between two looks, whatever else wakes the attempt's thread.
_PAUSE_SECONDS = 0.9
#: Seconds until a platform that was away is asked again.
_AWAY_SECONDS = 10.0
#: A record of the shim's that ended longer ago gets no reading of the GPUs: they do something else by now.
_FRESH_SECONDS = 4.0


class Recorder:
    """Sends what is measured of one attempt; used by one thread.

    Args:
        api: The platform.
        held: The attempt.
        directory: Its directory, in which the shim writes.
        meter: Reads its GPUs.
    """

    def __init__(
        self, api: PlatformApi, held: HeldAttempt, directory: AttemptDirectory, meter: GpuMeter
    ) -> None:
        self._api = api
        self._held = held
        self._path = directory.path
        self._meter = meter
        self._sent: dict[RecordName, int] = dict.fromkeys(RecordName, 0)
        self._seen = _size(self._path / RecordName.SAMPLES)
        self._look_at = 0.0
        self._refused = False

    def look(self) -> None:
        """Read the GPUs if the shim has just measured, and send what is new; at most once a second.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
        """
        now = time.monotonic()
        if self._refused or now < self._look_at:
            return
        self._look_at = now + _PAUSE_SECONDS
        size = _size(self._path / RecordName.SAMPLES)
        if size > self._seen:
            self._seen = size
            self._read_gpus(size)
            try:
                self._send(RecordName.SAMPLES)
                self._send(RecordName.GPUS)
            except (Unavailable, Unauthenticated, StorageFull):
                self._look_at = now + _AWAY_SECONDS

    def finish(self) -> None:
        """Send what is left.

        Raises:
            AttemptStale: The attempt is not this worker's any more.
            Detached: The worker stops.
        """
        self._meter.close()
        for name in RecordName:
            if self._refused:
                return
            with suppress(StorageFull):
                self._held.persist("append", partial(self._send, name))

    def _read_gpus(self, size: int) -> None:
        """Add a reading of the GPUs at the time of the shim's last record."""
        until = self._last_record(size)
        if until is None:
            return
        found = [
            GPU_SAMPLE.pack(until, number, reading.percent, reading.memory_mb)
            for number, reading in enumerate(self._meter.read())
        ]
        if not found:
            return
        with suppress(OSError):  # a full disk costs a reading, not the script
            file = os.open(self._path / RecordName.GPUS, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "wb", buffering=0) as writing:
                kept = os.fstat(file).st_size
                # Behind the last whole record, should one have found no space.
                os.pwrite(writing.fileno(), b"".join(found), kept - kept % GPU_SAMPLE.size)

    def _last_record(self, size: int) -> float | None:
        """When the shim's last record ended, if that was just now; in seconds since the script's start."""
        started_ms = (spool.read_json(str(self._path), spool.SHIM) or {}).get("started_ms")
        with suppress(OSError), (self._path / RecordName.SAMPLES).open("rb") as file:
            place = (size // spool.SAMPLE.size - 1) * spool.SAMPLE.size
            record = os.pread(file.fileno(), spool.SAMPLE.size, max(0, place))
            if len(record) == spool.SAMPLE.size and started_ms is not None:
                until = float(spool.SAMPLE.unpack(record)[0])
                age = time.time() - started_ms / 1000 - until
                return until if abs(age) < _FRESH_SECONDS else None
        return None

    def _send(self, name: RecordName) -> None:
        size = _size(self._path / name)
        while self._sent[name] < size and not self._refused:
            with (self._path / name).open("rb") as file:
                data = os.pread(file.fileno(), MAX_APPEND_BYTES, self._sent[name])
            self._append(name, data)

    def _append(self, name: RecordName, data: bytes) -> None:
        offset = self._sent[name]
        try:
            self._api.append_record(self._held.id, name, offset, data)
        except OffsetMismatch as answer:
            if answer.expected >= offset:  # never forward: it has what we have not
                self._refused = True
            self._sent[name] = answer.expected
        except (AttemptStale, Unavailable, Unauthenticated, StorageFull):
            raise
        except TorchyardError as refusal:  # an older platform, or one that has enough of it
            log.info("record_refused", attempt=self._held.id, record=name, reason=refusal.message)
            self._refused = True
        else:
            self._sent[name] = offset + len(data)


def _size(path: Path) -> int:
    """Bytes in the file; none if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
