"""TensorBoard's event files among the artifacts: their scalars, read by TensorBoard's own reader.

Its package is large, and what it reads here was written by scripts. So neither platform nor worker
imports it: a process of the runtime's interpreter does, which has the package, with little time and memory
(decision 12).
"""

import json
import subprocess
from pathlib import Path

import structlog

from torchyard.contracts.logs import RecordName
from torchyard.contracts.sayings import Sentence, say
from torchyard_worker.spooling import AttemptDirectory

log = structlog.get_logger()

#: Files that are read, and seconds in which they have to be.
MAX_FILES = 100
_SECONDS = 60.0
_READER = Path(__file__).parent / "scalars_reader.py"
_NAME = "events.out.tfevents."


def among(paths: list[str]) -> list[str]:
    """Those of the paths that are event files, by name, so of one folder in the order of their beginning."""
    found = [path for path in paths if path.rpartition("/")[2].startswith(_NAME)]
    return sorted(found)[:MAX_FILES]


def read(directory: AttemptDirectory, paths: list[str], interpreter: Path) -> list[str]:
    """Put their scalars into the spool, to be sent; sentences about what was not read.

    Args:
        directory: The attempt's.
        paths: The files, relative to its `work/`.
        interpreter: The runtime's Python, whose packages alone are used.
    """
    kept, new = directory.path / RecordName.SCALARS, directory.path / f"{RecordName.SCALARS}.new"
    if kept.exists():  # by a worker that was stopped while it sent them
        return []
    reason: str | None
    try:
        with new.open("wb") as output:
            done = subprocess.run(
                [str(interpreter), "-I", str(_READER)],
                input=json.dumps(paths).encode(),
                stdout=output,
                stderr=subprocess.DEVNULL,
                cwd=directory.work,
                env={"PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""},
                timeout=_SECONDS,
                check=False,
            )
        reason = None if done.returncode == 0 else say("reader_ended", exit_code=done.returncode)
        notes = [] if reason else _notes(new.read_bytes())
    except subprocess.TimeoutExpired:
        reason, notes = say("reader_too_slow", seconds=round(_SECONDS)), []
    except (OSError, ValueError, KeyError) as problem:
        reason, notes = f"{type(problem).__name__}: {problem}", []
    if reason is not None:
        new.unlink(missing_ok=True)
        log.info("event_files_unread", attempt=directory.path.name, reason=reason)
        return [say("event_files_unread", why=reason)]
    new.replace(kept)
    return [say("event_files_noted", note=note) for note in notes]


def _notes(told: bytes) -> list[Sentence]:
    """What the reader, which knows no sentences, has to say: their codes, each with its facts."""
    return [say(code, **facts) for code, facts in json.loads(told)["notes"].items()]
