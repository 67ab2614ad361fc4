"""A disk that is full, told as the error that callers know."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from torchyard.errors import StorageFull

#: Disk full, quota used up, and the process's own limit on a file's size.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def full_disk_told() -> Iterator[None]:
    """Turn the system's errors for "no space left" into `StorageFull`.

    Raises:
        StorageFull: No space is left for what was being written.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno not in _FULL:
            raise
        raise StorageFull("no space is left on the platform's disk") from problem
