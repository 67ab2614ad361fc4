"""How an attempt's end is told."""

import errno
from pathlib import Path
from typing import Any

import pytest

from torchyard.contracts.runner import Cause
from torchyard.errors import (
    ArchiveRejected,
    AttemptStale,
    DependencyFailed,
    StorageFull,
    TooLarge,
    Unavailable,
)
from torchyard_worker import endings
from torchyard_worker.attempts import Stopped, StopWish
from torchyard_worker.shim import spool
from torchyard_worker.spooling import AttemptDirectory

EXITED = {
    "cause": "exited",
    "exit_code": 1,
    "signal": None,
    "peak_rss_bytes": 300 * 2**20,
    "killed_after_grace": False,
    "killed_leftovers": 0,
    "unkillable": False,
    "log_lost_bytes": {"stdout.log": 0, "stderr.log": 0},
}

CHAINED = """Traceback (most recent call last):
  File "{work}/main.py", line 3, in <module>
    f()
KeyError: 'a'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{work}/main.py", line 5, in <module>
    g(
  File "{work}/other.py", line 9, in g
    raise my.pack.Wrong("no:\\nreally")
my.pack.Wrong: no:
really
"""
UNCOMPILED = """  File "{work}/main.py", line 2
    def f(
         ^
SyntaxError: '(' was never closed
"""
WORKER = """Traceback (most recent call last):
  File "{work}/main.py", line 8, in <module>
    for batch in loader:
RuntimeError: Caught RuntimeError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "/lib/torch/worker.py", line 349, in _worker_loop
    data = fetcher.fetch(index)
  File "{work}/main.py", line 4, in __getitem__
    raise IndexError
IndexError

"""


def told(tmp_path: Path, stderr: str, **facts: Any) -> Any:
    directory = AttemptDirectory(tmp_path)
    (tmp_path / spool.STDERR).write_text(stderr.replace("{work}", str(directory.work)))
    directory.write(spool.EXIT, EXITED | facts)
    return endings.outcome(directory, "main.py")


@pytest.mark.parametrize(
    ("stderr", "exception", "line"),
    [
        (CHAINED, "my.pack.Wrong: no:", 5),
        (UNCOMPILED, "SyntaxError: '(' was never closed", 2),
        (WORKER, "IndexError", 4),
        ("noise\n" * 20_000 + CHAINED, "my.pack.Wrong: no:", 5),
        ("just words\n", None, None),
        ("", None, None),
    ],
)
def test_the_last_traceback_tells_exception_and_line(
    tmp_path: Path, stderr: str, exception: str | None, line: int | None
) -> None:
    outcome = told(tmp_path, stderr)

    assert (outcome.exception, outcome.script_line) == (exception, line)
    assert outcome.peak_memory_mb == 300


def test_a_program_that_is_missing_is_no_missing_file(tmp_path: Path) -> None:
    missing = "FileNotFoundError: [Errno 2] No such file or directory: 'ffmpeg'\n"
    frame = 'Traceback (most recent call last):\n  File "{file}", line 3, in f\n    g()\n'
    (tmp_path / "work").mkdir()

    started = told(tmp_path, frame.replace("{file}", "/usr/lib/python3.11/subprocess.py") + missing)
    opened = told(tmp_path, frame.replace("{file}", "main.py") + missing)

    assert (started.exception, started.missing_file) == (missing.strip(), None)
    assert opened.missing_file.path == "ffmpeg"


def test_a_traceback_that_did_not_end_the_script_is_not_blamed(tmp_path: Path) -> None:
    assert told(tmp_path, CHAINED, exit_code=3).exception is None
    assert told(tmp_path, CHAINED, exit_code=None, signal=9, cause="timeout").exception is None


def test_a_shim_that_left_no_word_is_a_loss(tmp_path: Path) -> None:
    (tmp_path / "shim.log").write_text("Traceback…\nMemoryError\n")

    outcome = endings.outcome(AttemptDirectory(tmp_path), "main.py")

    assert outcome.cause is Cause.WORKER_LOST
    assert outcome.detail == "the process that watched the script went away: MemoryError"


def test_a_shim_that_found_no_space_says_so(tmp_path: Path) -> None:
    (tmp_path / "shim.log").write_text("OSError: [Errno 28] No space left on device\n")

    assert endings.outcome(AttemptDirectory(tmp_path), "main.py").cause is Cause.DISK_QUOTA


def test_remarks_name_what_a_reader_would_miss() -> None:
    odd = {"killed_after_grace": True, "killed_leftovers": 2, "log_lost_bytes": {"stdout.log": 4096}}

    assert endings.remarks(EXITED) == []
    assert endings.remarks(EXITED | odd) == [
        "the script did not end on SIGTERM: killed after its grace time",
        "killed 2 processes that the script had left running",
        "4.1 kB of stdout.log were lost: the worker's disk was full",
    ]


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (ArchiveRejected("bad"), Cause.ARCHIVE_REJECTED),
        (TooLarge("large"), Cause.ARCHIVE_REJECTED),
        (StorageFull("full"), Cause.DISK_QUOTA),
        (DependencyFailed("much", code="dependency_too_large"), Cause.DEPENDENCY_TOO_LARGE),
        (OSError(errno.ENOSPC, "No space left"), Cause.DISK_QUOTA),
        (OSError(errno.EIO, "broken"), Cause.INTERNAL),
        (Stopped(StopWish(Cause.CANCELLED)), Cause.CANCELLED),
        (AttemptStale(), None),
        (Unavailable(), None),
    ],
)
def test_what_keeps_a_script_from_starting_has_its_cause(problem: Exception, cause: Cause | None) -> None:
    outcome = endings.not_started(problem)

    assert (outcome and outcome.cause) == cause
