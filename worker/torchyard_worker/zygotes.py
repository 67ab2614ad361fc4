"""Zygotes: for each runtime, an interpreter with torch loaded, from which scripts are forked.

What they do is in shim/zygote.py. One that dies or has grown is replaced; a job that comes meanwhile starts
cold.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import structlog

from torchyard.contracts.sayings import say
from torchyard_worker import isolation, job_venv
from torchyard_worker.attempts import growing_delays
from torchyard_worker.launching import Shim
from torchyard_worker.runtimes import InstalledRuntime
from torchyard_worker.shim import child
from torchyard_worker.waiting import readable
from torchyard_worker.wording import message_of

log = structlog.get_logger()

#: What scripts import first.
MODULES = ("torch", "numpy", "torch.nn", "torch.nn.functional", "torch.optim", "torch.utils.data")
#: Variables that it starts with beside PATH and HOME. One thread alone may be there when it is forked; how
#: many a script may use is said to the libraries in the child.
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONUNBUFFERED": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}
_PROGRAM = Path(__file__).parent / "shim" / "zygote.py"
_LOG = "zygote.log"
#: In the zygote: the descriptor of its end of the socket.
_CONTROL = 3
_MAX_GREETING, _MAX_SAID = 256 * 1024, 500
#: Seconds to import everything, on a slow disk; to answer an order; between two looks how large it is.
_LOAD_SECONDS, _ANSWER_SECONDS, _LOOK_SECONDS = 300.0, 10.0, 30.0
#: How much larger than at its start it may be: it does nothing that would make it grow.
_GROWTH = 1.5
#: Why there is none, while one is on its way.
_LOADING = say("cold_loading")


class ZygoteGone(Exception):
    """It has ended, or does not answer."""


class ZygoteUnfit(Exception):
    """What it loaded can't be had by forking; in words, for people."""


class Zygote:
    """One process that scripts are forked from.

    Attributes:
        pid: Its number.
        modules: Top-level names of the modules that it has loaded.
    """

    def __init__(self, directory: Path, installed: InstalledRuntime, modules: tuple[str, ...]) -> None:
        """Start it, and wait until everything is loaded.

        Args:
            directory: For its venv and log; made here, and removed at its end.
            installed: What it runs on.
            modules: What it imports, as far as the runtime has them.

        Raises:
            ZygoteGone: It could not be started, or ended.
            ZygoteUnfit: Importing fails, starts threads, or prints something, as a script's own would.
        """
        self._directory = directory
        self._lock = threading.Lock()
        venv = job_venv.make(directory / "venv", installed)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                self.pid = _spawn(venv.python, directory, theirs.fileno(), modules)
        except ZygoteGone:
            self._control.close()
            shutil.rmtree(directory, ignore_errors=True)
            raise
        self._pidfd = os.pidfd_open(self.pid)
        try:
            self.modules = self._greeting()
        except BaseException:
            self.close()
            raise
        self._first_size = self._size()

    def launch(self, directory: Path) -> Shim:
        """Start the shim of the attempt whose launch.json lies in `directory`.

        Raises:
            ZygoteGone: It was not started, and will not be.
        """
        with self._lock:
            try:
                self._control.send(os.fsencode(directory))
                if not readable(self._control.fileno(), seconds=_ANSWER_SECONDS):
                    self.kill()
                told, handles, _, _ = socket.recv_fds(self._control, 64, 1)
            except OSError as problem:
                raise ZygoteGone(str(problem)) from problem
        if not handles:
            raise ZygoteGone("it had no process to give")
        return Shim(directory, int(told), handles[0], ours=False)

    def hang_up(self) -> None:
        """Have it end; scripts go on."""
        with contextlib.suppress(OSError):  # it has ended
            self._control.shutdown(socket.SHUT_RDWR)

    def ended(self, seconds: float) -> bool:
        """Whether it has ended, or does so within this time."""
        return bool(readable(self._pidfd, seconds=seconds))

    def has_grown(self) -> bool:
        """Whether it is much larger than it was."""
        return self._size() > _GROWTH * self._first_size

    def kill(self) -> None:
        """End it at once; scripts that were forked from it go on."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def close(self) -> None:
        """End it, and remove what it had; scripts go on."""
        self.hang_up()
        if not self.ended(_ANSWER_SECONDS):
            self.kill()
        os.waitpid(self.pid, 0)
        with self._lock:
            self._control.close()
            os.close(self._pidfd)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _greeting(self) -> frozenset[str]:
        if not readable(self._control.fileno(), seconds=_LOAD_SECONDS):
            raise ZygoteGone(say("loading_too_slow", seconds=round(_LOAD_SECONDS)))
        told = self._control.recv(_MAX_GREETING)
        said = (self._directory / _LOG).read_text(errors="replace").strip()[-_MAX_SAID:]
        if not told:
            ended = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOWAIT)
            why = said.splitlines()[-1] if said else say("no_reason_given")
            if ended is not None and ended.si_code == os.CLD_EXITED:
                raise ZygoteUnfit(say("cold_failing", why=why))
            raise ZygoteGone(say("loading_killed", why=why))
        if said:
            raise ZygoteUnfit(say("cold_printing", line=said.splitlines()[-1]))
        return frozenset(json.loads(told)["modules"])

    def _size(self) -> int:
        """Pages of its memory; 0 once it has ended."""
        with contextlib.suppress(OSError):
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return 0


class _Keeper:
    """Sees that there is a zygote for one runtime, in a thread of its own."""

    def __init__(self, directory: Path, installed: InstalledRuntime, modules: tuple[str, ...]) -> None:
        self._directory = directory
        self._installed = installed
        self._modules = modules
        self._left = threading.Event()
        #: The zygote; in words why there is none.
        self.found: Zygote | str = _LOADING
        self._thread = threading.Thread(
            target=self._keep, name=f"zygote-{installed.runtime.name}", daemon=True
        )
        self._thread.start()

    def leave(self) -> None:
        """Let the zygote go."""
        self._left.set()
        if isinstance(self.found, Zygote):
            self.found.hang_up()

    def join(self, seconds: float) -> None:
        """Wait until it is gone, for so long at most."""
        self._thread.join(seconds)

    def _keep(self) -> None:
        """The outermost boundary of the keeper's thread."""
        name = self._installed.runtime.name
        try:
            for delay in growing_delays():
                try:
                    self._keep_one()
                except (ZygoteGone, OSError) as problem:
                    self.found = say("cold_unloadable", problem=message_of(problem))
                    log.warning("zygote_not_started", runtime=name, reason=str(problem))
                if self._left.wait(delay):
                    return
        except ZygoteUnfit as unfit:
            self.found = message_of(unfit)
            log.warning("zygote_unfit", runtime=name, reason=str(unfit))
        except Exception as problem:
            self.found = say("cold_broken", problem=problem)
            log.exception("zygote_keeper_broken", runtime=name)

    def _keep_one(self) -> None:
        """Start one, and have it serve for as long as it is fit to."""
        zygote = Zygote(self._directory / uuid.uuid4().hex, self._installed, self._modules)
        name = self._installed.runtime.name
        log.info("zygote_ready", runtime=name, pid=zygote.pid)
        self.found = zygote
        try:
            while not (self._left.is_set() or zygote.ended(_LOOK_SECONDS) or zygote.has_grown()):
                pass
            if not self._left.is_set():
                log.warning("zygote_replaced", runtime=name, pid=zygote.pid, ended=zygote.ended(0))
        finally:
            self.found = _LOADING
            zygote.close()


