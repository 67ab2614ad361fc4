"""Packages that were fetched for jobs: uv's cache, bounded in size.

uv knows which packages its cache holds, and not which of them are still wanted. So each package that was
installed is noted with the time, in a file beside the cache, and uv is asked to remove those that were not
for the longest time. uv itself keeps installations and removals apart, those of other processes too.
"""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import structlog

from torchyard_worker.shim import spool

log = structlog.get_logger()

#: Seconds that uv may take, most of which it may wait for an installation of an earlier process.
_PATIENCE = 60.0


class PackageCache:
    """What uv has fetched; the packages that jobs did not want for the longest time go first."""

    def __init__(self, directory: Path, *, max_bytes: int, uv: Path | None) -> None:
        """Bound a cache.

        Args:
            directory: uv's cache; made by uv.
            max_bytes: How much it may take while nobody installs.
            uv: The program; None if there is none, and so no cache.
        """
        self.directory = directory.absolute()
        self._uses = directory.with_name(f"{directory.name}.json")
        self._max_bytes = max_bytes
        self._uv = uv
        self._lock = threading.Lock()
        self._installing = 0

    @contextlib.contextmanager
    def installing(self) -> Iterator[Path]:
        """The cache's directory, of which nothing is removed while the context lasts."""
        with self._lock:
            self._installing += 1
        try:
            yield self.directory
        finally:
            with self._lock:
                self._installing -= 1

    def used(self, packages: Iterable[str]) -> None:
        """Note that these packages were wanted just now."""
        with self._lock:
            now = time.time()
            self._note({**self._noted(), **dict.fromkeys(packages, now)})

    def wheels(self, packages: Iterable[tuple[str, str]]) -> list[str] | None:
        """Which unpacked wheels there are of these packages, by names that uv gives each only once.

        Args:
            packages: Names and versions, as uv prints them.

        Returns:
            None if there is none of one of them.
        """
        found: list[str] = []
        for name, version in packages:
            # Of PyPI, and of other indexes.
            places = [f"wheels-*/{index}/{name}/{version}-*" for index in ("*", "*/*")]
            links = [link for place in places for link in self.directory.glob(place) if link.is_symlink()]
            if not links:
                return None
            found += [f"{link.relative_to(self.directory)}: {link.readlink().name}" for link in links]
        return sorted(found)

    def make_room(self) -> None:
        """Remove what was not wanted for the longest time, unless somebody installs or all has room."""
        if self._uv is None or not self.directory.is_dir():
            return
        with self._lock:  # who begins to install meanwhile waits until there is room
            if self._installing or self._size() <= self._max_bytes:
                return
            try:
                self._remove()
            except (OSError, subprocess.SubprocessError) as problem:
                log.warning("package_cache_not_pruned", problem=repr(problem)[:500])

    def _remove(self) -> None:
        """Remove what no package refers to, then package by package, then whatever there is."""
        self._run("prune")
        noted = self._noted()
        oldest_first = sorted(noted, key=lambda name: noted[name])
        for name in oldest_first:
            if self._size() <= self._max_bytes:
                return
            self._run("clean", name)
            del noted[name]
            self._note(noted)
            log.info("package_cache_pruned", package=name)
        if self._size() > self._max_bytes:
            self._run("clean")

    def _run(self, *words: str) -> None:
        subprocess.run(
            [str(self._uv), "cache", *words, "--no-config", "--offline", "--quiet"],
            env={"UV_CACHE_DIR": str(self.directory), "HOME": str(self.directory.parent)},
            check=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
        )

    def _size(self) -> int:
        """Bytes of all its files."""
        total, folders = 0, [str(self.directory)]
        while folders:
            with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        return total

    def _noted(self) -> dict[str, float]:
        return spool.read_json(str(self._uses.parent), self._uses.name) or {}

    def _note(self, uses: dict[str, float]) -> None:
        spool.write_json(str(self._uses.parent), self._uses.name, dict(uses))
