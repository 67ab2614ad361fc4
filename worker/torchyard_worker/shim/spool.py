"""The spool format: what the directory of an attempt holds between the shim and the worker.

    launch.json   worker → shim   argv, cwd, env, timeout_seconds (0: none), grace_seconds, fence_seconds,
                                  cold_because (null: started warm; only told on)
    stop.json     worker → shim   cause, grace_seconds; written before each SIGTERM to the shim
    shim.json     shim → worker   pid, start, boot (which process it is), later script_pid and started_ms
    confirmed     worker → shim   when the last answered heartbeat was sent; see fence.py
    exit.json     shim → worker   how it ended; once it is there, nothing in the directory changes any more
    stdout.log    what the script wrote, both streams in order of arrival
    stderr.log    what it wrote to stderr
    stdout.idx    records of 16 bytes, little endian: offset in stdout.log, time in ms << 1 | is stderr
    samples.bin   records of 32 bytes: what the script's processes used; see samples.py
    doorbell      a FIFO; a byte in it says "look again"

A record of stdout.idx is written before the bytes it tells of, so that no reader meets bytes of an
unknown stream; of two records with the same offset the later one holds. JSON files appear whole or not
at all. Paths are plain strings: pathlib costs the shim's start more than all of its own work.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from typing import Any

LAUNCH = "launch.json"
STOP = "stop.json"
SHIM = "shim.json"
EXIT = "exit.json"
STDOUT = "stdout.log"
STDERR = "stderr.log"
INDEX = "stdout.idx"
SAMPLES = "samples.bin"
DOORBELL = "doorbell"
#: What a shim says about itself and its crashes; empty unless something is wrong.
SHIM_LOG = "shim.log"

RECORD = struct.Struct("<QQ")
#: Seconds from the script's start to the record's end; CPU cores: mean, least, most; MiB: the same.
SAMPLE = struct.Struct("<d6f")
#: Bytes put aside for exit.json at the start, so that a full disk can't lose how the script ended.
_RESERVED = 4096
_NEW = ".new"


def pack_record(offset: int, time_ms: int, *, is_stderr: bool) -> bytes:
    """A record of the index."""
    return RECORD.pack(offset, time_ms << 1 | is_stderr)


def unpack_record(record: bytes) -> tuple[int, int, bool]:
    """A record's offset, time in ms, and whether the bytes from there on came from stderr."""
    offset, rest = RECORD.unpack(record)
    return offset, rest >> 1, bool(rest & 1)


def read_json(directory: str, name: str) -> dict[str, Any] | None:
    """The object in the file; None if there is no file, or nothing readable in it."""
    try:
        with os.fdopen(os.open(f"{directory}/{name}", os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
            value = json.loads(file.read())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def write_json(directory: str, name: str, value: dict[str, Any]) -> None:
    """Put the object there whole, instead of what was there before.

    Raises:
        OSError: No space, or no such directory.
    """
    new = f"{name}{_NEW}"
    _write(directory, new, json.dumps(value).encode(), os.O_TRUNC, sync=False)
    os.replace(f"{directory}/{new}", f"{directory}/{name}")


def create_json(directory: str, name: str, value: dict[str, Any]) -> bool:
    """Put the object there whole, unless the file exists; whether it was put there.

    Raises:
        OSError: No space, or no such directory.
    """
    new = f"{name}.{os.getpid()}{_NEW}"
    _write(directory, new, json.dumps(value).encode(), os.O_TRUNC, sync=False)
    try:
        os.link(f"{directory}/{new}", f"{directory}/{name}")
    except FileExistsError:
        return False
    finally:
        os.unlink(f"{directory}/{new}")
    return True


def reserve_exit(directory: str) -> None:
    """Put space aside for exit.json.

    Raises:
        OSError: No space.
    """
    _write(directory, EXIT + _NEW, b" " * _RESERVED, os.O_TRUNC, sync=False)


def write_exit(directory: str, value: dict[str, Any]) -> None:
    """Write exit.json into the space put aside, durably.

    Raises:
        OSError: The disk fails.
    """
    # Not cut to its length: blanks behind JSON are no part of it, and giving blocks back wins nothing.
    _write(directory, EXIT + _NEW, json.dumps(value).encode().ljust(_RESERVED), 0, sync=True)
    os.replace(f"{directory}/{EXIT}{_NEW}", f"{directory}/{EXIT}")
    folder = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    with contextlib.suppress(OSError):  # not every file system can
        os.fsync(folder)
    os.close(folder)


def open_doorbell(directory: str) -> int:
    """A descriptor of the doorbell for either end, made if it is missing; it never blocks."""
    path = f"{directory}/{DOORBELL}"
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    # For reading and writing: neither end ever waits for the other, or sees it hang up.
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


def ring(doorbell: int) -> None:
    """Say "look again"; a full FIFO says it already."""
    with contextlib.suppress(BlockingIOError):
        os.write(doorbell, b"!")


def _write(directory: str, name: str, data: bytes, flags: int, *, sync: bool) -> None:
    handle = os.open(f"{directory}/{name}", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | flags, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        if sync:
            file.flush()
            os.fsync(handle)