class Zygotes:
    """One for each runtime that jobs want, as many as may be there at once."""

    def __init__(self, directory: Path, *, most: int, modules: tuple[str, ...] = MODULES) -> None:
        """Start none yet.

        Args:
            directory: For what they need; emptied.
            most: As many as there may be at once; the one that was not wanted for the longest time goes.
            modules: What they import.
        """
        self._directory = directory
        self._most = most
        self._modules = modules
        self._lock = threading.Lock()
        #: By the runtime and the state of its packages; the one not wanted for the longest time first.
        self._keepers: OrderedDict[tuple[Path, int], _Keeper] = OrderedDict()
        shutil.rmtree(directory, ignore_errors=True)

    def find(self, installed: InstalledRuntime) -> Zygote | str:
        """The zygote of a runtime, which is started if it is not there; in words why there is none now."""
        if not self._most:
            return say("cold_not_kept")
        key = installed.interpreter, installed.changed_ns()
        with self._lock:
            if key not in self._keepers:
                self._make_room(installed.interpreter)
                self._keepers[key] = _Keeper(self._directory, installed, self._modules)
            self._keepers.move_to_end(key)
            return self._keepers[key].found

    def open(self, installed: Iterable[InstalledRuntime]) -> None:
        """Start those of these runtimes, as many as may be there."""
        for one in itertools.islice(installed, self._most):
            self.find(one)

    def close(self) -> None:
        """Let all of them go."""
        with self._lock:
            keepers = list(self._keepers.values())
            self._keepers.clear()
        for keeper in keepers:
            keeper.leave()
        for keeper in keepers:
            keeper.join(_ANSWER_SECONDS)

    def _make_room(self, interpreter: Path) -> None:
        """Let go of the one with other packages of the same runtime, else of the one wanted longest ago."""
        outdated = [key for key in self._keepers if key[0] == interpreter]
        spare = max(0, len(self._keepers) - len(outdated) - self._most + 1)
        others = [key for key in self._keepers if key[0] != interpreter]
        for key in [*outdated, *others[:spare]]:
            self._keepers.pop(key).leave()


def _spawn(python: Path, directory: Path, control: int, modules: tuple[str, ...]) -> int:
    """Start the process; its pid."""
    log_file = str(directory / _LOG)
    words = [str(python), str(_PROGRAM), str(_CONTROL), *modules]
    path = {"PATH": f"{python.parent}:{isolation.SYSTEM_PATH}", "HOME": str(directory)}
    try:
        return os.posix_spawn(
            python,
            words,
            ENVIRONMENT | path,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, control, _CONTROL),
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log_file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=child.DEFAULT_SIGNALS,
        )
    except OSError as problem:
        told = say("interpreter_unstartable", interpreter=python, problem=problem.strerror)
        raise ZygoteGone(told) from problem
