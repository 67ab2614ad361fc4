"""How far a fetch is: bytes and files, its rate, and the time that is left."""

import threading
import time
from collections import deque

from torchyard.contracts.jobs import StagingProgress

#: Seconds of the past that tell the rate of today.
_WINDOW_SECONDS = 15.0


class Meter:
    """Counts, for any number of threads."""

    def __init__(self, files: int, total_bytes: int) -> None:
        self._lock = threading.Lock()
        self._files_total, self._bytes_total = files, total_bytes
        self._files = self._fetched = self._known_files = self._known_bytes = 0
        self._started = time.monotonic()
        self._samples: deque[tuple[float, int]] = deque([(self._started, 0)])

    def came(self, count: int) -> None:
        """So many bytes came from a storage; fewer than none if they have to come again."""
        with self._lock:
            self._fetched += count

    def placed(self, size: int, *, known: bool) -> None:
        """A file is in its place, from the cache if it was known."""
        with self._lock:
            self._files += 1
            if known:
                self._known_files += 1
                self._known_bytes += size

    def replaced(self, size: int, by: int) -> None:
        """An object of so many bytes turned out to have others."""
        with self._lock:
            self._bytes_total += by - size

    @property
    def bytes_total(self) -> int:
        """Bytes of all files."""
        return self._bytes_total

    @property
    def known_files(self) -> int:
        """Files that came from the cache."""
        return self._known_files

    @property
    def fetched_bytes(self) -> int:
        """Bytes that came from a storage."""
        return self._fetched

    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._started

    def progress(self) -> StagingProgress:
        """Where it stands."""
        now = time.monotonic()
        with self._lock:
            self._samples.append((now, self._fetched))
            while len(self._samples) > 2 and now - self._samples[1][0] > _WINDOW_SECONDS:
                self._samples.popleft()
            then, before = self._samples[0]
            rate = max(0.0, (self._fetched - before) / (now - then)) if now > then else 0.0
            done = min(self._fetched + self._known_bytes, self._bytes_total)
            return StagingProgress(
                bytes_done=max(0, done),
                bytes_total=self._bytes_total,
                files_done=self._files,
                files_total=self._files_total,
                bytes_per_second=round(rate),
                seconds_left=round((self._bytes_total - done) / rate, 1) if rate else None,
            )
