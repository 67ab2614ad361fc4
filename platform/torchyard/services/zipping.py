"""Files as one zip that is made while it is sent: no temporary file, and memory for one chunk."""

import io
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

#: The first moment that the format knows.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_MODE = (stat.S_IFREG | 0o644) << 16


class _Outlet(io.RawIOBase):
    """What zipfile writes into: it can't seek, and is emptied after each write."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # any buffer, which the type of write can't say
        self._written += view
        return view.nbytes

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def zipped(
    files: Iterable[tuple[str, int]], read: Callable[[str], Iterator[bytes]], at: datetime | None
) -> Iterator[bytes]:
    """The bytes of a zip, in order; files are stored as they are, as most of what is large does not shrink.

    Args:
        files: Names in the zip, and sizes in bytes.
        read: A file's bytes, by its name.
        at: The modification time of all of them.
    """
    outlet = _Outlet()
    moment = max(at.timetuple()[:6], _LONG_AGO) if at else _LONG_AGO
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, size in files:
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = _MODE
            entry.file_size = size  # tells zipfile whether it needs ZIP64
            with archive.open(entry, "w") as target:
                for chunk in read(name):
                    target.write(chunk)
                    yield outlet.take()
    yield outlet.take()
