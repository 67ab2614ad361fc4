"""A place for files that is soon full."""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: What fits on it.
FULL_DISK_BYTES = 1024 * 1024


@contextmanager
def small_disk(directory: Path) -> Iterator[Path]:
    """A directory with room for `FULL_DISK_BYTES`: a file system of its own, where one may be mounted.

    Elsewhere no file may grow beyond that, which a program is told in the same way.
    """
    directory.mkdir()
    if _mounted(directory):
        try:
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", directory], check=True)
    else:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_DISK_BYTES, before[1]))
        try:
            yield directory
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _mounted(directory: Path) -> bool:
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    options = f"size={FULL_DISK_BYTES},mode=700"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)]
    return subprocess.run(mount, stderr=subprocess.DEVNULL, check=False).returncode == 0
