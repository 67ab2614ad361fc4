"""A script in a process that was forked from a zygote: all has to be as with `python script.py`.

What an interpreter does between exec and the script's first line is done here by hand, and so is what it
does behind the last one: its own way of ending takes half a second with torch loaded. What can't be done
afterwards keeps a script from being started this way; see `warmth` in the worker.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import io
import os
import signal
import site
import sys
import threading
import time
import traceback
import types
import weakref
from typing import Any, Callable, NoReturn  # noqa: UP035

from torchyard_worker.shim import child, processes

#: Ways to tell an OpenBLAS how many threads to use, as its builds name them.
_SET_THREADS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)
#: What Python takes from `sys` first of all, in this order.
_DROPPED_FIRST = (
    "path", "argv", "ps1", "ps2", "last_exc", "last_type", "last_value", "last_traceback", "path_hooks",
    "path_importer_cache", "meta_path",
)  # fmt: skip
#: Python's exit code when its last words could not be written.
_NOT_FLUSHED = 120


class Loaded:
    """What an interpreter has loaded before it is known for which script.

    Attributes:
        modules: Its modules by name, kept from being freed at the end, which would take long.
        handles: Descriptors that they, and it, have open.
    """

    def __init__(self) -> None:
        self.modules = dict(sys.modules)
        #: Found now: a look at each name in the child would copy every page that has one.
        self.ours = [name for name in sys.modules if name.partition(".")[0] == "torchyard_worker"]
        self.handles = processes.open_handles()
        self._set_threads = _openblas_setters()
        self._torch: Any = sys.modules.get("torch")
        self._numpy_random: Any = sys.modules.get("numpy.random")

    def seed(self) -> None:
        """Let this process draw random numbers of its own; `random` sees to that itself."""
        if self._numpy_random is not None:
            self._numpy_random.seed()
        if self._torch is not None:
            # Not torch.seed(): CUDA's generators begin with the same number in every process.
            self._torch.default_generator.seed()

    def use_threads(self, count: int) -> None:
        """Let torch and numpy use as many threads as OMP_NUM_THREADS would have had them; they use one."""
        if count == 1:
            return
        if self._torch is not None:
            self._torch.set_num_threads(count)
        for set_threads in self._set_threads:
            set_threads(count)


class Script:
    """A script that is about to run in this process; `exec` it in `namespace`.

    Attributes:
        code: What is to be executed.
        namespace: Where: its own `__main__`.
    """

    def __init__(self, name: str, again: Callable[[], NoReturn]) -> None:
        """Read it.

        Args:
            name: Its file, in the working directory.
            again: Starts it anew, by exec; taken if it can't be read or understood, as only Python's own
                way of reading a file tells that in Python's own words.
        """
        path = os.path.join(os.getcwd(), name)
        try:
            with open(path, "rb") as file:
                self.code = compile(file.read(), path, "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):
            again()
        main = types.ModuleType("__main__")
        main.__dict__.update(
            __loader__=importlib.machinery.SourceFileLoader("__main__", path),
            __annotations__={},
            __builtins__=sys.modules["builtins"],
            __file__=path,
            __cached__=None,
        )
        sys.modules["__main__"] = main
        if "__mp_main__" in sys.modules:
            sys.modules["__mp_main__"] = main
        self.namespace = main.__dict__


def become(waiting: child.Waiting, loaded: Loaded) -> Script:
    """Be what the shim says from here on, but for running it."""
    loaded.seed()
    launch = waiting.launch()
    try:
        os.chdir(launch["cwd"])
        _take_environment(launch)
        _take_place(launch["argv"])
        loaded.use_threads(int(launch["env"].get("OMP_NUM_THREADS", "1")))
    except (OSError, ValueError) as problem:
        waiting.refuse(problem)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    _forget_the_zygote(loaded)
    waiting.started()
    processes.close_all_but(loaded.handles)
    return Script(launch["argv"][1], lambda: child.execute(launch))


def report(problem: BaseException) -> int:
    """Print what ended the script, as Python does.

    Args:
        problem: Its traceback begins in the frame that ran the script.

    Returns:
        The exit code, or the negative number of the signal that is to end the process.
    """
    if isinstance(problem, SystemExit):
        return _exit_code(problem)
    trace = problem.__traceback__.tb_next if problem.__traceback__ else None
    problem.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = type(problem), problem, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = problem
    try:
        sys.excepthook(type(problem), problem, trace)
    except SystemExit as ended:
        return _exit_code(ended)
    except BaseException as failure:  # noqa: BLE001 - as Python itself does
        after = failure.__traceback__.tb_next if failure.__traceback__ else None
        _say("Error in sys.excepthook:\n", failure.with_traceback(after))
        _say("\nOriginal exception was:\n", problem)
    return -signal.SIGINT if isinstance(problem, KeyboardInterrupt) else 1


def end(code: int, loaded: Loaded) -> NoReturn:
    """End this process as Python ends: threads, what was registered for the end, what still is there.

    Args:
        code: The exit code, or the negative number of a signal.
        loaded: What there was before the script; it goes with the process.
    """
    _unraised(threading._shutdown, threading)  # type: ignore[attr-defined]
    with contextlib.suppress(Exception):  # Python 3.9 raises what it has printed
        atexit._run_exitfuncs()
    written = _flush(sys.stdout) & _flush(sys.stderr)
    _drop_modules(loaded)
    written &= _flush(sys.__stdout__) & _flush(sys.__stderr__)
    ctypes.CDLL(None).fflush(None)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code if written else _NOT_FLUSHED)


def _take_environment(launch: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(launch["env"])
    processes.show_as(launch["argv"], launch["env"])


def _take_place(argv: list[str]) -> None:
    """Be started as `argv` says: in another venv, of the same interpreter and packages."""
    old, new = sys.prefix, os.path.dirname(os.path.dirname(argv[0]))
    if os.path.exists(f"{new}/pyvenv.cfg"):
        sys.prefix = sys.exec_prefix = new
        for number, entry in enumerate(sys.path):
            if entry.startswith(f"{old}/"):
                sys.path[number] = new + entry[len(old) :]
        site.PREFIXES[:] = [new if entry == old else entry for entry in site.PREFIXES]
        if "sysconfig" in sys.modules:  # keeps what it made of it
            importlib.reload(sys.modules["sysconfig"])
    sys.executable = argv[0]
    sys.argv[:] = argv[1:]
    sys.path.insert(0, os.getcwd())
    if sys.version_info >= (3, 10):
        sys.orig_argv[:] = argv


def _forget_the_zygote(loaded: Loaded) -> None:
    """Let what was loaded begin anew where it has taken note of the process or of its time."""
    for name in loaded.ours:
        del sys.modules[name]
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None:
        tempfile.tempdir = None
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = os.getcwd()
        process.current_process().authkey = os.urandom(32)
    logging: Any = sys.modules.get("logging")
    if logging is not None:
        logging._startTime = time.time_ns() if isinstance(logging._startTime, int) else time.time()
    main_thread: Any = threading.main_thread()
    if main_thread.native_id != threading.get_native_id():
        main_thread._set_native_id()


def _exit_code(ended: SystemExit) -> int:
    if ended.code is None:
        return 0
    if isinstance(ended.code, int):
        return ended.code & 0xFF
    _flush(sys.stdout)
    sys.stderr.write(f"{ended.code}\n")
    return 1


def _say(title: str, problem: BaseException) -> None:
    sys.stderr.write(title)
    traceback.print_exception(type(problem), problem, problem.__traceback__)


def _unraised(call: Callable[[], object], whose: object) -> bool:
    """Call it, and tell what it raises, which goes no further; whether that was nothing."""
    try:
        call()
    except BaseException as problem:  # noqa: BLE001 - as Python itself does
        trace = problem.__traceback__.tb_next if problem.__traceback__ else None
        if sys.unraisablehook is sys.__unraisablehook__:  # takes nothing that Python code can make
            _say(f"Exception ignored in: {whose!r}\n", problem.with_traceback(trace))
        else:
            told = {"exc_type": type(problem), "exc_value": problem, "exc_traceback": trace}
            arguments: Any = types.SimpleNamespace(**told, err_msg=None, object=whose)
            sys.unraisablehook(arguments)
        return False
    return True


def _flush(stream: Any) -> bool:
    """Whether all that was written into the stream has gone where it goes."""
    return stream is None or getattr(stream, "closed", False) or _unraised(stream.flush, stream)


def _drop_modules(loaded: Loaded) -> None:
    """Free what the script and its modules hold: files are written, and objects hear of their end."""
    for name in _DROPPED_FIRST:
        setattr(sys, name, None)
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    sys.modules.pop("__mp_main__", None)
    _flush_files()
    own = [name for name in sys.modules if name == "__main__" or name not in loaded.modules]
    left = [weakref.ref(sys.modules.pop(name)) for name in own]
    for name in sys.modules:
        sys.modules[name] = None  # type: ignore[assignment]
    gc.collect()
    for reference in reversed(left):
        module = reference()
        if module is not None:
            _clear(module.__dict__)
    gc.collect()


def _flush_files() -> None:
    """Have files written that nobody closed: a collection may close what is below their buffers first."""
    for kind in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
        for file in [found for found in gc.get_objects() if type(found) is kind]:
            with contextlib.suppress(OSError, ValueError):  # on a full disk, or closed
                file.flush()


def _clear(namespace: dict[str, Any]) -> None:
    """Names with an underscore first, the builtins never: as Python does it."""
    for private in (True, False):
        for name in list(namespace):
            if name != "__builtins__" and (not private or (name[:1] == "_" and name[:2] != "__")):
                namespace[name] = None


def _openblas_setters() -> list[Callable[[int], object]]:
    """For each OpenBLAS that is loaded, how to tell it the number of its threads."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split(maxsplit=5)[5].strip() for line in maps if "openblas" in line}
    libraries = [ctypes.CDLL(path) for path in sorted(paths)]
    found = [next((name for name in _SET_THREADS if hasattr(one, name)), None) for one in libraries]
    return [getattr(one, name) for one, name in zip(libraries, found) if name]
