"""The zygote: an interpreter that has loaded what scripts import first, and is forked for each of them.

    VENV/bin/python zygote.py SOCKET MODULE...

SOCKET is the number of a descriptor: a SOCK_SEQPACKET pair with the worker. When all is loaded, it says
`{"modules": [...]}`: their top-level names. Then each message it gets is the path of an attempt's directory;
it answers with the shim's pid and a descriptor of that process. It ends when the worker's end is closed.

A shim and the process of its script are forked ahead, so that an order finds them waiting. There may be
one thread alone at a fork: a child of more hangs at its first matrix product.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import sys
import weakref

# This file is run by its path; behind everything else, and only until all of it is imported.
_paths = sys.path[1:]
sys.path[:] = [*_paths, __file__.rsplit("/", 3)[0]]

from torchyard_worker.shim import child, processes, shim, spool, warm  # noqa: E402 - found by the lines above

sys.path[:] = _paths

_MAX_MESSAGE = 16 * 1024


class Spare:
    """A shim, with its script's process, that waits for its attempt."""

    def __init__(self, pid: int, order: int) -> None:
        self._pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._order = order

    def take(self, directory: bytes, control: socket.socket) -> None:
        """Tell the worker which process it is, if it still is, and let it run the attempt.

        In this order: a worker that hears nothing knows that nothing was started, nor will be.
        """
        if select.select([self._pidfd], [], [], 0)[0]:
            control.send(b"ended")
        else:
            socket.send_fds(control, [str(self._pid).encode()], [self._pidfd])
            with contextlib.suppress(BrokenPipeError):  # the worker sees that it ended
                os.write(self._order, directory)
        os.close(self._order)
        os.close(self._pidfd)


class Zygote:
    """Forks spares, and hands them out."""

    def __init__(self, control: socket.socket, loaded: warm.Loaded) -> None:
        self._control = control
        self._loaded = loaded
        self._signals, writing = os.pipe()
        for end in (self._signals, writing):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # A stop that comes before a shim can take it waits until then.
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def serve(self) -> child.Waiting:
        """Serve the worker until it leaves; who returns is the process of a script."""
        while True:
            made = self._fork()
            if isinstance(made, child.Waiting):
                return made
            made.take(self._next_order(), self._control)

    def _next_order(self) -> bytes:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._signals, select.POLLIN)
        while True:
            handles = [handle for handle, _ in poll.poll()]
            if self._signals in handles:
                self._reap()
            if self._control.fileno() in handles:
                directory = self._control.recv(_MAX_MESSAGE)
                if not directory:
                    os._exit(0)  # the spare sees that, and ends as well
                return directory

    def _reap(self) -> None:
        os.read(self._signals, 4096)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _fork(self) -> Spare | child.Waiting:
        _check_threads()
        order, order_end = os.pipe()
        pid = os.fork()
        if pid:
            os.close(order)
            return Spare(pid, order_end)
        self._control.close()
        processes.close_all_but(self._loaded.handles | {order})
        return _wait(order)


def _wait(order: int) -> child.Waiting:
    """Be a shim, as soon as it is known of which attempt; who returns is its script's process."""
    os.setsid()
    processes.become_subreaper()
    script = child.fork()
    if isinstance(script, child.Waiting):
        return script
    directory = os.read(order, _MAX_MESSAGE).decode()
    os.close(order)
    if directory:
        log = os.open(f"{directory}/{spool.SHIM_LOG}", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for target in (1, 2):
            os.dup2(log, target)
        os.close(log)
        shim.attend(directory, script)
    os._exit(0)


def _load(names: list[str]) -> warm.Loaded:
    """Import what there is of these, and get ready to be forked."""
    for name in names:
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)
    processes.show_as(sys.orig_argv if sys.version_info >= (3, 10) else sys.argv, dict(os.environ))
    # At a script's end, what was there before it goes with the process: torch alone has hundreds of these.
    weakref.finalize._registry = {}  # type: ignore[attr-defined]
    _check_threads()
    gc.collect()
    processes.arrange_memory()
    gc.freeze()  # else the first collection of each child would copy all of it
    return warm.Loaded()


def _check_threads() -> None:
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        raise RuntimeError(f"there are {threads} threads, and only one of them would be in a child")


def _greet(control: socket.socket, loaded: warm.Loaded) -> None:
    """Tell the worker what is loaded."""
    names = {name.partition(".")[0] for name in loaded.modules} - {"__main__", "torchyard_worker"}
    control.send(json.dumps({"modules": sorted(names)}).encode())


if __name__ == "__main__":
    _control = socket.socket(fileno=int(sys.argv[1]))
    processes.close_all_but({0, 1, 2, _control.fileno()})
    _loaded = _load(sys.argv[2:])
    _loaded.handles.discard(_control.fileno())
    _greet(_control, _loaded)
    # Only the process of a script comes past this line, and nothing but these few is below it on its stack.
    _script = warm.become(Zygote(_control, _loaded).serve(), _loaded)
    _ended_by = None
    try:
        exec(_script.code, _script.namespace)  # noqa: S102 - this is what it is all for
    except BaseException as _problem:  # noqa: BLE001 - as Python itself does
        _ended_by = _problem
    del _script
    _code = warm.report(_ended_by) if _ended_by is not None else 0
    _ended_by = None
    warm.end(_code, _loaded)
