"""Files put into a job's directory, moved or copied; copies share blocks where the file system can."""

import contextlib
import errno
import fcntl
import filecmp
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

#: ioctl(2)'s number of "share the blocks of that file until one of us writes".
_FICLONE = 0x40049409
_CANNOT = frozenset(
    {errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS, errno.EPERM, errno.EBADF}
)
#: Bytes between two looks at whether the copy is still wanted.
_STEP_BYTES = 64 * 1024 * 1024


def copy(source: Path, target: Path, keep_going: Callable[[], None]) -> None:
    """Make `target` a file of its own with the bytes of `source`.

    Raises:
        FileExistsError: There is one.
        OSError: There is no space, say.
    """
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        copy_open(reading, target, keep_going)
    finally:
        os.close(reading)


def copy_open(reading: int, target: Path, keep_going: Callable[[], None]) -> None:
    """Make `target` a file of its own with the bytes of an open file, from where it stands.

    Raises:
        FileExistsError: There is one.
        OSError: There is no space, say.
    """
    writing = _made(target)
    try:
        if not _shared(reading, writing):
            _copied(reading, writing, keep_going)
    finally:
        os.close(writing)


def move(source: Path, target: Path) -> bool:
    """Make `source` be called `target`.

    Returns:
        Whether it is; a file can't be moved to another file system.

    Raises:
        FileExistsError: There is something.
    """
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    try:
        source.rename(target)
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        return False
    return True


def can_share(directory: Path) -> bool:
    """Whether copies within this directory share their blocks."""
    with (
        contextlib.suppress(OSError),  # a full disk: then it does not matter
        tempfile.TemporaryFile(dir=directory, buffering=0) as source,
        tempfile.TemporaryFile(dir=directory, buffering=0) as target,
    ):
        source.write(b"x")
        return _shared(source.fileno(), target.fileno())
    return False


def same(one: Path, other: Path) -> bool:
    """Whether two files have the same bytes."""
    return filecmp.cmp(one, other, shallow=False)


def _made(target: Path) -> int:
    return os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def _shared(reading: int, writing: int) -> bool:
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError as problem:
        if problem.errno not in _CANNOT:
            raise
        return False
    return True


def _copied(reading: int, writing: int, keep_going: Callable[[], None]) -> None:
    try:
        while os.copy_file_range(reading, writing, _STEP_BYTES):
            keep_going()
    except OSError as problem:
        if problem.errno not in _CANNOT:
            raise
        while os.sendfile(writing, reading, None, _STEP_BYTES):
            keep_going()
