"""The script's own process: between fork and exec, and how its pipes are held."""

from __future__ import annotations

import os
import resource
import signal
from typing import Any, NoReturn

from torchyard_worker.shim import processes

#: Python ignores some of these, and passes that on through exec.
_DEFAULT_SIGNALS = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGTERM,
    signal.SIGCHLD,
    signal.SIGXFSZ,
)


class NotStarted(Exception):
    """The script's interpreter could not be started; in one sentence."""


def start(launch: dict[str, Any]) -> tuple[int, int, int]:
    """Start what `launch` describes, in a session of its own.

    Returns:
        Its pid, and the reading ends of its stdout and stderr.

    Raises:
        NotStarted: The system refused.
    """
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    complaint, complaint_end = os.pipe()
    shim = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _become(launch, shim, (out_end, err_end))
        except (OSError, ValueError) as problem:  # ValueError: a NUL in a word
            os.write(complaint_end, str(problem).encode()[:1000])
        finally:
            os._exit(127)
    for end in (out_end, err_end, complaint_end):
        os.close(end)
    # Closed by exec: then nothing is to be read.
    refusal = os.read(complaint, 1000)
    os.close(complaint)
    if refusal:
        os.waitpid(pid, 0)
        raise NotStarted(f"{launch['argv'][0]} could not be started: {refusal.decode(errors='replace')}")
    return pid, out, err


def _become(launch: dict[str, Any], shim: int, ends: tuple[int, int]) -> NoReturn:
    os.setsid()
    processes.die_with_parent()
    if os.getppid() != shim:  # it ended before it could be said
        os._exit(127)
    processes.give_up_new_privileges()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, handle in enumerate((nothing, *ends)):
        os.dup2(handle, target)
    os.chdir(launch["cwd"])
    environment = {_bytes(name): _bytes(value) for name, value in launch["env"].items()}
    words = [_bytes(word) for word in launch["argv"]]
    os.execve(words[0], words, environment)  # noqa: S606 - no shell is what is wanted


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
