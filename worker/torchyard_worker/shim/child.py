"""The script's own process, forked before it is known which script that will be, and its pipes."""

from __future__ import annotations

import json
import os
import resource
import signal
from typing import Any, NoReturn

from torchyard_worker.shim import processes

#: Python ignores some of these, and passes that on through exec.
DEFAULT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGCHLD,
    signal.SIGXFSZ,
)
_MAX_COMPLAINT = 1000


class NotStarted(Exception):
    """The script could not be started; in one sentence."""


class Child:
    """The process as its shim sees it.

    Attributes:
        pid: Its number.
        out: The reading end of its stdout.
        err: The reading end of its stderr.
    """

    def __init__(self, pid: int, out: int, err: int, order: int, complaint: int) -> None:
        self.pid, self.out, self.err = pid, out, err
        self._order = order
        self._complaint = complaint

    def begin(self, launch: dict[str, Any]) -> None:
        """Have it become what `launch` describes.

        Raises:
            NotStarted: The system refused.
        """
        with os.fdopen(self._order, "wb") as order:
            order.write(json.dumps(launch).encode())
        # Closed as soon as it is the script: then nothing is to be read.
        refusal = os.read(self._complaint, _MAX_COMPLAINT)
        os.close(self._complaint)
        if refusal:
            os.waitpid(self.pid, 0)
            raise NotStarted(f"{launch['argv'][0]} could not be started: {refusal.decode(errors='replace')}")


class Waiting:
    """The process as it sees itself, until it is told which script it is to become."""

    def __init__(self, order: int, complaint: int) -> None:
        self._order = order
        self._complaint = complaint

    def launch(self) -> dict[str, Any]:
        """What it is to become; the process ends here if nothing ever is."""
        with os.fdopen(self._order, "rb") as order:
            told = order.read()
        if not told:
            os._exit(127)
        launch: dict[str, Any] = json.loads(told)
        return launch

    def refuse(self, problem: Exception) -> NoReturn:
        """Tell the shim why nothing came of it, and end."""
        os.write(self._complaint, str(problem).encode()[:_MAX_COMPLAINT])
        os._exit(127)

    def started(self) -> None:
        """Tell the shim that all went well."""
        os.close(self._complaint)


def fork() -> Child | Waiting:
    """Fork, as `os.fork` does: the shim gets the child, the child a `Waiting`, in a session of its own."""
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    order, order_end = os.pipe()
    complaint, complaint_end = os.pipe()
    shim = os.getpid()
    pid = os.fork()
    if pid:
        for end in (out_end, err_end, order, complaint_end):
            os.close(end)
        return Child(pid, out, err, order_end, complaint)
    for end in (out, err, order_end, complaint):
        os.close(end)
    os.setsid()
    processes.die_with_parent()
    if os.getppid() != shim:  # it ended before it could be said
        os._exit(127)
    processes.give_up_new_privileges()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, handle in enumerate((nothing, out_end, err_end)):
        os.dup2(handle, target)
        os.close(handle)
    return Waiting(order, complaint_end)


def execute(launch: dict[str, Any]) -> NoReturn:
    """Become what `launch` describes, by exec.

    Raises:
        OSError: The system refuses.
        ValueError: There is a NUL in a word.
    """
    for number in DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.chdir(launch["cwd"])
    environment = {_bytes(name): _bytes(value) for name, value in launch["env"].items()}
    words = [_bytes(word) for word in launch["argv"]]
    os.execve(words[0], words, environment)  # noqa: S606 - no shell is what is wanted


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
