"""Shims: started for an attempt, or found running by a worker that was started later."""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from torchyard.contracts.jobs import split_arguments
from torchyard.contracts.runner import Cause, ClaimedAttempt
from torchyard.contracts.sayings import received, say, sent
from torchyard.errors import StartRefused
from torchyard_worker.shim import processes, spool
from torchyard_worker.spooling import AttemptDirectory
from torchyard_worker.waiting import readable

_SHIM_SCRIPT = Path(__file__).parent / "shim" / "shim.py"
#: Seconds between two looks for processes that a dead shim left behind, and the longest search.
_SWEEP_PAUSE, _SWEEP_SECONDS = 0.02, 10.0


class Shim:
    """A running shim, whoever started it."""

    def __init__(self, directory: Path, pid: int, pidfd: int, *, ours: bool) -> None:
        self.pidfd = pidfd
        self._directory = str(directory)
        self._pid = pid
        self._ours = ours

    def stop(self, cause: Cause, grace_seconds: float | None) -> None:
        """Have it end the script.

        Args:
            cause: What it is to write down as the reason.
            grace_seconds: Most time between SIGTERM and SIGKILL, 0 for none; the job's own if None.
        """
        wish: dict[str, Any] = {"cause": cause.value}
        if grace_seconds is not None:
            wish["grace_seconds"] = grace_seconds
        with contextlib.suppress(OSError):  # on a full disk it is stopped all the same
            spool.write_json(self._directory, spool.STOP, wish)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)

    def ended(self) -> bool:
        """Whether it has ended."""
        return bool(readable(self.pidfd, seconds=0))

    def kill(self) -> None:
        """End it at once; what it ran is left to `kill_leftovers`."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Let go of it; call it once."""
        if self._ours and self.ended():
            os.waitpid(self._pid, 0)
        os.close(self.pidfd)


def prepare(
    directory: AttemptDirectory,
    claimed: ClaimedAttempt,
    python: Path,
    environment: dict[str, str],
    cold_because: str | None,
) -> None:
    """Write down what the shim is to run.

    Args:
        directory: The attempt's.
        claimed: What is asked for.
        python: What runs the script.
        environment: All of the script's variables.
        cold_because: Why it does not start warm, in words; None if it does.

    Raises:
        OSError: No space.
    """
    spec = claimed.spec
    order = {
        "argv": [str(python), spec.script.name, *split_arguments(spec.arguments)],
        "cwd": str(directory.work),
        "env": environment,
        "timeout_seconds": spec.resources.timeout_seconds,
        "grace_seconds": spec.grace_seconds,
        "fence_seconds": claimed.start_fence_seconds or claimed.fence_seconds,
        "cold_because": None if cold_because is None else sent(cold_because),
    }
    directory.write(spool.LAUNCH, order)


def launch(directory: Path, interpreter: Path) -> Shim:
    """Start the shim of the attempt whose launch.json lies in `directory`.

    Raises:
        StartRefused: The interpreter can't be started.
    """
    log = str(directory / spool.SHIM_LOG)
    try:
        pid = os.posix_spawn(
            interpreter,
            [str(interpreter), "-I", "-S", str(_SHIM_SCRIPT), str(directory)],
            {},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            # A stop that comes before the shim can take it waits until then.
            setsigmask=[signal.SIGTERM],
        )
    except OSError as problem:
        told = say("interpreter_unstartable", interpreter=interpreter, problem=problem.strerror)
        raise StartRefused(told) from problem
    return Shim(directory, pid, os.pidfd_open(pid), ours=True)


def find(directory: Path) -> Shim | None:
    """The shim that an earlier worker started in `directory`, if it still runs.

    One that has not come up yet is kept from starting its script; then None is the truth from here on.
    """
    identity = spool.read_json(str(directory), spool.SHIM)
    if identity is None and not spool.create_json(str(directory), spool.SHIM, {}):
        identity = spool.read_json(str(directory), spool.SHIM)  # it came up between the two
    if not identity or identity["boot"] != processes.boot_id():
        return None
    try:
        pidfd = os.pidfd_open(identity["pid"])
    except ProcessLookupError:
        return None
    # Asked with the descriptor in hand, so that the answer can't be about a later process of this number.
    if processes.start_time(identity["pid"]) != identity["start"]:
        os.close(pidfd)
        return None
    return Shim(directory, identity["pid"], pidfd, ours=False)


def cold_because(directory: Path) -> str | None:
    """Why the script did not start warm, in words; None if it did."""
    told: str | None = received((spool.read_json(str(directory), spool.LAUNCH) or {}).get("cold_because"))
    return told


def script_pid(directory: Path) -> int | None:
    """The script's process, once it was started."""
    return (spool.read_json(str(directory), spool.SHIM) or {}).get("script_pid")


def kill_leftovers(tag: str) -> int:
    """End what a dead shim left running; how many processes that were.

    Args:
        tag: A variable of the script's environment, `NAME=value`, that no other process has.
    """
    wanted = tag.encode()
    killed: set[int] = set()
    deadline = time.monotonic() + _SWEEP_SECONDS
    quiet = 0
    while quiet < 2 and time.monotonic() < deadline:
        found = [pid for pid in processes.all_pids() if _belongs(pid, wanted)]
        processes.send(found, signal.SIGKILL)
        killed.update(found)
        quiet = 0 if found else quiet + 1
        if found:
            readable(seconds=_SWEEP_PAUSE)
    return len(killed)


def _belongs(pid: int, tag: bytes) -> bool:
    return (
        pid != os.getpid() and tag in processes.environment_of(pid) and processes.start_time(pid) is not None
    )
