"""Objects the worker has fetched from storages: whole, checked, and bounded in size."""

import contextlib
import os
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PART = ".part"
#: Seconds between two looks at whether one who waits for another's download still wants it.
_LOOK_SECONDS = 0.2


@dataclass
class _Use:
    """How many have an object in hand, and who of them fetches it."""

    count: int = 0
    fetching: threading.Lock = field(default_factory=threading.Lock)


class CachedObject:
    """A file in the cache, not to be changed; it stays until it is released."""

    def __init__(self, path: Path, content: bytes | None, known: bool, release: Callable[[], None]) -> None:
        self.path = path
        #: Its bytes, if they are at hand.
        self.content = content
        #: Whether it was there already.
        self.known = known
        #: To be called once.
        self.release = release


class ObjectCache:
    """Files named by their objects' identities; the least recently used go when there are too many bytes.

    One that is in use stays, so the bound may be passed for as long as that lasts.
    """

    def __init__(self, directory: Path, *, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._in_use: dict[str, _Use] = {}
        # All in one directory: file systems spread directories over the disk, which makes new files slow.
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        for part in directory.glob(f"*{_PART}"):  # of a process that ended meanwhile
            part.unlink()
        found = [(path.name, path.stat()) for path in directory.iterdir()]
        found.sort(key=lambda file: file[1].st_mtime_ns)
        #: Sizes, the least recently used first; kept here, as asking the disk for thousands takes long.
        self._sizes = OrderedDict((name, stat.st_size) for name, stat in found)
        self._total = sum(self._sizes.values())

    def hold(
        self, name: str, size: int, fetch: Callable[[Path], bytes | None], keep_going: Callable[[], None]
    ) -> CachedObject:
        """The object as a file; fetched if need be.

        Args:
            name: Its identity.
            size: Its bytes.
            fetch: Writes it, whole and checked, to the path it is given; gives its bytes if it has them.
            keep_going: Called while another thread fetches it; what it raises ends the waiting.
        """
        path = self._directory / name
        use, content = self._enter(name), None
        try:
            with _taken(use.fetching, keep_going):
                known = self._touch(path, size)
                if not known:
                    content = self._fetch(path, fetch)
                    self._remember(name, size)
        except BaseException:
            self._leave(name)
            raise
        return CachedObject(path, content, known, lambda: self._leave(name))

    def _touch(self, path: Path, size: int) -> bool:
        """Whether it is there, whole."""
        with self._lock:
            if path.name not in self._sizes:
                return False
            self._sizes.move_to_end(path.name)
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_size == size:
                os.utime(path)
                return True
        return False

    def _fetch(self, path: Path, fetch: Callable[[Path], bytes | None]) -> bytes | None:
        part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_PART}")
        try:
            content = fetch(part)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return content

    def _remember(self, name: str, size: int) -> None:
        with self._lock:
            self._total += size - self._sizes.pop(name, 0)
            self._sizes[name] = size

    def _enter(self, name: str) -> _Use:
        with self._lock:
            use = self._in_use.setdefault(name, _Use())
            use.count += 1
            return use

    def _leave(self, name: str) -> None:
        with self._lock:
            use = self._in_use[name]
            use.count -= 1
            if not use.count:
                del self._in_use[name]
            if self._total > self._max_bytes:
                self._make_room()

    def _make_room(self) -> None:
        for name in [name for name in self._sizes if name not in self._in_use]:
            if self._total <= self._max_bytes:
                return
            (self._directory / name).unlink(missing_ok=True)
            self._total -= self._sizes.pop(name)


@contextlib.contextmanager
def _taken(lock: threading.Lock, keep_going: Callable[[], None]) -> Iterator[None]:
    while not lock.acquire(timeout=_LOOK_SECONDS):
        keep_going()
    try:
        yield
    finally:
        lock.release()
