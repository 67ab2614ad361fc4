"""Runs one script: `python -I -S shim.py ATTEMPT_DIRECTORY`. See spool.py for what it reads and writes.

It owns the script's process tree, both pipes, the logs, the time limit and the grace time. It holds no
secret, speaks no network, waits for nobody, and outlives the worker that started it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from typing import Any

# This file is run by its path and without site-packages; behind the standard library, not before it.
sys.path.append(__file__.rsplit("/", 3)[0])

from torchyard_worker.shim import child, processes, spool
from torchyard_worker.shim.fence import Fence
from torchyard_worker.shim.logs import Logs
from torchyard_worker.shim.samples import Sampler

#: Bytes read from a pipe at once: as many as it holds.
_READ_BYTES = 256 * 1024
#: A pipe that is written to again so many seconds after it was read gets as large as that, if the system
#: allows it, and is then left alone for as long, so that its output comes together. Not one that takes turns
#: with the other: which of the two was written to first could not be told any more.
_BUSY_SECONDS = 0.001
#: Seconds that a begun line of one stream may hold up the other stream.
_LINE_SECONDS = 0.005
#: Seconds that processes the script left may take to end by themselves, as multiprocessing's helpers do.
_LINGER_SECONDS = 0.5
#: Seconds between two looks at what is still there to be killed.
_KILL_AGAIN_SECONDS = 0.01
#: Seconds after which a process that SIGKILL does not end is left to the kernel.
_UNKILLABLE_SECONDS = 60.0
#: Seconds of silence after which a pipe is closed that somebody outside the tree holds open.
_FOREIGN_SECONDS = 1.0


class Shim:
    """One script, from its start to exit.json."""

    def __init__(self, directory: str, launch: dict[str, Any], script: child.Child) -> None:
        self._directory = directory
        self._launch = launch
        self._logs = Logs(directory)
        self._streams: dict[int, bool] = {}
        self._open_line: int | None = None
        self._resting: int | None = None
        #: The pipe that was read last, and when.
        self._last_read: tuple[int | None, float] = None, float("-inf")
        self._poll = select.poll()
        self._signals = _open_signals()
        self._poll.register(self._signals, select.POLLIN)
        self._child = script
        self._script = script.pid
        self._status: int | None = None
        self._childless = False
        self._cause = "exited"
        self._limit_at = self._kill_at = float("inf")
        self._fence = Fence(directory, launch.get("fence_seconds"))
        self._sampler = Sampler(directory)
        self._facts: dict[str, Any] = {
            "peak_rss_bytes": 0,
            "killed_after_grace": False,
            "killed_leftovers": 0,
            "unkillable": False,
            "fenced": False,
        }

    def run(self) -> None:
        """Start the script, see it through, and write down how it ended."""
        if self._fence.grace_left() is not None:
            self._cause, self._facts["fenced"] = "worker_lost", True
        else:
            self._run_script()
        self._write_exit()

    def _run_script(self) -> None:
        try:
            self._start()
        except child.NotStarted as refusal:
            self._cause, self._facts["detail"] = "internal", str(refusal)
        else:
            self._see_through()

    def _start(self) -> None:
        self._child.begin(self._launch)
        self._facts["started_ms"] = _now_ms()
        for pipe, is_stderr in ((self._child.out, False), (self._child.err, True)):
            os.set_blocking(pipe, False)
            self._streams[pipe] = is_stderr
            self._poll.register(pipe, select.POLLIN)
        if self._launch["timeout_seconds"]:
            self._limit_at = time.monotonic() + self._launch["timeout_seconds"]
        spool.write_json(
            self._directory,
            spool.SHIM,
            {**_identity(), "script_pid": self._script, "started_ms": self._facts["started_ms"]},
        )
        self._logs.ring()

    def _see_through(self) -> None:
        while self._status is None:
            self._turn(float("inf"))
        lingering = time.monotonic() + _LINGER_SECONDS
        while not self._childless and time.monotonic() < lingering:
            self._turn(lingering)
        self._facts["killed_leftovers"] = self._kill_everything()
        while self._streams and self._turn(time.monotonic() + _FOREIGN_SECONDS):
            pass

    def _turn(self, until: float) -> bool:
        """Take in what happens next; False if nothing did."""
        due = until
        if self._status is None:
            due = min(until, self._limit_at, self._kill_at, self._fence.look_at, self._sampler.due)
        events = self._wait(due)
        for handle, _ in events:
            if handle == self._signals:
                self._take_signals()
            elif handle in self._streams:
                self._finish_line(handle)
                self._read(handle)
        if self._status is None:
            self._watch_clock(time.monotonic())
        return bool(events)

    def _wait(self, until: float) -> list[tuple[int, int]]:
        """What can be read, as soon as something can."""
        if self._resting is not None:
            pipe, self._resting = self._resting, None
            self._poll.modify(pipe, 0)
            others = self._poll.poll(_BUSY_SECONDS * 1000)
            self._poll.modify(pipe, select.POLLIN)
            # First what was written before: the others would have been seen at once.
            return [(pipe, select.POLLIN), *(event for event in others if event[0] != pipe)]
        left = until - time.monotonic()
        return self._poll.poll(None if left == float("inf") else max(0.0, left) * 1000 + 1)

    def _finish_line(self, pipe: int) -> None:
        """Let the other stream end a line it has begun, if it does so at once.

        Which of two pipes was written to first is not to be known; but print() writes a line in pieces.
        """
        deadline = time.monotonic() + _LINE_SECONDS
        while self._open_line not in {None, pipe} and (left := deadline - time.monotonic()) > 0:
            if select.select([self._open_line], [], [], left)[0]:
                self._read(self._open_line)

    def _read(self, pipe: int) -> None:
        try:
            data = os.read(pipe, _READ_BYTES)
        except BlockingIOError:  # read a moment ago, to finish a line
            return
        self._open_line = None if not data or data.endswith(b"\n") else pipe
        if data:
            self._logs.add(data, is_stderr=self._streams[pipe])
            (last, read_at), now = self._last_read, time.monotonic()
            if pipe == last and now - read_at < 2 * _BUSY_SECONDS and _has_grown(pipe):
                self._resting = pipe
            self._last_read = pipe, now
        else:
            self._poll.unregister(pipe)
            os.close(pipe)
            del self._streams[pipe]
            if self._resting == pipe:
                self._resting = None

    def _take_signals(self) -> None:
        numbers = os.read(self._signals, 4096)
        self._reap()
        if signal.SIGTERM in numbers and self._status is None:
            wish = spool.read_json(self._directory, spool.STOP) or {}
            grace = self._launch["grace_seconds"]
            self._stop(wish.get("cause", "cancelled"), min(grace, wish.get("grace_seconds", grace)))

    def _watch_clock(self, now: float) -> None:
        if now >= self._fence.look_at:
            self._keep_fence()
        if now >= self._kill_at:
            self._facts["killed_after_grace"] = True
            self._kill_everything()
        elif now >= self._limit_at:
            self._limit_at = float("inf")
            self._stop("timeout", self._launch["grace_seconds"])
        if now >= self._sampler.due and self._sampler.measure():
            self._logs.ring()

    def _keep_fence(self) -> None:
        grace = self._fence.grace_left()
        if grace is not None:
            self._facts["fenced"] = True
            self._stop("worker_lost", min(grace, self._launch["grace_seconds"]))

    def _stop(self, cause: str, grace_seconds: float) -> None:
        """Ask the script to end, once; asked again, it may only get less time."""
        asked_before = self._kill_at < float("inf")
        self._kill_at = min(self._kill_at, time.monotonic() + grace_seconds)
        if asked_before:
            return
        self._cause = cause
        with contextlib.suppress(ProcessLookupError):  # it ended this moment
            os.killpg(self._script, signal.SIGTERM)

    def _kill_everything(self) -> int:
        """End whatever descends from this process, daemons too; how many did not end by themselves."""
        killed: set[int] = set()
        deadline = time.monotonic() + _UNKILLABLE_SECONDS
        self._reap()
        while not self._childless and not self._facts["unkillable"]:
            # A child may have children by now: again, until the kernel says that there is none.
            found = processes.descendants(os.getpid())
            processes.send(found, signal.SIGKILL)
            killed.update(found)
            if select.select([self._signals], [], [], _KILL_AGAIN_SECONDS)[0]:
                self._take_signals()
            self._reap()
            self._facts["unkillable"] = time.monotonic() >= deadline
        if self._status is None and self._facts["unkillable"]:
            self._status = signal.SIGKILL
        return len(killed)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self._childless = True
                return
            if pid == 0:
                return
            # Linux counts this one in KiB.
            self._facts["peak_rss_bytes"] = max(self._facts["peak_rss_bytes"], usage.ru_maxrss * 1024)
            if pid == self._script:
                self._status = status
                self._facts["ended_ms"] = _now_ms()

    def _write_exit(self) -> None:
        self._sampler.finish()
        if self._status is not None:
            code = os.WEXITSTATUS(self._status) if os.WIFEXITED(self._status) else None
            number = os.WTERMSIG(self._status) if os.WIFSIGNALED(self._status) else None
            self._facts.update(exit_code=code, signal=number)
        spool.write_exit(
            self._directory, {"cause": self._cause, **self._facts, "log_lost_bytes": self._logs.lost}
        )
        self._logs.ring()


def _has_grown(pipe: int) -> bool:
    """Whether the pipe holds much; it is made to, if that is allowed."""
    try:
        return (
            fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) >= _READ_BYTES
            or fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _READ_BYTES) >= _READ_BYTES
        )
    except OSError:  # its user has many large ones
        return False


def _open_signals() -> int:
    """A descriptor from which the numbers of arriving signals can be read."""
    reading, writing = os.pipe()
    for end in (reading, writing):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The worker starts this process with SIGTERM blocked, so that none comes before the handler.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    return reading


def _identity() -> dict[str, Any]:
    pid = os.getpid()
    return {"pid": pid, "start": processes.start_time(pid), "boot": processes.boot_id()}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def attend(directory: str, script: child.Child) -> None:
    """Run the attempt in this directory, unless it was given up before its shim was up.

    Args:
        directory: The attempt's.
        script: The process that becomes the script.
    """
    launch = spool.read_json(directory, spool.LAUNCH)
    if launch is None or not spool.create_json(directory, spool.SHIM, _identity()):
        return
    spool.reserve_exit(directory)
    Shim(directory, launch, script).run()


def main(directory: str) -> None:
    """Run the attempt in this directory, with an interpreter of its own for the script."""
    processes.close_all_but({0, 1, 2})
    if os.getsid(0) != os.getpid():
        os.setsid()
    processes.become_subreaper()
    script = child.fork()
    if isinstance(script, child.Child):
        attend(directory, script)
        return
    launch = script.launch()
    try:
        child.execute(launch)
    except (OSError, ValueError) as problem:
        script.refuse(problem)


if __name__ == "__main__":
    main(sys.argv[1])
    os._exit(0)  # everything is on disk; the interpreter's own end would only take time
