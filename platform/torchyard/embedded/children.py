"""The processes that `up` starts: each in a session of its own, restarted when it dies, gone when `up` is.

The terminal's Ctrl-C reaches `up` alone, which then ends its children in order. Should `up` itself be killed,
the kernel sends each child a SIGTERM. What children leave behind is adopted by `up`, which ends that too.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Say = Callable[[str], None]

#: Seconds before an ended child is started again, doubled with each time it ends within `SETTLED` seconds.
FIRST_DELAY, LONGEST_DELAY, SETTLED = 1.0, 60.0, 60.0
#: A log of an earlier time that is larger is put aside when its program starts.
LOG_BYTES = 10 * 1024 * 1024
#: Seconds after which a process that even SIGKILL does not end is left alone.
UNKILLABLE = 5.0

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
#: Runs in the child before its program does: binds it to its parent's life, and receives signals again.
_TETHER = f"""
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]): sys.exit(1)
signal.pthread_sigmask(signal.SIG_SETMASK, ())
os.execv(sys.argv[2], sys.argv[2:])
"""


class Stopped(Exception):
    """Somebody asked `up` to stop."""


@contextmanager
def guarded() -> Iterator[None]:
    """Signals arrive only where `pause` waits for them, and orphans come to this process."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _stop_signals() | {signal.SIGCHLD})
    try:
        yield
    finally:
        while signal.sigtimedwait(_stop_signals(), 0):
            pass  # a late Ctrl-C has nothing left to stop
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def pause(seconds: float) -> bool:
    """Wait; shorter if a child ended, and then the answer is true.

    Raises:
        Stopped: SIGINT, SIGTERM or SIGHUP arrived.
    """
    received = signal.sigtimedwait(_stop_signals() | {signal.SIGCHLD}, max(0.0, seconds))
    if received is None:
        return False
    if received.si_signo != signal.SIGCHLD:
        raise Stopped
    return True


def _stop_signals() -> set[signal.Signals]:
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # as nohup leaves it
    return {signal.SIGINT, signal.SIGTERM} | (set() if ignored else {signal.SIGHUP})


def spawn(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    errors: int | None = None,
) -> "subprocess.Popen[bytes]":
    """A process tied to this one; its stdin is a pipe. Only for the main thread: the tie is to the thread."""
    return subprocess.Popen(
        [sys.executable, "-ISc", _TETHER, str(os.getpid()), *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=errors,
        env=environment,
        start_new_session=True,
    )


@dataclass(frozen=True)
class Program:
    """What a child runs.

    Attributes:
        name: How it is called in messages.
        command: Absolute path of the program, and its arguments.
        environment: All of its environment.
        log: Where its stdout and stderr go.
        patience: Seconds it has to end by itself after SIGTERM.
        stdin: What it reads from stdin.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    patience: float
    stdin: bytes = b""


class Child:
    """A program that is kept running."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._delay = FIRST_DELAY
        self._start_at: float | None = None
        self._start()

    def _start(self) -> None:
        self._start_at = None
        self._started = time.monotonic()
        log = self.program.log
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:  # noqa: PTH123
            self._log_start = output.tell()
            self.process = spawn(self.program.command, self.program.environment, output, subprocess.STDOUT)
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as stdin:
            stdin.write(self.program.stdin)

    @property
    def ended(self) -> str | None:
        """How it ended, or None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def last_line(self) -> str:
        """The last thing it wrote since it was started."""
        with self.program.log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
        return last.removeprefix("torchyard: ")

    def keep_running(self, say: Say) -> None:
        """Start it again some time after it ended."""
        how, now = self.ended, time.monotonic()
        if how is None:
            return
        if self._start_at is None:
            self._delay = FIRST_DELAY if now - self._started > SETTLED else self._delay
            self._start_at = now + self._delay
            name, log = self.program.name, self.program.log
            say(f"{name} ended ({how}); starting it again in {self._delay:.0f} s; see {log}")
        elif now >= self._start_at:
            self._delay = min(2 * self._delay, LONGEST_DELAY)
            self._start()

    def stop(self, *, hurry: bool) -> bool:
        """End it, by force when it takes too long.

        Returns:
            Whether to hurry from now on: somebody asked again.
        """
        deadline = time.monotonic() + self.program.patience
        self._signal(signal.SIGTERM)
        while self.ended is None and not hurry and time.monotonic() < deadline:
            try:
                pause(0.5)
            except Stopped:
                hurry = True
        self._signal(signal.SIGKILL)
        self.process.wait()
        return hurry

    def _signal(self, number: signal.Signals) -> None:
        if self.ended is None:
            self.process.send_signal(number)


class Children:
    """All of them, in the order of their start."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._children: list[Child] = []

    def start(self, program: Program) -> Child:
        """Start another one."""
        child = Child(program)
        self._children.append(child)
        return child

    def watch(self) -> None:
        """Keep them running.

        Raises:
            Stopped: Somebody asked to stop.
        """
        while True:
            if pause(1.0):
                self._adopted()
            for child in self._children:
                child.keep_running(self._say)

    def stop(self) -> None:
        """End them, the last started first, then what they left behind. Asked again, do it at once."""
        hurry = False
        for child in reversed(self._children):
            hurry = child.stop(hurry=hurry)
        deadline = time.monotonic() + UNKILLABLE
        while (left := self._adopted()) and time.monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(Stopped):
                pause(0.1)

    def _adopted(self) -> list[int]:
        """Living processes that came to this one because their parent ended; ended ones are cleared away."""
        own = {child.process.pid for child in self._children}
        living = []
        for pid in _children_of(os.getpid()) - own:
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    living.append(pid)
        return living


def _children_of(parent: int) -> set[int]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                # pid (name) state ppid …; the name may hold anything, a parenthesis too
                if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                    found.add(int(entry.name))
    return found
